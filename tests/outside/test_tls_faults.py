"""Errors of the system in ws-tls: memory that is not there, calls that fail,
are interrupted or do less.  Each strikes one connection, which ends cleanly;
the listener serves the next one as ever."""

import contextlib
import os
import ssl
import tempfile
from typing import NamedTuple

import tls
from conversation import OPTIONS, STEPS, play
from server import Server, same_descriptors
from tap import Tap
from test_faults import ECHOED, bare, hit, hits_of, preloaded, tells
from test_injected import Tracer, injected
from tls import Authority, TlsListener, WsTls, pairs_of, ws_tls
from ws_test import PATIENCE, Reaper, eventually, is_running, workers

MANY = 60_000       # more allocations than any process makes
FOLLOW = ("-f",)
SMALL = STEPS[:1] + STEPS[-1:]


class Faulty(TlsListener):
    """With a fault in its environment, which has nothing else."""

    def start(self, argv, env=None, stdout=None):
        super().start(bare(env, argv), None, stdout)


def talk(server, ca, steps=STEPS):
    """The client's word for a conversation, "no TLS" if it came to none."""
    try:
        return play(server.connect(), "localhost:%d" % server.address[1],
                    steps=steps, kind=lambda sock: tls.Connection(
                        tls.secure(server, ca, sock=sock)))
    except (ssl.SSLError, ConnectionError):
        return "no TLS"


ALL = {"no TLS", "right", "silent", "gone", "refused 503", "closed 1011"}


def numbers():
    """Each of the first, and then fewer and fewer."""
    number = 1
    while number < MANY:
        yield number
        number += 1 + number // 20


def test_malloc_listener(tap, ca, pair):
    """A listener that starts without one of its allocations."""
    statuses = set()
    for number in numbers():
        with Server() as server:
            hits = server.path("hits")
            server.start(bare(
                preloaded("malloc:%d" % number, hits),
                [ws_tls(), *pairs_of(pair, "--"), "--client-ca", ca.cert,
                 "--listen", "127.0.0.1:0", "--", "cat"]))
            process = server.process
            eventually(lambda: process.poll() is not None
                       or "listening on" in "".join(server.log()))
            process.terminate()
            process.wait(PATIENCE)
            status, log, struck = process.returncode, server.log(), hit(hits)
        statuses.add(status)
        good = status == 0 or status in (100, 111) and (
            tells(log) or ca.directory in "".join(log))
        if not good or not struck:
            tap.ok(good, "a listener without its allocation %d" % number,
                   (status, log))
        if not struck:
            break
    tap.ok(not struck and status == 0, "with all its memory it starts",
           (status, log))
    tap.ok(100 in statuses, "without some it did not, and said so", statuses)


def test_malloc_children(tap, ca, pair):
    """Each process of a connection without one of its allocations."""
    words = {}
    for number in numbers():
        with tempfile.NamedTemporaryFile() as hits, Faulty(
                ["echo:"], pair, OPTIONS, preloaded(
                    "child-malloc:%d" % number, hits.name)) as server:
            word = talk(server, ca, SMALL)
            words.setdefault(word, []).append(number)
            alive = is_running(server.process.pid)
            gone = eventually(lambda: not workers(server), 15)
            struck = hits_of(hits.name)
            log = server.log()
        if word not in ALL or not alive or not gone:
            tap.ok(False, "a connection without its allocation %d" % number,
                   (word, alive, gone, log))
        if not struck:
            break
    tap.ok(not struck and word == "right", "with all its memory it is right",
           (word, log))
    tap.ok("no TLS" in words and set(words) <= ALL,
           "without some: %s" % {word: len(of) for word, of in words.items()},
           words)


def test_calls(tap, ca, pair):
    """Interruptions are among the rows below: of a file that is read when
    all begins there are none."""
    for fault, wanted in (("short-write", {"send", "write"}),
                          ("eagain", {"send"})):
        with tempfile.NamedTemporaryFile() as hits, Faulty(
                ["echo:"], pair, OPTIONS, preloaded(fault, hits.name)) as server:
            word = talk(server, ca, ECHOED)
            tap.ok(word == "right", "%s: all bytes pass, and the end is right"
                   % fault, (word, server.log()))
            struck = hit(hits.name)
        tap.ok(struck >= wanted, "%s: struck were %s"
               % (fault, ", ".join(sorted(wanted))), struck)


class Row(NamedTuple):
    fault: str          # as strace wants it
    words: str          # what the client may see
    logged: str = ""    # a part of a line in the log


# Of the listener, the tunnel, and who is to be the program: all are traced.
ROWS = [
    Row("clone:error=EAGAIN", "no TLS", "fork: Resource temporarily"),
    Row("clone:error=ENOMEM", "no TLS", "fork: Cannot allocate memory"),
    Row("socketpair:error=EMFILE", "no TLS", "Too many open files"),
    Row("socketpair:error=ENFILE", "no TLS", "Too many open files"),
    Row("pipe2:error=EMFILE:when=1", "no TLS", "Too many open files"),
    Row("fcntl:error=EINVAL:when=1", "no TLS", ""),
    Row("seccomp:error=EPERM", "no TLS", "cannot confine"),
    Row("prctl:error=EPERM:when=1", "no TLS", "cannot confine"),
    Row("prlimit64:error=EPERM", "no TLS", "cannot confine"),
    Row("execve:error=ENOENT", "no TLS|silent", "No such file"),
    Row("execve:error=EACCES", "no TLS|silent", "Permission denied"),
    Row("execve:error=ENOMEM", "no TLS|silent", "Cannot allocate"),
    Row("dup2:error=EMFILE:when=1", "no TLS|silent", "Too many open files"),
    Row("poll:error=EINTR:when=2+2", "right"),
    Row("poll:error=EAGAIN:when=2+3", "right"),
    Row("poll:error=ENOMEM:when=3+5", "no TLS|gone|silent|right",
        "Cannot allocate memory"),
    Row("read:error=EINTR:when=1", "right"),
    Row("read:error=ECONNRESET:when=1", "no TLS"),
    Row("read:error=EIO:when=4", "no TLS|gone|silent|right"),
    Row("write:error=EINTR:when=1+2", "right"),
    Row("write:error=EPIPE:when=1", "no TLS", ""),
    Row("write:error=EPIPE:when=4", "gone|silent|no TLS"),
    Row("write:error=ECONNRESET:when=3", "gone|silent|no TLS"),
    Row("sendto:error=EINTR:when=1+2", "right"),
    Row("sendto:error=EPIPE:when=1", "silent|gone"),
    Row("recvfrom:error=EINTR:when=1+2", "right"),
    Row("recvfrom:error=EIO:when=2", "gone|silent"),
    Row("shutdown:error=ENOTCONN", "right|wrong: nothing came in 10 s"),
]


def strike(tap, server, ca, row):
    """One conversation with this fault, in a listener that is served before
    and after."""
    pid = server.process.pid
    with Tracer(pid, row.fault, FOLLOW) as tracer:
        if row.fault.startswith("clone"):
            talk(server, ca, SMALL)     # here it is the listener's
        word = talk(server, ca, SMALL)
        eventually(lambda: not workers(server), 15)
        struck = injected(tracer.lines())
    tap.ok(struck and word in row.words.split("|"), "%s: %s"
           % (row.fault, row.words), (word, struck[:3], server.log()))
    if row.logged:
        tap.ok(any(row.logged in line for line in server.log()),
               "%s: the log says %s" % (row.fault, row.logged), server.log())
    tap.ok(is_running(pid) and talk(server, ca) == "right",
           "%s: the next one is served" % row.fault, server.log())


def test_injected(tap, ca, pair):
    with Reaper():
        for row in ROWS:
            with TlsListener(["echo:"], pair, OPTIONS) as server:
                strike(tap, server, ca, row)


class Crowded(WsTls):
    """Its user may have so many processes, the listener being one."""

    most = 3

    def launch(self, argv):
        return ["prlimit", "--nproc=%d" % self.most, *argv]


class Lonely(Crowded):
    most = 2


def test_full_table(tap, ca, pair):
    """No processes for its user; those of root have no bound."""
    if os.getuid() != 0:
        return
    with Lonely(["cat"], pair, ["--user", "games"]) as server:
        tap.ok(talk_plain(server, ca) is None and any(
            "fork: Resource temporarily" in line for line in server.log()),
            "there is none for who speaks TLS", server.log())
    with Reaper(), Crowded(["cat"], pair, ["--user", "games"]) as server:
        with tls.secure(server, ca) as client:
            tap.ok(talk_plain(server, ca) is None and any(
                "fork: Resource temporarily" in line for line in
                server.log()), "nor for another connection", server.log())
            client.write(b"x")
            tap.ok(client.read() == b"x", "the first one goes on")
        eventually(lambda: not tls.tunnels(server))
        tap.ok(eventually(lambda: talk_plain(server, ca) == b"x"),
               "and when there is room, it serves", server.log())


def talk_plain(server, ca):
    """What `cat` says, or None."""
    with contextlib.suppress(ssl.SSLError, ConnectionError):
        with tls.secure(server, ca) as client:
            client.write(b"x")
            return client.read()
    return None


def main():
    tap = Tap()
    with Authority() as ca, same_descriptors():
        pair = ca.issue("localhost", "127.0.0.1")
        for test in (test_calls, test_injected, test_full_table,
                     test_malloc_listener, test_malloc_children):
            test(tap, ca, pair)
    tap.finish()


if __name__ == "__main__":
    main()
