"""Attacks on frames, section B: whatever comes behind the handshake is a
sequence of messages or ends the connection with the right code, and nobody
holds more of it than he has sent.
"""

import collections
import os
import random
import struct
import subprocess
import tempfile
import time

import attack
import rawclient
import test_endings
from attack import (BUILD, Once, preload, sanitized_binary, unconfined,
                    unit)
from deflating import Deflating
from rawclient import (BINARY, CLOSE, CONTINUATION, PING, PONG, TEXT,
                       Connection, Violation, close, frame)
from server import Listener, binary
from test_memory import Peak, mib, private
from ws_test import PATIENCE, in_parallel, opened, until_end, worker

MEBIBYTE = 1 << 20
CONSTANT = MEBIBYTE // 2        # memory that does not depend on the client
KEY = b"\0\0\0\0"


def head(opcode, size, fin=True, masked=True):
    """A frame's head, with a length of any kind that holds it."""
    low, more = rawclient.length(size)
    return bytes([fin << 7 | opcode, masked << 7 | low]) + more \
        + KEY * masked


def after(server, data):
    """Code of the Close that answers these bytes, with what came before."""
    with opened(server) as connection:
        connection.send(data)
        events = []
        while event := connection.event(PATIENCE):
            if event[0] == "close":
                return event[1], events
            if event[0] in ("eof", "reset"):
                break
            events.append(event)
        return None, events


# B1: lengths.

LENGTHS = sorted({0, 1, 125, 126, 127, 65535, 65536, (1 << 64) - 1, *(
    (1 << bits) + more for bits in (31, 32, 63) for more in (-1, 0, 1))})
LIMITS = [125, 126, 127, 65535, 65536, 65537]


def code_of_length(size, limit, have=0):
    """What a frame of that length is answered, None if it is waited for."""
    if size >= 1 << 63:
        return 1002
    return 1009 if size > limit - have else None


def promised_lengths(row):
    """Heads alone: nothing behind them ever comes."""
    count = 0
    for limit in LIMITS + [16 * MEBIBYTE]:
        with Listener(["cat"], ["--max-message", str(limit)]) as server:
            for have in (0, 1, limit):
                begin = frame(TEXT, b"x" * have, fin=False) if have else b""
                for size in {*LENGTHS, limit - have, limit - have + 1,
                             (1 << 64) - have, (1 << 63) - have}:
                    if size < 0 or size >= 1 << 64:
                        continue
                    count += 1
                    data = begin + head(CONTINUATION if have else TEXT, size)
                    check_promise(row, server, data, size,
                                  code_of_length(size, limit, have),
                                  "%d of %d, %d are there"
                                  % (size, limit, have))
    return count


def check_promise(row, server, data, size, code, name):
    """Only codes that come at once are right: the client sends no more."""
    with opened(server) as connection:
        connection.send(data)
        if code is None:
            connection.send(b"x" if size > 1 else b"")
            row.ok(connection.frame(0.002) is None or size == 0,
                   name + ": waited for")
            return
        event = connection.event(PATIENCE)
        row.ok(event is not None and event[:2] == ("close", code),
               "%s: %d" % (name, code), event)


def promised_memory(row):
    """A head costs no memory."""
    for options in ([], ["--max-message", "none"]):
        for operands in (["echo:"], ["cat"]):
            with Listener(operands, options) as server, \
                    opened(server) as connection:
                pid = worker(server)
                before = private(pid)
                connection.send(head(BINARY, (1 << 63) - 1 if options
                                     or operands == ["echo:"]
                                     else 16 * MEBIBYTE) + b"x" * 1000)
                time.sleep(0.05)
                grown = private(pid) - before
                row.ok(grown < CONSTANT, "%s %s: the head of a huge message "
                       "costs %s" % (" ".join(options), operands[0],
                                     mib(grown)))


def passed_lengths(row):
    """At the limit a message passes whole, one byte more and none does."""
    for limit in LIMITS:
        with Listener(["cat"], ["--max-message", str(limit)]) as server:
            for size in (limit - 1, limit, limit + 1):
                text = b"x" * size
                for parts in (1, 2, 3):
                    data = b"".join(rawclient.fragments(
                        TEXT, rawclient.cut(text, -(-size // parts))))
                    with opened(server) as connection:
                        connection.send(data)
                        event = connection.event(PATIENCE)
                    row.ok(event == ("text", text) if size <= limit
                           else event[:2] == ("close", 1009),
                           "%d of %d bytes in %d frames"
                           % (size, limit, parts), event[:2])


def lengths_hold(row):
    count = promised_lengths(row)
    promised_memory(row)
    passed_lengths(row)
    unit(row, "message")
    unit(row, "frame")
    row.tried("%d heads with lengths up to 2^64-1 at %d limits, and messages "
              "of a byte less, as many, and a byte more", count,
              len(LIMITS) + 1)


# B2: frames that may not be.

BREACHES = [(name, data, 1002) for name, data in [
    *(("the reserved opcode %d" % opcode, frame(opcode))
      for opcode in (3, 4, 5, 6, 7, 11, 12, 13, 14, 15)),
    *(("reserved bits %d of opcode %d" % (rsv, opcode),
       frame(opcode, rsv=rsv))
      for rsv in range(1, 8) for opcode in (TEXT, BINARY, PING, CLOSE)),
    *(("opcode %d unmasked" % opcode, frame(opcode, masked=False))
      for opcode in (TEXT, BINARY, PING, PONG, CLOSE)),
    *(("opcode %d of 126 bytes" % opcode, frame(opcode, b"x" * 126))
      for opcode in (PING, PONG, CLOSE)),
    *(("opcode %d in fragments" % opcode, frame(opcode, fin=False))
      for opcode in (PING, PONG, CLOSE)),
    *(("%d bytes said to be in %d bits" % (size, form),
       frame(BINARY, b"x" * size, form=form))
      for size, form in ((0, 16), (125, 16), (0, 64), (126, 64),
                         (65535, 64))),
    ("a continuation of nothing", frame(CONTINUATION, b"x")),
    ("a last continuation of nothing", frame(CONTINUATION, fin=False)),
    ("a message in a message", frame(TEXT, fin=False) + frame(TEXT)),
    ("another in a message", frame(TEXT, fin=False) + frame(BINARY)),
    ("half a code", frame(CLOSE, b"\x03"))]]


def breaches_end_it(row):
    """Behind messages that count, and before others that do not."""
    good = [frame(TEXT, b"one"), frame(PING, b"two"), frame(BINARY, b"three")]
    wanted = [("text", b"one"), ("pong", b"two"), ("binary", b"three")]
    late = frame(TEXT, b"late")
    with Listener(["echo:"]) as server:
        for name, data, code in BREACHES:
            for before in range(4):
                for chop in (0, 1):
                    with opened(server) as connection:
                        connection.send(b"".join(good[:before]) + data + late,
                                        chop)
                        events = until_end(connection)
                    row.ok(events[:before] == wanted[:before]
                           and [event[:2] for event in events[before:-1]]
                           == [("close", code)],
                           "%s behind %d messages: %d, once"
                           % (name, before, code), events)
    row.tried("%d frames that may not be, behind 0 to 3 messages, whole and "
              "byte by byte", len(BREACHES))


# B3: fragments.

FRAGMENTS = 100_000
SINK = ["sh", "-c", "exec cat >/dev/null"]


def fragments(count, payload):
    """So many frames of a message that does not end."""
    middle = head(CONTINUATION, len(payload), fin=False) + payload
    return head(TEXT, len(payload), fin=False) + payload \
        + middle * (count - 1)


def used(pid):
    """Seconds of processor time."""
    with open("/proc/%d/schedstat" % pid) as f:
        return int(f.read().split()[0]) / 1e9


def fragments_cost_nothing(row):
    for options, operands in ([[], SINK], [["--format", "json"], SINK],
                              [["--format", "netstring"], SINK],
                              [[], ["echo:"]], [["--compress"], SINK]):
        name = " ".join([*options, *operands])
        for payload in (b"", b"x"):
            with Listener(operands, options) as server, \
                    opened(server) as connection:
                pid = worker(server)
                before, began = private(pid), used(pid)
                with Peak(pid) as peak:
                    connection.send(fragments(FRAGMENTS, payload))
                    connection.send(frame(PING, b"there?"))
                    while (event := connection.frame(PATIENCE)) \
                            and event.opcode != PONG:
                        pass
                grown, cpu = private(pid) - before, used(pid) - began
                most = CONSTANT + 2 * FRAGMENTS * len(payload)
                row.ok(event and grown < most
                       and peak.most - before < most + 2 * MEBIBYTE,
                       "%s: %d fragments of %d bytes: %s are held"
                       % (name, FRAGMENTS, len(payload), mib(grown)),
                       (event, mib(peak.most - before)))
                row.ok(cpu < 1e-5 * FRAGMENTS, "%s: and cost %.0f ms"
                       % (name, 1000 * cpu), cpu)
    row.tried("%d empty fragments, and %d of a byte, in 5 formats", FRAGMENTS,
              FRAGMENTS)


def fragments_are_counted(row):
    with Listener(["cat"]) as server:
        code, _ = after(server, fragments((1 << 20) + 1, b""))
        row.ok(code == 1009, "2^20 + 1 fragments are too many", code)
    row.tried("2^20 + 1 fragments")


def fragments_are_bounded(row):
    fragments_cost_nothing(row)
    fragments_are_counted(row)


# B4: what was never written.

def said_by(command, sent, deflate=False):
    """What the program under valgrind answers, its log and its status."""
    argv = ["valgrind", "-q", "--error-exitcode=9", "--leak-check=no",
            *unconfined(), *command]
    with Once(argv) as server:
        with (Deflating(server.sock, "localhost") if deflate
              else Connection(server.sock)) as connection:
            if not deflate:
                connection.handshake("localhost")
            for data in sent:
                connection.send(data)
            frames = []
            while got := connection.frame(PATIENCE):
                frames.append(got)
                if got.opcode == CLOSE and not connection.said_close:
                    connection.send(close(1000))
        status = server.wait()
        return frames, server.log(), status


ENDING = ["sh", "-c", "read -r a; exit 3"]
LONGEST = '{"event":"close","code":4000,"reason":"%s"}' % ("\u00fc" * 61)
SENDERS = [     # that may send what they were never given
    ("echo", ["echo:"], True), ("line", ["cat"], True),
    ("json", ["--format", "json", "sed", "-un", '/"text"/p;/"ping"/p'], True),
    ("netstring", ["--format", "netstring", "cat"], True),
    ("compressed", ["--compress", "echo:"], True),
    ("compressed by itself", ["--compress", "cat"], True),
    ("a program that fails", ENDING, False),
    ("a program's longest reason", ["--format", "json", "echo", LONGEST],
     False),
    ("a program that is not there", ["/nowhere/at/all"], False),
    ("pages", ["--console", "echo:"], True)]


def nothing_else_is_sent(row):
    pings = [bytes([n]) * n for n in (0, 1, 2, 60, 124, 125)]
    sent = [frame(PING, ping) for ping in pings]
    sent += [frame(TEXT, b"a" * size) for size in (0, 1, 125, 126, 70_000)]
    for name, command, answers in SENDERS:
        if name == "a program that is not there":
            frames, log, status = refused_by(command)
        else:
            frames, log, status = said_by(
                command, sent + [close(1000, b"b" * 123)]
                if answers else [frame(TEXT, b"a")],
                "compressed" in name)
        wrong = [line for line in log if line.startswith("==")]
        row.ok(status != 9 and not wrong, "%s: valgrind sees nothing that "
               "was never written" % name, (status, wrong[:20]))
        pongs = [got.payload for got in frames if got.opcode == PONG]
        row.ok(pongs == (pings if answers else []) or name == "echo"
               and set(pongs) <= set(pings), name + ": Pongs are the Pings'",
               pongs)
        row.ok(all(len(got.payload) <= 125 for got in frames
                   if got.opcode == CLOSE), name + ": no Close is too long")
    row.tried("%d senders under valgrind, with Pings of 0 to 125 bytes and "
              "reasons of up to 123", len(SENDERS))


def refused_by(command):
    with Once(["valgrind", "-q", "--error-exitcode=9", *unconfined(),
               *command]) \
            as server:
        ran = server.play(attack.whole(rawclient.request("localhost")))
        return [], server.log(), ran.status


# B5: text.

LENGTHS_OF_TEXT = {1: 128, 2: 1920, 3: 61440, 4: 1048576}   # characters


def texts_of(size):
    """How many strings of so many bytes are UTF-8."""
    if size == 0:
        return 1
    return sum(count * texts_of(size - length) for length, count
               in LENGTHS_OF_TEXT.items() if length <= size)


def text_is_utf8(row):
    path = os.path.join(BUILD, "security", "utf8_all")
    halves = [subprocess.Popen([path, *half], stdout=subprocess.PIPE,
                               text=True)
              for half in (("0", "192"), ("192", "256"))]
    said = [half.communicate()[0] for half in halves]
    numbers = [list(map(int, words.split())) if "differs" not in words
               else [0, 0] for words in said]
    row.ok([sum(column) for column in zip(*numbers)]
           == [1 << 32, texts_of(4)], "all strings of four bytes: as RFC 3629 "
           "has it", said)
    row.tried("all 2^32 strings of four bytes")
    text_in_frames(row)


BAD_TEXTS = [b"\xff", b"\xc0\x80", b"\xed\xa0\x80", b"\xf4\x90\x80\x80",
             b"\xe2\x82", b"\xf0\x9f\x98", b"\xc3(", b"\x80", b"\xfe\xff",
             b"\xed\xbf\xbf", b"\xe0\x80\xaf", b"\xf8\x88\x80\x80\x80"]


def text_in_frames(row):
    """In fragments cut anywhere, with Pings between them; and at the first
    wrong byte, before the message ends."""
    count = 0
    with Listener(["cat"]) as server:
        for bad in BAD_TEXTS:
            text = "grüße ".encode() + bad
            for at in range(len(text) + 1):
                count += 1
                code, events = after(server, frame(
                    TEXT, text[:at], fin=False) + frame(PING) + frame(
                        CONTINUATION, text[at:]))
                row.ok(code == 1007 and not any(
                    event[0] == "text" for event in events),
                       "%r cut at %d: 1007" % (text, at), (code, events))
        for bad in BAD_TEXTS[:4]:
            code, _ = after(server, head(TEXT, 1000) + b"a" * 10 + bad)
            row.ok(code == 1007, "%r: 1007 before the message ends" % bad,
                   code)
    row.tried("%d texts in two fragments", count)


# B6: Close.

def may_be_sent(code):
    return code in (1000, 1001, 1002, 1003) or 1007 <= code <= 1014 \
        or 3000 <= code <= 4999


def codes(row):
    every = [*range(5200), *range(5200, 65536, 997), 65535]
    with Listener(["discard:"], ["--max-source", "1000"]) as server:
        def play(code):
            return after(server, frame(CLOSE, struct.pack("!H", code)))
        for code, (got, _) in zip(every, in_parallel(play, every)):
            row.ok(got == (code if may_be_sent(code) else 1002),
                   "a Close with %d" % code, got)
    return len(every)


ENDS = [        # what is sent, the code that comes back, once
    ("two Closes", close(1000) + close(1001), 1000),
    ("no code", close(), None),
    ("messages behind it", close(1000) + frame(TEXT, b"late") * 1000, 1000),
    ("Pings behind it", close(1000) + frame(PING) * 1000, 1000),
    ("no frames behind it", close(1000) + b"\xff" * 1000, 1000),
    ("in fragments", frame(TEXT, b"a", fin=False) + close(1001), 1001),
    ("in fragments, and the rest behind it",
     frame(TEXT, b"a", fin=False) + close(1001)
     + frame(CONTINUATION, b"b"), 1001),
    ("a reason of 123 bytes", close(1000, b"r" * 123), 1000),
    ("a reason that is not UTF-8", close(1000, b"\xff"), 1007),
    ("a reason that is cut", close(1000, b"\xe2\x82"), 1007),
    ("a reason without a code", frame(CLOSE, b"\x03"), 1002)]


def closes_once(row):
    for operands in (["discard:"], ["cat"]):
        with Listener(operands) as server:
            for name, data, code in ENDS:
                with opened(server) as connection:
                    connection.send(data)
                    connection.said_close = True
                    events = until_end(connection)
                closes = [event[1] for event in events
                          if event[0] == "close"]
                row.ok(closes == [code] and events[-1][0] in ("eof", "reset"),
                       "%s, %s: one Close" % (operands[0], name), events)
    test_endings.test_breaches(row)
    row.tried("%d codes, %d ends", codes(row), 2 * len(ENDS))


# B7: a client's masks.

MASKS = 1_000_000


def masks_are_random(row):
    path = os.path.join(BUILD, "security", "masks")
    with Once([path, str(MASKS)]) as client:
        with Connection(client.sock) as connection:
            sent = heard(connection)
    masks = [sent[at:at + 4] for at in range(2, 6 * MASKS, 6)]
    seen = set(masks)
    again = MASKS - len(seen)
    expected = MASKS ** 2 / 2 / 2 ** 32
    row.ok(len(sent) >= 6 * MASKS and expected / 2 < again < 2 * expected,
           "%d masks repeat, of random ones %.0f do" % (again, expected))
    numbers = [int.from_bytes(mask, "big") for mask in masks]
    for bit in range(32):
        ones = sum(number >> bit & 1 for number in numbers)
        row.ok(abs(ones - MASKS / 2) < 3 * MASKS ** 0.5,
               "bit %d is set in half of them" % bit, ones)
    steps = collections.Counter(
        (b - a) % (1 << 32) for a, b in zip(numbers, numbers[1:]))
    row.ok(steps.most_common(1)[0][1] < 6, "none follows from the one before",
           steps.most_common(3))
    row.tried("%d frames of a client: %d masks came twice", MASKS, again)


def heard(connection):
    """Play the server; returns what comes behind the handshake."""
    connection.fill_until(lambda: b"\r\n\r\n" in connection.buffer, PATIENCE)
    request, _, rest = bytes(connection.buffer).partition(b"\r\n\r\n")
    key = request.lower().partition(b"sec-websocket-key: ")[2]
    at = request.lower().index(b"sec-websocket-key: ") + 19
    key = request[at:at + 24]
    connection.buffer = bytearray(rest)
    connection.send(b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket"
                    b"\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: "
                    + rawclient.accept(key) + b"\r\n\r\n")
    connection.fill_until(lambda: len(connection.buffer) >= 6 * MASKS,
                          PATIENCE)
    return bytes(connection.buffer[:6 * MASKS])


# B8: deliveries.

def stream(chance):
    """Frames, of which the last ones may be damaged."""
    out = bytearray()
    for _ in range(chance.randrange(1, 9)):
        size = chance.choice([0, 1, 7, 125, 126, 300, 5000])
        text = bytes(chance.choice(b"abc \n\xc3\xa4") for _ in range(size)) \
            if chance.random() < 0.2 else b"x" * size
        out += frame(
            chance.choice([TEXT, TEXT, BINARY, CONTINUATION, PING, PONG]),
            text[:chance.choice([125, 5000])], fin=chance.random() < 0.7,
            rsv=chance.choice([0] * 30 + [4, 1]))
    if chance.random() < 0.5:
        out[chance.randrange(len(out))] ^= 1 << chance.randrange(8)
    if chance.random() < 0.3:
        del out[chance.randrange(len(out)):]
    if chance.random() < 0.5:
        out += close(chance.choice([1000, 1001, 1005, 4999]), b"bye")
    return bytes(out)


def played(command, data, deliver, env=None):
    """What a client sees of a stream, and the exit status."""
    with Once(command, env) as server:
        with Connection(server.sock) as connection:
            connection.handshake("localhost")
            deliver(connection, data)
            attack.end_of(connection.sock)
            events = []
            try:
                while event := connection.event(PATIENCE):
                    events.append(event)
                    if event[0] in ("eof", "reset"):
                        break
            except Violation as violation:
                events.append(("wrong", str(violation)))
            begun = b"".join(connection.parts or [])
        return events, begun, server.wait()


def at_once(connection, data):
    connection.send(data)


def in_pieces(connection, data):
    chance = random.Random(len(data))
    at = 0
    while at < len(data) and not connection.broken:
        size = chance.choice([1, 2, 3, 5, 14, 100, 4096, 4097])
        connection.send(data[at:at + size])
        connection.drain(0.002)
        at += size


STREAMS = 200
DELIVERIES = [  # how, the program, how it is sent, one byte a read
    ("at once", binary, at_once, False),
    ("in pieces", binary, in_pieces, False),
    ("a byte a read", binary, at_once, True),
    ("to the sanitized build, in pieces", sanitized_binary, in_pieces, False)]
KEEPING = ["sh", "-c", 'exec cat >"$0"']    # what it is told, in a file


def effect(operands, data, delivery):
    """What there is of a stream in the end, on both sides."""
    _, program, deliver, slowly = delivery
    with tempfile.NamedTemporaryFile() as kept:
        command = [program(), *operands]
        if operands[-1] == KEEPING[-1]:
            command.append(kept.name)
        seen = played(command, data, deliver, {
            "LD_PRELOAD": preload("shim_onebyte")} if slowly else None)
        return [*map(wrong_twice, seen[0])], *seen[1:], kept.read()


def wrong_twice(event):
    """A text that holds a newline and is not UTF-8 may be refused for either:
    each piece is looked through for the one and then for the other."""
    if event[:2] in (("close", 1003), ("close", 1007)):
        return "close", "1003 or 1007"
    return event


def deliveries_are_the_same(row):
    statuses = collections.Counter()
    for operands in (["echo:"], KEEPING, ["--format", "netstring", *KEEPING]):
        def play(number):
            data = stream(random.Random(number))
            return [effect(operands, data, delivery) for delivery
                    in DELIVERIES[:4 if number % 5 == 0 else 3]]
        for number, seen in enumerate(in_parallel(play, range(STREAMS), 4)):
            statuses[seen[0][2]] += 1
            row.ok(all(other == seen[0] for other in seen),
                   "%s, stream %d: the same however it comes"
                   % (operands[0], number), "\n".join(map(repr, seen)))
    row.ok({0, 1} <= statuses.keys(), "some end well and some do not",
           statuses)
    row.tried("%d streams of frames in %d deliveries, with 3 bridges", STREAMS,
              len(DELIVERIES))


ATTACKS = [
    ("B1", "lengths are 64 bits, compared without a sum, and nothing is held "
     "for what has only been promised", lengths_hold),
    ("B2", "a frame that may not be ends the connection with 1002, once, "
     "behind what came before", breaches_end_it),
    ("B3", "fragments are counted, empty ones too, and no more is held than "
     "their bytes", fragments_are_bounded),
    ("B4", "no byte is sent that was not written", nothing_else_is_sent),
    ("B5", "text is UTF-8, which is seen at the first wrong byte",
     text_is_utf8),
    ("B6", "one Close is sent, with a code that may be, and what is behind "
     "the client's is nothing", closes_once),
    ("B7", "a client's masks are random", masks_are_random),
    ("B8", "two deliveries of the same bytes have the same effect",
     deliveries_are_the_same),
]

if __name__ == "__main__":
    attack.main(ATTACKS)
