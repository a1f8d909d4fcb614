"""Users whom a proxy has let in, --user-header: whose word counts, what of it
the program, the title and the log know, and that nobody else's gets that far."""

import subprocess

import rawclient
from cgi import REQUEST
from rawclient import Connection
from server import Listener, Spawned, binary, same_descriptors
from tap import Tap
from test_scgi import scgi
from test_users import (BASIC, Files, basic, challenges, environment, get,
                        status)
from ws_test import (PATIENCE, ask, eventually, logged, opened, until_end,
                     worker, workers)

FIELD = "X-Remote-User"
OURS = ["--user-header", FIELD]
TRUSTED = [*OURS, "--trust", "loopback"]
STRANGER = [*OURS, "--trust", "192.0.2.1"]
SHOW = ["sh", "-c", "env; echo end; exec cat"]


def said(name):
    return "%s: %s" % (FIELD, name)


def got(server, *fields):
    """The program's variables, or the status of a refusal."""
    with Connection(server.connect()) as c:
        c.send(rawclient.request(server.host, extra=fields))
        c.fill_until(lambda: b"\r\n\r\n" in c.buffer, PATIENCE)
        number = int(c.buffer.split()[1])
        if number != 101:
            return number
        c.buffer = c.buffer[c.buffer.index(b"\r\n\r\n") + 4:]
        env = environment(c)
        c.send(rawclient.close(1000))
        until_end(c)
        return env


def is_user(env, name, kind="Header"):
    return isinstance(env, list) and "REMOTE_USER=" + name in env \
        and "AUTH_TYPE=" + kind in env


ROWS = [    # name, fields, user, or the status of a refusal
    ("a user", [said("anna")], "anna"),
    ("the field in small letters", ["x-remote-user: anna"], "anna"),
    ("a space in a name", [said("anna b")], "anna b"),
    ("a list is one name", [said("root, anna")], "root, anna"),
    ("255 bytes", [said("a" * 255)], "a" * 255),
    ("256 bytes", [said("a" * 256)], 400),
    ("no UTF-8", [said("zo\udceb")], 400),
    ("a tab", [said("a\tb")], 400),
    ("no field", [], 403),
    ("an empty field", [said("")], 403),
    ("another field", ["X-Forwarded-User: anna"], 403),
    ("twice", [said("anna"), said("root")], 400),
    ("the same twice", [said("anna"), said("anna")], 400),
    ("once in small letters", [said("anna"), "x-remote-user: root"], 400),
    ("empty and not", [said(""), said("root")], 400),
    ("with an underscore", ["X_Remote_User: root"], 400),
    ("both spellings", [said("anna"), "X_Remote_User: root"], 400),
    ("a password, which is not asked for", [basic("sha512")], 403),
]


def test_rows(tap):
    with Listener(SHOW, TRUSTED) as server:
        for name, fields, want in ROWS:
            raw = [f.encode("utf-8", "surrogateescape").decode("latin-1")
                   if "\udceb" in f else f for f in fields]
            env = got_raw(server, raw) if raw != fields else \
                got(server, *fields)
            tap.ok(is_user(env, want) if isinstance(want, str)
                   else env == want, "%s: %s" % (want, name), env)


def got_raw(server, fields):
    """As got, with bytes that are no UTF-8."""
    request = rawclient.request(server.host, extra=["X-Mark: 1"])
    request = request.replace(b"X-Mark: 1", fields[0].encode("latin-1"))
    with Connection(server.connect()) as c:
        c.send(request)
        c.fill_until(lambda: b"\r\n\r\n" in c.buffer, PATIENCE)
        return int(c.buffer.split()[1])


def test_stranger(tap):
    with Listener(SHOW, STRANGER) as server:
        env = got(server, said("root"))
        tap.ok(env == 403 and logged(server, "403 no proxy that is trusted"),
               "a stranger's field is nobody's word", (env, server.log()))
        tap.ok(got(server, said("a"), said("b")) == 400,
               "and twice it is malformed")
    with Listener(SHOW, ["--trust", "192.0.2.1"]) as server:
        env = got(server, said("root"))
        tap.ok("HTTP_X_REMOTE_USER=root" in env
               and not any(line.startswith("REMOTE_USER=") for line in env),
               "without --user-header it is a field like others", env)


def test_behind_two(tap):
    """The last proxy is trusted; that it names another client is no matter."""
    with Listener(SHOW, [*TRUSTED, "--trust", "10.0.0.1"]) as server:
        env = got(server, said("anna"), "X-Forwarded-For: 192.0.2.7")
        tap.ok(is_user(env, "anna") and "REMOTE_ADDR=192.0.2.7" in env,
               "who sends the request counts, not whom it is for", env)
    with Listener(SHOW, [*OURS, "--trust", "10.0.0.1"]) as server:
        env = got(server, said("anna"), "X-Forwarded-For: 10.0.0.1")
        tap.ok(env == 403, "nobody lends himself a proxy's address", env)


def test_proxy_protocol(tap):
    options = [*OURS, "--trust", "10.0.0.1", "--trust", "loopback",
               "--proxy-protocol"]
    with Listener(SHOW, options) as server:
        for address, want in (("10.0.0.1", 101), ("192.0.2.7", 403)):
            with Connection(server.connect()) as c:
                c.send(b"PROXY TCP4 %s 10.0.0.9 5 80\r\n" % address.encode()
                       + rawclient.request(server.host,
                                           extra=[said("anna")]))
                c.fill_until(lambda: b"\r\n\r\n" in c.buffer, PATIENCE)
                number = int(c.buffer.split()[1])
                if number == 101:
                    c.buffer = c.buffer[c.buffer.index(b"\r\n\r\n") + 4:]
                    environment(c)
                    c.send(rawclient.close(1000))
                    until_end(c)
            tap.ok(number == want, "whom a PROXY header names sends the "
                   "request: %s" % address, (number, server.log()))


def test_known(tap):
    with Listener(SHOW, [*TRUSTED, "--max-user", "1"]) as server:
        with opened(server, "/a", [said("zoë")]) as c:
            env = environment(c)
            with open("/proc/%d/cmdline" % worker(server), "rb") as f:
                title = f.read().decode(errors="replace")
            second = got(server, said("zoë")), got(server, said("otto"))
            c.send(rawclient.close(1000))
            until_end(c)
        eventually(lambda: not workers(server))
        tap.ok(is_user(env, "zoë") and "HTTP_X_REMOTE_USER=zoë" in env,
               "the program knows it", env)
        tap.ok("zo\\xc3\\xab@127.0.0.1 /a" in title, "so does the title",
               title)
        tap.ok(logged(server, '"/a" user="zo\\xc3\\xab" proto='),
               "and the log", server.log())
        tap.ok(second[0] == 503 and is_user(second[1], "otto"),
               "--max-user counts it", second)


def test_either(tap, files):
    """With --users either will do."""
    with Listener(SHOW, [*TRUSTED, "--users", files.users]) as server:
        env = got(server, said("anna"))
        tap.ok(is_user(env, "anna"), "a proxy's user needs no password", env)
        env = got(server, said("anna"), basic("sha512", "wrong"))
        tap.ok(is_user(env, "anna"), "nor is one looked at", env)
        env = got(server, basic("sha512"))
        tap.ok(is_user(env, "sha512", "Basic"), "others have one", env)
        env = got(server, said(""), basic("sha512"))
        tap.ok(is_user(env, "sha512", "Basic"), "or an empty field and one",
               env)
        answer = ask(server, rawclient.request(server.host))[0]
        tap.ok(answer.status == 401 and challenges(answer) == [BASIC],
               "who has neither is asked", answer)
    with Listener(SHOW, [*STRANGER, "--users", files.users]) as server:
        env = got(server, said("root"), basic("sha512"))
        tap.ok(is_user(env, "sha512", "Basic")
               and not any("root" in line.split("=", 1)[-1] and "USER" in line
                           and line.startswith("HTTP_") for line in env),
               "a stranger's field reaches no program", env)
        tap.ok(got(server, said("sha512")) == 401, "and lets nobody in")


def test_pages(tap):
    with Listener(["echo:"], [*TRUSTED, "--console"]) as server:
        pages = [ask(server, get(server.host, "/", fields))[0].status
                 for fields in ([], [said("anna")])]
        tap.ok(pages == [403, 200], "pages are for users, too", pages)
    with Listener(["echo:"], [*STRANGER, "--console"]) as server:
        page = ask(server, get(server.host, "/", [said("anna")]))[0].status
        tap.ok(page == 403, "whom somebody else names", page)


def test_other_ways(tap):
    with Spawned([binary(), *OURS, "--trust", "unix", *SHOW]) as server:
        env = got(server, said("anna"))
        tap.ok(is_user(env, "anna"), "under inetd, from a Unix socket", env)
    with Spawned([binary(), *OURS, "--trust", "loopback", *SHOW]) as server:
        env = got(server, said("anna"))
        tap.ok(env == 403, "which is not loopback", env)
    lie = {"HTTP_X_REMOTE_USER": "anna", "REMOTE_USER": "root"}
    for trust, want in (("192.0.2.7", b"101"), ("192.0.2.8", b"403")):
        with Listener(SHOW, [*OURS, "--trust", trust],
                      how="--receive") as server:
            with Connection(server.connect()) as c:
                c.send(scgi({**REQUEST, **lie, "REMOTE_ADDR": "192.0.2.7"}))
                c.fill_until(lambda: b"\r\n\r\n" in c.buffer, PATIENCE)
                tap.ok(want in c.buffer[:20], "SCGI: the web server has it "
                       "from a proxy or from anybody: " + want.decode(),
                       c.buffer)
                if want == b"101":
                    c.buffer = c.buffer[c.buffer.index(b"\r\n\r\n") + 4:]
                    env = environment(c)
                    c.send(rawclient.close(1000))
                    until_end(c)
                    tap.ok(is_user(env, "anna")
                           and "REMOTE_USER=root" not in env,
                           "and its own REMOTE_USER does not count", env)


WRONG = [
    (OURS, "goes with --trust"),
    (["--user-header", "", "--trust", "unix"], "letters, digits and hyphens"),
    (["--user-header", "X_User", "--trust", "unix"], "letters, digits and"),
    (["--user-header", "cookie", "--trust", "unix"], "says something else"),
    (["--user-header", "Sec-WebSocket-Key", "--trust", "unix"],
     "says something else"),
]


def test_wrong(tap):
    for options, words in WRONG:
        ran = subprocess.run([binary(), *options, "--check", "echo:"],
                             capture_output=True, text=True,
                             timeout=PATIENCE, check=False)
        tap.ok(ran.returncode == 100 and words in ran.stderr,
               "%s: it is said what is wrong" % " ".join(options), ran)


def test_status(tap):
    """Somebody whom nobody can be asked for is not challenged."""
    with Listener(["echo:"], STRANGER) as server:
        answer = ask(server, rawclient.request(server.host))[0]
        tap.ok(answer.is_refusal() and not challenges(answer)
               and status(server) == 403, "403 has no challenge", answer)


def main():
    tap = Tap()
    with same_descriptors(), Listener(["echo:"]) as place:
        files = Files(place.directory)
        for test in [test_rows, test_stranger, test_behind_two,
                     test_proxy_protocol, test_known, test_pages,
                     test_other_ways, test_wrong, test_status]:
            test(tap)
        test_either(tap, files)
    tap.finish()


if __name__ == "__main__":
    main()
