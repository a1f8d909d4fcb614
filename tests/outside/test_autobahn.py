"""Every case of Autobahn groups 1 to 7, 9 and 10 against a running server.

Each case is reported with its verdict; one that is not strictly right fails
the run, unless the table itself calls it informational.  With --splits the
short cases run over a Unix socket once for every point at which the stream
of handshake and frames can be cut in two.  With --one-byte every read of the
server's delivers one byte; SHIM_READS in the environment bounds how many
(100000), since more would show nothing.

WS_CGI, WS_HANDLER and WS_SHIM name the command, the C handler and the library
to preload, if they are not those in build/.
"""

import argparse
import concurrent.futures
import contextlib
import fnmatch
import os
import signal
import subprocess
import tempfile
import time

import autobahn_cases
import rawclient
import server
from autobahn_cases import INFORMATIONAL, OK, Await, Pause, Send
from tap import Tap
from ws_test import eventually

HERE = os.path.dirname(os.path.abspath(__file__))
CLOSING = 2         # seconds for the answer to a Close, and for the end of TCP
LONG = ("1.?.[678]", "7.1.6", "9.*", "10.*")    # not cut at every octet
CUT_CASE = "5.6"    # whose frames follow the handshake when that is cut
FAILED = "FAILED"
CUTS = os.environ.get("SHIM_READS", "100000")   # reads of a process


class Conversation:
    """One case on one connection: what came, and how it ended."""

    def __init__(self, connection, script, slack=1, late=False):
        self.connection = connection
        self.script = script
        self.slack = slack      # by how much slower this server may be
        self.late = late        # we send when the server may have gone
        self.events = []
        self.code = None        # of the server's Close
        self.answered = False   # the server's Close came
        self.by_us = script.closes      # who sent the first Close
        self.end = None         # "eof" or "reset"

    def over(self):
        return self.answered or self.end is not None

    def collect(self, done, seconds):
        """Take events until done() or the end or the time is up."""
        deadline = time.monotonic() + seconds
        while not done():
            event = self.connection.event(deadline - time.monotonic())
            if event is None:
                break
            if event[0] in ("eof", "reset"):
                self.end = event[0]
            elif event[0] == "close":
                self.answered, self.code = True, event[1]
            else:
                self.events.append(event)

    def step(self, step):
        """Do one step of the script."""
        if isinstance(step, Send):
            self.connection.send(step.data, step.chop)
        elif isinstance(step, Await):
            self.collect(lambda: self.over()
                         or len(self.events) >= step.events,
                         self.script.wait * self.slack)
        elif isinstance(step, Pause):
            self.collect(self.over, 1)
            if step.name and not self.over():
                self.events.append(("timeout", step.name))

    def expected(self):
        """Whether the strict list of events is complete, or out of reach."""
        want = self.script.outcomes[0][1]
        return self.over() or len(self.events) >= len(want)

    def finish(self):
        """After the last step: the closing handshake, from either side."""
        wait = self.script.wait * self.slack
        if self.script.ending.clean and not self.script.closes:
            self.collect(self.expected, wait)
            if not self.over():
                self.by_us = True
                self.connection.send(rawclient.close(1000))
            wait = CLOSING * self.slack
        self.collect(self.over, wait)
        if self.answered and not self.by_us:
            self.connection.send(rawclient.close(self.code))
        if self.answered:
            self.collect(lambda: self.end is not None, CLOSING * self.slack)

    def run(self):
        """The whole conversation; returns its verdict and why."""
        for step in self.script.steps:
            if self.over():
                break
            self.step(step)
        self.finish()
        fault = self.ending_fault()
        return (FAILED, fault) if fault else self.judge_events()

    def ending_fault(self):
        """What is wrong with the ending, or None."""
        clean, codes = self.script.ending
        if clean and not self.answered:
            return "no Close came, but %s" % (self.end or "silence")
        if clean and not self.by_us:
            return "the server closed first, with %s" % self.code
        if not self.over():
            return "the server did not fail the connection"
        if self.code is not None and self.code not in codes:
            return "Close %d, expected %r or none" % (self.code, codes)
        if self.end is None:
            return "the server did not close TCP"
        if clean and self.end != "eof" and not self.late:
            return "the end was not clean: %s" % self.end
        return None

    def judge_events(self):
        """The verdict whose list of events is what came."""
        for verdict, events in self.script.outcomes:
            if events == self.events:
                return verdict, "%d events, Close %s, %s" % (
                    len(events), self.code, self.end)
        return FAILED, "events %s, expected %s" % (
            brief(self.events), brief(self.script.outcomes[0][1]))


def brief(events):
    """Events in a line that can be read."""
    shown = ", ".join("%s %.40r" % event for event in events[:4])
    return "[%s]%s" % (shown, " and %d more" % (len(events) - 4)
                       if len(events) > 4 else "")


def guarded(talk):
    """talk()'s verdict; what it raises is a failed case, not a failed run."""
    try:
        return talk()
    except (rawclient.Violation, OSError) as error:
        return FAILED, "%s: %s" % (type(error).__name__, error)


def run_case(target, make, slack):
    """One case, as Autobahn runs it."""
    def talk():
        with rawclient.Connection(target.connect()) as connection:
            connection.handshake(target.host)
            return Conversation(connection, make(), slack).run()
    return guarded(talk)


# Splits.

def unpaused(script):
    """The script's frames as one stream, and the script without its pauses."""
    stream = b"".join(step.data for step in script.steps
                      if isinstance(step, Send))
    outcomes = [(verdict, [event for event in events if event[0] != "timeout"])
                for verdict, events in script.outcomes]
    return stream, script._replace(steps=[], outcomes=outcomes)


def is_long(name):
    return any(fnmatch.fnmatchcase(name, glob) for glob in LONG)


def run_split(target, stream, script, at, slack):
    """One conversation whose first at bytes are read before the rest comes.
    What follows a Close that was read alone may find nobody (RFC 6455 7.1.1)
    and be answered by a reset."""
    late = rawclient.ends_in_close(stream[:at])

    def talk():
        with rawclient.Connection(target.connect()) as connection:
            connection.send(stream[:at])
            if not connection.drain():
                return FAILED, "the server does not read"
            connection.send(stream[at:])
            connection.upgraded()
            return Conversation(connection, script, slack, late).run()
    return guarded(talk)


def worst(verdicts):
    """The verdict of all: the first that is not OK."""
    for at, (verdict, why) in verdicts:
        if verdict not in (OK, INFORMATIONAL):
            return verdict, "cut at %d: %s" % (at, why)
    verdict = verdicts[0][1][0]
    return verdict, "%d cuts" % len(verdicts)


def run_splits(target, make, points, slack):
    """A case at all points(length of the request, length of the stream)."""
    request = rawclient.request(target.host)
    frames, script = unpaused(make())
    stream = request + frames
    return worst([(at, run_split(target, stream, script, at, slack))
                  for at in points(len(request), len(stream))])


def in_handshake(request, _):
    return range(1, request)


def in_frames(request, stream):
    return range(request, stream)


# The run.

def shim():
    """The library that cuts reads; the loader would pass over a missing one."""
    path = os.path.realpath(os.environ.get("WS_SHIM",
                                           "build/tests/shim_onebyte.so"))
    if not os.path.exists(path):
        raise RuntimeError("there is no " + path)
    return path


def has_shim(process):
    """Whether the library is in the process: in a static one it is not."""
    with open("/proc/%d/maps" % process.pid) as f:
        return shim() in f.read()


@contextlib.contextmanager
def reads_seen(process, path):
    """While strace writes down what the process and its children read."""
    strace = subprocess.Popen(["strace", "-f", "-qq", "-o", path, "-e",
                               "trace=read,readv,recvfrom,recvmsg", "-p",
                               str(process.pid)])
    try:
        eventually(lambda: "TracerPid:\t%d\n" % strace.pid in open(
            "/proc/%d/status" % process.pid).read())
        yield
    finally:
        strace.send_signal(signal.SIGINT)
        strace.wait()


def reads_bytes(target):
    """Whether a frame is read byte by byte, as the handshake is."""
    data = rawclient.frame(rawclient.TEXT, b"x" * 100)
    with tempfile.NamedTemporaryFile("r") as seen:
        with reads_seen(target.process, seen.name), \
                rawclient.Connection(target.connect()) as connection:
            connection.handshake(target.host)
            connection.send(data)
            connection.event(30)
        alone = seen.read().count(" = 1\n")
    return alone >= len(rawclient.request(target.host)) + len(data)


def start(options):
    """The server to test, as a context manager."""
    env = {"LD_PRELOAD": shim(), "SHIM_READS": CUTS} if options.one_byte \
        else {}
    if options.address:
        return Running(options.address)
    unix = options.unix or options.splits
    if options.server == "handler":
        handler = [os.path.abspath(os.environ.get("WS_HANDLER",
                                                  "build/examples/echo"))]
        kind = server.Spawned if unix else server.Tcpserver
        return kind(handler, env)
    operands, format_ = ["echo:"], []
    if options.server == "netstring":
        operands = ["/usr/bin/python3", os.path.join(HERE,
                                                     "netstring_echo.py")]
        format_ = ["--format", "netstring"]
    return server.Listener(operands, format_, env, "unix" if unix else "tcp")


class Running(contextlib.nullcontext):
    """A server that somebody else started."""

    def __init__(self, name):
        super().__init__(self)
        host, colon, port = name.rpartition(":")
        self.address = (host, int(port)) if colon else name
        self.host = name if colon else "localhost"

    def connect(self):
        return rawclient.connect(self.address)


def tasks(options, target):
    """(name, function) for each line to print."""
    slack = 20 if options.one_byte else 1
    cases = autobahn_cases.table()
    chosen = [name for name in cases
              if fnmatch.fnmatchcase(name, options.cases)]
    if not options.splits:
        return [(name, lambda make=cases[name]: run_case(target, make, slack))
                for name in chosen]
    rows = [("handshake", cases[CUT_CASE], in_handshake)]
    rows += [(name, cases[name], in_frames) for name in chosen
             if not is_long(name)]
    return [(name, lambda row=row: run_splits(target, *row, slack))
            for name, *row in rows]


def run(options, tap):
    """Run all tasks, print them in order; returns the names printed."""
    printed = []
    with start(options) as target, \
            concurrent.futures.ThreadPoolExecutor(options.jobs) as pool:
        if options.one_byte and getattr(target, "process", None):
            tap.ok(has_shim(target.process) and reads_bytes(target),
                   "the server's reads are cut")
        work = tasks(options, target)
        results = [(name, pool.submit(task)) for name, task in work]
        for name, result in results:
            verdict, why = result.result()
            good = verdict in (OK, INFORMATIONAL)
            note = "" if verdict == OK and not options.splits else " " + why
            tap.ok(good, "%s %s%s" % (name, verdict, note))
            printed.append(name)
    return printed


def check_complete(options, tap, printed):
    """A run of all cases has printed exactly the table's ids."""
    wanted = list(autobahn_cases.table())
    if options.splits:
        wanted = ["handshake"] + [name for name in wanted if not is_long(name)]
    tap.ok(printed == wanted, "all %d ids of the table" % len(wanted))


def parse():
    parser = argparse.ArgumentParser(
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--server", default="echo",
                        choices=("echo", "netstring", "handler"))
    parser.add_argument("--unix", action="store_true",
                        help="connect by a Unix socket")
    parser.add_argument("--splits", action="store_true")
    parser.add_argument("--one-byte", action="store_true")
    parser.add_argument("--cases", default="*", metavar="GLOB")
    parser.add_argument("--jobs", type=int, default=4, metavar="N")
    parser.add_argument("--address", metavar="HOST:PORT|PATH",
                        help="test a server that runs already")
    return parser.parse_args()


def main():
    options, tap = parse(), Tap()
    try:
        with server.same_descriptors():
            printed = run(options, tap)
    except (server.LeftBehind, RuntimeError, OSError) as error:
        tap.ok(False, "the server starts and leaves nothing behind", error)
        tap.finish()
    if options.cases == "*":
        check_complete(options, tap, printed)
    tap.finish()


if __name__ == "__main__":
    main()
