"""ws-cgi as super-servers start it: a connected socket on descriptor 0."""

import contextlib
import socket
import subprocess
import tempfile
import time

import rawclient
import server
from tap import Tap

MESSAGES = (b"one", b"0123456789" * 10000)
CONF = "127.0.0.1:%d stream tcp nowait.1000 root %s ws-cgi %s\n"


def free_port():
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


class Inetd(server.Server):
    """OpenBSD's inetd with one service, in the foreground."""

    def __init__(self, arguments):
        super().__init__()
        port = free_port()
        with open(self.path("inetd.conf"), "w") as f:
            f.write(CONF % (port, server.binary(), arguments))
        self.address, self.host = ("127.0.0.1", port), "127.0.0.1:%d" % port
        try:
            self.start(["/usr/sbin/inetd", "-i", "-l", self.path("inetd.conf")])
            self.until_there()
        except BaseException:
            self.stop()
            raise

    def until_there(self, patience=10):
        deadline = time.monotonic() + patience
        while time.monotonic() < deadline:
            with contextlib.suppress(ConnectionRefusedError):
                socket.create_connection(self.address).close()
                return
            time.sleep(0.05)
        raise RuntimeError("inetd does not listen: %r" % self.log())


def talk(s):
    """The events that answer two texts, one of 100 kB, and a Close."""
    with rawclient.Connection(s.connect()) as connection:
        connection.handshake(s.host)
        for text in MESSAGES:
            connection.send(rawclient.frame(rawclient.TEXT, text))
        seen = [connection.event() for _ in MESSAGES]
        connection.send(rawclient.close(1000))
        return seen + [connection.event(), connection.event()]


def check_descriptor_2(tap, wanted):
    """inetd makes it the connection, too; a program's words must not go
    there."""
    with tempfile.NamedTemporaryFile("w", suffix=".sh") as script:
        script.write("echo to descriptor 2 >&2\nexec cat\n")
        script.flush()
        with Inetd("-- /bin/sh " + script.name) as s:
            seen = talk(s)
            tap.ok([e[:2] for e in seen] == wanted,
                   "inetd: descriptor 2 does not reach the client",
                   [repr(e)[:80] for e in seen])


def check_pipes(tap):
    """Two pipes instead of a socket, as socat and ssh make them.  The client
    closes at once, when a program has no time to answer."""
    asks = rawclient.request("localhost", "/", b"dGhlIHNhbXBsZSBub25jZQ==")
    data = asks + rawclient.frame(rawclient.TEXT, b"one") + rawclient.close(1000)
    for to, echoed in (("echo:", b"\x81\x03one"), ("/bin/cat", b"")):
        ended = subprocess.run([server.binary(), "--", to], input=data,
                               capture_output=True, timeout=30)
        head, _, frames = ended.stdout.partition(b"\r\n\r\n")
        tap.ok(ended.returncode == 0 and head.startswith(b"HTTP/1.1 101 ")
               and frames == echoed + b"\x88\x02\x03\xe8",
               "two pipes, with " + to, ended)
        tap.ok(ended.stderr.count(b"\n") == 1 and b": pipe " in ended.stderr,
               "two pipes, with %s: that is who the client is" % to,
               ended.stderr)


def check_closed(tap, wanted):
    """Descriptors 1 and 2 are closed."""
    argv = ["sh", "-c", 'exec "$@" 1>&- 2>&-', "sh", server.binary(), "--"]
    for to in ("echo:", "/bin/cat"):
        with server.Spawned(argv + [to]) as s:
            seen = talk(s)
            tap.ok([e[:2] for e in seen] == wanted,
                   "a socket, all else is closed, with " + to,
                   [repr(e)[:80] for e in seen])


def main():
    tap = Tap()
    ws_cgi = server.binary()
    makers = (
        ("inetd", lambda to: Inetd("-- " + to)),
        ("tcpserver", lambda to: server.Tcpserver([ws_cgi, "--", to])),
        ("a Unix socketpair", lambda to: server.Spawned([ws_cgi, "--", to])),
    )
    wanted = [("text", text) for text in MESSAGES]
    wanted += [("close", 1000), ("eof",)]
    for name, make in makers:
        for to in ("echo:", "/bin/cat"):
            with make(to) as s:
                seen = talk(s)
                tap.ok([e[:2] for e in seen] == wanted,
                       "%s starts it with %s" % (name, to),
                       [repr(e)[:80] for e in seen] + s.log())
    check_descriptor_2(tap, wanted)
    check_pipes(tap)
    check_closed(tap, wanted)
    tap.finish()


if __name__ == "__main__":
    with server.same_descriptors():
        main()
