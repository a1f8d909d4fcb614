"""What compression costs a connection: memory, by the settings that matter,
and CPU time, beside the bytes that it saves.

    deflate.py [--messages N]

Memory is what the connection's own process has written to, in KiB, by
/proc/PID/smaps_rollup: Private_Dirty, that is, since pages of the program itself
are shared with all other connections.  It is told before the first compressed
message, after a number of them, and when it has been quiet.  CPU time is the process's, user and system,
for a message echoed, by /proc/PID/schedstat; bytes are payload on the wire.
Messages are JSON of 4 KiB, each another, compressed by the client as well.
Nothing passes or fails.
"""

import argparse
import os
import random
import sys
import time

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, "..", "outside"))
from deflating import Deflating, P     # noqa: E402
from rawclient import TEXT, close, frame    # noqa: E402
from server import Listener     # noqa: E402
from ws_test import worker      # noqa: E402

SIZE = 4096
WARM = 20
QUIET = 2           # s, longer than a connection keeps memory for more
CHOICE = P + "; client_max_window_bits"
SETTINGS = [        # name, options, the client's offer
    ("no --compress", None, None),
    ("--compress", [], P),
    ("the same, the client takes a window", [], CHOICE),
    ("--no-context-takeover", ["--no-context-takeover"], CHOICE),
    ("--compress-window 9 --compress-memory 1",
     ["--compress-window", "9", "--compress-memory", "1"], CHOICE),
    ("--compress-window 15 --compress-memory 8",
     ["--compress-window", "15", "--compress-memory", "8"], P),
]


def messages(count, seed=1):
    """JSON such as programs write: names that recur, and numbers."""
    chance = random.Random(seed)
    row = '{"id":%d,"user":"user%d","price":%.2f,"open":%s,"at":"2025-%02d-%02d"}'
    for _ in range(count):
        rows = [row % (chance.randrange(10**6), chance.randrange(1000),
                       chance.random() * 1000, chance.choice(["true", "false"]),
                       chance.randrange(1, 13), chance.randrange(1, 29))
                for _ in range(SIZE // 60)]
        yield ("[%s]" % ",".join(rows)).encode()[:SIZE]


def private(pid):
    """KiB that the process has for itself."""
    with open("/proc/%d/smaps_rollup" % pid) as f:
        return next(int(line.split()[1]) for line in f
                    if line.startswith("Private_Dirty"))


def used(pid):
    """Seconds of CPU time."""
    with open("/proc/%d/schedstat" % pid) as f:
        return int(f.read().split()[0]) / 1e9


def echo(client, count, seed):
    """Messages there and back; returns the bytes that came."""
    came = 0
    for payload in messages(count, seed):
        if client.answer:
            client.say(TEXT, payload)
        else:
            client.send(frame(TEXT, payload))
        opcode, data, size = client.heard()
        if (opcode, data) != (TEXT, payload):
            raise RuntimeError("another message came back")
        came += len(data) if size is None else size
    return came


def measure(options, offer, count):
    """Three sizes of memory, seconds and bytes for a message."""
    argv = [] if options is None else ["--compress", *options]
    with Listener(["echo:"], argv) as server, \
            Deflating(server.connect(), server.host, offer) as client:
        pid = worker(server)
        sizes = [private(pid)]
        echo(client, WARM, 1)
        sizes.append(private(pid))
        time.sleep(QUIET)
        sizes.append(private(pid))
        echo(client, WARM, 2)
        before = used(pid)
        came = echo(client, count, 3)
        cost = used(pid) - before
        client.send(close(1000))
        client.event()
    return sizes, cost / count, came / count


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--messages", type=int, default=2000)
    args = parser.parse_args()
    print("messages of %d bytes; KiB of private memory of a connection, us of "
          "CPU time\nand bytes sent for each message echoed" % SIZE)
    for build in ("WS_CGI", "WS_CGI_STATIC"):
        path = os.environ[build]
        os.environ["WS_CGI"] = path
        print("\n%-42s %6s %6s %6s %8s %6s" % (
            path, "before", "after", "quiet", "us", "bytes"))
        for name, options, offer in SETTINGS:
            sizes, cost, came = measure(options, offer, args.messages)
            print("%-42s %6d %6d %6d %8.1f %6.0f" % (
                name, *sizes, cost * 1e6, came))


if __name__ == "__main__":
    main()
