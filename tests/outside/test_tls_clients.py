"""Real clients over wss: openssl, curl, node's ws, python3-websockets and a
browser; and messages in records of all sizes, cut between any two bytes."""

import asyncio
import os
import ssl
import subprocess
import sys

import websockets

import tls
from rawclient import BINARY, TEXT, close, frame, request
from browser import Browser
from tap import Tap
from tls import Authority, TlsListener, s_client, secure
from ws_test import PATIENCE, logged

HERE = os.path.dirname(os.path.abspath(__file__))
VERSIONS = [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3]
MANY = 3 << 20
NETSTRING_ECHO = [sys.executable, os.path.join(HERE, "netstring_echo.py")]
SERVICES = [    # operands, options
    (["echo:"], []),
    (["cat"], []),
    (NETSTRING_ECHO, ["--format", "netstring"]),
]


def url(server):
    return "wss://localhost:%d/" % server.address[1]


def payload_of(data):
    """What the frames behind a response hold: echo: cuts as it reads."""
    rest, payload = data.partition(b"\r\n\r\n")[2], b""
    while len(rest) > 1:
        size, at = rest[1] & 127, 2
        if size == 126:
            size, at = int.from_bytes(rest[2:4], "big"), 4
        payload += rest[at:at + size]
        rest = rest[at + size:]
    return payload


# Each returns what came for a text of this size.

async def websocket_talk(server, ca, version, size):
    async with websockets.connect(
            url(server), ssl=ca.context(version), max_size=None) as ws:
        await ws.send("x" * size)
        return await ws.recv()


def python(server, ca, version, size):
    return asyncio.run(websocket_talk(server, ca, version, size))


NODE = """
const WebSocket = require("ws");
const [url, ca, version, size] = process.argv.slice(2);
const ws = new WebSocket(url, {ca: require("fs").readFileSync(ca),
    minVersion: version, maxVersion: version});
ws.on("open", () => ws.send("x".repeat(+size)));
ws.on("message", data => { process.stdout.write(data); ws.close(1000); });
"""


def node(server, ca, version, size):
    ran = subprocess.run(
        ["node", "-e", NODE, "x", url(server), ca.cert,
         version.name.replace("v1_", "v1."), str(size)],
        capture_output=True, timeout=PATIENCE, check=True,
        env={**os.environ, "NODE_PATH": "/usr/share/nodejs"})
    return ran.stdout.decode()


def openssl(server, ca, version, size):
    """What comes behind the 101 is a frame with the text in it."""
    process = subprocess.Popen(
        ["openssl", "s_client", "-quiet", "-connect",
         "%s:%d" % server.address, "-CAfile", ca.cert, "-verify_return_error",
         "-servername", "localhost", "-" + version.name.lower().replace(
             "v1_", "1_")],
        stdin=subprocess.PIPE, stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL)
    process.stdin.write(request(server.host) + frame(TEXT, b"x" * size))
    process.stdin.flush()
    got = b""
    while len(payload_of(got)) < size:
        more = process.stdout.read1(65536)
        if not more:
            break
        got += more
    process.stdin.write(close(1000))
    process.stdin.close()
    process.stdout.close()
    process.wait(PATIENCE)
    return payload_of(got).decode(errors="replace")


def test_clients(tap, ca, pair):
    for operands, options in SERVICES:
        with TlsListener(operands, pair, options) as server:
            for version in VERSIONS:
                for client in (python, node, openssl):
                    got = client(server, ca, version, 30000)
                    tap.ok(got == "x" * 30000, "%s by %s: %s"
                           % (client.__name__, version.name, operands[0]),
                           got[:200])
            tap.ok(logged(server, "close=1000/1000"), "they end in order",
                   server.log())


def test_curl(tap, ca, pair):
    with TlsListener(["echo:"], pair, ["--console"]) as server:
        for version in ("1.2", "1.3"):
            ran = subprocess.run(
                ["curl", "-sS", "--noproxy", "*", "--cacert", ca.cert,
                 "--tlsv" + version, "--tls-max", version, "--resolve",
                 "localhost:%d:127.0.0.1" % server.address[1],
                 "-w", "%{http_code} %{http_version}", "-o", "/dev/null",
                 "https://localhost:%d/" % server.address[1]],
                capture_output=True, text=True, check=False,
                timeout=PATIENCE)
            tap.ok(ran.stdout == "200 1.1", "curl, which offers h2 as well, "
                   "has a page by TLS " + version, (ran.stdout, ran.stderr))


PAGE = """
const [url, done] = [arguments[0], arguments[1]];
const ws = new WebSocket(url);
const text = "x".repeat(300000);
ws.onopen = () => ws.send(text);
ws.onmessage = e => { ws.close(1000);
    ws.onclose = c => done([e.data === text, c.code, c.wasClean]); };
ws.onerror = () => done("error");
"""


def test_browser(tap, ca, pair):
    with TlsListener(["cat"], pair, ["--console"]) as server:
        with Browser(["--ignore-certificate-errors"]) as chromium:
            chromium.open("https" + url(server)[3:])
            tap.ok("ws-cgi" in chromium.title(),
                   "Chromium has a page by https", chromium.title())
            saw = chromium.run_async(PAGE, url(server))
            tap.ok(saw == [True, 1000, True], "and talks by wss from it", saw)
        tap.ok(logged(server, "close=1000/1000"), "which ends in order",
               server.log())


def test_both_ways(tap, ca, pair):
    """3 MiB each way at the same time, and neither waits for the other."""
    data = [bytes([65 + i % 26]) * 65536 for i in range(MANY >> 16)]
    frames = b"".join(frame(TEXT, text) for text in data)
    for operands, options in SERVICES[:2]:
        for version in VERSIONS:
            with TlsListener(operands, pair, options) as server, \
                    tls.opened(server, ca, version=version) as connection:
                tap.ok(connection.send(frames) and all(
                    connection.event(PATIENCE) == ("text", text)
                    for text in data), "%s, %s: 3 MiB there and back at once"
                    % (operands[0], version.name))
    with TlsListener(["echo:"], pair) as server, \
            tls.opened(server, ca) as connection:
        connection.send(frame(BINARY, b"x" * MANY))
        tap.ok(connection.event(PATIENCE) == ("binary", b"x" * MANY),
               "and one message of 3 MiB")


def test_records(tap, ca, pair):
    """The plain text in records of 1 byte to 16 KiB, the cipher text in
    segments of 1 byte."""
    with TlsListener(["echo:"], pair) as server:
        for version in VERSIONS:
            for record, cut, size in ((1, 0, 3000), (16384, 0, 30000),
                                      (16383, 0, 30000), (100, 1, 400),
                                      (16384, 1, 400), (7, 3, 700)):
                with secure(server, ca, version=version, cut=cut) as client:
                    head = request(server.host)
                    text = bytes([97 + i % 26 for i in range(size)])
                    client.write(head + frame(BINARY, text), record)
                    got = b""
                    while len(payload_of(got)) < size:
                        more = client.read()
                        if not more:
                            break
                        got += more
                    tap.ok(payload_of(got) == text, "%s: records of %d bytes, %s"
                           % (version.name, record, "sent %d bytes at a time"
                              % cut if cut else "sent whole"), got[-100:])


def test_alpn(tap, ca, pair):
    with TlsListener(["echo:"], pair) as server:
        for offer, chosen in ((["http/1.1"], "http/1.1"),
                              (["h2", "http/1.1"], "http/1.1"), (None, None)):
            with secure(server, ca, alpn=offer) as client:
                tap.ok(client.tls.selected_alpn_protocol() == chosen,
                       "of %s, %s is chosen" % (offer, chosen))
        text, _ = s_client(server, "-alpn", "h2")
        tap.ok("no application protocol" in text,
               "h2 alone: no_application_protocol", text)
        tap.ok(logged(server, "no TLS: no application protocol"),
               "and the log says so", server.log())


def main():
    tap = Tap()
    with Authority() as ca:
        pair = ca.issue("localhost", "127.0.0.1")
        for test in (test_clients, test_curl, test_both_ways, test_records,
                     test_alpn, test_browser):
            test(tap, ca, pair)
    tap.finish()


if __name__ == "__main__":
    main()
