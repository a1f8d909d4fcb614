"""System calls that fail, one row each: strace makes the call fail, and its
own output must show that it did.  After each row the listener serves the next
client as ever."""

import contextlib
import os
import signal
import subprocess
import tempfile
import time
from typing import NamedTuple

from conversation import FIRST, OPTIONS, STEPS, Inetd, play
from rawclient import Connection
from server import Listener, Server, binary, same_descriptors
from tap import Tap
from ws_test import (PATIENCE, Reaper, eventually, lines_of, logged,
                     parse_response, worker, workers)

PAUSE = 0.05        # s that a listener waits after a failure to accept


class Tracer:
    """strace of a process that runs, and what it has seen."""

    def __init__(self, pid, inject, options=()):
        self.pid = pid
        self.stack = contextlib.ExitStack()
        directory = self.stack.enter_context(tempfile.TemporaryDirectory())
        self.output = os.path.join(directory, "strace")
        self.argv = ["strace", "-qq", *options, "-o", self.output,
                     "-e", "inject=" + inject, "-p", str(pid)]

    def __enter__(self):
        self.process = subprocess.Popen(self.argv)
        eventually(self._is_attached)
        return self

    def __exit__(self, *_):
        with self.stack:
            self.process.terminate()
            self.process.wait(PATIENCE)

    def _is_attached(self):
        """Or the process has ended by its fault already."""
        with contextlib.suppress(FileNotFoundError):
            with open("/proc/%d/status" % self.pid) as f:
                return "TracerPid:\t%d\n" % self.process.pid in f.read()
        return True

    def lines(self):
        with open(self.output) as f:
            return f.read().splitlines()


def injected(lines):
    return [line for line in lines if line.endswith("(INJECTED)")]


# Of a worker.

class Row(NamedTuple):
    fault: str          # as strace wants it
    word: str           # what the client sees: see conversation.py
    logged: str = ""    # a part of the line in the log
    options: tuple = () # to strace


FOLLOW = ("-f",)        # into the program, which is not there at first

ECHO = [
    Row("setsockopt:error=ENOPROTOOPT", "right"),
    Row("sendto:error=ECONNRESET:when=1", "silent", "reset by peer"),
    Row("sendto:error=EPIPE:when=3", "gone", "Broken pipe"),
    Row("recvfrom:error=ECONNRESET:when=2", "gone", "reset by peer"),
    Row("recvfrom:error=EIO:when=2", "gone", "Input/output error"),
    Row("recvfrom:error=EINTR:when=2+2", "right"),
    Row("shutdown:error=ENOTCONN", "right"),
]
STARTS = [
    Row("pipe2:error=EMFILE:when=1", "refused 503", "Too many open files"),
    Row("pipe2:error=EMFILE:when=2", "refused 503", "Too many open files"),
    Row("pipe2:error=ENFILE:when=1", "refused 503", "Too many open files"),
    Row("fcntl:error=EMFILE:when=1", "refused 503", "Too many open files"),
    Row("vfork:error=EAGAIN", "refused 503", "Resource temporarily"),
    Row("vfork:error=ENOMEM", "refused 503", "Cannot allocate memory"),
    Row("dup2:error=EMFILE", "refused 503", "Too many open", FOLLOW),
    Row("execve:error=EACCES", "refused 502", "Permission denied", FOLLOW),
    Row("execve:error=ENOENT", "refused 502", "No such file", FOLLOW),
    Row("execve:error=ENOEXEC", "refused 502", "#!", FOLLOW),
    Row("execve:error=ETXTBSY", "refused 502", "Text file busy", FOLLOW),
    Row("execve:error=ENOMEM", "refused 503", "Cannot allocate", FOLLOW),
    Row("prctl:error=EINVAL", "right", "", FOLLOW),
    Row("recvfrom:error=EIO:when=1", "silent", "Input/output error"),
    Row("ppoll:error=ENOMEM:when=1", "silent", "Cannot allocate memory"),
]
TALKS = [
    Row("ppoll:error=EINTR:when=1+2", "right"),
    Row("ppoll:error=ENOMEM:when=4", "closed 1011", "Cannot allocate memory"),
    Row("read:error=EIO:when=1", "closed 1011", "Input/output error"),
    Row("read:error=EIO:when=3", "closed 1011", "Input/output error"),
    Row("read:error=EINTR:when=1+2", "right"),
    Row("read:error=EAGAIN:when=1+2", "right"),
    Row("write:error=EPIPE:when=1", "closed 1000"),
    Row("write:error=EIO:when=1", "closed 1011", "Input/output error"),
    Row("write:error=EIO:when=3", "closed 1011", "Input/output error"),
    Row("write:error=EINTR:when=1+2", "right"),
    Row("sendto:error=EPIPE:when=1", "silent", "Broken pipe"),
    Row("sendto:error=ECONNRESET:when=2", "gone", "reset by peer"),
    Row("sendto:error=EINTR:when=1+2", "right"),
    Row("recvfrom:error=ECONNRESET:when=2", "gone", "reset by peer"),
    Row("recvfrom:error=EIO:when=2", "gone", "Input/output error"),
    Row("recvfrom:error=EINTR:when=1+2", "right"),
    Row("wait4:error=EINTR:when=1", "right"),
    Row("close:error=EINTR", "right"),
]
ENDS = [
    Row("ioctl:error=EIO", "right", "done"),
    Row("wait4:error=EINTR:when=1", "right", "done"),
    Row("shutdown:error=ENOTCONN", "right", "done"),
]

# This ends while somebody holds its pipe.
ENDING = ["sh", "-c", 'read -r line; echo "$line"; sleep 0.1 &']

TERMINALS = [
    Row("ioctl:error=EIO:when=2", "refused 502", "Input/output error"),
    Row("ioctl:error=EIO:when=3", "refused 502", "Input/output error"),
    Row("ioctl:error=EIO:when=5", "refused 502", "Input/output error"),
]

WORKERS = [     # name, options, operands, steps, rows
    ("echo:", [], ["echo:"], STEPS, ECHO),
    ("a program starts", [], ["cat"], STEPS, STARTS),
    ("line", [], ["cat"], STEPS, TALKS),
    ("netstring", ["--format", "netstring"], ["cat"], STEPS, TALKS),
    ("a program ends", [], ENDING, FIRST, ENDS),
    ("a terminal", ["--unbuffered"], ["cat"], STEPS, TERMINALS),
]


def play_traced(server, row, path, steps):
    """The word for a conversation with this fault, and strace's lines."""
    with contextlib.closing(server.connect()) as sock, \
            Tracer(worker(server), row.fault, row.options) as tracer:
        word = play(sock, server.host, path, steps)
        eventually(lambda: not workers(server))
        return word, tracer.lines()


def check_worker(tap, name, server, row, path, steps):
    """A worker with a fault, and another one without."""
    word, lines = play_traced(server, row, path, steps)
    line = (lines_of(server, path) or server.log())[-1]
    after = play(server.connect(), server.host, steps=steps)
    eventually(lambda: not workers(server))
    fault = "%s: %s" % (name, row.fault)
    tap.ok(injected(lines), fault + " was injected", lines[-9:])
    tap.ok((word, after) == (row.word, "right") and row.logged in line,
           "%s: %s" % (fault, row.word), (word, after, line))


def test_worker(tap):
    for name, options, operands, steps, rows in WORKERS:
        with Reaper(), Listener(operands, OPTIONS + options) as server:
            for number, row in enumerate(rows):
                check_worker(tap, name, server, row, "/%d" % number, steps)


# Of a listener.

class Accept(NamedTuple):
    fault: str
    words: tuple        # of two clients, one after the other
    logged: str = ""    # what the listener says once, if it has to
    pauses: int = 0     # how often it waits before it tries again


SERVED = ("right", "right")
REFUSED = ("refused 503", "right")

LISTENER = [
    Accept("accept4:error=EMFILE:when=1", REFUSED, "accept: Too many"),
    Accept("accept4:error=EMFILE:when=1..4", SERVED, "accept: Too many", 2),
    Accept("accept4:error=ENFILE:when=1", REFUSED, "accept: Too many"),
    Accept("accept4:error=ENFILE:when=1..4", SERVED, "accept: Too many", 2),
    Accept("accept4:error=ENOMEM:when=1..3", SERVED, "accept: Cannot", 3),
    Accept("accept4:error=ENOBUFS:when=1..3", SERVED, "accept: No buffer", 3),
    Accept("accept4:error=ECONNABORTED:when=1..3", SERVED),
    Accept("accept4:error=EPROTO:when=1..3", SERVED),
    Accept("accept4:error=EINTR:when=1..3", SERVED),
    Accept("accept4:error=EAGAIN:when=1..3", SERVED),
    Accept("clone:error=EAGAIN:when=1", REFUSED,
           "fork: Resource temporarily"),
    Accept("clone:error=ENOMEM:when=1", REFUSED, "fork: Cannot allocate"),
    Accept("poll:error=EINTR:when=1..3", SERVED),
    Accept("poll:error=ENOMEM:when=1..3", SERVED),
    Accept("read:error=EAGAIN:when=1", SERVED),
    Accept("wait4:error=EINTR:when=1", SERVED),
    Accept("close:error=EIO:when=1..2", SERVED),
]


def check_listener(tap, server, row):
    said = len(server.log())
    began = time.monotonic()
    with Tracer(server.process.pid, row.fault) as tracer:
        words = tuple(play(server.connect(), server.host) for _ in range(2))
        took = time.monotonic() - began
        left = not eventually(lambda: not workers(server), 5)
        lines = tracer.lines()
    complaints = [line for line in server.log()[said:]
                  if row.logged and row.logged in line]
    accepts = sum(line.startswith("accept4(") for line in lines)
    tap.ok(injected(lines), "listener: %s was injected" % row.fault, lines)
    tap.ok(words == row.words and not left,
           "listener: %s: %s" % (row.fault, ", then ".join(row.words)),
           (words, left, server.log()[said:]))
    tap.ok(len(complaints) == bool(row.logged)
           and took >= row.pauses * PAUSE
           and accepts <= len(words) + len(injected(lines)),
           "listener: %s: %d lines in the log, and it does not spin"
           % (row.fault, bool(row.logged)), (complaints, took, lines))


def test_listener(tap):
    for row in LISTENER:
        with Listener(["echo:"], OPTIONS) as server:
            check_listener(tap, server, row)


# Of a start.

STARTING = [    # fault, address, what is said; all of it ends with 111
    ("socket:error=EMFILE", "127.0.0.1:0", "Too many open files"),
    ("setsockopt:error=ENOPROTOOPT", "127.0.0.1:0", "Protocol not available"),
    ("bind:error=EADDRINUSE", "127.0.0.1:0", "Address already in use"),
    ("bind:error=EACCES", "127.0.0.1:0", "Permission denied"),
    ("listen:error=EADDRINUSE", "127.0.0.1:0", "Address already in use"),
    ("getsockname:error=ENOBUFS", "127.0.0.1:0", "No buffer space"),
    ("socket:error=ENFILE", "unix:socket", "Too many open files"),
    ("bind:error=EROFS", "unix:socket", "Read-only file system"),
    ("chmod:error=EPERM", "unix:socket", "Operation not permitted"),
    ("listen:error=EADDRINUSE", "unix:socket", "Address already in use"),
    ("lchown:error=EPERM", "unix:socket,group=nogroup", "not permitted"),
    ("setsockopt:error=ENOPROTOOPT", "[::1]:0", "Protocol not available"),
    ("setsockopt:error=EINVAL:when=2", "127.0.0.1:0", "Invalid argument"),
    ("listen:error=EADDRINUSE:when=2", "localhost:0", "already in use"),
    ("ftruncate:error=ENOSPC", "127.0.0.1:0", "No space left"),
]


def start(fault, address, directory):
    """Start a listener in this directory; its exit status or None, what it
    said, strace's lines, and the files that it has left."""
    argv = ["strace", "-qq", "-I2", "-o", "strace", "-e", "inject=" + fault,
            binary(), "--listen", address, "echo:"]
    with subprocess.Popen(argv, cwd=directory, stderr=subprocess.PIPE) as it:
        try:
            said = it.communicate(timeout=2)[1]
        except subprocess.TimeoutExpired:
            it.terminate()      # ends what it traces as well
            said = it.communicate()[1]
    with open(os.path.join(directory, "strace")) as f:
        lines = f.read().splitlines()
    return (it.returncode, said.decode(), lines,
            sorted(set(os.listdir(directory)) - {"strace"}))


def test_start(tap):
    for fault, address, wanted in STARTING:
        with tempfile.TemporaryDirectory() as directory:
            status, said, lines, left = start(fault, address, directory)
        name = "listen on %s: %s" % (address, fault)
        tap.ok(injected(lines), name + " was injected", lines[-9:])
        tap.ok(status == 111 and wanted in said and not left,
               "%s: status 111, and why" % name, (status, said, left))


# Of a connection that is inherited.

INHERITED = [   # fault, word, exit status, what is said
    ("getpeername:error=ENOTCONN", "silent", 1, "not connected"),
    ("getsockname:error=ENOBUFS", "right", 0, ""),
    ("getsockopt:error=ENOBUFS", "right", 0, ""),
    ("setsockopt:error=ENOPROTOOPT", "right", 0, ""),
]


def test_inherited(tap):
    for fault, wanted, status, said in INHERITED:
        with tempfile.NamedTemporaryFile("r") as output, Inetd(
                ["strace", "-qq", "-o", output.name, "-e", "inject=" + fault,
                 binary(), *OPTIONS, "echo:"]) as server:
            end = server.play()
            log = "".join(server.log())
            lines = output.read().splitlines()
        name = "inherited: " + fault
        tap.ok(injected(lines), name + " was injected", lines[-9:])
        tap.ok(end == (wanted, status) and said in log, "%s: %s, status %d"
               % (name, wanted, status), (end, log))


# Of a machine without IPv6.

def test_one_family(tap):
    """A name keeps its addresses of the other family."""
    with Server() as server:
        trace = server.path("strace")
        server.start(["strace", "-D", "-qq", "-o", trace, "-e",
                      "inject=listen:error=EADDRNOTAVAIL:when=1", binary(),
                      "--listen", "localhost:0", "echo:"])
        eventually(lambda: any("listening on" in line
                               for line in server.log()))
        where = [line.partition("listening on ")[2] for line in server.log()]
        with open(trace) as f:
            lines = f.read().splitlines()
    tap.ok(injected(lines), "localhost without ::1 was injected", lines)
    tap.ok(len(where) == 1 and where[0].startswith("127.0.0.1:"),
           "localhost without ::1 is 127.0.0.1", where)


# Of a restart.

def test_restart(tap):
    with Listener(["echo:"], OPTIONS) as server:
        with Tracer(server.process.pid, "clone:error=EAGAIN:when=1") as tracer:
            server.process.send_signal(signal.SIGHUP)
            said = logged(server, "no restart:", "Resource temporarily")
            lines = tracer.lines()
        word = play(server.connect(), server.host)
        tap.ok(injected(lines) and said and word == "right",
               "restart: clone:error=EAGAIN: the log says why, and all goes "
               "on", (server.log(), lines))


# Of a page.

PAGES = [       # fault, status of the answer
    ("openat2:error=EMFILE", 503), ("openat2:error=ENFILE", 503),
    ("openat2:error=ENOMEM", 503), ("openat2:error=EACCES", 403),
    ("openat2:error=EXDEV", 404), ("pread64:error=EIO", 503),
    ("pread64:retval=0", 503), ("pread64:error=EINTR:when=1", 200),
]
PAGE = b"<p>This is a page.\n"


def asked_for_page(server, fault):
    """The answer, and strace's lines."""
    with Connection(server.connect()) as connection, \
            Tracer(worker(server), fault) as tracer:
        connection.send(b"GET / HTTP/1.1\r\nHost: %s\r\n\r\n"
                        % server.host.encode())
        answer = parse_response(connection.rest(PATIENCE))
        connection.sock.close()
        eventually(lambda: not workers(server))
        return answer, tracer.lines()


def test_pages(tap):
    with tempfile.TemporaryDirectory() as www, \
            Listener(["echo:"], ["--www", www]) as server:
        with open(os.path.join(www, "index.html"), "wb") as f:
            f.write(PAGE)
        for fault, status in PAGES:
            answer, lines = asked_for_page(server, fault)
            tap.ok(injected(lines), "page: %s was injected" % fault,
                   lines[-9:])
            tap.ok(answer.status == status and (
                answer.body == PAGE if status == 200
                else answer.is_refusal()),
                "page: %s: %d" % (fault, status), answer)


TESTS = [test_worker, test_listener, test_start, test_inherited,
         test_one_family, test_restart, test_pages]


def main():
    tap = Tap()
    with same_descriptors():
        for test in TESTS:
            test(tap)
    tap.finish()


if __name__ == "__main__":
    main()
