"""ws-cgi --receive: an SCGI server for web servers such as nginx, that make a
tunnel of the connection once they have seen a 101.  The names in brackets are
requirements that real web servers made."""

import contextlib
import os
import signal
import socket
import tempfile
import time

import rawclient
from cgi import KEY, REQUEST, parse_answer, without
from rawclient import TEXT, Connection, frame
from server import Listener, same_descriptors
from tap import Tap
from ws_test import (PATIENCE, close_of, eventually, logged, opened, payloads,
                     until_end, worker, workers)

NGINX = {**REQUEST, "SERVER_SOFTWARE": "nginx/1.22.1"}
PRINT = ["--format", "raw", "--", "cat", "/proc/self/environ"]


class Receiver(Listener):
    def __init__(self, operands, options=(), **more):
        super().__init__(operands, options, how="--receive", **more)


def strings(pairs):
    return b"".join(b"%s\0%s\0" % (name.encode(), value.encode())
                    for name, value in pairs)


def netstring(data):
    return b"%d:%s," % (len(data), data)


def scgi(variables, length="0"):
    """What a web server says first."""
    variables = without(variables, "CONTENT_LENGTH")
    return netstring(strings([("CONTENT_LENGTH", length), ("SCGI", "1"),
                              *variables.items()]))


@contextlib.contextmanager
def sent(server, data, chop=0):
    """A connection on which this has been sent."""
    with Connection(server.connect()) as connection:
        connection.send(data, chop)
        yield connection


def asked(server, data):
    """The answer to this, in CGI's form or HTTP's."""
    with sent(server, data) as connection:
        got = connection.rest(PATIENCE)
    return parse_answer(got, nph=got.startswith(b"HTTP"))


def echoes(connection, text=b"hello"):
    connection.send(frame(TEXT, text))
    return connection.event() == ("text", text)


def ends(connection):
    connection.send(rawclient.close(1000))
    return close_of(until_end(connection)) == (1000, b"")


def test_conversations(tap):
    for address in ("tcp", "unix"):
        with Receiver(["cat"], address=address) as server:
            for size in (1, 100000, 1 << 20):
                with sent(server, scgi(NGINX)) as connection:
                    connection.upgraded(KEY)
                    tap.ok(echoes(connection, b"a" * size)
                           and ends(connection),
                           "R24: %s: an echo of %d bytes" % (address, size))
        with Receiver(["sh", "-c", "echo first; sleep 60"],
                      address=address) as server:
            with sent(server, scgi(NGINX)) as connection:
                connection.upgraded(KEY)
                tap.ok(connection.event() == ("text", b"first"),
                       "%s: the program speaks first" % address)


def test_pieces(tap):
    early = frame(TEXT, b"early") + frame(TEXT, b"b" * 70000)
    with Receiver(["echo:"], address="unix") as server:
        for chop in (1, 7, 0):
            with sent(server, scgi(NGINX) + early[:40], chop) as connection:
                connection.send(early[40:])
                connection.upgraded(KEY)
                got = [connection.event() for _ in range(2)]
                tap.ok(got == [("text", b"early"), ("text", b"b" * 70000)],
                       "R12: in writes of %d bytes, frames behind the "
                       "variables" % chop, [repr(e)[:50] for e in got])
        for length in ("11", "0", "", "99999"):
            with sent(server, scgi(NGINX, length) + early) as connection:
                connection.upgraded(KEY)
                tap.ok(connection.event() == ("text", b"early"),
                       "R28: CONTENT_LENGTH=%s: what follows is frames"
                       % length)


WRONG = [       # what is sent, and words of the answer
    ("nothing but a comma", b",,,,,,,,,,", "speaks SCGI"),
    ("HTTP", rawclient.request("a"), "speaks SCGI"),
    ("no length", b":CONTENT_LENGTH", "speaks SCGI"),
    ("a length of 0", b"0:,        ", "speaks SCGI"),
    ("a leading zero", b"0" + scgi(NGINX), "speaks SCGI"),
    ("a negative length", b"-" + scgi(NGINX), "speaks SCGI"),
    ("a sign", b"+" + scgi(NGINX), "speaks SCGI"),
    ("a blank", b" " + scgi(NGINX), "speaks SCGI"),
    ("a semicolon", scgi(NGINX).replace(b":", b";", 1), "speaks SCGI"),
    ("a length of 19 digits", b"9" * 19 + b":", "speaks SCGI"),
    ("a length beyond 65536", b"65537:" + b"a" * 65538, "speaks SCGI"),
    ("a length that is too small",
     b"%d:" % (len(scgi(NGINX)) - 9) + scgi(NGINX)[4:], "comma"),
    ("a length that is too large",
     b"%d:" % (len(scgi(NGINX)) - 1) + scgi(NGINX)[4:] + b"abcdef", "comma"),
    ("another byte for the comma", scgi(NGINX)[:-1] + b";", "comma"),
    ("a name without a value",
     netstring(strings([("CONTENT_LENGTH", "0"), ("SCGI", "1")]) + b"A\0"),
     "names and values"),
    ("a value without an end",
     netstring(strings([("CONTENT_LENGTH", "0"), ("SCGI", "1")]) + b"A\0b"),
     "names and values"),
    ("a name with =",
     netstring(strings([("CONTENT_LENGTH", "0"), ("SCGI", "1"),
                        ("PATH=/evil:A", "b")])), "holds ="),
    ("an empty name",
     netstring(strings([("CONTENT_LENGTH", "0"), ("SCGI", "1"), ("", "b")])),
     "is empty"),
    ("another first name",
     netstring(strings([("SCGI", "1"), ("CONTENT_LENGTH", "0"),
                        *NGINX.items()])), "CONTENT_LENGTH"),
    ("no SCGI", netstring(strings([("CONTENT_LENGTH", "0"),
                                   *NGINX.items()])), "SCGI=1"),
    ("SCGI=2", netstring(strings([("CONTENT_LENGTH", "0"), ("SCGI", "2"),
                                  ("A", "b")])), "SCGI=1"),
]


def test_wrong(tap):
    with Receiver(["echo:"], address="unix") as server:
        for name, data, word in WRONG:
            got = asked(server, data)
            tap.ok(got.status == 400 and word in got.body.decode(),
                   "%s is answered with 400 '%s'" % (name, word), got)
        variables = {**NGINX, "HTTP_X": "x" * 60000}
        got = asked(server, scgi(variables))
        tap.ok(got.status == 431, "a field of 60000 bytes: 431", got)
        variables = {**NGINX, "X": "x" * 60000}
        with sent(server, scgi(variables)) as connection:
            connection.upgraded(KEY)
            tap.ok(echoes(connection), "a variable that is no field: 101")


def test_slow(tap):
    data = scgi(NGINX)
    with Receiver(["echo:"], ["--handshake-timeout", "0.5"],
                  address="unix") as server:
        for size in (0, 1, 5, 100, len(data) - 1):
            begun = time.monotonic()
            got = asked(server, data[:size])
            took = time.monotonic() - begun
            tap.ok(got.status == 408 and 0.4 < took < 8
                   and "took too long" in got.body.decode(),
                   "R17: %d bytes, and then silence: 408" % size, (took, got))
        with Connection(server.connect()) as connection:
            begun = time.monotonic()
            for byte in data:
                if not connection.send(bytes([byte])):
                    break
                time.sleep(0.02)
            got = parse_answer(connection.rest(PATIENCE), nph=True)
            tap.ok(got.status == 408 and time.monotonic() - begun < 4,
                   "R17: and for all of it together", got)
    with Receiver(["echo:"], ["--handshake-timeout", "never"]) as server:
        with sent(server, data[:50]) as connection:
            time.sleep(0.2)
            connection.send(data[50:])
            connection.upgraded(KEY)
            tap.ok(echoes(connection), "without a deadline it is waited for")
    with Receiver(["echo:"], address="unix") as server:
        for size in (0, 3, 100):
            with sent(server, data[:size]):
                pass
            tap.ok(logged(server, '"" 0 the web server has left'),
                   "R17: %d bytes, and then the end: a line in the log"
                   % size, server.log())
            tap.ok(eventually(lambda: not workers(server)),
                   "R17: %d bytes, and then the end: it is over" % size)


def test_refusals(tap):
    """They have CGI's form, as the web server reads them."""
    with Receiver(["echo:"], ["--origin", "https://a.example"],
                  address="unix") as server:
        for changes, status, word in (
                ({"HTTP_UPGRADE": None}, 426, "nginx"),
                ({"HTTP_ORIGIN": "https://evil.example"}, 403, "--origin"),
                ({"REQUEST_METHOD": "POST"}, 405, "GET"),
                ({"SERVER_PROTOCOL": "HTTP/1.0"}, 426, "1.1"),
                ({"HTTP_SEC_WEBSOCKET_VERSION": "7"}, 426, "13"),
                ({"HTTP_X": "a\nb"}, 400, "line break"),
                ({"HTTP_SEC_WEBSOCKET_KEY": None, "HTTP_UPGRADE": None},
                 426, "ask for an upgrade")):
            variables = {name: value for name, value
                         in {**NGINX, **changes}.items() if value is not None}
            with sent(server, scgi(variables)) as connection:
                got = parse_answer(connection.rest(PATIENCE))
            tap.ok(got.status == status and word in got.body.decode()
                   and got.values("content-length") == [str(len(got.body))],
                   "R22, R27: %r: Status: %d" % (changes, status), got)


def test_pages(tap):
    plain = without(NGINX, "HTTP_UPGRADE", "HTTP_CONNECTION",
                    "HTTP_SEC_WEBSOCKET_KEY", "HTTP_SEC_WEBSOCKET_VERSION",
                    "SCRIPT_NAME", "PATH_INFO")
    large = os.urandom(3 << 20)
    with tempfile.TemporaryDirectory(prefix="ws-outside-") as www:
        with open(www + "/a.html", "wb") as f:
            f.write(b"<p>a")
        with open(www + "/large", "wb") as f:
            f.write(large)
        with Receiver(["echo:"], ["--www", www, "--console"],
                      address="unix") as server:
            for method, path, more, status, body in (
                    ("GET", "/a.html", {}, 200, b"<p>a"),
                    ("HEAD", "/a.html", {}, 200, b""),
                    ("GET", "/large", {}, 200, large),
                    ("GET", "/large", {"HTTP_RANGE": "bytes=5-9"}, 206,
                     large[5:10]),
                    ("GET", "/none", {}, 404, None),
                    ("GET", "/../a.html", {}, 404, None),
                    ("GET", "/", {}, 200, None),
                    ("POST", "/a.html", {}, 405, None)):
                with sent(server, scgi({**plain, **more, "REQUEST_URI": path,
                                        "REQUEST_METHOD": method})) \
                        as connection:
                    got = parse_answer(connection.rest(PATIENCE))
                size = int((got.values("content-length") or ["-1"])[0])
                tap.ok(got.status == status
                       and (body is None or got.body == body)
                       and (size == len(got.body) or method == "HEAD")
                       and got.values("connection") == []
                       and got.values("transfer-encoding") == [],
                       "%s %s %s: Status: %d" % (
                           method, path, "".join(more.values()), status),
                       repr(got)[:500])


def environment(server, variables):
    with sent(server, scgi(variables)) as connection:
        connection.upgraded(KEY)
        data = b"".join(payloads(until_end(connection), "binary"))
    pairs = [item.decode("latin-1").split("=", 1)
             for item in data.split(b"\0")[:-1]]
    if len(dict(pairs)) != len(pairs):
        raise AssertionError("a variable is there twice: %r" % pairs)
    return dict(pairs)


def test_environment(tap):
    evil = {"HTTP_PROXY": "http://evil", "LD_PRELOAD": "evil.so",
            "PATH": "/evil", "IFS": ":", "X_USER": "anna",
            "WS_CGI_ARGV": "1", "HTTP_X_SHOCK": "() { :; }"}
    more = {"REMOTE_USER": "anna", "AUTH_TYPE": "Basic", "HTTPS": "on"}
    for allowed in ([], ["--allow-env", "X_USER"]):
        with Receiver(PRINT[3:], [*allowed, *PRINT[:2]], address="unix",
                      env={"PATH": "/bin", "X_OTHER": "a"}) as server:
            got = environment(server, {**NGINX, **evil, **more})
            names = set(NGINX) | set(more) | ({"X_USER"} if allowed else
                                              set())
            wanted = {name: value for name, value
                      in {**NGINX, **evil, **more}.items()
                      if name in names and name != "CONTENT_LENGTH"}
            tap.ok({name: value for name, value in got.items()
                    if name in names | set(evil)} ==
                   {**wanted, "PATH": "/bin"},
                   "R29: the program sees what the web server says of the "
                   "request%s" % (", and " + allowed[1] if allowed else ""),
                   set(got.items()) ^ set(wanted.items()))
            tap.ok(logged(server, '192.0.2.7:50214 "/chat/a%20b?room=1"'),
                   "R30: REMOTE_ADDR and REMOTE_PORT are in the log",
                   server.log())
            twice = [("CONTENT_LENGTH", "0"), ("SCGI", "1"), *NGINX.items(),
                     ("REMOTE_ADDR", "6.6.6.6"), ("HTTP_HOST", "evil"),
                     ("SCGI", "2"), ("REMOTE_USER", "a"),
                     ("REMOTE_USER", "b")]
            with sent(server, netstring(strings(twice))) as connection:
                connection.upgraded(KEY)
                data = b"".join(payloads(until_end(connection), "binary"))
            seen = data.split(b"\0")
            tap.ok(b"REMOTE_ADDR=192.0.2.7" in seen and b"REMOTE_USER=a"
                   in seen and b"REMOTE_ADDR=6.6.6.6" not in seen
                   and b"REMOTE_USER=b" not in seen
                   and b"HTTP_HOST=example.org" in seen,
                   "R28: of two variables with one name the first counts",
                   seen)


def test_many(tap):
    """A web server's connections are not those of one source: its clients'
    are."""
    with Receiver(["echo:"], ["--max-source", "2"]) as server, \
            contextlib.ExitStack() as stack:
        statuses = []
        for i in range(12):
            variables = {**NGINX, "REMOTE_ADDR": "192.0.2.%d" % (i // 3)}
            connection = stack.enter_context(sent(server, scgi(variables)))
            statuses.append(connection.response()[0])
        tap.ok(statuses == [101, 101, 503] * 4,
               "--max-source holds for REMOTE_ADDR, not for the web server",
               statuses)


def test_both(tap):
    """Each of one listener's addresses speaks its own protocol, also after a
    restart."""
    with tempfile.TemporaryDirectory(prefix="ws-outside-") as directory:
        path = directory + "/scgi"
        with Listener(["cat"], ["--receive", "unix:" + path]) as server:
            for again in ("", ", after a restart"):
                with Connection(rawclient.connect(path)) as connection, \
                        opened(server) as other:
                    connection.send(scgi(NGINX))
                    connection.upgraded(KEY)
                    tap.ok(echoes(connection) and echoes(other),
                           "--receive and --listen in one listener" + again)
                    if not again:
                        server.process.send_signal(signal.SIGHUP)
                        tap.ok(logged(server, "restarted"), "SIGHUP restarts "
                               "the listener", server.log())
                    tap.ok(echoes(connection) and ends(connection)
                           and ends(other),
                           "and both conversations go on" + again)
                with Connection(rawclient.connect(path)) as connection:
                    connection.send(rawclient.request(server.host))
                    tap.ok(b"this speaks SCGI" in connection.rest(PATIENCE),
                           "HTTP to the SCGI socket is told so" + again)
                with sent(server, scgi(NGINX)) as connection:
                    tap.ok(connection.response()[0] == 400,
                           "and SCGI to the other" + again)


def test_ends(tap):
    with Receiver(["cat"], address="unix") as server:
        with sent(server, scgi(NGINX)) as connection:
            connection.upgraded(KEY)
            echoes(connection)
            connection.send(frame(TEXT, b"last"))
            connection.sock.shutdown(socket.SHUT_WR)
            events = until_end(connection)
            tap.ok(events[-1] == ("eof",), "R10: the client ends its side: "
                   "an end", events)
        with sent(server, scgi(NGINX)) as connection:
            connection.upgraded(KEY)
            echoes(connection)
        tap.ok(eventually(lambda: not workers(server), 5),
               "R10: nginx goes: nothing is left")
        with sent(server, scgi(NGINX)) as connection:
            connection.upgraded(KEY)
            os.kill(worker(server), signal.SIGTERM)
            tap.ok(close_of(until_end(connection))[0] == 1001,
                   "R15: SIGTERM closes with 1001")


def main():
    tap = Tap()
    for name, test in list(globals().items()):
        if name.startswith("test_"):
            test(tap)
    tap.finish()


if __name__ == "__main__":
    with same_descriptors():
        main()
