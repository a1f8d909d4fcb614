"""Where connections come from: super-servers, a proxy that speaks PROXY, and a
plain port from which all are sent to https.  And who is turned away."""

import contextlib
import os
import signal
import socket
import ssl
import subprocess
import time

import rawclient
import tls
from rawclient import TEXT, close, frame, request
from server import Server, Tcpserver, binary
from tap import Tap
from test_proxies import Proxy, free_port
from test_superservers import CONF, Inetd
from tls import Authority, TlsListener, WsTls, s_client, secure, ws_tls
from ws_test import (PATIENCE, eventually, is_running, logged, parse_response,
                     workers)

IS_ROOT = os.getuid() == 0
ENVIRON = ["sh", "-c", "env; id -u"]
NOBODY = "65534"


def pair_options(pair):
    return ["--cert", pair[0], "--key", pair[1]]


class Systemd(Server):
    """What systemd does for Accept=yes: with StandardInput=socket, or not."""

    def __init__(self, argv, *options):
        super().__init__()
        self.address = "127.0.0.1", free_port()
        self.host = "127.0.0.1:%d" % self.address[1]
        self.start(["systemd-socket-activate", "--accept", *options, "-l",
                    self.host, *argv])
        eventually(lambda: "Listening" in "".join(self.log()))


class InetdTls(Inetd):
    """Its command is ws-tls."""

    def __init__(self, arguments):
        self.command = CONF.replace(" ws-cgi ", " ws-tls ")
        super().__init__(arguments)

    def start(self, argv, env=None, stdout=None):
        with open(self.path("inetd.conf"), "w") as f:
            f.write(self.command % (self.address[1], ws_tls(),
                                    self.arguments))
        super().start(argv, env, stdout)


def talks(server, ca):
    """Whether an echo comes over TLS, and both ends in order."""
    with tls.opened(server, ca) as connection:
        connection.send(frame(TEXT, b"x" * 70000))
        got = connection.event(PATIENCE)
        connection.send(close(1000))
        ended = connection.event(PATIENCE)
        connection.event(PATIENCE)
        return got == ("text", b"x" * 70000) and ended[:2] == (
            "close", 1000) and connection.end() == "clean"


def test_superservers(tap, ca, pair):
    argv = [ws_tls(), *pair_options(pair), "--", binary(), "echo:"]
    short = "--cert %s -- %s echo:" % (both_of(ca, pair), binary())
    makers = [("tcpserver", lambda: Tcpserver(argv)),
              ("inetd", lambda: inetd(short)),
              ("systemd, StandardInput=socket",
               lambda: Systemd(argv, "--inetd")),
              ("systemd", lambda: Systemd(argv))]
    for name, make in makers:
        with make() as server:
            tap.ok(talks(server, ca), name + " starts it", server.log())
            with secure(server, ca) as client:
                client.write(b"GET / HTTP/1.1\r\nHost: %s\r\n\r\n"
                             % server.host.encode())
                tap.ok(b" 426 " in client.read(), name + ": again",
                       server.log())


def inetd(arguments):
    made = InetdTls.__new__(InetdTls)
    made.arguments = arguments
    made.__init__(arguments)
    return made


def both_of(ca, pair):
    with open(pair[0]) as cert, open(pair[1]) as key:
        path = ca.write("inetd.pem", cert.read() + key.read())
    os.chmod(path, 0o600)
    return path


def test_user(tap, ca, pair):
    if not IS_ROOT:
        return
    argv = [ws_tls(), *pair_options(pair), "--user", "nobody", "--",
            *ENVIRON]
    with Tcpserver(argv) as server:
        with secure(server, ca) as client:
            said = client.rest().decode()
        tap.ok(said.endswith("\n%s\n" % NOBODY)
               and "SSL_PROTOCOL=TLSv1.3" in said,
               "tcpserver and --user: the program is that user", said)
    with Tcpserver([*argv[:-len(ENVIRON)], "cat"]) as server, \
            secure(server, ca):
        found = eventually(lambda: [
            pid for pid in map(int, filter(str.isdigit, os.listdir("/proc")))
            if tls.title_of(pid).startswith("ws-tls: 127.0.0.1 TLS")
            and uid_of(pid) == NOBODY])
        tap.ok(found, "and so is who speaks TLS")
    ran = subprocess.run([ws_tls(), *pair_options(pair), "true"],
                         stdin=subprocess.DEVNULL, capture_output=True,
                         text=True, timeout=PATIENCE)
    tap.ok(ran.returncode == 100 and "neither a socket nor a pipe" in
           ran.stderr, "descriptor 0 is no connection", ran.stderr)
    ran = subprocess.run([ws_tls(), *pair_options(pair), "true"],
                         stdin=subprocess.PIPE, capture_output=True,
                         text=True, timeout=PATIENCE)
    tap.ok(ran.returncode == 100 and "TLS needs a socket" in ran.stderr,
           "descriptor 0 is a pipe", ran.stderr)


def uid_of(pid):
    with contextlib.suppress(OSError):
        with open("/proc/%d/status" % pid) as f:
            return dict(line.split(":", 1) for line in f)["Uid"].split()[1]
    return None


HAPROXY = """
defaults
    timeout connect 5s
    timeout client 10s
    timeout server 10s
listen v2
    mode tcp
    bind 127.0.0.1:@V2@
    server s %s send-proxy-v2
listen v1
    mode tcp
    bind 127.0.0.1:@V1@
    server s %s send-proxy
"""


def test_proxy(tap, ca, pair):
    program = ["sh", "-c", "env | grep -E '^(REMOTE_ADDR|REMOTE_PORT)'"]
    with TlsListener(program, pair, ["--proxy-protocol", "--host",
                                     "localhost"]) as server:
        with Proxy(["haproxy", "-db", "-q", "-f"],
                   HAPROXY % (server.host, server.host)) as proxy:
            for name in ("V1", "V2"):
                address = "127.0.0.1", proxy.port[name]
                sock = socket.create_connection(
                    address, PATIENCE, source_address=("127.0.0.9", 0))
                port = sock.getsockname()[1]
                with tls.Connection(secure(server, ca, sock=sock)) as c:
                    c.handshake("localhost:%d" % server.address[1])
                    seen = [c.event(PATIENCE) for _ in range(2)]
                tap.ok(sorted(event[1] for event in seen) ==
                       [b"REMOTE_ADDR=127.0.0.9", b"REMOTE_PORT=%d" % port],
                       "haproxy, %s: the client's address reaches the "
                       "program" % name, (seen, server.log()))
                tap.ok(logged(server, "ws-cgi[", "127.0.0.9:%d" % port),
                       "and the log")
        with server.connect() as sock:
            sock.sendall(b"GET / HTTP/1.1\r\n\r\n")
            sock.settimeout(PATIENCE)
            with contextlib.suppress(ConnectionResetError):
                tap.ok(sock.recv(100) == b"", "who has no header is nobody's")
        tap.ok(logged(server, "PROXY"), "and the log says so", server.log())


# To https.

@contextlib.contextmanager
def redirecting(pair, *options, host="localhost"):
    """A listener with TLS, and the address of its plain port."""
    port = free_port()
    plain = "127.0.0.1", free_port()
    with Redirecting(["echo:"], pair, [
            "--redirect", "%s:%d" % plain, *(["--host", host] if host
                                             else []), *options],
                     port) as server:
        yield server, plain, port


class Redirecting(TlsListener):
    def __init__(self, operands, pair, options, port):
        self.port = port
        super().__init__(operands, pair, options)

    def start(self, argv, env=None, stdout=None):
        argv = ["127.0.0.1:%d" % self.port if word == "127.0.0.1:0" else word
                for word in argv]
        super().start(argv, env, stdout)


def asked(address, data):
    """The response from there, or None."""
    with rawclient.Connection(rawclient.connect(address)) as connection:
        connection.send(data)
        got = connection.rest(PATIENCE)
        return parse_response(got) if got else None


def get(target, host="localhost", method="GET"):
    return ("%s %s HTTP/1.1\r\nHost: %s\r\n\r\n" % (method, target,
                                                    host)).encode()


TARGETS = [     # target, status, what is behind the port in Location
    ("/", 308, "/"), ("/a/b?c=d&e", 308, "/a/b?c=d&e"),
    ("//evil.test/x", 308, "//evil.test/x"), ("/%0d%0aSet-Cookie:%20a", 308,
                                              "/%0d%0aSet-Cookie:%20a"),
    ("/\\evil.test", None, None), ("/a\tb", 400, None),
    ("http://localhost/x?y", 308, "/x?y"),
    ("http://evil.test/", 421, None), ("//evil.test", 308, "//evil.test"),
    ("evil.test:443", 400, None), ("*", 400, None),
    ("http://localhost@evil.test/", 400, None),
    ("http://localhost:80@evil.test/", 400, None),
]
HOSTS = [       # Host, status
    ("localhost", 308), ("LOCALHOST", 308), ("localhost:80", 308),
    ("evil.test", 421), ("localhost.evil.test", 421), ("", 400),
    ("localhost/evil", 400), ("localhost\\evil", 400), ("a@localhost", 400),
    ("localhost:1:2", 400), ("localhost ", 308), ("local host", 400),
    ("[::1]", 421), ("localhost\x0bx", 400), ("localhost\x7f", 400),
]


def test_redirect(tap, ca, pair):
    with redirecting(pair) as (server, plain, port):
        start = "https://localhost:%d" % port
        for target, status, rest in TARGETS:
            answer = asked(plain, get(target))
            place = answer.values("location")
            good = answer.status == status and place == (
                [start + rest] if rest else []) if status else \
                all(one.startswith(start + "/") for one in place)
            tap.ok(good, "%s by http: %s" % (target, status or answer.status),
                   answer)
        for host, status in HOSTS:
            answer = asked(plain, get("/x", host))
            place = answer.values("location")
            tap.ok(answer.status == status and len(place) == (status == 308)
                   and all(one.lower() == start + "/x" for one in place),
                   "Host: %r: %d" % (host, status), answer)
        for method in ("HEAD", "POST"):
            answer = asked(plain, get("/x", method=method))
            tap.ok(answer.status == 308, method + " by http: 308", answer)
        answer = asked(plain, request("localhost", "/chat?a"))
        tap.ok(answer.status == 308 and answer.values("location") ==
               [start + "/chat?a"], "a WebSocket by http: 308, and none",
               answer)
        tap.ok(talks(server, ca), "while https is served")
        with rawclient.Connection(rawclient.connect(plain)) as connection:
            hello = b"\x16\x03\x01\x00\x05hello"
            connection.send(hello)
            got = connection.rest(PATIENCE)
        tap.ok(not got or b" 400 " in got, "TLS where none is", got)
    with redirecting(pair, host=None) as (server, plain, port):
        answer = asked(plain, get("/", "evil.test:%d" % plain[1]))
        tap.ok(answer.status == 421, "on loopback, other names are not served",
               answer)
        answer = asked(plain, get("/", "127.0.0.1:%d" % plain[1]))
        tap.ok(answer.values("location") == ["https://127.0.0.1:%d/" % port],
               "its own are", answer)


class Alone(Server):
    """ws-cgi --redirect, and nothing behind it."""

    def __init__(self, *options, operands=()):
        super().__init__()
        self.address = "127.0.0.1", free_port()
        self.host = "127.0.0.1:%d" % self.address[1]
        self.start([binary(), "--redirect", self.host, *options, *operands])
        eventually(lambda: "listening on" in "".join(self.log()))


def test_redirect_alone(tap, ca, pair):
    """Somebody else, like stunnel, speaks TLS at port 443."""
    del ca, pair
    plain = "127.0.0.1:%d" % free_port()
    for name, options, operands in (
            ("with nothing to serve", [], []),
            ("beside a listener", ["--listen", plain], ["echo:"])):
        with Alone(*options, "--host", "localhost",
                   operands=operands) as server:
            answer = asked(server.address, get("/x?y"))
            tap.ok(answer.status == 308 and answer.values("location") ==
                   ["https://localhost/x?y"], "without --tls-cert, " + name,
                   answer)
            answer = asked(server.address, get("/", "evil.test"))
            tap.ok(answer.status == 421, "other hosts are not, " + name,
                   answer)
            answer = asked(server.address, request("localhost"))
            tap.ok(answer.status == 308, "nor is a WebSocket opened, " + name,
                   answer)


# Who is turned away.

def test_full(tap, ca, pair):
    for options, word in ((["--max", "1"], "1 connections in all"),
                          (["--max-source", "1"],
                           "1 connections from there")):
        with WsTls(["sleep", "60"], pair, options) as server, \
                secure(server, ca):
            for version in ("-tls1_2", "-tls1_3"):
                text, status = s_client(server, version, data=b"")
                tap.ok(status != 0 and "alert internal error" in text,
                       "%s: who is too many is told so by an alert, %s"
                       % (" ".join(options), version), text)
            tap.ok(logged(server, word), "and the log says so", server.log())
    with redirecting(pair, "--max", "1") as (server, plain, _), \
            tls.opened(server, ca):
        answer = asked(plain, get("/"))
        tap.ok(answer.status == 503, "by http, by 503", answer)


def slow(server, ca):
    """A client that takes nothing for now."""
    sock = socket.socket()
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    sock.settimeout(PATIENCE)
    sock.connect(server.address)
    return secure(server, ca, sock=sock)


def test_outlived(tap, ca, pair):
    """A program has ended, and what it said last is still under way: that is
    a connection as any other."""
    big = ["sh", "-c", "head -c 300000 /dev/zero"]
    with WsTls(big, pair, ["--max", "1"]) as server:
        with slow(server, ca) as client:
            tap.ok(eventually(lambda: [
                pid for pid in workers(server)
                if tls.title_of(pid).startswith("ws-tls: 127.0.0.1 TLS")]),
                "who speaks TLS outlives the program")
            text, _ = s_client(server, data=b"")
            tap.ok("alert internal error" in text, "and has its place", text)
            server.process.send_signal(signal.SIGTERM)
            tap.ok(not server._wait(0.5) and len(client.rest()) == 300000,
                   "the listener waits for it", server.log())
        tap.ok(server._wait(5), "and then it ends")
    with TlsListener(["cat"], pair, ["--penalty-exempt", "none", "--penalties",
                                     "crash=1000"]) as server, \
            tls.opened(server, ca) as connection:
        os.kill(tls.tunnels(server)[0], signal.SIGSYS)
        connection.rest(PATIENCE)
        tap.ok(logged(server, "is kept away", "crashed"),
               "its crash is one of the connection", server.log())


def drip(sock, data, seconds):
    """A byte now and then; how long it was heard."""
    began = time.monotonic()
    sock.settimeout(0.01)
    for at in range(len(data)):
        with contextlib.suppress(TimeoutError):
            if sock.recv(100) == b"":
                break
        if time.monotonic() - began > seconds:
            break
        sock.send(data[at:at + 1])
        time.sleep(0.2)
    return time.monotonic() - began


def test_deadline(tap, ca, pair):
    """One for both handshakes."""
    with TlsListener(["echo:"], pair, ["--handshake-timeout", "2",
                                       "--penalty-exempt", "none",
                                       "--penalties", "handshake=1000"]) \
            as server:
        hello = tls.Client(None, ca.context())
        with contextlib.suppress(ssl.SSLWantReadError):
            hello.tls.do_handshake()
        data = hello.outgoing.read()
        with contextlib.suppress(OSError), server.connect() as sock:
            spent = drip(sock, data, 6)
        tap.ok(1.5 < spent < 4, "a slow ClientHello: its time is over after "
               "2 s", spent)
        tap.ok(logged(server, "no TLS handshake in time")
               and logged(server, "127.0.0.1 is kept away", "handshakes"),
               "and it is kept away", server.log())
        text, status = s_client(server, data=b"")
        tap.ok(status != 0 and "alert" in text, "by an alert", text)
    with TlsListener(["echo:"], pair, ["--handshake-timeout", "2"]) as server:
        sock = server.connect()
        time.sleep(1.2)
        began = time.monotonic()
        with secure(server, ca, sock=sock) as client:
            client.write(b"GET / HTTP/1.1\r\nHost")
            answer = client.rest()
        spent = time.monotonic() - began
        tap.ok(spent < 1.8 and (not answer or b" 408 " in answer),
               "what TLS has taken, HTTP has not", (spent, answer))
    with TlsListener(["echo:"], pair, ["--handshake-timeout", "3", "--admit",
                                       "sleep 60", "--admit-timeout",
                                       "never"]) as server:
        sock = server.connect()
        time.sleep(2)
        began = time.monotonic()
        with secure(server, ca, sock=sock) as client:
            client.write(request(server.host))
            answer = client.rest()
        spent = time.monotonic() - began
        tap.ok(spent < 2.8 and b" 504 " in answer,
               "nor has a hook", (spent, answer))
        tap.ok(eventually(lambda: not workers(server), 5), "and it ends")


def test_killed(tap, ca, pair):
    """Who speaks TLS is killed before it has anything to tell."""
    with TlsListener(["echo:"], pair) as server, \
            rawclient.Connection(server.connect()) as client:
        def speaking():
            return [int(pid) for one in workers(server) for pid in open(
                "/proc/%d/task/%d/children" % (one, one)).read().split()]
        eventually(speaking)
        os.kill(speaking()[0], signal.SIGKILL)
        tap.ok(client.rest(PATIENCE) == b"" and logged(
            server, "was killed by signal 9"),
            "it is killed in the handshake: the log says so", server.log())
        tap.ok(eventually(lambda: not workers(server)), "and all is over")


def test_penalties(tap, ca, pair):
    for data, word in ((b"GET / HTTP/1.1\r\n\r\n", "breaks the protocol"),
                       (bytes(100), "breaks the protocol")):
        with WsTls(["cat"], pair, ["--penalty-exempt", "none", "--penalties",
                                   "protocol=1000"]) as server:
            with server.connect() as sock, contextlib.suppress(OSError):
                sock.sendall(data)
                while sock.recv(100):
                    pass
            tap.ok(logged(server, "is kept away", word), "%.20r: it is kept "
                   "away" % data, server.log())
    with WsTls(["cat"], pair, ["--penalty-exempt", "none", "--penalties",
                               "protocol=1000,handshake=1000"]) as server:
        for options in (["-alpn", "h2"], ["-tls1_1", "-cipher",
                                          "ALL:@SECLEVEL=0"],
                        ["-verify_return_error", "-CAfile", "/dev/null"]):
            s_client(server, *options, data=b"")
            eventually(lambda: not workers(server))
        server.connect().close()
        eventually(lambda: not workers(server))
        with secure(server, ca) as client:
            client.write(b"x")
            tap.ok(client.read() == b"x", "who wants what we have not, does "
                   "not like our certificate, or only looks, is not",
                   server.log())
            pid = workers(server)[0]
        tap.ok(eventually(lambda: not is_running(pid), 5), "and it ends")


def main():
    tap = Tap()
    with Authority() as ca:
        pair = ca.issue("localhost", "127.0.0.1")
        for test in (test_superservers, test_user, test_proxy, test_redirect,
                     test_redirect_alone, test_full, test_outlived,
                     test_deadline, test_killed, test_penalties):
            test(tap, ca, pair)
    tap.finish()


if __name__ == "__main__":
    main()
