"""What confinement costs a connection: the same build with it, and without.

    confinement.py [--connections N] [--rounds N]

A connection is a handshake, an echo and a Close, to a listener, one after the
other.  The cost is user and system time of the listener and its children, and
what a connection that is open holds of memory of its own.  Builds take turns;
what is printed is the median of the rounds, with the least and the most.
Nothing passes or fails.
"""

import argparse
import contextlib
import os
import statistics
import sys
import time

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, "..", "outside"))
import rawclient   # noqa: E402
from rawclient import TEXT, close, frame   # noqa: E402
from server import Listener   # noqa: E402
from ws_test import opened, worker   # noqa: E402

TICK = 1e6 / os.sysconf("SC_CLK_TCK")       # us
SETTLE = 0.2        # s for the last to be reaped

WAYS = [("confined", []), ("--no-sandbox", ["--no-sandbox"])]


def used(pid):
    """User and system time of a process and its children, in us."""
    with open("/proc/%d/stat" % pid) as f:
        fields = f.read().rsplit(")", 1)[1].split()
    return sum(map(int, fields[11:15])) * TICK


def private(pid):
    """KiB that are its own."""
    with open("/proc/%d/smaps_rollup" % pid) as f:
        return sum(int(line.split()[1]) for line in f
                   if line.startswith("Private_"))


def one(server):
    with contextlib.closing(server.connect()) as sock:
        sock.sendall(rawclient.request(server.host) + frame(TEXT, b"echo")
                     + close(1000))
        while sock.recv(65536):
            pass


def measure(operands, options, connections):
    """CPU time of a connection, in us, and its memory, in KiB."""
    with Listener(operands, options) as server:
        with opened(server) as connection:
            connection.send(frame(TEXT, b"echo"))
            connection.event()
            memory = private(worker(server))
        pid = server.process.pid
        time.sleep(SETTLE)
        before = used(pid)
        for _ in range(connections):
            one(server)
        time.sleep(SETTLE)
        return (used(pid) - before) / connections, memory


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--connections", type=int, default=500)
    parser.add_argument("--rounds", type=int, default=7)
    arguments = parser.parse_args()
    found = {}
    for _ in range(arguments.rounds):
        for operands in (["echo:"], ["cat"]):
            for name, options in WAYS:
                found.setdefault((operands[0], name), []).append(
                    measure(operands, options, arguments.connections))
    print("%-8s %-14s %26s %10s" % ("", "", "CPU, us a connection", "KiB"))
    for (operand, name), rows in found.items():
        cpu = [row[0] for row in rows]
        print("%-8s %-14s %8.0f (%.0f to %.0f) %17.0f" % (
            operand, name, statistics.median(cpu), min(cpu), max(cpu),
            statistics.median(row[1] for row in rows)))


if __name__ == "__main__":
    main()
