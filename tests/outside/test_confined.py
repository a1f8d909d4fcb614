"""What a worker has given up by the time that it speaks to a client: every
system call is tried in it, and the ways round; and its limits are reached.

The calls are made by shim_calls.c, on a client's order, in a worker that has
answered with 101: each in a connection of its own, since most of them end it.
"""

import contextlib
import os
import pwd
import re
import signal
import socket
import subprocess
import tempfile

from rawclient import BINARY, TEXT, close, frame, request
from server import Listener, same_descriptors
from tap import Tap
from ws_test import (PATIENCE, ask, close_of, eventually, has_namespaces,
                     in_parallel, logged, opened, until_end, worker)

SHIM = os.path.join(os.environ.get("BUILD", "build"), "tests/shim_calls.so")
ENV = {"LD_PRELOAD": os.path.abspath(SHIM)}
ALL = "ffffffffffffffff"        # an argument that no call likes
KILLED = "killed"
EACCES = -13
NUMBERS = "/usr/include/x86_64-linux-gnu/asm/unistd_64.h"

# What a worker may do with any arguments.
ALWAYS = set("""
    read write readv writev recvfrom sendto sendmsg ppoll poll close shutdown
    timerfd_create timerfd_settime brk munmap mremap madvise clock_gettime
    getrandom getpid gettid wait4 rt_sigreturn rt_sigprocmask restart_syscall
    setitimer alarm exit exit_group""".split())
# What it may not, but lives on.
REFUSED = set("open stat lstat openat newfstatat fstat socket connect".split())
# Those that would end it, though it may: by way of what they are for.
ENDS = set("exit exit_group rt_sigreturn".split())
# uretprobe and uprobe: no filter sees them, and the kernel itself lets nothing
# but its own trampolines call them.
PROBES = {335, 336}


def numbers():
    """The system calls of this machine by name."""
    with open(NUMBERS) as f:
        return {name: int(number) for name, number in re.findall(
            r"#define __NR_(\w+)\s+(\d+)", f.read())}


CALLS = numbers()


def killed(server, pid):
    """Was this worker killed for a call, as the listener has logged it?"""
    return logged(server, "process %d " % pid,
                  "signal %d" % signal.SIGSYS.value)


def ended_by(server, connection, text, how="call"):
    """What the worker's call returns, or the event that comes instead."""
    words = "%s %s =%s%s\0" % (how, text[0], "." * 16, text[1])
    with connection:
        connection.send(frame(TEXT, b"who are you"))
        connection.event(PATIENCE)
        connection.send(frame(TEXT, words.encode(), key=b"\0\0\0\0"))
        event = connection.event(PATIENCE)
        if event[0] == "text":
            found = re.search(rb"= *(-?\d+)\0?", event[1])
            return int(found.group(1))
    return event[0]


def attempt(server, name, *arguments, text="", how="call"):
    """Make a call of this name or number; missing arguments are all ones."""
    number = CALLS.get(name, name)
    given = [a if isinstance(a, str) else "%x" % (a & 0xffffffffffffffff)
             for a in arguments]
    given += [ALL] * (6 - len(given))
    connection = opened(server)
    result = ended_by(server, connection,
                      ("%d %s" % (number, " ".join(given)), text), how)
    return result if isinstance(result, int) else KILLED


def by_filter(server):
    """How many workers a filter has ended."""
    return sum("signal %d" % signal.SIGSYS in line for line in server.log())


def check_calls(tap, server):
    """Each number that there is, and some that there are not."""
    names = {number: name for name, number in CALLS.items()}
    tried = list(range(max(names) + 40)) + [
        1000, 4096, 0x7fffffff] + [0x40000000 + n for n in (0, 1, 59, 520)]
    tried = [n for n in tried if names.get(n) not in ENDS and n not in PROBES]
    results = in_parallel(lambda n: attempt(server, n), tried)
    allowed = {n for n, r in zip(tried, results) if r not in (KILLED, EACCES)}
    refused = {n for n, r in zip(tried, results) if r == EACCES}
    tap.ok({names.get(n, n) for n in allowed} == ALWAYS - ENDS,
           "%d system calls are tried: %d pass" % (len(tried), len(allowed)),
           {names.get(n, n) for n in allowed} ^ (ALWAYS - ENDS))
    tap.ok({names.get(n, n) for n in refused} == REFUSED,
           "%d are refused" % len(refused),
           {names.get(n, n) for n in refused} ^ REFUSED)
    ended = results.count(KILLED)
    tap.ok(ended > 350 and eventually(lambda: by_filter(server) == ended),
           "%d end their process, by SIGSYS" % ended, by_filter(server))


def check_arguments(tap, server):
    """What depends on arguments: the ways round are closed."""
    read, write, execute = 1, 2, 4
    private = 0x22      # and anonymous
    rows = [
        ("memory", "mmap", (0, 4096, read | write, private, -1, 0), True),
        ("code", "mmap", (0, 4096, read | execute, private, -1, 0), False),
        ("memory that becomes code", "mprotect", (0, 0, execute), False),
        ("memory that stays so", "mprotect", (0, 0, read), True),
        ("how much is in a pipe", "ioctl", (2, 0x541b, 0), True),
        ("words put into a terminal", "ioctl", (2, 0x5412, 0), False),
        ("flags of a descriptor", "fcntl", (2, 3), True),
        ("a copy of a descriptor", "fcntl", (2, 0, 100), False),
        ("an option of IP's", "setsockopt", (2, 0, 20, 0, 0), False),
        ("another option", "setsockopt", (2, 1, 7, 0, 0), False),
        ("abort, of another", "tgkill", (1, 1, 6), False),
        ("a signal to init", "kill", (1, 0), False),
        ("to its own group", "kill", (0, 0), False),
        ("to all", "kill", (-1, 0), False),
        ("a program", "execve", (0, 0, 0), False),
        ("a process", "fork", (), False),
        ("a thread", "clone", (0x100, 0, 0, 0, 0), False),
        ("another's memory", "process_vm_writev", (1, 0, 0, 0, 0, 0), False),
        ("a tracer", "ptrace", (0, 0, 0, 0), False),
        ("another filter", "seccomp", (0, 0, 0), False),
        ("rights", "prctl", (38, 0, 0, 0, 0), False),
        ("limits", "prlimit64", (0, 7, 0, 0), False),
        ("io_uring", "io_uring_setup", (1, 0), False),
    ]
    for what, name, arguments, passes in rows:
        result = attempt(server, name, *arguments)
        tap.ok((result != KILLED) == passes, "%s: %s" % (
            what, "passes" if passes else "ends the process"), result)
    result = attempt(server, "openat", -100, "text", 0, text="/etc/passwd")
    tap.ok(result == EACCES, "a file is refused", result)
    result = attempt(server, "socket", 2, 1, 0)
    tap.ok(result == EACCES, "a socket is refused", result)
    result = attempt(server, 20, how="call80")
    tap.ok(result == KILLED, "the gate of 32 bits is closed", result)


def test_calls(tap):
    with Listener(["echo:"], env=ENV) as server:
        check_calls(tap, server)
        check_arguments(tap, server)


def test_signals(tap):
    """Its program's group is all that a worker sends signals to."""
    with Listener(["cat"], env=ENV) as server:
        with opened(server) as connection:
            connection.send(frame(TEXT, b"first"))
            connection.event()
            pid = worker(server)
            with open("/proc/%d/task/%d/children" % (pid, pid)) as f:
                program = int(f.read())
            words = "call %d %x 0 0 0 0 0 =................\0" % (
                CALLS["kill"], -program & 0xffffffffffffffff)
            connection.send(frame(TEXT, words.encode(), key=b"\0\0\0\0"))
            event = connection.event(PATIENCE)
            tap.ok(event[0] == "text" and re.search(rb"= +0\0", event[1]),
                   "a signal to its program's group passes", event)
            words = "call %d %x 0 0 0 0 0 =................\0" % (
                CALLS["kill"], program)
            connection.send(frame(TEXT, words.encode(), key=b"\0\0\0\0"))
            tap.ok(connection.event(PATIENCE)[0] in ("eof", "reset")
                   and killed(server, pid),
                   "one to the program alone ends the worker")
            tap.ok(eventually(lambda: is_dead(program)),
                   "and its program ends with it")


def is_dead(pid):
    """Has it ended, be it that nobody has asked for its status?"""
    with contextlib.suppress(FileNotFoundError, ProcessLookupError):
        return status_of(pid)["State"].startswith("Z")
    return True


def test_log(tap):
    """A log that is a file may be appended to, and nothing else opened."""
    with tempfile.TemporaryDirectory() as place, \
            tempfile.NamedTemporaryFile() as other:
        log = os.path.join(place, "log")
        append = os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC \
            | os.O_NOFOLLOW | os.O_NOCTTY | os.O_NONBLOCK
        with FileLog(log) as server:
            for what, path, flags, passes in [
                    ("the log, to append", log, append, True),
                    ("a new one beside it", log + ".new", append, True),
                    ("the log, to read", log, os.O_RDONLY, False),
                    ("the log, to cut", log, append | os.O_TRUNC, False),
                    ("another file", other.name, append, False),
                    ("a file to read", "/etc/passwd", os.O_RDONLY, False)]:
                result = attempt(server, "openat", -100, "text", flags, 0o600,
                                 text=path)
                tap.ok(isinstance(result, int) and (result >= 0) == passes,
                       "%s: %s" % (what, "opened" if passes else "refused"),
                       result)


def test_log_out_of_reach(tap):
    """Nor may it be reached any more: what is open is written to."""
    if os.getuid() != 0:
        return
    with tempfile.TemporaryDirectory() as place:
        os.mkdir(os.path.join(place, "logs"))
        root = os.path.join(place, "root")
        os.mkdir(root)
        for options in (["--user", "nobody"],
                        ["--user", "nobody", "--chroot", root]):
            log = os.path.join(place, "logs", str(len(options)))
            with FileLog(log, options) as server:
                for _ in range(3):
                    with opened(server) as connection:
                        connection.send(frame(TEXT, b"hello"))
                        tap.ok(connection.event(PATIENCE)
                               == ("text", b"hello"), "%s: a log that is out "
                               "of reach is no reason not to serve"
                               % " ".join(options[::2]), server.log())
                        connection.send(close(1000))
                        until_end(connection)
                tap.ok(eventually(lambda: sum(
                    "close=1000/1000" in line for line in server.log()) == 3),
                    "and lines go where they can", server.log())
                tap.ok(sum("the log %s: " % log in line
                           for line in server.log()) == 1,
                       "and that it is so is said once", server.log())


def test_www_gone(tap):
    """A directory that is not there any more has no pages."""
    with tempfile.TemporaryDirectory() as place:
        www = os.path.join(place, "www")
        os.mkdir(www)
        with open(os.path.join(www, "page.html"), "wb") as f:
            f.write(b"a page")
        with Listener(["echo:"], ["--www", www]) as server:
            def status():
                return ask(server, b"GET /page.html HTTP/1.1\r\nHost: %s\r\n"
                           b"\r\n" % server.host.encode())[0].status
            tap.ok(status() == 200, "--www: a page is served")
            os.rename(www, www + ".away")
            tap.ok(status() == 404, "its directory is gone: 404", server.log())
            with open(www, "wb"):
                pass
            tap.ok(status() == 404, "it is a file by now: 404", server.log())
            tap.ok(not any("cannot confine" in line for line in server.log()),
                   "and a worker is confined without it", server.log())


def listening(pid):
    """Where a process does, as ss(8) has it, or None."""
    lines = subprocess.run(["ss", "-Hltnp"], capture_output=True, text=True,
                           check=True).stdout.splitlines()
    return next((line.split()[3] for line in lines
                 if "pid=%d," % pid in line), None)


def bound(path):
    """A socket as syslogd has it."""
    sock = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
    sock.bind(path)
    sock.settimeout(PATIENCE)
    return sock


def test_syslog(tap):
    """syslog is reached, though its daemon was restarted meanwhile."""
    if not has_namespaces("mount"):
        return
    with tempfile.TemporaryDirectory() as place:
        path = os.path.join(place, "log")
        before = bound(path)
        with OtherDevices(place) as server, opened(server) as connection:
            connection.send(frame(TEXT, b"hello"))
            connection.event()
            before.close()
            os.unlink(path)
            with bound(path) as after:
                connection.send(close(1000))
                until_end(connection)
                line = after.recv(4096)
        tap.ok(b"close=1000/1000" in line, "a line goes to syslog", line)


class OtherDevices(Listener):
    """Its /dev is this directory."""

    def __init__(self, place):
        self.place = place
        super().__init__(["echo:"], ["--log", "syslog"])

    def start(self, argv, env=None, stdout=None):
        super().start(["unshare", "--mount", "sh", "-c",
                       'mount --bind "$0" /dev && exec "$@"', self.place,
                       *argv], env, stdout)

    def _listening(self, patience=PATIENCE):
        """The log is not here: the kernel knows where it listens."""
        return eventually(lambda: listening(self.process.pid))


class FileLog(Listener):
    """Its log is a file."""

    def __init__(self, log, options=()):
        self.file = log
        super().__init__(["echo:"], [*options, "--log", log], ENV)

    def log(self):
        with contextlib.suppress(FileNotFoundError), open(self.file) as f:
            return f.read().splitlines()
        return []


# What the kernel says of a process.

def status_of(pid):
    with open("/proc/%d/status" % pid) as f:
        return {name: value.strip() for name, _, value in (
            line.partition(":") for line in f)}


def limits_of(pid):
    """Soft and hard limits by name."""
    with open("/proc/%d/limits" % pid) as f:
        return {m[1]: (m[2], m[3]) for m in re.finditer(
            r"^(Max .*?) {2,}(\S+) +(\S+)", f.read(), re.M)}


def test_state(tap):
    with Listener(["cat"], ["--max-message", "1M"]) as server:
        with opened(server) as connection:
            connection.send(frame(TEXT, b"hello"))
            connection.event()
            pid = worker(server)
            with open("/proc/%d/task/%d/children" % (pid, pid)) as f:
                program = int(f.read())
            ours, its = status_of(pid), status_of(program)
            limits, listeners = limits_of(pid), limits_of(server.process.pid)
            tap.ok(ours["Seccomp"] == "2" and ours["NoNewPrivs"] == "1",
                   "a worker has a filter, and gains no rights", ours)
            wanted = {"Max core file size": "0", "Max processes": "0",
                      "Max address space": str((256 + 12) << 20)}
            tap.ok(all(limits[k] == (v, v) for k, v in wanted.items())
                   and int(limits["Max open files"][1]) <= 32,
                   "no core, no process, few descriptors, bounded memory",
                   limits)
            tap.ok(its["Seccomp"] == "0" and its["NoNewPrivs"] == "1"
                   and limits_of(program) == listeners,
                   "its program has the listener's limits, no filter, and "
                   "gains no rights", (its, limits_of(program)))
    with Listener(["cat"], ["--allow-setuid"]) as server:
        with opened(server) as connection:
            pid = worker(server)
            with open("/proc/%d/task/%d/children" % (pid, pid)) as f:
                program = int(f.read())
            connection.send(frame(TEXT, b"hello"))
            connection.event()
            tap.ok(status_of(program)["NoNewPrivs"] == "0"
                   and status_of(pid)["NoNewPrivs"] == "1",
                   "--allow-setuid: its program may, and the worker not")


def test_dump(tap):
    """A worker cannot be looked into by its own user, and leaves no core."""
    nobody = pwd.getpwnam("nobody")
    if os.getuid() != 0:
        return
    with AsUser(nobody) as server:
        with opened(server) as connection:
            connection.send(frame(TEXT, b"hello"))
            connection.event()
            pid = worker(server)
            tap.ok([os.stat("/proc/%d/mem" % p).st_uid for p in (
                server.process.pid, pid)] == [nobody.pw_uid, 0],
                   "a worker's memory is not its user's to read")


class AsUser(Listener):
    """Started by this user, with core dumps allowed."""

    def __init__(self, user):
        self.user = user
        super().__init__(["echo:"])

    def start(self, argv, env=None, stdout=None):
        os.chmod(self.directory, 0o755)
        prefix = ["setpriv", "--reuid", str(self.user.pw_uid), "--regid",
                  str(self.user.pw_gid), "--clear-groups"]
        super().start(prefix + argv, env, stdout)


# Kernels that refuse a step, and those that do not have it.

STEPS = [
    # The first step, before there is a request: the process ends.
    ("prctl", "ENOMEM", None), ("prctl", "EPERM", None),
    ("prlimit64", "EPERM", b" 503 "), ("prlimit64", "EINVAL", b" 503 "),
    ("landlock_create_ruleset", "ENOMEM", b" 503 "),
    ("landlock_create_ruleset", "EINVAL", b" 503 "),
    ("landlock_restrict_self", "ENOMEM", b" 503 "),
    ("landlock_restrict_self", "E2BIG", b" 503 "),
    ("seccomp", "ENOMEM", b" 503 "), ("seccomp", "EACCES", b" 503 "),
    # What the kernel has not got is done without.
    ("landlock_create_ruleset", "ENOSYS", b" 101 "),
    ("landlock_create_ruleset", "EOPNOTSUPP", b" 101 "),
    ("landlock_create_ruleset", "EPERM", b" 101 "),
    ("seccomp", "ENOSYS", b" 101 ")]


class Refusing(Listener):
    """Its system refuses a call with this error."""

    def __init__(self, operands, call, error):
        self.fault = ["strace", "-D", "-f", "-qq", "-o", "/dev/null", "-e",
                      "trace=" + call, "-e",
                      "inject=%s:error=%s" % (call, error)]
        super().__init__(operands)

    def start(self, argv, env=None, stdout=None):
        super().start(self.fault + argv, env, stdout)


def test_steps(tap):
    """Who cannot be confined serves nobody, and says why."""
    for operands in (["echo:"], ["cat"]):
        for call, error, wanted in STEPS:
            with Refusing(operands, call, error) as server:
                answer = b""
                with contextlib.closing(server.connect()) as sock, \
                        contextlib.suppress(ConnectionResetError):
                    sock.sendall(request(server.host) + close(1000))
                    answer = sock.recv(65536)
                good = wanted in answer if wanted else answer == b""
                tap.ok(good, "%s, %s: %s" % (
                    call, error, (wanted or b"no answer").decode().strip()),
                    (answer, server.log()))
                if wanted != b" 101 ":
                    tap.ok(logged(server, "cannot confine this process"),
                           "and the log says why", server.log())


def test_memory(tap):
    """Past its memory a conversation ends with words; and echo: holds nothing,
    however long a message is."""
    options = ["--max-memory", "16M", "--max-message", "64M"]
    size = 32 << 20
    with Listener(["cat"], options) as server, opened(server) as connection:
        connection.send(frame(TEXT, b"m" * size))
        closing = close_of(until_end(connection))
        tap.ok(closing and closing[0] == 1011,
               "--max-memory: more than that is 1011", (closing, server.log()))
        tap.ok(logged(server, "memory"), "and the log says so", server.log())
    with Listener(["echo:"], options) as server, opened(server) as connection:
        connection.send(frame(BINARY, b"m" * size))
        event = connection.event(PATIENCE)
        tap.ok(event == ("binary", b"m" * size),
               "--max-memory: echo: returns more than that",
               (event[0], server.log()))
        connection.send(close(1000))
        closing = close_of(until_end(connection))
        tap.ok(closing and closing[0] == 1000, "and goes on",
               (closing, server.log()))


def test_processor(tap):
    """Past its processor time a conversation ends with 1001."""
    with Listener(["chargen:"], ["--max-cpu", "1"]) as server:
        with opened(server) as connection:
            pid = worker(server)
            limit = limits_of(pid)["Max cpu time"]
            tap.ok(limit == ("1", "3"), "--max-cpu is the kernel's limit",
                   limit)
            closing = close_of(until_end(connection, 60))
            tap.ok(closing and closing[0] == 1001,
                   "a worker that has used it up closes with 1001",
                   (closing, server.log()))


def main():
    tap = Tap()
    with same_descriptors():
        test_calls(tap)
        test_signals(tap)
        test_log(tap)
        test_log_out_of_reach(tap)
        test_www_gone(tap)
        test_syslog(tap)
        test_state(tap)
        test_dump(tap)
        test_steps(tap)
        test_memory(tap)
        test_processor(tap)
    tap.finish()


if __name__ == "__main__":
    main()
