"""The 301 cases of Autobahn|Testsuite, groups 1 to 7, 9 and 10, as data.

A row is a case's id and a function that makes its Script; scripts are made
when they are run, because group 9 holds many MiB.  The octets, the expected
events and the endings are Autobahn's.  Two things are stricter: whole
messages are compared where group 9 compares lengths, and the cases called
informational must still follow the protocol.
"""

from functools import partial
from typing import NamedTuple

from rawclient import (BINARY, CLOSE, CONTINUATION, NAMES, PING, PONG, TEXT,
                       close, cut, fragments, frame)

OK, NON_STRICT, INFORMATIONAL = "OK", "NON-STRICT", "INFORMATIONAL"

COUNTS = {"1": 16, "2": 11, "3": 7, "4": 10, "5": 20, "6": 145, "7": 37,
          "9": 54, "10": 1}


class Send(NamedTuple):
    """Write data, in writes of chop octets if chop is given."""
    data: bytes
    chop: int = 0


class Pause(NamedTuple):
    """Wait a second; if the server has not failed the connection by then, and
    the pause has a name, that is the event ("timeout", name)."""
    name: str = ""


class Await(NamedTuple):
    """Wait until so many events have come."""
    events: int


class Ending(NamedTuple):
    """How the conversation must end.  Clean: the server answers the Close and
    then closes TCP.  Not clean: the server fails the connection, with one of
    the codes, an empty Close, or a plain drop."""
    clean: bool
    codes: tuple


CLEAN = Ending(True, (1000,))
PROTOCOL = Ending(False, (1002,))
NOT_UTF8 = Ending(False, (1007,))


class Script(NamedTuple):
    """One case: what is sent, which lists of events are right and what each
    is called (the strict one first), and the ending."""
    steps: list
    outcomes: list
    ending: Ending
    wait: float = 2     # seconds the expected events may take
    closes: bool = False    # the steps send a Close themselves


def script(writes, events, ending=CLEAN, chop=0, lenient=None, **more):
    """A script of plain writes, with perhaps a second list of events that is
    correct but not strict."""
    outcomes = [(OK, events)]
    if lenient is not None:
        outcomes.append((NON_STRICT, lenient))
    return Script([Send(data, chop) for data in writes], outcomes, ending,
                  **more)


def framewise(frames, chop):
    """One write for all frames, or one for each if chop is "frames"."""
    return frames if chop == "frames" else [b"".join(frames)]


def octets(chop):
    """The size of chops; frame-wise writing chops nothing."""
    return 0 if chop == "frames" else chop


def echo(opcode, pattern, size, chop=0, fragment=None, wait=2):
    """One message, whole or in fragments, that must come back."""
    payload = (pattern * (size // len(pattern) + 1))[:size]
    parts = [payload] if fragment is None else cut(payload, fragment)
    return script([b"".join(fragments(opcode, parts))],
                  [(NAMES[opcode], payload)], chop=chop, wait=wait)


def echoed_text(payload, parts=None):
    return script([b"".join(fragments(TEXT, parts or [payload]))],
                  [("text", payload)])


def refused_text(payload, parts=None):
    return script([b"".join(fragments(TEXT, parts or [payload]))], [],
                  NOT_UTF8)


# 1: framing

SIZES = (0, 125, 126, 127, 128, 65535, 65536)


def group1():
    for sub, opcode, pattern in ((1, TEXT, b"*"), (2, BINARY, b"\xfe")):
        for n, size in enumerate(SIZES, 1):
            wait = 10 if size > 65000 else 2
            yield "1.%d.%d" % (sub, n), partial(echo, opcode, pattern, size,
                                                wait=wait)
        yield "1.%d.8" % sub, partial(echo, opcode, pattern, 65536, chop=997,
                                      wait=10)


# 2: pings and pongs

OCTETS = bytes.fromhex("00fffefdfcfb00ff")


def pings(payloads, chop=0):
    return script([b"".join(frame(PING, payload) for payload in payloads)],
                  [("pong", payload) for payload in payloads], chop=chop)


def unsolicited_pong(payload):
    return script([frame(PONG, payload) + close(1000)], [], closes=True)


def pong_then_ping():
    return script([frame(PONG, b"unsolicited pong payload")
                   + frame(PING, b"ping payload")], [("pong", b"ping payload")])


def group2():
    ten = [b"payload-%d" % n for n in range(10)]
    yield "2.1", partial(pings, [b""])
    yield "2.2", partial(pings, [b"Hello, world!"])
    yield "2.3", partial(pings, [OCTETS])
    yield "2.4", partial(pings, [b"\xfe" * 125])
    yield "2.5", partial(script, [frame(PING, b"\xfe" * 126)], [], PROTOCOL)
    yield "2.6", partial(pings, [b"\xfe" * 125], chop=1)
    yield "2.7", partial(unsolicited_pong, b"")
    yield "2.8", partial(unsolicited_pong, b"unsolicited pong payload")
    yield "2.9", pong_then_ping
    yield "2.10", partial(pings, ten)
    yield "2.11", partial(pings, ten, chop=1)


# 3 and 4: reserved bits and opcodes

HELLO = b"Hello, world!"


def bad_after_text(bad, chop=0):
    """A good message, the bad frame, a ping: the first must come back."""
    writes = framewise([frame(TEXT, HELLO), bad, frame(PING)], chop)
    return script(writes, [("text", HELLO)], PROTOCOL, octets(chop),
                  lenient=[])


def bad_frame(bad):
    return script([bad], [], PROTOCOL)


def group3():
    yield "3.1", partial(bad_frame, frame(TEXT, HELLO, rsv=1))
    yield "3.2", partial(bad_after_text, frame(TEXT, HELLO, rsv=2))
    yield "3.3", partial(bad_after_text, frame(TEXT, HELLO, rsv=3), "frames")
    yield "3.4", partial(bad_after_text, frame(TEXT, HELLO, rsv=4), 1)
    yield "3.5", partial(bad_frame, frame(BINARY, OCTETS, rsv=5))
    # Autobahn calls 3.6 a ping; what it sends is a binary message.
    yield "3.6", partial(bad_frame, frame(BINARY, HELLO, rsv=6))
    yield "3.7", partial(bad_frame, frame(CLOSE, rsv=7))


def group4():
    for sub, first in ((1, 3), (2, 11)):
        name = "4.%d." % sub
        yield name + "1", partial(bad_frame, frame(first))
        yield name + "2", partial(bad_frame, frame(first + 1, b"reserved"))
        yield name + "3", partial(bad_after_text, frame(first + 2))
        yield name + "4", partial(bad_after_text, frame(first + 3, HELLO))
        yield name + "5", partial(bad_after_text, frame(first + 4, HELLO), 1)


# 5: fragments

F = [b"fragment%d" % n for n in range(6)]   # F[1] is "fragment1"
CHOPS = (0, "frames", 1)


def more(payload, fin=False):
    return frame(CONTINUATION, payload, fin=fin)


def chopped(frames, events, chop, ending=CLEAN):
    return script(framewise(frames, chop), events, ending, octets(chop))


def paused_fragments(chop):
    """5.19 and 5.20: pings between the fragments, and a second's pause."""
    first = [frame(TEXT, F[1], fin=False), more(F[2]),
             frame(PING, b"pongme 1!")]
    second = [more(F[3]), more(F[4]), frame(PING, b"pongme 2!"),
              more(F[5], fin=True)]
    steps = [*map(Send, framewise(first, chop)), Pause(),
             *map(Send, framewise(second, chop))]
    events = [("pong", b"pongme 1!"), ("pong", b"pongme 2!"),
              ("text", b"".join(F[1:]))]
    return Script(steps, [(OK, events)], CLEAN)


def group5():
    start, end = frame(TEXT, F[1], fin=False), more(F[2], fin=True)
    for n, opcode in ((1, PING), (2, PONG)):
        yield "5.%d" % n, partial(bad_frame, frame(opcode, F[1], fin=False)
                                  + end)
    whole, ping = ("text", F[1] + F[2]), frame(PING, b"ping payload")
    stray, hello = b"non-continuation payload", frame(TEXT, HELLO)
    for n, chop in enumerate(CHOPS):
        yield "5.%d" % (n + 3), partial(chopped, [start, end], [whole], chop)
        yield "5.%d" % (n + 6), partial(
            chopped, [start, ping, end], [("pong", b"ping payload"), whole],
            chop)
        yield "5.%d" % (n + 9), partial(
            chopped, [more(stray, fin=True), hello], [], chop, PROTOCOL)
        yield "5.%d" % (n + 12), partial(
            chopped, [more(stray), hello], [], chop, PROTOCOL)
    yield "5.15", partial(script, [start + end + more(F[3])
                                   + frame(TEXT, F[4])], [whole], PROTOCOL,
                          lenient=[])
    for n, fin in ((16, False), (17, True)):
        yield "5.%d" % n, partial(
            bad_frame, 2 * (more(F[1], fin) + frame(TEXT, F[2], fin=False)
                            + more(F[3], fin=True)))
    yield "5.18", partial(bad_frame, start + frame(TEXT, F[2]))
    yield "5.19", partial(paused_fragments, 0)
    yield "5.20", partial(paused_fragments, "frames")


# 6: UTF-8

KOSME = bytes.fromhex("cebae1bdb9cf83cebcceb5")
GREETING = "Hello-\u00b5@\u00df\u00f6\u00e4\u00fc\u00e0\u00e1-UTF-8!!".encode()
SURROGATE = KOSME + b"\xed\xa0\x80" + b"edited"
TOO_HIGH = KOSME + b"\xf4\x90\x80\x80" + b"edited"


def fail_fast(writes):
    """6.4: three writes a second apart; the second makes the text invalid,
    and the server must not wait for the third to notice."""
    steps = [Send(writes[0]), Pause("A"), Send(writes[1]), Pause("B"),
             Send(writes[2])]
    a, b = ("timeout", "A"), ("timeout", "B")
    return Script(steps, [(OK, [a]), (NON_STRICT, [a, b])], NOT_UTF8)


def three(whole, first, second, one_frame):
    """whole as three fragments, or as one frame delivered in three pieces."""
    parts = [whole[:first], whole[first:second], whole[second:]]
    if not one_frame:
        return fail_fast(fragments(TEXT, parts))
    data = frame(TEXT, whole)
    head = len(data) - len(whole)
    return fail_fast([data[:head + first], data[head + first:head + second],
                      data[head + second:]])


def lonely(first, last):
    return b"".join(bytes([n, 0x20]) for n in range(first, last + 1)).hex()


def nonchars():
    """The last two code points of each plane, the first plane's first."""
    return " ".join(chr(plane << 16 | 0xFFFE | n).encode("utf-8").hex()
                    for plane in range(17) for n in (0, 1))


CUT_SHORT = ("c0 e080 f08080 f8808080 fc80808080 "
             "df efbf f7bfbf fbbfbfbf fdbfbfbfbf")

# Group 6 from 6.5 on: payloads in hexadecimal; "!" marks what is not UTF-8.
# 6.12.8 and 6.13 lack the last of their range, as Autobahn's do.
UTF8 = {
    5: " ".join(("hello%sworld" % c).encode().hex()
                for c in "$\u00a2\u20ac\U00024b62") + " " + KOSME.hex(),
    6: " ".join(("" if n in (2, 5, 7, 9, 11) else "!") + KOSME[:n].hex()
                for n in range(1, 12)),
    7: "00 c280 e0a080 f0908080",
    8: "!f888808080 !fc8480808080",
    9: "7f dfbf efbfbf f48fbfbf",
    10: "!f7bfbfbf !fbbfbfbfbf !fdbfbfbfbfbf",
    11: "ed9fbf ee8080 efbfbd f48fbfbf !f4908080",
    12: "!80 !bf !80bf !80bf80 !80bf80bf !80bf80bf80 !80bf80bf80bf !"
        + bytes(range(0x80, 0xbf)).hex(),
    13: " ".join("!" + lonely(*ends) for ends in (
        (0xc0, 0xde), (0xe0, 0xee), (0xf0, 0xf6), (0xf8, 0xfa), (0xfc, 0xfc))),
    14: "!" + CUT_SHORT.replace(" ", " !"),
    15: "!" + CUT_SHORT.replace(" ", ""),
    16: "!fe !ff !fefeffff",
    17: "!c0af !e080af !f08080af !f8808080af !fc80808080af",
    18: "!c1bf !e09fbf !f08fbfbf !f887bfbfbf !fc83bfbfbfbf",
    19: "!c080 !e08080 !f0808080 !f880808080 !fc8080808080",
    20: "!eda080 !edadbf !edae80 !edafbf !edb080 !edbe80 !edbfbf",
    21: " ".join("!%s%s" % (high, low)
                 for high in ("eda080", "edadbf", "edae80", "edafbf")
                 for low in ("edb080", "edbfbf")),
    22: nonchars(),
    23: "efbfb9 efbfba efbfbb efbfbc efbfbd efbfbe efbfbf",
}


def group6():
    middle = b"middle frame payload"
    yield "6.1.1", partial(echoed_text, b"")
    yield "6.1.2", partial(echoed_text, b"", [b"", b"", b""])
    yield "6.1.3", partial(echoed_text, middle, [b"", middle, b""])
    border = GREETING.index("\u00fc".encode())
    yield "6.2.1", partial(echoed_text, GREETING)
    yield "6.2.2", partial(echoed_text, GREETING,
                           [GREETING[:border], GREETING[border:]])
    yield "6.2.3", partial(echoed_text, GREETING, cut(GREETING, 1))
    yield "6.2.4", partial(echoed_text, KOSME, cut(KOSME, 1))
    yield "6.3.1", partial(refused_text, SURROGATE)
    yield "6.3.2", partial(refused_text, SURROGATE, cut(SURROGATE, 1))
    for n, (first, second, one_frame) in enumerate((
            (11, 15, False), (12, 13, False), (11, 15, True), (12, 13, True))):
        yield "6.4.%d" % (n + 1), partial(three, TOO_HIGH, first, second,
                                          one_frame)
    for sub, payloads in UTF8.items():
        for n, payload in enumerate(payloads.split(), 1):
            make = refused_text if payload[0] == "!" else echoed_text
            yield "6.%d.%d" % (sub, n), partial(
                make, bytes.fromhex(payload.lstrip("!")))


# 7: closing

GOOD_CODES = (1000, 1001, 1002, 1003, 1007, 1008, 1009, 1010, 1011, 3000,
              3999, 4000, 4999)
BAD_CODES = (0, 999, 1004, 1005, 1006, 1016, 1100, 2000, 2999)


def closing(data, ending=CLEAN, outcomes=((OK, []),), wait=2):
    """A case that sends its Close itself; nothing else may come back."""
    return Script([Send(data)], list(outcomes), ending, wait, closes=True)


def close_behind_messages():
    """7.1.6: whether messages before the Close are answered is left open."""
    big = (b"BAsd7&jh23" * 26215)[:256 << 10]
    events = [("text", big), ("text", b"Hello World!")]
    data = b"".join(frame(TEXT, payload) for _, payload in events)
    return closing(data + close(1000) + frame(PING), wait=10, outcomes=[
        (INFORMATIONAL, events[:n]) for n in (2, 1, 0)])


def unassigned_code(code):
    """7.13: the RFC does not say; the connection must end all the same."""
    return closing(close(code), Ending(False, (1000, 1002, code)),
                   [(INFORMATIONAL, [])])


def group7():
    world = b"Hello World!"
    yield "7.1.1", partial(echoed_text, world)
    yield "7.1.2", partial(closing, close(1000) + close())
    yield "7.1.3", partial(closing, close(1000) + frame(PING))
    yield "7.1.4", partial(closing, close(1000) + frame(TEXT, world))
    yield "7.1.5", partial(closing, frame(TEXT, F[1], fin=False) + close(1000)
                           + more(F[2], fin=True))
    yield "7.1.6", close_behind_messages
    yield "7.3.1", partial(closing, close())
    yield "7.3.2", partial(closing, close(None, b"a"), PROTOCOL)
    yield "7.3.3", partial(closing, close(1000))
    yield "7.3.4", partial(closing, close(1000, world))
    yield "7.3.5", partial(closing, close(1000, b"*" * 123))
    yield "7.3.6", partial(closing, close(1000, b"*" * 124), PROTOCOL)
    yield "7.5.1", partial(closing, close(1000, SURROGATE),
                           Ending(False, (1002, 1007)))
    for n, code in enumerate(GOOD_CODES, 1):
        yield "7.7.%d" % n, partial(closing, close(code),
                                    Ending(True, (1000, code)))
    for n, code in enumerate(BAD_CODES, 1):
        yield "7.9.%d" % n, partial(closing, close(code), PROTOCOL)
    yield "7.13.1", partial(unassigned_code, 5000)
    yield "7.13.2", partial(unassigned_code, 65535)


# 9: large and many messages; 10: automatic fragmentation

K, M = 1 << 10, 1 << 20
MIXED = {TEXT: b"BAsd7&jh23", BINARY: bytes.fromhex("00fe23faf0")}
PLAIN = {TEXT: b"*", BINARY: b"\xfe"}


def one_after_another(opcode, size, wait):
    """A thousand messages, each sent when the one before has come back."""
    payload = PLAIN[opcode] * size
    steps = []
    for n in range(1, 1001):
        steps += [Send(frame(opcode, payload)), Await(n)]
    return Script(steps, [(OK, [(NAMES[opcode], payload)] * 1000)], CLEAN,
                  wait)


def group9():
    for n, size in enumerate((64*K, 256*K, M, 4*M, 8*M, 16*M), 1):
        for sub, opcode in ((1, TEXT), (2, BINARY)):
            yield "9.%d.%d" % (sub, n), partial(echo, opcode, MIXED[opcode],
                                                size, wait=100)
    for n in range(9):
        for sub, opcode in ((3, TEXT), (4, BINARY)):
            yield "9.%d.%d" % (sub, n + 1), partial(
                echo, opcode, PLAIN[opcode], 4*M, fragment=64 << 2*n, wait=100)
    for n in range(6):
        for sub, opcode in ((5, TEXT), (6, BINARY)):
            yield "9.%d.%d" % (sub, n + 1), partial(
                echo, opcode, MIXED[opcode], M, chop=64 << n, wait=1000)
    for n, (size, wait) in enumerate(((0, 60), (16, 60), (64, 60), (256, 120),
                                      (1024, 240), (4096, 480)), 1):
        for sub, opcode in ((7, TEXT), (8, BINARY)):
            yield "9.%d.%d" % (sub, n), partial(one_after_another, opcode,
                                                size, wait)


def group10():
    yield "10.1.1", partial(echo, TEXT, b"*", 65536, fragment=1300, wait=10)


def table():
    """All rows as a dict, in the order of their ids; the count of each group
    must be Autobahn's."""
    rows = [row for group in (group1, group2, group3, group4, group5, group6,
                              group7, group9, group10) for row in group()]
    rows.sort(key=lambda row: [int(n) for n in row[0].split(".")])
    cases = dict(rows)
    groups = [name.split(".")[0] for name in cases]
    counts = {group: groups.count(group) for group in COUNTS}
    if counts != COUNTS or len(cases) != len(rows):
        raise ValueError("the table has %r, Autobahn %r" % (counts, COUNTS))
    return cases
