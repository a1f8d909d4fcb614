"""A connection that an application has accepted, and leaves to a ws-cgi that
it forks off: --fd, --in and --out, --preread-fd."""

import contextlib
import fcntl
import os
import socket
import subprocess
import sys
import time

import rawclient
from cgi import KEY, REQUEST, VOUCHED
from rawclient import TEXT, Connection, frame
from server import (Server, adopt_orphans, binary, check_orphans, children,
                    same_descriptors)
from tap import Tap
from ws_test import close_of, payloads, until_end

PROMPT = 2      # s for what happens at once
TOLD = {**REQUEST, **VOUCHED}
UNREAD_MAX = 65536


class Given(Server):
    """ws-cgi forked off with the descriptors that its arguments name: those
    in braces are {fd}, the connection, and what more names."""

    def __init__(self, arguments, env=None, tcp=False, more=None, keep=False,
                 before=lambda fd: None):
        super().__init__()
        ours, theirs = self._pair(tcp)
        self.stack.enter_context(ours)
        self.connection = Connection(ours)
        before(theirs)
        given = {"fd": theirs.fileno(), **(more or {})}
        with open(self.path("log"), "wb") as log:
            self.process = subprocess.Popen(
                [binary(), *(word.format(**given) for word in arguments)],
                stdin=subprocess.DEVNULL, stdout=log, stderr=log,
                env=env or {}, pass_fds=given.values())
        self._running[self.process.pid] = self.process
        if keep:
            self.stack.enter_context(theirs)
        else:
            theirs.close()

    def _pair(self, tcp):
        if not tcp:
            return socket.socketpair()
        with socket.create_server(("127.0.0.1", 0)) as listening:
            ours = socket.create_connection(listening.getsockname())
            return ours, listening.accept()[0]

    def stop(self):
        self.connection.sock.close()
        super().stop()


def echoes(connection, text=b"hello"):
    connection.send(frame(TEXT, text))
    event = connection.event()
    connection.send(rawclient.close(1000))
    return (event == ("text", text)
            and close_of(until_end(connection)) == (1000, b""))


def test_fd(tap):
    def unblock(sock):
        sock.setblocking(False)

    for name, more in (("a Unix socket", {}), ("TCP", {"tcp": True}),
                       ("TCP that does not block", {"tcp": True,
                                                    "before": unblock})):
        for to in ("echo:", "cat"):
            with Given(["--fd", "{fd}", "--", to], TOLD, **more) as server:
                server.connection.upgraded(KEY)
                tap.ok(echoes(server.connection)
                       and server.process.wait(PROMPT) == 0,
                       "--fd, the request in the environment: %s, %s"
                       % (name, to), server.log())
            with Given(["--fd", "{fd}", to], **more) as server:
                server.connection.handshake("example.org")
                tap.ok(echoes(server.connection)
                       and server.process.wait(PROMPT) == 0,
                       "--fd, the request on the socket: %s, %s" % (name, to),
                       server.log())


def test_no_environment(tap):
    """None at all, as some super-servers have it."""
    with Given(["--fd", "{fd}", "--", "/bin/sh", "-c", "echo $PATH"]) \
            as server:
        server.connection.handshake("example.org")
        tap.ok(payloads(until_end(server.connection), "text")
               == [b"/usr/local/bin:/usr/bin:/bin"],
               "R5: an empty environment is enough")


def test_end(tap):
    """The client sees the end though the application still has a copy."""
    with Given(["--fd", "{fd}", "--", "echo", "bye"], TOLD, tcp=True,
               keep=True) as server:
        server.connection.upgraded(KEY)
        begun = time.monotonic()
        events = until_end(server.connection)
        tap.ok(payloads(events, "text") == [b"bye"] and events[-1] == ("eof",)
               and time.monotonic() - begun < PROMPT,
               "the end comes in spite of the application's copy", events)


def test_two(tap):
    """Two pipes; a socket for each way."""
    for name, make in (("pipes", os.pipe), ("sockets", lambda: [
            sock.detach() for sock in socket.socketpair()])):
        to, back = make(), make()
        with Server() as server:
            given = {"in": to[0], "out": back[1]}
            server.process = subprocess.Popen(
                [binary(), "--in", str(given["in"]), "--out",
                 str(given["out"]), "--", "cat"], env=TOLD,
                stderr=subprocess.DEVNULL, pass_fds=given.values())
            Server._running[server.process.pid] = server.process
            for fd in given.values():
                os.close(fd)
            os.write(to[1], frame(TEXT, b"hello"))
            data = b""
            while b"hello" not in data:
                data += os.read(back[0], 4096)
            os.write(to[1], rawclient.close(1000))
            while more := os.read(back[0], 4096):
                data += more
            tap.ok(data.startswith(b"HTTP/1.1 101 ") and data.endswith(
                b"\r\n\r\n\x81\x05hello\x88\x02\x03\xe8")
                and server.process.wait(PROMPT) == 0,
                "--in and --out: two " + name, data)
        os.close(to[1])
        os.close(back[0])


@contextlib.contextmanager
def holding(data, kind):
    """A descriptor from which this can be read."""
    if kind == "a pipe":
        fd, sink = os.pipe()
        fcntl.fcntl(sink, fcntl.F_SETPIPE_SZ, 1 << 20)
    else:
        fd = sink = os.memfd_create("early")
    os.write(sink, data)
    if sink != fd:
        os.close(sink)
    else:
        os.lseek(fd, 0, os.SEEK_SET)
    try:
        yield fd
    finally:
        os.close(fd)


def test_unread(tap):
    text = b"a" * 40000
    frames = frame(TEXT, text) + frame(TEXT, b"b")
    for kind in ("a pipe", "a file"):
        for cut in (0, 1, 3, 1000, len(frames) - 3, len(frames)):
            with holding(frames[:cut], kind) as fd, Given(
                    ["--fd", "{fd}", "--preread-fd", "{unread}", "cat"],
                    TOLD, more={"unread": fd}) as server:
                server.connection.send(frames[cut:])
                server.connection.upgraded(KEY)
                got = [server.connection.event() for _ in range(2)]
                tap.ok(got == [("text", text), ("text", b"b")],
                       "--preread-fd: %s with %d bytes of two frames"
                       % (kind, cut), [repr(e)[:60] for e in got])
        request = rawclient.request("example.org") + frame(TEXT, b"early")
        with holding(request[:-3], kind) as fd, Given(
                ["--fd", "{fd}", "--preread-fd", "{unread}", "cat"],
                more={"unread": fd}) as server:
            server.connection.send(request[-3:])
            server.connection.upgraded()
            tap.ok(server.connection.event() == ("text", b"early"),
                   "--preread-fd: %s with the request itself" % kind)
        most = frame(TEXT, b"c" * (UNREAD_MAX - 8))
        with holding(most, kind) as fd, Given(
                ["--fd", "{fd}", "--preread-fd", "{unread}", "cat"],
                TOLD, more={"unread": fd}) as server:
            server.connection.upgraded(KEY)
            tap.ok(len(most) == UNREAD_MAX and len(
                server.connection.event()[1]) == UNREAD_MAX - 8,
                "--preread-fd: %s with 65536 bytes" % kind)
        with holding(most + b"d", kind) as fd, Given(
                ["--fd", "{fd}", "--preread-fd", "{unread}", "cat"],
                TOLD, more={"unread": fd}) as server:
            tap.ok(server.process.wait(PROMPT) == 100
                   and "over 65536 bytes" in " ".join(server.log())
                   and server.connection.event() == ("eof",),
                   "--preread-fd: %s with more is refused" % kind,
                   server.log())


def test_stray(tap):
    """A listener of the application's can be opened anew meanwhile."""
    with socket.create_server(("127.0.0.1", 0)) as listening:
        address = listening.getsockname()
        with Given(["--fd", "{fd}", "cat"], TOLD,
                   more={"stray": listening.fileno(),
                         "high": 200}, before=lambda _: os.dup2(
                             listening.fileno(), 200)) as server:
            os.close(200)
            server.connection.upgraded(KEY)
            listening.close()
            with contextlib.closing(socket.socket()) as again:
                try:
                    again.bind(address)
                    again.listen()
                    bound = True
                except OSError as error:
                    bound = error
            names = os.listdir("/proc/%d/fd" % server.process.pid)
            tap.ok(bound is True and "200" not in names,
                   "descriptors that were not given are closed", (bound, names))


def test_errors(tap):
    """Descriptor 2 may be the connection: nothing is said there."""
    for arguments in (["--", "sh", "-c", "echo oops >&2; cat"], ["cat"]):
        ours, theirs = socket.socketpair()
        with Connection(ours) as connection, theirs:
            fd = os.dup(theirs.fileno())
            process = subprocess.Popen(
                [binary(), "--fd", str(fd), *arguments], env=TOLD,
                stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                stderr=theirs, pass_fds=[fd])
            os.close(fd)
            theirs.close()
            connection.upgraded(KEY)
            good = echoes(connection)
            tap.ok(good and process.wait(PROMPT) == 0 and not connection.buffer,
                   "R3: descriptor 2 is the connection: %r" % arguments)


WRONG = [       # arguments, and words of the log
    (["--fd", "99"], "--fd '99': not the number of an open descriptor"),
    (["--fd", "-1"], "--fd '-1': not the number"),
    (["--fd", "x"], "--fd 'x': not the number"),
    (["--fd", ""], "--fd '': not the number"),
    (["--fd", " {fd}"], "not the number"),
    (["--fd", "0x3"], "not the number"),
    (["--fd", "99999999999999999999"], "not the number"),
    (["--fd", "2"], "descriptor 2 is for errors"),
    (["--in", "{fd}"], "--in and --out go together"),
    (["--out", "{fd}"], "--in and --out go together"),
    (["--in", "{fd}", "--out", "2"], "descriptor 2 is for errors"),
    (["--in", "{fd}", "--out", "0"], "descriptor 0 is to read from"),
    (["--preread-fd", "{fd}"], "--preread-fd goes with"),
    (["--fd", "{fd}", "--preread-fd", "{fd}"], "another than"),
    (["--fd", "{fd}", "--preread-fd", "98"], "--preread-fd '98'"),
    (["--fd", "{fd}", "--preread-fd", "{directory}"], "Is a directory"),
    (["--fd", "{fd}", "--listen", "0"], "not with --listen"),
    (["--fd", "{fd}", "--receive", "0"], "not with --listen"),
    (["--fd", "{listening}"], "is a listening socket"),
    (["--fd", "{datagrams}"], "is not a stream socket"),
    (["--fd", "{alone}"], "is gone"),
    (["--fd", "{file}"], "is no socket"),
    (["--fd", "{pipe}"], "is no socket"),
    (["--in", "{file}", "--out", "{fd}"], "neither a socket nor a pipe"),
]


def test_wrong(tap):
    """What cannot be is refused before a byte is sent: the application can
    still answer."""
    with contextlib.ExitStack() as stack:
        def keep(sock):
            return stack.enter_context(contextlib.closing(sock)).fileno()

        ends = os.pipe()
        for fd in ends:
            stack.callback(os.close, fd)
        more = {"listening": keep(socket.create_server(("127.0.0.1", 0))),
                "datagrams": keep(socket.socket(type=socket.SOCK_DGRAM)),
                "alone": keep(socket.socket()), "pipe": ends[0],
                "file": stack.enter_context(open("/etc/passwd")).fileno(),
                "directory": os.open("/", os.O_RDONLY)}
        stack.callback(os.close, more["directory"])
        for arguments, words in WRONG:
            for env in (None, TOLD):
                with Given([*arguments, "--", "cat"], env, more=more) \
                        as server:
                    status = server.process.wait(PROMPT)
                    log = " ".join(server.log())
                    tap.ok(status in (1, 100) and words in log
                           and server.connection.event() == ("eof",),
                           "%s%s: '%s'" % (" ".join(arguments), " under CGI"
                                           if env else "", words),
                           (status, log))
    with Given(["--fd", "{fd}", "--", "cat"], REQUEST) as server:
        tap.ok(server.process.wait(PROMPT) == 100
               and "counts for nothing" in " ".join(server.log())
               and server.connection.event() == ("eof",),
               "R1: under CGI, --fd takes WS_CGI_ARGV too", server.log())


# Applications in other languages that do it.

PERL = r"""
use IO::Socket::INET; use Fcntl;
my $l = IO::Socket::INET->new(Listen => 5, LocalAddr => '127.0.0.1',
    LocalPort => 0) or die;
$| = 1; print $l->sockport, "\n";
my $c = $l->accept; my $head = '';
sysread $c, $head, 16384, length $head while $head !~ /\r\n\r\n/;
my ($early) = $head =~ /\r\n\r\n(.*)/s;
my %env = (REQUEST_METHOD => 'GET', REQUEST_URI => '/perl',
    SERVER_PROTOCOL => 'HTTP/1.1', WS_CGI_ARGV => 1, REMOTE_USER => 'anna',
    PATH => $ENV{PATH});
while ($head =~ /^([\w-]+): (.*?)\r$/mg) {
	my ($name, $value) = (uc $1, $2);
	$name =~ tr/-/_/; $env{"HTTP_$name"} = $value; }
pipe my $r, my $w; my $pid = fork;
if (!$pid) {
	close $w; fcntl $_, F_SETFD, 0 for $c, $r; %ENV = %env;
	exec $ARGV[0], '--fd', fileno $c, '--preread-fd', fileno $r, '--',
	    'sh', '-c', 'echo "$REMOTE_USER $REQUEST_URI"; exec cat'; }
close $r; syswrite $w, $early; close $w; close $c; waitpid $pid, 0;
exit $? >> 8;
"""


def test_perl(tap):
    adopt_orphans()
    before = children()
    process = subprocess.Popen(["perl", "-e", PERL, binary()],
                               stdout=subprocess.PIPE,
                               stderr=subprocess.DEVNULL)
    with process.stdout:
        port = int(process.stdout.readline())
    with Connection(rawclient.connect(("127.0.0.1", port))) as connection:
        connection.send(rawclient.request("127.0.0.1")
                        + frame(TEXT, b"e" * 3000))
        connection.upgraded()
        got = [connection.event() for _ in range(2)]
        tap.ok(got == [("text", b"anna /perl"), ("text", b"e" * 3000)]
               and echoes(connection) and process.wait(PROMPT) == 0,
               "an application in Perl forks it off", got)
    check_orphans(before)


WSGI = r"""
import os, socket, subprocess, sys
from wsgiref.simple_server import make_server

def application(environ, start_response):
    if environ.get("HTTP_UPGRADE") != "websocket":
        start_response("200 OK", [("Content-Length", "5")])
        return [b"plain"]
    sock = environ["wsgi.input"].raw._sock
    early, sink = os.pipe()
    sock.setblocking(False)
    os.write(sink, environ["wsgi.input"].peek() or b"")
    os.close(sink)
    told = {k: v for k, v in environ.items() if isinstance(v, str)}
    told.update(WS_CGI_ARGV="1", SERVER_PROTOCOL="HTTP/1.1")
    subprocess.Popen([sys.argv[1], "--fd", str(sock.fileno()), "--preread-fd",
                      str(early), "--", "cat"], env=told,
                     pass_fds=(sock.fileno(), early), stderr=2)
    os.close(early)
    a, b = socket.socketpair()
    b.close()
    os.dup2(a.fileno(), sock.fileno(), inheritable=False)
    a.close()
    start_response("200 OK", [("Content-Length", "0")])
    return [b""]

with make_server("127.0.0.1", 0, application) as server:
    print(server.server_port, flush=True)
    server.serve_forever()
"""


class Wsgi(Server):
    """wsgiref, one process and one thread."""

    def __init__(self):
        super().__init__()
        self.start([sys.executable, "-c", WSGI, binary()],
                   stdout=subprocess.PIPE)
        with self.process.stdout:
            self.address = ("127.0.0.1", int(self.process.stdout.readline()))
        self.host = "127.0.0.1:%d" % self.address[1]


def test_wsgi(tap):
    with Wsgi() as server, contextlib.ExitStack() as stack:
        talks = []
        for i in range(4):
            connection = stack.enter_context(Connection(server.connect()))
            connection.send(rawclient.request(server.host)
                            + frame(TEXT, b"early %d" % i))
            connection.upgraded()
            tap.ok(connection.event() == ("text", b"early %d" % i),
                   "a WSGI application forks off connection %d" % i,
                   server.log())
            talks.append(connection)
        with Connection(server.connect()) as plain:
            plain.send(b"GET / HTTP/1.0\r\n\r\n")
            tap.ok(plain.rest().endswith(b"plain"),
                   "and its only worker is free meanwhile")
        tap.ok(all(map(echoes, talks)), "and all of them go on")


def main():
    tap = Tap()
    for name, test in list(globals().items()):
        if name.startswith("test_"):
            test(tap)
    tap.finish()


if __name__ == "__main__":
    with same_descriptors():
        main()
