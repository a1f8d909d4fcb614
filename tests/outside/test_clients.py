"""Real clients against ws-cgi: node's ws, python3-websockets and curl.

Each scenario is played by both WebSocket clients and gives what the client
saw as a dictionary, so that one check serves both.
"""

import asyncio
import base64
import hashlib
import json
import os
import signal
import subprocess
import sys

import websockets

from server import Listener
from tap import Tap
from ws_test import eventually, logged

HERE = os.path.dirname(os.path.abspath(__file__))
FIRST = os.path.join(HERE, "..", "..", "examples", "first")
NETSTRING_ECHO = [sys.executable, os.path.join(HERE, "netstring_echo.py")]
PATIENCE = 30       # s for one scenario, and for what must follow it
MEBIBYTE = 1 << 20

# Says its pid and then reads nothing, so only a signal ends it.
SLEEPER = ["sh", "-c", "echo $$; exec sleep 600"]

MADE = {    # what `echo` sends, by name: text is a str
    "text": lambda: "Grüße, 世界 😀",
    "binary": lambda: bytes(range(256)),
    "empty text": lambda: "",
    "empty binary": lambda: b"",
    "1 MiB of text": lambda: base64.b64encode(
        os.urandom(MEBIBYTE // 4 * 3)).decode(),
    "1 MiB of binary": lambda: os.urandom(MEBIBYTE),
}
TEXTS = [name for name in MADE if "text" in name]

CLOSES = [(1000, "all said"), (1001, "off to another page"),
          (3000, "registered"), (4999, "x" * 123)]


def summary(message):
    """A message as it is compared: type, length and hash."""
    kind = "text" if isinstance(message, str) else "binary"
    data = message.encode() if isinstance(message, str) else message
    return [kind, len(data), hashlib.sha256(data).hexdigest()]


class Python:
    """The scenarios with python3-websockets."""

    name = "websockets"

    def play(self, scenario, url, *args):
        return asyncio.run(asyncio.wait_for(
            self._play(scenario, url, *args), PATIENCE))

    async def _play(self, scenario, url, *args):
        offers = args if scenario == "protocol" else None
        async with websockets.connect(url, subprotocols=offers,
                                      max_size=2 * MEBIBYTE) as ws:
            return await getattr(self, scenario)(ws, *args)

    async def echo(self, ws, name):
        message = MADE[name]()
        await ws.send(message)
        return {"sent": summary(message), "got": summary(await ws.recv())}

    async def fragments(self, ws):
        await ws.send(["in frames ", "", "of three"])
        return {"sent": summary("in frames of three"),
                "got": summary(await ws.recv())}

    async def ping(self, ws):
        payload = "are you there?"
        await (await ws.ping(payload))      # a pong with other bytes is not it
        return {"payload": payload}

    async def protocol(self, ws, *_):
        return {"protocol": ws.subprotocol}

    async def close(self, ws, code, reason):
        await ws.close(code, reason)
        return self.closed(ws)

    async def vanish(self, ws):
        pid = int(await ws.recv())
        ws.transport.abort()
        return {"pid": pid}

    async def kill(self, ws):
        os.kill(int(await ws.recv()), signal.SIGKILL)
        await ws.wait_closed()
        return self.closed(ws)

    async def talk(self, ws, *lines):
        """Not in client.js: the greeting, then each line's answer."""
        answers = [await ws.recv()]
        for line in lines:
            await ws.send(line)
            answers.append(await ws.recv())
        return {"answers": answers}

    @staticmethod
    def closed(ws):
        return {"code": ws.close_code, "reason": ws.close_reason}


class Node:
    """The scenarios with node's ws, which are in client.js."""

    name = "node ws"

    def play(self, scenario, url, *args):
        command = ["node", os.path.join(HERE, "client.js"), scenario, url]
        ran = subprocess.run(
            [*command, *map(str, args)], capture_output=True, text=True,
            timeout=PATIENCE, env={**os.environ,
                                   "NODE_PATH": "/usr/share/nodejs"})
        if ran.returncode or not ran.stdout:
            raise RuntimeError("client.js %s: %s" % (scenario, ran.stderr))
        return json.loads(ran.stdout)


def ws_url(server, path="/"):
    return "ws://%s%s" % (server.host, path)


def test_echo(tap, clients):
    for operands, options, names in [
            (["echo:"], [], MADE),
            (NETSTRING_ECHO, ["--format", "netstring"], MADE),
            (["cat"], [], TEXTS)]:
        bridge = " ".join([*options, os.path.basename(operands[-1])])
        with Listener(operands, options) as server:
            for client in clients:
                for name in names:
                    saw = client.play("echo", ws_url(server), name)
                    tap.ok(saw["sent"] == saw["got"], "%s: %s through %s"
                           % (client.name, name, bridge), saw)


def test_frames(tap, clients):
    with Listener(["echo:"]) as server:
        for client in clients:
            saw = client.play("fragments", ws_url(server))
            tap.ok(saw["sent"] == saw["got"],
                   client.name + ": a fragmented message comes back", saw)
            saw = client.play("ping", ws_url(server))
            tap.ok(saw == {"payload": "are you there?"},
                   client.name + ": a ping gets its pong", saw)


def test_protocols(tap, clients):
    for options, chosen in [(["--protocol", "b"], "b"), ([], "a")]:
        with Listener(["echo:"], options) as server:
            for client in clients:
                saw = client.play("protocol", ws_url(server), "a", "b")
                tap.ok(saw == {"protocol": chosen},
                       "%s: of the subprotocols a and b, %s is chosen"
                       % (client.name, chosen), saw)
            tap.ok(logged(server, "proto=" + chosen + " "),
                   "the log names subprotocol " + chosen, server.log())


def test_closes(tap, clients):
    with Listener(["echo:"]) as server:
        for client in clients:
            for code, reason in CLOSES:
                path = "/%s/%d" % (client.name.replace(" ", "-"), code)
                saw = client.play("close", ws_url(server, path), code, reason)
                tap.ok(saw == {"code": code, "reason": reason},
                       "%s: close %d is echoed" % (client.name, code), saw)
                tap.ok(logged(server, '"%s"' % path, reason,
                              "close=%d/%d" % (code, code)),
                       "%s: close %d and its reason are in the log"
                       % (client.name, code), server.log())


def test_vanished_client(tap, clients):
    for client in clients:
        with Listener(SLEEPER) as server:
            pid = client.play("vanish", ws_url(server))["pid"]
            tap.ok(eventually(lambda: not os.path.exists("/proc/%d" % pid)),
                   client.name + " vanishes: its program ends")
            tap.ok(logged(server, "close=-/", "gone"),
                   client.name + " vanishes: the log says gone", server.log())


def test_vanished_program(tap, clients):
    for client in clients:
        with Listener(SLEEPER) as server:
            saw = client.play("kill", ws_url(server))
            tap.ok(saw["code"] == 1011 and "SIGKILL" in saw["reason"],
                   client.name + ": a killed program is 1011 and the signal",
                   saw)
            tap.ok(logged(server, "/1011", "exit=SIGKILL"),
                   client.name + ": a killed program is in the log",
                   server.log())


def test_first_examples(tap):
    for name in sorted(os.listdir(FIRST)):
        path = os.path.join(FIRST, name)
        with open(path) as f:
            tap.ok(len(f.readlines()) <= 10, name + " has at most ten lines")
        with Listener([path]) as server:
            saw = Python().play("talk", ws_url(server), "one", "", "three")
            greeting, *answers = saw["answers"]
            tap.ok(greeting.startswith("Hello 127.0.0.1, "),
                   name + " greets the address", saw)
            tap.ok(answers == ["1: ONE", "2: ", "3: THREE"],
                   name + " answers each line at once", saw)
            tap.ok(logged(server, "in=3/8", "exit=0"),
                   name + " ends with its input", server.log())


UPGRADE = ["-H", "Connection: Upgrade", "-H", "Upgrade: websocket",
           "-H", "Sec-WebSocket-Version: 13",
           "-H", "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ=="]

REFUSALS = [    # name, curl's arguments, status, a part of the body
    ("a plain GET", [], 426, ""),
    ("another site's page", [*UPGRADE, "-H", "Origin: http://evil.example"],
     403, "http://evil.example"),
    ("another name for this host", [*UPGRADE, "-H", "Host: evil.example"],
     421, "evil.example"),
]


def curl(server, path, args):
    """curl's exit status, the response's status, fields and body."""
    ran = subprocess.run(
        ["curl", "--silent", "--include", "--noproxy", "*", "--max-time",
         str(PATIENCE), *args, "http://%s%s" % (server.host, path)],
        stdout=subprocess.PIPE)
    head, _, body = ran.stdout.decode().partition("\r\n\r\n")
    first, *lines = head.split("\r\n")
    fields = dict(line.lower().split(": ", 1) for line in lines)
    return ran.returncode, int(first.split()[1]), fields, body


def test_refusals(tap):
    with Listener(["echo:"]) as server:
        for number, (name, args, wanted, part) in enumerate(REFUSALS):
            path = "/refused/%d" % number
            end, status, fields, body = curl(server, path, args)
            saw = (end, status, fields, body)
            tap.ok(end == 0 and status == wanted,
                   "curl: %s is refused with %d" % (name, wanted), saw)
            tap.ok("close" in fields.get("connection", "").split(", ")
                   and fields.get("content-length") == str(len(body)),
                   "curl: %s: the response is complete" % name, saw)
            tap.ok(body and part in body,
                   "curl: %s: the body says why" % name, saw)
            tap.ok(logged(server, '"%s"' % path, " %d" % wanted),
                   "curl: %s: the log has it" % name, server.log())


def main():
    tap = Tap()
    clients = [Node(), Python()]
    test_echo(tap, clients)
    test_frames(tap, clients)
    test_protocols(tap, clients)
    test_closes(tap, clients)
    test_vanished_client(tap, clients)
    test_vanished_program(tap, clients)
    test_first_examples(tap)
    test_refusals(tap)
    tap.finish()


if __name__ == "__main__":
    main()
