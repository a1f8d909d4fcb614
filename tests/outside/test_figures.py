"""SIGUSR1: how things stand, at once, in the title and in the log, whatever a
process waits for; and nothing ends of it or goes wrong."""

import contextlib
import json
import os
import re
import signal
import socket
import tempfile
import threading

import rawclient
from rawclient import TEXT, Connection, frame
from server import Listener, same_descriptors
from tap import Tap
from ws_test import (PATIENCE, close_of, eventually, is_running, log_fields,
                     opened, payloads, stat_of, until_end, worker,
                     workers)

SOON = 10       # s for an answer; one that a race puts off comes after 1
FLOOD = 10000
STUBBORN = ["sh", "-c", "trap '' HUP TERM; while :; do sleep 0.1; done"]


def title(pid):
    with open("/proc/%d/cmdline" % pid, "rb") as f:
        return f.read().rstrip(b"\0").decode(errors="replace")


def figures(server, pid):
    """The lines of this process so far about how things stand."""
    return [line.split("]: ", 1)[1] for line in server.log()
            if "ws-cgi[%d]: " % pid in line
            and ("so far: " in line or " served, " in line)]


def asked(server, pid):
    """Its answer to SIGUSR1; "" if there is none soon."""
    before = len(figures(server, pid))
    os.kill(pid, signal.SIGUSR1)
    lines = eventually(lambda: figures(server, pid)[before:], SOON)
    return lines[0] if lines else ""


def asleep(pid):
    return eventually(lambda: stat_of(pid)[0] == "S")


def end(connection):
    connection.send(rawclient.close(1000))
    return close_of(until_end(connection))


# A process that waits.

def in_handshake(server):
    return Connection(server.connect())


def go_on_with_handshake(server, connection):
    connection.handshake(server.host)
    return end(connection) == (1000, b"")


def in_conversation(server):
    connection = opened(server)
    connection.send(frame(TEXT, b"12345"))
    connection.event()
    return connection


def go_on_talking(_, connection):
    connection.send(frame(TEXT, b"again"))
    return connection.event() == ("text", b"again") \
        and end(connection) == (1000, b"")


def in_closing(server):
    """The Close of the service waits to be answered."""
    connection = opened(server)
    connection.send(frame(TEXT, b"x"))
    while connection.event()[0] != "close":
        pass
    return connection


def go_on_closing(server, connection):
    connection.send(rawclient.close(1000))
    return connection.rest() == b"" \
        and log_fields(line_of_end(server))["close"] == "1000/1000"


def in_ending(server):
    """The program does not end."""
    connection = opened(server)
    end(connection)
    pid = worker(server)
    eventually(lambda: "ending its program" in title(pid))
    return connection


def go_on_ending(server, _):
    return log_fields(line_of_end(server))["exit"] == "SIGKILL"


def in_write(server):
    """The client reads nothing."""
    connection = opened(server)
    pid = worker(server)
    eventually(lambda: " out=0/" not in asked(server, pid))
    return connection


def go_on_reading(_, connection):
    got = payloads([connection.event() for _ in range(1000)], "text")
    return [len(text) for text in got] == [72] * 1000


def in_file(server):
    """A large page, and the client reads nothing."""
    connection = Connection(server.connect())
    connection.send(b"GET /large HTTP/1.1\r\nHost: %s\r\n\r\n"
                    % server.host.encode())
    return connection


def go_on_with_file(_, connection):
    return len(connection.rest(PATIENCE)) > LARGE


LARGE = 50 << 20
ROWS = [        # name, operands, options, begin, state, go on, what is counted
    ("echo:, in the handshake", ["echo:"], [], in_handshake, "handshake",
     go_on_with_handshake, "in=0/0 out=0/0"),
    ("cat, in the handshake", ["cat"], [], in_handshake, "handshake",
     go_on_with_handshake, "in=0/0 out=0/0"),
    ("echo:, in a read", ["echo:"], [], in_conversation, "open",
     go_on_talking, "in=1/5 out=1/5"),
    ("cat, in a poll", ["cat"], [], in_conversation, "open",
     go_on_talking, "in=1/5 out=1/5"),
    ("a program, in closing", ["head", "-n", "1"], [], in_closing, "closing",
     go_on_closing, "in=1/1 out=1/1"),
    ("a program that does not end", STUBBORN, ["--grace", "1"], in_ending,
     "ending its program", go_on_ending, "in=0/0 out=0/0"),
    ("chargen:, in a write", ["chargen:"], [], in_write, "open",
     go_on_reading, ""),
    ("a page, in a write", ["echo:"], ["--www", "PAGES"], in_file, "admitted",
     go_on_with_file, "in=0/0 out=0/0"),
]


def test_states(tap):
    with tempfile.TemporaryDirectory() as pages:
        with open(os.path.join(pages, "large"), "wb") as f:
            f.truncate(LARGE)
        for name, operands, options, begin, state, go_on, counts in ROWS:
            options = [o.replace("PAGES", pages) for o in options]
            with Listener(operands, options) as server, \
                    begin(server) as connection:
                pid = worker(server)
                asleep(pid)
                line = asked(server, pid)
                tap.ok(line.endswith(" so far: " + state) and counts in line,
                       name + ": the line says how it stands", line)
                seen = title(pid)
                tap.ok(" %s " % state in seen, "and so does the title", seen)
                again = [asked(server, pid) != "" for _ in range(20)]
                tap.ok(all(again) and is_running(pid), "as often as one asks",
                       again)
                tap.ok(go_on(server, connection), "and it goes on unharmed",
                       server.log()[-1])


def test_title(tap):
    """Exact, and not of up to a second ago."""
    for operands in [["echo:"], ["cat"]]:
        with Listener(operands) as server, opened(server) as connection:
            pid = worker(server)
            wanted, seen = [], []
            for number in range(1, 20):
                connection.send(frame(TEXT, b"x"))
                connection.event()
                asked(server, pid)
                wanted.append("%d in %d out" % (number, number))
                seen.append(title(pid).partition(" open ")[2])
            tap.ok(seen == wanted, operands[0] + ": the title is exact", seen)


# In the middle of much work.

@contextlib.contextmanager
def flooded(pid):
    """FLOOD signals meanwhile, and what became of sending them."""
    sent = []

    def send():
        for _ in range(FLOOD):
            os.kill(pid, signal.SIGUSR1)
            sent.append(1)

    thread = threading.Thread(target=send)
    thread.start()
    try:
        yield sent
    finally:
        thread.join()


def test_flood(tap):
    """Numbered messages, of all sizes, while signals come."""
    for operands in [["echo:"], ["cat"]]:
        with Listener(operands) as server, opened(server) as connection:
            pid = worker(server)
            wrong, number = [], 0
            with flooded(pid) as sent:
                while len(sent) < FLOOD or number < 200:
                    text = b"%d " % number + b"x" * (number * 7919 % 70000)
                    connection.send(frame(TEXT, text))
                    if connection.event() != ("text", text):
                        wrong.append(number)
                        break
                    number += 1
            tap.ok(not wrong and number >= 200 and len(sent) == FLOOD,
                   "%s: %d SIGUSR1 during %d messages, all of them right"
                   % (operands[0], FLOOD, number), wrong)
            tap.ok(end(connection) == (1000, b""), "and a proper end")
            fields = log_fields(line_of_end(server))
            tap.ok(fields["in"].startswith("%d/" % number)
                   and fields["in"] == fields["out"] and fields["exit"] in "-0",
                   "with the right counts", fields)
            lines = figures(server, pid)
            tap.ok(0 < len(lines) <= FLOOD, "lines come meanwhile: %d"
                   % len(lines))


def line_of_end(server):
    return eventually(lambda: [line for line in server.log() if "proto=" in
                               line and "so far" not in line])[0]


def test_busy(tap):
    """A program that writes without a pause, to a client that reads."""
    for operands in [["yes"], ["chargen:"]]:
        with Listener(operands) as server, opened(server) as connection:
            connection.sock.setblocking(True)
            over = threading.Event()

            def read():
                while not over.is_set():
                    connection.sock.recv(1 << 20)

            reader = threading.Thread(target=read)
            reader.start()
            try:
                pid = worker(server)
                lines = [asked(server, pid) for _ in range(10)]
            finally:
                over.set()
                reader.join()
            tap.ok(all("so far: open" in line for line in lines),
                   operands[0] + ": who is busy answers too", lines)
            os.kill(pid, signal.SIGTERM)
            connection.sock.setblocking(False)
            connection.rest(PATIENCE)
            fields = log_fields(line_of_end(server))
            tap.ok((fields["close"], fields["reason"]) == ("-/1001", "stopped"),
                   operands[0] + ": and can be stopped", fields)


# The listener.

LINE = re.compile(r"(\d+) of (\d+) connections, (\d+) served, (\d+) turned "
                  r"away, 0 penalised, most from (.*)$")


def stands(server):
    line = asked(server, server.process.pid)
    found = LINE.match(line)
    return found.groups() if found else line


def test_listener(tap):
    with Listener(["echo:"], ["--max", "3"]) as server:
        tap.ok(stands(server) == ("0", "3", "0", "0", "-"),
               "a listener without connections", server.log())
        with contextlib.ExitStack() as stack:
            for _ in range(3):
                stack.enter_context(opened(server))
            with Connection(server.connect()) as refused:
                refused.response()
            wanted = ("3", "3", "3", "1", "127.0.0.1 (3)")
            tap.ok(stands(server) == wanted, "one that is full, and has turned "
                   "one away", server.log())
            seen = title(server.process.pid)
            tap.ok(seen.endswith(": listening, 3 of 3 connections, 3 served, "
                                 "1 turned away, 0 penalised"), "its title",
                   seen)
            server.process.send_signal(signal.SIGHUP)
            eventually(lambda: any("restarted" in line
                                   for line in server.log()))
            tap.ok(stands(server) == wanted, "it knows it after a restart too",
                   server.log())
        eventually(lambda: not workers(server))
        with opened(server):
            tap.ok(stands(server) == ("1", "3", "4", "1", "127.0.0.1 (1)"),
                   "and goes on from there", server.log())


def test_sources(tap):
    """Those with the most, the largest first."""
    with Listener(["echo:"]) as server, contextlib.ExitStack() as stack:
        for last, count in [(2, 1), (3, 4), (4, 2), (5, 1), (6, 3), (7, 5)]:
            for _ in range(count):
                connection = Connection(socket.create_connection(
                    server.address, PATIENCE, ("127.0.0.%d" % last, 0)))
                stack.enter_context(connection).handshake(server.host)
        found = stands(server)[4]
        tap.ok(re.fullmatch(
            r"127\.0\.0\.7 \(5\), 127\.0\.0\.3 \(4\), 127\.0\.0\.6 \(3\), "
            r"127\.0\.0\.4 \(2\), 127\.0\.0\.[25] \(1\)", found),
            "the five sources with the most", found)


def test_v6(tap):
    for address, wanted in [("[::1]:0", "::/64 (1)"), ("unix", "-")]:
        with AnyListener(address) as server, opened(server):
            found = stands(server)
            tap.ok(found[0] == "1" and found[4] == wanted,
                   "a connection to %s is from %s" % (address, wanted), found)


class AnyListener(Listener):
    """At another address."""

    def __init__(self, address):
        self.where = address
        super().__init__(["echo:"], address="unix" if address == "unix"
                         else "tcp")

    def start(self, argv, env=None, stdout=None):
        super().start([self.where if arg == "127.0.0.1:0" else arg
                       for arg in argv], env, stdout)


def test_json(tap):
    with Listener(["echo:"], ["--log-json"]) as server:
        server.process.send_signal(signal.SIGUSR1)
        line = eventually(lambda: [x for x in server.log() if "served" in x])
        found = json.loads(line[0])
        wanted = {"event": "figures", "connections": 0, "max": 1024,
                  "served": 0, "turned_away": 0, "penalised": 0,
                  "sources": None}
        tap.ok({name: found[name] for name in list(found)[2:]} == wanted,
               "--log-json: its numbers are numbers", found)


# Who else there is.

def test_group(tap):
    """To the whole group: a program is in none of ours, and would die."""
    with Listener(["sh", "-c", "echo $$; cat"]) as server, \
            opened(server) as connection:
        program = int(connection.event()[1])
        pid = worker(server)
        os.killpg(server.process.pid, signal.SIGUSR1)
        tap.ok(eventually(lambda: figures(server, pid), SOON)
               and eventually(lambda: figures(server, server.process.pid),
                              SOON), "all processes answer", server.log())
        connection.send(frame(TEXT, b"alive"))
        tap.ok(connection.event() == ("text", b"alive") and
               is_running(program), "and the program has not got it")


def test_newcomers(tap):
    """Signals to the listener, and to processes that have just begun."""
    with Listener(["echo:"]) as server:
        with flooded(server.process.pid):
            ends = []
            for _ in range(100):
                with opened(server) as connection:
                    for pid in workers(server):
                        with contextlib.suppress(ProcessLookupError):
                            os.kill(pid, signal.SIGUSR1)
                    connection.send(frame(TEXT, b"x"))
                    ends.append((connection.event(), end(connection)))
        tap.ok(ends == [(("text", b"x"), (1000, b""))] * 100,
               "%d SIGUSR1 to the listener, and some to all else: 100 "
               "conversations are as they should be" % FLOOD,
               [e for e in ends if e != (("text", b"x"), (1000, b""))][:3])
        tap.ok(int(stands(server)[2]) == 100, "and have been counted")


def main():
    tap = Tap()
    with same_descriptors():
        for test in (test_states, test_title, test_flood, test_busy,
                     test_listener, test_sources, test_v6, test_json,
                     test_group, test_newcomers):
            test(tap)
    tap.finish()


if __name__ == "__main__":
    main()
