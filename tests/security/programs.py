"""Attacks on programs and the log, section E: what a client sends is data, in
the variables, messages and lines where it belongs, and nowhere else.
"""

import base64
import json
import os
import random
import re
import tempfile

import attack
import rawclient
import test_cgi
import test_endings
import test_environ
from attack import program_under_test, sanitized_binary, unit
from cgi import KEY, REQUEST, VOUCHED, Cgi
from rawclient import BINARY, TEXT, Connection, close, frame
from server import Listener, binary
from test_environ import GIVEN, PRINT, environment, printed
from test_scgi import Receiver, scgi, sent
from ws_test import (PATIENCE, eventually, in_parallel, opened, payloads,
                     until_end, workers)

LISTED = set(test_environ.INHERITED) | {
    "GATEWAY_INTERFACE", "SERVER_SOFTWARE", "SERVER_PROTOCOL",
    "REQUEST_METHOD", "REQUEST_URI", "SCRIPT_NAME", "PATH_INFO",
    "QUERY_STRING", "SERVER_NAME", "SERVER_PORT", "SERVER_ADDR",
    "REMOTE_ADDR", "REMOTE_HOST", "REMOTE_PORT", "WS_PROTOCOL", "HTTPS",
    "REQUEST_SCHEME", "AUTH_TYPE", "DOCUMENT_ROOT", "PATH_TRANSLATED",
    "REMOTE_IDENT", "REMOTE_USER", "SCRIPT_FILENAME"}
DANGEROUS = ["HTTP_PROXY", "http_proxy", "LD_PRELOAD", "LD_LIBRARY_PATH",
             "BASH_ENV", "ENV", "IFS", "PERL5LIB", "PYTHONPATH",
             "OPENSSL_CONF", "HTTP_AUTHORIZATION", "HTTP_PROXY_AUTHORIZATION"]


def is_listed(name):
    return (name in LISTED or name.startswith("LC_")
            or re.fullmatch(r"HTTP_[A-Z0-9_]+", name)) \
        and name not in DANGEROUS


# E1: names.

def field_names():
    """Names that something or other takes for another."""
    for name in ("Proxy", "proxy", "PROXY", "pRoXy", "Proxy-", "-Proxy",
                 "Http-Proxy", "Proxy-Authorization", "Authorization",
                 "Content-Length", "Content-Type", "Path", "Ld-Preload",
                 "Bash-Env", "Ifs", "Env", "Host-", "Remote-Addr",
                 "Remote-User", "Https", "Ssl-Client-Verify"):
        yield name
    for number in range(33, 127):
        yield "Pro%sxy" % chr(number)
        yield "Proxy%s" % chr(number)
        yield "%sProxy" % chr(number)


def is_alone(name):
    """Whether it is a name, RFC 9110 5.6.2, and nobody's alias: the oracle.
    What is said is no length."""
    return re.fullmatch(r"[!#$%&'*+.^`|~0-9A-Za-z-]+", name) \
        and name != "Content-Length"


def proxies_are_nobody(row):
    """A field with an underscore is refused: it would be another's alias."""
    names = [name for name in field_names()
             if ":" not in name and "@" not in name]    # which is the host's
    refused = 0
    with Listener(PRINT[3:], PRINT[:2]) as server:
        def play(name):
            try:
                return environment(server, fields=[
                    name.encode() + b": http://evil"])[0]
            except rawclient.Violation as violation:
                return str(violation)
        for name, got in zip(names, in_parallel(play, names)):
            if not is_alone(name):
                refused += 1
                row.ok("400" in got, "the field %s is refused" % name, got)
                continue
            row.ok(not isinstance(got, str) and all(map(is_listed, got))
                   and "http://evil" not in map(got.get, DANGEROUS),
                   "the field %s is no variable of another's" % name, got)
    row.ok(0 < refused < len(names), "some are let in", refused)
    told_proxies_are_nobody(row)
    row.tried("%d names of fields, %d of them refused; HTTP_PROXY as told by "
              "a web server", len(names), refused)


def told_proxies_are_nobody(row):
    """Of a web server that has made a variable of it."""
    told = {**REQUEST, "HTTP_PROXY": "http://evil", "LD_X": "evil",
            "BASH_ENV": "/evil", "HTTP_X_GOOD": "good", "IFS": "x"}
    with Cgi([binary(), *PRINT], {**told, **VOUCHED,
                                  "PATH": os.environ["PATH"]}) as server:
        server.connection.upgraded(KEY)
        got = printed(server.connection)
        row.ok(got["HTTP_X_GOOD"] == "good" and all(map(is_listed, got)),
               "CGI: the list holds", got)
    with Receiver(PRINT[3:], PRINT[:2]) as server, \
            sent(server, scgi(told)) as connection:
        connection.upgraded(KEY)
        got = printed(connection)
        row.ok(got["HTTP_X_GOOD"] == "good" and all(map(is_listed, got)),
               "SCGI: the list holds", got)


# E2: sizes.

HEADS = 300


def random_fields(chance):
    """Up to 95 fields, in all up to about as long as a head may be."""
    count = chance.choice([1, 5, 40, 94, 95])
    size = chance.choice([100, 8000, 15000, 15900]) // count
    return [b"%s: %s" % (
        bytes(chance.choices(b"abcXYZ019-", k=chance.choice(
            [1, 5, 121, 122, 123, 124, 128, 200]))) + b"%d" % number,
        bytes(chance.choices(b"abc \"'$`;\\=%\xff\t", k=max(0, size - 20))))
        for number in range(count)]


def variables_fit(row):
    """All that was sent is there, whatever it takes, with sanitizers."""
    chances = [random.Random(number) for number in range(HEADS)]
    heads = [random_fields(chance) for chance in chances]
    with program_under_test(sanitized_binary()), Listener(
            PRINT[3:], PRINT[:2], {"ASAN_OPTIONS": "detect_leaks=0"}) \
            as server:
        def play(fields):
            try:
                return environment(server, fields=fields)[0]
            except rawclient.Violation as violation:
                return str(violation)
        whole = 0
        for fields, got in zip(heads, in_parallel(play, heads)):
            if isinstance(got, str):
                row.ok("431" in got, "a head that is too large: 431", got)
                continue
            whole += 1
            row.ok(all(map(is_listed, got)) and not missing(fields, got),
                   "%d fields are %d variables" % (len(fields), len(got)),
                   missing(fields, got))
        wrong = [line for line in server.log()
                 if "anitizer" in line or "killed" in line]
        row.ok(whole > HEADS / 3 and not wrong, "no process was killed",
               (whole, wrong))
    unit(row, "buf")
    row.tried("%d heads of up to 95 fields and 16 KiB", HEADS)


def missing(fields, got):
    """The fields that are no variables, or with another value.  Long names
    are none."""
    values = {}
    for line in fields:
        name, _, value = line.decode("latin-1").partition(": ")
        values.setdefault("HTTP_" + name.upper().replace("-", "_"),
                          []).append(value.strip(" \t"))
    return {name: value for name, value in values.items()
            if len(name) < 128 and got.get(name) != ", ".join(value)}


# E3: shells.

CODE = "() { :; }; echo vulnerable >&2; touch %s; echo"


def no_shell_runs(row):
    """What bash of 2014 took for a function, in each place; and what an
    administrator's environment holds."""
    test_environ.test_exactly(row)
    test_environ.test_fields(row)
    with tempfile.TemporaryDirectory() as directory:
        mark = os.path.join(directory, "mark")
        code = CODE % mark
        fields = [("%s: %s" % (name, value)).encode()
                  for name in ("User-Agent", "Cookie", "Referer", "X-A",
                               "Accept", "Origin", "Authorization")
                  for value in (code, " " + code, "\t" + code)]
        with Listener(PRINT[3:], [*PRINT[:2], "--origin", "*"],
                      env={**GIVEN, "LC_X": code}) as server:
            for field in fields:
                got, _ = environment(server, fields=[field])
                row.ok(not any(value.startswith("() {") for name, value
                               in got.items() if name != "LC_X"),
                       "%.60r is no variable" % field, got)
        with Listener(["bash", "-c", "echo done"], ["--origin", "*"]) \
                as server:
            for field in fields:
                with Connection(server.connect()) as connection:
                    connection.handshake(server.host, extra=[field.decode()])
                    events = until_end(connection)
                row.ok(payloads(events, "text") == [b"done"],
                       "bash starts, with %.40r" % field, events)
        told = {**REQUEST, **{name: code for name in (
            "QUERY_STRING", "PATH_INFO", "REMOTE_USER", "HTTP_X_A",
            "REMOTE_HOST", "SERVER_SOFTWARE", "HTTP_COOKIE")}}
        with Receiver(PRINT[3:], PRINT[:2]) as server, \
                sent(server, scgi(told)) as connection:
            connection.upgraded(KEY)
            got = printed(connection)
            row.ok(not any(value.startswith("() {")
                           for value in got.values()),
                   "SCGI: nor of what a web server says", got)
        row.ok(not os.path.exists(mark), "nothing was run")
    row.tried("%d fields and 7 variables with a function for bash, %d "
              "variables of the listener's", len(fields), len(GIVEN))


# E4: arguments.

TARGETS = ["/?-x", "/?--help", "/?;id", "/?$(id)", "/?`id`", "/?|id", "/?a+b",
           "/?-c+id", "/--help", "/-x/../../bin/sh", "/../../../bin/sh",
           "/%2e%2e/bin/sh", "/?%00", "/a%0ab", "/?&id", "/?>x", "/?*",
           "/'", "/%22", "/?%27;id;%27", "/?a=b%20--listen%20:80"]
ARGUMENTS = ["a b", "$(id)", "`id`", ";id", "*", "", "-x", "%41", "\\", "'"]


def arguments_are_fixed(row):
    """argv is the command line's, byte for byte; no shell has seen it."""
    with Listener(["sh", "-c", 'cat "/proc/$$/cmdline"', *ARGUMENTS],
                  ["--format", "raw"]) as server:
        wanted = "\0".join(["sh", "-c", 'cat "/proc/$$/cmdline"', *ARGUMENTS,
                            ""]).encode()
        for target in TARGETS:
            try:
                with opened(server, target) as connection:
                    said = b"".join(payloads(until_end(connection), "binary"))
                row.ok(said == wanted, "%s adds no argument" % target, said)
            except rawclient.Violation as violation:
                row.ok("400" in str(violation), "%s is refused" % target,
                       violation)
    test_cgi.test_queries(row)
    row.tried("%d targets, %d queries of a CGI program and of a script",
              len(TARGETS), len(test_cgi.QUERIES))


# E5: addresses.

SPOOFED = ["X-Forwarded-For: 192.0.2.66", "X-Real-IP: 192.0.2.66",
           "Forwarded: for=192.0.2.66;proto=https", "Client-IP: 192.0.2.66",
           "X-Client-IP: 192.0.2.66", "True-Client-IP: 192.0.2.66",
           "CF-Connecting-IP: 192.0.2.66", "X-Forwarded-Proto: https",
           "X-Forwarded-Host: evil.example", "X-Cluster-Client-IP: 192.0.2.66",
           "Remote-Addr: 192.0.2.66", "X-Forwarded-For: 192.0.2.66, 127.0.0.1"]
MEASURED = ["REMOTE_ADDR", "REMOTE_HOST", "SERVER_NAME", "HTTPS",
            "REQUEST_SCHEME"]


CLAIMED = ["X-Remote-User: root", "x-remote-user: root",
           "X-REMOTE-USER:root", "X-Remote-User:\troot",
           "X-Remote-User : root", "X_Remote_User: root",
           "Remote-User: root", "X-Remote-User: root\r\nX-Remote-User: root",
           "X-Forwarded-For: 10.0.0.1\r\nX-Remote-User: root",
           "Forwarded: for=10.0.0.1\r\nX-Remote-User: root"]


def users_are_told(row):
    options = ["--trust", "10.0.0.0/8", "--user-header", "X-Remote-User"]
    with Listener(["echo:"], options) as server:
        for field in CLAIMED:
            with Connection(server.connect()) as connection:
                connection.send(rawclient.request(server.host, extra=[field]))
                status = connection.response()[0]
            row.ok(status in (400, 403), "%r lets nobody in" % field, status)


def addresses_are_measured(row):
    for options in ([], ["--trust", "10.0.0.0/8"],
                    ["--trust", "192.0.2.66", "--forwarded", "forwarded"],
                    ["--trust", "unix"]):
        with Listener(PRINT[3:], [*options, *PRINT[:2]]) as server:
            plain, _ = environment(server)
            for field in SPOOFED:
                got, _ = environment(server, fields=[field.encode()])
                row.ok([got.get(name) for name in MEASURED]
                       == [plain.get(name) for name in MEASURED],
                       "%s: %s is nobody's word" % (" ".join(options), field),
                       got)
            log = "\n".join(server.log())
            row.ok("192.0.2.66 " not in log and "192.0.2.66:" not in log,
                   "nor in the log", log[-500:])
    with Listener(["echo:"]) as server, \
            Connection(server.connect()) as connection:
        connection.send(b"PROXY TCP4 192.0.2.66 192.0.2.1 1 2\r\n"
                        + rawclient.request(server.host))
        row.ok(connection.response()[0] == 400,
               "a PROXY header that nobody asked for: 400")
    users_are_told(row)
    test_endings.test_wrong_inputs(row)
    row.tried("%d fields that claim another address and %d that claim a user, "
              "from peers that are not trusted with it, and a PROXY header",
              len(SPOOFED), len(CLAIMED))


# E6: messages.

MESSAGES = 30_000
KEEP = ["sh", "-c", 'exec cat >"$0"']


def hostile_messages():
    chance = random.Random(6)
    for _ in range(MESSAGES):
        size = chance.choice([0, 1, 2, 3, 9, 40])
        if chance.random() < 0.5:
            text = "".join(chance.choices(
                "a\\n0\n\r\0:,\"{}u\u2028\u0085\U0001f600\x1b", k=size))
            yield TEXT, text.encode()
        else:
            yield BINARY, bytes(chance.choices(b"\0\n\r\\,:0-9{}\"\xff",
                                               k=size))


def unescaped(data, separator, letter):
    """What --newline escape has made of the messages, undone."""
    for part in data.split(separator)[:-1]:
        yield None, re.sub(rb"\\(.)", lambda found: separator if found[1]
                           == letter else found[1], part, flags=re.DOTALL)


def netstrings(data):
    at = 0
    while at < len(data):
        colon = data.index(b":", at)
        size = int(data[at:colon])
        body = data[colon + 1:colon + 1 + size]
        if data[colon + 1 + size:colon + 2 + size] != b",":
            raise AssertionError("no netstring at %d" % at)
        yield {b"t": TEXT, b"b": BINARY}[body[:1]], body[1:]
        at = colon + 2 + size


def objects(data):
    for line in data.split(b"\n")[:-1]:
        event = json.loads(line)
        if event["event"] == "text":
            yield TEXT, event["data"].encode()
        elif event["event"] == "binary":
            yield BINARY, base64.b64decode(event["data"], validate=True)


FORMATS = [     # options, what undoes them, is the type kept?
    (["--newline", "escape"], lambda d: unescaped(d, b"\n", b"n"), False),
    (["--format", "nul", "--newline", "escape"],
     lambda d: unescaped(d, b"\0", b"0"), False),
    (["--format", "netstring"], netstrings, True),
    (["--format", "json"], objects, True)]


def messages_stay_messages(row):
    """What a program reads is what was sent, in as many pieces."""
    messages = list(hostile_messages())
    data = b"".join(frame(*message) for message in messages)
    for options, decode, typed in FORMATS:
        with tempfile.NamedTemporaryFile() as kept:
            with Listener([*KEEP, kept.name], options) as server, \
                    opened(server) as connection:
                connection.send(data + close(1000))
                until_end(connection)
                eventually(lambda: not workers(server))
            got = list(decode(kept.read()))
        wanted = messages if typed else [(None, m) for _, m in messages]
        row.ok(got == wanted, "%s: %d messages are as many"
               % (" ".join(options), len(messages)), len(got))
    newlines(row)
    test_endings.test_newlines(row)
    unit(row, "formats")
    row.tried("%d hostile messages in %d formats, and in a unit test 10^6",
              MESSAGES, len(FORMATS))


def newlines(row):
    """A message that holds what ends one is refused, wherever that is."""
    for options, byte in (([], b"\n"), (["--format", "nul"], b"\0")):
        with Listener(["cat"], options) as server:
            for text in (byte, b"a" + byte, byte + b"a", b"a\r" + byte + b".",
                         b"x" * 70_000 + byte, b"a" + byte + b".\r" + byte):
                for parts in (1, len(text)):
                    if len(text) > 100 and parts > 1:
                        parts = 3
                    with opened(server) as connection:
                        connection.send(b"".join(rawclient.fragments(
                            TEXT, rawclient.cut(text, -(-len(text)
                                                        // parts)))))
                        events = until_end(connection)
                    row.ok(("close", 1003) in [e[:2] for e in events]
                           and not payloads(events, "text"),
                           "%s: %.20r in %d frames: 1003" % (
                               " ".join(options), text, parts), events)


# E9: the log.

LINES = 500_000


def hostile_lines(count):
    """Lines that would be others', or do things to a terminal."""
    chance = random.Random(9)
    parts = [b"\x1b[2J", b"\\", b"\\x0a", b"\r", b"\t", b'"', b"\x7f", b"\xff",
             b"\xc3\xa9", b"\xe2\x80\xa8", b"%n%s", b"\x00", b"\x9b31m",
             b"\xc2\x9b31m",
             b"2026-01-01T00:00:00.000Z ws-cgi[1]: stopped", b"a", b"{}",
             b'","event":"x', b"\\u000a", b"\x08\x08"]
    for number in range(count):
        yield b"%d " % number + b"".join(chance.choices(
            parts, k=chance.choice([1, 2, 3, 8])))


def unescaped_text(line):
    text = line.partition(b" stderr: ")[2]
    return re.sub(rb"\\x(..)", lambda found: bytes([int(found[1], 16)]), text)


def one_line_each(row):
    lines = list(hostile_lines(LINES))
    for options in ([], ["--log-json"]):
        with tempfile.NamedTemporaryFile() as said:
            said.write(b"\n".join(lines) + b"\n")
            said.flush()
            with Listener(["sh", "-c", 'cat "$0" >&2', said.name], options) \
                    as server, opened(server) as connection:
                until_end(connection, 300)
                eventually(lambda: not workers(server))
                with open(server.path("log"), "rb") as f:
                    logged = f.read()
        check_log(row, " ".join(options) or "text", logged, lines,
                  bool(options))
    row.tried("2 times %d hostile lines of a program, each read back out of "
              "the log", LINES)


def check_log(row, name, logged, lines, in_json):
    control = rb"[\x00-\x09\x0b-\x1f\x7f]|\xc2[\x80-\x9f]" if in_json \
        else rb"[^\x20-\x7e\n]"
    row.ok(not re.search(control, logged),
           name + ": the log holds no control character")
    found = [line for line in logged.split(b"\n") if
             (b'"event":"stderr"' if in_json else b" stderr") in line]
    row.ok(max(map(len, logged.split(b"\n"))) < 1024,
           name + ": no line is longer than 1 KiB")
    if in_json:
        got = [json.loads(line)["text"] for line in found]
        wanted = [line.decode(errors="replace") for line in lines]
    else:
        got, wanted = map(unescaped_text, found), lines
    wrong = [pair for pair in zip(got, wanted) if pair[0] != pair[1]]
    row.ok(len(found) == len(lines) and not wrong,
           "%s: %d lines are read back" % (name, len(lines)),
           (len(found), wrong[:5]))


REASONS = 300


def peers_are_escaped(row):
    """What they say: a path, an Origin, a Host, the reason of a Close."""
    chance = random.Random(10)
    places = 0
    with Listener(["echo:"], ["--verbose"]) as server:
        for _ in range(REASONS):
            reason = "".join(chance.choices(
                "a\n\r\x1b[\"\\\x7f\u2028é\t\0%", k=40)).encode()[:120]
            reason = reason.decode(errors="ignore").encode()
            with opened(server) as connection:
                connection.send(frame(BINARY, chance.randbytes(40))
                                + close(1000, reason))
                until_end(connection)
        for byte in range(256):
            for field in (b"GET /%c HTTP/1.1\r\nHost: a\r\n\r\n",
                          b"GET / HTTP/1.1\r\nHost: a%c\r\n\r\n",
                          b"GET / HTTP/1.1\r\nHost: a\r\nOrigin: %c\r\n\r\n",
                          b"G%c / HTTP/1.1\r\nHost: a\r\n\r\n"):
                places += 1
                with Connection(server.connect()) as connection:
                    connection.send(field % byte)
                    connection.rest(PATIENCE)
        eventually(lambda: not workers(server))
        with open(server.path("log"), "rb") as f:
            log = f.read()
    row.ok(re.fullmatch(rb"[\x20-\x7e\n]*", log), "the log is printable",
           set(log))
    stamps = re.compile(rb"[\d-]{10}T[\d:.]{12}Z ws-cgi\[\d+\]: ")
    row.ok(all(stamps.match(line) for line in log.splitlines()),
           "and each line begins as a line of ours")
    row.tried("%d reasons, and all bytes in %d places", REASONS, places // 256)


def log_is_a_log(row):
    one_line_each(row)
    peers_are_escaped(row)


ATTACKS = [
    ("E1", "no field becomes another's variable: not HTTP_PROXY, no alias "
     "with an underscore", proxies_are_nobody),
    ("E2", "a head of any size becomes variables, whole", variables_fit),
    ("E3", "no shell finds code in the environment, and nothing is inherited "
     "that is not listed", no_shell_runs),
    ("E4", "a request adds no argument and meets no shell",
     arguments_are_fixed),
    ("E5", "an address is measured, or the word of who is trusted",
     addresses_are_measured),
    ("E6", "a message is one message for the program", messages_stay_messages),
    ("E9", "a line of the log is one line, whatever it is about",
     log_is_a_log),
]

if __name__ == "__main__":
    attack.main(ATTACKS)
