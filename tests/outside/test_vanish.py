"""Clients that vanish, at every stage of a conversation, with a FIN and with a
RST: the worker ends within seconds, and so does all of its program's group;
the log has one line for each, but for those that said nothing at all."""

import os
import socket
import tempfile
import time

import rawclient
from rawclient import BINARY, CONTINUATION, TEXT, Connection, frame, request
from server import Listener, same_descriptors
from tap import Tap
from ws_test import (Reaper, eventually, in_groups, in_parallel, reset,
                     workers)

SECONDS = 8         # in which all of it is to be over
LARGE = frame(BINARY, bytes(1 << 20))

# It has a child that ends when it is told to.
PROGRAM = ["sh", "-c", 'echo $$ >>"$HOME/pids"; sleep 600 & cat; wait']
SERVICES = [        # name, options, operands
    ("echo:", [], ["echo:"]),
    ("program", ["--format", "raw", "--grace", "0.1"], PROGRAM),
]


def handshake(connection, host, *then):
    """A handshake, and these bytes behind it."""
    connection.handshake(host)
    for data in then:
        connection.send(data)


def failed(connection, host):
    """The server has said its last word, and waits for ours."""
    handshake(connection, host, frame(TEXT, b"", masked=False))
    if connection.event()[:2] != ("close", 1002):
        raise rawclient.Violation("no Close for an unmasked frame")


GONE, CLOSED, WRONG = "the client is gone", "the client closed", "not masked"

STAGES = [          # name, what the client does before it vanishes, the log
    ("half a head", lambda c, host: c.send(request(host)[:50]), GONE),
    ("the head", lambda c, host: c.send(request(host)), GONE),
    ("the 101", handshake, GONE),
    ("a message",
     lambda c, host: handshake(c, host, frame(TEXT, b"hello")), GONE),
    ("half a frame's head",
     lambda c, host: handshake(c, host, LARGE[:5]), GONE),
    ("half a payload",
     lambda c, host: handshake(c, host, LARGE[:500_000]), GONE),
    ("the first fragment",
     lambda c, host: handshake(c, host, frame(TEXT, b"one", fin=False)), GONE),
    ("a Ping between fragments",
     lambda c, host: handshake(c, host, frame(TEXT, b"one", fin=False),
                               frame(CONTINUATION, b"two", fin=False),
                               frame(rawclient.PING, b"there?")), GONE),
    ("its Close",
     lambda c, host: handshake(c, host, rawclient.close(1000)), CLOSED),
    ("the server's Close", failed, WRONG),
]


def fin(connection):
    connection.sock.shutdown(socket.SHUT_WR)


WAYS = [("FIN", fin), ("RST", reset)]


def lines_about(server, port):
    return [line for line in server.log() if "127.0.0.1:%d " % port in line]


def vanish(server, act, way):
    """How many seconds the worker took to end, and the client's port."""
    with Connection(server.connect()) as connection:
        port = connection.sock.getsockname()[1]
        act(connection, server.host)
        began = time.monotonic()
        way(connection)
        eventually(lambda: lines_about(server, port), SECONDS)
        return time.monotonic() - began, port


def check_service(tap, name, server):
    rows = [(stage, way) for stage in STAGES for way in WAYS]
    ends = in_parallel(lambda row: vanish(server, row[0][1], row[1][1]), rows)
    for ((stage, _, said), (way, _)), (took, port) in zip(rows, ends):
        lines = lines_about(server, port)
        tap.ok(took < SECONDS and len(lines) == 1 and said in lines[0],
               "%s: %s after %s: the worker ends, and logs a line"
               % (name, way, stage), (took, lines))
    tap.ok(eventually(lambda: not workers(server), SECONDS)
           and len(server.log()) == 1 + len(rows),
           name + ": no worker is left, and one line for each",
           (workers(server), server.log()))


def check_silent(tap, name, server):
    """Health checks connect and close, and would fill the log."""
    for way, vanishes in WAYS:
        with Connection(server.connect()) as connection:
            eventually(lambda: workers(server))
            vanishes(connection)
            tap.ok(eventually(lambda: not workers(server), SECONDS)
                   and len(server.log()) == 1,
                   "%s: %s without a byte: the worker ends, the log is silent"
                   % (name, way), server.log())


def groups_in(home):
    with open(os.path.join(home, "pids")) as f:
        return set(map(int, f.read().split()))


def test_vanish(tap):
    for name, options, operands in SERVICES:
        with tempfile.TemporaryDirectory() as home, Reaper(), \
                Listener(operands, options, {"HOME": home}) as server:
            check_silent(tap, name, server)
            check_service(tap, name, server)
            if operands is PROGRAM:
                groups = groups_in(home)
                tap.ok(groups and not in_groups(groups),
                       name + ": nobody of their groups is left",
                       in_groups(groups))


def main():
    tap = Tap()
    with same_descriptors():
        test_vanish(tap)
    tap.finish()


if __name__ == "__main__":
    main()
