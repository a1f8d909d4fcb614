"""The work that is measured, a row each.  Adding work is adding a row.

An item is done by all servers of its shapes, in turn; servers.py says who they
are.  The first is the limit that the others are compared with.
"""

from dataclasses import dataclass

LINE = "%063d" % 0          # what a program pushes, without its newline
FLOOD = 500000              # lines into a program
MINE, STATIC = "ws-cgi", "ws-cgi, static"
INCUMBENT = "websocketd"


@dataclass(frozen=True)
class Bar:
    """What our figure may come to: in KiB, or a ratio to another server's."""
    ours: str
    most: float
    of: str = None          # the server, "" for the limit, None for KiB


@dataclass(frozen=True)
class Item:
    name: str               # on the command line and in the results
    section: str            # of the report
    title: str
    shapes: tuple
    mode: str               # of the load, and its options
    options: tuple = ()
    pinned: bool = False    # server and load on one core
    bars: tuple = ()
    why: str = None         # reasons.py: what a peer may do better here
    peers: bool = True
    rounds: int = 5
    quick: bool = False     # part of the quick bench
    chart: bool = False     # a row of the chart
    calls: bool = False     # system calls are counted, too

    def option(self, letter, default):
        """The number after this option."""
        options = dict(zip(self.options[::2], self.options[1::2]))
        return int(options.get(letter, default))


def both(most, of=""):
    """The same bar for both builds."""
    return Bar(MINE, most, of), Bar(STATIC, most, of)


SECTIONS = {
    "echo": "Echo of 64 bytes",
    "cat": "Echo of 64 bytes by a program, cat",
    "large": "Large messages",
    "stream": "A program that only speaks, or only listens",
    "connect": "Connections: handshake, one echo, Close",
    "stall": "Both directions full",
    "grow": "From 1 to 2,000 connections",
    "idle": "Memory of an idle connection",
}

SMALL = [
    Item("echo-1", "echo", "one connection, one outstanding, one core",
         ("echo", "unix"), "echo", pinned=True, calls=True, why="wait",
         bars=(*both(1.10), Bar(MINE + ", Unix socket", 0.75, MINE),
               Bar(STATIC + ", Unix socket", 0.75, STATIC)),
         quick=True, chart=True),
    Item("echo-50", "echo", "50 connections, one outstanding", ("echo",),
         "echo", ("-c", "50"), bars=both(1.15), why="switch", quick=True,
         chart=True),
    Item("echo-50x16", "echo", "50 connections, 16 outstanding", ("echo",),
         "echo", ("-c", "50", "-w", "16"), bars=both(1.3), why="batch",
         quick=True, chart=True),
    Item("cat-1", "cat", "one connection, one outstanding, one core",
         ("cat",), "echo", pinned=True, calls=True, why="program",
         bars=both(1.15) + both(0.65, INCUMBENT), quick=True, chart=True),
    Item("cat-50", "cat", "50 connections, one outstanding", ("cat",),
         "echo", ("-c", "50"), why="program", chart=True),
    Item("cat-50x16", "cat", "50 connections, 16 outstanding", ("cat",),
         "echo", ("-c", "50", "-w", "16"), why="program",
         bars=both(1.3) + both(0.25, INCUMBENT), quick=True, chart=True),
]

LARGE = [
    Item("echo-64k", "large", "64 KiB, 4 connections, 4 outstanding",
         ("echo",), "echo", ("-c", "4", "-w", "4", "-s", "65536"),
         bars=both(1.5), why="copy", quick=True, chart=True),
    Item("echo-64k-w1", "large", "64 KiB, 4 connections, one outstanding",
         ("echo",), "echo", ("-c", "4", "-w", "1", "-s", "65536"),
         why="copy", peers=False),
    Item("echo-64k-w16", "large", "64 KiB, 4 connections, 16 outstanding",
         ("echo",), "echo", ("-c", "4", "-w", "16", "-s", "65536"),
         why="copy", peers=False),
    Item("echo-1m", "large", "1 MiB, 2 connections, 2 outstanding",
         ("echo",), "echo", ("-c", "2", "-w", "2", "-s", "1048576"),
         bars=both(1.2), why="copy", chart=True),
    Item("cat-64k", "large", "64 KiB by cat, 4 connections, 4 outstanding",
         ("cat",), "echo", ("-c", "4", "-w", "4", "-s", "65536"),
         bars=both(1.3), why="program", quick=True, chart=True),
    Item("cat-64k-w1", "large", "64 KiB by cat, 4 connections, one "
         "outstanding", ("cat",), "echo",
         ("-c", "4", "-w", "1", "-s", "65536"), why="program"),
    Item("cat-1m", "large", "1 MiB by cat, 2 connections, 2 outstanding",
         ("cat",), "echo", ("-c", "2", "-w", "2", "-s", "1048576"),
         bars=both(1.3), why="program", chart=True),
]

STREAMS = [
    Item("lines", "stream", "lines of 63 bytes, pushed by yes", ("lines",),
         "push", ("-x", LINE), bars=both(0.05, INCUMBENT), why="program",
         quick=True, chart=True),
    Item("flood", "stream", "a flood of 64-byte messages into a program",
         ("sink",), "flood", ("-n", str(FLOOD), "-s", "64"),
         bars=both(0.05, INCUMBENT), why="program", chart=True),
]

CONNECTIONS = [
    Item("connect-1", "connect", "a listener, one at a time", ("echo",),
         "connect", why="start"),
    Item("connect-50", "connect", "a listener, 50 at a time", ("echo",),
         "connect", ("-c", "50"), why="start", rounds=11, quick=True,
         chart=True, bars=(Bar(MINE, 1.6, ""), Bar(STATIC, 1.1, ""))),
    Item("bridge-1", "connect", "a listener that starts cat, one at a time",
         ("cat",), "connect", why="program"),
    Item("bridge-50", "connect", "a listener that starts cat, 50 at a time",
         ("cat",), "connect", ("-c", "50"), why="program", rounds=9,
         bars=both(0.9, INCUMBENT), quick=True, chart=True),
    Item("start-50", "connect", "started for each connection, 50 at a time",
         ("inetd", "cgi"), "connect", ("-c", "50"), rounds=9, quick=True,
         chart=True, bars=(Bar(STATIC, 1.25, ""),)),
]

STALLS = [
    Item("stall-%s-%s" % (shape, name), "stall", "%s, %s" % (shape, title),
         (shape,), "echo", ("-w", str(window), "-s", str(size)), rounds=1)
    for shape in ("echo", "cat")
    for name, title, window, size in (("64k", "4 x 64 KiB", 4, 65536),
                                      ("1m", "2 x 1 MiB", 2, 1048576))]

GROWTH = [
    Item("grow-%d" % n, "grow", "%s" % format(n, ","), ("echo", "cat"),
         "echo", ("-c", str(n)), peers=n in (1, 100, 1000), rounds=2)
    for n in (1, 10, 100, 1000, 2000)]

IDLE = [
    Item("idle-1000", "idle", "1,000 connections", ("echo", "copy", "cat"),
         "idle", ("-c", "1000"), why="memory", rounds=1),
    Item("idle-5000", "idle", "5,000 connections", ("echo", "copy"), "idle",
         ("-c", "5000"), why="memory", rounds=2, chart=True,
         bars=(Bar(MINE, 150), Bar(STATIC, 115),
               Bar(STATIC + " + a static program", 200))),
    Item("idle-10000", "idle", "10,000 connections", ("echo",), "idle",
         ("-c", "10000"), peers=False, rounds=1),
]

ITEMS = [*SMALL, *LARGE, *STREAMS, *CONNECTIONS, *STALLS, *GROWTH, *IDLE]
