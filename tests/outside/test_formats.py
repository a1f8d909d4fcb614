"""How messages look on a program's pipes: for each format and policy what is
sent and what the program reads, what it writes and what arrives; or the close
code and the words in the log, where a message cannot pass."""

import base64
import json
import re
import tempfile

import rawclient
from rawclient import BINARY, TEXT, frame
from server import Listener, same_descriptors
from tap import Tap
from ws_test import (close_of, in_parallel, line_of, log_fields, opened,
                     until_end)

LIMIT = 40      # bytes of a message
AT, OVER = b"a" * LIMIT, b"a" * (LIMIT + 1)

def text_event(data):
    return b'{"event":"text","data":"%s"}\n' % data


# Messages to the program.

SENT = [    # options, [(name, type, message, what is read or code and words)]
    (["--format", "line"], [
        ("text", TEXT, b"hello", b"hello\n"),
        ("binary", BINARY, b"\xff\xfe", b"\xff\xfe\n"),
        ("UTF-8", TEXT, "grün€😀".encode(), "grün€😀\n".encode()),
        ("a NUL", TEXT, b"a\0b", b"a\0b\n"),
        ("a CR at the end", TEXT, b"a\r", b"a\r\n"),
        ("nothing", TEXT, b"", b"\n"),
        ("nothing, binary", BINARY, b"", b"\n"),
        ("a newline", TEXT, b"a\nb", (1003, "newline")),
        ("a newline alone", TEXT, b"\n", (1003, "newline")),
        ("a newline, binary", BINARY, b"a\n", (1003, "newline")),
        ("bad UTF-8", TEXT, b"a\xff", (1007, "UTF-8")),
        ("the limit", TEXT, AT, AT + b"\n"),
        ("the limit plus one", TEXT, OVER, (1009, "too large")),
    ]),
    (["--format", "line", "--newline", "escape"], [
        ("newlines and backslashes", TEXT, b"a\nb\\c\n", b"a\\nb\\\\c\\n\n"),
        ("a NUL", TEXT, b"\0", b"\0\n"),
        ("nothing", TEXT, b"", b"\n"),
        ("the limit", TEXT, b"\n" * LIMIT, b"\\n" * LIMIT + b"\n"),
        ("the limit plus one", BINARY, b"\n" * (LIMIT + 1),
         (1009, "too large")),
    ]),
    (["--format", "line", "--newline", "split"], [
        ("newlines", TEXT, b"a\n\nb\n", b"a\n\nb\n\n"),
        ("nothing", BINARY, b"", b"\n"),
    ]),
    (["--format", "line", "--newline", "space"], [
        ("newlines", TEXT, b"\na\n\nb\n", b" a  b \n"),
        ("nothing", TEXT, b"", b"\n"),
        ("a NUL", TEXT, b"a\0b", b"a\0b\n"),
    ]),
    (["--format", "nul"], [
        ("text", TEXT, b"hello", b"hello\0"),
        ("binary", BINARY, b"\xff\xfe", b"\xff\xfe\0"),
        ("newlines", TEXT, b"a\nb\r\n", b"a\nb\r\n\0"),
        ("nothing", TEXT, b"", b"\0"),
        ("a NUL", TEXT, b"a\0b", (1003, "NUL")),
        ("a NUL, binary", BINARY, b"\0", (1003, "NUL")),
        ("bad UTF-8", TEXT, b"\xc3", (1007, "UTF-8")),
        ("the limit", TEXT, AT, AT + b"\0"),
        ("the limit plus one", TEXT, OVER, (1009, "too large")),
    ]),
    (["--format", "nul", "--newline", "escape"], [
        ("NULs, newlines and backslashes", TEXT, b"a\0b\\c\n",
         b"a\\0b\\\\c\n\0"),
    ]),
    (["--format", "nul", "--newline", "split"], [
        ("NULs", BINARY, b"a\0\0b\0", b"a\0\0b\0\0"),
    ]),
    (["--format", "nul", "--newline", "space"], [
        ("NULs and newlines", TEXT, b"\0a\n\0", b" a\n \0"),
    ]),
    (["--format", "netstring"], [
        ("text", TEXT, b"hello", b"6:thello,"),
        ("binary", BINARY, b"\xff\0\n", b"4:b\xff\0\n,"),
        ("newlines and NULs", TEXT, b"\n\0", b"3:t\n\0,"),
        ("nothing", TEXT, b"", b"1:t,"),
        ("nothing, binary", BINARY, b"", b"1:b,"),
        ("bad UTF-8", TEXT, b"\xff", (1007, "UTF-8")),
        ("the limit", TEXT, AT, b"41:t" + AT + b","),
        ("the limit plus one", BINARY, OVER, (1009, "too large")),
    ]),
    (["--format", "json"], [
        ("text", TEXT, b"hello", text_event(b"hello")),
        ("quotes", TEXT, b'"\\/', text_event(br'\"\\/')),
        ("binary", BINARY, b"\0\1\xff",
         b'{"event":"binary","data":"AAH/"}\n'),
        ("UTF-8", TEXT, "grün€😀".encode(), text_event("grün€😀".encode())),
        ("newlines and NULs", TEXT, b"\r\n\0\x1f\x7f",
         text_event(b"\\r\\n\\u0000\\u001f\\u007f")),
        ("nothing", TEXT, b"", text_event(b"")),
        ("nothing, binary", BINARY, b"", b'{"event":"binary","data":""}\n'),
        ("a ping", rawclient.PING, b"hi", b'{"event":"ping","data":"aGk="}\n'),
        ("a pong", rawclient.PONG, b"", b'{"event":"pong","data":""}\n'),
        ("bad UTF-8", TEXT, b"a\xff", (1007, "UTF-8")),
        ("the limit", TEXT, AT, text_event(AT)),
        ("the limit plus one", TEXT, OVER, (1009, "too large")),
    ]),
    (["--format", "raw"], [
        ("text", TEXT, b"hello\n", b"hello\n"),
        ("binary", BINARY, b"\xff\0\n", b"\xff\0\n"),
        ("nothing", TEXT, b"", b""),
        ("bad UTF-8", TEXT, b"\xff", (1007, "UTF-8")),
        ("the limit", TEXT, AT, AT),
        ("the limit plus one", BINARY, OVER, (1009, "too large")),
    ]),
]


def without_frame(read):
    """What is read without the events that open and close json."""
    first, _, rest = read.partition(b"\n")
    if not first.startswith(b'{"event":"open",'):
        return read
    return re.sub(rb'\{"event":"(close","code":1000|gone"),"reason":".*"\}\n$',
                  b"", rest)


def sent(server, home, row):
    """What the program read of a message; the close, and the log's reason."""
    path, opcode, message = row
    with opened(server, path) as connection:
        connection.send(frame(opcode, message) + rawclient.close(1000))
        closing = close_of(until_end(connection))
    logged = log_fields(line_of(server, path))
    with open(home + path, "rb") as f:
        return without_frame(f.read()), closing[0], logged["reason"]


def test_sent(tap):
    for options, rows in SENT:
        with tempfile.TemporaryDirectory() as home, Listener(
                ["sh", "-c", 'cat >"$HOME$PATH_INFO"'],
                [*options, "--max-message", str(LIMIT)],
                env={"HOME": home}) as server:
            results = in_parallel(
                lambda it: sent(server, home, ("/%d" % it[0], *it[1][1:3])),
                enumerate(rows))
        for (name, _, _, wanted), (read, code, reason) in zip(rows, results):
            told = "%s, %s: " % (" ".join(options[1:]), name)
            if isinstance(wanted, bytes):
                tap.ok((read, code) == (wanted, 1000),
                       told + "the program reads %.60r" % wanted,
                       (read, code, reason))
            else:
                tap.ok(code == wanted[0] and wanted[1] in reason,
                       told + "%d, and '%s' in the log" % wanted,
                       (read, code, reason))


# Messages from the program.

def binary_event(data):
    return b'{"event":"binary","data":"%s"}\n' % base64.b64encode(data)


def texts(*payloads):
    return [("text", payload) for payload in payloads]


WRITTEN = [     # options, [(name, output, messages, words if it ends there)]
    (["--format", "line"], [
        ("text", b"hello\n", texts(b"hello"), None),
        ("lines", b"a\n\nb\n", texts(b"a", b"", b"b"), None),
        ("a NUL", b"a\0b\n", texts(b"a\0b"), None),
        ("a CR", b"a\r\nb\rc\n", texts(b"a", b"b\rc"), None),
        ("a last line without newline", b"a\nb", texts(b"a", b"b"), None),
        ("nothing", b"", [], None),
        ("bad UTF-8", b"a\nb\xff\n", texts(b"a"), "UTF-8 at byte 1"),
        ("the limit", AT + b"\n", texts(AT), None),
        ("the limit plus one", OVER + b"\n", [], "line of over 40 bytes"),
    ]),
    (["--format", "line", "--bad-text", "replace"], [
        ("bad UTF-8", b"a\xffb\xc3\n", texts("a\ufffdb\ufffd".encode()), None),
    ]),
    (["--format", "line", "--bad-text", "binary"], [
        ("bad UTF-8", b"a\xff\nb\n", [("binary", b"a\xff"), ("text", b"b")],
         None),
    ]),
    (["--format", "nul"], [
        ("text", b"hello\0", texts(b"hello"), None),
        ("newlines", b"a\nb\r\n\0\0c\r\0", texts(b"a\nb\r\n", b"", b"c\r"),
         None),
        ("a last text without NUL", b"a\0b\n", texts(b"a", b"b\n"), None),
        ("nothing", b"", [], None),
        ("bad UTF-8", b"a\0bc\xff\0", texts(b"a"), "text that is not UTF-8 at "
         "byte 2"),
        ("the limit", AT + b"\0", texts(AT), None),
        ("the limit plus one", OVER + b"\0", [], "text of over 40 bytes"),
        ("the limit plus one, without NUL", OVER, [], "over 40 bytes"),
    ]),
    (["--format", "nul", "--bad-text", "replace"], [
        ("bad UTF-8", b"\xff\0", texts("\ufffd".encode()), None),
    ]),
    (["--format", "nul", "--bad-text", "binary"], [
        ("bad UTF-8", b"\xff\0b\0", [("binary", b"\xff"), ("text", b"b")],
         None),
    ]),
    (["--format", "netstring"], [
        ("text", b"6:thello,", texts(b"hello"), None),
        ("binary", b"4:b\xff\0\n,", [("binary", b"\xff\0\n")], None),
        ("newlines and NULs", b"3:t\n\0,", texts(b"\n\0"), None),
        ("nothing", b"1:t,1:b,", [("text", b""), ("binary", b"")], None),
        ("bad UTF-8", b"2:ta,2:t\xff,", texts(b"a"), "UTF-8 at byte 0"),
        ("the limit", b"41:b" + AT + b",", [("binary", AT)], None),
        ("the limit plus one", b"42:b" + OVER + b",", [], "over 40 bytes"),
    ]),
    (["--format", "json"], [
        ("text", text_event(b"hello"), texts(b"hello"), None),
        ("space", b' { "data" : "a" ,\t"event":"text" } \r\n', texts(b"a"),
         None),
        ("escapes", text_event(br'\u0061\"\\\/\b\f\n\r\t\u00fc\ud83d\ude00'),
         texts('a"\\/\b\f\n\r\tü😀'.encode()), None),
        ("a NUL", text_event(br"a\u0000b"), texts(b"a\0b"), None),
        ("UTF-8", text_event("grün".encode()), texts("grün".encode()), None),
        ("binary", binary_event(b"\xff\0\n"), [("binary", b"\xff\0\n")], None),
        ("nothing", text_event(b"") + binary_event(b""),
         [("text", b""), ("binary", b"")], None),
        ("no line", b"", [], None),
        ("a last event without newline", text_event(b"a")[:-1], texts(b"a"),
         None),
        ("the limit", text_event(AT), texts(AT), None),
        ("the limit, escaped", text_event(br"\u0061" * LIMIT), texts(AT), None),
        ("the limit, binary", binary_event(AT), [("binary", AT)], None),
        ("the limit plus one", text_event(OVER), [], "over 40 bytes"),
        ("the limit plus one, binary", binary_event(OVER), [],
         "over 40 bytes"),
        ("a line without end", b" " * 5000, [], "line of over 40 bytes"),
        ("a ping", b'{"event":"ping","data":"aGk="}\n', [("ping", b"hi")],
         None),
        ("a ping without data", b'{"event":"ping"}\n', [("ping", b"")], None),
        ("bad UTF-8", text_event(b"a") + text_event(b"\xff"), texts(b"a"),
         "not UTF-8"),
        ("half a pair", text_event(br"\ud83d"), [], "surrogate"),
        ("an empty line", b"\n", [], "no object"),
        ("a nested object", b'{"event":"text","data":{}}\n', [], "nested"),
        ("a name twice", b'{"event":"text","data":"","data":""}\n', [],
         "twice"),
        ("no data", b'{"event":"text"}\n', [], "no data"),
        ("a number for data", b'{"event":"text","data":1}\n', [],
         "no string"),
        ("another member", b'{"event":"text","data":"","to":"all"}\n', [],
         "another name"),
        ("another event", b'{"event":"pong","data":""}\n', [], "not text"),
        ("no event", b'{"data":""}\n', [], "not text"),
        ("an event that is null", b'{"event":null}\n', [], "not text"),
        ("bad base64", b'{"event":"binary","data":"AA"}\n', [], "base64"),
        ("binary without data", b'{"event":"binary"}\n', [], "no data"),
        ("a ping that is no base64", b'{"event":"ping","data":"?"}\n', [],
         "base64"),
        ("a long ping", binary_event(b"a" * 126).replace(b"binary", b"ping"),
         [], "125 bytes"),
    ]),
    (["--format", "raw"], [
        ("bytes", b"a\n\0\xff", [("binary", b"a\n\0\xff")], None),
        ("nothing", b"", [], None),
    ]),
    (["--format", "raw", "--text"], [
        ("text", b"a\n\0", texts(b"a\n\0"), None),
        ("bad UTF-8", b"a\xff", [], "UTF-8 at byte 1"),
    ]),
]


def written(server, path):
    """The messages that came of an output; the close, the log's reason."""
    with opened(server, path) as connection:
        events = until_end(connection)
    messages = [event for event in events if event[0] not in ("close", "eof")]
    logged = log_fields(line_of(server, path))
    return messages, close_of(events)[0], logged["reason"]


def test_no_limit(tap):
    """A line of JSON is longer than its data."""
    script = 'printf %s \'{"event":"text","data":"\'; ' \
        "head -c 3000000 /dev/zero | sed 's/\\x00/\\\\u0061/g'; " \
        "printf '\"}\\n'"
    with Listener(["sh", "-c", script], [
            "--format", "json", "--max-message", "none"]) as server:
        with opened(server) as connection:
            events = until_end(connection)
    tap.ok(events[0] == ("text", b"a" * 3000000) and len(events) == 3,
           "json without a limit: 3,000,000 characters, escaped",
           "%.200r" % events)


def test_written(tap):
    for options, rows in WRITTEN:
        with tempfile.TemporaryDirectory() as home:
            for number, row in enumerate(rows):
                with open("%s/%d" % (home, number), "wb") as f:
                    f.write(row[1])
            with Listener(["sh", "-c", 'cat "$HOME$PATH_INFO"'],
                          [*options, "--max-message", str(LIMIT)],
                          env={"HOME": home}) as server:
                results = in_parallel(
                    lambda number: written(server, "/%d" % number),
                    range(len(rows)))
        for (name, output, wanted, why), result in zip(rows, results):
            messages, code, reason = result
            told = "%s, %s: " % (" ".join(options[1:]), name)
            tap.ok(messages == wanted,
                   told + "%.60r arrives as %.60r" % (output, wanted), result)
            tap.ok((code, reason) == (1000, "done") if why is None
                   else code == 1011 and why in reason,
                   told + ("close 1000" if why is None else
                           "1011, and '%s' in the log" % why), result)


# The ends that json knows.

CLOSES = [      # members that a program writes, code and reason that arrive
    ('"code":4001,"reason":"gr\\u00fcn"', 4001, "grün"),
    ('"code":1000', 1000, ""), ('"reason":"done here"', 1000, "done here"),
    ('"code":1013,"reason":""', 1013, ""), ('"code":3000', 3000, ""),
    ('"code":4999,"reason":"%s"' % ("a" * 123), 4999, "a" * 123),
]
BAD_CLOSES = ['"code":%s' % code for code in (
    999, 1004, 1005, 1006, 1010, 1015, 1016, 2999, 5000, 10000, 0, -1000,
    '"1000"', "1e10", "10.0", "null")] + [
        '"reason":"%s"' % ("a" * 124), '"reason":"a\\u0000"', '"reason":1']


def closed_by(members):
    """How a conversation ends in which the program closes: the Close, the
    last event that the program reads, the line's fields."""
    script = ("printf '%s\\n' '{\"event\":\"close\",'" + "'%s}'" % members
              + "; cat >$HOME/read")
    with tempfile.TemporaryDirectory() as home:
        with Listener(["sh", "-c", script], ["--format", "json"],
                      env={"HOME": home}) as server:
            with opened(server) as connection:
                closing = close_of(until_end(connection))
            logged = log_fields(line_of(server, "/"))
        with open(home + "/read", encoding="utf-8") as f:
            return closing, json.loads(f.read().splitlines()[-1]), logged


def test_closes(tap):
    results = in_parallel(lambda it: closed_by(it[0]), CLOSES)
    for (members, code, reason), (closing, last, logged) in zip(CLOSES,
                                                               results):
        tap.ok(closing == (code, reason.encode())
               and last == {"event": "close", "code": code, "reason": reason},
               "json: a close with %.40s is %d" % (members, code),
               (closing, last))
        tap.ok(logged["reason"].startswith("the program closed")
               and logged["exit"] == "0", "and in the log", logged)
    results = in_parallel(closed_by, BAD_CLOSES)
    for members, (closing, _, logged) in zip(BAD_CLOSES, results):
        tap.ok(closing[0] == 1011 and "wrong JSON" in logged["reason"],
               "json: a close with %.40s is 1011" % members,
               (closing, logged))


LASTS = [       # what the client sends, the last event that the program reads
    (rawclient.close(4001, b"gr\xc3\xbcn"),
     {"event": "close", "code": 4001, "reason": "grün"}),
    (rawclient.close(None), {"event": "close", "code": 1005, "reason": ""}),
    (frame(3, b""), {"event": "gone", "reason":
                     "a frame has a reserved opcode"}),
    (None, {"event": "gone", "reason": "the client is gone: its stream ended "
            "without a Close"}),
]


def test_lasts(tap):
    for data, wanted in LASTS:
        with tempfile.TemporaryDirectory() as home, Listener(
                ["sh", "-c", "cat >$HOME/read"], ["--format", "json"],
                env={"HOME": home}) as server:
            with opened(server, "/a%20b%FF?x=1", ["X-A: \"\xff\""]) as c:
                c.send(frame(TEXT, b"hello"))
                if data is not None:
                    c.send(data)
                    until_end(c)
            line_of(server, "/a%20b%FF?x=1")
            with open(home + "/read", encoding="utf-8") as f:
                events = [json.loads(line) for line in f]
        first = events[0]
        tap.ok((first["event"], first["REQUEST_METHOD"], first["PATH_INFO"],
                first["QUERY_STRING"], first["HTTP_X_A"])
               == ("open", "GET", "/a b\ufffd", "x=1", '"ÿ"')
               and "PATH" not in first,
               "json: the request is the first event", first)
        tap.ok(len(events) == 3 and events[2] == wanted,
               "json: the last event is %s" % wanted, events)


def main():
    tap = Tap()
    with same_descriptors():
        for test in [test_sent, test_written, test_no_limit, test_closes, test_lasts]:
            test(tap)
    tap.finish()


if __name__ == "__main__":
    main()
