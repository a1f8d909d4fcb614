"""Attacks on processes, files and signals, section F: what a connection
started ends with it, and it holds no more than it needs.
"""

import contextlib
import json
import os
import pwd
import random
import re
import resource
import signal
import sys
import tempfile
import time

import attack
import rawclient
import test_environ
import test_faults
import test_listener
import test_nothing_left
import test_pages
import test_rights
from attack import BUILD, IS_ROOT, Once, program_under_test
from cgi import KEY, REQUEST, VOUCHED, Cgi
from exhaustion import address, honest
from rawclient import TEXT, Connection, close, frame
from server import Listener, Spawned, binary
from test_given import Given
from test_scgi import NGINX, Receiver, sent, scgi
from ws_test import (PATIENCE, Meanwhile, Reaper, eventually, opened,
                     payloads, until_end, worker, workers)

SECONDS = 4     # of a storm


# F1: handlers.

def thread_binary():
    return os.path.abspath(os.path.join(BUILD, "tsan", "ws-cgi"))


class Storm(Meanwhile):
    """Signals to processes, as fast as they can be sent."""

    def __init__(self, find, signals):
        super().__init__()
        self.find, self.signals, self.sent = find, signals, 0

    def _run(self):
        chance = random.Random(1)
        while not self.over.wait(0.0003):
            for pid in self.find():
                with contextlib.suppress(ProcessLookupError):
                    os.kill(pid, chance.choice(self.signals))
                    self.sent += 1


def echoes(connection, count):
    """How many messages of some size come back whole."""
    text = b"hello " * 3000
    return sum(connection.send(frame(TEXT, text)) and
               connection.event(PATIENCE) == ("text", text)
               for _ in range(count))


def storms(row, name, operands):
    """Signals to a listener and to a worker, while messages pass."""
    with Listener(operands, ["--max-source", "1000"]) as server, \
            opened(server) as connection:
        pids = [server.process.pid, worker(server)]
        with Storm(lambda: pids, [signal.SIGUSR1, signal.SIGCHLD,
                                  signal.SIGPIPE]) as storm:
            began, good, others = time.monotonic(), 0, 0
            while time.monotonic() - began < SECONDS:
                good += echoes(connection, 10) == 10
                others += honest(server, "127.0.0.1") is not None
        connection.send(close(1000))
        until_end(connection)
        row.ok(good > 3 and others == good, "%s, %s: %d signals, and no "
               "message was lost" % (name, operands[0], storm.sent),
               (good, others))
        log = server.log()
        wrong = [line for line in log if "anitizer" in line
                 or "was killed" in line]
        row.ok(not wrong, "%s, %s: no handler does what it may not"
               % (name, operands[0]), wrong)
    return storm.sent


def handlers_do_nothing(row):
    total = 0
    for name, path in (("as it is", binary()),
                       ("under ThreadSanitizer", thread_binary())):
        with program_under_test(path):
            for operands in (["echo:"], ["cat"]):
                total += storms(row, name, operands)
    row.tried("storms of %d signals, half of them under ThreadSanitizer",
              total)
    calls = called_in_handlers()
    row.ok(calls == {"alarm"}, "handlers call alarm(2) alone", calls)
    row.tried("what their source calls")


def called_in_handlers():
    """The functions that are called by what is handed to sigaction(2), and so
    on, but for those of the same file."""
    with open(os.path.join("ws-cgi", "signals.c")) as f:
        source = f.read()
    bodies = dict(re.findall(r"^(\w+)\([^)]*\)\n{\n(.*?)^}", source,
                             re.MULTILINE | re.DOTALL))
    waiting = re.findall(r"\.sa_handler = (\w+)", source)
    seen, outside = set(), set()
    while waiting:
        name = waiting.pop()
        if name in seen:
            continue
        seen.add(name)
        if name not in bodies:
            outside.add(name)
            continue
        waiting += [call for call in re.findall(r"\b(\w+)\s*\(", bodies[name])
                    if call not in ("if", "switch", "while", "for")]
    return outside


# F2: descriptors.

SEE = [sys.executable, "-c", test_environ.OPEN]


def descriptors_in(connection):
    said = payloads(until_end(connection), "text")
    return json.loads(said[0]) if said else {}


def modes():
    """Each way in which a program starts: its name, and what it has."""
    for address_ in ("tcp", "unix"):
        for options in ([], ["--user", "nobody"] if IS_ROOT else [],
                        ["--www", "man"], ["--stderr", "none"],
                        ["--log-json"], ["--compress"],
                        ["--stderr", "client"]):
            with Listener(SEE, options, address=address_) as server, \
                    opened(server) as connection:
                yield "%s %s" % (address_, " ".join(options)), \
                    descriptors_in(connection)
    with Listener(SEE, ["--unbuffered"]) as server, \
            opened(server) as connection:
        yield "a terminal", descriptors_in(connection)
    with Spawned([binary(), *SEE]) as server, opened(server) as connection:
        yield "inetd", descriptors_in(connection)
    with Receiver(SEE) as server, sent(server, scgi(NGINX)) as connection:
        connection.upgraded(KEY)
        yield "SCGI", descriptors_in(connection)
    for pipes in ((), ("in", "out")):
        with Cgi([binary(), *SEE], {**REQUEST, **VOUCHED,
                                    "PATH": os.environ["PATH"]}, pipes) \
                as server:
            server.connection.upgraded(KEY)
            yield "CGI " + " ".join(pipes), descriptors_in(server.connection)
    words = [word.replace("{", "{{").replace("}", "}}") for word in SEE]
    with Given(["--fd", "{fd}", "--", *words], tcp=True) as server:
        server.connection.handshake("example.org")
        yield "--fd", descriptors_in(server.connection)
    with Listener(SEE) as server:
        server.process.send_signal(signal.SIGHUP)
        eventually(lambda: any("restarted" in line for line in server.log()))
        with opened(server) as connection:
            yield "after a restart", descriptors_in(connection)


def three_descriptors(row):
    count = 0
    for name, got in modes():
        count += 1
        row.ok(sorted(got) == ["0", "1", "2"] and not any(
            "socket" in what for what in got.values()),
               name + ": descriptors 0, 1 and 2 alone, none of them a socket",
               got)
    for kind, name in [(test_environ.UntidyListener, "an untidy listener"),
                       (test_environ.UntidySpawned, "an untidy inetd")]:
        test_environ.test_descriptors(row, kind, name)
    row.tried("%d ways to be started, and parents that leave descriptors",
              count + 2)


# F3: what is left.

ESCAPING = ["sh", "-c", "setsid sh -c 'trap \"\" HUP TERM; "
            "sleep 600.%d & sleep 600.%d & wait' & echo started; cat"]


def with_argument(text):
    """The pids of processes that have it in their command line."""
    found = []
    for name in filter(str.isdigit, os.listdir("/proc")):
        with contextlib.suppress(OSError):
            with open("/proc/%s/cmdline" % name, "rb") as f:
                if text.encode() in f.read():
                    found.append(int(name))
    return found


def nothing_stays(row):
    for test in (test_nothing_left.test_unreaped_orphan,
                 test_nothing_left.test_killed_worker,
                 test_nothing_left.test_killed_inetd,
                 test_nothing_left.test_inetd,
                 test_nothing_left.test_child_storm,
                 test_nothing_left.test_thousand):
        test(row)
    row.tried("1,000 programs that ignore SIGHUP and SIGTERM, with children; "
              "workers killed; 300 that end at once in a storm of SIGCHLD")
    for number in range(5):
        mark = 100_000 + os.getpid() * 10 + number
        operands = [*ESCAPING[:2], ESCAPING[2] % (mark, mark)]
        with Reaper(), Listener(operands, ["--contain", "--grace", "0.1"]) \
                as server:
            with opened(server) as connection:
                connection.event(PATIENCE)
                if number % 2:
                    os.kill(worker(server), signal.SIGKILL)
                    until_end(connection)
            row.ok(eventually(lambda: not with_argument("600.%d" % mark), 10),
                   "--contain: who left the group ends, too",
                   with_argument("600.%d" % mark))
    row.tried("5 programs whose children are in sessions of their own, with "
              "--contain")


# F4: calls that do less.

def loops_go_on(row):
    """Of 1.25 MiB in writes of 1 to 3 bytes there are over 500,000."""
    test_faults.test_calls(row)
    test_faults.test_interrupted_listener(row)
    for kind, name in [(test_environ.UntidyListener, "listener"),
                       (test_environ.UntidySpawned, "inetd")]:
        test_environ.test_signals(row, kind, name)
    row.tried("1.25 MiB through each of 3 services in writes of 1 to 3 bytes, "
              "and each third call interrupted, and each second send without "
              "room; a program's SIGPIPE")


# F5: rights.

def rights_are_gone(row):
    test_rights.test_refused(row)
    if not IS_ROOT:
        row.skipped("giving up rights needs root")
        return
    for test in (test_rights.test_user, test_rights.test_group,
                 test_rights.test_program, test_rights.test_order,
                 test_rights.test_failures, test_rights.test_restart):
        test(row)
    row.tried("%d calls that fail or lie", len(test_rights.FAILURES))


# F6: a parent that dies.

KILLS = 300


def program_dies_too(row):
    """ws-cgi is killed at any moment of its program's start; nobody else is
    there to end it."""
    chance = random.Random(6)
    mark = "600.%d" % (200_000 + os.getpid())
    started = 0
    for _ in range(KILLS):
        with Once([binary(), "sleep", mark]) as server:
            server.sock.sendall(rawclient.request("localhost"))
            time.sleep(chance.uniform(0, 0.003))
            started += bool(children_of(server.process.pid))
            server.process.kill()
    with Reaper():
        row.ok(eventually(lambda: not with_argument(mark), 5),
               "%d times killed, and no program is left" % KILLS,
               with_argument(mark))
    for pid in with_argument(mark):
        os.kill(pid, signal.SIGKILL)
    row.ok(KILLS / 20 < started < KILLS, "before its start and after it",
           started)
    row.tried("%d times SIGKILL within 3 ms, %d times to a program that had "
              "just been started", KILLS, started)


def children_of(pid):
    with contextlib.suppress(OSError):
        with open("/proc/%d/task/%d/children" % (pid, pid)) as f:
            return f.read().split()
    return []


# F8: files.

SECRET = test_pages.SECRET
STEPS = ["..", "%2e%2e", ".%2e", "%2E.", "..%00", "%c0%ae%c0%ae", "%252e%252e",
         "..;", "...", ". .", "..%20", "%u002e%u002e", "%e0%80%ae%e0%80%ae",
         "\u2025".encode().decode("latin-1"), "..%09", "..%5c..", "~", "out",
         "root", "a/up", "proc", "fd", "cwd", "self", ".", ""]
SLASHES = ["/", "%2f", "%2F", "//", "\\", "%5c", "/./", "%252f", "/a/../",
           "%c0%af", ";/", "?/", "/%00/"]
GOALS = ["secret.txt", "www-secret/secret.txt", "etc/passwd", ".hidden",
         ".git/config", "a/.htaccess", "proc/self/environ"]


def paths():
    for step in STEPS:
        for slash in SLASHES:
            for goal in GOALS:
                for depth in (1, 3, 9):
                    yield "/" + (step + slash) * depth + goal


def asked(server, path):
    data = b"GET %s HTTP/1.1\r\nHost: %s\r\n\r\n" % (
        path.encode("latin-1", "replace"), server.host.encode())
    with Connection(server.connect()) as connection:
        connection.send(data)
        return connection.rest(PATIENCE)


def files_stay_below(row):
    every = list(dict.fromkeys(paths()))
    with tempfile.TemporaryDirectory() as top:
        www = test_pages.plant(top)
        with Listener(["echo:"], ["--www", www]) as server:
            leaks = [path for path, data in zip(
                every, test_pages.in_parallel(
                    lambda path: asked(server, path), every))
                if SECRET in data or b"root:" in data or b"PATH=" in data
                or not re.match(rb"HTTP/1.1 (200|301|400|404) ", data)]
            row.ok(not leaks, "%d paths lead nowhere" % len(every),
                   leaks[:20])
            row.ok(asked(server, "/digits.txt").endswith(test_pages.DIGITS),
                   "and a page is served")
            test_pages.test_tricks(row, server)
            test_pages.test_directories(row, server)
            test_pages.test_race(row, server, www, "with openat2")
        test_pages.test_walk(row, www)
    row.tried("%d paths out of the directory, links, fifos, a directory that "
              "becomes a link as it is opened; with and without openat2",
              len(every))


# F9: one address that makes workers crash.

def crashes_are_dear(row):
    """Each process has the addresses of the one before, so that who may crash
    it as often as he likes may guess."""
    with Listener(["echo:"], ["--penalty-exempt", "none"]) as server:
        with test_listener.opened_from(server, address(1, 0)) as connection:
            os.kill(worker(server), signal.SIGSEGV)
            until_end(connection)
        eventually(lambda: not workers(server))
        took = [honest(server, address(1, 0)) for _ in range(10)]
        row.ok(took == [None] * 10, "an address whose connection crashed is "
               "turned away", took)
        row.ok(honest(server, address(2, 0)) is not None,
               "others are served")
    row.tried("a worker that crashes, and its client again, 10 times")


# F10: what a crash would show.

def status_of(pid):
    with open("/proc/%d/status" % pid) as f:
        return dict(line.rstrip("\n").split(":\t", 1) for line in f
                    if ":\t" in line)


def crashes_show_nothing(row):
    for operands in (["echo:"], ["cat"]):
        with tempfile.TemporaryDirectory() as directory, \
                Dumping(operands, directory) as server, \
                opened(server) as connection:
            pid = worker(server)
            core = resource.prlimit(pid, resource.RLIMIT_CORE)
            status = status_of(pid)
            os.kill(pid, signal.SIGABRT)
            until_end(connection)
            eventually(lambda: not workers(server))
            row.ok(not os.listdir(directory), operands[0] + ": no core file",
                   os.listdir(directory))
        row.ok(core == (0, 0), operands[0] + ": its RLIMIT_CORE is 0", core)
        row.ok(status.get("NoNewPrivs") == "1" and status.get("Seccomp")
               == "2", operands[0] + ": it has no_new_privs and a filter of "
               "seccomp(2)", (status.get("NoNewPrivs"), status.get("Seccomp")))
        row.ok(not is_dumpable(operands), operands[0] + ": it is not dumpable")
    row.tried("workers that are killed by SIGABRT where cores are allowed")


class Dumping(Listener):
    """A listener in a directory where cores are allowed."""

    def __init__(self, operands, directory):
        self.place = directory
        super().__init__(operands)

    def start(self, argv, env=None, stdout=None):
        super().start(["sh", "-c", 'ulimit -c unlimited; cd "$0"; exec "$@"',
                       self.place, *argv], env, stdout)


def is_dumpable(operands):
    """Whether who has the same user id may look into a worker.  What lies in
    /proc is root's then, proc(5)."""
    user = pwd.getpwnam("nobody").pw_uid if IS_ROOT else os.getuid()
    with Once([binary(), *operands], user=user) as server, \
            Connection(server.sock) as connection:
        connection.handshake("localhost")
        return os.stat("/proc/%d/environ" % server.process.pid).st_uid == user


ATTACKS = [
    ("F1", "signal handlers set flags and call nothing that is unsafe there",
     handlers_do_nothing),
    ("F2", "a program has descriptors 0, 1 and 2, however it is started",
     three_descriptors),
    ("F3", "no process and no zombie stays", nothing_stays),
    ("F4", "calls that are interrupted or do less are gone on with",
     loops_go_on),
    ("F5", "rights are given up for good, and each step is checked",
     rights_are_gone),
    ("F6", "a program dies with its worker, at any moment",
     program_dies_too),
    ("F8", "no path leads out of the directory of pages", files_stay_below),
    ("F9", "who makes a process crash has to wait", crashes_are_dear),
    ("F10", "a crash leaves no image of memory, and nobody looks into a "
     "worker", crashes_show_nothing),
]

if __name__ == "__main__":
    attack.main(ATTACKS)
