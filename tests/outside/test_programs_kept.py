"""Programs that are kept: as another user (--run-as), with limits of their own
(--program-limit, --chdir), and with all that they start (--contain)."""

import contextlib
import os
import pwd
import signal
import socket
import subprocess
import tempfile

import rawclient
from rawclient import TEXT, close, frame
from server import Listener, Spawned, binary, children, same_descriptors
from tap import Tap
from ws_test import (PATIENCE, ask, close_of, eventually, has_namespaces,
                     line_of, log_fields, logged, opened, until_end, worker)

IS_ROOT = os.getuid() == 0
NOBODY = pwd.getpwnam("nobody")
GAMES = pwd.getpwnam("games")

# It says what it is, and then repeats what it is told.
SELF = ["sh", "-c", 'echo "$(id -u) $(id -g) $(id -G) $(pwd)"; exec cat']
LIMITS = ["sh", "-c", "ulimit -n; ulimit -c; ulimit -t; ulimit -v; exec cat"]

# A child that is in a session of its own, and whose parent is gone, before
# anything is said; it ignores what may be ignored.
ESCAPED = ["sh", "-c", """
    setsid sh -c 'trap "" HUP TERM INT; sleep 6%05d & wait' >/dev/null 2>&1 &
    sleep 0.2; echo there; exec cat"""]


def in_proc(pid, name):
    with open("/proc/%d/%s" % (pid, name)) as f:
        return f.read()


def uids(pid):
    for line in in_proc(pid, "status").splitlines():
        if line.startswith("Uid:"):
            return set(map(int, line.split()[1:]))
    return set()


def children_of(pid):
    with contextlib.suppress(FileNotFoundError, ProcessLookupError):
        return list(map(int, in_proc(
            pid, "task/%d/children" % pid).split()))
    return []


def sleepers(mark):
    """The processes that sleep for so long, but for the dead."""
    found = []
    for pid in filter(str.isdigit, os.listdir("/proc")):
        with contextlib.suppress(OSError):
            if in_proc(pid_of := int(pid), "cmdline").split("\0")[:2] == [
                    "sleep", "6%05d" % mark] \
                    and ") Z " not in in_proc(pid_of, "stat"):
                found.append(pid_of)
    return found


def echoes(connection, text=b"again"):
    connection.send(frame(TEXT, text))
    return connection.event(PATIENCE) == ("text", text)


# Another user.

def test_run_as(tap):
    for options, ours in [
            (["--run-as", "nobody"], NOBODY),
            (["--run-as", "nobody", "--user", "games"], GAMES)]:
        with Listener(SELF, options) as server, opened(server) as connection:
            said = connection.event(PATIENCE)
            tap.ok(said[0] == "text" and said[1].split()[:3] == [
                b"%d" % NOBODY.pw_uid, b"%d" % NOBODY.pw_gid,
                b"%d" % NOBODY.pw_gid],
                "%s: the program is that user" % " ".join(options), said)
            pid = worker(server)
            tap.ok(uids(pid) == {ours.pw_uid}
                   and uids(server.process.pid) == {0},
                   "its worker is %s, the listener root" % ours.pw_name,
                   (uids(pid), uids(server.process.pid)))
            keeper = children_of(pid)
            tap.ok(len(keeper) == 1 and uids(keeper[0]) == {NOBODY.pw_uid}
                   and "keeping a program" in in_proc(keeper[0], "cmdline"),
                   "and between them is a keeper, with the program's rights",
                   keeper)
            tap.ok(len(links(keeper[0], 3)) == 1 and not any(
                "socket:" in link for link in links(keeper[0], 0)[:-1]),
                "which has not got the connection", links(keeper[0], 0))
            tap.ok(echoes(connection), "messages pass")


def links(pid, first):
    """Where its descriptors lead, from this one on."""
    where = "/proc/%d/fd" % pid
    return [os.readlink(os.path.join(where, fd)) for fd in os.listdir(where)
            if int(fd) >= first]


def test_refused(tap):
    """Who is not root is told so at once."""
    ran = subprocess.run(
        ["setpriv", "--reuid", str(NOBODY.pw_uid), "--clear-groups",
         binary(), "--listen", "127.0.0.1:0", "--run-as", "games", "cat"],
        capture_output=True, text=True, timeout=PATIENCE)
    tap.ok(ran.returncode == 100 and "only root" in ran.stderr,
           "--run-as is root's", (ran.returncode, ran.stderr))
    for more, status in ((["--group", "games"], 100),
                         (["--group", "games", "--user", "nobody"], 0)):
        ran = subprocess.run(
            [binary(), "--listen", "127.0.0.1:0", "--check", "--run-as",
             "nobody", *more, "cat"],
            capture_output=True, text=True, timeout=PATIENCE)
        tap.ok(ran.returncode == status and
               ("--group goes with --user" in ran.stderr) == (status != 0),
               "--run-as, %s: %d" % (" ".join(more), status),
               (ran.returncode, ran.stderr))


# Endings are those of a program that is not kept.

ENDINGS = [
    (["sh", "-c", "exit 0"], 1000, "exit=0"),
    (["sh", "-c", "exit 3"], 1011, "exit=3"),
    (["sh", "-c", "kill -9 $$"], 1011, "exit=SIGKILL"),
    (["sh", "-c", "kill -SEGV $$"], 1011, "exit=SIGSEGV"),
    # It ignores what may be ignored.
    (["sh", "-c", "trap '' HUP TERM; while :; do sleep 1; done"], None,
     "exit=SIGKILL"),
    # One of its group lives longer.
    (["sh", "-c", "sleep 2 & exit 0"], 1000, "exit=0")]


def test_endings(tap, options):
    for operands, code, words in ENDINGS:
        name = "%s: %s" % (options[0], operands[-1])
        with Listener(operands, [*options, "--grace", "0.1"]) as server:
            with opened(server) as connection:
                pid = worker(server)
                keeper = children_of(pid)
                if code is None:
                    connection.send(close(1000))
                events = until_end(connection)
                codes = [e[1] for e in events if e[0] == "close"]
                tap.ok(codes == [code or 1000], "%s ends with %d" % (
                    name, code or 1000), events)
            tap.ok(logged(server, words), "and the log says how",
                   server.log())
            tap.ok(eventually(lambda: not any(
                os.path.exists("/proc/%d" % k) for k in keeper), 10),
                "and no keeper stays", keeper)


UPGRADE = (b"Upgrade: websocket\r\nConnection: Upgrade\r\n"
           b"Sec-WebSocket-Version: 13\r\n"
           b"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n")


def test_not_started(tap, options):
    """What goes wrong is said, by name, as 502 and in the log."""
    with tempfile.NamedTemporaryFile() as f:
        os.chmod(f.name, 0o700)
        with Listener([f.name], options) as server:
            answer, _ = ask(server, b"GET / HTTP/1.1\r\nHost: %s\r\n%s\r\n"
                            % (server.host.encode(), UPGRADE))
            tap.ok(answer.status == 502 and logged(
                server, "%s could not be started: " % f.name),
                "%s: what cannot be executed is named" % options[0],
                (answer, server.log()))


# A keeper whose program never started.

UNUSED = [
    ("a page", b"GET /page.html HTTP/1.1\r\nHost: localhost\r\n\r\n", 200),
    ("no page", b"GET /none.html HTTP/1.1\r\nHost: localhost\r\n\r\n", 404),
    ("OPTIONS", b"OPTIONS / HTTP/1.1\r\nHost: localhost\r\n\r\n", 200),
    ("another Origin", b"GET / HTTP/1.1\r\nHost: localhost\r\n"
     b"Origin: http://evil.example\r\n" + UPGRADE + b"\r\n", 403),
    ("no HTTP", b"\1\2\3\r\n\r\n", 400),
    ("no request", b"", None),
    ("no program", b"GET / HTTP/1.1\r\nHost: localhost\r\n" + UPGRADE
     + b"\r\n", 502)]


def test_unused(tap, options):
    """Once ws-cgi has ended there is no keeper, not even a dead one that
    nobody has waited for: it would be this process's child by now."""
    with tempfile.TemporaryDirectory() as www:
        os.chmod(www, 0o755)
        for name in ("page.html", "program"):
            with open(os.path.join(www, name), "w") as f:
                f.write("text")
        os.chmod(os.path.join(www, "program"), 0o755)
        argv = [binary(), *options, "--www", www, os.path.join(www, "program")]
        for what, asked, status in UNUSED:
            with Spawned(argv) as server:
                before = children()
                with contextlib.closing(server.connect()) as sock:
                    process = server.processes[0]
                    sock.sendall(asked)
                    sock.shutdown(socket.SHUT_WR)
                    answer = b"".join(iter(lambda: sock.recv(65536), b""))
                    process.wait(PATIENCE)
                tap.ok(answer.startswith(b"HTTP/1.1 %d " % status)
                       if status else answer == b"",
                       "%s, %s: %s" % (options[0], what, status), answer)
                tap.ok(children() == before, "and no keeper is left",
                       children() - before)


# Limits and a directory.

def test_limits(tap, options):
    more = ["--program-limit", "nofile=17", "--program-limit", "core=0",
            "--program-limit", "cpu=5", "--program-limit", "as=64M"]
    with Listener(LIMITS, [*options, *more]) as server:
        with opened(server) as connection:
            said = [connection.event(PATIENCE)[1] for _ in range(4)]
            tap.ok(said == [b"17", b"0", b"5", b"65536"],
                   "%s: a program's limits are as asked for" % options, said)


# Limits that are too low for cat(1), and how it ends by them.
LOW = [("nofile=2", {"127"}),
       ("as=100K", {"SIGSEGV", "SIGKILL"})]     # as the kernel likes


def test_low_limits(tap, options):
    for limit, ends in LOW:
        name = "%s: %s" % (" ".join(options), limit)
        with Listener(["cat"], [*options, "--program-limit", limit]) as server:
            with opened(server) as connection:
                closing = close_of(until_end(connection))
            tap.ok(closing and closing[0] == 1011,
                   name + " is too low for it, and ends it", closing)
            tap.ok(log_fields(line_of(server, "/")).get("exit") in ends,
                   "and the log says how", server.log())


def test_refused_limit(tap, options):
    """More descriptors than the kernel has for any process."""
    with Listener(["cat"], [*options, "--program-limit", "nofile=2G"]) \
            as server:
        answer, _ = ask(server, rawclient.request(server.host))
        tap.ok(answer.status == 502 and "setrlimit: " in line_of(server, "/"),
               "%s: a limit that the kernel refuses: 502" % options,
               (answer, server.log()))


def test_directory(tap, options):
    with tempfile.TemporaryDirectory() as place:
        os.chmod(place, 0o755)
        program = os.path.relpath("/bin/pwd")
        for operands in (["pwd"], [program], SELF):
            with Listener(operands, [*options, "--chdir", place]) as server, \
                    opened(server) as connection:
                said = connection.event(PATIENCE)
                tap.ok(said[1].split()[-1] == place.encode(),
                       "%s --chdir: %s runs there" % (options, operands[0]),
                       said)
        os.chmod(place, 0o700)
        if "--run-as" not in options:
            return
        with Listener(["cat"], [*options, "--chdir", place]) as server:
            with contextlib.suppress(Exception), opened(server):
                pass
            tap.ok(logged(server, "could not be started: %s: Permission"
                          % place), "one that it may not enter is named",
                   server.log())


# What has escaped.

def contained(tap, options, end, mark):
    """A child that has left the session is gone once the conversation is."""
    operands = [*ESCAPED[:2], ESCAPED[2] % mark]
    with Listener(operands, [*options, "--grace", "0.1"]) as server:
        with opened(server) as connection:
            tap.ok(connection.event(PATIENCE) == ("text", b"there")
                   and eventually(lambda: sleepers(mark)),
                   "%s, %s: a child has left" % (options, end))
            pid = worker(server)
            if end == "close":
                connection.send(close(1000))
            elif end == "kill":
                os.kill(pid, signal.SIGKILL)
            elif end == "keeper":
                os.kill(children_of(pid)[0], signal.SIGKILL)
            else:
                connection.sock.close()
        gone = eventually(lambda: not sleepers(mark), 15)
        tap.ok(gone, "and is gone", sleepers(mark))


def test_contained(tap):
    """As root there is a PID namespace; as another user a reaper of orphans."""
    ways = [["--contain"]]
    if IS_ROOT:
        ways += [["--contain", "--user", "nobody"],
                 ["--contain", "--run-as", "nobody"]]
    for number, options in enumerate(ways):
        for at, end in enumerate(("close", "kill", "vanish", "keeper")):
            if end == "keeper" and (options[-2:] == ["--user", "nobody"]
                                    or not has_namespaces("pid")):
                continue    # what a reaper had taken in is init's again
            contained(tap, options, end, os.getpid() % 9000 * 10 + number * 4
                      + at)


def test_inetd(tap):
    """Without a listener, too."""
    argv = [binary(), "--contain", "--run-as", "nobody", "--", *SELF]
    with Spawned(argv) as server, opened(server) as connection:
        said = connection.event(PATIENCE)
        tap.ok(said[1].split()[:1] == [b"%d" % NOBODY.pw_uid]
               and echoes(connection), "on descriptor 0", said)


# A root of its own.

def test_chroot(tap):
    with tempfile.TemporaryDirectory() as root:
        os.chmod(root, 0o755)
        options = ["--chroot", root, "--user", "nobody"]
        with Listener(["echo:"], options) as server:
            with opened(server) as connection:
                tap.ok(echoes(connection), "--chroot: it serves")
                pids = [server.process.pid, worker(server)]
                tap.ok([os.readlink("/proc/%d/root" % p) for p in pids]
                       == [root] * 2, "with that root, listener and worker")
                tap.ok(not any(link.startswith("/") and
                               not link.startswith(("/dev/", "/memfd"))
                               for link in links(pids[1], 3)),
                       "and no way out is open in a worker",
                       links(pids[1], 3))
        with Listener(SELF, [*options, "--run-as", "games"]) as server:
            with opened(server) as connection:
                said = connection.event(PATIENCE)
                tap.ok(said[1].split()[:1] == [b"%d" % GAMES.pw_uid]
                       and os.readlink("/proc/%d/root" % worker(server))
                       == root, "a program that is kept lives outside", said)


def test_chroot_restart(tap):
    """The binary is found, though there is no path to it."""
    static = os.path.join(os.environ.get("BUILD", "build"), "static/ws-cgi")
    with tempfile.TemporaryDirectory() as root:
        os.chmod(root, 0o755)
        os.mkdir(os.path.join(root, "etc"))
        for name in ("passwd", "group"):
            with open("/etc/" + name) as f, open(
                    os.path.join(root, "etc", name), "w") as copy:
                copy.write(f.read())
        with StaticListener(static, root) as server:
            server.process.send_signal(signal.SIGHUP)
            tap.ok(logged(server, "restarted") and
                   os.readlink("/proc/%d/root" % server.process.pid) == root,
                   "--chroot: a static program restarts", server.log())
            with opened(server) as connection:
                tap.ok(echoes(connection), "and serves")


class StaticListener(Listener):
    def __init__(self, program, root):
        self.program = os.path.abspath(program)
        super().__init__(["echo:"], ["--chroot", root, "--user", "nobody"])

    def start(self, argv, env=None, stdout=None):
        super().start([self.program, *argv[1:]], env, stdout)


def main():
    tap = Tap()
    ways = [["--contain"]]
    if IS_ROOT:
        ways += [["--run-as", "nobody"]]
    with same_descriptors():
        for options in ways:
            test_endings(tap, options)
        for options in ways + [[]]:
            test_limits(tap, options)
            test_low_limits(tap, options)
            test_refused_limit(tap, options)
            test_directory(tap, options)
            if options:
                test_not_started(tap, options)
                test_unused(tap, options)
        test_contained(tap)
        if IS_ROOT:
            test_run_as(tap)
            test_refused(tap)
            test_inetd(tap)
            test_chroot(tap)
            test_chroot_restart(tap)
    tap.finish()


if __name__ == "__main__":
    main()
