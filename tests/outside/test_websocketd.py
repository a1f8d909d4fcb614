"""websocketd's examples run unchanged behind ws-cgi, and what its users know
is there: each is run behind both, and what a client gets is compared.

The examples are the files of Debian's package, under EXAMPLES, and its
websocketd is the other side.  The README's table of options says in words
what is shown here.
"""

import contextlib
import json
import os
import re
import shutil
import socket
import subprocess
import tempfile

import rawclient
from browser import Browser
from rawclient import Connection
from server import Listener, Server
from tap import Tap
from ws_test import (PATIENCE, close_of, eventually, in_parallel, logged,
                     opened, payloads, until_end)

EXAMPLES = "/usr/share/doc/websocketd/examples/"
EVIL = "Origin: http://evil.example"
ENDS = ("eof", "reset")

# How each language's examples are started: by themselves, where their "#!"
# names an interpreter that Debian has there, or by this.
STARTED = {
    "bash": [],
    "perl": [],
    "php": [],
    "ruby": [],
    "python": ["/usr/bin/python3"],     # Debian has no /usr/bin/python
    "nodejs": ["/usr/bin/node"],        # they have no "#!"
    "lua": ["/usr/bin/env", "LUA_PATH=" + EXAMPLES + "lua/?.lua", "lua5.4"],
}
LEFT_OUT = {
    "c#": "needs a compiler", "f#": "needs a compiler",
    "hack": "is not in Debian", "haskell": "needs a compiler",
    "java": "needs a compiler", "rust": "needs a compiler",
    "swift": "is not in Debian", "windows-jscript": "is for Windows",
    "windows-vbscript": "is for Windows",
    "cgi-bin": "is for --cgidir, which has no WebSocket",
}
PAGES = {"html"}

NAMES = [b"Anna", b"Bj\xc3\xb6rn \xe2\x82\xac", b"a b  c"]
GREETERS = {
    "bash/greeter.sh": "Hello {}!".format,
    "perl/greeter.pl": "Hello {}!".format,
    "python/greeter.py": "Hello {}!".format,
    "php/greeter.php": "Hello {}!".format,
    "ruby/greeter.rb": "Hello {}!".format,
    "nodejs/greeter.js": "data: {}".format,
    "lua/greeter.lua": "{}".format,
    "lua/json_ws.lua": lambda name: {"res": "json", "mess": name},
}

# Variables that are not the same: websocketd's value, ours, and why.
DIFFERENT = {
    "GATEWAY_INTERFACE": ("websocketd-CGI/0.1", "CGI/1.1",
                          "the value of RFC 3875"),
    "SERVER_SOFTWARE": (r"websocketd/.*", r"ws-cgi/.*", "its own name"),
    "SCRIPT_NAME": ("/", "<unset>", "no part of the path names a script"),
    "PATH_TRANSLATED": ("/a/b", "<unset>", "there is no file for the path"),
    "UNIQUE_ID": (r"\d+", "<unset>", "PID and REMOTE_PORT tell them apart"),
    "HTTP_HOST": (None, "HOST:PORT", "it is a field as others are"),
}


def free_port():
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


class Websocketd(Server):
    """websocketd around a program, its log with what it writes there."""

    def __init__(self, program, options=()):
        super().__init__()
        port = free_port()
        self.address = ("127.0.0.1", port)
        self.host = "127.0.0.1:%d" % port
        try:
            self.start(["sh", "-c", 'exec "$@" >&2', "sh", "websocketd",
                        "--address=127.0.0.1", "--port=%d" % port, *options,
                        *program])
            if not eventually(self._answers, 10):
                raise RuntimeError("websocketd: %r" % self.log())
        except BaseException:
            self.stop()
            raise

    def _answers(self):
        with contextlib.suppress(OSError):
            self.connect().close()
            return True
        return False


@contextlib.contextmanager
def both(program, theirs=(), ours=()):
    """A websocketd and a ws-cgi with these options."""
    with Websocketd(program, theirs) as one, Listener(program, ours) as other:
        yield one, other


# Conversations: each returns what a client saw.

def to_the_end(server):
    """The messages, and the Close, of a program that ends."""
    with opened(server) as connection:
        events = until_end(connection)
        return payloads(events, "text"), close_of(events)


def answers(server, frames):
    """An event for each frame; then the client closes, and the server too."""
    with opened(server) as connection:
        events = []
        for data in frames:
            connection.send(data)
            events.append(connection.event(PATIENCE))
        connection.send(rawclient.close(1000))
        return events, close_of(until_end(connection))


def texts(*lines):
    return [rawclient.frame(rawclient.TEXT, line) for line in lines]


# The examples.

def command(path):
    """An example, as a program with its arguments."""
    return [*STARTED[path.split("/")[0]], EXAMPLES + path]


def check_languages(tap):
    there = set(os.listdir(EXAMPLES))
    known = {*STARTED, *LEFT_OUT, *PAGES}
    tap.ok(there == known, "the languages of its examples are known",
           there ^ known)
    for name, why in LEFT_OUT.items():
        print("# left out: %s %s" % (name, why))


def check_count(tap):
    paths = ["bash/count.sh", "perl/count.pl", "python/count.py",
             "nodejs/count.js", "php/count.php", "ruby/count.rb"]
    numbers = [b"%d" % number for number in range(1, 11)]
    with contextlib.ExitStack() as stack:
        pairs = [stack.enter_context(both(command(path))) for path in paths]
        servers = [server for pair in pairs for server in pair]
        seen = in_parallel(to_the_end, servers, len(servers))
    for path, theirs, ours in zip(paths, seen[0::2], seen[1::2]):
        tap.ok(theirs == (numbers, None) and ours[0] == numbers,
               path + " counts as behind websocketd", (theirs, ours))
        tap.ok(ours[1] == (1000, b"done"), path + " ends with a Close", ours)


def greetings(path, server):
    """What a greeter answers to NAMES; members of JSON have no order."""
    events, end = answers(server, texts(*NAMES))
    said = [event[1] for event in events if event and event[0] == "text"]
    return [json.loads(text) if path == "lua/json_ws.lua" else text.decode()
            for text in said], end


def check_greeters(tap):
    for path, reply in GREETERS.items():
        with both(command(path)) as servers:
            theirs, ours = (greetings(path, server) for server in servers)
        wanted = [reply(name.decode()) for name in NAMES]
        tap.ok(theirs == ours == (wanted, (1000, b"")),
               path + " greets as behind websocketd", (theirs, ours))


def dumped(server):
    """The variables that an example shows, ports and hosts by their names;
    empty ones are as unset, which most examples do not tell apart."""
    with Connection(server.connect()) as connection:
        port = connection.sock.getsockname()[1]
        fields = ("Origin: http://" + server.host, "Cookie: one=1; two=2",
                  "X-Field: value", "User-Agent: test")
        connection.send(rawclient.request(server.host, "/a/b?c=d&e=%20",
                                          extra=fields))
        connection.upgraded()
        lines = [text.decode() for text
                 in payloads(until_end(connection), "text")]
    named = {}
    for name, _, value in (line.partition("=") for line in lines):
        value = value.replace(server.host, "HOST:PORT")
        named[name] = {str(port): "CLIENT", str(server.address[1]): "PORT",
                       "": "<unset>"}.get(value, value)
    return named


def check_environment(tap):
    for path in ("bash/dump-env.sh", "perl/dump-env.pl", "python/dump-env.py",
                 "php/dump-env.php", "ruby/dump-env.rb"):
        with both(command(path)) as servers:
            theirs, ours = (dumped(server) for server in servers)
        tap.ok(len(theirs) > 25 and theirs["REMOTE_PORT"] == "CLIENT"
               and theirs["HTTP_X_FIELD"] == "value",
               path + " shows its variables", theirs)
        for name in sorted(theirs.keys() | ours.keys()):
            pair = theirs.get(name), ours.get(name)
            wanted = DIFFERENT.get(name, (None, None, ""))
            tap.ok(pair[0] == pair[1] or all(
                got == want or got and want and re.fullmatch(want, got)
                for got, want in zip(pair, wanted)),
                "%s has the same %s" % (path, name)
                if name not in DIFFERENT else
                "%s has its own %s: %s" % (path, name, wanted[2]), pair)


def chatted(server):
    """What Anna saw until she heard Bert, who speaks until she does: the tail
    of her file starts after she is welcomed, and shows nothing older."""
    with opened(server) as anna, opened(server) as bert:
        seen = [anna.event()]
        anna.send(texts(b"Anna")[0])
        seen.append(anna.event())
        bert.send(texts(b"Bert")[0])
        for _ in range(PATIENCE):
            bert.send(texts(b"hello")[0])
            if (event := anna.event(1)) and event[1].endswith(b"hello"):
                seen.append(event)
                break
        for connection in (anna, bert):
            connection.send(rawclient.close(1000))
            until_end(connection)
    return [re.sub(rb"^\[.*?\] ", b"", event[1]) for event in seen if event]


def check_chat(tap):
    seen = []
    for kind in (Websocketd, Listener):
        with tempfile.TemporaryDirectory(prefix="ws-chat-") as directory:
            with kind(["env", "-C", directory,
                       *command("bash/chat.sh")]) as server:
                seen.append(chatted(server))
    tap.ok(seen[0] == seen[1] == [
        b"Please enter your name:", b"Welcome to the chat Anna!",
        b"Bert> hello"],
        "bash/chat.sh is the same room", seen)


def check_send_receive(tap):
    """Not behind websocketd, where its sleep outlives the test."""
    with Listener(command("bash/send-receive.sh")) as server:
        got = answers(server, texts(b""))
    tap.ok(got[0][0][0] == "text" and re.fullmatch(
        rb".* \([01] line\(s\) received\)", got[0][0][1])
        and got[1] == (1000, b""), "bash/send-receive.sh reports", got)


def check_page(tap):
    with both(command("bash/count.sh"), ["--staticdir=" + EXAMPLES + "html"],
              ["--www", EXAMPLES + "html"]) as servers, Browser() as browser:
        for server, name in zip(servers, ("websocketd", "ws-cgi")):
            browser.open("http://%s/count.html" % server.host)
            tap.ok(eventually(lambda: browser.run(
                "return document.getElementById('count').textContent")
                == "10"), "html/count.html counts to ten behind " + name)


# What else users know: a program, the options, what is done, and what comes
# from websocketd and from ws-cgi.

def words_of(server, frames, number):
    """So many events after all frames at once, and more if there are; then the
    client closes."""
    with opened(server) as connection:
        for data in frames:
            connection.send(data)
        events = []
        while event := connection.event(
                PATIENCE if len(events) < number else .5):
            if event[0] in ENDS:
                break
            events.append(event[:3])
        connection.send(rawclient.close(1000))
        return events


def sh(script):
    return ["/bin/sh", "-c", script]


def text(*lines):
    return [("text", line) for line in lines]


DONE = ("close", 1000, b"done")
TALKS = [
    ("a last line without its newline", sh("echo a; printf b"), [], [], [],
     text(b"a"), text(b"a", b"b") + [DONE]),
    ("a program that fails", sh("echo a; exit 3"), [], [], [],
     text(b"a"), text(b"a") + [
         ("close", 1011, b"the program exited with status 3")]),
    ("CRLF", ["printf", r"a\r\nb\n"], [], [], [],
     text(b"a", b"b"), text(b"a", b"b") + [DONE]),
    ("an empty message", ["cat"], [], [], texts(b"", b"x"),
     text(b"", b"x"), text(b"", b"x")),
    ("two lines in a message", ["cat"], [], [], texts(b"a\nb"),
     text(b"a", b"b"), [
         ("close", 1003, b"a message holds a newline, which this service "
                   b"does not take")]),
    ("two lines in a message, --newline split", ["cat"], [],
     ["--newline", "split"], texts(b"a\nb"),
     text(b"a", b"b"), text(b"a", b"b")),
    ("--binary and --format raw", ["cat"], ["--binary"], ["--format", "raw"],
     [rawclient.frame(rawclient.BINARY, b"\0\n\xff")],
     [("binary", b"\0\n\xff")], [("binary", b"\0\n\xff")]),
    ("--passenv and --allow-env", sh('echo "$SHELL_VAR"'),
     ["--passenv=SHELL_VAR"], ["--allow-env", "SHELL_VAR"], [],
     text(b"value"), text(b"value") + [DONE]),
    ("a variable that is not named", sh('echo "none$SHELL_VAR"'), [], [], [],
     text(b"none"), text(b"none") + [DONE]),
]


def check_talks(tap):
    os.environ["SHELL_VAR"] = "value"
    for name, program, theirs, ours, frames, from_them, from_us in TALKS:
        with both(program, theirs, ours) as servers:
            seen = [words_of(server, frames, len(wanted)) for server, wanted
                    in zip(servers, (from_them, from_us))]
        tap.ok(seen[0] == from_them, "websocketd: " + name, seen[0])
        tap.ok(seen[1] == from_us, "ws-cgi: " + name, seen[1])


def head(server, extra=()):
    """Status and fields of the answer to a handshake."""
    with Connection(server.connect()) as connection:
        connection.send(rawclient.request(server.host, extra=extra))
        return connection.response()


def page(server, path):
    """Status, type and body of a page, as curl sees them."""
    done = subprocess.run(
        ["curl", "-s", "-m", "10", "-w", "\n%{http_code} %{content_type}",
         "http://%s%s" % (server.host, path)], capture_output=True, text=True)
    body, _, last = done.stdout.rpartition("\n")
    return last.lower(), body


def check_answers(tap):
    with both(["cat"], ["--header-ws=Set-Cookie: a=b", "--sameorigin"],
              ["--header", "Set-Cookie: a=b"]) as servers:
        for server, name in zip(servers, ("websocketd", "ws-cgi")):
            same = "Origin: http://" + server.host
            status, fields = head(server, [same])
            tap.ok((status, fields.get("set-cookie")) == (101, "a=b"),
                   name + ": a header of ours in the 101", fields)
            status, _ = head(server, [EVIL])
            tap.ok(status == 403, name + ": another site's page", status)
    with both(["cat"], ["--maxforks=1"], ["--max", "1"]) as servers:
        for server, wanted in zip(servers, (429, 503)):
            with opened(server):
                status, _ = head(server)
            tap.ok(status == wanted, "one too many: %d" % wanted, status)
    with both(["cat"]) as servers:
        seen = [head(server, [EVIL])[0] for server in servers]
        tap.ok(seen == [101, 403],
               "without an option websocketd lets other sites' pages in, "
               "and ws-cgi does not", seen)


def check_pages(tap):
    with both(["cat"], ["--staticdir=" + EXAMPLES + "html"],
              ["--www", EXAMPLES + "html"]) as servers:
        theirs, ours = (page(server, "/count.html") for server in servers)
    tap.ok(theirs == ours and ours[0].startswith("200 text/html")
           and "WebSocket" in ours[1], "--staticdir and --www: the same page",
           (theirs, ours))
    with both(["cat"], ["--devconsole"], ["--console"]) as servers:
        for server, name in zip(servers, ("websocketd", "ws-cgi")):
            status, body = page(server, "/")
            tap.ok(status.startswith("200 text/html")
                   and "new WebSocket(" in body, name + " has a console",
                   status)


def check_errors(tap):
    with both(sh("echo a complaint >&2; cat")) as servers:
        for server, name in zip(servers, ("websocketd", "ws-cgi")):
            answers(server, texts(b"x"))
            tap.ok(logged(server, "stderr", "a complaint"),
                   name + " logs what a program complains of", server.log())


# What RFC 6455 forbids, and whether websocketd lets it pass: the README's
# comparison counts these.
FORBIDDEN = {
    "a frame without a mask": (
        rawclient.frame(rawclient.TEXT, b"x", masked=False), False),
    "an opcode that is reserved": (rawclient.frame(3, b"x"), False),
    "a bit that is reserved": (
        rawclient.frame(rawclient.TEXT, b"x", rsv=4), False),
    "a Ping of 126 bytes": (
        rawclient.frame(rawclient.PING, b"x" * 126), False),
    "a Ping in fragments": (
        rawclient.frame(rawclient.PING, b"x", fin=False), False),
    "a continuation of nothing": (
        rawclient.frame(rawclient.CONTINUATION, b"x"), False),
    "a Close with 1005": (rawclient.close(1005), False),
    "a Close whose reason is not UTF-8": (
        rawclient.close(1000, b"\xff"), False),
    "a Close with half a code": (rawclient.frame(rawclient.CLOSE, b"x"), True),
    "a length that is not the shortest": (
        rawclient.frame(rawclient.TEXT, b"x", form=64), True),
    "a text that is not UTF-8": (
        rawclient.frame(rawclient.TEXT, b"\xff"), True),
}


def is_refused(server, data):
    """Whether it is answered with a Close that names a breach."""
    with opened(server) as connection:
        connection.send(data)
        try:
            event = connection.event(PATIENCE)
        except rawclient.Violation:     # the same breach comes back
            return False
        return bool(event) and event[0] == "close" \
            and event[1] in (1002, 1007)


def check_strictness(tap):
    with both(["cat"]) as servers:
        for name, (data, passes) in FORBIDDEN.items():
            seen = [is_refused(server, data) for server in servers]
            tap.ok(seen == [not passes, True], "%s: ws-cgi refuses it, %s" % (
                name, "websocketd does not" if passes else "as websocketd"),
                seen)


def main():
    tap = Tap()
    there = shutil.which("websocketd") and os.path.isdir(EXAMPLES)
    if tap.ok(there, "websocketd and its examples are installed",
              "see .ci/deps; a dpkg that leaves out /usr/share/doc will not"
              " do"):
        for check in (check_languages, check_count, check_greeters,
                      check_environment, check_chat, check_send_receive,
                      check_talks, check_answers, check_pages, check_errors,
                      check_strictness, check_page):
            check(tap)
    tap.finish()


if __name__ == "__main__":
    main()
