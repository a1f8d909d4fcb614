"""What a program writes to its standard error: whole lines in the log, with
the connection's name, or messages to the client, or nowhere."""

import json
import os
import socket
import subprocess
import tempfile

import rawclient
from rawclient import TEXT, Connection, frame
from server import Listener, binary, same_descriptors
from tap import Tap
from ws_test import (PATIENCE, close_of, errors_of, line_of, opened,
                     payloads, until_end)

LONGEST = 65536


def played(script, options=(), path="/a"):
    """The client's events, and what is noted when all is over."""
    with Listener(["sh", "-c", script], options) as server:
        with opened(server, path) as connection:
            port = connection.sock.getsockname()[1]
            events = until_end(connection)
        line_of(server, path)
        return events, errors_of(server, path), "127.0.0.1:%d" % port


LINES = [   # what the shell's printf writes, the lines that are noted
    ("hello\\n", ["hello"]), ("a\\nb\\n\\nc", ["a", "b", "", "c"]),
    ('say "hi"\\n', ['say "hi"']), ("a\\\\b\\n", ["a\\x5cb"]),
    ("\\033[31mred\\n", ["\\x1b[31mred"]),
    ("gr\\303\\274n\\r\\n", ["gr\\xc3\\xbcn\\x0d"]), ("", []),
    ("forged\\001\\n", ["forged\\x01"]),
]


def test_log(tap):
    for text, wanted in LINES:
        events, lines, peer = played("printf '%s' >&2; echo out" % text)
        tap.ok(lines == ['%s "/a" stderr: %s' % (peer, line)
                         for line in wanted],
               "%r is %r in the log" % (text, wanted), lines)
        tap.ok(payloads(events, "text") == [b"out"]
               and close_of(events)[0] == 1000,
               "%r: the client hears nothing of it" % text, events)


def test_long_lines(tap):
    for size in [LONGEST - 1, LONGEST, 3 * LONGEST + 5]:
        _, lines, peer = played(
            "head -c %d /dev/zero | tr '\\0' a >&2; echo >&2" % size)
        pieces = [line.split(": ", 1) for line in lines]
        tap.ok("".join(text for _, text in pieces) == "a" * size,
               "a line of %d bytes is in the log, whole" % size,
               [len(line) for line in lines])
        tap.ok([head.rpartition(" ")[2] for head, _ in pieces]
               == ["stderr..."] * ((size - 1) // LONGEST) + ["stderr"],
               "a line of %d bytes: where it is cut is marked" % size,
               [head for head, _ in pieces])


def test_last_words(tap):
    """Also of a program whose client is gone, and of what it leaves."""
    script = "trap 'echo hup >&2; exit' HUP; echo ready; cat; " \
             "echo eof >&2; while :; do sleep 0.05; done"
    for options in [[], ["--stderr", "client"]]:
        with Listener(["sh", "-c", script], [*options, "--grace", "0.2"]
                      ) as server:
            with opened(server) as connection:
                connection.event()
                connection.send(rawclient.close(1000))
                until_end(connection)
            line_of(server, "/")
            said = [line.rpartition(": ")[2] for line in errors_of(server, "/")]
        tap.ok(said[:1] == ["eof"] and said[-1:] == ["hup"],
               "%s what is said behind the end is in the log" % options, said)


def test_flood(tap):
    """A program that writes nothing but errors is served all the same."""
    script = "yes error >&2 & read line; echo $line; kill $!"
    with Listener(["sh", "-c", script], ["--stderr", "none"]) as server:
        with opened(server) as connection:
            connection.send(frame(TEXT, b"there?"))
            events = until_end(connection)
        line_of(server, "/")
        tap.ok(payloads(events, "text") == [b"there?"]
               and len(server.log()) == 2,
               "--stderr none: nothing of it anywhere", server.log())
    script = "head -c 100000 /dev/zero | tr '\\0' '\\n' >&2; echo done"
    with Listener(["sh", "-c", script], ["--stderr", "client"]) as server:
        with opened(server) as connection:
            events = until_end(connection)
    tap.ok(sorted(payloads(events, "text"))
           == [b"done"] + [b"stderr: "] * 100000,
           "100,000 lines reach the client", events[-3:])


def test_client(tap):
    script = "printf 'a\\nb\\377\"c\\nd' >&2; cat"
    for name, wanted in [
            ("line", ["stderr: a", "stderr: b\ufffd\"c", "stderr: d"]),
            ("nul", ["stderr: a", "stderr: b\ufffd\"c", "stderr: d"]),
            ("json", [{"event": "stderr", "data": text}
                      for text in ("a", 'b\ufffd"c', "d")])]:
        with Listener(["sh", "-c", script + "; exit"],
                      ["--format", name, "--stderr", "client"]) as server:
            with opened(server) as connection:
                got = [connection.event()[1].decode() for _ in range(2)]
                connection.send(rawclient.close(1000))
                until_end(connection)
            line_of(server, "/")
            last = errors_of(server, "/")
        if name == "json":
            got = [json.loads(text) for text in got]
        tap.ok(got == wanted[:2], "--stderr client, %s: %s" % (name, wanted),
               got)
        tap.ok(last and last[0].endswith("stderr: d"),
               "--stderr client, %s: the last line comes too late, and is in "
               "the log" % name, last)


def test_inherited(tap):
    """Descriptors 2 of its own where ws-cgi has none, or for syslog's."""
    for how in ["", "2>&-"]:
        with tempfile.TemporaryDirectory() as home:
            ours, theirs = socket.socketpair()
            with theirs:
                process = subprocess.Popen(
                    ["sh", "-c", 'exec "$0" sh -c "%s" %s' % (
                        "readlink /proc/self/fd/2 >$HOME/two; echo out", how),
                     binary()], stdin=theirs, stdout=theirs,
                    stderr=subprocess.DEVNULL, env={**os.environ,
                                                    "HOME": home})
            with Connection(ours) as connection:
                connection.handshake("localhost")
                events = until_end(connection)
            process.wait(PATIENCE)
            with open(home + "/two") as f:
                two = f.read()
        tap.ok(two.startswith("pipe:")
               and payloads(events, "text") == [b"out"],
               "ws-cgi %s: the program has a pipe" % how, (two, events))


def test_refused(tap):
    for options in [["--stderr", "client", "--format", "raw"],
                    ["--format", "netstring", "--stderr", "client"],
                    ["--stderr", "both"]]:
        ran = subprocess.run([binary(), *options, "--check", "cat"],
                             capture_output=True, text=True)
        tap.ok(ran.returncode == 100 and "--stderr" in ran.stderr,
               " ".join(options) + " is refused", ran)


def main():
    tap = Tap()
    with same_descriptors():
        for test in [test_log, test_long_lines, test_last_words, test_flood,
                     test_client, test_inherited, test_refused]:
            test(tap)
    tap.finish()


if __name__ == "__main__":
    main()
