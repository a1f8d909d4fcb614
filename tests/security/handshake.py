"""Attacks on the handshake, section A: what is not wholly a handshake from
where clients may come gets an HTTP error, once, and costs next to nothing.
"""

import os
import random
import re
import tempfile

import attack
import rawclient
import test_admission
from attack import (Once, preload, program_under_test, sanitized_binary,
                    unconfined)
from rawclient import Connection, frame
from server import Listener
from ws_test import PATIENCE, in_parallel, parse_response

MILLISECOND = 5_000_000         # instructions, of a machine that is slow
GROWTH = 1.5                    # what a byte may cost more in a longer head
CHEAP = 20                      # instructions that it may always cost
KEY = "dGhlIHNhbXBsZSBub25jZQ=="
FRAMES = frame(rawclient.TEXT, b"hello") + rawclient.close(1000)


# A1: time.

def repeat(size, part, name, before="", after=""):
    """One field, as long as a head of so many bytes lets it be."""
    room = size - len(rawclient.request("localhost")) - len(name) - 4
    room -= len(before) + len(after)
    return ["%s: %s%s%s" % (name, before, part * (room // len(part)), after)]


def fields(size, line):
    """As many fields as there may be, as long as they may be."""
    count = min(94, (size - 200) // 40)
    room = (size - 200) // count - len(line % (0, "")) - 2
    return [line % (number, "x" * room) for number in range(count)]


def protocols(size):
    """63, with what room there is between them."""
    names = ",".join("p%d" % number for number in range(63))
    return repeat(size, ",", "Sec-WebSocket-Protocol", "", names)


SHAPES = [      # name, options, the fields of a head of so many bytes
    ("one value", [], lambda n: repeat(n, "x", "X-A")),
    ("one name", [], lambda n: ["x" * (n - 200) + ": 1"]),
    ("different fields", [], lambda n: fields(n, "X-%d: %s")),
    ("one field again and again", [], lambda n: fields(n, "X: %d%s")),
    ("cookies", [], lambda n: fields(n, "Cookie: c%d=%s")),
    ("spaces", [], lambda n: repeat(n, " \t", "X-A", "a", "b")),
    ("spaces behind a value", [], lambda n: repeat(n, " \t", "X-A", "a")),
    ("commas in Connection", [], lambda n: repeat(n, ",", "Connection")),
    ("words in Connection", [], lambda n: repeat(n, "a,", "Connection")),
    ("commas in Upgrade", [], lambda n: repeat(n, " ,", "Upgrade")),
    ("63 protocols and commas", [], protocols),
    ("a protocol", ["--protocol", "z"],
     lambda n: repeat(n, "z", "Sec-WebSocket-Protocol")),
    ("extensions", ["--compress"],
     lambda n: repeat(n, "a,", "Sec-WebSocket-Extensions")),
    ("extensions with parameters", ["--compress"],
     lambda n: repeat(n, "a;b;c=1,", "Sec-WebSocket-Extensions")),
    ("one extension with many parameters", ["--compress"],
     lambda n: repeat(n, ";b=1", "Sec-WebSocket-Extensions", "a")),
    ("a parameter with backslashes", ["--compress"],
     lambda n: repeat(n, "\\c", "Sec-WebSocket-Extensions", 'a;b="', '"')),
    ("offers that are declined", ["--compress"],
     lambda n: repeat(n, "permessage-deflate;server_max_window_bits=8,",
                      "Sec-WebSocket-Extensions")),
    ("proxies", ["--trust", "unix", "--trust", "10.0.0.0/8"],
     lambda n: repeat(n, "10.1.1.1,", "X-Forwarded-For")),
    ("commas of proxies", ["--trust", "unix"],
     lambda n: repeat(n, ",", "X-Forwarded-For")),
    ("proxies in quotes",
     ["--trust", "unix", "--forwarded", "forwarded"],
     lambda n: repeat(n, 'for="\\_\\a";proto=http,', "Forwarded")),
    ("an Origin", ["--origin", "http://b"],
     lambda n: repeat(n, "x", "Origin", "http://")),
    ("brackets in an Origin", [], lambda n: repeat(n, "[]", "Origin", "a://")),
]


def target(size):
    return rawclient.request("localhost", "/%41" * ((size - 200) // 4))


def instructions(head, options, env=None):
    """That a worker needs for this head, and to end, as valgrind counts."""
    argv = ["valgrind", "--tool=callgrind", "--callgrind-out-file=/dev/null",
            *unconfined(), *options, "cat"]
    with Once(argv, env) as server:
        ran = server.play(attack.whole(head))
        found = re.search(r"Collected : (\d+)", "\n".join(server.log()))
    return int(found[1]), ran.output[9:12]


def measure(shape):
    """Instructions at each size beyond those of no head to speak of."""
    _, options, make = shape
    if make is None:
        def head(size):
            return target(size)
    else:
        def head(size):
            return rawclient.request("localhost", extra=make(size))
    least = instructions(rawclient.request("localhost"), options)[0]
    heads = [head(size) for size in (4096, 16000)]
    return [(len(data), instructions(data, options)[0] - least)
            for data in heads]


def time_of_heads(row):
    """Instructions, which no other process changes, stand for time."""
    shapes = SHAPES + [("a target of escapes", [], None)]
    worst = 0
    for (name, _, _), costs in zip(shapes, in_parallel(measure, shapes, 2)):
        (small, cheap), (large, dear) = costs
        worst = max(worst, dear)
        row.ok(dear < MILLISECOND, "%s: %d bytes cost %d instructions"
               % (name, large, dear), costs)
        row.ok(dear / large < GROWTH * max(cheap / small, CHEAP),
               "%s: no dearer by the byte in a long head" % name, costs)
    row.tried("%d shapes of heads of 4 and 16 KiB, at most %.1f "
              "million instructions (5 are 1 ms)", len(shapes), worst / 1e6)


def byte_by_byte(row):
    env = {"LD_PRELOAD": preload("shim_onebyte")}
    costs = []
    for size in (1024, 4096, 16000):
        head = rawclient.request("localhost", extra=repeat(size, "x", "X-A"))
        costs.append((len(head), instructions(head, [], {
            **os.environ, **env})[0]))
    (a, least), (b, cheap), (c, dear) = costs
    row.ok((dear - cheap) / (c - b) < GROWTH * (cheap - least) / (b - a),
           "a byte at a time: no dearer by the byte in a long head", costs)
    row.tried("heads of 1 to 16 KiB a byte at a time, %d instructions for a "
              "byte", (dear - cheap) // (c - b))


def heads_are_cheap(row):
    time_of_heads(row)
    byte_by_byte(row)


# A2: form.

NAMES = ["Host", "Upgrade", "Connection", "Sec-WebSocket-Version",
         "Sec-WebSocket-Key", "Sec-WebSocket-Protocol",
         "Sec-WebSocket-Extensions", "Sec-WebSocket-Accept", "Origin",
         "Content-Length", "Transfer-Encoding", "Cookie", "Authorization",
         "Proxy", "Proxy-Authorization", "Range", "If-Range", "If-Match",
         "If-None-Match", "If-Modified-Since", "If-Unmodified-Since",
         "Accept", "User-Agent", "Date", "Expect", "Forwarded",
         "X-Forwarded-For", "X-Forwarded-Proto", "X-Real-IP", "TE",
         "constructor", "__proto__"]
GOOD = dict(test_admission.FIELDS)
ONE = {"Host", "Sec-WebSocket-Version", "Sec-WebSocket-Key",
       "Origin", "Content-Length"}      # of which there is one at most


def value_of(name):
    return GOOD.get(name, {"Origin": "http://@", "Content-Length": "0",
                           "Sec-WebSocket-Protocol": "a"}.get(name, "x"))


def forms(name):
    """What may become of a field: how, and its lines."""
    value = value_of(name)
    yield "absent", []
    yield "empty", [name + ":"]
    yield "of spaces", [name + ": \t "]
    yield "doubled", ["%s: %s" % (name, value)] * 2
    yield "different the second time", ["%s: %s" % (name, value),
                                        "%s: other" % name]
    yield "of 64 KiB", ["%s: %s" % (name, "x" * 65536)]
    yield "of 64 KiB of commas", ["%s: %s" % (name, "," * 65536)]
    yield "folded", ["%s:" % name, " " + value]
    yield "with a NUL", ["%s: %s\0" % (name, value)]
    yield "with a bare CR", ["%s: %s\rX: y" % (name, value)]
    yield "with a bare LF", ["%s: %s\nX: y" % (name, value)]
    yield "with a space before the colon", ["%s : %s" % (name, value)]
    yield "in high bytes", ["%s: %s\xff\xfe" % (name, value)]
    yield "100 times", ["%s: %s" % (name, value)] * 100


def head_with(server, name, lines):
    """A handshake in which a field has become these lines."""
    others = ["%s: %s" % it for it in GOOD.items() if it[0] != name]
    text = "\r\n".join(["GET / HTTP/1.1", *others, *lines, "", ""])
    return text.replace("@", server.host).encode("latin-1")


def status_of(server, data):
    """The status that answers it, and whether it is one whole answer."""
    with Connection(server.connect()) as connection:
        connection.send(data)
        connection.fill_until(lambda: b"\r\n\r\n" in connection.buffer,
                              PATIENCE)
        if connection.buffer.startswith(b"HTTP/1.1 101 "):
            return 101, True
        connection.fill_until(lambda: False, PATIENCE)
        response = parse_response(bytes(connection.buffer))
        return response.status, response.is_refusal()


def is_refused(name, how):
    """Must this be refused?"""
    if how == "absent" or how == "empty" or how == "of spaces":
        return name in GOOD
    if how in ("doubled", "different the second time"):
        return name in ONE or (name, how) == ("Transfer-Encoding", "doubled")
    return how not in ("in high bytes", )


def no_head_kills(row):
    """Against the build with sanitizers, which ends at the least misuse."""
    cases = [(name, how, lines) for name in NAMES
             for how, lines in forms(name)]
    with program_under_test(sanitized_binary()), \
            Listener(["echo:"], ["--trust", "loopback", "--compress"],
                     {"ASAN_OPTIONS": "detect_leaks=0"}) as server:
        def play(case):
            return status_of(server, head_with(server, case[0], case[2]))
        for (name, how, _), (status, whole) in zip(
                cases, in_parallel(play, cases)):
            good = status == 101 or (400 <= status < 500 and whole)
            row.ok(good and not (status == 101 and is_refused(name, how)),
                   "%s %s: %d" % (name, how, status))
        orders = shuffled(server)
        statuses = {status_of(server, data)[0] for data in orders}
        row.ok(statuses == {101}, "the order of fields counts for nothing",
               statuses)
        bad = [line for line in server.log()
               if "killed" in line or "anitizer" in line]
        row.ok(not bad, "no process was killed", bad)
    row.tried("%d fields in %d forms each, %d orders", len(NAMES),
              len(cases) // len(NAMES), len(orders))


def shuffled(server):
    chance = random.Random(2)
    lines = [line.encode() for line in
             ("%s: %s" % it for it in GOOD.items())]
    heads = []
    for _ in range(60):
        chance.shuffle(lines)
        heads.append((b"GET / HTTP/1.1\r\n" + b"\r\n".join(lines)
                      + b"\r\n\r\n").replace(b"@", server.host.encode()))
    return heads


# A3: smuggling.

SMUGGLED = b"GET /smuggled HTTP/1.1\r\nHost: @\r\n\r\n"


def fake_upgrades():
    """Requests for which some proxy or other opened a tunnel."""
    def made(line="GET / HTTP/1.1", **changes):
        lines = [line] + ["%s: %s" % (name.replace("_", "-"), value)
                          for name, value in {**{
                              name.replace("-", "_"): value
                              for name, value in GOOD.items()},
                              **changes}.items() if value is not None]
        return ("\r\n".join(lines) + "\r\n\r\n").encode()
    for version in ("", "0", "7", "8", "12", "14", "130", "1337", "-13",
                    "0xd", "13, 13", "13;"):
        yield made(Sec_WebSocket_Version=version)
    for protocol in ("h2c", "HTTP/2.0", "TLS/1.0", "websocket2", "web socket",
                     "websocket/13", "WebSocke", "", ","):
        yield made(Upgrade=protocol)
    for connection in ("close", "keep-alive", "upgraded", "up grade", "",
                       "Upgrade\\", "x-upgrade"):
        yield made(Connection=connection)
    for key in ("", "x", KEY[:-1], KEY + "=", KEY * 2, "!" * 24, KEY + ",a"):
        yield made(Sec_WebSocket_Key=key)
    for method in ("POST", "HEAD", "PUT", "CONNECT", "PRI", "get", "GETT"):
        yield made(method + " / HTTP/1.1")
    for version in ("HTTP/1.0", "HTTP/2.0", "HTTP/0.9", "HTTP/1.10",
                    "HTTP/01.1", "http/1.1", "HTTP/1.1x"):
        yield made("GET / " + version)
    body = len(SMUGGLED)
    for more in ({"Content_Length": str(body)}, {"Content_Length": "0x10"},
                 {"Content_Length": "+5"}, {"Content_Length": "0, 0"},
                 {"Transfer_Encoding": "chunked"},
                 {"Transfer_Encoding": "identity"},
                 {"Transfer_Encoding": "xchunked",
                  "Content_Length": "0"}):
        yield made(**more)
    yield b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"
    for name in GOOD:
        yield made(**{name.replace("-", "_"): None})


def answers_of(server, head, pause):
    """All that comes back to a request and one behind it."""
    host = server.host.encode()
    with Connection(server.connect()) as connection:
        data = head.replace(b"@", host)
        more = SMUGGLED.replace(b"@", host)
        connection.send(data + (b"" if pause else more))
        if pause:
            connection.fill_until(lambda: connection.buffer, PATIENCE)
            connection.send(more)
        return connection.rest(PATIENCE)


def nothing_is_smuggled(row):
    test_admission.test_refusals(row)
    heads = list(fake_upgrades())
    with Listener(["echo:"], ["--www", "man"]) as server:
        for pause in (False, True):
            for head, data in zip(heads, in_parallel(
                    lambda head: answers_of(server, head, pause), heads)):
                response = parse_response(data)
                answers = re.findall(rb"HTTP/1\.1 \d{3} ", data)
                row.ok(response.status >= 400 and len(answers) == 1
                       and "close" in response.values("connection")[0],
                       "one answer, %d, to %.60r" % (response.status, head),
                       data)
        row.ok(not [line for line in server.log() if "/smuggled" in line],
               "no request behind another is served")
    row.tried("%d fake upgrades, each with a request behind it, at once and "
              "after the answer", len(heads) + len(test_admission.REFUSED))


# A4: pieces.

def answer_in_two(server, data, at):
    with Connection(server.connect()) as connection:
        connection.send(data[:at])
        connection.drain()
        connection.send(data[at:])
        answer = connection.rest(PATIENCE)
    return re.sub(rb"Date: [^\r]*", b"Date:", answer)


def pieces_are_the_same(row):
    """The head and what is behind it, cut in two at every place."""
    count = 0
    with Listener(["echo:"], address="unix") as server:
        good = rawclient.request("a.com") + FRAMES
        for name, data in [
                ("a handshake", good),
                ("a page that is refused", good.replace(b"Upgrade:", b"X:")),
                ("a bad version", good.replace(b": 13", b": 99")),
                ("a bad head", good.replace(b"Host: ", b"Host : "))]:
            points = range(1, len(data))
            seen = set(in_parallel(
                lambda at: answer_in_two(server, data, at), points))
            row.ok(len(seen) == 1, "%s, cut at %d places: one answer"
                   % (name, len(points)), seen)
            count += len(points)
    test_admission.test_early_frames(row)
    row.tried("%d cuts of a head with frames behind it", count)


# A5: other sites' pages.

PLACE = re.compile(r"(https?|wss?)://(\[[0-9a-f:.]+\]|"
                   r"[^\s/?#@\[\]:\"\\<>,]+)(?::(\d{1,5}))?")
STANDARD = {"http": "80", "ws": "80", "https": "443", "wss": "443"}


def is_same(host, origin):
    """What RFC 6454 makes of it: the oracle."""
    there = PLACE.fullmatch(origin.lower())
    if not there or int(there[3] or 0) > 65535:
        return False
    standard = STANDARD[there[1]]
    name, _, port = host.lower().partition(":") if "]" not in host \
        else host.lower().partition("]:")
    name += "]" if "]" in host and not name.endswith("]") else ""
    return (name, port or standard) == (there[2], there[3] or standard)


HOMOGLYPHS = "\u0430\uff41\u2024\u3002\u200b\u00ad\u0131\u017f"
INSERTED = ".:/@\\#?%&*,;[]<>'\" \t0ax-_\x7f" + HOMOGLYPHS


def mutated(origin, chance):
    """The Origin with one thing changed, or two."""
    for _ in range(chance.choice([1, 1, 2])):
        at = chance.randrange(len(origin) + 1)
        origin = chance.choice([
            lambda: origin[:at] + chance.choice(INSERTED) + origin[at:],
            lambda: origin[:at] + origin[at + 1:],
            lambda: origin[:at] + origin[at:at + 1].swapcase()
            + origin[at + 1:],
            lambda: origin[:at] + "%%%02x" % ord(origin[at:at + 1] or ".")
            + origin[at + 1:],
            lambda: origin + chance.choice([
                ".evil", "/", ":80", ":443", ", " + origin, " " + origin,
                "@evil", ".", "#", "?"]),
            lambda: chance.choice(["evil-", "http://evil@", "null ", " ",
                                   "x"]) + origin])()
    return origin


def origin_cases():
    chance = random.Random(5)
    hosts = ["a.com", "a.com:8080", "[::1]:81", "xn--bcher-kva.example"]
    cases = {(host, origin) for host, origin, _
             in test_admission.origin_cases()}
    while len(cases) < 1000:
        host = chance.choice(hosts)
        scheme = chance.choice(["http", "https", "ws", "wss"])
        cases.add((host, mutated("%s://%s" % (scheme, host), chance)))
    return sorted(cases)


def other_sites_stay_out(row):
    cases = origin_cases()
    let_in = 0
    with Listener(["echo:"], address="unix") as server:
        def play(case):
            origin = case[1].encode().decode("latin-1")
            return test_admission.admission(server, case[0],
                                            [("Origin", origin)]).status
        for case, status in zip(cases, in_parallel(play, cases)):
            wanted = 101 if is_same(case[0], case[1].strip(" \t")) else 403
            let_in += wanted == 101
            row.ok(status == wanted or (status == 400 and wanted == 403),
                   "Host %s, Origin %s: %d" % (case[0], ascii(case[1]),
                                               status), wanted)
    test_admission.test_origin_options(row)
    row.ok(10 < let_in < len(cases) // 2, "some are let in", let_in)
    row.tried("%d pairs of Host and Origin, %d of them the same site",
              len(cases), let_in)


# A6: rebinding.

LOOPBACKS = ["localhost", "127.0.0.1", "[::1]"]


def host_cases(port):
    """Names that a name server, a browser or a library may take for this
    machine, and few of them are."""
    chance = random.Random(6)
    names = LOOPBACKS + [
        "localhost.", "localhost.localdomain", "local.host", "127.1", "127.0.1",
        "127.0.0.1.", "127.0.0.2", "0177.0.0.1", "0x7f.1", "2130706433",
        "017700000001", "0", "0.0.0.0", "[::]", "[::ffff:127.0.0.1]",
        "[0:0:0:0:0:0:0:1]", "[::1%25lo]", "[::0001]", "[::1].evil",
        "127.0.0.1.nip.io", "localhost.evil.example", "evil.localhost",
        "evil.example", "10.0.0.1", "xn--localhost", "\uff4cocalhost",
        "local\u00adhost", "localhost%00", "localhost%2eevil", "a@localhost",
        "localhost@evil.example", "localhost#evil", "localhost/evil",
        "localhost\\evil", "localhost,evil", "localhost evil", "*", ""]
    ports = ["", ":", ":%d" % port, ":0%d" % port, ":%d0" % port, ":80",
             ":443", ":0", ":-%d" % port, ":+%d" % port, ":%d " % port,
             ":%d:%d" % (port, port), ":%da" % port, ":%d" % (port + 65536)]
    cases = {name + end for name in names for end in ports}
    while len(cases) < 700:
        name = "%s:%d" % (chance.choice(LOOPBACKS), port)
        cases.add(mutated(name, chance))
    return sorted(cases)


def is_here(host, port):
    """The oracle."""
    return host.strip(" \t").lower() in {
        "%s:%d" % (name, port) for name in LOOPBACKS}


def is_here_in_target(host, port):
    """There is no space in it, and it ends where the path or query begins."""
    return not re.search(r"[\s#]", host) and is_here(
        re.split(r"[/?]", host)[0], port)


def foreign_names_stay_out(row):
    test_admission.test_hosts(row)
    with Listener(["echo:"]) as server:
        port = server.address[1]
        cases = host_cases(port)

        def play(host):
            host = host.encode().decode("latin-1")
            return test_admission.admission(server, host).status

        def play_target(host):
            """In the request target, which counts, beside a good Host."""
            data = rawclient.request(server.host).replace(
                b"GET / ", b"GET http://%s/ " % host.encode())
            return status_of(server, data)[0]
        for how, ask_so in (("Host", play), ("the target", play_target)):
            for host, status in zip(cases, in_parallel(ask_so, cases)):
                good = is_here(host, port) if how == "Host" \
                    else is_here_in_target(host, port)
                row.ok(status == 101 if good else status in (400, 421, 426),
                       "%s in %s: %d" % (ascii(host), how, status))
    row.tried("%d names in Host and in the target", len(cases))


# A8: answers.

CANARY = "cAnArY"
SET = {"upgrade", "connection", "sec-websocket-accept", "date",
       "sec-websocket-version", "content-type", "x-content-type-options",
       "content-length", "allow", "location", "etag", "last-modified",
       "accept-ranges", "cache-control", "retry-after",
       "sec-websocket-protocol", "sec-websocket-extensions"}


def canaries():
    """Requests with a word in each place that might come back."""
    split = "%s%%0d%%0aX-Split:%%201" % CANARY
    for path in ("/" + CANARY, "/" + split, "/?" + split, "//" + CANARY,
                 "/a/..%2f" + CANARY, "/dir?" + CANARY, "/dir#" + CANARY,
                 "/dir%0d%0aX-Split:1", "//evil.example/dir", "/\\dir",
                 "http://" + CANARY + "/", "/dir;" + CANARY):
        for upgrade in (True, False):
            yield path, {}, upgrade
    for name in NAMES + ["X-" + CANARY]:
        for value in (CANARY, CANARY + ", " + CANARY, CANARY + "\r\n X: 1",
                      CANARY + "\rX-Split: 1", CANARY + "\nX-Split: 1",
                      "<script>%s</script>" % CANARY):
            for upgrade in (True, False):
                yield "/", {name: value}, upgrade


def canary_request(host, case):
    path, more, upgrade = case
    names = {**GOOD, **more} if upgrade else {"Host": "@", **more}
    lines = ["GET %s HTTP/1.1" % path] + ["%s: %s" % it
                                          for it in names.items()]
    return ("\r\n".join(lines) + "\r\n\r\n").replace("@", host).encode()


def head_of(server, data):
    with Connection(server.connect()) as connection:
        connection.send(data)
        connection.fill_until(lambda: b"\r\n\r\n" in connection.buffer,
                              PATIENCE)
        if not connection.buffer.startswith(b"HTTP/1.1 101 "):
            connection.fill_until(lambda: False, PATIENCE)
        return parse_response(bytes(connection.buffer)), bytes(
            connection.buffer).partition(b"\r\n\r\n")[0]


def nothing_comes_back(row):
    """A subprotocol that the service knows is all of a request that is in the
    head of an answer; a directory is at its own target, and so is its query.
    Where a body names a value, it is plain text."""
    cases = list(canaries())
    with tempfile.TemporaryDirectory() as www, Listener(
            ["echo:"], ["--www", www, "--protocol", "chat"]) as server:
        os.mkdir(os.path.join(www, "dir"))
        answers = in_parallel(
            lambda case: head_of(server, canary_request(server.host, case)),
            cases)
    for case, (response, head) in zip(cases, answers):
        names = {name for name, _ in response.fields}
        for place in response.values("location"):
            row.ok(place == case[0].replace("/dir", "/dir/"),
                   "%s is at %s" % (case[0], place))
            head = head.replace(place.encode(), b"")
        plain = (CANARY.encode() not in response.body or (
            response.values("content-type") == ["text/plain; charset=utf-8"]
            and response.values("x-content-type-options") == ["nosniff"]))
        row.ok(names <= SET and CANARY.encode() not in head and plain
               and re.fullmatch(rb"[\x20-\x7e\r\n]*", head)
               and b"evil" not in head
               and len(names) == len(response.fields),
               "nothing comes back of %.80r" % (case,), response)
    row.tried("%d requests with a word in each of their places, and with "
              "line breaks in all encodings", len(cases))


ATTACKS = [
    ("A1", "a head costs less than 1 ms of CPU, and twice as much if it is "
     "twice as long, also a byte at a time", heads_are_cheap),
    ("A2", "a field may be absent, empty, doubled, folded or of 64 KiB: "
     "answered, never crashed", no_head_kills),
    ("A3", "what is no handshake gets one answer, and nothing behind it is "
     "taken for a request", nothing_is_smuggled),
    ("A4", "frames may come with the head, and pieces make no difference",
     pieces_are_the_same),
    ("A5", "pages of other sites stay out: same host and port, exactly",
     other_sites_stay_out),
    ("A6", "a loopback listener serves the loopback names alone",
     foreign_names_stay_out),
    ("A8", "no byte of a request is in the head of an answer, but a known "
     "subprotocol and a directory's own target", nothing_comes_back),
]

if __name__ == "__main__":
    attack.main(ATTACKS)
