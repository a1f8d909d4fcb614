"""What the report says between its tables."""

INTRODUCTION = """# What ws-cgi costs

Every figure here was measured by `make bench`, which wrote this page, on
%(when)s. What counts is the CPU that a server uses, user and system time of
all its processes, those that have ended among them: who else is busy makes
less of a difference to it than to times and rates.

A *limit* is the least program that moves the same bytes by the same calls, a
process for each connection, without WebSocket: `tests/bench/bare.c`,
`relay.c`, `super.c` with `least.c`. A proxy stands before the bare echo, whose
use counts as its own. Figures are medians of up to %(rounds)d rounds, with the
least and the most in brackets; ratios are of runs of the same round. *ws-cgi*
is what `make` builds, *ws-cgi, static* what `make static` does; both are
compared with the limit that `make` builds. All are started without LANG
and LC_*: programs would read files for them, and not all servers hand them on.

%(machine)s

%(servers)s

![Server CPU as a multiple of the limit, for each kind of work](report.svg)
"""

WORDS = {
    "echo": "`echo:`, beside servers that send each message back "
    "themselves.",
    "cat": "A message is a line to `cat`, and its line is a message. What "
    "`cat` uses is counted, for the limit as for all.",
    "large": "The generator compares every byte. The last column is for 10^6 "
    "bytes of payload, each of which comes and goes.",
    "stream": "`yes` writes lines as fast as it is let; `sink`, of this bench, "
    "counts lines and says their number at the end.",
    "connect": "For each connection: the handshake, a message of 64 bytes, "
    "its echo and the Closes; the limit has no handshake, except the least "
    "WebSocket program, which is the limit of what a super-server starts. "
    "There, the first three are started by `super.c`, a bare inetd of 30 "
    "lines. ws-cgi writes its log to a file; the peers are told to write "
    "none. The wait is for the handshake.",
    "stall": "One connection keeps as much outstanding: who waits until one "
    "side makes room, while the other waits for him, stalls for good. The "
    "generator gives up after 4 s without a byte.",
    "grow": "CPU for a message of 64 bytes, one outstanding, in µs. Where the "
    "cost grows linearly, a row stays the same once both cores are busy.",
    "idle": "KiB for each connection, from `/proc/meminfo`: what the system "
    "uses more when the connections stand, and after each has said 64 bytes "
    "and heard them. Both ends' sockets are in it (about 9 KiB), and what the "
    "generator keeps. Every connection was answered.",
}

SCALE = """`make bench-100k`, as root, on %s: loads of 10,000 connections
each dial from eight loopback addresses, and the connections are spread over
listeners of 25,000, since each has two bounds (`--max`, `--max-source`). Each
connection is a process that serves `echo:`. There is no next load that would
leave less than 2 GiB. Pings are off, as loads that stand rest while others dial. When
all stand, every connection is spoken to and has to answer."""

BYTES = """Unmasking and the check that text is UTF-8, in GB/s of CPU time, as
`make bench-bytes` measures them."""

END = """## How it is measured

The generator, `tests/bench/load`, is one process with epoll(7). It numbers its
messages and compares every byte that comes back. Before and after the measured
time, which begins when all connections stand and have been in use for a
while, it reads from `/proc` what the server, with all that descend from it, has
used. What an item's servers do is done in turn, A B C A B C, each run with the
server started anew.

*one core* means that server and generator share one core, and neither runs on
another: no message waits for a core to wake up, which makes the figures steady.

The generator may not be what is measured: where it used %(busy)d %% of a core
or more, the row is marked †, and its figures do not count. Where both share one
core, the generator's part is of that core, too: the rest is what the server
had.

Calls are system calls for each message, in all processes of the server and its
program, counted by strace(1) in a run of their own.

`make bench-quick` measures the main items in two minutes; `make bench
ARGS="--items cat-1 --rounds 9"` one of them, and writes this page anew; `make
bench ARGS=--list` names them.
"""
