"""Large messages and long lines: whole, in any amount at once in both ways,
and nothing of one that must not pass.
"""

import os
import tempfile

import rawclient
from rawclient import BINARY, CONTINUATION, PING, TEXT, fragments, frame
from server import Listener, same_descriptors
from tap import Tap
from ws_test import close_of, line_of, log_fields, opened, until_end

KIB, MIB = 1 << 10, 1 << 20
NO_KEY = b"\0\0\0\0"       # legal, and costs this client nothing


def text(size, seed=0):
    """Lines of it would differ at every place: ASCII, and some that is not."""
    words = "".join("%d grün € 😀 " % (number * 7 + seed)
                    for number in range(size // 12 + 1)).encode()
    return words[:size - 4].decode(errors="ignore").encode().ljust(size, b".")


# Many at once: the client reads nothing before it has sent them all.

OUTSTANDING = [     # size, how many
    (64 * KIB, 4), (64 * KIB - 1, 4), (64 * KIB + 1, 16), (MIB, 2), (MIB, 8),
    (100, 5000),
]
SERVERS = [
    ("echo:", ["echo:"], []),
    ("cat, lines", ["cat"], []),
    ("cat, lines, escaped", ["cat"], ["--newline", "escape"]),
    ("cat, replaced", ["cat"], ["--bad-text", "replace"]),
    ("cat, NULs", ["cat"], ["--format", "nul"]),
    ("cat, netstrings", ["cat"], ["--format", "netstring"]),
]


def all_back(server, size, count):
    """Whether the messages come back, as they were and in their order."""
    messages = [text(size, number) for number in range(count)]
    with opened(server) as connection:
        connection.send(b"".join(frame(TEXT, m, key=NO_KEY)
                                 for m in messages))
        got = [connection.event(30) for _ in messages]
    return got == [("text", m) for m in messages]


def test_outstanding(tap):
    for name, operands, options in SERVERS:
        for address in ("tcp", "unix"):
            with Listener(operands, options, address=address) as server:
                for size, count in OUTSTANDING:
                    tap.ok(all_back(server, size, count),
                           "%s, %s: %d messages of %d bytes"
                           % (name, address, count, size))


# Lines that are sent while they are being written.

def written(tap, name, output, expected, options=(), code=1000, reason=""):
    """The program writes output; these messages and this close come."""
    with tempfile.NamedTemporaryFile() as f:
        f.write(output)
        f.flush()
        with Listener(["cat", f.name], options) as server, \
                opened(server) as connection:
            events = until_end(connection)
            logged = log_fields(line_of(server, "/"))
    got = [event[1] for event in events if event[0] in ("text", "binary")]
    tap.ok(got == expected and close_of(events)[0] == code
           and reason in logged["reason"], name,
           ([len(m) for m in got], close_of(events), logged))


def test_lines(tap):
    long = text(300 * KIB)
    for size in (256 * KIB, 300 * KIB):
        for tail in (b"\n", b"\r\n", b"\r", b""):
            written(tap, "a line of %d KiB that ends in %r"
                    % (size // KIB, tail), text(size) + tail, [text(size)])
    written(tap, "long lines and short ones",
            b"a\n" + long + b"\n\n" + long + b"\r\nb", [b"a", long, b"", long,
                                                       b"b"])
    for size in range(128 * KIB - 2, 128 * KIB + 3):
        line = text(size)
        written(tap, "a CR within %d bytes" % size, line + b"\ra\r\n",
                [line + b"\ra"])
        written(tap, "a CR behind %d bytes" % size, line + b"\r\n", [line])
        written(tap, "two of them", line + b"\r\r\n", [line + b"\r"])


def test_wrong_lines(tap):
    long = text(200 * KIB)
    written(tap, "a byte that is no text, late in a line",
            b"a\n" + long + b"\xff" + long + b"\n", [b"a"], code=1011,
            reason="not UTF-8 at byte %d" % len(long))
    written(tap, "the same at its end", long + b"\xe2\x82\n", [], code=1011,
            reason="not UTF-8 at byte %d" % (len(long) + 2))
    written(tap, "and at the end of all output", long + b"\xe2\x82", [],
            code=1011, reason="not UTF-8 at byte %d" % (len(long) + 2))
    written(tap, "it is replaced", long + b"\xff\n",
            [long + "\ufffd".encode()], ["--bad-text", "replace"])
    written(tap, "it is sent as binary", long + b"\xff\n" + long + b"\n",
            [long + b"\xff", long], ["--bad-text", "binary"])
    written(tap, "a line of the limit", long + b"\r\n", [long],
            ["--max-message", str(len(long))])
    written(tap, "a line of one byte more", b"a\n" + long + b"b\n", [b"a"],
            ["--max-message", str(len(long))], code=1011, reason="over")


def test_errors_between(tap):
    """Standard error is told the client between messages, never within."""
    long = "a" * (200 * KIB)
    program = "head -c %d /dev/zero | tr '\\0' a; echo error >&2; " \
        "sleep 0.3; echo" % len(long)
    with Listener(["sh", "-c", program], ["--stderr", "client"]) as server, \
            opened(server) as connection:
        events = until_end(connection)
    got = sorted(len(event[1]) for event in events if event[0] == "text")
    tap.ok(got == [len("stderr: error"), len(long)],
           "standard error and a long line", got)


# What the program must not see.

def read_by_program(parts, more=b"", options=()):
    """What it has read, and the close code."""
    with tempfile.TemporaryDirectory() as home:
        with Listener(["sh", "-c", 'cat >"$HOME/read"'], options,
                      env=dict(os.environ, HOME=home)) as server, \
                opened(server) as connection:
            connection.send(b"".join(parts) + more)
            events = until_end(connection)
        with open(home + "/read", "rb") as f:
            return f.read(), close_of(events)[0]


def test_refused(tap):
    good = frame(TEXT, b"good")
    long = text(MIB)
    halves = [long[:MIB // 2], long[MIB // 2:]]
    for name, parts, code in [
            ("a newline", fragments(TEXT, [*halves, b"\nend"]), 1003),
            ("bad UTF-8", fragments(TEXT, [*halves, b"\xff"]), 1007),
            ("half a character", fragments(TEXT, [*halves, b"\xe2"]), 1007),
            ("its limit", fragments(BINARY, [long] * 17), 1009),
            ("a frame that has no place",
             [frame(TEXT, long, fin=False), frame(TEXT, b"a")], 1002),
            ("a Close", [frame(TEXT, long, fin=False),
                         rawclient.close(1000)], 1000)]:
        read, closed = read_by_program([good, *parts])
        tap.ok((read, closed) == (b"good\n", code),
               "of a message cut off by %s, the program reads nothing" % name,
               (len(read), closed))


def test_between_fragments(tap):
    """A Ping within a message is answered, and the message passes whole."""
    long = text(200 * KIB)
    with Listener(["cat"]) as server, opened(server) as connection:
        connection.send(frame(TEXT, long[:MIB // 8], fin=False)
                        + frame(PING, b"there?"))
        tap.ok(connection.event() == ("pong", b"there?"), "a Ping in between")
        connection.send(frame(CONTINUATION, long[MIB // 8:]))
        tap.ok(connection.event() == ("text", long), "and the message")


def main():
    tap = Tap()
    with same_descriptors():
        test_outstanding(tap)
        test_lines(tap)
        test_wrong_lines(tap)
        test_errors_between(tap)
        test_refused(tap)
        test_between_fragments(tap)
    tap.finish()


if __name__ == "__main__":
    main()
