"""Who is let in by --users and --tokens, and who is not: what the client is
told, what the program, the title and the log know of the user, and that nobody
but the client ever has the secret."""

import base64
import hashlib
import json
import os
import pwd
import resource
import subprocess
import tempfile

import rawclient
from cgi import REQUEST, VOUCHED, Cgi
from rawclient import Connection
from server import Listener, Spawned, binary, same_descriptors
from tap import Tap
from test_scgi import scgi
from ws_test import (PATIENCE, ask, eventually, logged, opened, until_end,
                     worker, workers)

NOBODY = pwd.getpwnam("nobody")
PASSWORD = "sesam"
USERS = {       # all of this password, by crypt(3) of libxcrypt
    "sha512": "$6$abcdefgh$CvkJgalpu/XtoLoyzW/WKzXsbLLsuToyUu8YjZJyCAgci5RPQ"
              "saf1eYMkTCwemqxUMN.lYWYcPLht0vKa22ah1",
    "bcrypt": "$2b$04$abcdefghijklmnopqrstuua1kk8EPGkSHbWt7XiGEPDGNQWLno8Ja",
    "htpasswd": "$2y$04$abcdefghijklmnopqrstuua1kk8EPGkSHbWt7XiGEPDGNQWLno8"
                "Ja",
    "yescrypt": "$y$j75$abcdefghijklmnop$LWGVzwsKzlYK71bgCIyQwQIGdYpvgUOBO."
                "JmXBNmfe5",
    "sha256": "$5$rounds=1000$abcdefgh$8skjVXyqBK7p8bQFlLTYQpfaw2HoV7UC3qJiz"
              "eeHOwB",
    "zoë": "$2b$04$abcdefghijklmnopqrstuua1kk8EPGkSHbWt7XiGEPDGNQWLno8Ja",
}
TOKEN, SECOND = "mF_9.B5f-4.1JqM0123456", "x" * 21 + "="
TOKENS = [("robot", TOKEN), ("robot", SECOND), ("other", "y" * 300)]
BASIC = 'Basic realm="ws-cgi", charset="UTF-8"'
BEARER = 'Bearer realm="ws-cgi"'


def made(password, setting):
    """crypt(3), as perl has it."""
    return subprocess.run(
        ["perl", "-e", "print crypt($ARGV[0], $ARGV[1])", password, setting],
        capture_output=True, check=True, text=True).stdout


def users(more=()):
    return "# users\n\n" + "".join("%s:%s\n" % pair for pair in
                                   [*USERS.items(), *more])


def tokens(pairs):
    return "".join("%s sha256:%s\n"
                   % (name, hashlib.sha256(token.encode()).hexdigest())
                   for name, token in pairs)


def write(path, text, mode=0o600):
    """Put a file in its place, as an administrator should."""
    with open(path + ".new", "wb") as f:
        f.write(text if isinstance(text, bytes) else text.encode())
    os.chmod(path + ".new", mode)
    os.rename(path + ".new", path)


def basic(user, password=PASSWORD, scheme="Basic"):
    pair = ("%s:%s" % (user, password)).encode()
    return "Authorization: %s %s" % (scheme,
                                     base64.b64encode(pair).decode())


def bearer(token, scheme="Bearer"):
    return "Authorization: %s %s" % (scheme, token)


def get(host, path="/", extra=()):
    lines = ["GET %s HTTP/1.1" % path, "Host: " + host, *extra]
    return "\r\n".join([*lines, "", ""]).encode()


class Files:
    """A directory with both files, for as long as the test runs."""

    def __init__(self, directory):
        self.users = os.path.join(directory, "users")
        self.tokens = os.path.join(directory, "tokens")
        write(self.users, users([("colon", made("a:b:c", "$6$abcdefgh$")),
                                 ("empty", made("", "$2b$04$" + "a" * 22)),
                                 ("long", made("p" * 255, "$6$abcdefgh$")),
                                 ("two words", USERS["bcrypt"])]))
        write(self.tokens, tokens(TOKENS))

    def options(self):
        return ["--users", self.users, "--tokens", self.tokens]


def status(server, *extra, path="/"):
    """What an upgrade with these fields is answered."""
    with Connection(server.connect()) as c:
        c.send(rawclient.request(server.host, path, extra=extra))
        c.fill_until(lambda: b"\r\n\r\n" in c.buffer, PATIENCE)
        number = int(c.buffer.split()[1])
        if number == 101:
            c.buffer = c.buffer[c.buffer.index(b"\r\n\r\n") + 4:]
            c.send(rawclient.close(1000))
            until_end(c)
        return number


ROWS = [    # name, fields, status
    *[(kind, [basic(kind)], 101) for kind in USERS],
    *[(kind + ", wrong password", [basic(kind, "sesamo")], 401)
      for kind in USERS],
    ("wrong from its first byte on", [basic("sha512", "Xesam")], 401),
    ("a part of the password", [basic("sha512", "sesa")], 401),
    ("an unknown user", [basic("nobody")], 401),
    ("a user in capitals", [basic("SHA512")], 401),
    ("a part of a user", [basic("sha51")], 401),
    ("no user", [basic("")], 401),
    ("a hash as password", [basic("sha512", USERS["sha512"])], 401),
    ("a password with colons", [basic("colon", "a:b:c")], 101),
    ("a part of it", [basic("colon", "a:b")], 401),
    ("an empty password", [basic("empty", "")], 101),
    ("an empty password of who has one", [basic("sha512", "")], 401),
    ("255 bytes of password", [basic("long", "p" * 255)], 101),
    ("256 bytes of password", [basic("long", "p" * 256)], 401),
    ("600 bytes of password", [basic("sha512", "p" * 600)], 401),
    ("8000 bytes of password", [basic("sha512", "p" * 8000)], 401),
    ("a user with a space", [basic("two words")], 101),
    ("NUL behind the password", [basic("sha512", PASSWORD + "\0x")], 401),
    ("NUL behind the user", [basic("sha512\0")], 401),
    ("a comment's name", [basic("# users")], 401),
    ("the scheme in small letters", [basic("sha512", scheme="basic")], 101),
    ("the scheme in capitals", [basic("sha512", scheme="BASIC")], 101),
    ("spaces behind the scheme", [basic("sha512", scheme="Basic  ")], 101),
    ("no field", [], 401),
    ("an empty field", ["Authorization: "], 401),
    ("the scheme alone", ["Authorization: Basic"], 401),
    ("no base64", ["Authorization: Basic ????"], 401),
    ("base64 without its padding",
     [basic("sha512").rstrip("=")], 401 if basic("sha512").endswith("=")
     else 101),
    ("base64 and more", [basic("sha512") + " x"], 401),
    ("no colon", ["Authorization: Basic YWJj"], 401),
    ("another scheme", ['Authorization: Digest username="sha512"'], 401),
    ("a scheme that begins so", [basic("sha512", scheme="Basics")], 401),
    ("twice", [basic("sha512"), basic("sha512")], 400),
    ("both", [basic("sha512"), bearer(TOKEN)], 400),
    ("a proxy's field", [basic("sha512").replace("A", "Proxy-A", 1)], 401),
    ("a token", [bearer(TOKEN)], 101),
    ("the second of one name", [bearer(SECOND)], 101),
    ("a long one", [bearer("y" * 300)], 101),
    ("Bearer in capitals", [bearer(TOKEN, "BEARER")], 101),
    ("an unknown token", [bearer("z" * 22)], 401),
    ("a part of a token", [bearer(TOKEN[:-1])], 401),
    ("a token and more", [bearer(TOKEN + "7")], 401),
    ("its hash", [bearer(hashlib.sha256(TOKEN.encode()).hexdigest())], 401),
    ("no token", [bearer("")], 401),
    ("a token of 8000 bytes", [bearer("y" * 8000)], 401),
    ("a token as password", [basic("robot", TOKEN)], 401),
    ("a password as token", [bearer(PASSWORD)], 401),
]


def test_rows(tap, files):
    with Listener(["echo:"], files.options()) as server:
        for name, fields, want in ROWS:
            got = status(server, *fields)
            tap.ok(got == want, "%d: %s" % (want, name), (got, fields))


def challenges(response):
    return response.values("www-authenticate")


def test_challenge(tap, files):
    both = files.options()
    for options, want in ((both[:2], [BASIC]), (both[2:], [BEARER]),
                          (both, [BASIC, BEARER])):
        with Listener(["echo:"], options) as server:
            answers = [ask(server, rawclient.request(server.host, extra=e))[0]
                       for e in ([], [basic("sha512", "x")],
                                 [basic("nobody")], [bearer("z" * 22)])]
        tap.ok(all(a.status == 401 and a.is_refusal()
                   and challenges(a) == want
                   and a.body == answers[0].body for a in answers),
               "the same 401 for all, which asks by %s" % " ".join(
                   one.split()[0] for one in want), answers)
    with Listener(["echo:"], both[:2]) as server:
        tap.ok(status(server, bearer(TOKEN)) == 401, "no token where there "
               "are users alone")
    with Listener(["echo:"], both[2:]) as server:
        tap.ok(status(server, basic("sha512")) == 401, "no password where "
               "there are tokens alone")


def test_order(tap, files):
    with Listener(["echo:"], files.options()) as server:
        got = [ask(server, rawclient.request(host, extra=fields))[0].status
               for host, fields in (
                   ("evil.example", []), ("evil.example", [basic("bcrypt")]),
                   (server.host, ["Origin: http://evil.example"]),
                   (server.host, ["Origin: http://evil.example",
                                  basic("bcrypt")]))]
        tap.ok(got == [421, 421, 403, 403], "Host and Origin come first", got)


def test_pages(tap, files):
    with Listener(["echo:"], [*files.options(), "--console"]) as server:
        def page(*extra):
            return ask(server, get(server.host, "/", extra))[0]
        tap.ok(page().status == 401 and challenges(page()) == [BASIC, BEARER],
               "a page is not for everybody")
        tap.ok(b"<html" not in page(basic("sha512", "x")).body
               and page(basic("sha512")).status == 200
               and page(bearer(TOKEN)).status == 200,
               "but for those who may have it")
        tap.ok(status(server, basic("sha512"), "Origin: http://"
                      + server.host) == 101, "and its socket, with the same")
        head = get(server.host).replace(b"GET", b"HEAD")
        tap.ok(ask(server, head)[0].status == 401, "HEAD is asked too")


# What is known of the user.

SHOW = ["sh", "-c", "env; echo end; exec cat"]


def environment(connection):
    lines = []
    while (event := connection.event(PATIENCE)) and event[0] == "text" \
            and event[1] != b"end":
        lines.append(event[1].decode(errors="replace"))
    return lines


def files_of(pid):
    """What others can see of a process."""
    found = b""
    for name in ("cmdline", "environ"):
        with open("/proc/%d/%s" % (pid, name), "rb") as f:
            found += f.read()
    return found


def secrets(field):
    """A secret as it came, as it is, and the hashes."""
    value = field.split()[-1]
    return [value, TOKEN, PASSWORD, *USERS.values()]


KNOWN = [("sha512", basic("sha512"), "Basic"), ("zoë", basic("zoë"), "Basic"),
         ("robot", bearer(TOKEN), "Bearer")]


def test_known(tap, files):
    options = [*files.options(), "--verbose"]
    with Listener(SHOW, options) as server:
        for user, field, kind in KNOWN:
            with opened(server, "/" + kind, [field]) as c:
                env = environment(c)
                pid = worker(server)
                with open("/proc/%d/cmdline" % pid, "rb") as f:
                    title = f.read().decode(errors="replace")
                seen = files_of(pid) + files_of(server.process.pid)
                with open("/proc/%d/task/%d/children" % (pid, pid)) as f:
                    seen += b"".join(files_of(int(p))
                                     for p in f.read().split())
                c.send(rawclient.close(1000))
                until_end(c)
            eventually(lambda: not workers(server))
            shown = user.encode().decode("latin-1")
            escaped = "".join(ch if ord(ch) < 127 else "\\x%02x" % ord(ch)
                              for ch in shown)
            tap.ok("REMOTE_USER=" + user in env
                   and "AUTH_TYPE=" + kind in env,
                   "%s: the program knows it" % user, env)
            tap.ok(escaped + "@127.0.0.1 /" in title,
                   "%s: the title shows it" % user, title)
            tap.ok(logged(server, '" user="%s" proto=' % escaped),
                   "%s: the log has it" % user, server.log()[-3:])
            everything = "\n".join(env + server.log()) \
                + seen.decode(errors="replace")
            there = [s for s in secrets(field) if s in everything]
            tap.ok("Authorization" in everything and not there
                   and "HTTP_AUTHORIZATION" not in everything,
                   "%s: its secret is nowhere" % user, there)


def test_refused_log(tap, files):
    with Listener(["echo:"], files.options()) as server:
        for name, field, words in (
                ("wrong", basic("sha512", "hunter2"),
                 "401 wrong password of user sha512"),
                ("unknown", basic("hunter2", "hunter2"), "401 no such user"),
                ("token", bearer("hunter2" * 4), "401 no such token"),
                ("short", bearer("hunter2"), "401 malformed credentials"),
                ("none", "X: y", "401 no credentials"),
                ("scheme", "Authorization: Digest hunter2",
                 "401 credentials of a scheme that is not asked for")):
            status(server, field, path="/" + name)
            tap.ok(logged(server, '"/%s" %s' % (name, words)),
                   "the log: " + words, server.log()[-1:])
        tap.ok(not any("hunter2" in line or "user=" in line
                       for line in server.log()),
               "and never what was said instead", server.log())


def test_json(tap, files):
    options = [*files.options(), "--log-json", "--format", "json"]
    path = files.users + ".opening"
    program = ["sh", "-c", 'head -n 1 >"$0"; exec cat >&2', path]
    with Listener(program, options) as server:
        with opened(server, "/", [basic("zoë")]) as c:
            eventually(lambda: os.path.exists(path) and os.path.getsize(path))
            with open(path, encoding="utf-8") as f:
                opening = json.load(f)
            c.send(rawclient.close(1000))
            until_end(c)
        tap.ok("zoë" in json.dumps(opening, ensure_ascii=False)
               and "uthorization" not in json.dumps(opening),
               "json: the open event has the user", opening)
        eventually(lambda: not workers(server))
        closed = json.loads(server.log()[-1])
        tap.ok(closed["user"] == "zoë" and closed["event"] == "closed",
               "--log-json: so has the line", closed)


def test_max_user(tap, files):
    options = [*files.options(), "--max-user", "1"]
    with Listener(["echo:"], options) as server:
        with opened(server, "/", [basic("bcrypt")]):
            got = [status(server, field) for field in (
                basic("bcrypt"), basic("sha256"), basic("bcrypt", "x"))]
        tap.ok(got == [503, 101, 401], "--max-user counts this user", got)


def test_penalty(tap, files):
    options = [*files.options(), "--penalty-exempt", "none"]
    with Listener(["echo:"], options) as server:
        for field in [basic("bcrypt", "x")] * 3 + [bearer("z" * 22)]:
            before = status(server, field)
            eventually(lambda: not workers(server))
        tap.ok(before == 401 and status(server, basic("bcrypt")) == 503
               and logged(server, "it tries passwords or tokens"),
               "who tries four is kept away", server.log())
    with Listener(["echo:"], options) as server:
        for field in ["X: y"] * 3 + ["Authorization: Basic ?"] * 3:
            status(server, field)
            eventually(lambda: not workers(server))
        tap.ok(status(server, basic("bcrypt")) == 101,
               "and not who has none", server.log())


# What it costs.

def cpu_of(server, field, times=5):
    """Processor time of the connections' processes, in seconds."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    for _ in range(times):
        with Connection(server.connect()) as c:
            c.send(rawclient.request(server.host, extra=[field]))
            c.rest(PATIENCE)
    eventually(lambda: (server._reap(), not server.processes)[1])
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def test_cost(tap, files):
    path = files.users + ".slow"
    for kind, setting in (("bcrypt", "$2b$10$" + "a" * 22),
                          ("yescrypt", "$y$j9T$abcdefghijklmnop"),
                          ("SHA-512", "$6$rounds=60000$abcdefgh")):
        write(path, "anna:%s\n" % made(PASSWORD, setting))
        with Spawned([binary(), "--users", path, "echo:"]) as server:
            none = cpu_of(server, "X: y")
            cost = [cpu_of(server, field) - none for field in (
                basic("anna", "sesax"), basic("anna", "Xesam"),
                basic("nobody", "sesam"))]
        tap.ok(all(0.5 < c / cost[0] < 2 for c in cost) and cost[0] > none,
               "%s: a wrong password costs the same from its first byte or "
               "its last on, and so does an unknown user" % kind,
               (none, cost))


# Files.

def test_replaced(tap, files):
    path = files.users + ".new-one"
    write(path, "anna:%s\n" % USERS["bcrypt"])
    with Listener(["echo:"], ["--users", path]) as server:
        before = [status(server, basic(u)) for u in ("anna", "otto")]
        write(path, "otto:%s" % USERS["bcrypt"])
        after = [status(server, basic(u)) for u in ("anna", "otto")]
        write(path, "")
        empty = status(server, basic("otto"))
    tap.ok((before, after, empty) == ([101, 401], [401, 101], 401),
           "another file counts at once", (before, after, empty))


BAD = [     # text, mode, words
    ("anna", 0o600, "line 1: it is not NAME:HASH"),
    ("# a\nanna:sesam\n", 0o600, "line 2: there is no hash of bcrypt"),
    ("anna:$apr1$abcdefgh$abcdefghijklmnopqrstu.\n", 0o600, "MD5"),
    ("anna:{SHA}abcdefghijklmnopqrstuvwxyz0=\n", 0o600, "SHA-1"),
    ("anna:abNANd1rDfiNc\n", 0o600, "there is no hash"),
    ("anna:$6$sesam\n", 0o600, "line 1: its hash is malformed"),
    ("anna\0:$6$\n", 0o600, "NUL"),
    (USERS["bcrypt"].join(["anna:", "\n"]), 0o620, "may write to it"),
    (USERS["bcrypt"].join(["anna:", "\n"]), 0o602, "may write to it"),
    ("#" * 1025, 0o600, "longer than 1024"),
    ("#\n" * (1 << 19) + "#", 0o600, "larger than 1 MiB"),
]


def test_bad_files(tap, files):
    path = files.users + ".bad"
    for text, mode, words in BAD:
        write(path, USERS["bcrypt"].join(["anna:", "\n"]))
        with Listener(["echo:"], ["--users", path]) as server:
            write(path, text, mode)
            got = status(server, basic("anna")), status(server)
            tap.ok(got == (503, 401) and logged(server, words)
                   and not any("sesam" in line for line in server.log()),
                   "503, and the log says: " + words, (got, server.log()))
        result = subprocess.run(
            [binary(), "-l", "127.0.0.1:0", "--users", path, "echo:"],
            capture_output=True, text=True, timeout=PATIENCE, check=False)
        tap.ok(result.returncode == 100 and words in result.stderr
               and "sesam" not in result.stderr,
               "it is not even started: " + words, result)


def test_missing(tap, files):
    for option, field in (("--users", basic("anna")),
                          ("--tokens", bearer(TOKEN))):
        with Spawned([binary(), option, "/nonexistent", "echo:"]) as server:
            got = status(server, field), status(server)
            tap.ok(got == (503, 401)
                   and logged(server, option + " /nonexistent: No such"),
                   "under inetd, a missing file of %s is 503" % option,
                   (got, server.log()))
        for file in ("/dev/zero", "/"):
            with Spawned([binary(), option, file, "echo:"]) as server:
                tap.ok(status(server, field) == 503,
                       "so is %s %s" % (option, file), server.log())


def test_readable(tap, files):
    path = files.users + ".open"
    for mode, want in ((0o644, True), (0o640, False)):
        write(path, USERS["bcrypt"].join(["anna:", "\n"]), mode)
        with Listener(["echo:"], ["--users", path]) as server:
            tap.ok(any("all users of this machine can read it" in line
                       for line in server.log()) == want,
                   "mode %o: %s" % (mode, "the log warns" if want
                                    else "no word"), server.log())


def test_other_user(tap, _):
    """A file is tried as who will read it, below what will be the root."""
    if os.getuid() != 0:
        return
    with tempfile.TemporaryDirectory() as root:
        os.chmod(root, 0o755)
        path = os.path.join(root, "users")
        write(path, USERS["bcrypt"].join(["anna:", "\n"]))
        for options in (["--user", "nobody"], ["--run-as", "nobody"],
                        ["--run-as", "root", "--user", "nobody"]):
            name, argv = " ".join(options), [*options, "--users", path]
            os.chown(path, 0, 0)
            for more in ([], ["--check"]):
                ended = subprocess.run(
                    [binary(), "-l", "127.0.0.1:0", *argv, *more, "cat"],
                    capture_output=True, text=True, timeout=PATIENCE,
                    check=False)
                tap.ok(ended.returncode == 100 and
                       "%s: Permission denied, as user nobody" % path
                       in ended.stderr, "%s: a file that is root's is not "
                       "even started with" % " ".join(options + more), ended)
            os.chown(path, NOBODY.pw_uid, -1)
            with Listener(["cat"], argv) as server:
                tap.ok((status(server), status(server, basic("otto")),
                        status(server, basic("anna"))) == (401, 401, 101),
                       name + ": one that is its own lets people in",
                       server.log())
        ended = subprocess.run(
            ["strace", "-D", "-f", "-qq", "-o", "/dev/null", "-e",
             "trace=clone", "-e", "inject=clone:error=EAGAIN", binary(), "-l",
             "127.0.0.1:0", "--user", "nobody", "--users", path, "echo:"],
            capture_output=True, text=True, timeout=PATIENCE, check=False)
        tap.ok(ended.returncode == 111 and "fork: " in ended.stderr,
               "without a process to try it in it is not started", ended)
        options = ["--user", "nobody", "--chroot", root, "--users", "/users"]
        with Listener(["echo:"], options) as server:
            tap.ok(status(server, basic("anna")) == 101,
                   "--chroot: it is found below", server.log())


# Other ways in.

def test_inetd(tap, files):
    with Spawned([binary(), *files.options(), *SHOW]) as server:
        with opened(server, "/", [basic("sha256")]) as c:
            env = environment(c)
            c.send(rawclient.close(1000))
            until_end(c)
        tap.ok("REMOTE_USER=sha256" in env and status(server) == 401,
               "under inetd", env)


def test_web_servers(tap, files):
    lie = {"REMOTE_USER": "root", "AUTH_TYPE": "Negotiate"}
    right = {"HTTP_AUTHORIZATION": basic("sha256").partition(": ")[2]}
    with Listener(SHOW, files.options(), how="--receive") as server:
        for more, want in (({}, b"401"), (right, b"101")):
            with Connection(server.connect()) as c:
                c.send(scgi({**REQUEST, **lie, **more}))
                c.fill_until(lambda: b"\r\n\r\n" in c.buffer, PATIENCE)
                tap.ok(want in c.buffer[:20], "SCGI: the web server's word "
                       "does not count: %s" % want.decode(), c.buffer)
                if want == b"101":
                    c.buffer = c.buffer[c.buffer.index(b"\r\n\r\n") + 4:]
                    env = environment(c)
                    c.send(rawclient.close(1000))
                    until_end(c)
        tap.ok("REMOTE_USER=sha256" in env and "AUTH_TYPE=Basic" in env
               and not any(line == "REMOTE_USER=root" or "Negotiate" in line
                           or line.startswith("HTTP_AUTH") for line in env),
               "SCGI: and the program hears of no other", env)
    for more, want in (({}, 401), (right, 101)):
        with Cgi([binary(), *files.options(), "echo:"],
                 {**REQUEST, **VOUCHED, **lie, **more}) as server:
            c = server.connection
            c.fill_until(lambda: b"\r\n\r\n" in c.buffer, PATIENCE)
            tap.ok(str(want).encode() in c.buffer[:20],
                   "CGI: %d" % want, (c.buffer, server.log()))
            if want == 101:
                c.send(rawclient.close(1000))
    with Listener(["echo:"], how="--receive") as server:
        with Connection(server.connect()) as c:
            c.send(scgi({**REQUEST, **lie}))
            c.fill_until(lambda: b"\r\n\r\n" in c.buffer, PATIENCE)
            c.send(rawclient.close(1000))
            c.rest(PATIENCE)
        tap.ok(logged(server, 'user="root" proto='), "where nobody is asked, "
               "the log has the web server's user", server.log())


def main():
    tap = Tap()
    with same_descriptors(), Listener(["echo:"]) as place:
        files = Files(place.directory)
        for test in [test_rows, test_challenge, test_order, test_pages,
                     test_known, test_refused_log, test_json, test_max_user,
                     test_penalty, test_cost, test_replaced, test_bad_files,
                     test_missing, test_readable, test_other_user, test_inetd,
                     test_web_servers]:
            test(tap, files)
    tap.finish()


if __name__ == "__main__":
    main()
