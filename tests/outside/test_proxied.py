"""What proxies make of requests, and what they need of answers: each check is
named after the requirement, R17 and so on, that a real proxy once showed.  The
proxies here have the configurations of examples/frontends."""

import os
import sys
import time

import rawclient
from rawclient import Connection
from server import Listener, same_descriptors
from tap import Tap
from test_environ import printed
from ws_test import PATIENCE, ask, eventually, parse_response, reset, workers

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)),
                                "..", "frontends"))
import frontend  # noqa: E402
import proxies  # noqa: E402

PROGRAM = "cat", "/proc/self/environ"
PRINTING = ["--format", "raw"]
QUICK = 1       # s for what must not take long
# Who speaks HTTP, and may change it.
REAL = [proxies.Nginx, proxies.Apache, proxies.ApacheTunnel, proxies.Haproxy,
        proxies.Lighttpd, proxies.Caddy, proxies.Varnish, proxies.Nghttpx,
        proxies.H2o]
CONSTANT = b"MDAwMDAwMDAwMDAwMDAwMA=="       # lighttpd's, of HTTP/2
LOCAL = b"\r\n\r\n\0\r\nQUIT\n\x20\0\0\0"       # of PROXY, version 2
CHECKED = "server chat 127.0.0.1:8081"
UPGRADE = """
		proxy_set_header Upgrade $http_upgrade;
		proxy_set_header Connection upgrade;
"""
VERSION = "\t\tproxy_http_version 1.1;"


def before(row, changed=()):
    """This proxy before a service that prints its environment."""
    class Row(row):
        changes = changed or row.changes

        def make_values(self):
            return {**super().make_values(), "/usr/local/libexec/chat":
                    " ".join([*PRINTING, *PROGRAM])}
    return Row(frontend.server.binary())


def variables(server, data):
    """The program's environment for this request, or the Response."""
    with Connection(server.connect()) as connection:
        connection.send(data)
        if not connection.fill_until(lambda: b"\r\n" in connection.buffer,
                                     PATIENCE):
            return None
        if not connection.buffer.startswith(b"HTTP/1.1 101"):
            return parse_response(connection.rest(PATIENCE))
        connection.response()
        return printed(connection)


def has(got, **wanted):
    return isinstance(got, dict) and all(got.get(name) == value
                                         for name, value in wanted.items())


# R17: health checks end quickly, and are no lines in the log.

def quiet(tap, name, server, play):
    """play ends in time, and nothing is left of it."""
    lines, began = len(server.log()), time.monotonic()
    good = play()
    took = time.monotonic() - began
    gone = eventually(lambda: not workers(server), QUICK)
    tap.ok(good and gone and took < QUICK, "R17: %s: quick" % name,
           (good, gone, took))
    tap.ok(len(server.log()) == lines, "R17: %s: quiet" % name, server.log())


def connects(server):
    server.connect().close()
    return True


def resets(server, data=b""):
    connection = Connection(server.connect())
    connection.send(data)
    reset(connection)
    return True


def options(server, data):
    response, _ = ask(server, data)
    return response.status == 200 and not response.body \
        and response.values("connection") == ["close"] \
        and response.values("content-length") == ["0"] \
        and "OPTIONS" in response.values("allow")[0].split(", ")


def options_and_reset(server):
    """As haproxy does, which waits for no end."""
    connection = Connection(server.connect())
    connection.send(b"OPTIONS / HTTP/1.0\r\n\r\n")
    status, _ = connection.response()
    reset(connection)
    return status == 200


def test_allowed(tap):
    for arguments, wanted in (([], "GET, OPTIONS"),
                              (["--console"], "GET, HEAD, OPTIONS")):
        with Listener(["echo:"], arguments) as server:
            response, _ = ask(server, b"OPTIONS / HTTP/1.1\r\nHost: a\r\n\r\n")
        tap.ok(response.values("allow") == [wanted],
               "OPTIONS %s: what may be asked" % " ".join(arguments), response)


def test_r17(tap):
    with Listener(["echo:"], ["--handshake-timeout", "0.3"]) as server:
        quiet(tap, "a connection without a byte", server,
              lambda: connects(server))
        quiet(tap, "one that is reset", server, lambda: resets(server))
        quiet(tap, "OPTIONS / HTTP/1.0 without Host", server,
              lambda: options(server, b"OPTIONS / HTTP/1.0\r\n\r\n"))
        quiet(tap, "OPTIONS with any Host", server, lambda: options(
            server, b"OPTIONS / HTTP/1.1\r\nHost: anybody\r\n\r\n"))
        quiet(tap, "OPTIONS, then a reset", server,
              lambda: options_and_reset(server))
        response, _ = ask(server, b"")
        tap.ok(response.status == 408, "R17: silence is ended", response)
    with Listener(["echo:"], ["--proxy-protocol"]) as server:
        quiet(tap, "a PROXY header, LOCAL, then a reset", server,
              lambda: resets(server, LOCAL))


def test_r17_haproxy(tap):
    for name, more in (("check", ""), ("option httpchk",
                                       "option httpchk\n\t")):
        change = CHECKED, more + CHECKED + " check inter 50 fall 2"
        with before(proxies.Haproxy, (change,)) as front:
            lines = len(front.backend.log())
            time.sleep(QUICK)
            tap.ok(len(front.backend.log()) == lines,
                   "R17: haproxy, %s: quiet" % name, front.backend.log())
            got = variables(front, rawclient.request(front.host))
            tap.ok(has(got, REMOTE_ADDR=frontend.CLIENT),
                   "R17: haproxy, %s: the service is up" % name,
                   (got, front.log()))


# R18: names in any case and order; lines that are repeated, or joined.

TWICE = ("Cookie: a=b", "Cookie: c=d", "X-Twice: 1", "X-Twice: 2",
         "X-Forwarded-For: 6.6.6.6", "X-Forwarded-For: 7.7.7.7")


def is_joined(got):
    return isinstance(got, dict) and has(got, HTTP_X_TWICE="1, 2") \
        and got["HTTP_COOKIE"] in ("a=b; c=d", "a=b, c=d")


def test_r18(tap):
    with Listener(PROGRAM, [*PRINTING, "--trust", "127.0.0.1",
                            "--host", "front"]) as server:
        head = (b"GET / HTTP/1.1\r\nx-forwarded-for: 6.6.6.6\r\n"
                b"sec-websocket-key:%s\r\nCOOKIE: a=b\r\nX-Twice: 1\r\n"
                b"sec-Websocket-version:  13 \r\nconnection: Upgrade\r\n"
                b"cookie: c=d\r\nupgrade: websocket\r\nx-twice: 2\r\n"
                b"host: front\r\nx-forwarded-for: 192.0.2.7\r\n\r\n" % CONSTANT)
        got = variables(server, head)
        tap.ok(has(got, HTTP_COOKIE="a=b; c=d", HTTP_X_TWICE="1, 2",
                   REMOTE_ADDR="192.0.2.7", SERVER_NAME="front"),
               "R18: any case, any order, repeated lines", got)


def test_r18_proxies(tap):
    for row in REAL:
        with before(row) as front:
            got = variables(front, rawclient.request(front.host, extra=TWICE))
            tap.ok(is_joined(got), "R18: lines that %s repeats or joins"
                   % row.name, got)
            tap.ok(has(got, REMOTE_ADDR=frontend.CLIENT),
                   "R18: %s: the client cannot be who it likes" % row.name,
                   got)
            tap.ok(has(got, REQUEST_SCHEME="http", HTTPS=None,
                       SERVER_NAME="127.0.0.1"),
                   "R32: %s says how the client came, and to whom" % row.name,
                   got)


# R19 to R21: what stands in a request for an upgrade, and in an answer.

CONNECTIONS = ["keep-alive, Upgrade", "close, te, upgrade", "upgrade",
               "Upgrade", "close, upgrade", "UPGRADE, close"]


def asking(server, connection="Upgrade", target="/", key=CONSTANT, extra=()):
    return rawclient.request(server.host, target, key, extra).replace(
        b"Connection: Upgrade", b"Connection: " + connection.encode())


def answer(server, data):
    """The fields of the 101, by name in lower case; or the status."""
    with Connection(server.connect()) as connection:
        connection.send(data)
        status, fields = connection.response()
        return fields if status == 101 else status


def test_r19(tap):
    with Listener(["echo:"]) as server:
        for value in CONNECTIONS:
            got = answer(server, asking(server, value))
            tap.ok(isinstance(got, dict), "R19: Connection: " + value, got)


def test_r20(tap):
    with Listener(["echo:"]) as server:
        for name, data in [
                ("a length of 0", asking(server, extra=["Content-Length: 0"])),
                ("Via", asking(server, extra=["Via: 2 front (a)", "Via: 1.1 b"])),
                ("an absolute target", asking(
                    server, target="http://%s/chat" % server.host)),
                ("a key that is always the same", asking(server))]:
            got = answer(server, data)
            tap.ok(isinstance(got, dict), "R20: " + name, got)


def test_r21(tap):
    with Listener(["echo:"]) as server:
        got = answer(server, asking(server))
        tap.ok(set(got) == {"upgrade", "connection", "sec-websocket-accept"}
               and got["upgrade"] == "websocket"
               and got["connection"] == "Upgrade"
               and got["sec-websocket-accept"]
               == rawclient.accept(CONSTANT).decode(),
               "R21: a 101 has three fields, and none of a body", got)
        for data in [b"GET / HTTP/1.1\r\nHost: %s\r\n\r\n", b"nonsense\r\n\r\n",
                     b"GET / HTTP/1.0\r\n\r\n",
                     b"POST / HTTP/1.1\r\nHost: a\r\n\r\n"]:
            response, _ = ask(server, data.replace(b"%s",
                                                   server.host.encode()))
            tap.ok(response.is_refusal(), "R21: a refusal, %d, says that it "
                   "ends the connection" % response.status, response)


def test_r21_proxies(tap):
    """Twenty refusals, and then a WebSocket, on one connection."""
    for row in REAL:
        if "refused, again" in row.limits:
            continue
        with before(row) as front, Connection(front.connect()) as connection:
            statuses = []
            for _ in range(20):
                connection.send(asking(front).replace(b": 13", b": 99"))
                status, fields = connection.response()
                statuses.append(status)
                size = int(fields.get("content-length", 0))
                connection.fill_until(lambda: len(connection.buffer) >= size,
                                      PATIENCE)
                del connection.buffer[:size]
            connection.handshake(front.host)
            tap.ok(statuses == [426] * 20, "R21: %s: refusals do not end a "
                   "connection" % row.name, statuses)


# R22: nginx without its lines is told so.

def test_r22(tap):
    for name, changes, words in [
            ("all three lines", ((UPGRADE, "\n"), (VERSION, "")),
             "no Upgrade: websocket"),
            ("Upgrade and Connection", ((UPGRADE, "\n"),),
             "no Upgrade: websocket"),
            ("proxy_http_version", ((VERSION, ""),), "speak HTTP/1.1")]:
        with before(proxies.Nginx, changes) as front, \
                Connection(front.connect()) as connection:
            connection.send(asking(front))
            status, fields = connection.response()
            size = int(fields["content-length"])
            connection.fill_until(lambda: len(connection.buffer) >= size,
                                  PATIENCE)
            tap.ok(status == 426 and words.encode() in connection.buffer,
                   "R22: nginx without %s: 426 says so" % name,
                   (status, connection.buffer))


# R32: Host may be the proxy's choice, and the scheme has four names.

def test_r32_origin(tap):
    page = ["Origin: https://example.org"]
    for options_, origin, status in [
            ((), page, 403),
            (("--origin", "https://example.org"), page, 101),
            (("--origin", "https://example.org"), ["Origin: https://evil"],
             403)]:
        with Listener(["echo:"], options_) as server:
            got = answer(server, asking(server, extra=origin))
            tap.ok((101 if isinstance(got, dict) else got) == status,
                   "R32: %s at a Host of the proxy's, %s: %d"
                   % (origin[0], " ".join(options_) or "no option", status),
                   got)


def test_r32_scheme(tap):
    """Traefik says ws and wss."""
    with Listener(PROGRAM, [*PRINTING, "--trust", "127.0.0.1"]) as server:
        for named, scheme in [("http", "http"), ("ws", "http"),
                              ("https", "https"), ("wss", "https")]:
            fields = ["X-Forwarded-For: 192.0.2.7",
                      "X-Forwarded-Proto: " + named]
            got = variables(server, asking(server, extra=fields))
            tap.ok(has(got, REQUEST_SCHEME=scheme,
                       HTTPS="on" if scheme == "https" else None),
                   "R32: X-Forwarded-Proto: %s is %s" % (named, scheme), got)


def main():
    tap = Tap()
    with same_descriptors():
        for test in (test_allowed, test_r17, test_r17_haproxy, test_r18, test_r18_proxies,
                     test_r19, test_r20, test_r21, test_r21_proxies, test_r22,
                     test_r32_origin, test_r32_scheme):
            test(tap)
    tap.finish()


if __name__ == "__main__":
    main()
