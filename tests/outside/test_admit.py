"""A hook that decides who may come in, --admit: what it may say and what comes
of it; that whatever else it does lets nobody in, and leaves nothing behind."""

import contextlib
import http.server
import os
import re
import signal
import socket
import subprocess
import threading
import time

import rawclient
from cgi import REQUEST, VOUCHED, Cgi
from rawclient import Connection
from server import Listener, Spawned, binary, same_descriptors
from tap import Tap
from test_environ import printed
from test_injected import FOLLOW, Row, injected, play_traced
from test_programs_kept import children_of, in_proc
from test_scgi import scgi
from test_users import Files, basic, get
from ws_test import (PATIENCE, Reaper, ask, eventually, in_parallel, lines_of,
                     logged, opened, parse_response, until_end, worker,
                     workers)

TOP = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..")
TOO_LONG = 16385
LONELY = "7%05d"        # s that some process sleeps, by which it is found

# What a hook does, in shell; the status; what the log says of it.
DECIDES = [
    ("says nothing", ":", 101, None),
    ("says an empty line", "echo", 101, None),
    ("says a field", "echo X-Hook: here", 101, None),
    ("reads its input", 'test "$(readlink /proc/$$/fd/0)" = /dev/null && cat',
     101, None),
    ("writes to standard error", "echo note >&2", 101, None),
    ("says it late", "sleep 0.3; echo X-A: b", 101, None),
    ("exits with 1", "exit 1", 403, "does not let it in"),
    ("exits with 99", "exit 99", 403, "does not let it in"),
    ("says 403", "echo Status: 403", 403, "does not let it in"),
    ("says 404 and exits with 1", "echo Status: 404 Away; exit 1", 404,
     "does not let it in"),
    ("says 302", r"printf 'Status: 302\nLocation: /in\n'", 302, "let it in"),
    ("says 599", "echo Status: 599", 599, "does not let it in"),
    ("has a body of 16 KiB",
     "printf 'Status: 403\n\n'; head -c 16371 /dev/zero | tr '\\0' a", 403,
     "let it in"),
]
FAILS = [
    ("crashes", "kill -SEGV $$", 502, "was killed by SIGSEGV"),
    ("crashes after a word", "echo X-A: b; kill -KILL $$", 502,
     "was killed by SIGKILL"),
    ("is not found by its shell", "nosuchprogram; exit $?", 502,
     "exited with status 127"),
    ("exits with 100", "exit 100", 502, "exited with status 100"),
    ("exits with 100 and a status", "echo Status: 404; exit 100", 502,
     "exited with status 100"),
    ("exits with 255", "exit 255", 502, "exited with status 255"),
    ("exits with 111", "exit 111", 503, "exited with status 111"),
    ("babbles", "echo hello", 502, "line 1: it is no field"),
    ("babbles, and exits with 1", "echo hello; exit 1", 502, "is no field"),
    ("has a page and no status", "printf 'Content-Type: text/html\n\nhi'",
     502, "said: there is an answer, but no Status"),
    ("says 200", "echo Status: 200 OK", 502, "line 1: its Status is no"),
    ("says 101", "echo Status: 101", 502, "its Status is no refusal"),
    ("says 20", "echo Status: 20", 502, "not three digits"),
    ("says 403 twice", r"printf 'Status: 403\nStatus: 403\n'", 502,
     "line 2: there is a Status"),
    ("says 401 without a challenge", "echo Status: 401", 502,
     "no WWW-Authenticate"),
    ("breaks a line", r"printf 'X-A: b\rSet-Cookie: c\n'", 502, "control"),
    ("breaks the head", r"printf 'X-A: b\n\nHTTP/1.1 200 OK\n'", 502,
     "no Status"),
    ("ends lines by NUL", r"printf 'X-A: b\0X-B: c\n'", 502, "NUL"),
    ("has a length", r"printf 'Status: 403\nContent-Length: 5\n\nhello'", 502,
     "line 2: the field is ours"),
    ("speaks of the connection", "echo Connection: keep-alive", 502, "ours"),
    ("accepts itself", "echo Sec-WebSocket-Accept: x", 502, "ours"),
    ("sets LD_PRELOAD", "echo Variable-LD_PRELOAD: /tmp/x", 502, "ADMIT_"),
    ("sets a field", "echo Variable-HTTP_COOKIE: x", 502, "ADMIT_"),
    ("sets the gateway", "echo Variable-GATEWAY_INTERFACE: x", 502, "ADMIT_"),
    ("sets a function", "echo 'Variable-ADMIT_A: () { :;}; id'", 502, "() {"),
    ("names nobody", "echo Variable-REMOTE_USER:", 502, "no name"),
    ("chooses what is not offered", "echo Sec-WebSocket-Protocol: chat", 502,
     "chose a subprotocol that is not offered"),
    ("says too much", "head -c %d /dev/zero | tr '\\0' a" % TOO_LONG, 502,
     "more than 16384 bytes"),
    ("never stops", "yes", 502, "more than 16384 bytes"),
    ("never stops, and ignores who reads", "trap '' PIPE; yes 'A: b'", 502,
     "more than 16384 bytes"),
]
SLOW = [
    ("sleeps", "sleep 60", 504, "took too long"),
    ("sleeps after it has decided", "echo X-A: b; sleep 60", 504, "too long"),
    ("closes its output and sleeps", "exec >&- 2>&-; sleep 60", 504,
     "too long"),
    ("cannot be asked to end", "trap '' HUP TERM INT; sleep 60 & wait; wait",
     504, "too long"),
]
ROWS = DECIDES + FAILS + SLOW


class Hook:
    """A script that does what stands at a path, and notes what it was told."""

    def __init__(self, directory, rows=()):
        self.path = os.path.join(directory, "hook")
        self.seen = os.path.join(directory, "seen")
        os.mkdir(self.seen)
        os.chmod(self.seen, 0o777)
        os.chmod(directory, 0o755)
        cases = "".join("/%d)\n%s\n;;\n" % (number, row[1])
                        for number, row in enumerate(rows))
        self.write("#!/bin/sh\ncase $PATH_INFO in\n%sesac\n" % cases)

    def write(self, text, mode=0o755):
        with open(self.path + ".new", "w") as f:
            f.write(text)
        os.chmod(self.path + ".new", mode)
        os.rename(self.path + ".new", self.path)

    def shell(self, text):
        self.write("#!/bin/sh\n" + text + "\n")

    def options(self, *words):
        return ["--admit", " ".join([self.path, *words])]


@contextlib.contextmanager
def hook_of(rows=()):
    with Listener(["echo:"]) as place:
        yield Hook(place.directory, rows)


def answered(server, path="/", fields=()):
    """The Response to an upgrade; of a 101, the head alone."""
    with Connection(server.connect()) as c:
        c.send(rawclient.request(server.host, path, extra=fields))
        c.fill_until(lambda: b"\r\n\r\n" in c.buffer, PATIENCE)
        if not c.buffer.startswith(b"HTTP/1.1 101"):
            return parse_response(c.rest(PATIENCE))
        head = bytes(c.buffer).partition(b"\r\n\r\n")[0]
        c.buffer = c.buffer[len(head) + 4:]
        c.send(rawclient.close(1000))
        until_end(c)
        return parse_response(head + b"\r\n\r\n")


def status(server, path="/", fields=()):
    return answered(server, path, fields).status


def sleepers(seconds):
    """Processes that sleep for so long."""
    found = []
    for pid in filter(str.isdigit, os.listdir("/proc")):
        with contextlib.suppress(OSError):
            if in_proc(int(pid), "cmdline").split("\0")[:2] == [
                    "sleep", seconds] \
                    and ") Z " not in in_proc(int(pid), "stat"):
                found.append(int(pid))
    return found


# What it says, and what comes of it.

def check_rows(tap, how, start, rows):
    with hook_of(rows) as hook:
        options = [*hook.options(), "--admit-timeout", "1.5"]
        with start(options) as server:
            def one(item):
                number, row = item
                answer = answered(server, "/%d" % number)
                return answer, eventually(
                    lambda: lines_of(server, "/%d" % number), 2)
            for row, (answer, lines) in zip(rows, in_parallel(
                    one, list(enumerate(rows)), 4)):
                tap.ok(answer.status == row[2]
                       and (row[3] is None or any(row[3] in line
                                                  for line in lines or [])),
                       "%s: a hook that %s: %d" % (how, row[0], row[2]),
                       (answer, lines))
                if row[2] in (502, 503, 504):
                    tap.ok(answer.is_refusal()
                           and b"cannot tell" in answer.body
                           and (row[2] != 503
                                or answer.values("retry-after")),
                           "and no more is told", answer)
            tap.ok(server.process is None
                   or eventually(lambda: not workers(server)),
                   how + ": no process stays")


def listening(operands, *more):
    return lambda options: Listener(operands, [*options, *more])


def spawned(operands, *more):
    return lambda options: Spawned([binary(), *options, *more, "--",
                                    *operands])


SOME = [row for row in ROWS if row[0] in (
    "says nothing", "exits with 1", "says 302", "crashes", "exits with 111",
    "babbles", "never stops", "sleeps", "cannot be asked to end")]


def test_rows(tap):
    check_rows(tap, "echo:", listening(["echo:"]), ROWS)
    check_rows(tap, "a program", listening(["cat"]), SOME)
    check_rows(tap, "inetd", spawned(["cat"]), SOME)
    check_rows(tap, "contained", listening(["cat"], "--contain"), SOME)
    if os.getuid() == 0:
        check_rows(tap, "as nobody",
                   listening(["cat"], "--run-as", "nobody"), SOME)
        check_rows(tap, "as nobody, contained",
                   listening(["echo:"], "--run-as", "nobody", "--contain"),
                   SOME)


def test_one_byte(tap):
    """However it is cut, on sockets and pipes."""
    shim = os.path.abspath(os.path.join(
        os.environ.get("BUILD", "build"), "tests", "shim_onebyte.so"))
    rows = [row for row in ROWS if row not in SLOW and "16" not in row[1]]
    check_rows(tap, "one byte at a time", lambda options: Listener(
        ["cat"], options, {"LD_PRELOAD": shim, "SHIM_PIPES": "1"}), rows)


def test_answers(tap):
    page = r"""printf 'Status: 401 Who are you?\n'
printf 'WWW-Authenticate: Basic realm="a"\nSet-Cookie: a=b\n'
printf 'Set-Cookie: c=d\nContent-Type: text/html\n\n<p>\0\n\n</p>'"""
    with hook_of() as hook, \
            Listener(["echo:"], [*hook.options(), "--console"]) as server:
        hook.shell(page)
        answer = answered(server)
        tap.ok(answer.status == 401 and answer.body == b"<p>\0\n\n</p>"
               and answer.values("www-authenticate") == ['Basic realm="a"']
               and answer.values("set-cookie") == ["a=b", "c=d"]
               and answer.values("content-type") == ["text/html"]
               and answer.values("content-length") == ["10"]
               and answer.values("connection") == ["close"]
               and len(answer.values("date")) == 1,
               "a refusal is as the hook says", answer)
        head = get(server.host).replace(b"GET", b"HEAD")
        answer = ask(server, head)[0]
        tap.ok(answer.status == 401 and not answer.body
               and answer.values("content-length") == ["10"],
               "to HEAD, too", answer)
        hook.shell(r"printf '\nnot you'; exit 1")
        answer = answered(server)
        tap.ok(answer.status == 403 and answer.body == b"not you"
               and answer.values("content-type")
               == ["text/plain; charset=utf-8"],
               "a body alone is text", answer)
        hook.shell("exit 1")
        answer = answered(server)
        tap.ok(answer.is_refusal() and b"does not let you in" in answer.body,
               "and there is one without", answer)
        hook.shell(r"printf 'Set-Cookie: a=b\nX-A: c\n'")
        answer = answered(server)
        tap.ok(answer.status == 101
               and answer.values("set-cookie") == ["a=b"]
               and answer.values("x-a") == ["c"],
               "fields go into the 101", answer)


def test_cgi(tap):
    for code, want in ((":", 101), (r"printf 'Status: 404\n\nno'", 404),
                       ("exit 1", 403), ("kill -KILL $$", 502),
                       ("sleep 60", 504)):
        with hook_of() as hook:
            hook.shell(code)
            with Cgi([binary(), *hook.options(), "--admit-timeout", "0.5",
                      "echo:"], {**REQUEST, **VOUCHED}) as server:
                c = server.connection
                c.fill_until(lambda: b"\r\n\r\n" in c.buffer, PATIENCE)
                tap.ok(c.buffer.startswith(b"Status: %d " % want),
                       "CGI: a hook that does %s: %d" % (code, want),
                       c.buffer)
                if want == 101:
                    c.send(rawclient.close(1000))


def test_given(tap):
    """A connection that an application gives away."""
    with hook_of() as hook:
        hook.shell('test "$PATH_INFO" = /in')
        for path, want in (("/in", 101), ("/out", 403)):
            ours, theirs = socket.socketpair()
            with theirs:
                process = subprocess.Popen(
                    [binary(), "--fd", str(theirs.fileno()), *hook.options(),
                     "echo:"], stdin=subprocess.DEVNULL, cwd="/",
                    stderr=subprocess.DEVNULL, pass_fds=[theirs.fileno()])
            with Connection(ours) as c:
                c.send(rawclient.request("localhost", path))
                c.fill_until(lambda: b"\r\n\r\n" in c.buffer, PATIENCE)
                got = int(c.buffer.split()[1])
                if got == 101:
                    c.send(rawclient.close(1000))
                c.rest(PATIENCE)
            tap.ok(got == want and process.wait(PATIENCE) == (want != 101),
                   "--fd: %d" % want, (got, process.returncode))


# What it is told, and what others know.

SHOW = ["sh", "-c", "cat /proc/self/environ; exec cat"]
RAW = ["--format", "raw"]
NOTE = 'tr "\\0" "\\n" </proc/$$/environ >"$(dirname "$0")/seen/env"\n'


def told(hook):
    with open(os.path.join(hook.seen, "env")) as f:
        return dict(line.split("=", 1) for line in f.read().splitlines()
                    if "=" in line)


def seen_by(server, path="/", fields=()):
    """What the program finds in its environment."""
    with opened(server, path, fields) as c:
        got = printed(c)
        c.send(rawclient.close(1000))
        until_end(c)
    return got


def test_environment(tap):
    with hook_of() as hook:
        hook.shell(NOTE + r"printf 'Variable-REMOTE_USER: zo\303\253\n"
                   r"Variable-ADMIT_ROOM: a b=c\nVariable-ADMIT_E:\n'")
        env = {"ADMIT_ROOM": "inherited", "ADMIT_MORE": "inherited",
               "SECRET": "inherited"}
        with Listener(["cat", "/proc/self/environ"], [
                *hook.options(), *RAW, "--allow-env", "ADMIT_*"],
                env) as server:
            got = seen_by(server, "/a?b=c", ["Cookie: d=e",
                                             basic("anna", "sesam")])
            asked = told(hook)
            tap.ok(got["REMOTE_USER"] == "zo\xc3\xab"
                   and got["AUTH_TYPE"] == "Hook"
                   and got["ADMIT_ROOM"] == "a b=c" and got["ADMIT_E"] == "",
                   "the program has what the hook says", got)
            tap.ok(got["ADMIT_MORE"] == "inherited", "over what is inherited",
                   got)
            ours = {name: value for name, value in got.items()
                    if name not in ("REMOTE_USER", "AUTH_TYPE", "ADMIT_ROOM",
                                    "ADMIT_E")}
            asked.pop("PWD", None)
            credentials = asked.pop("HTTP_AUTHORIZATION", None)
            asked.pop("ADMIT_ROOM")
            tap.ok(asked == ours, "the hook is asked with what the program "
                   "will have", (set(asked.items()) ^ set(ours.items())))
            tap.ok(credentials == basic("anna", "sesam").split(": ")[1]
                   and "HTTP_AUTHORIZATION" not in got,
                   "and, alone, with Authorization", (credentials, got))


def test_secrets(tap):
    """The hook alone has seen them, and only while it ran."""
    hidden = basic("anna", "sesam").split()[-1]
    with hook_of() as hook:
        hook.shell(NOTE + "echo Variable-REMOTE_USER: anna; sleep 0.5")
        for more in ([], ["--contain"]):
            with Listener(["cat"], [*hook.options(), "--verbose",
                                    *more]) as server:
                with Connection(server.connect()) as c:
                    c.send(rawclient.request(
                        server.host, extra=[basic("anna", "sesam")]))
                    pid = eventually(lambda: workers(server))[0]
                    title = eventually(lambda: "asking a hook" in in_proc(
                        pid, "cmdline"))
                    c.upgraded()
                    pids = [server.process.pid, pid, *children_of(pid)]
                    seen = "".join(in_proc(p, name) for p in pids
                                   for name in ("cmdline", "environ"))
                    seen += "\n".join(server.log())
                    known = eventually(lambda: "anna@127.0.0.1 / open"
                                       in in_proc(pid, "cmdline"))
                    c.send(rawclient.close(1000))
                    until_end(c)
                tap.ok(title and known, "the title tells of the hook, and "
                       "then who it is", (title, known))
                tap.ok(hidden not in seen and "sesam" not in seen
                       and "uthorization" in seen, "no secret is seen", seen)
                tap.ok(told(hook)["HTTP_AUTHORIZATION"].endswith(hidden),
                       "but by the hook", told(hook))
                tap.ok(logged(server, '"/" user="anna" proto='),
                       "the log has the user", server.log())


def test_twice(tap):
    with hook_of() as hook, Listener(["echo:"], hook.options()) as server:
        hook.shell(NOTE)
        two = [basic("a"), basic("b")]
        tap.ok(status(server, fields=two) == 400
               and not os.path.exists(os.path.join(hook.seen, "env")),
               "of two Authorizations none is asked about")


def test_json(tap):
    with hook_of() as hook:
        hook.shell("echo Variable-ADMIT_ROOM: 7")
        out = os.path.join(hook.seen, "open")
        os.mkfifo(out)
        program = ["sh", "-c", 'head -n 1 >"$0"; exec cat >/dev/null', out]
        with Listener(program, [*hook.options(), "--format",
                                "json"]) as server:
            with opened(server) as c:
                with open(out) as f:
                    opening = f.read()
                c.send(rawclient.close(1000))
                until_end(c)
            tap.ok('"ADMIT_ROOM":"7"' in opening, "json: the open event has "
                   "its variables", opening)


def test_arguments(tap):
    with hook_of() as hook:
        hook.shell('printf "%s\\n" "$@" >"$(dirname "$0")/seen/args"')
        with Listener(["echo:"], hook.options("-a", " b\t'c", 'd"')) as server:
            got = status(server)
        with open(os.path.join(hook.seen, "args")) as f:
            args = f.read()
        tap.ok((got, args) == (101, "-a\nb\n'c\nd\"\n"),
               "words are arguments, and quotes are letters", (got, args))


# Beside the others.

def test_users(tap):
    with hook_of() as hook:
        files = Files(os.path.dirname(hook.path))
        hook.shell(NOTE + 'test "$REMOTE_USER" = sha512 || exit 1\n'
                   'test "$PATH_INFO" != /other || '
                   "echo Variable-REMOTE_USER: otto")
        with Listener(["cat", "/proc/self/environ"], [
                *hook.options(), *RAW, *files.options()]) as server:
            got = seen_by(server, fields=[basic("sha512")])
            tap.ok(got["REMOTE_USER"] == "sha512"
                   and got["AUTH_TYPE"] == "Basic"
                   and told(hook)["REMOTE_USER"] == "sha512"
                   and "HTTP_AUTHORIZATION" not in told(hook),
                   "the password comes first, and stays with us",
                   (got, told(hook)))
            os.unlink(os.path.join(hook.seen, "env"))
            tap.ok(status(server, fields=[basic("sha512", "x")]) == 401
                   and status(server) == 401 and not os.listdir(hook.seen),
                   "who has none is not asked about")
            tap.ok(status(server, fields=[basic("bcrypt")]) == 403,
                   "who has one may be refused still")
            got = seen_by(server, "/other", [basic("sha512")])
            tap.ok(got["REMOTE_USER"] == "otto" and got["AUTH_TYPE"] == "Hook",
                   "the hook has the last word on who it is", got)


def test_order(tap):
    with hook_of() as hook:
        hook.shell(NOTE)
        with Listener(["echo:"], hook.options()) as server:
            got = [ask(server, rawclient.request(host, extra=fields))[0].status
                   for host, fields in (
                       ("evil.example", []),
                       (server.host, ["Origin: http://evil.example"]))]
            plain = [ask(server, request)[0].status for request in (
                get(server.host),
                get(server.host).replace(b"GET", b"OPTIONS"),
                b"GET / HTTP/1.1\r\n\r\n")]
        tap.ok(got == [421, 403] and plain == [426, 200, 400]
               and not os.listdir(hook.seen),
               "who is refused without it, it is not asked about",
               (got, plain))


def test_max_user(tap):
    with hook_of() as hook:
        hook.shell("echo Variable-REMOTE_USER: ${PATH_INFO#/}")
        with Listener(["echo:"], [*hook.options(), "--max-user",
                                  "1"]) as server:
            with opened(server, "/anna"):
                got = status(server, "/anna"), status(server, "/otto")
        tap.ok(got == (503, 101), "--max-user counts the hook's user", got)


def test_pages(tap):
    with hook_of() as hook:
        hook.shell(NOTE + 'case $HTTP_COOKIE in a=b) ;; *) exit 1;; esac')
        with Listener(["echo:"], [*hook.options(), "--console"]) as server:
            got = [ask(server, get(server.host, "/", fields))[0].status
                   for fields in ([], ["Cookie: a=b"])]
            head = ask(server, get(server.host).replace(b"GET", b"HEAD"))[0]
            tap.ok(got == [403, 200] and head.status == 403
                   and told(hook)["REQUEST_METHOD"] == "HEAD",
                   "pages are for those whom it lets in", (got, head))
            with Connection(server.connect()) as c:
                c.send(get(server.host, "/", ["Cookie: a=b"]))
                c.sock.shutdown(1)
                answer = parse_response(c.rest(PATIENCE))
            tap.ok(answer.status == 200, "also for who has no more to say",
                   answer)
            hook.shell("echo Sec-WebSocket-Protocol: a")
            answer = ask(server, get(server.host))[0]
            tap.ok(answer.status == 502, "a page has no subprotocol", answer)


def test_protocols(tap):
    with hook_of() as hook:
        hook.shell(NOTE + "echo Sec-WebSocket-Protocol: ${PATH_INFO#/}")
        offer = ["Sec-WebSocket-Protocol: a, b, c"]
        with Listener(["echo:"], hook.options()) as server:
            got = [answered(server, path, offer) for path in (
                "/a", "/b", "/d", "/B", "/a,b", "/")]
            tap.ok([a.status for a in got] == [101, 101, 502, 502, 502, 502]
                   and [a.values("sec-websocket-protocol") for a in got[:2]]
                   == [["a"], ["b"]]
                   and told(hook)["WS_PROTOCOL"] == "a",
                   "it may choose among what is offered", got)
        with Listener(["printenv", "PATH_INFO"], [
                *hook.options(), "--protocol", "a", "--protocol",
                "b=printenv WS_PROTOCOL"]) as server:
            tap.ok(status(server, "/c", offer) == 502,
                   "and, with --protocol, what is spoken")
            with opened(server, "/b", offer) as c:
                said = until_end(c)[0]
            tap.ok(said == ("text", b"b"), "which chooses what is behind",
                   said)


def test_penalties(tap):
    refuse = r"printf 'Status: 401\nWWW-Authenticate: Basic\n'"
    for name, code, fields, want in (
            ("a challenge that is answered wrongly", refuse,
             [basic("a", "b")], 503),
            ("a challenge", refuse, [], 401),
            ("403", "exit 1", [basic("a", "b")], 403),
            ("400, a deed of others", "echo Status: 400", [], 400),
            ("a failure", "exit 100", [basic("a", "b")], 502)):
        with hook_of() as hook:
            hook.shell(code)
            with Listener(["echo:"], [*hook.options(), "--penalty-exempt",
                                      "none"]) as server:
                for _ in range(4):
                    status(server, fields=fields)
                    eventually(lambda: not workers(server))
                got = status(server, fields=fields)
                tap.ok(got == want, "%s, five times: %d" % (name, want),
                       (got, server.log()))


# Nobody stays.

def test_nobody_stays(tap):
    """Of what a hook starts, in its group or, contained, out of it."""
    ways = [("in its group", "sleep %s &", []),
            ("in its group, with a pipe", "sleep %s & echo X-A: b", []),
            ("in a session", "setsid sleep %s &", ["--contain"])]
    for number, (name, code, options) in enumerate(ways):
        mark = LONELY % number
        with hook_of() as hook:
            hook.shell(code % mark + " :")
            with Listener(["cat"], [*hook.options(), *options]) as server:
                began = time.monotonic()
                with opened(server) as c:
                    took = time.monotonic() - began
                    tap.ok(took < 3, "who is left %s is not waited for" % name,
                           took)
                    tap.ok(eventually(lambda: not sleepers(mark), 2),
                           "but ended before there is a conversation")
                    fds = os.listdir("/proc/%d/fd" % worker(server))
                    tap.ok(len(fds) < 10, "and no descriptor is left", fds)
                    c.send(rawclient.close(1000))
                    until_end(c)


def started(server, path, fields=()):
    """A connection on which the hook runs."""
    c = Connection(server.connect())
    c.send(rawclient.request(server.host, path, extra=fields))
    return c


def test_vanish(tap):
    for number, options in enumerate(([], ["--contain"])):
        for how in ("closes", "resets", "half-closes"):
            mark = LONELY % (10 + number)
            with hook_of() as hook:
                hook.shell("sleep %s & wait" % mark)
                with Listener(["cat"], [*hook.options(), *options,
                                        "--admit-timeout", "30"]) as server:
                    c = started(server, "/gone")
                    there = eventually(lambda: sleepers(mark))
                    began = time.monotonic()
                    if how == "half-closes":
                        c.sock.shutdown(1)
                    elif how == "resets":
                        c.sock.setsockopt(1, 13, b"\1\0\0\0\0\0\0\0")
                    if how != "half-closes":
                        c.sock.close()
                    gone = eventually(lambda: not sleepers(mark)
                                      and not workers(server), 5)
                    took = time.monotonic() - began
                    tap.ok(there and gone and took < 3
                           and logged(server, '"/gone" 0 ', "left within"),
                           "a client that %s ends its hook %s" % (
                               how, " ".join(options)),
                           (there, gone, took, server.log()))
                    c.sock.close()


def test_worker_dies(tap):
    """Nor does anybody stay of a worker that is killed."""
    for number, options in enumerate(([], ["--contain"])):
        mark = LONELY % (20 + number)
        with hook_of() as hook:
            hook.shell("sleep %s & wait" % mark)
            with Listener(["cat"], [*hook.options(), *options]) as server:
                with started(server, "/") as c:
                    eventually(lambda: sleepers(mark))
                    os.kill(worker(server), signal.SIGKILL)
                    c.rest(PATIENCE)
                tap.ok(eventually(lambda: not sleepers(mark), 2),
                       "nobody outlives a worker %s" % " ".join(options))


def test_stop(tap):
    for operand in (["echo:"], ["cat"]):
        mark = LONELY % 30
        with hook_of() as hook:
            hook.shell("sleep %s & wait" % mark)
            with Listener(operand, hook.options()) as server:
                with started(server, "/") as c:
                    eventually(lambda: sleepers(mark))
                    os.kill(worker(server), signal.SIGTERM)
                    answer = parse_response(c.rest(PATIENCE))
                tap.ok(answer.status == 503 and b"stops" in answer.body
                       and eventually(lambda: not sleepers(mark), 2),
                       "SIGTERM ends a hook: %s" % operand[0], answer)


def test_deadline(tap):
    """The handshake's is not prolonged."""
    with hook_of() as hook:
        hook.shell("sleep 60")
        with Listener(["echo:"], [*hook.options(), "--handshake-timeout", "1",
                                  "--admit-timeout", "never"]) as server:
            began = time.monotonic()
            got = status(server)
            took = time.monotonic() - began
        tap.ok(got == 504 and 0.9 < took < 8, "--handshake-timeout holds",
               (got, took))


def test_figures(tap):
    with hook_of() as hook:
        hook.shell("sleep 1")
        with Listener(["cat"], hook.options()) as server:
            with started(server, "/") as c:
                eventually(lambda: workers(server))
                pid = worker(server)
                eventually(lambda: "asking" in in_proc(pid, "cmdline"))
                os.kill(pid, signal.SIGUSR1)
                tap.ok(logged(server, "so far: asking a hook"),
                       "SIGUSR1 gives figures", server.log())
                c.upgraded()
                c.send(rawclient.close(1000))
                until_end(c)


# The system.

INJECTED = [
    Row("vfork:error=EAGAIN:when=1", "refused 503", "hook"),
    Row("vfork:error=EAGAIN:when=2", "refused 503", "program"),
    Row("vfork:error=ENOMEM:when=1", "refused 503", "Cannot allocate"),
    Row("pipe2:error=EMFILE:when=1", "refused 503", "Too many open files"),
    Row("pipe2:error=EMFILE:when=2", "refused 503", "Too many open files"),
    Row("openat:error=EACCES:when=1", "refused 502", "Permission denied"),
    Row("fcntl:error=EMFILE:when=1", "refused 503", "Too many open files"),
    Row("execve:error=EACCES:when=1", "refused 502", "Permission", FOLLOW),
    Row("ppoll:error=EINTR:when=2+2", "right"),
    Row("read:error=EIO:when=1", "right"),
    Row("read:error=EINTR:when=1+2", "right"),
    Row("read:error=EAGAIN:when=1+2", "right"),
    Row("wait4:error=EINTR:when=1+2", "right"),
    Row("kill:error=ESRCH:when=1", "right"),
]


def test_injected(tap):
    from conversation import OPTIONS, STEPS
    with hook_of() as hook, Reaper():
        hook.shell("sleep 0.05")
        with Listener(["cat"], [*OPTIONS, *hook.options()]) as server:
            for number, row in enumerate(INJECTED):
                path = "/%d" % number
                word, lines = play_traced(server, row, path, STEPS)
                line = (lines_of(server, path) or server.log())[-1]
                tap.ok(injected(lines), row.fault + " was injected",
                       lines[-9:])
                tap.ok(word == row.word and row.logged in line,
                       "%s: %s" % (row.fault, row.word), (word, line))


def test_not_started(tap):
    for text, mode, want in (("#!/nonexistent\n", 0o755, 502),
                             ("hello\n", 0o755, 502)):
        with hook_of() as hook, Listener(["echo:"],
                                         hook.options()) as server:
            hook.write(text, mode)
            got = status(server)
            tap.ok(got == want and logged(server, "the hook " + hook.path,
                                          "could not be started"),
                   "%r: %d" % (text, want), (got, server.log()))
    with hook_of() as hook, Listener(["echo:"], hook.options()) as server:
        os.unlink(hook.path)
        got = status(server)
        tap.ok(got == 502 and logged(server, "the hook", "No such file"),
               "one that is removed: 502", (got, server.log()))


def test_user_of_hook(tap):
    """It is who the program is, where the program is, with its limits."""
    if os.getuid() != 0:
        return
    with hook_of() as hook:
        hook.shell('{ id -un; pwd; ulimit -n; ulimit -c; } '
                   '>"$(dirname "$0")/seen/self"')
        with Listener(["cat"], [*hook.options(), "--run-as", "nobody",
                                "--chdir", "/usr", "--program-limit",
                                "nofile=40"]) as server:
            got = status(server)
        with open(os.path.join(hook.seen, "self")) as f:
            said = f.read().split()[:3]
        tap.ok(got == 101 and said == ["nobody", "/usr", "40"],
               "it runs as the program does", (got, said))


# The command line.

WRONG = [
    (["--admit", ""], "empty"), (["--admit", "  "], "there is no program"),
    (["--admit", "nosuchprogram -x"], "no program 'nosuchprogram' in PATH"),
    (["--admit", "/nonexistent"], "the program '/nonexistent'"),
    (["--admit", "/etc/passwd"], "Permission denied"),
    (["--admit-timeout", "x", "--admit", "true"], "x"),
]


def test_command_line(tap):
    for options, words in WRONG:
        ran = subprocess.run([binary(), *options, "--check", "echo:"],
                             capture_output=True, text=True,
                             timeout=PATIENCE, check=False)
        tap.ok(ran.returncode == 100 and words in ran.stderr,
               "%s: it is said what is wrong" % " ".join(options), ran)
    ran = subprocess.run([binary(), "--admit", "sh  -c :", "--check",
                          "echo:"], capture_output=True, text=True,
                         timeout=PATIENCE, check=False)
    tap.ok(re.search(r"^  admit                /\S+/sh -c :$", ran.stdout,
                     re.MULTILINE)
           and "admit-timeout        5 s" in ran.stdout,
           "--check shows it", ran)


# The example.

def test_example(tap):
    script = os.path.join(TOP, "examples", "admit", "by-cookie.sh")
    with Listener(["echo:"]) as place:
        sessions = place.path("sessions")
        os.mkdir(sessions)
        for name, user in (("f00ba5", "anna\n"), ("empty", "")):
            with open(os.path.join(sessions, name), "w") as f:
                f.write(user)
        with Listener(["cat", "/proc/self/environ"], [
                *RAW, "--admit", script + " " + sessions]) as server:
            for cookie in ("session=f00ba5", "a=b; session=f00ba5; c=d"):
                got = seen_by(server, fields=["Cookie: " + cookie])
                tap.ok(got["REMOTE_USER"] == "anna",
                       "examples/admit lets in: " + cookie, got)
            for cookie in ("", "session=", "session=other", "a=b",
                           "xsession=f00ba5", "session=../sessions/f00ba5",
                           "session=empty", "session=f00ba5x",
                           "session=-n", "session=.", "session=*"):
                answer = answered(server, fields=["Cookie: " + cookie])
                tap.ok(answer.status == 403 and b"sign in" in answer.body,
                       "and not: " + (cookie or "none"), answer)
            tap.ok(status(server) == 403 and not any(
                "stderr" in line for line in server.log()),
                "and complains of nothing", server.log())


class Application(http.server.BaseHTTPRequestHandler):
    """It knows one cookie."""

    def do_GET(self):
        known = self.headers.get("Cookie") == "a=b" \
            and self.path == "/whoami"
        self.send_response(200 if known else 403)
        self.end_headers()
        self.wfile.write(b"anna\n" if known else b"nobody\n")

    def log_message(self, *_):
        pass


def test_readme(tap):
    with open(os.path.join(TOP, "README.md")) as f:
        script = re.search(r"```hook\n(.*?)```", f.read(), re.DOTALL)[1]
    with http.server.HTTPServer(("127.0.0.1", 0), Application) as app:
        thread = threading.Thread(target=app.serve_forever)
        thread.start()
        try:
            with hook_of() as hook:
                hook.write(script.replace(
                    "127.0.0.1:3000", "127.0.0.1:%d" % app.server_port))
                with Listener(["printenv", "REMOTE_USER"],
                              hook.options()) as server:
                    with opened(server, "/", ["Cookie: a=b"]) as c:
                        said = until_end(c)[0]
                    got = status(server), status(server, "/", ["Cookie: a=c"])
        finally:
            app.shutdown()
            thread.join()
    tap.ok(said == ("text", b"anna") and got == (403, 403),
           "README.md: a hook that asks an application", (said, got))


def main():
    tap = Tap()
    with same_descriptors():
        for test in [test_rows, test_one_byte, test_answers, test_cgi,
                     test_given, test_environment,
                     test_secrets, test_twice, test_json, test_arguments,
                     test_users, test_order, test_max_user, test_pages,
                     test_protocols, test_penalties, test_nobody_stays,
                     test_vanish, test_worker_dies, test_stop, test_deadline,
                     test_figures, test_injected, test_not_started,
                     test_user_of_hook, test_command_line, test_example,
                     test_readme]:
            test(tap)
    tap.finish()


if __name__ == "__main__":
    main()
