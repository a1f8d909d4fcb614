"""Private memory of a worker: it does not grow with the length of a message,
with a client that never reads, nor with a program that never reads.

What is measured is the sum of Private_Clean and Private_Dirty of the worker's
/proc/PID/smaps_rollup, sampled while it works; the first check proves that
this sees memory where it is used.
"""

import os
import re
import threading
import time

import rawclient
from rawclient import BINARY, CONTINUATION, PING, TEXT, frame
from server import Listener, same_descriptors
from tap import Tap
from ws_test import Meanwhile, opened, send_until_stuck, worker

MEBIBYTE = 1 << 20
GROWTH = MEBIBYTE           # what private memory may grow by
SHORT, LONG = 64 * MEBIBYTE, 4 << 30
STALL = 2                   # s for which a client reads nothing
PATIENCE = 240              # s for the longest message
PATTERN = os.urandom(MEBIBYTE)
KEY = b"\0\0\0\0"           # legal, and costs this client nothing
PINGS = 1000000


def private(pid):
    """Private memory in bytes."""
    with open("/proc/%d/smaps_rollup" % pid) as f:
        return sum(map(int, re.findall(
            r"^Private_(?:Clean|Dirty):\s+(\d+) kB", f.read(), re.M))) * 1024


class Peak(Meanwhile):
    """The most private memory that a process was seen to have."""

    def __init__(self, pid):
        super().__init__()
        self.pid = pid
        self.most = 0

    def _run(self):
        while True:
            self.most = max(self.most, private(self.pid))
            if self.over.wait(0.01):
                return


def mib(size):
    return "%.2f MiB" % (size / MEBIBYTE)


# A long message, there and back.

def head(opcode, size, fin):
    """A frame's head, with the key that changes nothing."""
    low, more = rawclient.length(size)
    return bytes([fin << 7 | opcode, 128 | low]) + more + KEY


def send_long(sock, size, fragment):
    """One binary message of size bytes in frames of fragment bytes."""
    for at in range(0, size, fragment):
        sock.sendall(head(CONTINUATION if at else BINARY, fragment,
                          at + fragment == size))
        for _ in range(0, fragment, MEBIBYTE):
            sock.sendall(PATTERN)


class Reader:
    """Counts the payload of the frames that come, and compares the beginning
    of each frame with what was sent."""

    def __init__(self, sock):
        self.sock = sock
        self.room = bytearray(MEBIBYTE)
        self.buffer = b""
        self.at = 0             # bytes of payload so far
        self.longest = 0        # frame
        self.wrong = 0          # frames with other bytes than were sent

    def _more(self, what):
        size = self.sock.recv_into(self.room)
        if not size:
            raise AssertionError("the stream ended in a frame's " + what)
        return bytes(memoryview(self.room)[:size])

    def _head(self):
        """The length of the next frame."""
        while len(self.buffer) < 2 or len(self.buffer) < self._head_size():
            self.buffer += self._more("head")
        size = self._head_size()
        first, low = self.buffer[0], self.buffer[1]
        length = low if size == 2 else int.from_bytes(
            self.buffer[2:size], "big")
        self.buffer = self.buffer[size:]
        if first & 0x7f not in (BINARY, CONTINUATION):
            raise AssertionError("a frame of another kind: %#x" % first)
        return length

    def _head_size(self):
        return {126: 4, 127: 10}.get(self.buffer[1], 2)

    def _compare(self, left):
        at = self.at % MEBIBYTE
        some = min(left, 64, len(self.buffer), MEBIBYTE - at)
        self.wrong += self.buffer[:some] != PATTERN[at:at + some]

    def read(self, size):
        """Read frames until so many more bytes of payload have come."""
        until = self.at + size
        while self.at < until:
            left = self._head()
            self.longest = max(self.longest, left)
            if left and not self.buffer:
                self.buffer = self._more("payload")
            self._compare(left)
            while left:
                if not self.buffer:
                    self.buffer = self._more("payload")
                some = min(left, len(self.buffer))
                self.buffer = self.buffer[some:]
                self.at += some
                left -= some


def there_and_back(connection, reader, size, fragment):
    """Send one message and read it; returns the seconds it took."""
    began = time.monotonic()
    thread = threading.Thread(
        target=send_long, args=(connection.sock, size, fragment))
    thread.start()
    try:
        reader.read(size)
    finally:
        connection.sock.settimeout(1)
        thread.join()
        connection.sock.settimeout(PATIENCE)
    return time.monotonic() - began


LONGS = [       # operands, options, fragment or None for a single frame
    (["echo:"], [], MEBIBYTE),
    (["echo:"], [], None),
    (["cat"], ["--format", "raw"], MEBIBYTE),
    (["cat"], ["--format", "raw"], None),
]


def test_long(tap):
    for operands, options, fragment in LONGS:
        name = "%s, %s" % (" ".join([*options, *operands]),
                           "fragments of 1 MiB" if fragment else "one frame")
        with Listener(operands, options) as server, \
                opened(server) as connection:
            connection.sock.settimeout(PATIENCE)
            reader = Reader(connection.sock)
            peaks = []
            for size in [SHORT, LONG]:
                with Peak(worker(server)) as peak:
                    took = there_and_back(connection, reader, size,
                                          fragment or size)
                peaks.append(peak.most)
        tap.ok(peaks[1] - peaks[0] < GROWTH,
               "%s: %s with 64 MiB, %s with 4 GiB, which took %.1f s"
               % (name, *map(mib, peaks), took))
        tap.ok(reader.at == SHORT + LONG and reader.wrong == 0
               and reader.longest <= 65536,
               name + ": all of it comes back, in frames of at most 64 KiB",
               (reader.at, reader.wrong, reader.longest))


def test_measure(tap):
    """A message that is held whole must be seen."""
    with Listener(["cat"]) as server, opened(server) as connection:
        connection.send(frame(TEXT, b"a"))
        connection.event()
        before = private(worker(server))
        with Peak(worker(server)) as peak:
            connection.send(frame(TEXT, b"a" * (8 * MEBIBYTE), key=KEY))
            event = connection.event(60)
        tap.ok(len(event[1]) == 8 * MEBIBYTE
               and peak.most - before > 7 * MEBIBYTE,
               "a line of 8 MiB is seen: %s, then %s"
               % (mib(before), mib(peak.most)))
        for number in range(40):    # for longer than memory is kept
            time.sleep(0.05)
            connection.send(frame(TEXT, b"%d" % number))
            connection.event()
        after = private(worker(server))
        tap.ok(after - before < GROWTH,
               "and its memory is given back: %s" % mib(after))


# Peers that do not read.

def test_client_never_reads(tap):
    for operands, options in [(["chargen:"], []), (["yes"], []),
                              (["yes"], ["--format", "raw", "--text"])]:
        name = " ".join([*options, *operands])
        with Listener(operands, options) as server, \
                opened(server) as connection:
            pid = worker(server)
            connection.event()
            with Peak(pid) as early:
                time.sleep(STALL / 2)
            with Peak(pid) as late:
                time.sleep(STALL)
            tap.ok(late.most - early.most < GROWTH
                   and late.most < 4 * MEBIBYTE,
                   "%s, and a client that never reads: %s, then %s"
                   % (name, mib(early.most), mib(late.most)))
            got = [connection.event()[0] for _ in range(20000)]
            tap.ok(set(got) == {"text"}, name + ": then it reads, and all is "
                   "as it should be")


def test_ping_flood(tap):
    """On a Unix socket, since TCP's buffers would hold most of the pongs."""
    ping = frame(PING, b"p" * 125, key=KEY)
    batch = 100
    for operands in [["echo:"], ["cat"]]:
        with Listener(operands, ["--ping-rate", "none"],
                      address="unix") as server, \
                opened(server) as connection:
            pid = worker(server)
            connection.send(ping)
            connection.event()
            before = private(pid)
            with Peak(pid) as peak:
                sent = send_until_stuck(connection, ping * batch,
                                        PINGS // batch)
            tap.ok(peak.most - before < GROWTH,
                   "%s: %d pings and no pong read: %s, then %s"
                   % (operands[0], sent * batch, mib(before),
                      mib(peak.most)))


def test_program_never_reads(tap):
    for options, size in [([], 65536), ([], MEBIBYTE),
                          (["--format", "raw"], MEBIBYTE),
                          (["--format", "netstring"], 65536)]:
        name = " ".join([*options, "messages of %d bytes" % size])
        message = frame(TEXT, b"a" * size, key=KEY)
        with Listener(["sleep", "600"], options) as server, \
                opened(server) as connection:
            pid = worker(server)
            connection.send(message)
            with Peak(pid) as early:
                time.sleep(0.5)
            with Peak(pid) as peak:
                sent = send_until_stuck(connection, message,
                                        SHORT // size)
            tap.ok(peak.most - early.most < GROWTH + size
                   and sent < SHORT // size,
                   "a program that never reads, %s: %s, and %s after %s"
                   % (name, mib(early.most), mib(peak.most),
                      mib(sent * size)))


def main():
    tap = Tap()
    with same_descriptors():
        test_measure(tap)
        test_client_never_reads(tap)
        test_ping_flood(tap)
        test_program_never_reads(tap)
        test_long(tap)
    tap.finish()


if __name__ == "__main__":
    main()
