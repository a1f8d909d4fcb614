"""Who is at the far end when proxies are in between: PROXY headers, fields of
the request, and whose word counts, with clients that lie; and how many may
come from one address then."""

import contextlib
import os
import socket
import struct
import subprocess
import tempfile
import time

import rawclient
import server as servers
from rawclient import TEXT, Connection, frame
from server import Listener, same_descriptors
from tap import Tap
from test_environ import printed
from test_restart import Installed
from ws_test import (PATIENCE, eventually, in_parallel, opened,
                     parse_response, until_end, workers)

ENVIRON = ["cat", "/proc/self/environ"]
RAW = ["--format", "raw"]
SIGNATURE = b"\r\n\r\n\0\r\nQUIT\n"
CLIENT, OTHER = "192.0.2.7", "192.0.2.8"
V1 = b"PROXY TCP4 192.0.2.7 203.0.113.5 50214 443\r\n"
ADDRESSES = socket.inet_aton(CLIENT) + socket.inet_aton("203.0.113.5") \
    + struct.pack("!HH", 50214, 443)
TLS = b"\x20\0\x05\x01\0\0\0\0"        # a value: it came by TLS
TOLD = {"REMOTE_ADDR": CLIENT, "REMOTE_HOST": CLIENT, "REMOTE_PORT": "50214",
        "SERVER_ADDR": "203.0.113.5"}
NAMES = [*TOLD, "HTTPS", "REQUEST_SCHEME", "SERVER_NAME", "SERVER_PORT"]


def v2(addresses=ADDRESSES, family=0x11, command=0x21):
    """A header of version 2."""
    return SIGNATURE + struct.pack("!BBH", command, family,
                                   len(addresses)) + addresses


def trusting(*who):
    return [word for one in who for word in ("--trust", one)]


def seen_by(server, fields=(), before=b"", chop=0, host=None, source=None):
    """What of these variables the program finds, or the Response instead."""
    sock = server.connect() if source is None else socket.create_connection(
        server.address, PATIENCE, source_address=(source, 0))
    with Connection(sock) as connection:
        connection.send(before + rawclient.request(host or server.host,
                                                   extra=fields), chop)
        if not connection.fill_until(lambda: b"\r\n" in connection.buffer,
                                     PATIENCE):
            return None
        if not connection.buffer.startswith(b"HTTP/1.1 101"):
            return parse_response(connection.rest(PATIENCE))
        connection.upgraded()
        got = printed(connection)
    return {name: got[name] for name in NAMES if name in got}


def has(got, wanted):
    """Whether these are among the variables; None is for one that is not."""
    return isinstance(got, dict) and all(got.get(name) == value
                                         for name, value in wanted.items())


# PROXY headers.

HEADERS = [     # name, header, what is seen, or None for the peer itself
    ("version 1", V1, {**TOLD, "HTTPS": None, "REQUEST_SCHEME": None}),
    ("version 1, IPv6", b"PROXY TCP6 2001:db8::7 ::1 50214 443\r\n",
     {"REMOTE_ADDR": "2001:db8::7", "REMOTE_PORT": "50214",
      "SERVER_ADDR": "::1"}),
    ("version 1, UNKNOWN", b"PROXY UNKNOWN\r\n", None),
    ("version 1, UNKNOWN and more",
     b"PROXY UNKNOWN 6.6.6.6 6.6.6.6 6 6\r\n", None),
    ("version 2", v2(), TOLD),
    ("version 2, by TLS", v2(ADDRESSES + TLS),
     {**TOLD, "HTTPS": "on", "REQUEST_SCHEME": "https"}),
    ("version 2, 2 kB of values",
     v2(ADDRESSES + b"\x04\x08\0" + bytes(2048)), TOLD),
    ("version 2, a Unix socket", v2(bytes(216), 0x31),
     {"REMOTE_ADDR": "unix", "REMOTE_PORT": None}),
    ("version 2, LOCAL", v2(b"", 0, 0x20), None),
    ("version 2, LOCAL with addresses", v2(command=0x20), None),
    ("version 2, unspecified", v2(b"", 0), None),
]

NONE = [        # name, what comes instead, what the log says
    ("a request", b"GET / HTTP/1.1\r\nHost: a\r\n\r\n", "no PROXY header"),
    ("one wrong byte", b"\0", "no PROXY header"),
    ("a v1 header that lies about its form",
     b"PROXY TCP4 192.0.2.7 203.0.113.5 050214 443\r\n", "malformed"),
    ("a v1 header without end", b"PROXY UNKNOWN" + b" " * 200, "not end"),
    ("a v2 header whose length is too small", v2(ADDRESSES[:11]), "malformed"),
    ("a v2 header of 64 kB", SIGNATURE + b"\x21\0\xff\xff", "too long"),
    ("a v3 header", v2(command=0x31), "another version"),
]


def test_headers(tap):
    with Listener(ENVIRON, [*RAW, "--proxy-protocol"]) as server:
        for name, header, wanted in HEADERS:
            wanted = wanted or {"REMOTE_ADDR": "127.0.0.1",
                                "SERVER_ADDR": "127.0.0.1"}
            for way, chop in [("in one piece", 0), ("byte by byte", 1)]:
                got = seen_by(server, before=header, chop=chop)
                tap.ok(has(got, wanted), "R23: %s, %s" % (name, way), got)
        tap.ok(eventually(lambda: any(
            "]: 192.0.2.7:50214 via 127.0.0.1 \"/\" " in line
            for line in server.log())),
            "the log names the client and the proxy", server.log())


def test_frames_behind(tap):
    """Not a byte behind the header is lost."""
    with Listener(["echo:"], ["--proxy-protocol"]) as server, \
            Connection(server.connect()) as connection:
        connection.send(v2() + rawclient.request(server.host)
                        + frame(TEXT, b"hello") + rawclient.close(1000))
        connection.upgraded()
        tap.ok(until_end(connection) == [("text", b"hello"),
                                         ("close", 1000, b""), ("eof",)],
               "R23: header, request and frames in one segment")


def test_pipes(tap):
    process = subprocess.Popen(
        [servers.binary(), "--proxy-protocol", "echo:"],
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    out, err = process.communicate(
        V1 + rawclient.request("a") + frame(TEXT, b"hello")
        + rawclient.close(1000), PATIENCE)
    tap.ok(b"\r\n\r\n\x81\x05hello\x88\x02\x03\xe8" in out
           and b" 192.0.2.7:50214 via pipe " in err,
           "a header on pipes", (out, err))


def test_no_header(tap):
    with Listener(["echo:"], ["--proxy-protocol"]) as server:
        for name, data, said in NONE:
            with Connection(server.connect()) as connection:
                port = connection.sock.getsockname()[1]
                connection.send(data)
                got = connection.rest(PATIENCE)
            lines = [line for line in server.log()
                     if "127.0.0.1:%d: " % port in line]
            tap.ok(got == b"" and len(lines) == 1 and said in lines[0],
                   "R23: %s: not a byte in answer, and a line in the log"
                   % name,
                   (got, lines))


def test_quiet(tap):
    """What health checks do."""
    with Listener(["echo:"], ["--proxy-protocol"]) as server:
        before = server.log()
        for data in b"", v2(b"", 0, 0x20), b"PROXY UNKNOWN\r\n":
            for end in lambda c: None, lambda c: c.sock.setsockopt(
                    socket.SOL_SOCKET, socket.SO_LINGER,
                    struct.pack("ii", 1, 0)):
                with Connection(server.connect()) as connection:
                    eventually(lambda: workers(server))
                    connection.send(data)
                    time.sleep(0.05)
                    end(connection)
        tap.ok(eventually(lambda: not workers(server))
               and server.log() == before,
               "who comes and goes, or says LOCAL and goes, is not logged",
               server.log())


def test_deadline(tap):
    for name, data in [("nothing", b""), ("half a header", V1[:20]),
                       ("a header", V1)]:
        with Listener(["echo:"], ["--proxy-protocol", "--handshake-timeout",
                                  "0.5"]) as server, \
                Connection(server.connect()) as connection:
            began = time.monotonic()
            connection.send(data)
            connection.rest(PATIENCE)
            took = time.monotonic() - began
            tap.ok(0.4 < took < 8, "%s, and silence: over in time" % name,
                   took)


def test_header_trust(tap):
    with Listener(ENVIRON, [*RAW, "--proxy-protocol",
                            *trusting("127.0.0.2")]) as server:
        got = seen_by(server, before=V1)
        tap.ok(got is None and eventually(lambda: "not trusted" in
                                          server.log()[-1]),
               "--proxy-protocol --trust: not from others", server.log())
        got = seen_by(server, before=V1, source="127.0.0.2")
        tap.ok(has(got, TOLD), "--proxy-protocol --trust: from those", got)


# Fields of the request.

LIE = ["X-Forwarded-For: 6.6.6.6", "X-Real-IP: 6.6.6.6",
       "Forwarded: for=6.6.6.6;proto=https", "X-Forwarded-Proto: https",
       "X-Forwarded-Host: evil.example", "Client-IP: 6.6.6.6"]

FIELDS = [      # name, options, fields, REMOTE_ADDR, more
    ("trust in nobody", [], LIE, "127.0.0.1",
     {"HTTPS": None, "REQUEST_SCHEME": None}),
    ("trust in another", trusting("127.0.0.2", "unix"), LIE, "127.0.0.1", {}),
    ("trust", trusting("loopback"), ["X-Forwarded-For: 192.0.2.7"],
     "192.0.2.7", {"REMOTE_PORT": None, "SERVER_ADDR": "127.0.0.1"}),
    ("the client's own field to the left", trusting("127.0.0.1"),
     ["X-Forwarded-For: 6.6.6.6, 192.0.2.7"], "192.0.2.7", {}),
    ("the client's own field on another line", trusting("127.0.0.0/8"),
     ["X-Forwarded-For: 6.6.6.6", "x-forwarded-for: 192.0.2.7"],
     "192.0.2.7", {}),
    ("two proxies", trusting("loopback", "10.0.0.0/8"),
     ["X-Forwarded-For: 6.6.6.6, 192.0.2.7, 10.1.1.1"], "192.0.2.7", {}),
    ("other fields do not count", trusting("loopback"),
     [*LIE[1:], "X-Forwarded-For: 192.0.2.7"], "192.0.2.7",
     {"SERVER_NAME": "127.0.0.1"}),
    ("no field", trusting("loopback"), LIE[1:3], "127.0.0.1", {}),
    ("IPv6 and a port", trusting("loopback"),
     ["X-Forwarded-For: [2001:db8::7]:5000"], "2001:db8::7",
     {"REMOTE_PORT": "5000"}),
    ("a hidden address", trusting("loopback"), ["X-Forwarded-For: unknown"],
     "unknown", {}),
    ("wss", trusting("loopback"),
     ["X-Forwarded-For: 192.0.2.7", "X-Forwarded-Proto: wss"], "192.0.2.7",
     {"HTTPS": "on", "REQUEST_SCHEME": "https"}),
    ("http, in the proxy's line", trusting("loopback"),
     ["X-Forwarded-Proto: https", "X-Forwarded-Proto: http"], "127.0.0.1",
     {"HTTPS": None, "REQUEST_SCHEME": "http"}),
    ("Forwarded", [*trusting("loopback"), "--forwarded", "forwarded"],
     ["X-Forwarded-For: 6.6.6.6", "X-Forwarded-Proto: http",
      'Forwarded: for=6.6.6.6;proto=http, for="[2001:db8::7]:5000";'
      'proto=https, for=127.0.0.9'], "2001:db8::7",
     {"REMOTE_PORT": "5000", "HTTPS": "on"}),
]

REFUSED = [     # name, options, fields
    ("no address", [], ["X-Forwarded-For: 192.0.2.7, evil"]),
    ("Forwarded with open quotes", ["--forwarded", "forwarded"],
     ['Forwarded: for="', "Forwarded: for=192.0.2.7"]),
]


def test_fields(tap):
    for name, options, fields, address, more in FIELDS:
        with Listener(ENVIRON, [*RAW, *options]) as server:
            got = seen_by(server, fields)
            tap.ok(has(got, {"REMOTE_ADDR": address, "REMOTE_HOST": address,
                             **more}), "R30: " + name, got)
    for name, options, fields in REFUSED:
        with Listener(ENVIRON, [*RAW, *trusting("loopback"),
                                *options]) as server:
            got = seen_by(server, fields)
            tap.ok(got and got.status == 400 and got.is_refusal(),
                   name + ": refused", got)


def test_unix(tap):
    fields = ["X-Forwarded-For: 6.6.6.6, 192.0.2.7"]
    for options, wanted in ([], "unix"), (trusting("loopback"), "unix"), \
            (trusting("unix"), CLIENT):
        with Listener(ENVIRON, [*RAW, *options], address="unix") as server:
            got = seen_by(server, fields)
            tap.ok(has(got, {"REMOTE_ADDR": wanted}),
                   "a Unix socket, %s" % (options or "no trust"), got)


def test_header_then_field(tap):
    """A proxy in front of a proxy: each hop is looked at."""
    for who, wanted in [(["127.0.0.1", CLIENT], "198.51.100.1"),
                        (["127.0.0.1"], CLIENT)]:
        with Listener(ENVIRON, [*RAW, "--proxy-protocol",
                                *trusting(*who)]) as server:
            got = seen_by(server, ["X-Forwarded-For: 6.6.6.6, 198.51.100.1"],
                          before=V1)
            tap.ok(has(got, {"REMOTE_ADDR": wanted}),
                   "a header, then a field: trust in " + ", ".join(who), got)


def test_port(tap):
    """Without a port in Host it is the scheme's."""
    for proto, wanted in ("https", "443"), ("http", "80"):
        with Listener(ENVIRON, [*RAW, *trusting("loopback"), "--host",
                                "example.org"]) as server:
            got = seen_by(server, ["X-Forwarded-Proto: " + proto],
                          host="example.org")
            tap.ok(has(got, {"SERVER_PORT": wanted,
                             "SERVER_NAME": "example.org"}),
                   "SERVER_PORT by " + proto, got)


def test_origin(tap):
    with Listener(ENVIRON, [*RAW, *trusting("loopback"), "--host",
                            "example.org"]) as server:
        for proto, origin, good in [
                ("https", "https://example.org", True),
                ("https", "http://example.org", False),
                ("http", "http://example.org", True),
                ("ws", "https://example.org", False),
                (None, "https://example.org", True),
                (None, "http://example.org", True)]:
            fields = ["Origin: " + origin]
            if proto:
                fields.append("X-Forwarded-Proto: " + proto)
            got = seen_by(server, fields, host="example.org")
            tap.ok(isinstance(got, dict) if good else got.status == 403,
                   "%s by %s: %s" % (origin, proto,
                                     "let in" if good else "refused"), got)


def title(pid):
    with open("/proc/%d/cmdline" % pid) as f:
        return f.read()


def test_title(tap):
    with Listener(["cat"], trusting("loopback")) as server, \
            opened(server, extra=["X-Forwarded-For: 192.0.2.7:5000"]):
        pid = eventually(lambda: workers(server))[0]
        tap.ok(eventually(lambda: "ws-cgi: 192.0.2.7 / open" in title(pid)),
               "the title names the client", title(pid))


# Limits.

def asked(server, address, header=False):
    """A Connection of who comes by a proxy, and the status of its answer."""
    connection = Connection(server.connect())
    if header:
        connection.send(b"PROXY TCP4 %s 203.0.113.5 1 443\r\n"
                        % address.encode())
        connection.send(rawclient.request(server.host))
    else:
        connection.send(rawclient.request(
            server.host, extra=["X-Forwarded-For: " + address]))
    connection.fill_until(lambda: b"\r\n" in connection.buffer, PATIENCE)
    return connection, bytes(connection.buffer).split(b" ")[1]


def limits(tap, server, name, header):
    with contextlib.ExitStack() as stack:
        def ask(address):
            connection, status = asked(server, address, header)
            stack.enter_context(connection)
            return connection, status
        first = [ask(CLIENT) for _ in range(3)]
        fourth, status = ask(CLIENT)
        told = parse_response(fourth.rest(PATIENCE))
        tap.ok([s for _, s in first] == [b"101"] * 3 and status == b"503"
               and told.is_refusal() and told.values("retry-after") == ["5"],
               name + ": the fourth from there is turned away", told)
        others = [ask(OTHER) for _ in range(3)]
        tap.ok([s for _, s in others] == [b"101"] * 3,
               name + ": others are served")
        tap.ok(eventually(lambda: any("turned away: 3 connections" in line
                                      and "192.0.2.7" in line
                                      for line in server.log())),
               name + ": the log says so", server.log())
        first[0][0].sock.close()
        tap.ok(eventually(lambda: len(workers(server)) == 5)
               and ask(CLIENT)[1] == b"101",
               name + ": there is room once one has ended")


def test_limits(tap):
    for name, options, address, header in [
            ("a trusted proxy", trusting("loopback"), "tcp", False),
            ("a Unix socket", trusting("unix"), "unix", False),
            ("PROXY headers", ["--proxy-protocol"], "tcp", True)]:
        with Listener(["echo:"], [*options, "--max-source", "3"],
                      address=address) as server:
            limits(tap, server, name, header)


def test_limit_of_others(tap):
    """Who is not trusted is counted by its own address, whatever it says."""
    with Listener(["echo:"], ["--max-source", "2", *trusting("127.0.0.2")]
                  ) as server, contextlib.ExitStack() as stack:
        got = []
        for n in range(3):
            connection, status = asked(server, "192.0.2.%d" % n)
            stack.enter_context(connection)
            got.append(status)
        tap.ok(got == [b"101", b"101", b"503"],
               "who is not trusted is counted by its own address", got)


def test_race(tap):
    """Many at once: never more than the limit."""
    for _ in range(5):
        with Listener(["echo:"], [*trusting("loopback"), "--max-source", "5"]
                      ) as server:
            got = in_parallel(lambda _: asked(server, CLIENT), range(24))
            inside = [status for _, status in got].count(b"101")
            refused = [status for _, status in got].count(b"503")
            for connection, _ in got:
                connection.sock.close()
            tap.ok(inside <= 5 and inside + refused == 24,
                   "24 at once with room for 5: %d are in" % inside, got)
            eventually(lambda: not workers(server))


def test_restart(tap):
    """The next program counts on."""
    with Installed(["echo:"], [*trusting("loopback"), "--max-source", "2"]
                   ) as server, contextlib.ExitStack() as stack:
        first = [asked(server, CLIENT) for _ in range(2)]
        for connection, _ in first:
            stack.enter_context(connection)
        tap.ok(server.restart(), "a restart", server.log())
        third, status = asked(server, CLIENT)
        stack.enter_context(third)
        tap.ok(status == b"503", "the next program has not forgotten who is "
               "here", status)
        first[0][0].sock.close()
        eventually(lambda: len(workers(server)) == 1)
        third, status = asked(server, CLIENT)
        stack.enter_context(third)
        tap.ok(status == b"101", "and learns who has gone", status)


# SCGI: the web server has read the request, and says who asks.

def scgi(address, **more):
    """A handshake as SCGI has it."""
    variables = {
        "CONTENT_LENGTH": "0", "SCGI": "1", "REQUEST_METHOD": "GET",
        "SERVER_PROTOCOL": "HTTP/1.1", "REQUEST_URI": "/", "HTTP_HOST": "a",
        "HTTP_UPGRADE": "websocket", "HTTP_CONNECTION": "Upgrade",
        "HTTP_SEC_WEBSOCKET_VERSION": "13", "SERVER_NAME": "a",
        "HTTP_SEC_WEBSOCKET_KEY": "dGhlIHNhbXBsZSBub25jZQ==",
        "REMOTE_ADDR": address, "REMOTE_PORT": "5000", **more}
    text = "".join("%s\0%s\0" % pair for pair in variables.items()).encode()
    return b"%d:%s," % (len(text), text)


def asked_by_scgi(stack, path, data):
    """The Connection after the answer's first line, and that line."""
    connection = stack.enter_context(Connection(rawclient.connect(path)))
    connection.send(data)
    connection.fill_until(lambda: b"\r\n\r\n" in connection.buffer, PATIENCE)
    line, _, rest = bytes(connection.buffer).partition(b"\r\n")
    connection.buffer = bytearray(rest.partition(b"\r\n\r\n")[2])
    return connection, line


def test_scgi(tap):
    with tempfile.TemporaryDirectory() as here:
        path = os.path.join(here, "socket")
        options = ["--receive", "unix:" + path, *trusting("10.0.0.0/8"),
                   "--max-source", "2"]
        for name, address, field, wanted in [
                ("alone", CLIENT, "6.6.6.6", {"REMOTE_ADDR": CLIENT,
                                              "REMOTE_PORT": "5000"}),
                ("behind a proxy", "10.0.0.1", "6.6.6.6, 192.0.2.7",
                 {"REMOTE_ADDR": CLIENT, "REMOTE_HOST": CLIENT,
                  "REMOTE_PORT": None})]:
            with Listener(ENVIRON, [*RAW, *options]), \
                    contextlib.ExitStack() as stack:
                connection, line = asked_by_scgi(stack, path, scgi(
                    address, HTTP_X_FORWARDED_FOR=field))
                got = printed(connection) if b"101" in line else {}
            tap.ok(has(got, wanted), "SCGI, a web server %s" % name,
                   (line, got))
        with Listener(["cat"], options), contextlib.ExitStack() as stack:
            got = [asked_by_scgi(stack, path, scgi(CLIENT))[1]
                   for _ in range(3)]
            other = asked_by_scgi(stack, path, scgi(OTHER))[1]
        tap.ok([b"101" in line for line in [*got, other]]
               == [True, True, False, True] and b"503" in got[2],
               "SCGI: clients are counted, not the web server", (got, other))


def main():
    tap = Tap()
    with same_descriptors():
        for test in (test_headers, test_frames_behind, test_pipes,
                     test_no_header, test_quiet, test_deadline,
                     test_header_trust, test_fields, test_unix,
                     test_header_then_field, test_port, test_origin,
                     test_title, test_limits, test_limit_of_others, test_race,
                     test_restart, test_scgi):
            test(tap)
    tap.finish()


if __name__ == "__main__":
    main()
