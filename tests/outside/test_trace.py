"""--verbose: the handshake and each frame, line by line, in the log; breaches
too, and no secrets; nothing forges a line; and without it, nothing.
"""

import os
import re
import subprocess

import rawclient
from rawclient import (BINARY, CLOSE, CONTINUATION, PING, TEXT, Connection,
                       frame)
from server import Listener, binary, same_descriptors
from tap import Tap
from ws_test import ask, eventually, line_of, opened, until_end

ONE_BYTE = {"LD_PRELOAD": os.path.abspath(os.path.join(
    os.environ.get("BUILD", "build"), "tests", "shim_onebyte.so"))}
STAMP = r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z ws-cgi\[\d+\]: "
WANTED = ["GET %s HTTP/1.1", "Host: %s", "Upgrade: websocket",
          "Connection: Upgrade", "Sec-WebSocket-Version: 13",
          "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ=="]
GIVEN = ["> HTTP/1.1 101 Switching Protocols", "> Upgrade: websocket",
         "> Connection: Upgrade",
         "> Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo="]
REFUSED = ["> Date:", "> Connection: close", "> Sec-WebSocket-Version: 13",
           "> Content-Type: text/plain; charset=utf-8",
           "> X-Content-Type-Options: nosniff"]


def asked(server, path="/a", extra=()):
    """The lines of a trace about a request."""
    lines = "\n".join(WANTED) % (path, server.host)
    return ["< " + line for line in [*lines.split("\n"), *extra]]


def trace(server):
    """What the trace says, without time, names and dates."""
    found = (re.fullmatch(STAMP + r"\S+ ([<>] (?:Date:|.*)).*", line)
             for line in server.log())
    return [match[1] for match in found if match]


def talk(server, sent, path="/a", extra=()):
    """Send a handshake and frames; the trace of it."""
    with Connection(server.connect()) as connection:
        connection.send(rawclient.request(server.host, path, extra=extra))
        connection.upgraded()
        connection.send(sent)
        until_end(connection)
    line_of(server, path)
    return trace(server)


SAID = [    # what is sent to echo:, and its trace
    (frame(TEXT, b"hello"),
     ['< text fin mask 5 "hello"', '> text fin 5 "hello"']),
    (frame(TEXT, b""), ['< text fin mask 0 ""', '> text fin 0 ""']),
    (frame(BINARY, b'\0\n"\\\x7f\xff a'),
     ['< binary fin mask 8 "\\x00\\x0a\\x22\\x5c\\x7f\\xff a"',
      '> binary fin 8 "\\x00\\x0a\\x22\\x5c\\x7f\\xff a"']),
    (frame(TEXT, b"x" * 32),
     ['< text fin mask 32 "%s"' % ("x" * 32),
      '> text fin 32 "%s"' % ("x" * 32)]),
    (frame(TEXT, b"x" * 33),
     ['< text fin mask 33 "%s"...' % ("x" * 32),
      '> text fin 33 "%s"...' % ("x" * 32)]),
    (frame(PING, b"p" * 125),
     ['< ping fin mask 125 "%s"' % ("p" * 125),
      '> pong fin 125 "%s"' % ("p" * 125)]),
    (frame(10, b"\r"), ['< pong fin mask 1 "\\x0d"']),
]
LAST = (rawclient.close(1000, b'b"ye'),
        ['< close fin mask 6 1000 "b\\x22ye"',
         '> close fin 6 1000 "b\\x22ye"'])


def said_to(server, said):
    """The trace of these frames, and what it should be."""
    lines = talk(server, b"".join(sent for sent, _ in said))
    return lines, asked(server) + GIVEN + sum((line for _, line in said), [])


def test_conversation(tap):
    with Listener(["echo:"], ["-v"]) as server:
        lines, wanted = said_to(server, [*SAID, LAST])
    tap.ok(lines == wanted, "echo: the trace says all, in its order",
           "\n".join(lines))
    with Listener(["discard:"], ["--verbose"], ONE_BYTE) as server:
        lines, wanted = said_to(server, [*SAID, LAST])
        with open("/proc/%d/maps" % server.process.pid) as f:
            cut = ONE_BYTE["LD_PRELOAD"] in f.read()
    tap.ok(cut and lines == [line for line in wanted
                             if line[:6] not in ("> text", "> bina")],
           "discard: one byte at a time it says the same",
           (cut, "\n".join(lines)))


def test_fragments(tap):
    """Long frames in, and in many reads; frames of 64 KiB out."""
    sent = (frame(TEXT, b"x" * 70000, fin=False) + frame(PING)
            + frame(CONTINUATION, b"end"))
    with Listener(["cat"], ["-v"]) as server:
        with opened(server) as connection:
            connection.send(sent, chop=999)
            connection.event()
            connection.event()
            connection.send(rawclient.close(1001))
            until_end(connection)
        line_of(server, "/")
        lines = trace(server)[len(WANTED) + len(GIVEN):]
    tap.ok(lines == ['< text mask 70000 "%s"...' % ("x" * 32),
                     '< ping fin mask 0 ""', '> pong fin 0 ""',
                     '< continuation fin mask 3 "end"',
                     '> text 65536 "%s"...' % ("x" * 32),
                     '> continuation fin 4467 "%s"...' % ("x" * 32),
                     '< close fin mask 2 1001 ""', '> close fin 2 1001 ""'],
           "cat: fragments are shown as they are", "\n".join(lines))


BREACHES = [    # what is sent, its line, the reason behind 1002
    (frame(3, b"hi"), 'opcode 0x3 fin mask 2 "hi"',
     "a frame has a reserved opcode"),
    (frame(TEXT, b"hi", masked=False), 'text fin 2 "hi"',
     "a frame from the client is not masked"),
    (frame(TEXT, b"hi", form=16), 'text fin mask 2 "hi"',
     "a frame's length is not in its shortest form"),
    (frame(BINARY, b"hi", rsv=5), 'binary fin rsv1 rsv3 mask 2 "hi"',
     "a frame has a reserved bit set"),
    (frame(PING, b"hi", fin=False), 'ping mask 2 "hi"',
     "a control frame is fragmented"),
    (frame(CONTINUATION, b"hi"), 'continuation fin mask 2 "hi"',
     "a continuation frame continues no message"),
    (frame(CLOSE, b"\3"), 'close fin mask 1 "\\x03"',
     "a Close frame holds half a code"),
    (b"\x8b", "opcode 0xb fin...", "a frame has a reserved opcode"),
    (b"\x82\x7f", "binary fin...", "a frame from the client is not masked"),
]


def test_breaches(tap):
    for sent, line, why in BREACHES:
        with Listener(["echo:"], ["-v"]) as server:
            lines = talk(server, sent)[len(WANTED) + len(GIVEN):]
        tap.ok(lines == ["< " + line, '> close fin %d 1002 "%s"'
                         % (len(why) + 2, why)],
               "%s is shown, and then the Close" % line, lines)


def test_cut_off(tap):
    for sent, line in [
            (b"\x81", "text fin..."), (b"\x81\x85", 'text fin mask 5 ""...'),
            (frame(TEXT, b"hello")[:-2], 'text fin mask 5 "hel"...')]:
        with Listener(["cat"], ["-v"]) as server:
            with opened(server) as connection:
                connection.send(sent)
            line_of(server, "/")
            lines = trace(server)[len(WANTED) + len(GIVEN):]
        tap.ok(lines == ["< " + line], "a client that leaves after %r" % sent,
               lines)


SECRETS = [     # fields that a client sends, and their lines
    ("Authorization: Basic c2VjcmV0", "Authorization: (14 bytes)"),
    ("PROXY-AUTHORIZATION:\tx-s3cret", "PROXY-AUTHORIZATION:\\x09(8 bytes)"),
    ("cookie: a=s3cret; b=s3cret", "cookie: (18 bytes)"),
    ("X-Api-Key: s3cret", "X-Api-Key: (6 bytes)"),
    ("X-CSRF-Token:s3cret", "X-CSRF-Token:(6 bytes)"),
    ("Sec-WebSocket-Protocol: chat, v1.bearer.s3cret, more",
     "Sec-WebSocket-Protocol: chat, (22 bytes)"),
    ("Sec-WebSocket-Protocol: a, bearer2,s3cret",
     "Sec-WebSocket-Protocol: a, (14 bytes)"),
    ("Sec-WebSocket-Protocol: s3cret" + "x" * 20,
     "Sec-WebSocket-Protocol: (26 bytes)"),
    ("Sec-WebSocket-Protocol: graphql-transport-ws,soap",
     "Sec-WebSocket-Protocol: graphql-transport-ws,soap"),
    ("Referer: http://a/auth", "Referer: http://a/auth"),
]
FOLDED = [      # heads that are refused
    b"GET / HTTP/1.1\r\nCookie: a=1;\r\n s3cret=1\r\n\r\n",
    b"GET / HTTP/1.1\r\nCookie : s3cret\r\n\r\n",
    b"GET / HTTP/1.1\nCookie: s3cret\n\n",
    b"GET / HTTP/1.1\rCookie: s3cret\r\r",
    b"GET / HTTP/1.1\r\nA: b\rCookie: s3cret\r\n\r\n",
    b"GET / HTTP/1.1\r\nCookie: s3cret",
]


def test_secrets(tap):
    with Listener(["echo:"], ["-v", "--protocol", "chat", "--header", "X-A: b",
                              "--header", "Set-Cookie: s3cret"]) as server:
        for number, (field, line) in enumerate(SECRETS):
            path = "/auth:%d" % number
            before = len(trace(server))
            lines = talk(server, rawclient.close(1000), path,
                         [field])[before:]
            tap.ok(lines[:7] == asked(server, path, [line]),
                   "%s is %s" % (field, line), lines)
            tap.ok("> Set-Cookie: (6 bytes)" in lines and "> X-A: b" in lines,
                   "Set-Cookie is hidden, and nothing else", lines)
        for head in FOLDED:
            with Connection(server.connect()) as connection:
                connection.send(head)
                connection.sock.shutdown(1)
                connection.rest()
        ends = eventually(lambda: sum('" ' in line and ' "' in line
                                      for line in server.log())
                          >= len(SECRETS) + len(FOLDED))
        said = [line for line in server.log() if "s3cret" in line
                or "c2VjcmV0" in line]
        shown = [line for line in trace(server) if line == "< GET / HTTP/1.1"]
        tap.ok(ends and len(shown) == 4 and not said,
               "no secret is in the log, nor in what is malformed", said)


REFUSALS = [    # a request, its lines, status, bytes of the reason
    (b"hello\r\n\r\n", ["hello"], "400 Bad Request", 47),
    (b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03ABC\r\n\r\n",
     ["\\x16\\x03\\x01\\x02\\x00\\x01\\x00\\x01..."], "400 Bad Request", 29),
    (b"\0\n", ["\\x00\\x0a"], "400 Bad Request", 21),
    (b"GET /\xff\"\\ HTTP/1.1\r\n\r\n", ["GET /\\xff\"\\x5c HTTP/1.1"],
     "400 Bad Request", 47),
    (b"GET / HTTP/1.1\r\nA: %s\r\nB\r\n\r\n" % (b"a" * 2000),
     ["GET / HTTP/1.1", "A: %s..." % ("a" * 786), "B"], "400 Bad Request",
     34),
]


def test_refusals(tap):
    with Listener(["echo:"], ["-v"]) as server:
        for sent, lines, status, size in REFUSALS:
            before = len(trace(server))
            ask(server, sent)
            wanted = [*("< " + line for line in lines), "> HTTP/1.1 " + status,
                      *REFUSED, "> Content-Length: %d" % size]
            tap.ok(eventually(lambda: trace(server)[before:] == wanted, 5),
                   "%.40r is shown, and %s" % (sent, status),
                   "\n".join(trace(server)[before:]))


def test_pages(tap):
    with Listener(["echo:"], ["-v", "--console"]) as server:
        ask(server, b"GET / HTTP/1.1\r\nHost: %s\r\n\r\n"
            % server.host.encode())
        line_of(server, "/")
        lines = trace(server)
    tap.ok(lines[:3] == ["< GET / HTTP/1.1", "< Host: " + server.host,
                         "> HTTP/1.1 200 OK"]
           and all(re.match(r"> [A-Za-z-]+:( |$)", line)
                   for line in lines[3:]),
           "of a page the head is shown", "\n".join(lines))


FORGED = "2026-11-21T00:00:00.000Z ws-cgi[1]: 127.0.0.1:1 < forged"


def test_forgery(tap):
    """Whatever is sent, each line of the log is one of ours."""
    breaks = ["\n", "\r", "\r\n", "\0", "\x1b[2K\r", "\x85", "\u2028", '"\n']
    with Listener(["cat"], ["-v"]) as server:
        for number, text in enumerate(breaks):
            forged = (text + FORGED + text).encode()
            ask(server, b"GET /%s HTTP/1.1\r\nA: %s\r\n\r\n"
                % (forged, forged))
            talk(server, frame(BINARY, forged) + frame(PING, forged)
                 + rawclient.close(1000, forged), "/%d" % number)
        with open(server.path("log"), "rb") as f:
            log = f.read()
    lines = log.decode("ascii").split("\n")
    own = re.compile(STAMP + r'(listening on |127\.0\.0\.1:\d+ ([<>] |"))')
    tap.ok(lines.pop() == "" and all(map(own.match, lines))
           and all(line.isprintable() for line in lines),
           "each line is one of ours, and printable",
           [line for line in lines if not own.match(line)])
    tap.ok(not any(line.startswith(FORGED) for line in lines)
           and sum("forged" in line for line in lines) > 2 * len(breaks),
           "what would be another line stands in one of them")


def test_quiet(tap):
    for operands in [["echo:"], ["cat"]]:
        with Listener(operands) as server:
            lines = talk(server, frame(TEXT, b"hi") + frame(3))
            log = server.log()
        tap.ok(not lines and len(log) == 2 and '"/a" proto' in log[1],
               "%s without it: one line for the connection" % operands[0], log)
    for options, said in [([], "no"), (["-v"], "yes")]:
        ran = subprocess.run([binary(), *options, "--check", "cat"],
                             capture_output=True, text=True)
        tap.ok(re.search(r"^ *verbose +%s$" % said, ran.stdout, re.M),
               "--check says verbose %s" % said, ran)


def main():
    tap = Tap()
    with same_descriptors():
        for test in [test_conversation, test_fragments, test_breaches,
                     test_cut_off, test_secrets, test_refusals, test_pages,
                     test_forgery, test_quiet]:
            test(tap)
    tap.finish()


if __name__ == "__main__":
    main()
