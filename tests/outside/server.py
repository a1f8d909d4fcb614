"""Starts what the outside tests talk to, and proves that it went away again.

Listener is ws-cgi --listen, Tcpserver is Debian's tcpserver around a program
that speaks on descriptor 0, Spawned is that program on one end of a Unix
socketpair for each connection.  All are context managers with connect().

This process makes itself the reaper of orphans, so whatever a server leaves
behind becomes its child and is found.  What else a test starts while a server
runs must have been waited for when the server stops.
"""

import contextlib
import ctypes
import os
import signal
import socket
import subprocess
import tempfile
import threading
import time

import rawclient

PR_SET_CHILD_SUBREAPER = 36
GRACE = 10      # seconds a server has to stop before it is killed
MANY = ("--max-source", "1024")     # all clients here come from one address
ORPHANS = 8     # seconds its children have to end after it


class LeftBehind(Exception):
    """A server did not stop, or a process or descriptor outlived it."""


def binary():
    """The command under test."""
    return os.path.abspath(os.environ.get("WS_CGI", "build/ws-cgi"))


def adopt_orphans():
    """Make processes whose parent ended children of this one."""
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0) != 0:
        raise OSError(ctypes.get_errno(), "prctl")


def children():
    """The pids of this process's children, zombies too."""
    found = set()
    for task in os.listdir("/proc/self/task"):
        with contextlib.suppress(OSError):
            with open("/proc/self/task/%s/children" % task) as f:
                found.update(map(int, f.read().split()))
    return found


def ended(pid):
    """Reap the child pid if it has ended."""
    try:
        return os.waitpid(pid, os.WNOHANG)[0] == pid
    except ChildProcessError:
        return True


def command_of(pid):
    with contextlib.suppress(OSError):
        with open("/proc/%d/cmdline" % pid, "rb") as f:
            return f.read().replace(b"\0", b" ").decode(errors="replace")
    return ""


def check_orphans(known, patience=ORPHANS):
    """Wait for adopted children to end; kill and report those that do not."""
    deadline = time.monotonic() + patience
    while True:
        left = {pid for pid in children() - known if not ended(pid)}
        if not left:
            return
        if time.monotonic() > deadline:
            break
        time.sleep(0.02)
    names = ["%d %s" % (pid, command_of(pid)) for pid in left]
    for pid in left:
        os.kill(pid, signal.SIGKILL)
        os.waitpid(pid, 0)
    raise LeftBehind("left behind: " + "; ".join(names))


class Server:
    """A process with a log file in a directory of its own."""

    _running = {}       # pid -> Popen, of all servers of this test

    def __init__(self):
        adopt_orphans()
        self.before = children()
        self.process = None
        self.stack = contextlib.ExitStack()
        self.directory = self.stack.enter_context(
            tempfile.TemporaryDirectory(prefix="ws-outside-"))

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.stop()

    def path(self, name):
        return os.path.join(self.directory, name)

    def log(self):
        """What it wrote to standard error so far, as a list of lines."""
        with open(self.path("log"), errors="replace") as f:
            return f.read().splitlines()

    def start(self, argv, env=None, stdout=None):
        """Start argv with standard error in the log."""
        with open(self.path("log"), "wb") as log:
            self.process = subprocess.Popen(
                argv, stdin=subprocess.DEVNULL, stdout=stdout, stderr=log,
                env={**os.environ, **(env or {})}, start_new_session=True)
        self._running[self.process.pid] = self.process

    def connect(self, timeout=10):
        return rawclient.connect(self.address, timeout)

    def _wait(self, seconds):
        try:
            self.process.wait(seconds)
        except subprocess.TimeoutExpired:
            return False
        return True

    def _terminate(self):
        """SIGTERM, again after 2 s, SIGKILL after GRACE, which is reported."""
        for patience in (2, GRACE):
            self.process.send_signal(signal.SIGTERM)
            if self._wait(patience):
                return
        self.process.kill()
        self.process.wait()
        raise LeftBehind("%s did not stop" % self.process.args[0])

    def stop(self):
        """Stop it and check that nothing is left."""
        with self.stack:
            if self.process is None:
                return
            try:
                self._terminate()
            finally:
                del self._running[self.process.pid]
                self.process = None
            check_orphans(self.before | set(self._running))


class Listener(Server):
    """ws-cgi --listen ADDRESS options -- operands; address is "tcp" or
    "unix", and how may be --receive.  self.address is what connect() wants,
    self.host what a Host header must say."""

    def __init__(self, operands, options=(), env=None, address="tcp",
                 how="--listen"):
        super().__init__()
        where = "127.0.0.1:0"
        if address == "unix":
            where = "unix:" + self.path("socket")
        try:
            self.start([binary(), how, where, *MANY, *options, "--",
                        *operands], env)
            self._learn(self._listening())
        except BaseException:
            self.stop()
            raise

    def _listening(self, patience=10):
        """What the line "listening on ..." names."""
        deadline = time.monotonic() + patience
        while time.monotonic() < deadline:
            for line in self.log():
                _, found, name = line.partition("listening on ")
                if found:
                    return name.split()[0].rstrip('"}')  # of JSON
            if self._wait(0.02):
                break
        raise RuntimeError("ws-cgi did not start: %r" % self.log())

    def _learn(self, name):
        if name.startswith("unix:"):
            self.address, self.host = name[len("unix:"):], "localhost"
            return
        host, _, port = name.rpartition(":")
        self.address, self.host = (host.strip("[]"), int(port)), name


class Tcpserver(Server):
    """tcpserver around a program that speaks on descriptors 0 and 1."""

    def __init__(self, argv, env=None):
        super().__init__()
        try:
            self.start(["tcpserver", "-1RHc1000", "-l0", "127.0.0.1", "0",
                        *argv], env, stdout=subprocess.PIPE)
            port = int(self.process.stdout.readline() or b"0")
            self.process.stdout.close()
            if not port:
                raise RuntimeError("tcpserver: %r" % self.log())
        except BaseException:
            self.stop()
            raise
        self.address = ("127.0.0.1", port)
        self.host = "127.0.0.1:%d" % port


class Spawned(Server):
    """A program started anew for each connect(), with one end of a Unix
    socketpair as its descriptors 0 and 1."""

    host = "localhost"

    def __init__(self, argv, env=None):
        super().__init__()
        self.argv, self.env = argv, {**os.environ, **(env or {})}
        self.lock = threading.Lock()
        self.processes = []
        self.logfile = self.stack.enter_context(open(self.path("log"), "wb"))

    def connect(self, timeout=10):
        ours, theirs = socket.socketpair()
        with theirs:
            process = subprocess.Popen(self.argv, stdin=theirs, stdout=theirs,
                                       stderr=self.logfile, env=self.env)
        with self.lock:
            self._running[process.pid] = process
            self.processes.append(process)
            self._reap()
        return ours

    def _reap(self):
        """Forget those that have ended."""
        for process in [p for p in self.processes if p.poll() is not None]:
            self.processes.remove(process)
            del self._running[process.pid]

    def stop(self):
        """Wait for all; who talks on a closed socket has 10 s to notice."""
        deadline = time.monotonic() + GRACE
        with self.stack:
            while self.processes and time.monotonic() < deadline:
                self._reap()
                time.sleep(0.01)
            late = [process.pid for process in self.processes]
            for process in self.processes:
                process.kill()
                process.wait()
            self._reap()
            if late:
                raise LeftBehind("still running: %r" % late)
            check_orphans(self.before | set(self._running))


def descriptors():
    """The open descriptors of this process and what they are."""
    found = {}
    for fd in os.listdir("/proc/self/fd"):
        with contextlib.suppress(OSError):
            found[int(fd)] = os.readlink("/proc/self/fd/" + fd)
    return {fd: name for fd, name in found.items()
            if name != "/proc/%d/fd" % os.getpid()}


@contextlib.contextmanager
def same_descriptors():
    """Fail unless as many descriptors are open after as were before."""
    before = descriptors()
    yield
    after = descriptors()
    if len(before) != len(after):
        raise LeftBehind("descriptors before %r, after %r" % (before, after))
