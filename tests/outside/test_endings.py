"""How conversations end: the code on the wire, the line in the log, and the
exit status agree, whoever goes first; and what passes the pipes until then."""

import contextlib
import os
import pty
import re
import signal
import socket
import struct
import subprocess
import sys
import tempfile
import time

import rawclient
from rawclient import BINARY, TEXT, frame
from server import Listener, Spawned, binary, same_descriptors
from tap import Tap
from ws_test import (PATIENCE, Reaper, ask, close_of, eventually, in_parallel,
                     is_running, line_of, lines_of, log_fields, opened,
                     payloads, reset, send_until_stuck, stat_of, until_end,
                     worker)

HERE = os.path.dirname(os.path.abspath(__file__))
NETSTRING_ECHO = [sys.executable, os.path.join(HERE, "netstring_echo.py")]
SLEEPER = ["sh", "-c", "echo ready; exec sleep 600"]


def shell(script):
    return ["sh", "-c", script]


def scratch():
    """A directory; programs inherit HOME, which may name it."""
    return tempfile.TemporaryDirectory(prefix="ws-outside-")


def played(operands, options=(), send=b""):
    """The events of one conversation in which the client sends these bytes
    and lets the other side end it, and the fields of its line in the log."""
    with Listener(operands, options) as server:
        with opened(server) as connection:
            connection.send(send)
            events = until_end(connection)
        return events, log_fields(line_of(server, "/"))


def check_end(tap, name, events, logged, code, exit_, reason):
    """reason is a part of what the log says."""
    closing = close_of(events)
    tap.ok(closing is not None and closing[0] == code,
           "%s: close %d" % (name, code), events[-3:])
    tap.ok(logged.get("close") == "%d/%d" % (code, code)
           and logged.get("exit") == exit_
           and reason in logged.get("reason", ""),
           "%s: exit=%s and '%s' in the log" % (name, exit_, reason), logged)


# The program ends.

EXITS = [       # script, close code, exit in the log, part of the reason
    ("exit 0", 1000, "0", "done"),
    ("exit 3", 1011, "3", "status 3"),
    ("exit 255", 1011, "255", "status 255"),
    ("kill -KILL $$", 1011, "SIGKILL", "SIGKILL"),
    ("kill -TERM $$", 1011, "SIGTERM", "SIGTERM"),
    ("ulimit -c 0; kill -SEGV $$", 1011, "SIGSEGV", "SIGSEGV"),
]


def test_program_ends(tap):
    for script, code, exit_, reason in EXITS:
        events, logged = played(shell("echo last words; " + script))
        check_end(tap, script, events, logged, code, exit_, reason)
        tap.ok(payloads(events, "text") == [b"last words"],
               script + ": its output comes first", events)
        if code == 1011:
            tap.ok(reason.encode() in close_of(events)[1],
                   script + ": the Close says so", events)


def test_output_ends(tap):
    """The end of the output alone is not the end."""
    script = "exec 1>&-; read line; echo $line >$HOME/said; read line; exit 0"
    with scratch() as home:
        said = os.path.join(home, "said")
        with Listener(shell(script), env={"HOME": home}) as server, \
                opened(server) as connection:
            connection.send(frame(TEXT, b"one"))
            heard = eventually(lambda: os.path.exists(said)
                               and os.path.getsize(said))
            connection.send(frame(rawclient.PING, b"there?"))
            pong = connection.event()
            connection.send(frame(TEXT, b"two"))
            closing = close_of(until_end(connection))
        tap.ok(heard and pong == ("pong", b"there?")
               and closing[0] == 1000,
               "a program that closes its output is served until it ends",
               (heard, pong, closing))


def test_input_ends(tap):
    script = "exec 0<&-; for n in 1 2 3 4 5; do echo $n; sleep 0.1; done"
    with Listener(shell(script)) as server, opened(server) as connection:
        first = connection.event()
        connection.send(frame(TEXT, b"nobody reads this") * 100)
        second = connection.event()
        connection.send(frame(TEXT, b"nor this"))
        events = [second, *until_end(connection)]
    tap.ok(first == ("text", b"1") and close_of(events)[0] == 1000
           and payloads(events, "text") == [b"2", b"3", b"4", b"5"],
           "a program that closes its input goes on sending", events)


def test_grandchild(tap):
    """It holds the pipe: that delays the end by 1 s and no more."""
    with Reaper(), Listener(shell("sleep 600 & echo bye")) as server:
        with opened(server) as connection:
            first = connection.event()
            began = time.monotonic()
            events = until_end(connection)
            took = time.monotonic() - began
    tap.ok(first == ("text", b"bye") and close_of(events)[0] == 1000,
           "a grandchild holds the pipe: close 1000", events)
    tap.ok(0.8 < took < 10,
           "a grandchild holds the pipe: the end comes 1 s after the "
           "program's", took)
    with Reaper():
        events, _ = played(shell("(sleep 0.3; echo late) & echo early"))
    tap.ok(payloads(events, "text") == [b"early", b"late"],
           "what a grandchild writes within 1 s is sent", events)
    script = "while echo more; do sleep 0.05; done & exit 0"
    began = time.monotonic()
    with Reaper():
        events, _ = played(shell(script))
    tap.ok(close_of(events)[0] == 1000 and time.monotonic() - began < 20,
           "a grandchild that writes on for ever does not hold the end off",
           events)


def test_much_output(tap):
    """All of it is sent although the program is gone long before."""
    events, _ = played(shell("head -c 300000 /dev/zero | tr '\\0' a; echo b"))
    tap.ok([len(text) for text in payloads(events, "text")] == [300001]
           and close_of(events)[0] == 1000,
           "a program's last 300,001 bytes arrive before the Close")


# The client ends.

def test_client_closes(tap):
    for operands in [["echo:"], ["cat"]]:
        name = operands[0]
        with Listener(operands) as server:
            for code, reason in [(1000, b""), (1001, b"off"),
                                 (4001, "grün".encode()), (None, b"")]:
                path = "/%s" % code
                with opened(server, path) as connection:
                    connection.send(rawclient.close(code, reason))
                    events = until_end(connection)
                closing = close_of(events)
                logged = log_fields(line_of(server, path))
                tap.ok(closing == (code, reason)
                       and events[-1] == ("eof",),
                       "%s: close %s is echoed with its reason"
                       % (name, code), events)
                tap.ok(logged.get("close") == "%d/%d" % (
                    (code or 1005,) * 2)
                    and "the client closed" in logged["reason"],
                    "%s: close %s is in the log" % (name, code), logged)


def test_client_closes_early(tap):
    """Bridges that speak on their own, or that only listen."""
    with Listener(["chargen:"]) as server, opened(server) as connection:
        first = connection.event()
        connection.send(frame(TEXT, b"what is this?") + rawclient.close(1000))
        events = until_end(connection)
        tap.ok(len(first[1]) == 72 and close_of(events) == (1000, b""),
               "chargen: ends when the client closes", events[-2:])
    with Listener(["discard:"]) as server, opened(server) as connection:
        connection.send(b"".join(frame(TEXT, b"a" * n) for n in range(9))
                        + rawclient.close(1000))
        events = until_end(connection)
        logged = log_fields(line_of(server, "/"))
        tap.ok(events == [("close", 1000, b""), ("eof",)]
               and logged["in"] == "9/36" and logged["out"] == "0/0",
               "discard: counts, and says nothing", (events, logged))


def test_final_output(tap):
    """What a program says after the client's Close harms nobody."""
    script = "cat >/dev/null; echo bye; echo bye; exit 0"
    with Listener(shell(script)) as server:
        with opened(server) as connection:
            connection.send(rawclient.close(1000))
            events = until_end(connection)
        logged = log_fields(line_of(server, "/"))
    tap.ok(events == [("close", 1000, b""), ("eof",)]
           and logged["exit"] == "0" and logged["close"] == "1000/1000",
           "output after the client's Close is no error", (events, logged))


def test_client_vanishes(tap):
    for operands in [["echo:"], ["cat"], SLEEPER]:
        for how in ["FIN", "RST"]:
            with Listener(operands) as server:
                connection = opened(server)
                if how == "RST":
                    reset(connection)
                connection.sock.close()
                logged = log_fields(line_of(server, "/"))
                tap.ok(logged.get("close", "").startswith("-/")
                       and "gone" in logged["reason"],
                       "%s: a client that vanishes by %s is gone"
                       % (operands[0], how), logged)


def test_half_closed(tap):
    """R10: a client that ends its side, but reads on, has vanished too; its
    last message is answered."""
    late = "read line; sleep 0.3; echo $line"
    for name, operands, answered in [
            ("cat", ["cat"], True),
            ("a slow program", ["sh", "-c", late], True),
            ("one that never answers", ["sleep", "60"], False)]:
        with Listener(operands) as server, opened(server) as connection:
            began = time.monotonic()
            connection.send(frame(TEXT, b"y"))
            connection.sock.shutdown(socket.SHUT_WR)
            events = until_end(connection)
            tap.ok((("text", b"y") in events) == answered
                   and events[-1] == ("eof",)
                   and time.monotonic() - began < 5,
                   name + ": who shuts its side is answered, within reason",
                   (events[:3], events[-3:]))
            logged = log_fields(line_of(server, "/"))
            tap.ok("gone" in logged.get("reason", ""),
                   name + ": and is gone, without a Close", logged)


BREACHES = [    # what is sent, close code
    ("an unmasked frame", frame(TEXT, b"a", masked=False), 1002),
    ("a reserved bit", frame(TEXT, b"a", rsv=4), 1002),
    ("a reserved opcode", frame(3, b"a"), 1002),
    ("a continuation of nothing", frame(0, b"a"), 1002),
    ("a long ping", frame(rawclient.PING, b"a" * 126), 1002),
    ("a close of one byte", frame(rawclient.CLOSE, b"a"), 1002),
    ("a close code of nobody", rawclient.close(1005), 1002),
    ("text that is not UTF-8", frame(TEXT, b"a\xff"), 1007),
    ("text cut in a character", frame(TEXT, b"\xe2\x82"), 1007),
    ("a reason that is not UTF-8", rawclient.close(1000, b"\xff"), 1007),
]


def test_breaches(tap):
    for operands in [["echo:"], ["cat"]]:
        with Listener(operands) as server:
            for number, (name, data, code) in enumerate(BREACHES):
                path = "/%d" % number
                with opened(server, path) as connection:
                    connection.send(data)
                    events = until_end(connection)
                logged = log_fields(line_of(server, path))
                tap.ok(close_of(events)[0] == code
                       and events[-1] == ("eof",)
                       and logged["close"].endswith("/%d" % code)
                       and len(logged["reason"]) > 10,
                       "%s: %s is %d" % (operands[0], name, code),
                       (events, logged))


SIZES = [       # options, operands, limit
    (["--max-message", "1000"], ["cat"], 1000),
    (["--max-message", "1000"], ["echo:"], 1000),
    (["--max-message", "1000", "--format", "raw"], ["cat"], 1000),
    (["--max-message", "1000", "--format", "netstring"], NETSTRING_ECHO,
     1000),
    (["--max-message", "1K"], ["echo:"], 1024),
    ([], ["cat"], 16 << 20),
]


def cut_in(parts, size):
    """The frames of a text of size bytes, in so many fragments."""
    return b"".join(rawclient.fragments(TEXT, rawclient.cut(
        b"a" * size, -(-size // parts))))


def test_max_message(tap):
    for options, operands, limit in SIZES:
        name = " ".join([*options, os.path.basename(operands[-1])])
        with Listener(operands, options) as server:
            for parts in [1, 3]:
                with opened(server) as connection:
                    connection.send(cut_in(parts, limit))
                    got = 0
                    while got < limit and (event := connection.event()):
                        got += len(event[1])
                    connection.send(cut_in(parts, limit + 1))
                    events = until_end(connection)
                tap.ok(got == limit and close_of(events)[0] == 1009,
                       "%s: %d bytes in %d frames pass, one more is 1009"
                       % (name, limit, parts), (got, events[-2:]))


# We end.

def test_stopped(tap):
    """While it waits for the client: to say something, or to read."""
    for operands, exit_ in [(["echo:"], "-"), (["discard:"], "-"),
                            (["chargen:"], "-"), (["cat"], "0"),
                            (["yes", "x" * 1000], "SIGHUP"),
                            (SLEEPER, "SIGHUP")]:
        with Listener(operands) as server, opened(server) as connection:
            pid = worker(server)
            eventually(lambda: stat_of(pid)[0] == "S")
            os.kill(pid, signal.SIGTERM)
            events = until_end(connection)
            logged = log_fields(line_of(server, "/"))
            check_end(tap, operands[0] + ": SIGTERM to the worker", events,
                      logged, 1001, exit_, "stopped")


def test_stopped_in_write(tap):
    """While echo: waits for a client that writes and does not read."""
    with Listener(["echo:"]) as server, opened(server) as connection:
        pid = worker(server)
        sent = send_until_stuck(connection, frame(BINARY, bytes(65536)), 1000)
        os.kill(pid, signal.SIGTERM)
        events = until_end(connection)
        logged = log_fields(line_of(server, "/"))
        tap.ok(sent < 1000 and close_of(events) == (1001, b"stopped")
               and logged["close"].endswith("/1001"),
               "echo: stuck in a write: SIGTERM is 1001, once it is read",
               (events[-2:], logged))


def test_stopped_in_handshake(tap):
    with Listener(["echo:"]) as server:
        connection = rawclient.Connection(server.connect())
        with connection:
            connection.send(b"GET / HT")
            os.kill(worker(server), signal.SIGTERM)
            status, _ = connection.response()
            tap.ok(status == 503, "SIGTERM within the handshake is 503",
                   status)


def write(path, text):
    with open(path, "w") as f:
        f.write(text)


UNSTARTABLE = [     # what becomes of the program once the listener runs
    ("is removed", os.unlink),
    ("may no longer be executed", lambda path: os.chmod(path, 0o644)),
    ("loses its first line", lambda path: write(path, "exec cat\n")),
    ("names an interpreter that is not there",
     lambda path: write(path, "#!/nonexistent/sh\n")),
]


def test_unstartable(tap):
    for name, spoil in UNSTARTABLE:
        with scratch() as directory:
            path = os.path.join(directory, "program")
            write(path, "#!/bin/sh\nexec cat\n")
            os.chmod(path, 0o755)
            with Listener([path]) as server:
                spoil(path)
                response, _ = ask(server, rawclient.request(server.host))
                line = line_of(server, "/")
            tap.ok(response.status == 502 and response.is_refusal(),
                   "a program that %s: 502 instead of the 101" % name,
                   response)
            tap.ok('"/" 502 ' in line and path in line
                   and path.encode() not in response.body,
                   "a program that %s: the log names it, the client is not "
                   "told" % name, (line, response))


# Lines.

LINES = [       # what a program prints, the messages that come of it
    ("one\\ntwo\\n", [b"one", b"two"]),
    ("no newline", [b"no newline"]),
    ("\\n\\na\\n\\n", [b"", b"", b"a", b""]),
    ("a\\r\\nb\\r\\r\\n\\r\\nc\\r", [b"a", b"b\r", b"", b"c"]),
    ("a\\0b\\n", [b"a\0b"]),
    ("\\303\\251\\n", ["é".encode()]),
    ("", []),
]


def test_lines(tap):
    for text, wanted in LINES:
        events, _ = played(shell("printf '%s'" % text))
        tap.ok(payloads(events, "text", "binary") == wanted
               and all(event[0] != "binary" for event in events),
               "the lines '%s' are %r" % (text, wanted), events)


NEWLINES = [    # policy, what is sent, what a program that repeats it says
    ("escape", b"a\nb\\nc\n", [b"a\\nb\\\\nc\\n"]),
    ("escape", b"\n", [b"\\n"]),
    ("split", b"a\nb\n\nc", [b"a", b"b", b"", b"c"]),
    ("split", b"a\n", [b"a", b""]),
    ("space", b"a\nb\n\n", [b"a b  "]),
    ("refuse", b"a\\nb c", [b"a\\nb c"]),
]


def test_newlines(tap):
    for policy, sent, wanted in NEWLINES:
        with Listener(["cat"], ["--newline", policy]) as server:
            with opened(server) as connection:
                connection.send(frame(TEXT, sent))
                got = [connection.event() for _ in wanted]
                tap.ok(got == [("text", text) for text in wanted],
                       "--newline %s: %r is %r" % (policy, sent, wanted), got)
    for opcode in [TEXT, BINARY]:
        for sent in [b"a\nb", b"\n", b"a" * 70000 + b"\n"]:
            events, logged = played(["cat"], send=frame(opcode, sent))
            tap.ok(close_of(events)[0] == 1003
                   and logged["close"] == "1003/1003"
                   and "newline" in logged["reason"],
                   "a newline in a message of %d bytes is 1003 and in the "
                   "log" % len(sent), (events, logged))


def test_to_lines(tap):
    """What a program reads is the messages, a line each, also at the end."""
    sent = [b"one", b"", "zwölf".encode(), b"a\0b"]
    with scratch() as home, Listener(
            shell("cat >$HOME/read"), env={"HOME": home}) as server:
        with opened(server) as connection:
            for text in sent:
                connection.send(frame(TEXT, text))
            connection.send(rawclient.close(1000))
            until_end(connection)
        line_of(server, "/")
        with open(os.path.join(home, "read"), "rb") as f:
            got = f.read()
    tap.ok(got == b"\n".join(sent) + b"\n",
           "a program reads each message as a line", got)


def test_bad_text(tap):
    script = shell("printf 'fine\\nx\\377y\\nrest\\n'; exec sleep 600")
    events, logged = played(script)
    tap.ok(payloads(events, "text") == [b"fine"]
           and close_of(events)[0] == 1011
           and "UTF-8 at byte 1" in logged["reason"],
           "--bad-text close: 1011, and the byte's offset in the log",
           (events, logged))
    for policy, kind, wanted in [("replace", "text", "x\ufffdy".encode()),
                                 ("binary", "binary", b"x\xffy")]:
        with Listener(script, ["--bad-text", policy]) as server:
            with opened(server) as connection:
                got = [connection.event() for _ in range(3)]
        tap.ok(got == [("text", b"fine"), (kind, wanted), ("text", b"rest")],
               "--bad-text %s: the line comes as %s" % (policy, kind), got)


REPLACED = [b"\\377", b"a\\342\\202", b"\\355\\240\\200b", b"\\300\\200",
            b"\\364\\220\\200\\200", b"\\303\\303\\251", b"\\200\\200a"]


def test_replaced(tap):
    """Whole characters stay, each run of other bytes is marked."""
    for octal in REPLACED:
        line = octal.decode().encode().decode("unicode_escape")
        line = line.encode("latin-1")
        events, _ = played(shell("printf '%s\\n'" % octal.decode()),
                           ["--bad-text", "replace"])
        got = b"".join(payloads(events, "text")).decode()
        wanted = re.sub("\ufffd+", "\ufffd", line.decode(errors="replace"))
        tap.ok(re.sub("\ufffd+", "\ufffd", got) == wanted,
               "--bad-text replace: %r is %s" % (line, ascii(wanted)), got)


def test_long_lines(tap):
    for text, fits in [("a" * 10 + "\\n", True), ("a" * 10, True),
                       ("a" * 10 + "\\r\\n", True), ("a" * 11 + "\\n", False),
                       ("a" * 11, False), ("a" * 100000, False)]:
        events, logged = played(shell("printf '%s'" % text),
                                ["--max-message", "10"])
        if fits:
            tap.ok(payloads(events, "text") == [b"a" * 10]
                   and close_of(events)[0] == 1000,
                   "a line of 10 bytes, ended by '%s', passes a limit of 10"
                   % text[10:], (events, logged))
        else:
            tap.ok(payloads(events, "text") == []
                   and close_of(events)[0] == 1011
                   and "over 10 bytes" in logged["reason"],
                   "a line of %d bytes is over a limit of 10: 1011"
                   % text.count("a"), (events, logged))


# Raw bytes and netstrings.

def test_raw(tap):
    with Listener(["cat"], ["--format", "raw"]) as server:
        with opened(server) as connection:
            for data in [frame(TEXT, b"a\nb"), frame(BINARY, b"\0\xff"),
                         *rawclient.fragments(TEXT, [b"c", b"", b"d"])]:
                connection.send(data)
            got = b""
            while len(got) < 7 and (event := connection.event()):
                tap.ok(event[0] == "binary", "raw: bytes come as binary",
                       event)
                got += event[1]
        tap.ok(got == b"a\nb\0\xffcd", "raw: bytes pass, boundaries do not",
               got)


def test_raw_text(tap):
    whole = "aé€😀b".encode()
    octal = ["\\%o" % byte for byte in whole]
    script = "; sleep 0.05; ".join("printf '%s'" % byte for byte in octal)
    events, logged = played(shell(script), ["--format", "raw", "--text"])
    texts = payloads(events, "text")
    tap.ok(b"".join(texts) == whole and len(texts) > 1
           and b"" not in texts and close_of(events)[0] == 1000,
           "raw --text: cut between characters only", events)
    for name, script in [("a byte that is none", "printf 'a\\377b'"),
                         ("an end inside a character", "printf 'a\\342'")]:
        events, logged = played(shell(script), ["--format", "raw", "--text"])
        tap.ok(close_of(events)[0] == 1011 and "UTF-8" in logged["reason"],
               "raw --text: %s is 1011" % name, (events, logged))


def test_netstrings(tap):
    messages = [("text", b"hello"), ("binary", bytes(range(256))),
                ("text", b""), ("binary", b""), ("text", b"a\nb,c:\0"),
                ("text", b"a" * 300000)]
    opcodes = {"text": TEXT, "binary": BINARY}
    with Listener(NETSTRING_ECHO, ["--format", "netstring"]) as server:
        with opened(server) as connection:
            for kind, payload in messages:
                connection.send(frame(opcodes[kind], payload))
            got = [connection.event() for _ in messages]
        tap.ok(got == messages, "netstring: type and bytes pass both ways")
    script = "head -c 15 >$HOME/read; echo 3:tok, | head -c 6"
    with scratch() as home, Listener(
            shell(script), ["--format", "netstring"],
            env={"HOME": home}) as server:
        with opened(server) as connection:
            connection.send(frame(TEXT, b"hello") + frame(BINARY, b"\n,"))
            events = until_end(connection)
        with open(os.path.join(home, "read"), "rb") as f:
            got = f.read()
    tap.ok(got == b"6:thello,3:b\n,," and events[0] == ("text", b"ok"),
           "netstring: the length counts the letter, t or b", (got, events))


MALFORMED = [   # what a program prints, the rest of it is right
    ("no length", ":thi,"), ("letters for a length", "x:thi,"),
    ("a length that begins with 0", "03:thi,"), ("a length of 0", "0:,"),
    ("a signed length", "+3:thi,"), ("a negative length", "-3:thi,"),
    ("a length with a space", "3 :thi,"), ("a newline before it", "\\n3:thi,"),
    ("a length of 20 digits", "18446744073709551619:thi,"),
    ("a length over the limit", "1002:t"), ("no comma", "3:thi;"),
    ("a wrong type", "3:xhi,"), ("a type in capitals", "3:Thi,"),
    ("text that is not UTF-8", "3:ta\\377,"), ("an end in its text", "5:thi"),
    ("an end in its length", "5"), ("an end before its comma", "3:thi"),
]


def test_malformed(tap):
    for name, text in MALFORMED:
        events, logged = played(
            shell("printf '4:tyes,%s'" % text),
            ["--format", "netstring", "--max-message", "1000"])
        tap.ok(payloads(events, "text", "binary") == [b"yes"]
               and close_of(events)[0] == 1011
               and "the program wrote" in logged["reason"],
               "netstring with %s: 1011, after what was right" % name,
               (events, logged))
    events, logged = played(shell("printf 1000000000000000000:t"), [
        "--format", "netstring", "--max-message", "none"])
    tap.ok(close_of(events)[0] == 1011 and "18 digits" in logged["reason"],
           "netstring without a limit: its length has at most 18 digits",
           (events, logged))


# The program's end, when the client goes first.

STUBBORN = """
import os, signal, sys, time
def note(what):
    os.write(log, b"%s %f\\n" % (what.encode(), time.monotonic()))
def caught(number, _):
    note(signal.Signals(number).name)
    if signal.Signals(number).name == sys.argv[1]:
        os._exit(0)
log = os.open(os.environ["HOME"] + "/notes",
              os.O_WRONLY | os.O_CREAT | os.O_APPEND)
for number in (signal.SIGHUP, signal.SIGTERM):
    signal.signal(number, caught)
print(os.getpid(), flush=True)
sys.stdin.read()
note("EOF")
while True:
    time.sleep(60)
"""


def ladder(options, last):
    """When a program that ignores the signals before the last got what."""
    with scratch() as directory, Listener(
            [sys.executable, "-c", STUBBORN, last], options,
            env={"HOME": directory}) as server:
        with opened(server) as connection:
            pid = int(connection.event()[1])
            connection.send(rawclient.close(1000))
            until_end(connection)
        eventually(lambda: not is_running(pid))
        ended = time.monotonic()
        with open(os.path.join(directory, "notes")) as f:
            pairs = [line.split() for line in f]
        return ([name for name, _ in pairs] + ["end"],
                [float(when) for _, when in pairs] + [ended],
                log_fields(line_of(server, "/")))


LADDERS = [     # options, what the program obeys, what it gets, when at least
    (["--grace", "0.3"], "", ["EOF", "SIGHUP", "SIGTERM", "end"],
     [0.3, 1, 3], "SIGKILL"),
    ([], "SIGTERM", ["EOF", "SIGHUP", "SIGTERM", "end"], [1, 1, 0], "0"),
    (["--grace", "2"], "SIGHUP", ["EOF", "SIGHUP", "end"], [2, 0], "0"),
]


def test_unread(tap):
    """Input that waits when all ends, and that the program refuses."""
    script = "echo $$; sleep 0.5; exec 0<&-; sleep 0.5; echo done >$HOME/it"
    with scratch() as home, Listener(shell(script), ["--grace", "5"],
                                     env={"HOME": home}) as server:
        with opened(server) as connection:
            connection.event()
            connection.send(frame(TEXT, b"a" * 300000))
            time.sleep(0.2)     # it is read, and does not fit into the pipe
            os.kill(worker(server), signal.SIGTERM)
            events = until_end(connection)
        logged = log_fields(line_of(server, "/"))
        tap.ok(close_of(events)[0] == 1001 and logged["exit"] == "0" and os.path.exists(home + "/it"),
               "a rest of input that is refused: the program may end its work",
               (events, logged))


def test_ladder(tap):
    results = in_parallel(lambda it: ladder(it[0], it[1]), LADDERS)
    for (options, obeys, names, gaps, exit_), result in zip(LADDERS, results):
        got, times, logged = result
        name = "%s, a program that obeys %s" % (
            " ".join(options) or "default grace", obeys or "nothing")
        tap.ok(got == names, "%s: %s" % (name, ", ".join(names)), result)
        passed = [after - before for before, after in zip(times, times[1:])]
        tap.ok(len(passed) == len(gaps) and all(
            gap - 0.05 < took < gap + 5 for gap, took in zip(gaps, passed)),
            "%s: %s s apart" % (name, gaps), passed)
        tap.ok(logged.get("exit") == exit_,
               "%s: exit=%s in the log" % (name, exit_), logged)


def test_group(tap):
    """The signals are for the program's children as well."""
    script = ("(trap 'echo heard >$HOME/hup; exit' HUP; "
              "while :; do sleep 0.05; done) & echo ready; cat; wait")
    with scratch() as home, Reaper(), Listener(
            shell(script), ["--grace", "0.2"], {"HOME": home}) as server:
        with opened(server) as connection:
            connection.event()
            connection.send(rawclient.close(1000))
            until_end(connection)
        logged = log_fields(line_of(server, "/"))
        tap.ok(os.path.exists(os.path.join(home, "hup"))
               and logged["exit"] == "SIGHUP",
               "SIGHUP goes to the program's children as well", logged)


def test_flood(tap):
    """Output without end, which is read away, does not hold the ladder up."""
    script = "yes & yes & yes & yes & exec yes"
    with Reaper(), Listener(shell(script), ["--grace", "0.01"]) as server:
        with opened(server) as connection:
            pid = worker(server)
            connection.event()
            connection.send(rawclient.close(1000))
        tap.ok(eventually(lambda: not is_running(pid), 15),
               "five programs that write for ever are ended all the same",
               server.log())
        if is_running(pid):
            os.kill(pid, signal.SIGKILL)


# Keepalive.

def test_keepalive(tap):
    options = ["--ping", "0.3", "--pong", "0.3"]
    for operands in [["echo:"], ["cat"]]:
        name = operands[0]
        with Listener(operands, options) as server:
            with opened(server, "/answers") as connection:
                until, pings = time.monotonic() + 1.5, 0
                while time.monotonic() < until:
                    event = connection.event(PATIENCE)
                    if event[0] != "ping":
                        break
                    pings += 1
                    connection.send(frame(rawclient.PONG, event[1]))
                connection.send(frame(TEXT, b"here"))
                event = connection.event()
                tap.ok(pings >= 2 and event == ("text", b"here"),
                       name + ": a client that answers pings is kept",
                       (pings, event))
            with opened(server, "/silent") as connection:
                began = time.monotonic()
                events = [event[0] for event in until_end(connection)]
                took = time.monotonic() - began
                logged = log_fields(line_of(server, "/silent"))
                tap.ok(events[0] == "ping" and "timeout" not in events
                       and "gone" in logged["reason"] and took > 0.5,
                       name + ": a client that answers none is gone",
                       (events, logged, took))


# Exit statuses, by whose fault it was.

def inetd(operands, play, options=()):
    """The exit status of ws-cgi on a socket whose other end is played, and
    what it wrote to standard error."""
    ours, theirs = socket.socketpair()
    with theirs:
        process = subprocess.Popen(
            [binary(), *options, *operands], stdin=theirs, stdout=theirs,
            stderr=subprocess.PIPE)
    with process, rawclient.Connection(ours) as connection:
        play(connection)
        ours.close()
        error = process.stderr.read().decode()
        return process.wait(PATIENCE), error


def closing(connection):
    connection.handshake("localhost")
    connection.send(rawclient.close(1000))
    until_end(connection)


def listening(connection):
    connection.handshake("localhost")
    until_end(connection)


def leaving(connection):
    connection.handshake("localhost")


def breaking(connection):
    connection.handshake("localhost")
    connection.send(frame(3, b""))
    until_end(connection)


def blundering(connection):
    connection.send(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n")
    connection.rest()


def saying_nothing(_):
    pass


STATUSES = [    # what happens, operands, the client, status, log
    ("the client closes", ["echo:"], closing, 0, "the client closed"),
    ("the program is done", ["true"], listening, 0, "done"),
    ("the client vanishes", ["echo:"], leaving, 1, "gone"),
    ("the client vanishes at once", ["echo:"], saying_nothing, 1, None),
    ("the client breaks the protocol", ["echo:"], breaking, 1, "1002"),
    ("the client asks for no WebSocket", ["echo:"], blundering, 1, " 426 "),
    ("the program fails", ["false"], listening, 2, "status 1"),
    ("the program is killed", shell("kill -9 $$"), listening, 2, "SIGKILL"),
    ("the program dies of a signal without a name", shell("kill -35 $$"),
     listening, 2, "signal 35"),
]


def test_statuses(tap):
    for name, operands, play, wanted, part in STATUSES:
        status, error = inetd(operands, play)
        tap.ok(status == wanted and (part or "") in error,
               "%s: exit status %d" % (name, wanted), (status, error))
        tap.ok(len(error.splitlines()) == (part is not None),
               name + (": one line in the log" if part else ": no line"),
               error)


def test_stop_status(tap):
    with Spawned([binary(), "echo:"]) as server:
        with opened(server) as connection:
            process = server.processes[0]
            process.send_signal(signal.SIGTERM)
            code = close_of(until_end(connection))
        tap.ok(code[0] == 1001 and process.wait(PATIENCE) == 0,
               "SIGTERM on descriptor 0: close 1001, exit status 0",
               (code, process.returncode))


def started_on(stdin, *args):
    """Status and standard error of ws-cgi with this standard input."""
    ran = subprocess.run([binary(), *args], stdin=stdin, capture_output=True,
                         text=True, timeout=PATIENCE)
    return ran.returncode, ran.stderr


def test_wrong_inputs(tap):
    with contextlib.ExitStack() as stack:
        master, slave = pty.openpty()
        stack.callback(os.close, master)
        stack.callback(os.close, slave)
        listener = stack.enter_context(socket.create_server(
            ("127.0.0.1", 0)))
        datagram = stack.enter_context(socket.socket(
            socket.AF_UNIX, socket.SOCK_DGRAM))
        file = stack.enter_context(open(__file__))
        for name, stdin, part in [
                ("a terminal", slave, "terminal"), ("a file", file, "socket"),
                ("/dev/null", subprocess.DEVNULL, "socket"),
                ("a listening socket", listener, "listening socket"),
                ("a datagram socket", datagram, "stream socket")]:
            status, error = started_on(stdin, "echo:")
            tap.ok(status == 100 and part in error,
                   "descriptor 0 is %s: said, and exit status 100" % name,
                   (status, error))
    closed = subprocess.run(["sh", "-c", 'exec "$0" echo: 0<&-', binary()],
                            capture_output=True, timeout=PATIENCE)
    tap.ok(closed.returncode == 100 and closed.stderr,
           "descriptor 0 is closed: said, and exit status 100", closed)


COMMAND_LINES = [
    [], ["--listen"], ["--listen", "127.0.0.1"], ["--listen", "127.0.0.1:-1"],
    ["--listen", "127.0.0.1:99999", "echo:"], ["--listen", "unix:", "echo:"],
    ["--listen", "::1:80", "echo:"], ["--nonsense", "echo:"], ["nonsense:"],
    ["echo:", "argument"], ["/nonexistent/program"], ["/etc/passwd"],
    ["/tmp"], ["nonexistent-program"], ["--format", "xml", "cat"],
    ["--newline", "maybe", "cat"], ["--bad-text", "maybe", "cat"],
    ["--max-message", "0", "cat"], ["--max-message", "1T", "cat"],
    ["--max-message", "-1", "cat"], ["--max", "0", "cat"],
    ["--message-rate", "0", "cat"], ["--message-rate", "1K", "cat"],
    ["--message-rate", "1000000001", "cat"], ["--ping-rate", "-1", "cat"],
    ["--ping-rate", "+1", "cat"], ["--max-fragments", "", "cat"],
    ["--max-frame", "0", "cat"], ["--byte-rate", "0", "cat"],
    ["--session", "0", "cat"], ["--idle", "86401", "cat"],
    ["--max", "x", "cat"], ["--ping", "0", "cat"], ["--ping", "-1", "cat"],
    ["--grace", "1s", "cat"], ["--grace", "", "cat"], ["--grace", ".", "cat"],
    ["--header", "a", "cat"], ["--header", "a:b", "cat"],
    ["--header", "a b: c", "cat"], ["--header", ": c", "cat"],
    ["--header", "a: b\r\nc: d", "cat"], ["--header", "a: b\nc", "cat"],
    ["--header", "a: \x7f", "cat"], ["--header", "Upgrade: x", "cat"],
    ["--header", "connection: close", "cat"],
    ["--header", "Content-Length: 0", "cat"],
    ["--header", "Transfer-Encoding: chunked", "cat"],
    ["--header", "sec-websocket-extensions: x", "cat"],
    ["--header", "Sec-WebSocket-Accept: x", "cat"],
    ["--allow-env", "", "cat"], ["--allow-env", "A=b", "cat"],
    ["--allow-env", "A*", "cat"], ["--allow-env", "*", "cat"],
    ["--allow-env", "A_*b", "cat"], ["--allow-env", "1A", "cat"],
    ["--allow-env", "HTTP_PROXY", "cat"], ["--allow-env", "HTTP_*", "cat"],
    ["--www", "/nonexistent", "cat"], ["--host", "a b", "cat"],
    ["--origin", "example.org", "cat"], ["--origin", "://a", "cat"],
    ["--origin", "https://a b", "cat"],
    ["--listen", "unix:/tmp/a,mode=9", "echo:"],
    ["--listen", "unix:/tmp/a,user=root", "echo:"],
    ["--listen", "127.0.0.1:0"] * 64 + ["echo:"],
]


def test_command_lines(tap):
    for args in COMMAND_LINES:
        status, error = started_on(subprocess.DEVNULL, *args)
        tap.ok(status == 100 and error,
               "ws-cgi %s: said, and exit status 100" % ascii(
                   " ".join(args))[1:-1],
               (status, error))


def test_system_status(tap):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        address = "127.0.0.1:%d" % taken.getsockname()[1]
        status, error = started_on(subprocess.DEVNULL, "--listen", address,
                                   "echo:")
        tap.ok(status == 111 and "in use" in error,
               "an address that is taken: said, and exit status 111",
               (status, error))


def test_one_line_each(tap):
    """However a connection ends."""
    def play(number):
        path = "/%d" % number
        with opened(server, path) as connection:
            if number % 4 == 0:
                connection.send(rawclient.close(1000))
            elif number % 4 == 1:
                connection.send(frame(3, b""))
            elif number % 4 == 2:
                reset(connection)
                return path
            else:
                connection.send(frame(TEXT, b"a\nb"))
            until_end(connection)
        return path
    with Listener(["cat"]) as server:
        paths = in_parallel(play, range(40))
        eventually(lambda: len(server.log()) == 41)
        counts = [len(lines_of(server, path)) for path in paths]
        tap.ok(counts == [1] * 40 and len(server.log()) == 41,
               "40 connections, 40 lines in the log", server.log())


def test_linger(tap):
    """What is queued arrives, although the client sends on meanwhile."""
    with Listener(shell("read line; head -c 900000 /dev/zero | tr '\\0' a"),
                  ["--format", "raw"]) as server:
        with opened(server) as connection:
            connection.send(frame(TEXT, b"go\n") + frame(
                TEXT, b"nobody reads this") * 1000)
            events = until_end(connection)
        tap.ok(sum(map(len, payloads(events, "binary"))) == 900000
               and close_of(events)[0] == 1000 and events[-1] == ("eof",),
               "no queued byte and no Close is lost to a reset", events[-1])


def test_stream_end(tap):
    """RST as the answer to our Close is survived as well."""
    with Listener(shell("exit 0")) as server:
        for _ in range(5):
            connection = opened(server)
            connection.event()
            connection.sock.setsockopt(
                socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            connection.sock.close()
        tap.ok(eventually(lambda: len(server.log()) == 6)
               and all("done" in line for line in server.log()[1:]),
               "a client that resets after our Close changes nothing",
               server.log())


def main():
    tap = Tap()
    with same_descriptors():
        for test in [
                test_program_ends, test_output_ends, test_input_ends,
                test_grandchild, test_much_output, test_client_closes,
                test_client_closes_early,
                test_final_output, test_client_vanishes, test_half_closed,
                test_breaches, test_max_message, test_stopped,
                test_stopped_in_write, test_stopped_in_handshake,
                test_unstartable, test_lines,
                test_newlines, test_to_lines, test_bad_text, test_replaced,
                test_long_lines, test_raw, test_raw_text, test_netstrings,
                test_malformed, test_unread, test_ladder, test_group, test_flood,
                test_keepalive,
                test_statuses, test_stop_status, test_wrong_inputs,
                test_command_lines,
                test_system_status, test_one_line_each, test_linger,
                test_stream_end]:
            test(tap)
    tap.finish()


if __name__ == "__main__":
    main()
