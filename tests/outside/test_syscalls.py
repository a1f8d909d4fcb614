"""System calls of a worker for each echoed message, counted by strace: 2 for
echo:, at most 6 of its own through cat, however many messages come at once; and
of the process that speaks TLS for it.

And no deadlock when both sides are full: the client writes all it has before
it reads anything.
"""

import re
import signal
import subprocess

import rawclient
import tls
from rawclient import TEXT, frame
from server import Listener, same_descriptors
from tap import Tap
from ws_test import eventually, opened, until_end, worker

MESSAGES = 200
BATCHES, BATCH = 50, 16
STRAY = 4       # calls that the beginning and the end of counting may add


class Strace:
    """The system calls of one process, while it is entered."""

    def __init__(self, pid, path):
        self.path = path
        self.process = subprocess.Popen(
            ["strace", "-qq", "-o", path, "-p", str(pid)],
            stderr=subprocess.PIPE)
        self.pid = pid

    def __enter__(self):
        attached = re.compile(r"TracerPid:\t[1-9]")
        eventually(lambda: attached.search(self._status()))
        return self

    def _status(self):
        with open("/proc/%d/status" % self.pid) as f:
            return f.read()

    def __exit__(self, *_):
        self.process.send_signal(signal.SIGINT)
        self.process.communicate()

    def calls(self):
        """The names of the calls that it saw, in their order."""
        with open(self.path) as f:
            return re.findall(r"^(\w+)\(", f.read(), re.M)


def counted(operands, play, options=()):
    """The calls that a worker makes while the client plays."""
    with Listener(operands, options) as server:
        with opened(server) as connection:
            connection.send(frame(TEXT, b"warm"))
            connection.event()
            pid = worker(server)
            with Strace(pid, server.path("strace")) as strace:
                play(connection)
            connection.send(rawclient.close(1000))
            until_end(connection)
        return strace.calls()


def one_by_one(connection):
    for number in range(MESSAGES):
        text = b"message %d" % number
        connection.send(frame(TEXT, text))
        if connection.event() != ("text", text):
            raise AssertionError("message %d did not come back" % number)


def batches(connection):
    for _ in range(BATCHES):
        connection.send(frame(TEXT, b"small") * BATCH)
        for _ in range(BATCH):
            if connection.event() != ("text", b"small"):
                raise AssertionError("a message did not come back")


LIMITS = ["--session", "3600", "--idle", "25", "--message-rate", "100000",
          "--byte-rate", "1G", "--max-frame", "1M"]
ROWS = [        # name, bridge, options, how many rounds, play, most calls
    ("echo:, a message at a time", ["echo:"], [], MESSAGES, one_by_one, 2),
    ("cat, a message at a time", ["cat"], [], MESSAGES, one_by_one, 6),
    ("cat in raw, a message at a time", ["cat"],
     ["--format", "raw", "--text"], MESSAGES, one_by_one, 6),
    ("echo:, 16 at a time", ["echo:"], [], BATCHES, batches, 2),
    ("cat, 16 at a time", ["cat"], [], BATCHES, batches, 6),
    ("echo: with all limits", ["echo:"], LIMITS, MESSAGES, one_by_one, 2),
    ("cat with all limits", ["cat"], LIMITS, MESSAGES, one_by_one, 6),
]


def test_counts(tap):
    for name, operands, options, rounds, play, most in ROWS:
        calls = counted(operands, play, options)
        sums = {call: calls.count(call) for call in sorted(set(calls))}
        tap.ok(2 * rounds <= len(calls) <= most * rounds + STRAY,
               "%s: %.2f system calls, at most %d"
               % (name, len(calls) / rounds, most), sums)
        tap.ok(sums.get("sendto", 0) == rounds,
               name + ": all that one read brings leaves in one write", sums)


# A poll, a read and a write each way; one write more for a second record.
TLS_ROWS = [("short messages", 64, 6), ("messages of two records", 16384, 8)]


def counted_tls(ca, size):
    """The calls of a tunnel while messages of that size are echoed."""
    with tls.TlsListener(["echo:"], ca.issue("localhost")) as server:
        with tls.opened(server, ca) as connection:
            connection.send(frame(TEXT, b"warm"))
            connection.event()
            with Strace(tls.tunnels(server)[0],
                        server.path("strace")) as strace:
                for number in range(MESSAGES):
                    text = b"%0*d" % (size, number)
                    connection.send(frame(TEXT, text))
                    if connection.event() != ("text", text):
                        raise AssertionError("it did not come back")
            connection.send(rawclient.close(1000))
            until_end(connection)
        return strace.calls()


def test_tls(tap):
    with tls.Authority() as ca:
        for name, size, most in TLS_ROWS:
            calls = counted_tls(ca, size)
            sums = {call: calls.count(call) for call in sorted(set(calls))}
            tap.ok(4 * MESSAGES <= len(calls) <= most * MESSAGES + STRAY,
                   "TLS, %s: %.2f system calls, at most %d"
                   % (name, len(calls) / MESSAGES, most), sums)


OUTSTANDING = [(4, 65536), (2, 1 << 20)]


def test_both_full(tap):
    """Plain blocking writes, and no read before the last of them."""
    for operands, options in [
            (["cat"], []), (["cat"], ["--format", "raw", "--text"]),
            (["echo:"], [])]:
        for count, size in OUTSTANDING:
            with Listener(operands, options) as server, \
                    opened(server) as connection:
                name = "%s: %d x %d bytes" % (
                    " ".join([*options, *operands]), count, size)
                sent = frame(TEXT, b"a" * size) * count
                connection.sock.settimeout(30)
                try:
                    connection.sock.sendall(sent)
                except TimeoutError:
                    tap.ok(False, name + " outstanding stall")
                    continue
                connection.sock.setblocking(False)
                got = 0
                while got < count * size and (event := connection.event(30)):
                    got += len(event[1])
                tap.ok(got == count * size,
                       name + " outstanding come back", got)


def main():
    tap = Tap()
    with same_descriptors():
        test_counts(tap)
        test_tls(tap)
        test_both_full(tap)
    tap.finish()


if __name__ == "__main__":
    main()
