"""Attacks on what there is a limited amount of, section D: time, places,
memory, processors, descriptors, processes.  Who takes much is turned away, and
others are served.
"""

import contextlib
import os
import re
import resource
import socket
import subprocess
import sys
import time

import attack
import rawclient
import test_faults
import test_listener
import test_memory
from attack import IS_ROOT, Once, unlimited
from rawclient import PING, TEXT, Connection, close, frame
from server import Listener, binary
from test_listener import busy, end, exchange, left_out, no_descriptors
from test_memory import KEY, Peak, mib, private
from ws_test import (PATIENCE, Meanwhile, eventually, opened, parse_response,
                     send_until_stuck, until_end, worker, workers)

MEBIBYTE = 1 << 20
DEFAULT = ("--max-source", "64")        # what a listener has by itself


def address(net, number):
    """One of many addresses of this machine."""
    return "127.%d.%d.%d" % (net, number // 250, number % 250 + 1)


def dialled(server, source):
    """A socket from there that does not wait for anything."""
    sock = socket.socket()
    sock.setblocking(False)
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    sock.bind((source, 0))
    with contextlib.suppress(BlockingIOError):
        sock.connect(server.address)
    return sock


def tell(sock, data):
    with contextlib.suppress(OSError):
        sock.send(data)


# D1: slow handshakes.

SLOW = 10_000
BEGINNING = b"GET / HTTP/1.1\r\nHost: a\r\nX: "


class Crowd(Meanwhile):
    """Clients that begin a handshake, go on with a byte now and then, and
    never end it."""

    def __init__(self, server, sources):
        super().__init__()
        self.server, self.sources = server, sources
        self.socks = []

    def __exit__(self, *_):
        super().__exit__()
        for sock in self.socks:
            sock.close()

    def _run(self):
        begun = 0
        for source in self.sources:
            self.socks.append(dialled(self.server, source))
            if len(self.socks) % 50 == 0:
                time.sleep(0.005)       # meanwhile they are connected
                self._tell(self.socks[begun:], BEGINNING)
                begun = len(self.socks)
        while not self.over.wait(0.2):
            self._tell(self.socks[::7], b"x")

    @staticmethod
    def _tell(socks, data):
        for sock in socks:
            tell(sock, data)


def honest(server, source):
    """Seconds until a client from there has been echoed, or None."""
    began = time.monotonic()
    try:
        with Connection(socket.create_connection(
                server.address, PATIENCE, (source, 0))) as connection:
            connection.handshake(server.host)
            if not exchange(connection, b"hello"):
                return None
            end(connection)
    except (OSError, rawclient.Violation):
        return None
    return time.monotonic() - began


def few_sources(row):
    """A thousand from each of ten addresses: others get in at once."""
    sources = [address(1, number % 10) for number in range(SLOW)]
    with Listener(["echo:"], DEFAULT) as server:
        with Crowd(server, sources) as crowd:
            eventually(lambda: len(workers(server)) >= 600)
            took = [honest(server, address(2, number))
                    for number in range(300)]
            eventually(lambda: len(crowd.socks) == SLOW)
            took += [honest(server, address(2, number))
                     for number in range(300)]
            many = len(workers(server))
            row.ok(len(crowd.socks) == SLOW and many <= 660,
                   "%d slow handshakes hold %d places" % (SLOW, many))
        row.ok(None not in took and max(took) < 2,
               "600 honest clients get in meanwhile", took.count(None))
        row.ok(eventually(lambda: not workers(server)),
               "and nothing stays of it", len(workers(server)))
    row.tried("%d slow handshakes from 10 addresses, 600 honest clients, the "
              "slowest after %.0f ms", SLOW,
              1000 * max([t for t in took if t] or [9]))


def many_sources(row):
    """From as many addresses: no more than --max at a time, and places again
    when their time is over."""
    sources = [address(3, number) for number in range(SLOW)]
    with Listener(["echo:"], [*DEFAULT, "--handshake-timeout", "2"]) as server:
        with Crowd(server, sources) as crowd:
            eventually(lambda: len(crowd.socks) == SLOW)
            last = time.monotonic()
            row.ok(len(workers(server)) <= 1024, "1,024 places at most",
                   len(workers(server)))
            while honest(server, address(2, 0)) is None \
                    and time.monotonic() - last < PATIENCE:
                time.sleep(0.05)
            took = time.monotonic() - last
        row.ok(took < 4, "an honest client that tries again gets in after "
               "%.1f s" % took)
        row.ok(eventually(lambda: not workers(server), 10), "and nothing "
               "stays of it", len(workers(server)))
    row.tried("%d from as many addresses, an honest one gets in %.1f s after "
              "the last, with 2 s for a handshake", SLOW, took)


LATE = [        # what comes before the handshake, options
    ("nothing", [], b""),
    ("a PROXY header", ["--proxy-protocol"],
     b"PROXY TCP4 192.0.2.1 192.0.2.2 1 2\r\n")]


def one_deadline(row):
    """Progress does not put it off."""
    for name, options, first in LATE:
        with Listener(["echo:"], [*options, "--handshake-timeout", "1"]) \
                as server, Connection(server.connect()) as connection:
            began = time.monotonic()
            data = first + rawclient.request(server.host, "/" + "x" * 5000)
            for at in range(len(data)):
                connection.send(data[at:at + 1])
                if connection.fill_until(lambda: connection.buffer,
                                         0.9 / max(1, len(first))
                                         if at < len(first) else 0.01):
                    break
            connection.rest(PATIENCE)
            took = time.monotonic() - began
            row.ok(0.9 < took < 4, "%s, then a byte now and then: over "
                   "after %.2f s of 1 s" % (name, took))
    row.tried("a byte now and then")


def handshakes_have_a_deadline(row):
    if resource.getrlimit(resource.RLIMIT_NOFILE)[0] < SLOW + 1000:
        row.skipped("%d clients need as many descriptors" % SLOW)
    else:
        few_sources(row)
        many_sources(row)
    one_deadline(row)


# D2: clients that never read.

UNREAD = 1000


def unread(server):
    """A connection whose client takes next to nothing."""
    sock = socket.socket()
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    sock.connect(server.address)
    connection = Connection(sock)
    connection.send(rawclient.request(server.host))
    return connection


def memory_of_all(server):
    total = 0
    for pid in workers(server):
        with contextlib.suppress(OSError):
            total += private(pid)
    return total


def never_reading(row, operands, count, each):
    with Listener(operands, ["--max-source", str(count), "--max", str(count),
                             "--grace", "0.01"]) as server:
        with contextlib.ExitStack() as stack:
            for _ in range(count):
                stack.enter_context(unread(server))
            row.ok(eventually(lambda: len(workers(server)) == count),
                   "%s: %d clients that read nothing" % (operands[0], count))
            time.sleep(2)
            early = memory_of_all(server)
            time.sleep(4)
            late = memory_of_all(server)
        row.ok(late - early < count * 1024 and late < count * each,
               "%s: %d of them hold %s, 4 s later %s" % (
                   operands[0], count, mib(early), mib(late)))
        eventually(lambda: not workers(server), 60)
    return late / count / 1024


def unread_is_not_queued(row):
    kib = never_reading(row, ["chargen:"], UNREAD, 256 * 1024)
    row.tried("%d clients that never read, %.0f KiB each", UNREAD, kib)
    kib = never_reading(row, ["yes"], 100, 512 * 1024)
    row.tried("100 with a program that writes, %.0f KiB each", kib)
    test_memory.test_client_never_reads(row)
    full_both_ways(row)


def full_both_ways(row):
    """Client and program write and read nothing; then both read."""
    message = frame(TEXT, b"a" * 65536, key=KEY)
    with Listener(["sh", "-c", "yes & sleep 3; cat >/dev/null; wait"]) \
            as server, opened(server) as connection:
        pid = worker(server)
        before = private(pid)
        sent = send_until_stuck(connection, message, 10_000)
        row.ok(sent < 10_000 and private(pid) - before < MEBIBYTE,
               "both sides are full: %s are held" % mib(private(pid) - before))
        time.sleep(2)
        row.ok(connection.event(PATIENCE) == ("text", b"y"),
               "and go on when both read")
    row.tried("both sides full at once")


# D3: Pings.

PINGS = 1_000_000


def pings(row, operands, address_, reading):
    data = frame(PING, b"p" * (10 if reading else 125), key=KEY) * 1000
    with Listener(operands, unlimited("--ping-rate"), address=address_) \
            as server, opened(server) as connection:
        pid = worker(server)
        connection.send(data)
        time.sleep(0.1)
        before = private(pid)
        with Peak(pid) as peak:
            if reading:
                sent = 0
                while sent < PINGS // 1000 and connection.send(data):
                    sent += 1
                    del connection.buffer[:]
            else:
                sent = send_until_stuck(connection, data, PINGS // 1000)
        row.ok(peak.most - before < MEBIBYTE / 4
               and (sent == PINGS // 1000 or not reading),
               "%s, %s, %d Pings: %s more" % (
                   operands[0], "Pongs read" if reading else "none read",
                   sent * 1000, mib(peak.most - before)))
        return sent * 1000


def pings_cost_nothing(row):
    for operands in (["echo:"], ["cat"]):
        read = pings(row, operands, "tcp", True)
        kept = pings(row, operands, "unix", False)
        row.tried("%s %d Pings with their Pongs read, %d without",
                  "to a program" if operands[0] == "cat" else "echo:",
                  read, kept)
    test_memory.test_ping_flood(row)


# D4: no end.

def stall(connection):
    """It says nothing more."""
    return connection.event(PATIENCE)


def chatter(connection):
    """It goes on, as if there had been no Close."""
    while connection.ended is None and not connection.broken:
        connection.send(frame(TEXT, b"chatter"))
        connection.fill_until(lambda: False, 0.02)


STALLS = [      # name, options and operands, what is sent, least, most s, exit
    ("a Close, and its stream stays open", ["cat"], close(1000), 0, 2, 0),
    ("no Close in answer to one", ["true"], b"", 2.5, 5.5, 0),
    ("a breach, and nothing more", ["cat"], frame(TEXT, masked=False), 0,
     5.5, 1)]


def closes_end(row):
    for name, command, data, least, most, status in STALLS:
        for act in (stall, chatter):
            with Once([binary(), *command]) as server, \
                    Connection(server.sock) as connection:
                connection.handshake("localhost")
                connection.send(data)
                connection.fill_until(lambda: connection.buffer, PATIENCE)
                began = time.monotonic()
                act(connection)
                got = server.wait()
                took = time.monotonic() - began
            row.ok(least <= took + 0.1 and took < most and got == status,
                   "%s, %s: over after %.1f s, exit status %d"
                   % (name, act.__name__, took, got))
    row.tried("%d ways not to end, silent and with traffic that goes on",
              len(STALLS))


# D5: descriptors.

def limits_cost_no_time(row):
    test_listener.test_short(row)
    with Listener(["echo:"], DEFAULT) as server:
        with contextlib.ExitStack() as stack:
            with no_descriptors(server):
                for number in range(100):
                    stack.enter_context(contextlib.closing(
                        dialled(server, address(1, number))))
                part = busy(server, 2)
                waiting = Connection(socket.create_connection(
                    server.address, PATIENCE, (address(2, 0), 0)))
                waiting.send(rawclient.request(server.host))
                time.sleep(0.2)
                waiting.sock.close()
            took = test_listener.served_after(server)
        row.ok(part < 0.01, "100 wait where there is no descriptor: %.2f %% "
               "of a processor" % (100 * part))
        row.ok(took < 1, "and %.0f ms after there is one, service"
               % (1000 * took))
    row.tried("no descriptor, EMFILE, ENFILE, ENOBUFS, ENOMEM, no process: "
              "at most %.2f %% of a processor, service again after %.0f ms",
              100 * part, 1000 * took)


# D6: floods.

def floods_are_shed(row):
    for test in (test_listener.test_max, test_listener.test_max_source,
                 test_listener.test_flood, test_listener.test_unread):
        test(row)
    resets(row)
    row.tried("a flood of connections from one address, which others do not "
              "notice, and of resets")
    for option, data, code in RATES:
        with Listener(["discard:"], [option, "1"]) as server, \
                opened(server) as connection:
            connection.send(data)
            events = until_end(connection)
            row.ok(("close", code) in [event[:2] for event in events],
                   "%s 1: ends with %d" % (option, code), events[-2:])
    rate_of_source(row)


RATES = [       # option, what is sent, the code
    ("--ping-rate", frame(PING) * 5000, 1008),
    ("--message-rate", frame(TEXT, b"a") * 5000, 1008),
    ("--byte-rate", frame(TEXT, b"a" * 5000), 1008),
    ("--session", frame(TEXT, b"a"), 1008), ("--idle", b"", 1001)]


def resets(row):
    """Connections that are reset at once, by the thousand."""
    with Listener(["echo:"], DEFAULT) as server:
        for number in range(3000):
            with contextlib.suppress(OSError):
                with socket.create_connection(server.address, PATIENCE,
                                              (address(1, 0), 0)) as sock:
                    sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER,
                                    b"\1\0\0\0\0\0\0\0")
        row.ok(honest(server, address(2, 0)) is not None,
               "3,000 connections that are reset at once: others are served")
        row.ok(eventually(lambda: not workers(server), 15),
               "and nothing stays of them")


def rate_of_source(row):
    """From one address so many a second, and ten times as many at once."""
    with Listener(["echo:"], [*DEFAULT, "--source-rate", "2"]) as server:
        took = [honest(server, address(1, 0)) for _ in range(100)]
        row.ok(0 < took.count(None) < 100, "--source-rate 2: of 100 from "
               "one address some are turned away", took.count(None))
        others = [honest(server, address(2, number)) for number in range(50)]
        row.ok(None not in others, "--source-rate 2: others are served",
               others.count(None))


# D7: no process.

def no_fork_is_no_end(row):
    test_listener.test_relief_by_child(row)
    if not IS_ROOT:
        row.skipped("RLIMIT_NPROC for a user of its own needs root")
        return
    with Unforking(["echo:"], ["--user", "nobody"]) as server:
        answers = [refused(server) for _ in range(50)]
        part = busy(server)
        refused(server)
        lines = [line for line in server.log()
                 if "temporarily unavailable" in line]
        row.ok(answers == [503] * 50, "RLIMIT_NPROC: 50 get a 503", answers)
        row.ok(1 <= len(lines) <= 4 and left_out(lines) >= 51,
               "which is a line a second at most", lines)
        row.ok(part < 0.01, "and costs no time", part)
    row.tried("fork that fails with EAGAIN, and 50 clients where RLIMIT_NPROC "
              "lets the listener's user have no process")


class Unforking(Listener):
    """A listener whose user may have no more processes."""

    def start(self, argv, env=None, stdout=None):
        super().start(["prlimit", "--nproc=0", "--", *argv], env, stdout)


def refused(server):
    with Connection(server.connect()) as connection:
        connection.send(rawclient.request(server.host))
        return parse_response(connection.rest(PATIENCE)).status


# D8: memory.

def limit_of(pid, name):
    """A soft limit of a process, in bytes, or None."""
    with open("/proc/%d/limits" % pid) as f:
        found = re.search(r"%s\s+(\S+)" % name, f.read())
    return None if found[1] == "unlimited" else int(found[1])


def no_memory_is_1011(row):
    test_faults.test_address_space(row)
    row.tried("workers with 0 to 4 MiB of address space to spare, at each "
              "doubling")
    with Listener(["cat"]) as server, opened(server):
        pid = worker(server)
        limits = [limit_of(pid, "Max address space"),
                  limit_of(pid, "Max data size")]
    row.ok(any(limits), "a worker's memory is bounded by RLIMIT_AS or "
           "RLIMIT_DATA", limits)


# D9: peers that are gone.

def dead_peers_go(row):
    unshare = ["unshare", "-n"] if IS_ROOT else ["unshare", "-rn"]
    if subprocess.run([*unshare, "true"], capture_output=True).returncode:
        row.skipped("a network of its own needs root, or user namespaces")
        return
    here = os.path.dirname(os.path.abspath(__file__))
    ran = subprocess.run([*unshare, sys.executable,
                          os.path.join(here, "dead_peer.py")],
                         capture_output=True, text=True, timeout=120)
    kinds = [line.split(" ", 1) for line in ran.stdout.splitlines()]
    row.ok(ran.returncode == 0 and len(kinds) == 7, "a network that loses "
           "all", ran.stdout + ran.stderr)
    for took, name in kinds:
        row.ok(float(took) < 6, "a peer that is gone %s: seen after %s s"
               % (name, took))
    row.tried("%d kinds of client whose every packet is lost, with 1 s to a "
              "Ping and 1 s to its Pong: gone after %s s at most", len(kinds),
              max([float(took) for took, _ in kinds] or [99]))


ATTACKS = [
    ("D1", "a handshake has one deadline, and who is slow keeps nobody out",
     handshakes_have_a_deadline),
    ("D2", "nothing queues for a client that does not read",
     unread_is_not_queued),
    ("D3", "a Ping costs no memory, and one Pong at most waits",
     pings_cost_nothing),
    ("D4", "a Close ends in a few seconds, whatever still comes",
     closes_end),
    ("D5", "without descriptors the listener waits, and does not spin",
     limits_cost_no_time),
    ("D6", "a flood is shed by its source, and the others are served",
     floods_are_shed),
    ("D7", "where no process can be had the answer is 503, and the listener "
     "stays", no_fork_is_no_end),
    ("D8", "where no memory can be had the connection ends with 1011",
     no_memory_is_1011),
    ("D9", "a peer that is gone without a word is found", dead_peers_go),
]

if __name__ == "__main__":
    attack.main(ATTACKS)
