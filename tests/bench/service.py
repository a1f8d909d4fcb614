"""A server that runs: in a session of its own, on a free port of 127.0.0.1 or a
Unix socket, stopped by its process id, with nothing left behind.
"""

import contextlib
import os
import resource
import socket
import subprocess
import sys
import time

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, "..", "outside"))
import rawclient    # noqa: E402
import server       # noqa: E402

READY = 15              # s that a server has to answer a handshake
ANSWER = b"HTTP/1.1 101 "


class Failed(Exception):
    """A server, or the load, could not do it; in words."""


def raise_limits():
    """As many descriptors as there may be, for all that is started here, and
    no core dumps."""
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))


@contextlib.contextmanager
def on_core(core):
    """What is started meanwhile runs on that core alone, unless it is None."""
    before = os.sched_getaffinity(0)
    if core is not None:
        os.sched_setaffinity(0, {core})
    try:
        yield
    finally:
        os.sched_setaffinity(0, before)


def free_port():
    with socket.create_server(("127.0.0.1", 0)) as s:
        return s.getsockname()[1]


class Process(server.Server):
    """One of the processes of a service."""

    def __init__(self, argv, environ):
        super().__init__()
        self.argv = argv
        self.start(argv, environ, subprocess.DEVNULL)

    def words(self):
        """How it ended and its last words; "" as long as it lives."""
        if self.process.poll() is None:
            return ""
        said = "; ".join(line.strip() for line in self.log()[-3:])
        return "%s ended with %d: %s" % (
            os.path.basename(self.argv[0]), self.process.returncode, said)


class Service:
    """A candidate that runs.  place is what the load is told, pids are the
    processes whose descendants' work counts."""

    def __init__(self, candidate, core=None):
        self.candidate = candidate
        self.processes = []
        with contextlib.ExitStack() as stack:
            scratch = stack.enter_context(server.Server())
            self.place = (scratch.path("socket") if candidate.unix
                          else str(free_port()))
            with on_core(core):
                self._start(stack, scratch.directory)
            self._await()
            self.stack = stack.pop_all()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.stack.close()

    def _start(self, stack, directory):
        command = self.candidate.command(self.place, directory)
        for argv in (*command.backends, command.argv):
            self.processes.append(stack.enter_context(
                Process(argv, command.environ)))

    @property
    def pids(self):
        return [each.process.pid for each in self.processes]

    @property
    def words(self):
        """Of those of its processes that have ended, though they must not."""
        return "; ".join(filter(None, (p.words() for p in self.processes)))

    def connect(self):
        """A connection that is ready for messages."""
        sock = rawclient.connect(
            self.place if self.candidate.unix
            else ("127.0.0.1", int(self.place)), READY)
        try:
            if not self.candidate.raw:
                self._shake(sock)
        except BaseException:
            sock.close()
            raise
        return sock

    def _shake(self, sock):
        host = ("localhost" if self.candidate.unix
                else "127.0.0.1:" + self.place)
        sock.sendall(rawclient.request(host))
        got = b""
        while b"\r\n\r\n" not in got:
            more = sock.recv(1)
            if not more:
                raise ConnectionError("no answer")
            got += more
        if not got.startswith(ANSWER):
            raise ConnectionError("it answers %r" % got.split(b"\r\n")[0])

    def _await(self):
        deadline = time.monotonic() + READY
        while True:
            try:
                self.connect().close()
                return
            except OSError as error:
                if self.words or time.monotonic() > deadline:
                    raise Failed(self.words or "not ready: %s" % error
                                 ) from None
            time.sleep(0.02)
