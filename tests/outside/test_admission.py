"""Who is let in: the request rules of RFC 6455 4.2.1, Host and Origin.

Every refusal must be one complete HTTP response and one line in the log, and
nothing behind it may be taken for a request or for frames.
"""

import itertools
import re
import time

import rawclient
from rawclient import Connection
from server import Listener, Server, binary, same_descriptors
from tap import Tap
from ws_test import (ask, eventually, in_parallel, line_of, opened,
                     parse_response)

KEY = "dGhlIHNhbXBsZSBub25jZQ=="
HEAD_MAX = 16384
FIELDS_MAX = 100

FIELDS = [      # of a handshake; @ stands for the listener's own host
    ("Host", "@"), ("Upgrade", "websocket"), ("Connection", "Upgrade"),
    ("Sec-WebSocket-Version", "13"), ("Sec-WebSocket-Key", KEY)]


def request(server, line="GET / HTTP/1.1", without=(), fields=()):
    """A handshake with another request line, without some of its fields, and
    with more fields, of which a string is a line as it stands."""
    lines = [line] + ["%s: %s" % field for field in FIELDS
                      if field[0] not in without]
    lines += [field if isinstance(field, str) else "%s: %s" % field
              for field in fields]
    text = "".join(line + "\r\n" for line in lines) + "\r\n"
    return text.replace("@", server.host).encode("latin-1")


def row(name, status, line="GET / HTTP/1.1", **more):
    return name, status, {"line": line, **more}


def instead(field, *values):
    """A handshake whose field has these values, one line each."""
    return {"without": [field], "fields": [(field, value)
                                           for value in values]}


def target(path):
    return "GET %s HTTP/1.1" % path


REFUSED = [
    # 1. The head parses.
    row("no version in the request line", 400, "GET /"),
    row("two spaces in the request line", 400, "GET  / HTTP/1.1"),
    row("a space in the target", 400, "GET /a b HTTP/1.1"),
    row("a version in small letters", 400, "GET / http/1.1"),
    row("a version of three numbers", 400, "GET / HTTP/1.1.1"),
    row("a method that is no token", 400, "G(T / HTTP/1.1"),
    row("a byte over 0x7f in the target", 400, target("/\xe9")),
    row("an escape cut short in the path", 400, target("/%4")),
    row("an escaped NUL in the path", 400, target("/a%00b")),
    row("a NUL in a value", 400, fields=[("X-A", "a\0b")]),
    row("a bare CR in a value", 400, fields=[("X-A", "a\rb")]),
    row("a bare LF at the end of a line", 400, fields=["X-A: 1\nX-B: 2"]),
    row("a control character in a value", 400, fields=[("X-A", "a\x1bb")]),
    row("a folded line", 400, fields=["X-A: a", " b"]),
    row("a line folded by a tab", 400, fields=["X-A: a", "\tb"]),
    row("a space before the colon", 400, fields=["X-A : a"]),
    row("a space in a name", 400, fields=["X A: a"]),
    row("a field without a colon", 400, fields=["X-A"]),
    row("a field without a name", 400, fields=[": a"]),
    row("an underscore in a name", 400, fields=["X_A: a"]),
    row("a request line of 20,000 bytes", 414, target("/" + "a" * 20000)),
    row("a field of 20,000 bytes", 431, fields=[("X-A", "a" * 20000)]),
    row("101 fields", 431, fields=[("X-A", str(n)) for n in range(
        FIELDS_MAX + 1 - len(FIELDS))]),
    # 2. The method is GET.
    row("POST", 405, "POST / HTTP/1.1"),
    row("get in small letters", 405, "get / HTTP/1.1"),
    row("POST without an upgrade", 405, "POST / HTTP/1.1",
        without=["Upgrade", "Connection"]),
    # 3. The version is HTTP/1.1.
    row("HTTP/1.0", 426, "GET / HTTP/1.0"),
    row("HTTP/1.0 without an upgrade", 426, "GET / HTTP/1.0",
        without=["Upgrade", "Connection", "Sec-WebSocket-Key"]),
    row("HTTP/1.0 without Host", 400, "GET / HTTP/1.0",
        without=["Upgrade", "Connection", "Host"]),
    row("HTTP/1.2", 505, "GET / HTTP/1.2"),
    row("HTTP/2.0", 505, "GET / HTTP/2.0"),
    row("HTTP/0.9", 505, "GET / HTTP/0.9"),
    # 4. The target is a path.
    row("a target that is a star", 400, target("*")),
    row("a target that is an authority", 400, target("@")),
    row("a target without a slash", 400, target("chat")),
    row("a target of another scheme", 400, target("file:///etc/passwd")),
    row("a fragment", 400, target("/#here")),
    # 5. There is one Host.
    row("no Host", 400, without=["Host"]),
    row("two Hosts", 400, fields=[("Host", "@")]),
    row("an empty Host", 400, **instead("Host", "")),
    row("a Host with a path", 400, **instead("Host", "@/a")),
    row("a Host with a user", 400, **instead("Host", "a@@")),
    row("a Host with two names", 400, **instead("Host", "a, @")),
    row("a Host with a port that is no number", 400,
        **instead("Host", "localhost:80a")),
    # 6. Upgrade holds websocket.
    row("no Upgrade", 426, without=["Upgrade"]),
    row("an empty Upgrade", 426, **instead("Upgrade", "")),
    row("an upgrade to h2c", 426, **instead("Upgrade", "h2c")),
    row("an upgrade to h2c with its settings", 426, without=[
        "Upgrade", "Connection"], fields=[
            ("Upgrade", "h2c"), ("Connection", "Upgrade, HTTP2-Settings"),
            ("HTTP2-Settings", "AAMAAABkAAQAAP__")]),
    row("an upgrade to websockets", 426, **instead("Upgrade", "websockets")),
    row("an upgrade to websocket/13", 426,
        **instead("Upgrade", "websocket/13")),
    # 7. Connection holds upgrade.
    row("no Connection", 426, without=["Connection"]),
    row("a Connection that keeps alive", 426,
        **instead("Connection", "keep-alive")),
    row("a Connection that upgrades twice in one word", 426,
        **instead("Connection", "upgrade-upgrade")),
    # 8. The version is 13.
    row("WebSocket version 8", 426, **instead("Sec-WebSocket-Version", "8")),
    row("WebSocket version 013", 426,
        **instead("Sec-WebSocket-Version", "013")),
    row("WebSocket version 13, 8", 426,
        **instead("Sec-WebSocket-Version", "13, 8")),
    row("an empty WebSocket version", 426,
        **instead("Sec-WebSocket-Version", "")),
    row("no WebSocket version", (400, 426),
        without=["Sec-WebSocket-Version"]),
    row("two WebSocket versions", (400, 426),
        **instead("Sec-WebSocket-Version", "13", "13")),
    # 9. The key is the base64 of 16 bytes.
    row("no key", 400, without=["Sec-WebSocket-Key"]),
    row("an empty key", 400, **instead("Sec-WebSocket-Key", "")),
    row("two keys", 400, **instead("Sec-WebSocket-Key", KEY, KEY)),
    row("a key of 15 bytes", 400,
        **instead("Sec-WebSocket-Key", "AAAAAAAAAAAAAAAAAAAA")),
    row("a key of 17 bytes", 400,
        **instead("Sec-WebSocket-Key", "AAAAAAAAAAAAAAAAAAAAAAA=")),
    row("a key of 18 bytes", 400,
        **instead("Sec-WebSocket-Key", "AAAAAAAAAAAAAAAAAAAAAAAA")),
    row("a key without its padding", 400,
        **instead("Sec-WebSocket-Key", KEY[:-2])),
    row("a key in the alphabet of URLs", 400,
        **instead("Sec-WebSocket-Key", "-" + KEY[1:])),
    row("a key with a space in it", 400,
        **instead("Sec-WebSocket-Key", "dGhl HNhbXBsZSBub25jZQ==")),
    # 10. There is one Origin at most.
    row("two Origins", 400, fields=[("Origin", "http://@")] * 2),
    # 11. The subprotocols are different tokens.
    row("an empty list of subprotocols", 400,
        fields=[("Sec-WebSocket-Protocol", "")]),
    row("a list of empty subprotocols", 400,
        fields=[("Sec-WebSocket-Protocol", ", ,")]),
    row("a subprotocol with a space", 400,
        fields=[("Sec-WebSocket-Protocol", "a b")]),
    row("a subprotocol in quotes", 400,
        fields=[("Sec-WebSocket-Protocol", '"a"')]),
    row("a subprotocol with a slash", 400,
        fields=[("Sec-WebSocket-Protocol", "a/b")]),
    row("a subprotocol offered twice", 400,
        fields=[("Sec-WebSocket-Protocol", "a, b, a")]),
    row("a subprotocol offered twice in two fields", 400,
        fields=[("Sec-WebSocket-Protocol", "a")] * 2),
    # 12. The extensions parse.
    *[row("the extension list %s" % value, 400,
          fields=[("Sec-WebSocket-Extensions", value)])
      for value in [";a", "a;", "a;b=", "a=1", 'a; b="x y"', 'a; b="x',
                    "a b", "(a)"]],
    # 16. There is no body.
    row("a body with its length", 400, fields=[("Content-Length", "5")]),
    row("two lengths", 400, fields=[("Content-Length", "0")] * 2),
    row("a length that is no number", 400,
        fields=[("Content-Length", "0x0")]),
    row("a body in chunks", 400, fields=[("Transfer-Encoding", "chunked")]),
]

ACCEPTED = [
    row("100 fields", 101, fields=[("X-A", str(n)) for n in range(
        FIELDS_MAX - len(FIELDS))]),
    row("a target in absolute form", 101, target("http://@/chat")),
    row("a query", 101, target("/a?b=c&d=%zz")),
    row("names in capitals, values without a space", 101,
        without=["Upgrade"], fields=["UPGRADE:websocket"]),
    row("values with spaces and tabs around", 101,
        without=["Upgrade"], fields=["Upgrade: \t websocket\t "]),
    row("an upgrade to WebSocket", 101, **instead("Upgrade", "WebSocket")),
    row("an upgrade to h2c or websocket", 101,
        **instead("Upgrade", "h2c, websocket")),
    row("a Connection like Firefox's", 101,
        **instead("Connection", "keep-alive, Upgrade")),
    row("a Connection in two fields", 101,
        **instead("Connection", "keep-alive", "UPGRADE")),
    row("empty elements in Connection", 101,
        **instead("Connection", ", ,upgrade ,")),
    row("a length of 0", 101, fields=[("Content-Length", "0")]),
    row("extensions that nobody knows", 101, fields=[
        ("Sec-WebSocket-Extensions", 'foo, bar; baz=2; q="10"')]),
    row("permessage-deflate", 101, fields=[
        ("Sec-WebSocket-Extensions",
         "permessage-deflate; client_max_window_bits")]),
    row("frames of the older Safari", 101,
        fields=[("Sec-WebSocket-Extensions", "x-webkit-deflate-frame")]),
    row("empty lines before the request", 101, "\r\n\r\nGET / HTTP/1.1"),
]

ANSWERS = [     # key and accept, from RFC 6455 1.3 and other sources
    ("dGhlIHNhbXBsZSBub25jZQ==", "s3pPLMBiTxaQ9kYGzzhZRbK+xOo="),
    ("AQIDBAUGBwgJCgsMDQ4PEC==", "OfS0wDaT5NoxF2gqm7Zj2YtetzM="),
    ("AQIDBAUGBwgJCgsMDQ4PEA==", "C/0nmHhBztSRGR1CwL6Tf4ZjwpY="),
    ("x3JJHMbDL1EzLkh9GBhXDw==", "HSmrc0sMlYUkAGmm5OPpG2HaGWk="),
    ("MDAwMDAwMDAwMDAwMDAwMA==", "tb403IRLas8CVkLDneo/uRhHmBg="),
    ("AAAAAAAAAAAAAAAAAAAAAA==", "ICX+Yqv66kxgM0FcWaLWlFLwTAI="),
]


def line_of_port(server, port):
    """The lines in the log about the client with this port."""
    mark = " 127.0.0.1:%d " % port
    return eventually(lambda: [line for line in server.log()
                               if mark in line]) or []


def wanted_fields(status):
    """Fields that an answer with this status must have."""
    return {405: [("allow", "GET")], 426: [
        ("upgrade", "websocket"), ("sec-websocket-version", "13")]}.get(
            status, [])


def check_refusal(tap, server, name, status, response, port):
    """That the response is complete, has the status, and is in the log."""
    statuses = status if isinstance(status, tuple) else (status,)
    tap.ok(response.status in statuses, "%s: refused with %s"
           % (name, " or ".join(map(str, statuses))), response)
    tap.ok(response.is_refusal(),
           name + ": one complete response, and nothing behind it", response)
    missing = [field for field in wanted_fields(response.status)
               if field not in response.fields]
    tap.ok(not missing, name + ": the fields of its status are there",
           response)
    lines = line_of_port(server, port)
    tap.ok(len(lines) == 1 and '" %d ' % response.status in lines[0],
           name + ": one line in the log, with the status", lines)


def test_refusals(tap):
    """Behind each bad request stand a good one and a frame, twice."""
    with Listener(["echo:"]) as server:
        def play(it):
            good = request(server, target("/behind")) + b"\x81\x80\0\0\0\0"
            return ask(server, request(server, **it[2]) + good, good)
        for (name, status, _), answer in zip(REFUSED,
                                             in_parallel(play, REFUSED)):
            check_refusal(tap, server, name, status, *answer)
        tap.ok(not [line for line in server.log() if "/behind" in line],
               "no request behind a refused one is served", server.log())


def test_head(tap):
    """The same as for other methods, but without its body."""
    with Listener(["echo:"]) as server:
        other, _ = ask(server, request(server, "OTHER / HTTP/1.1"))
        head, _ = ask(server, request(server, "HEAD / HTTP/1.1"))
        tap.ok(head == (405, other.fields, b"") and other.body,
               "HEAD: refused by a head alone", head)


def test_versions(tap):
    with Listener(["echo:"]) as server:
        for name, _, it in REFUSED:
            if "WebSocket version" in name:
                response, _ = ask(server, request(server, **it))
                tap.ok(response.values("sec-websocket-version") == ["13"],
                       name + ": the answer names version 13", response)


def test_acceptance(tap):
    with Listener(["echo:"]) as server:
        for name, _, it in ACCEPTED:
            with Connection(server.connect()) as connection:
                connection.send(request(server, **it))
                status, fields = connection.response()
                tap.ok(status == 101, name + ": accepted", (status, fields))
                tap.ok("sec-websocket-extensions" not in fields,
                       name + ": no extension is chosen", fields)


def test_keys(tap):
    with Listener(["echo:"]) as server:
        for key, accept in ANSWERS:
            with Connection(server.connect()) as connection:
                connection.send(request(server, **instead(
                    "Sec-WebSocket-Key", key)))
                _, fields = connection.response()
                tap.ok(fields.get("sec-websocket-accept") == accept,
                       "the key %s is answered %s" % (key, accept), fields)


def test_head_size(tap):
    with Listener(["echo:"]) as server:
        for size, status in [(HEAD_MAX, 101), (HEAD_MAX + 1, 431)]:
            empty = len(request(server, fields=[("X-A", "")]))
            head = request(server, fields=[("X-A", "a" * (size - empty))])
            with Connection(server.connect()) as connection:
                connection.send(head)
                tap.ok(len(head) == size
                       and connection.response()[0] == status,
                       "a head of %d bytes is answered %d" % (size, status))


def test_tls(tap):
    hello = (b"\x16\x03\x01\x00\x2f\x01\x00\x00\x2b\x03\x03" + bytes(32)
             + b"\x00\x00\x04\x13\x01\x13\x02\x01\x00")
    with Listener(["echo:"]) as server:
        response, port = ask(server, hello)
        check_refusal(tap, server, "a TLS hello", 400, response, port)
        tap.ok(b"TLS" in response.body, "a TLS hello: the body says so",
               response)


def trickle(connection, data, pause=0.1):
    """Send a byte now and then until something comes back."""
    for byte in data:
        connection.send(bytes([byte]))
        if connection.fill_until(lambda: connection.buffer, pause):
            return


def test_deadline(tap):
    options = ["--handshake-timeout", "0.5"]
    with Listener(["echo:"], options) as server:
        for name, data in [("nothing", b""), ("a byte now and then",
                                              request(server))]:
            began = time.monotonic()
            with Connection(server.connect()) as connection:
                port = connection.sock.getsockname()[1]
                trickle(connection, data)
                response = parse_response(connection.rest())
            took = time.monotonic() - began
            check_refusal(tap, server, "a client that sends " + name, 408,
                          response, port)
            tap.ok(took > 0.45, "a client that sends %s has its time" % name,
                   took)
        with opened(server) as connection:
            time.sleep(1)
            connection.send(rawclient.frame(rawclient.TEXT, b"late"))
            tap.ok(connection.event() == ("text", b"late"),
                   "the deadline ends with the handshake")


def test_gone_within(tap):
    with Listener(["echo:"]) as server:
        with Connection(server.connect()) as connection:
            port = connection.sock.getsockname()[1]
            connection.send(b"GET / HTTP/1.1\r\n")
        lines = line_of_port(server, port)
        tap.ok(len(lines) == 1 and '"" 0 ' in lines[0],
               "a client that leaves within its handshake is in the log",
               lines)


def test_early_frames(tap):
    frames = b"".join([rawclient.frame(rawclient.TEXT, b"one"),
                       rawclient.frame(rawclient.BINARY, b"two"),
                       rawclient.close(1000, b"three")])
    wanted = [("text", b"one"), ("binary", b"two"), ("close", 1000, b"three"),
              ("eof",)]
    with Listener(["echo:"]) as server:
        for name, chop in [("in the same segment", 0), ("byte by byte", 1)]:
            with Connection(server.connect()) as connection:
                connection.send(rawclient.request(server.host) + frames, chop)
                connection.upgraded()
                events = [connection.event() for _ in wanted]
                tap.ok(events == wanted,
                       "frames behind the handshake, %s, are answered" % name,
                       events)


# Hosts.

HOSTS = [       # for a listener on 127.0.0.1:@
    ("127.0.0.1:@", 101), ("localhost:@", 101), ("LocalHost:@", 101),
    ("[::1]:@", 101), ("127.0.0.1", 421), ("localhost", 421),
    ("127.0.0.1:1", 421), ("localhost:80", 421), ("evil.example", 421),
    ("evil.example:@", 421), ("localhost.:@", 421),
    ("localhost.evil.example:@", 421), ("127.0.0.1.evil.example:@", 421),
    ("a-localhost:@", 421), ("127.0.0.2:@", 421), ("127.1:@", 421),
    ("2130706433:@", 421), ("0x7f.0.0.1:@", 421), ("0.0.0.0:@", 421),
    ("[::ffff:127.0.0.1]:@", 421), ("[::1]", 421), ("::1", 400),
    ("[localhost]:@", 400), ("localhost:0@", 400), ("localhost:", 421),
]

NAMED = [       # the same, with --host example.org --host other.example:8080
    ("example.org", 101), ("example.org:1234", 101), ("EXAMPLE.ORG", 101),
    ("other.example:8080", 101), ("other.example", 421),
    ("other.example:80", 421), ("an.example.org", 421),
    ("example.org.", 421), ("example.orgy", 421), ("localhost:@", 101),
]


def host_statuses(server, hosts):
    """The answers to handshakes with these values of Host."""
    port = server.host.rpartition(":")[2]
    return in_parallel(
        lambda host: admission(server, host.replace("@", port)), hosts)


def admission(server, host, fields=()):
    """What a handshake for a host is answered, as a Response."""
    data = request(server, **{"without": ["Host"],
                              "fields": [("Host", host), *fields]})
    with Connection(server.connect()) as connection:
        connection.send(data)
        if not connection.fill_until(
                lambda: b"\r\n\r\n" in connection.buffer, 10):
            raise rawclient.Violation("no answer to Host: " + host)
        if not connection.buffer.startswith(b"HTTP/1.1 101 "):
            connection.fill_until(lambda: False, 10)
        return parse_response(bytes(connection.buffer))


def check_hosts(tap, server, name, hosts):
    for (host, status), response in zip(hosts, host_statuses(
            server, [host for host, _ in hosts])):
        tap.ok(response.status == status, "%s: Host %s is answered %d"
               % (name, host, status), response)
        if status == 421:
            tap.ok(response.is_refusal() and b"--host" in response.body
                   and host.partition(":@")[0].rstrip(":").encode()
                   in response.body,
                   "%s: the refusal of Host %s names it and the option"
                   % (name, host), response)


class Listening(Server):
    """ws-cgi that listens at an address of any form; connects to its port on
    the loopback."""

    def __init__(self, where, options=()):
        super().__init__()
        self.start([binary(), "--listen", where, *options, "echo:"])
        line = eventually(lambda: [line for line in self.log()
                                   if "listening on" in line])
        port = line[0].rpartition(":")[2]
        self.host = "127.0.0.1:" + port
        self.address = ("::1" if where.startswith("[::1]") else "127.0.0.1",
                        int(port))


def test_hosts(tap):
    with Listener(["echo:"]) as server:
        check_hosts(tap, server, "loopback", HOSTS)
    options = ["--host", "example.org", "--host", "other.example:8080"]
    with Listener(["echo:"], options) as server:
        check_hosts(tap, server, "loopback with --host", NAMED)
    with Listening("[::1]:0") as server:
        check_hosts(tap, server, "loopback of IPv6", HOSTS[:4] + HOSTS[8:9])


def test_hosts_elsewhere(tap):
    anyone = ["evil.example", "example.org:8080", "10.0.0.1", "[::1]:80"]
    with Listening("0.0.0.0:0") as server:
        check_hosts(tap, server, "all interfaces",
                    [(host, 101) for host in anyone])
    with Listening("0.0.0.0:0", ["--host", "example.org"]) as server:
        check_hosts(tap, server, "all interfaces with --host",
                    [("example.org:8080", 101), ("evil.example", 421),
                     ("localhost:@", 421)])
    with Listener(["echo:"], address="unix") as server:
        check_hosts(tap, server, "a Unix socket",
                    [(host, 101) for host in anyone])


# Origins.

NAMES = ["a.com", "127.0.0.1", "[::1]", "xn--bcher-kva.example"]
PORTS = [None, 80, 443, 8080]
STANDARD = {"http": 80, "https": 443}


def authority(name, port):
    return name if port is None else "%s:%d" % (name, port)


def proper_origins():
    """Host, Origin and whether they are the same, made from their parts."""
    for name, host_port, scheme, port in itertools.product(
            NAMES, PORTS, STANDARD, PORTS):
        same = (host_port or STANDARD[scheme]) == (port or STANDARD[scheme])
        yield (authority(name, host_port),
               "%s://%s" % (scheme, authority(name, port)), same)


STRANGE = [     # Origins that are not that of Host a.com or a.com:8080
    "null", "NULL", "file://", "file:///", "file://a.com", "about:blank",
    "data:text/html,a.com", "blob:http://a.com", "a.com", "//a.com",
    "http:a.com", "http:/a.com", "http:///a.com", "://a.com", "http://",
    "http//a.com", "chrome-extension://a.com", "javascript://a.com",
    "httpx://a.com", "xhttp://a.com", "x http://a.com", " x://http://a.com",
    "http://evil-a.com", "http://evila.com", "http://a.com.evil",
    "http://a.com.evil.example", "http://evil.example/a.com",
    "http://evil.example?a.com", "http://evil.example#a.com",
    "http://evil.example:80#@a.com", "http://a.com@evil.example",
    "http://evil.example@a.com", "http://user:pass@a.com", "http://@a.com",
    "http://a.com:80@evil.example", "http://a.com.", "http://a.com..",
    "http://.a.com", "http://www.a.com", "http://a.co", "http://a.comm",
    "http://a-com", "http://a.com/", "http://a.com/path", "http://a.com?q",
    "http://a.com#f", "http://a.com:81", "http://a.com:0",
    "http://a.com:65616", "http://a.com:4294967376", "http://a.com:080",
    "http://a.com:+80", "http://a.com:-80", "http://a.com:80a",
    "http://a.com:0x50", "http://a.com:80:80", "http://a.com::80",
    "http://a%2ecom", "http://a%2Ecom", "http://%61.com",
    "http://a.com%00.evil.example", "http://a.com\\.evil.example",
    "http://a.com, http://evil.example", "http://evil.example, http://a.com",
    "http://a.com,http://a.com", "http://a.com http://evil.example",
    "http://evil.example http://a.com", "http://a\u00adcom",
    "http://\u0430.com", "http://a\xb7com", "http://[a.com]",
    "http://[a.com", "http://a.com]",
    "http://[::1]a.com", "http://a.com[::1]", "http://<a.com>",
    'http://"a.com"', "*", "http://*", "http://*.com", "http://a.*",
    "https://a.com:80", "http://a.com:443"]

SAME = [        # and those that are, in another spelling
    ("a.com", "http://A.COM"), ("A.COM", "http://a.com"),
    ("a.com", "HTTP://a.com"), ("a.com:8080", "https://A.com:8080"),
    ("[::1]:8080", "http://[::1]:8080"), ("[2001:DB8::1]",
                                          "http://[2001:db8::1]")]

OTHER_IPV6 = [("[::1]", "http://[::2]"), ("[::1]", "http://::1"),
              ("[::1]:8080", "http://[::1]:8081"),
              ("[::1]", "http://[::ffff:127.0.0.1]"),
              ("[::1]", "http://[::1].evil.example")]


def origin_cases():
    cases = list(proper_origins())
    cases += [(host, origin, False) for origin in STRANGE
              for host in ["a.com", "a.com:8080"]]
    cases += [(host, origin, True) for host, origin in SAME]
    return cases + [(host, origin, False) for host, origin in OTHER_IPV6]


def test_origins(tap):
    """On a Unix socket, where every Host is served."""
    cases = origin_cases()
    with Listener(["echo:"], address="unix") as server:
        def play(case):
            origin = case[1].encode().decode("latin-1")
            return admission(server, case[0], [("Origin", origin)])
        for (host, origin, same), response in zip(
                cases, in_parallel(play, cases)):
            tap.ok(response.status == (101 if same else 403)
                   and (same or response.is_refusal()),
                   "Host %s, Origin %s: %s"
                   % (host, ascii(origin), "let in" if same else "refused"),
                   response)
    tap.ok(len(set(cases)) >= 200,
           "%d different pairs were tried" % len(set(cases)))


def test_origin_refusal(tap):
    with Listener(["echo:"]) as server:
        response = admission(server, server.host,
                             [("Origin", "http://evil.example:81")])
        body = response.body.decode()
        tap.ok(response.status == 403
               and "--origin http://evil.example:81 " in body
               and body.count("http://evil.example:81") == 2
               and server.host in body,
               "a 403 names both values and the option", response)


ORIGIN_OPTIONS = [      # options, Origins, whether they are let in
    (["--origin", "http://b.example"], [
        (["http://b.example"], True), (["http://a.com"], True), ([], True),
        (["http://b.example:80"], False), (["https://b.example"], False),
        (["http://b.example/"], False), (["http://c.b.example"], False),
        (["http://b.example.evil"], False), (["null"], False)]),
    (["--origin", "http://b.example", "--origin", "https://c.example:81"], [
        (["http://b.example"], True), (["https://c.example:81"], True),
        (["https://c.example"], False), (["http://d.example"], False)]),
    (["--origin", "*"], [
        (["http://evil.example"], True), (["file://"], True), ([], True)]),
    (["--origin-required"], [
        ([], False), (["http://a.com"], True), (["http://b.example"], False),
        (["null"], False)]),
    (["--origin", "*", "--origin-required"], [
        ([], False), (["http://evil.example"], True)]),
]


def test_origin_options(tap):
    for options, rows in ORIGIN_OPTIONS:
        with Listener(["echo:"], options, address="unix") as server:
            for values, allowed in rows:
                response = admission(server, "a.com", [
                    ("Origin", value) for value in values])
                tap.ok(response.status == (101 if allowed else 403),
                       "%s: %s is %s" % (
                           " ".join(options),
                           "Origin " + values[0] if values else "no Origin",
                           "let in" if allowed else "refused"), response)


# What clients send, in the log.

def test_hostile_log(tap):
    origin = 'http://evil"\\\t\xe9\xff'
    reason = b'\n\x1b[2J"forged\r' + "é".encode()
    with Listener(["echo:"]) as server:
        admission(server, server.host, [("Origin", origin)])
        with opened(server, '/"\\quoted') as connection:
            connection.send(rawclient.close(1000, reason))
            connection.rest()
        line_of(server, r"/\x22\x5cquoted")
        with open(server.path("log"), "rb") as f:
            log = f.read()
        tap.ok(re.fullmatch(rb"[\x20-\x7e\n]*", log),
               "the log is printable ASCII, whatever clients send", log)
        tap.ok(rb"http://evil\x22\x5c\x09\xe9\xff" in log,
               "a hostile Origin is in the log, escaped", log)
        tap.ok(rb"\x0a\x1b[2J\x22forged\x0d\xc3\xa9" in log,
               "a hostile reason is in the log, escaped", log)
        tap.ok(rb'"/\x22\x5cquoted" ' in log,
               "a hostile path is in the log, escaped", log)


def test_long_log(tap):
    with Listener(["echo:"]) as server:
        for path in ["/" + "a" * 8000, "/" + '"' * 8000]:
            with opened(server, path) as connection:
                connection.send(rawclient.close(1000, b"\x7f" * 123))
                connection.rest()
        eventually(lambda: len(server.log()) == 3)
        sizes = [len(line) for line in server.log()]
        tap.ok(len(sizes) == 3 and max(sizes) < 1024,
               "a line of the log is below 1 KiB", sizes)


# Subprotocols.

PROTOCOLS = [   # --protocol, offered fields, chosen
    ([], [], None), ([], ["a"], "a"), ([], ["b, a"], "b"),
    ([], ["b", "a"], "b"), ([], [", b ,a"], "b"), (["a"], [], None),
    (["a"], ["a"], "a"), (["a"], ["b, a"], "a"), (["b", "a"], ["a, b"], "a"),
    (["a"], ["b", "c, a"], "a"), (["a"], ["b"], None), (["a"], ["A"], None),
    (["a"], ["aa, b"], None), (["chat.v1+json"], ["chat.v1+json"],
                               "chat.v1+json")]


def test_protocols(tap):
    for spoken, offered, chosen in PROTOCOLS:
        options = [word for name in spoken for word in ["--protocol", name]]
        with Listener(["echo:"], options) as server:
            response = admission(server, server.host, [
                ("Sec-WebSocket-Protocol", value) for value in offered])
            tap.ok(response.status == 101 and response.values(
                "sec-websocket-protocol") == ([chosen] if chosen else []),
                   "of %r, %r spoken, %s is chosen"
                   % (offered, spoken, chosen), response)


def main():
    tap = Tap()
    with same_descriptors():
        test_refusals(tap)
        test_head(tap)
        test_versions(tap)
        test_acceptance(tap)
        test_keys(tap)
        test_head_size(tap)
        test_tls(tap)
        test_deadline(tap)
        test_gone_within(tap)
        test_early_frames(tap)
        test_hosts(tap)
        test_hosts_elsewhere(tap)
        test_origins(tap)
        test_origin_refusal(tap)
        test_origin_options(tap)
        test_hostile_log(tap)
        test_long_log(tap)
        test_protocols(tap)
    tap.finish()


if __name__ == "__main__":
    main()
