"""What one client can cost: each limit of a conversation is reached, and just
not reached, for a program and for echo:, on a listener's connection and on one
end of a socketpair; the code and reason of the Close, the line in the log and
the exit status say which it was.  And no limit is held against a client that is
only delayed.
"""

import concurrent.futures
import json
import sys
import time

import rawclient
from deflating import Deflating
from rawclient import BINARY, CONTINUATION, PING, PONG, TEXT, close, frame
from server import Listener, Spawned, binary, same_descriptors
from tap import Tap
from ws_test import (PATIENCE, close_of, eventually, line_of, lines_of,
                     log_fields, logged, opened, payloads, until_end)

WITHIN = 0.9        # s: clocks that are not ours may be that much ahead of it
LATE = 5            # s after which an end is no longer in time
BUSY = 0.2          # s between two messages of a client that is not idle
PROCESSES = 6


class Inetd(Spawned):
    """Connections on socketpairs, and the exit status of the only one."""

    def __init__(self, operands, options):
        super().__init__([binary(), *options, "--", *operands])
        self.started = []

    def _reap(self):
        self.started = self.started or list(self.processes)
        super()._reap()

    def status(self):
        return self.started[0].wait(PATIENCE)


class Listening(Listener):
    """A listener's connection, whose exit status the log has in a word."""

    WORDS = {"nobody": 0, "peer": 1, "program": 2, "system": 111}

    def __init__(self, operands, options):
        super().__init__(operands, [*options, "--log-json"])

    def closed(self):
        lines = [json.loads(line) for line in self.log()]
        return next((line for line in lines if line["event"] == "closed"),
                    None)

    def status(self):
        return self.WORDS[eventually(self.closed)["blame"]]


def reason_of(server):
    """Why it ended, as the log has it."""
    if isinstance(server, Listening):
        return eventually(server.closed)["reason"]
    return log_fields(line_of(server, "/")).get("reason")


PLACES = [Listening, Inetd]
BRIDGES = [["echo:"], ["cat"]]


def ended(place, operands, options, play):
    """The events of a conversation that play begins, the seconds to its Close,
    the exit status, and the reason in the log."""
    with place(operands, options) as server:
        with opened(server) as connection:
            began = time.monotonic()
            events = play(connection) or []
            while not events or events[-1][0] not in ("close", "eof", "reset",
                                                      "timeout"):
                events.append(connection.event(PATIENCE) or ("timeout",))
            took = time.monotonic() - began
            if not connection.said_close and events[-1][0] == "close":
                connection.send(close(events[-1][1]))
            events += until_end(connection)
        return events, took, server.status(), reason_of(server)


def everywhere(items):
    """Each of them with each place."""
    return [(place, *item) for item in items for place in PLACES]


def in_processes(play, items):
    """The results of play(item) for all items: each process has servers of its
    own, and sees that nothing is left of them."""
    with concurrent.futures.ProcessPoolExecutor(PROCESSES) as pool:
        return list(pool.map(play, items))


def check_end(tap, name, got, code, status, reason):
    """reason is what the Close says, and the log."""
    events, _, exited, logged_ = got
    tap.ok(close_of(events) == (code, reason.encode()),
           "%s: close %d, %s" % (name, code, reason), events[-3:])
    tap.ok(exited == status and logged_ == reason,
           "%s: exit status %d, and so says the log" % (name, status),
           (exited, logged_))


# Rates and sizes.

def text(size, number=1):
    return frame(TEXT, b"a" * size) * number


def fragmented(number):
    """A message of so many frames, most of them empty."""
    return frame(TEXT, fin=False) \
        + frame(CONTINUATION, fin=False) * (number - 2) \
        + frame(CONTINUATION, b"a")


# The client's Close, of 8 bytes, is among those that a rate counts.
RATES = [       # options, what is within them, how many answers, what is not,
                # code, reason
    (["--message-rate", "2"], text(1, 20), 20, text(1, 60), 1008,
     "the client sends over 2 messages a second"),
    (["--message-rate", "1"], fragmented(50) * 10, 10, fragmented(2) * 30,
     1008, "the client sends over 1 messages a second"),
    (["--message-rate", "1"], text(0, 10), 10, text(0, 40), 1008,
     "the client sends over 1 messages a second"),
    (["--byte-rate", "1000"], text(94, 99) + text(86), 100, text(94, 300),
     1008, "the client sends over 1000 bytes a second"),
    (["--byte-rate", "2K"], text(20464), 1, text(20480, 3), 1008,
     "the client sends over 2048 bytes a second"),
    (["--byte-rate", "100"], fragmented(165), 1, fragmented(1000), 1008,
     "the client sends over 100 bytes a second"),
    (["--byte-rate", "100"], frame(PING) * 165, 165, frame(PONG) * 1000, 1008,
     "the client sends over 100 bytes a second"),
    (["--ping-rate", "3"], frame(PING) * 30, 30, frame(PING) * 120, 1008,
     "the client sends over 3 Pings a second"),
    (["--ping-rate", "3"], frame(PONG) * 29 + frame(PING), 1,
     frame(PONG) * 120, 1008, "the client sends over 3 Pings a second"),
    ([], frame(PING) * 1000, 1000, frame(PING) * 5000, 1008,
     "the client sends over 100 Pings a second"),
    (["--max-frame", "100"],
     text(100) + frame(TEXT, b"a" * 100, fin=False)
     + frame(CONTINUATION, b"b" * 100), 2, text(101), 1009,
     "a frame is too large"),
    (["--max-frame", "1K"], text(1024), 1,
     frame(BINARY, b"a" * 99999)[:14], 1009, "a frame is too large"),
    (["--max-frame", "100"], frame(PING, b"p" * 125), 1,
     frame(TEXT, fin=False) + frame(CONTINUATION, b"a" * 101), 1009,
     "a frame is too large"),
    (["--max-fragments", "5"], fragmented(5) * 3, 3, fragmented(6), 1009,
     "a message has too many frames"),
    (["--max-fragments", "1"], text(1, 9), 9, frame(TEXT, fin=False)
     + frame(CONTINUATION), 1009, "a message has too many frames"),
    (["--max-fragments", "1048576", "--byte-rate", "none"],
     fragmented(1 << 20), 1, fragmented((1 << 20) + 1), 1009,
     "a message has too many frames"),
]
ANSWERS = ("text", "pong")


def play_rate(item):
    """As much as may be, then a Close of the client's; and too much."""
    place, operands, (options, within, answers, beyond, *_) = item

    def modest(connection):
        events = []
        connection.send(within)
        while len(payloads(events, *ANSWERS)) < answers:
            events.append(connection.event(PATIENCE) or ("timeout",))
            if events[-1][0] in ("timeout", "close", "eof", "reset"):
                return events
        connection.send(close(1000))
        return events

    def greedy(connection):
        connection.send(within + beyond)

    return [ended(place, operands, options, play) for play in (modest, greedy)]


def test_rates(tap):
    items = everywhere([(operands, row) for row in RATES
                        for operands in BRIDGES])
    for item, (modest, greedy) in zip(items, in_processes(play_rate, items)):
        place, operands, (options, _, answers, _, code, reason) = item
        name = "%s %s, %s" % (" ".join(options) or "the default", operands[0],
                              place.__name__)
        events, _, status, _ = modest
        tap.ok(close_of(events) == (1000, b"") and status == 0
               and len(payloads(events, *ANSWERS)) == answers,
               name + ": as much as may be", (events[-3:], status))
        check_end(tap, name, greedy, code, 1, reason)
        tap.ok(len(payloads(greedy[0], *ANSWERS)) >= answers,
               name + ": what came before is answered", greedy[0][-3:])


def test_none(tap):
    """Without limits, and where one is lifted."""
    for operands, options, sent, wanted in [
            (["echo:"], [], fragmented(1 << 21), [b"a"]),
            (["cat"], ["--max-fragments", "none"], fragmented(1 << 21),
             [b"a"]),
            (["echo:"], ["--ping-rate", "none"], frame(PING) * 50000,
             [b""] * 50000),
            (["cat"], ["--ping-rate", "1"], text(1, 5000), [b"a"] * 5000)]:
        with Listener(operands, options) as server, \
                opened(server) as connection:
            connection.send(sent)
            got = [connection.event(PATIENCE)[1] for _ in wanted]
            connection.send(close(1000))
            events = until_end(connection)
        tap.ok(got == wanted and close_of(events) == (1000, b""),
               "%s: no other limit" % " ".join([*operands, *options]), events)


def test_inflated(tap):
    """What a compressed message is inflated to counts as well."""
    for operands in BRIDGES:
        for size, code in [(9000, 1000), (20000, 1008)]:
            with Listener(operands, ["--compress", "--byte-rate", "1000"]) \
                    as server, Deflating(server.connect(),
                                         server.host) as connection:
                connection.say(TEXT, b"a" * size)
                if code == 1000:
                    tap.ok(connection.heard()[1] == b"a" * size,
                           "%s: 9000 bytes inflated are within 1000 a second"
                           % operands[0])
                    connection.send(close(1000))
                end = connection.frame()
                while end and end.opcode != rawclient.CLOSE:
                    end = connection.frame()
            tap.ok(end and int.from_bytes(end.payload[:2], "big") == code,
                   "%s: %d bytes inflated: close %d"
                   % (operands[0], size, code), end)


# Who is to be answered for what the program asks, and what it is told.

PINGER = r"""
import sys
sys.stdin.readline()
for _ in range(3000):
    print('{"event":"ping"}')
sys.stdout.flush()
for _ in range(3000):
    assert '"pong"' in sys.stdin.readline()
print('{"event":"text","data":"3000"}', flush=True)
sys.stdin.read()
"""
TELLER = "cat >&2"


def test_programs(tap):
    with Listener([sys.executable, "-c", PINGER], ["--format", "json"]) \
            as server, opened(server) as connection:
        while (event := connection.event(PATIENCE)) and event[0] == "ping":
            connection.send(frame(PONG, event[1]))
        tap.ok(event == ("text", b"3000"),
               "Pongs that a program asks for are not counted", event)
    for options, data in [(["--message-rate", "1"], text(1, 40)),
                          (["--session", "0.5"], b"")]:
        with Listener(["sh", "-c", TELLER], ["--format", "json", *options]) \
                as server, opened(server) as connection:
            connection.send(data)
            until_end(connection)
            word = "gone" if data else "close"
            tap.ok(logged(server, 'stderr: {"event":"%s"' % word),
                   "%s: the program is told" % options[0], server.log()[-2:])


# Times.

def silent(connection):
    """Nothing but Pings and Pongs."""
    while (event := connection.event(BUSY / 2)) is None:
        connection.send(frame(PING) + frame(PONG))
    return [event if event[0] != "pong" else silent(connection)[0]]


def mute(connection):
    del connection


def talking(connection):
    """A message now and then, for ever; what comes back is read."""
    number, events = 0, []
    while not events or events[-1][0] != "close":
        connection.send(frame(TEXT, b"%d" % number))
        number += 1
        events.append(connection.event(BUSY) or ("nothing",))
        time.sleep(0.01)
    return events


def dribbling(connection):
    """One message, a byte at a time, parts of which may come back."""
    connection.send(frame(BINARY, b"a" * 100000)[:14])
    while (event := connection.event(BUSY)) is None or event[0] == "binary":
        connection.send(b"a")
    return [event]


def reading(connection):
    while (event := connection.event(PATIENCE)) and event[0] in ("text",
                                                                 "binary"):
        pass
    return [event]


SESSION = (1008, 0, "the session has lasted 1 s, which is the limit")
IDLE = (1001, 0, "idle for 1 s, which is the limit")
TICKER = ["sh", "-c", "while sleep 0.2; do echo tick; done"]
TIMES = [       # operands, options, what the client does, the end
    (["echo:"], ["--session", "1"], mute, SESSION),
    (["cat"], ["--session", "1"], mute, SESSION),
    (["echo:"], ["--session", "1"], talking, SESSION),
    (["cat"], ["--session", "1"], talking, SESSION),
    (["cat", "-u"], ["--session", "1", "--format", "raw"], dribbling, SESSION),
    (["echo:"], ["--session", "1"], silent, SESSION),
    (["discard:"], ["--session", "1"], dribbling, SESSION),
    (["chargen:"], ["--session", "1"], reading, SESSION),
    (["yes", 1000 * "y"], ["--session", "1"], reading, SESSION),
    (TICKER, ["--session", "1", "--idle", "0.7"], reading, SESSION),
    (["sleep", "60"], ["--session", "1", "--idle", "1.5"], mute, SESSION),
    (["echo:"], ["--session", "1", "--idle", "0.7"], talking, SESSION),
    (["cat"], ["--session", "1", "--idle", "0.7"], talking, SESSION),
    (["discard:"], ["--session", "1", "--idle", "0.7"], dribbling, SESSION),
    (["chargen:"], ["--session", "1", "--idle", "0.7"], reading, SESSION),
    (["echo:"], ["--idle", "1"], mute, IDLE),
    (["cat"], ["--idle", "1"], mute, IDLE),
    (["discard:"], ["--idle", "1"], mute, IDLE),
    (["echo:"], ["--idle", "1"], silent, IDLE),
    (["cat"], ["--idle", "1"], silent, IDLE),
    (["discard:"], ["--idle", "1"], silent, IDLE),
    (["cat"], ["--idle", "1", "--ping", "0.1", "--pong", "never"], mute, IDLE),
    (["echo:"], ["--idle", "1", "--ping", "0.1", "--pong", "never"], mute,
     IDLE),
    (["sh", "-c", "while sleep 0.1; do echo trouble >&2; done"],
     ["--idle", "1"], mute, IDLE),
    (["sh", "-c", "while sleep 0.1; do printf .; done"], ["--idle", "1"],
     mute, IDLE),
]


def play_time(item):
    place, operands, options, play, _ = item
    return ended(place, operands, options, play)


def test_times(tap):
    items = everywhere(TIMES)
    for item, got in zip(items, in_processes(play_time, items)):
        place, operands, options, play, end = item
        name = "%s: %s, %s, %s" % (" ".join(options), " ".join(operands)[:20],
                                   play.__name__, place.__name__)
        events = [event for event in got[0] if event[0] != "ping"]
        check_end(tap, name, (events, *got[1:]), *end)
        tap.ok(WITHIN < got[1] < LATE, name + ": in time", got[1])


def test_just_not(tap):
    """It says goodbye before."""
    for operands in BRIDGES:
        for options in (["--session", "2"], ["--idle", "2"]):
            def brief(connection):
                connection.send(text(1))
                event = connection.event(PATIENCE)
                time.sleep(0.5)
                connection.send(close(1000, b"bye"))
                return [event]
            got = ended(Inetd, operands, options, brief)
            tap.ok(close_of(got[0]) == (1000, b"bye") and got[2] == 0
                   and got[3] == "the client closed: bye",
                   "%s %s: it is over before" % (operands[0], options[0]),
                   got)


# Honest clients, and others.

HELD, RATE, SIZE = 15, 20, 8192     # s, messages a second, their bytes


def test_delayed(tap):
    """A program reads nothing for a while; what the client says, at the rate,
    comes at once then, and is more than the room of ten seconds."""
    script = "sleep %d; exec cat" % HELD
    number = RATE * HELD
    with Listener(["sh", "-c", script], [
            "--message-rate", str(RATE), "--byte-rate",
            str(RATE * (SIZE + 8)), "--idle", "5"]) as server, \
            opened(server) as connection:
        message = frame(TEXT, b"a" * SIZE)
        began = time.monotonic()
        for sent in range(number):
            time.sleep(max(0, began + sent / RATE - time.monotonic()))
            connection.send(message)
        got = [(connection.event(PATIENCE) or ("timeout", b""))[1]
               for _ in range(number)]
        connection.send(close(1000))
        events = until_end(connection)
    tap.ok(got == [b"a" * SIZE] * number and close_of(events) == (1000, b""),
           "a client that is held up %d s by its program is not over its rate"
           % HELD, (len(got), events))
    with Listener(["echo:"], ["--message-rate", "10"]) as server, \
            opened(server) as connection:
        for _ in range(2):      # bursts, and the time that they should take
            connection.send(text(1, 90))
            got = [connection.event(PATIENCE) for _ in range(90)]
            time.sleep(9)
        connection.send(close(1000))
        events = until_end(connection)
    tap.ok(got == [("text", b"a")] * 90 and close_of(events) == (1000, b""),
           "messages that a network delivers by bursts are not over their "
           "rate", events)


def slowly(connection):
    """Reads a little now and then, for as long as there is some."""
    deadline = time.monotonic() + PATIENCE
    connection.sock.setblocking(True)
    while connection.sock.recv(4096) and time.monotonic() < deadline:
        time.sleep(0.05)


def test_slow_readers(tap):
    """Who reads slowly is kept no longer than a stalled write."""
    for operands, options, data in [
            (["chargen:"], ["--session", "1"], b""),
            (["sh", "-c", "head -c 9000000 /dev/zero | tr '\\0' a; cat"],
             ["--session", "1"], b""),
            (["sh", "-c", "head -c 9000000 /dev/zero | tr '\\0' a; cat"],
             ["--message-rate", "1", "--grace", "0.1"], text(1, 30))]:
        with Listener(operands, [*options, "--write-timeout", "1"],
                      address="unix") as server:
            began = time.monotonic()
            with opened(server) as connection:
                connection.send(data)
                slowly(connection)
            line = eventually(lambda: lines_of(server, "/"))
            took = time.monotonic() - began
        tap.ok(line and 1 < took < 15, "%s: a slow reader is not waited for"
               % " ".join([operands[0], *options]), (took, line))


def main():
    tap = Tap()
    with same_descriptors():
        for test in [test_rates, test_none, test_inflated, test_programs,
                     test_times, test_just_not, test_slow_readers,
                     test_delayed]:
            test(tap)
    tap.finish()


if __name__ == "__main__":
    main()
