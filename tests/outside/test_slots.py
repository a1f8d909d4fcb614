"""How many come at a time, in all, from a source, of a user and to a path:
where a listener counts, and where there is none, by slots, which any end frees.
"""

import contextlib
import os
import re
import signal
import socket
import subprocess
import tempfile

import rawclient
from cgi import REQUEST, VOUCHED, without
from rawclient import TEXT, Connection, frame
from server import Listener, Spawned, Tcpserver, binary, same_descriptors
from tap import Tap
from ws_test import (PATIENCE, eventually, in_parallel, until_end, worker,
                     workers)

NOBODY = 65534
OTHER = 1
FILES = 16          # of each kind, at most
USERS = ["a", "b", "..", "../../etc/passwd", "/", "all.0", "a b\t\"'\\",
         "\u00fcber", "x" * 5000, "a\n b", "$(id)", "-n"]
PATHS = ["/", "/a", "/a/", "/../x", "/%2e%2e/%2e%2e/etc/passwd", "/a%2fb",
         "/user.0", "/%0a%0d", "/" + "y" * 5000, "/%ff%fe"]


class Each(Spawned):
    """A process for each connection, with variables of its own."""

    def __init__(self, options, operands=("echo:",), env=None):
        super().__init__([binary(), *options, "--", *operands], env)
        self.common = self.env

    def come(self, variables=(), path="/"):
        """A Connection, its answer there, and the status of that."""
        self.env = {**self.common, **dict(variables)}
        connection = Connection(self.connect())
        if "GATEWAY_INTERFACE" not in self.env:
            connection.send(rawclient.request(self.host, path))
        connection.fill_until(lambda: b"\r\n\r\n" in connection.buffer,
                              PATIENCE)
        found = re.match(rb"(?:HTTP/1.1|Status:) (\d+)", connection.buffer)
        return connection, int(found[1]) if found else 0


@contextlib.contextmanager
def slots():
    with tempfile.TemporaryDirectory(prefix="ws-slots-") as path:
        yield path


def crowd(stack, server, visits):
    """The statuses of those who come one after another and stay."""
    statuses = []
    for visit in visits:
        connection, status = server.come(*visit)
        stack.callback(connection.sock.close)
        statuses.append(status)
    return statuses


def gone(server):
    def look():
        with server.lock:
            server._reap()
            return not server.processes
    return eventually(look)


def cgi(**more):
    return {**REQUEST, **VOUCHED, **more}


def frm(address):
    return {"TCPREMOTEIP": address, "TCPREMOTEPORT": "5000"}


# Where there is no listener.

ROWS = [        # name, options, who comes with what and for what, statuses
    ("--max", ["--max", "3"], [({},)] * 5, [101] * 3 + [503] * 2),
    ("--max-source, under a super-server", ["--max-source", "2"],
     [(frm(a),) for a in ("192.0.2.1", "192.0.2.1", "192.0.2.2", "192.0.2.1",
                          "::ffff:192.0.2.1", "192.0.2.2", "192.0.2.2")],
     [101, 101, 101, 503, 503, 101, 503]),
    ("--max-source, of IPv6", ["--max-source", "1"],
     [(frm(a),) for a in ("2001:db8::1", "2001:db8::2:2", "2001:db8:0:1::1")],
     [101, 503, 101]),
    ("--source-bits", ["--max-source", "1", "--source-bits", "24,32"],
     [(frm(a),) for a in ("192.0.2.1", "192.0.2.2", "192.0.3.1",
                          "2001:db8::1", "2001:db8:9::2")],
     [101, 503, 101, 101, 503]),
    ("--max-source, a socket pair", ["--max-source", "1"], [({},)] * 3,
     [101] * 3),
    ("--max-source, a trusted proxy",
     ["--max-source", "1", "--trust", "192.0.2.1"],
     [(frm("192.0.2.1"),)] * 3, [101] * 3),
    ("--max-source, as CGI", ["--max-source", "1"],
     [(cgi(REMOTE_ADDR=a),) for a in ("192.0.2.1", "192.0.2.1", "192.0.2.2")],
     [101, 503, 101]),
    ("--max, as CGI", ["--max", "1"], [(cgi(),)] * 2, [101, 503]),
    ("--max-user", ["--max-user", "2"],
     [(cgi(REMOTE_USER=u),) for u in ("a", "a", "b", "a", "A", "b", "b")],
     [101, 101, 101, 503, 101, 101, 503]),
    ("--max-user, nobody", ["--max-user", "1"],
     [(cgi(REMOTE_USER=""),), (cgi(REMOTE_USER=""),), (cgi(),), (cgi(),)],
     [101] * 4),
    ("--max-user, hostile names", ["--max-user", "1", "--max-source", "900"],
     [(cgi(REMOTE_USER=u),) for u in USERS + USERS],
     [101] * len(USERS) + [503] * len(USERS)),
    ("--max-path", ["--max-path", "2"],
     [({}, p) for p in ("/a", "/%61", "/a?b", "/b", "/a/", "/A")],
     [101, 101, 503, 101, 101, 101]),
    ("--max-path, hostile paths", ["--max-path", "1"],
     [({}, p) for p in PATHS + PATHS],
     [101] * len(PATHS) + [503] * len(PATHS)),
    ("two limits, the second is reached",
     ["--max-user", "9", "--max-path", "1"],
     [(cgi(REMOTE_USER="a", REQUEST_URI=p),) for p in ("/x", "/x", "/y")],
     [101, 503, 101]),
]


def test_each(tap):
    for name, options, visits, wanted in ROWS:
        with slots() as where, Each(["--slots", where, *options]) as server, \
                contextlib.ExitStack() as stack:
            seen = crowd(stack, server, visits)
            tap.ok(seen == wanted, name + ": as many as may come in do",
                   (seen, server.log()))
            files = os.listdir(where)
            tap.ok(len(files) <= 4 * FILES and all(re.fullmatch(
                r"(all|source|user|path)\.\d+", f) for f in files)
                and not any(os.path.getsize(os.path.join(where, f))
                            for f in files),
                name + ": files are few, empty and of known names", files)
            stack.close()
            gone(server)
            again = crowd(stack, server, visits)
            stack.close()
            tap.ok(again == wanted, name + ": all are free again", again)


SAID = [        # options, variables, path, what the log says of the second
    (["--max", "1"], {}, "/", "turned away: 1 connections in all"),
    (["--max-source", "1"], frm("192.0.2.1"), "/",
     "192.0.2.1:5000 \"\" 503 turned away: 1 connections from there"),
    (["--max-user", "1"], cgi(REMOTE_USER='a"\nb'), "/",
     r"turned away: 1 connections of user a\x22\x0ab"),
    (["--max-path", "1"], {}, "/chat",
     '"/chat" 503 turned away: 1 connections to that path'),
]


def test_said(tap):
    for options, variables, path, words in SAID:
        with slots() as where, Each(["--slots", where, *options]) as server, \
                contextlib.ExitStack() as stack:
            crowd(stack, server, [(variables, path)])
            connection, status = server.come(variables, path)
            answer = connection.rest(PATIENCE)
            connection.sock.close()
            tap.ok(b"Retry-After: 5\r\n" in answer and status == 503
                   and b"all places are taken, try again" in answer,
                   options[0] + ": the answer says when to come again",
                   answer)
            tap.ok(eventually(lambda: any(words in line
                                          for line in server.log())),
                   options[0] + ": the log says which limit it was",
                   server.log())


def test_exactly(tap):
    """Fifty processes at once, ten slots, several times."""
    for options in [["--max", "10"], ["--max-path", "10"]]:
        counts = []
        with slots() as where, Each(["--slots", where, *options]) as server:
            for _ in range(5):
                found = in_parallel(lambda _: server.come(), range(50), 50)
                counts.append(sum(status == 101 for _, status in found))
                counts.append(sum(status == 503 for _, status in found))
                for connection, _ in found:
                    connection.sock.close()
                gone(server)
        tap.ok(counts == [10, 40] * 5, "%s: of 50 at once exactly 10 are in"
               % " ".join(options), counts)


def test_killed(tap):
    with slots() as where, \
            Each(["--slots", where, "--max-path", "4"], ["cat"]) as server, \
            contextlib.ExitStack() as stack:
        seen = []
        for number in (signal.SIGKILL, signal.SIGSEGV, signal.SIGTERM):
            seen += crowd(stack, server, [()] * 5)
            for process in server.processes:
                process.send_signal(number)
            gone(server)
        tap.ok(seen == ([101] * 4 + [503]) * 3, "any end frees a slot, "
               "SIGKILL too", seen)


def test_one_killed(tap):
    with slots() as where, Each(["--slots", where, "--max", "3"]) as server, \
            contextlib.ExitStack() as stack:
        seen = crowd(stack, server, [()] * 3)
        first = server.processes[0]
        first.kill()
        first.wait()
        seen += crowd(stack, server, [()] * 2)
        tap.ok(seen == [101, 101, 101, 101, 503],
               "kill -9 of a process frees its slot, and no other", seen)


def test_held(tap):
    """While the program is being ended, too, and not by the program."""
    stubborn = ["sh", "-c", "trap '' HUP TERM; ls -l /proc/self/fd; "
                "while :; do sleep 0.1; done"]
    with slots() as where, \
            Each(["--slots", where, "--max", "1", "--grace", "0.3"],
                 stubborn) as server, contextlib.ExitStack() as stack:
        connection, _ = server.come()
        connection.upgraded()
        connection.send(frame(TEXT, b"hello"))
        lines = []
        while b" 2 -> " not in b"".join(lines):
            lines.append(connection.event(PATIENCE)[1])
        tap.ok(where.encode() not in b"".join(lines),
               "no slot is open in the program", lines)
        process = server.processes[0]
        locks = subprocess.run(["lslocks", "-n", "-o", "PID,PATH,TYPE"],
                               capture_output=True, text=True).stdout
        tap.ok(re.search(r"^ *%d +%s/all\.\d+ +POSIX" % (process.pid, where),
                         locks, re.MULTILINE),
               "lslocks tells who holds it", locks)
        connection.send(rawclient.close(1000))
        connection.sock.close()
        seen = crowd(stack, server, [()])
        process.wait()
        gone(server)
        seen += crowd(stack, server, [()])
        tap.ok(seen == [503, 101], "a slot is held until the program has "
               "ended", seen)
        for process in server.processes:
            process.terminate()


# What is wrong with the directory.

def starts(*options):
    """Whether a listener with these would."""
    return subprocess.run([binary(), "--listen", "127.0.0.1:0", *options,
                           "--check", "cat"], capture_output=True,
                          timeout=PATIENCE, check=False).returncode == 0


def status_of(*options, user=None, env=None, strace=(), program="echo:"):
    """What a client is answered, and what is in the log."""
    ours, theirs = socket.socketpair()
    with theirs, Connection(ours) as connection:
        process = subprocess.Popen(
            [*strace, binary(), *options, program], stdin=theirs,
            stdout=theirs, stderr=subprocess.PIPE, text=True, user=user,
            env=env)
        theirs.close()
        connection.send(rawclient.request("localhost"))
        connection.fill_until(lambda: b"\r\n\r\n" in connection.buffer,
                              PATIENCE)
        seen = bytes(connection.buffer[:12])
        ours.close()
        log = process.stderr.read()
        process.stderr.close()
        return seen, process.wait(PATIENCE), log


def test_wrong(tap):
    with slots() as where:
        os.chmod(where, 0o755)
        for name, owner, mode, user, words in [
                ("somebody else's", NOBODY, 0o755, None, "another user"),
                ("open to a group", 0, 0o775, None, "others may write"),
                ("open to all", 0, 0o1777, None, "others may write")]:
            os.chown(where, owner, -1)
            os.chmod(where, mode)
            seen = status_of("--slots", where, user=user)
            tap.ok(seen[:2] == (b"", 100) and words in seen[2],
                   "a directory that is %s is an error of the command line"
                   % name, seen)
        for owner, wanted in ((NOBODY, b"HTTP/1.1 101"), (OTHER, b"")):
            os.chown(where, owner, -1)
            os.chmod(where, 0o755)
            seen = status_of("--run-as", "nobody", "--slots", where,
                             program="cat")
            tap.ok(seen[0] == wanted and (wanted or "another user" in seen[2]),
                   "--run-as: it is that user's, or %d's: %s" % (
                       owner, wanted.decode()), seen)
            for option in ("--user", "--run-as"):
                tap.ok(starts("--slots", where, option, "nobody")
                       == (wanted != b""), "a listener with %s: %s" % (
                           option, wanted != b""), seen)
        os.chown(where, 0, -1)
        os.chmod(where, 0o755)
        seen = status_of("--slots", where, user=NOBODY)
        tap.ok(seen[:2] == (b"HTTP/1.1 503", 111)
               and "--slots %s cannot be used: Permission denied" % where
               in seen[2], "where no file can be made nobody comes in", seen)
        os.chown(where, NOBODY, -1)
        seen = status_of("--slots", where, user=NOBODY)
        tap.ok(seen[0] == b"HTTP/1.1 101", "where it can, one does", seen)


FAILING = [     # calls, error, what the log says
    ("openat", "ENOSPC:when=2+", "cannot be used: No space left on device"),
    ("openat", "EROFS:when=2+", "cannot be used: Read-only file system"),
    ("openat", "EMFILE:when=2+", "cannot be used: Too many open files"),
    ("openat", "EMFILE", "cannot be opened: Too many open files"),
    ("fcntl", "ENOLCK", "cannot be used: No locks available"),
    ("fcntl", "EDEADLK", "cannot be used: Resource deadlock avoided"),
]


def test_faults(tap):
    with slots() as where:
        names = [where] + ["%s/all.%d" % (where, i) for i in range(FILES)]
        paths = [word for name in names for word in ("-P", name)]
        for call, error, words in FAILING:
            strace = ["strace", "-qq", "-o", "/dev/null", *paths, "-e",
                      "trace=" + call, "-e",
                      "inject=%s:error=%s" % (call, error)]
            seen = status_of("--slots", where, strace=strace)
            tap.ok(seen[:2] == (b"HTTP/1.1 503", 111) and words in seen[2]
                   and "--slots" in seen[2],
                   "%s of %s: nobody comes in, and the log says why"
                   % (error, call), seen)


def test_removed(tap):
    """The directory goes while a listener is there, and comes again."""
    with slots() as where:
        inner = os.path.join(where, "slots")
        os.mkdir(inner)
        with Listener(["echo:"], ["--slots", inner, "--max-path", "1"]) \
                as server:
            seen = []
            for _ in range(2):
                with Connection(server.connect()) as connection:
                    connection.send(rawclient.request(server.host))
                    seen.append(connection.response()[0])
                    eventually(lambda: len(workers(server)) == 1)
                if len(seen) == 1:
                    for name in os.listdir(inner):
                        os.unlink(os.path.join(inner, name))
                    os.rmdir(inner)
            tap.ok(seen == [101, 503] and eventually(lambda: any(
                "cannot be opened: No such file" in line
                for line in server.log())),
                "a directory that is gone lets nobody in", server.log())
            os.mkdir(inner)
            with Connection(server.connect()) as connection:
                connection.handshake(server.host)
                tap.ok(True, "until it is there again")


# Who else starts it.

def test_tcpserver(tap):
    with slots() as where, Tcpserver(
            [binary(), "--slots", where, "--max-source", "2", "echo:"]) \
            as server, contextlib.ExitStack() as stack:
        seen = []
        for source in ["127.0.0.2"] * 3 + ["127.0.0.3"]:
            connection = stack.enter_context(Connection(
                socket.create_connection(server.address, PATIENCE,
                                         (source, 0))))
            connection.send(rawclient.request(server.host))
            seen.append(connection.response()[0])
        tap.ok(seen == [101, 101, 503, 101], "under tcpserver sources are "
               "counted", seen)


def test_given(tap):
    """As an application starts it, with --fd."""
    with slots() as where, \
            Each(["--slots", where, "--max-user", "1", "--fd", "0"]) \
            as server, contextlib.ExitStack() as stack:
        # The request of an application is answered in HTTP.
        seen = crowd(stack, server, [(cgi(REMOTE_USER="a"),)] * 2)
        tap.ok(seen == [101, 503], "--fd: users are counted", seen)


# Under a listener.

def from_nginx(server, **more):
    """A Connection of a web server that speaks SCGI, and the status."""
    variables = {"CONTENT_LENGTH": "0", "SCGI": "1",
                 **without(REQUEST, "GATEWAY_INTERFACE", "CONTENT_LENGTH"),
                 **more}
    data = b"".join(b"%s\0%s\0" % (name.encode(), value.encode())
                    for name, value in variables.items())
    connection = Connection(server.connect())
    connection.send(b"%d:%s," % (len(data), data))
    connection.fill_until(lambda: b"\r\n\r\n" in connection.buffer, PATIENCE)
    found = re.match(rb"Status: (\d+)", connection.buffer)
    return connection, int(found[1]) if found else 0


def test_listener(tap):
    """By its table, or by slots."""
    for with_slots in (False, True):
        with slots() as where, Listener(
                ["echo:"], ["--max-user", "2", "--max-path", "3"]
                + ["--slots", where] * with_slots, how="--receive") \
                as server, contextlib.ExitStack() as stack:
            seen = []
            for user, path in ["aw", "ax", "ay", "bw", "cw", "dw", "dz"]:
                connection, status = from_nginx(
                    server, REMOTE_USER=user, REQUEST_URI="/" + path)
                stack.callback(connection.sock.close)
                seen.append(status)
            name = "slots: " if with_slots else "the table: "
            tap.ok(seen == [101, 101, 503, 101, 101, 503, 101],
                   name + "users and paths of a listener are counted", seen)
            tap.ok(eventually(lambda: all(any(words in line for line in
                                              server.log()) for words in (
                "2 connections of user a", "3 connections to that path"))),
                name + "the log says which limit it was", server.log())
            tap.ok(bool(os.listdir(where)) == with_slots, name + "it is there")
            stack.close()
            eventually(lambda: not workers(server))
            connection, status = from_nginx(server, REMOTE_USER="a",
                                            REQUEST_URI="/w")
            with connection:
                tap.ok(status == 101, name + "all are free again", status)
                pid = worker(server)
                server.process.send_signal(signal.SIGHUP)
                eventually(lambda: any("restarted" in line
                                       for line in server.log()))
                other, status = from_nginx(server, REMOTE_USER="a")
                third, last = from_nginx(server, REMOTE_USER="a")
                other.sock.close()
                third.sock.close()
                tap.ok((status, last) == (101, 503), name + "a restart forgets "
                       "nobody", (status, last))
                os.kill(pid, signal.SIGKILL)
                connection.rest(PATIENCE)


def test_at_once(tap):
    """In the table of a listener, where the last place may go to nobody."""
    def come(_):
        connection = Connection(server.connect())
        connection.send(rawclient.request(server.host))
        return connection, connection.response()[0]
    counts = []
    with Listener(["echo:"], ["--max-path", "5"]) as server:
        for _ in range(5):
            found = in_parallel(come, range(40), 40)
            counts.append(sum(status == 101 for _, status in found))
            for connection, _ in found:
                connection.sock.close()
            eventually(lambda: not workers(server))
    tap.ok(all(1 <= count <= 5 for count in counts), "--max-path 5: of 40 at "
           "once no more than 5 are in", counts)


def test_two_listeners(tap):
    """Slots may be shared."""
    with slots() as where:
        options = ["--slots", where, "--max-path", "2"]
        with Listener(["echo:"], options) as one, \
                Listener(["echo:"], options) as other, \
                contextlib.ExitStack() as stack:
            seen = []
            for server in (one, other, one, other):
                connection = stack.enter_context(Connection(server.connect()))
                connection.send(rawclient.request(server.host))
                seen.append(connection.response()[0])
            tap.ok(seen == [101, 101, 503, 503], "two listeners have one "
                   "count", seen)


def test_pages(tap):
    """A page is no conversation."""
    with Listener(["echo:"], ["--max-path", "1", "--console"]) as server, \
            Connection(server.connect()) as first:
        first.handshake(server.host)
        with Connection(server.connect()) as second:
            second.send(b"GET / HTTP/1.1\r\nHost: %s\r\n\r\n"
                        % server.host.encode())
            tap.ok(second.response()[0] == 200, "--max-path: a page is served "
                   "beside the conversation")
        first.send(rawclient.close(1000))
        until_end(first)


TESTS = [test_each, test_said, test_exactly, test_killed, test_one_killed,
         test_held, test_wrong, test_faults, test_removed, test_tcpserver,
         test_given, test_listener, test_at_once, test_two_listeners,
         test_pages]


def main():
    tap = Tap()
    with same_descriptors():
        for test in TESTS:
            test(tap)
    tap.finish()


if __name__ == "__main__":
    main()
