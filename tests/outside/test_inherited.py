"""What a parent may leave to ws-cgi: descriptors of every kind, signals, a
directory that is gone, an environment that lies.  Each test is named after the
behaviour of a real super-server or web server that made it a requirement."""

import contextlib
import fcntl
import os
import pty
import signal
import socket
import subprocess
import tempfile
import time

import rawclient
from rawclient import TEXT, Connection, close, frame, request
from server import binary, same_descriptors
from tap import Tap
from ws_test import PATIENCE, in_parallel, until_end

FREE = 40           # the number of a stray descriptor
SOON = 2            # s
# Signals 32 and 33 are the C library's own, which no program can name.
LIBC = 1 << 31 | 1 << 32

# What a program sees of itself: signals, descriptors, and an open question.
STATE = r"""grep -E '^Sig(Blk|Ign):' /proc/self/status
echo fds $(ls /proc/$$/fd)
echo cwd $(readlink /proc/$$/cwd)
exec cat"""


class Pipes:
    """A client's end of two pipes, with the manners of a socket."""

    def __init__(self, read, write):
        self.ends = {"in": read, "out": write}

    def fileno(self):
        return self.ends["in"]

    def recv(self, size):
        return os.read(self.ends["in"], size)

    def send(self, data):
        return os.write(self.ends["out"], data)

    def setblocking(self, how):
        for fd in self.ends.values():
            os.set_blocking(fd, how)

    def shut(self, end):
        os.close(self.ends.pop(end))

    def close(self):
        while self.ends:
            os.close(self.ends.popitem()[1])


def tcp_pair():
    with socket.create_server(("127.0.0.1", 0)) as listening:
        ours = socket.create_connection(listening.getsockname())
        return ours, listening.accept()[0]


class Started:
    """ws-cgi with these descriptors, which are closed here.  None: closed
    there as well."""

    def __init__(self, argv, fds, env=None, prepare=lambda: None, more=()):
        places = dict(enumerate(fds))

        def become():
            high = {n: fcntl.fcntl(fd, fcntl.F_DUPFD, 100)
                    for n, fd in places.items() if fd is not None}
            for number, fd in places.items():
                os.close(number) if fd is None \
                    else os.dup2(high[number], number)
            for fd in high.values():
                os.close(fd)
            prepare()

        self.log = tempfile.TemporaryFile("w+", errors="replace")
        places.setdefault(2, self.log.fileno())
        passed = [fd for fd in places.values() if fd is not None]
        self.process = subprocess.Popen(
            [binary(), *argv], preexec_fn=become, restore_signals=False,
            env=os.environ if env is None else env, close_fds=True,
            pass_fds=[*passed, *more])

    def __enter__(self):
        return self

    def __exit__(self, *_):
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait()
        self.log.close()

    def ends(self, patience=PATIENCE):
        """Its exit status, or None."""
        with contextlib.suppress(subprocess.TimeoutExpired):
            return self.process.wait(patience)
        return None

    def said(self):
        self.log.seek(0)
        return self.log.read()


@contextlib.contextmanager
def serving(argv, pair=socket.socketpair, **more):
    """A Connection, and what serves it."""
    ours, theirs = pair()
    with theirs, Started(argv, [theirs.fileno()] * 2, **more) as child:
        theirs.close()
        with Connection(ours) as connection:
            yield connection, child


def mapped_pair():
    """What a socket for both families accepts from IPv4."""
    with socket.create_server(("::", 0), family=socket.AF_INET6,
                              dualstack_ipv6=True) as listening:
        ours = socket.create_connection(
            ("127.0.0.1", listening.getsockname()[1]))
        return ours, listening.accept()[0]


# The command line and systemd.

def test_environment(tap):
    """R1: in a CGI environment the command line is not believed."""
    for name, value in [("GATEWAY_INTERFACE", "CGI/1.1"),
                        ("REQUEST_METHOD", "GET")]:
        with tempfile.TemporaryDirectory() as home:
            mark = os.path.join(home, "mark")
            ours, theirs = socket.socketpair()
            with theirs, ours:
                env = {"PATH": os.environ["PATH"], name: value}
                with Started(["--listen", "127.0.0.1:0", "touch", mark],
                             [theirs.fileno()] * 2, env) as child:
                    theirs.close()
                    ours.settimeout(PATIENCE)
                    answer = b"".join(iter(lambda: ours.recv(4096), b""))
                    status = child.ends()
            tap.ok(answer.startswith(b"Status: 50") and status == 100
                   and not os.path.exists(mark),
                   name + " alone: arguments count for nothing",
                   (status, answer))


def test_passed(tap):
    """R2: descriptor 3 is the connection if systemd has passed it to this
    process, and nothing but that; no argument is needed to say so."""
    for name, pid, on_0, served in [
            ("passed", "own", "/dev/null", 3),
            ("passed to another", "1", "socket", 0),
            ("passed, and on 0", "own", "socket", 0)]:
        ours, theirs = socket.socketpair()
        null = os.open("/dev/null", os.O_RDWR)
        other, strange = socket.socketpair()
        first = null if on_0 == "/dev/null" else theirs.fileno()
        third = theirs.fileno() if served == 3 else strange.fileno()
        script = 'LISTEN_PID=%s exec "$0" echo:' % (
            "$$" if pid == "own" else pid)
        with theirs, other, strange:
            env = {**os.environ, "LISTEN_FDS": "1"}
            with sh(script, [first, first, null, third], env), \
                    Connection(ours) as connection:
                theirs.close()
                tap.ok(echoes(connection), "LISTEN_FDS: " + name)
                connection.send(close(1000))
                until_end(connection)
        os.close(null)


@contextlib.contextmanager
def sh(script, fds, env):
    """A shell that becomes ws-cgi, which is its $0."""
    def become():
        high = [fcntl.fcntl(fd, fcntl.F_DUPFD, 100) for fd in fds]
        for number, fd in enumerate(high):
            os.dup2(fd, number)
            os.close(fd)

    process = subprocess.Popen(["/bin/sh", "-c", script, binary()],
                               preexec_fn=become, env=env, close_fds=False)
    try:
        yield process
    finally:
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(PATIENCE)
        process.kill()
        process.wait()


def echoes(connection, payload=b"hello", opcode=TEXT):
    connection.handshake("localhost")
    connection.send(frame(opcode, payload))
    return connection.event(PATIENCE) == (rawclient.NAMES[opcode], payload)


# Signals, descriptors, directories.

def dirty():
    """What a careless parent does to its children."""
    for sig in set(signal.Signals) - {signal.SIGKILL, signal.SIGSTOP}:
        signal.signal(sig, signal.SIG_IGN)
    signal.pthread_sigmask(signal.SIG_BLOCK, signal.valid_signals())
    signal.setitimer(signal.ITIMER_REAL, 1, 1)


def test_dirty(tap):
    """R3, R4: a running alarm, ignored and blocked signals and stray
    descriptors are cleared, for ws-cgi and for its program."""
    stray, other = socket.socketpair()
    with stray, other:
        for name, argv in [("a program", ["sh", "-c", STATE]),
                           ("echo:", ["echo:"])]:
            def prepare():
                os.dup2(stray.fileno(), FREE, inheritable=True)
                dirty()

            with serving(argv, prepare=prepare,
                         more=[stray.fileno()]) as (connection, child):
                connection.handshake("localhost")
                if argv != ["echo:"]:
                    check_state(tap, [connection.event()[1].decode()
                                      for _ in range(4)])
                held = names_of(child.process.pid)
                tap.ok(held.count("socket:[%d]" % os.fstat(
                    stray.fileno()).st_ino) == 0,
                    name + ": stray descriptors are closed", held)
                time.sleep(1.2)
                connection.send(frame(TEXT, b"there?"))
                tap.ok(connection.event() == ("text", b"there?"),
                       name + ": an alarm that was running is off",
                       child.process.poll())
                child.process.send_signal(signal.SIGTERM)
                events = until_end(connection, SOON)
                tap.ok(events[0][:2] == ("close", 1001)
                       and child.ends(SOON) == 0,
                       name + ": signals that were ignored and blocked work",
                       events)


def stopped_at_once(_):
    """Whether ws-cgi of a careless parent closes at a SIGTERM that may come
    just before it reads."""
    with serving(["echo:"], prepare=dirty) as (connection, child):
        connection.handshake("localhost")
        connection.send(frame(TEXT, b"hello"))
        connection.event()
        child.process.send_signal(signal.SIGTERM)
        return until_end(connection, SOON)[0][:2] == ("close", 1001)


def test_masked(tap):
    """R4: nor does the alarm stay blocked that repeats a signal."""
    good = sum(in_parallel(stopped_at_once, range(200)))
    tap.ok(good == 200, "echo:: SIGTERM at any time", good)


def names_of(pid):
    """What a process has open."""
    place = "/proc/%d/fd/" % pid
    return [os.readlink(place + fd) for fd in os.listdir(place)]


def check_state(tap, lines):
    said = dict(line.replace(":", "").split(None, 1) for line in lines)
    tap.ok(int(said["SigBlk"], 16) == int(said["SigIgn"], 16) & ~LIBC == 0,
           "its program: no signal is ignored or blocked", said)
    tap.ok(said["fds"].split()[:3] == ["0", "1", "2"]
           and str(FREE) not in said["fds"].split(),
           "its program: no stray descriptor", said)


def test_missing(tap):
    """R3: descriptors that are missing are made, or the next file that is
    opened would become one of them."""
    for name, fds in [("2", ["s", "s", None]), ("1 and 2", ["s", None, None])]:
        ours, theirs = socket.socketpair()
        with theirs, Started(["sh", "-c", STATE], [
                theirs.fileno() if kind else None for kind in fds]) as child:
            theirs.close()
            with Connection(ours) as connection:
                connection.handshake("localhost")
                lines = [connection.event()[1].decode() for _ in range(4)]
                check_state(tap, lines)
                open_there = sorted(map(int, os.listdir(
                    "/proc/%d/fd" % child.process.pid)))[:3]
                tap.ok(open_there == [0, 1, 2],
                       "missing: %s; now all are there" % name, open_there)
                connection.send(close(1000))
                until_end(connection)


def test_nowhere(tap):
    """R5: neither PATH nor HOME nor a directory to be in is needed."""
    place = tempfile.mkdtemp()

    def prepare():
        os.chdir(place)
        os.rmdir(place)

    with serving(["/bin/cat"], env={}, prepare=prepare) as (connection, _):
        tap.ok(echoes(connection), "no environment, in a removed directory")
        connection.send(close(1000))
        until_end(connection)


# What descriptor 0 may be.

def opened_as(kind, place):
    """A descriptor of this kind, and what must be kept open beside it."""
    if kind == "a listening socket":
        return socket.create_server(("127.0.0.1", 0)), None
    if kind == "a datagram socket":
        return socket.socket(socket.AF_INET, socket.SOCK_DGRAM), None
    if kind == "an unconnected socket":
        return socket.socket(), None
    if kind == "a terminal":
        master, slave = pty.openpty()
        return Descriptor(slave), Descriptor(master)
    path = {"/dev/null": "/dev/null", "a file": os.path.join(place, "file"),
            "a directory": place}[kind]
    if kind == "a file":
        with open(path, "w") as f:
            f.write("GET / HTTP/1.1\r\n\r\n")
    return Descriptor(os.open(path, os.O_RDONLY)), None


class Descriptor:
    """One that is no socket, with the manners of a file."""

    def __init__(self, fd):
        self.fd = fd

    def fileno(self):
        return self.fd

    def close(self):
        os.close(self.fd)


def test_kinds(tap):
    """R6: what cannot be a connection is refused, and told by its name."""
    for kind, status, words in [
            ("a listening socket", 100, "listening socket"),
            ("a datagram socket", 100, "not a stream socket"),
            ("an unconnected socket", 1, "gone"),
            ("a terminal", 100, "terminal"),
            ("/dev/null", 100, "neither a socket nor a pipe"),
            ("a file", 100, "neither a socket nor a pipe"),
            ("a directory", 100, "neither a socket nor a pipe")]:
        with tempfile.TemporaryDirectory() as place:
            thing, beside = opened_as(kind, place)
            with Started(["cat"], [thing.fileno()] * 2) as child:
                got, said = child.ends(SOON), child.said()
            thing.close()
            if beside:
                beside.close()
        tap.ok(got == status and words in said,
               "descriptor 0 is %s: status %d, and why" % (kind, status),
               (got, said))


def pipe_pair():
    """A client's ends of two pipes, and the server's."""
    here, there_out = os.pipe()
    there_in, out = os.pipe()
    return Pipes(here, out), [there_in, there_out]


def mixed_pair():
    """The way in is a pipe, the way out a socket."""
    there_in, out = os.pipe()
    ours, theirs = socket.socketpair()
    return Pipes(os.dup(ours.fileno()), out), \
        [there_in, os.dup(theirs.fileno())], (ours, theirs)


def both(pair):
    ours, theirs = pair()
    return ours, [os.dup(theirs.fileno()), os.dup(theirs.fileno())], (theirs,)


PAIRS = {
    "a TCP socket": lambda: both(tcp_pair),
    "a Unix socket": lambda: both(socket.socketpair),
    "two pipes": lambda: (*pipe_pair(), ()),
    "a pipe and a socket": mixed_pair,
}


@contextlib.contextmanager
def plumbed(name, argv, prepare=lambda fds: None):
    """A Connection through one of these pairs, and what serves it."""
    ours, fds, over = PAIRS[name]()
    for sock in over:
        sock.close()
    prepare(fds)
    try:
        child = Started(argv, fds)
    finally:
        for fd in fds:
            os.close(fd)
    with child, Wired(ours) as connection:
        yield connection, child


class Wired(Connection):
    """A Connection over Pipes, too: it writes elsewhere than it reads."""

    def _wait(self, mask, timeout):
        if isinstance(self.sock, Pipes) and mask & 4:   # POLLOUT
            time.sleep(0.001)
            return mask
        return super()._wait(mask, timeout)


def test_pairs(tap):
    """R7, R8: 0 and 1 are two objects, each a socket or a pipe, blocking or
    not."""
    def unblocked(fds):
        for fd in fds:
            os.set_blocking(fd, False)

    for name in PAIRS:
        for how, prepare in [("", lambda fds: None),
                             (", not blocking", unblocked)]:
            for to in ("echo:", "/bin/cat"):
                with plumbed(name, [to], prepare) as (connection, child):
                    good = echoes(connection)
                    connection.send(frame(TEXT, b"x" * (1 << 20)))
                    event = connection.event(PATIENCE)
                    connection.send(close(1000))
                    good = good and event and len(event[1]) == 1 << 20 \
                        and connection.event()[:2] == ("close", 1000)
                    connection.sock.close()
                    status = child.ends()
                tap.ok(good and status == 0,
                       "%s%s: %s" % (name, how, to), (status, child))


def test_mapped(tap):
    with serving(["--", "/bin/sh", "-c", "echo $REMOTE_ADDR $SERVER_ADDR"],
                 mapped_pair) as (connection, _):
        connection.handshake("localhost")
        event = connection.event()
    tap.ok(event == ("text", b"127.0.0.1 127.0.0.1"),
           "R31: an IPv4 address in the clothes of IPv6 is shown as IPv4",
           event)


def test_unread(tap):
    """R9: a way out that nobody reads any more is the client's end."""
    with plumbed("two pipes", ["/bin/cat"]) as (connection, child):
        echoes(connection)
        connection.sock.shut("in")
        status = child.ends(SOON)
        tap.ok(status == 1 and "gone" in child.said(),
               "a pipe that is not read: it ends at once",
               (status, child.said()))


# The end.

def test_stopped(tap):
    """R11: SIGTERM is Close 1001, and the end within about a second: a signal
    that comes just before a read is repeated after one."""
    for to in ("echo:", "/bin/cat"):
        with serving([to]) as (connection, child):
            echoes(connection)
            began = time.monotonic()
            child.process.terminate()
            events = until_end(connection, SOON)
            connection.sock.close()
            status = child.ends(SOON)
            tap.ok(events[0][:2] == ("close", 1001) and status == 0
                   and time.monotonic() - began < 3,
                   to + ": SIGTERM, and the end within a second or so",
                   (events, status))


def test_early(tap):
    """R12: bytes behind the request are frames."""
    for to in ("echo:", "/bin/cat"):
        with serving([to]) as (connection, _):
            connection.send(request("localhost") + b"".join(
                frame(TEXT, b"%d" % n) for n in range(100)))
            connection.upgraded()
            events = [connection.event() for _ in range(100)]
            tap.ok(events == [("text", b"%d" % n) for n in range(100)],
                   to + ": all with the request is heard", events[-3:])
            connection.send(close(1000))
            until_end(connection)


def test_lingering(tap):
    """R13: an answer is not overtaken by the reset that unread bytes cause."""
    good = 0
    for _ in range(20):
        with serving(["echo:"], tcp_pair) as (connection, _child):
            connection.send(b"GET / HTTP/1.1\r\nHost: no.test\r\n\r\n")
            with contextlib.suppress(TimeoutError):
                connection.send(bytes(1 << 18))
            answer = connection.rest()
            good += b"\r\n\r\n" in answer and connection.ended == "eof"
    tap.ok(good == 20, "a refusal arrives, whatever was sent behind it", good)


def test_waiting(tap):
    """R14: who answers our Close and does not end its stream is not waited for
    long."""
    with serving(["sh", "-c", "exit 0"], tcp_pair) as (connection, child):
        connection.handshake("localhost")
        connection.event()
        connection.send(close(1000))
        tap.ok(child.ends(SOON) == 0, "it is the server that ends the stream")


def test_closes(tap):
    """R15: a program's end is a Close frame, whatever end it is."""
    for script, code in [("exit 0", 1000), ("exit 3", 1011),
                         ("kill -9 $$", 1011), ("exec true", 1000),
                         (r"printf '\377\n'", 1011)]:
        with serving(["sh", "-c", script]) as (connection, _):
            connection.handshake("localhost")
            event = connection.event()
            tap.ok(event and event[:2] == ("close", code),
                   "%s: Close %d" % (script, code), event)
            connection.send(close(code))
            until_end(connection)


def test_keepalive(tap):
    """R16: Pings come before any front end's patience ends, by default."""
    said = subprocess.run([binary(), "--check", "echo:"], capture_output=True,
                          text=True).stdout
    shown = dict(line.split(None, 1) for line in said.splitlines()
                 if len(line.split(None, 1)) == 2)
    tap.ok(shown.get("ping") == "25 s" and shown.get("pong") == "20 s",
           "the default is a Ping after 25 s", said)
    with serving(["--ping", "0.3", "--pong", "0.3", "cat"]) as (connection,
                                                                child):
        connection.handshake("localhost")
        event = connection.event(SOON)
        status = child.ends(SOON)
        tap.ok(event == ("ping", b"") and status == 1,
               "no Pong: the client is given up", (event, status))


TESTS = [test_environment, test_passed, test_dirty, test_masked, test_missing,
         test_nowhere, test_kinds, test_pairs, test_mapped, test_unread,
         test_stopped, test_early, test_lingering, test_waiting, test_closes,
         test_keepalive]


def main():
    tap = Tap()
    with same_descriptors():
        for test in TESTS:
            test(tap)
    tap.finish()


if __name__ == "__main__":
    main()
