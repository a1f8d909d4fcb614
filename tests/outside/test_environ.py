"""What a program finds when it starts: its environment, exactly; descriptors
0 to 2 and no other; a session of its own; default signals."""

import json
import os
import re
import subprocess
import sys

import rawclient
from rawclient import Connection
from server import Listener, Spawned, binary, same_descriptors
from tap import Tap
from ws_test import opened, payloads, until_end

KEY = b"dGhlIHNhbXBsZSBub25jZQ=="
MANUAL = os.path.join(os.path.dirname(os.path.abspath(__file__)),
                      "..", "..", "man", "ws-environ.7")
INHERITED = ["PATH", "HOME", "USER", "LOGNAME", "LANG", "TZ", "TMPDIR"]

# What the listener is given: some of it may be passed on, most may not.
GIVEN = {
    "LANG": "C.UTF-8", "LC_ALL": "C", "LC_TIME": "POSIX", "TZ": "UTC",
    "TMPDIR": "/tmp", "HOME": "/nonexistent", "USER": "somebody",
    "LOGNAME": "somebody",
    "LD_LIBRARY_PATH": "/nonexistent", "LD_PRELOAD": "libm.so.6",
    "BASH_ENV": "/nonexistent", "ENV": "/nonexistent", "IFS": ":",
    "FOO": "bar", "PATHX": "a", "XPATH": "a", "LC": "a", "LANGUAGE": "de",
    "HTTP_PROXY": "http://evil", "http_proxy": "http://evil",
    "HTTP_FOO": "forged", "REMOTE_USER": "root", "AUTH_TYPE": "Basic",
    "CONTENT_LENGTH": "5", "LISTEN_FDS": "1", "LISTEN_PID": "1",
    "NOTIFY_SOCKET": "/run/systemd/notify",
    "PERL5LIB": "/nonexistent", "PYTHONPATH": "/nonexistent",
    "OPENSSL_CONF": "/nonexistent", "BASH_FUNC_ls%%": "() { :; }"}

PRINT = ["--format", "raw", "--", "cat", "/proc/self/environ"]
REQUEST = [b"Host: @", b"Upgrade: websocket", b"Connection: Upgrade",
           b"Sec-WebSocket-Version: 13", b"Sec-WebSocket-Key: " + KEY]


def inherited(given):
    """What of these variables a program may inherit."""
    return {name: value for name, value in given.items()
            if name in INHERITED or name.startswith("LC_")}


def printed(connection):
    """The variables that the program behind a connection prints, by name;
    fails when one of them is there twice."""
    data = b"".join(payloads(until_end(connection), "binary"))
    pairs = [variable.decode("latin-1").split("=", 1)
             for variable in data.split(b"\0")[:-1]]
    variables = dict(pairs)
    if len(variables) != len(pairs):
        raise AssertionError("a variable is there twice: %r" % pairs)
    return variables


def environment(server, target="/", fields=(), host=None):
    """The environment of a program for this request, and the client's name."""
    lines = [b"GET %s HTTP/1.1" % target.encode(), *REQUEST, *fields]
    data = b"\r\n".join(lines) + b"\r\n\r\n"
    with Connection(server.connect()) as connection:
        connection.send(data.replace(b"@", (host or server.host).encode()))
        connection.upgraded(KEY)
        return printed(connection), connection.sock.getsockname()


def version():
    ran = subprocess.run([binary(), "--version"], capture_output=True,
                         text=True, check=True)
    return ran.stdout.split()[1]


def documented(host, target="/"):
    """What the manual promises for every request."""
    name, _, port = host.rpartition(":")
    return {
        "GATEWAY_INTERFACE": "CGI/1.1",
        "SERVER_SOFTWARE": "ws-cgi/" + version(),
        "SERVER_PROTOCOL": "HTTP/1.1", "REQUEST_METHOD": "GET",
        "REQUEST_URI": target, "SCRIPT_NAME": "", "PATH_INFO": target,
        "QUERY_STRING": "", "SERVER_NAME": name, "SERVER_PORT": port,
        "SERVER_ADDR": "127.0.0.1", "REMOTE_ADDR": "127.0.0.1",
        "REMOTE_HOST": "127.0.0.1", "HTTP_HOST": host,
        "HTTP_UPGRADE": "websocket", "HTTP_CONNECTION": "Upgrade",
        "HTTP_SEC_WEBSOCKET_VERSION": "13",
        "HTTP_SEC_WEBSOCKET_KEY": KEY.decode()}


def difference(got, wanted):
    return {name: (got.get(name), wanted.get(name))
            for name in got.keys() | wanted.keys()
            if got.get(name) != wanted.get(name)}


def test_exactly(tap):
    with Listener(PRINT[3:], PRINT[:2], env=GIVEN) as server:
        got, (host, port) = environment(server, "/chat")
        wanted = {**documented(server.host, "/chat"),
                  **inherited({**os.environ, **GIVEN}),
                  "REMOTE_PORT": str(port)}
        tap.ok(host == "127.0.0.1" and got == wanted,
               "TCP: the environment is the documented one, exactly",
               difference(got, wanted))
    with Listener(PRINT[3:], PRINT[:2], env=GIVEN, address="unix") as server:
        got, _ = environment(server, host="example.org")
        wanted = {**documented("example.org:80"),
                  **inherited({**os.environ, **GIVEN}),
                  "HTTP_HOST": "example.org", "SERVER_ADDR": "unix",
                  "REMOTE_ADDR": "unix", "REMOTE_HOST": "unix"}
        tap.ok(got == wanted,
               "Unix: the environment is the documented one, exactly",
               difference(got, wanted))


def test_allowed(tap):
    """What --allow-env names is inherited, but for what a request sets."""
    given = {**GIVEN, "PG_HOST": "a", "PG_": "b", "PGPORT": "c",
             "QUERY_STRING": "forged"}
    for allowed, wanted in [
            (["FOO"], ["FOO"]), (["PG_*"], ["PG_HOST", "PG_"]),
            (["PG_"], ["PG_"]), (["FO"], []), (["NONE"], []),
            (["QUERY_STRING", "FOO", "PGPORT"], ["FOO", "PGPORT"])]:
        options = [word for name in allowed for word in ("--allow-env", name)]
        with Listener(PRINT[3:], [*options, *PRINT[:2]], env=given) as server:
            got, _ = environment(server, "/?x=1")
        tap.ok({name: got.get(name) for name in given if name in got
                and name not in inherited(given)
                and name != "QUERY_STRING"}
               == {name: given[name] for name in wanted},
               "--allow-env %s lets %s through"
               % (" ".join(allowed), ", ".join(wanted) or "nothing"), got)
        tap.ok(got["QUERY_STRING"] == "x=1",
               "--allow-env %s: the request's variables stand"
               % " ".join(allowed), got)


# test_tls_names.py proves these, with certificates.
TLS = {"SSL_PROTOCOL", "SSL_CIPHER", "SSL_TLS_SNI", "SSL_CLIENT_VERIFY",
       "SSL_CLIENT_S_DN", "SSL_CLIENT_I_DN", "SSL_CLIENT_M_SERIAL",
       "SSL_PEER_CERT_HASH"}


def test_manual(tap):
    """The manual's list is the one above."""
    with open(MANUAL) as f:
        named = set(re.findall(r"^\.It Ev (\w+)$", f.read(), re.M))
    wanted = {name for name in documented("a:1") if name[:5] != "HTTP_"}
    wanted |= {"REMOTE_PORT", "WS_PROTOCOL", "HTTPS", "REQUEST_SCHEME",
               "AUTH_TYPE", "REMOTE_USER"} | TLS
    tap.ok(named == wanted, "ws-environ(7) lists the variables that there "
           "are", named ^ wanted)


def test_inetd(tap):
    with Spawned([binary(), *PRINT], env=GIVEN) as server:
        got, _ = environment(server, host="example.org:81")
        wanted = {**documented("example.org:81"),
                  **inherited({**os.environ, **GIVEN}),
                  "SERVER_ADDR": "unix", "REMOTE_ADDR": "unix",
                  "REMOTE_HOST": "unix"}
        tap.ok(got == wanted,
               "inetd: the environment is the documented one, exactly",
               difference(got, wanted))


def test_path(tap):
    """A PATH there always is: without one, programs are hard to write."""
    command = ["/usr/bin/env", "-u", "PATH", binary(), "--format", "raw",
               "--", "/bin/cat", "/proc/self/environ"]
    with Spawned(command) as server, opened(server) as connection:
        got = printed(connection)
        tap.ok("/bin" in got.get("PATH", "").split(":"),
               "without a PATH of its own the listener gives one", got)


FIELDS = [      # header fields, and the variables that come of them
    ([b"X-Foo: bar"], {"HTTP_X_FOO": "bar"}),
    ([b"x-foo-2:  bar \t"], {"HTTP_X_FOO_2": "bar"}),
    ([b"X-Empty:"], {"HTTP_X_EMPTY": ""}),
    ([b"X-A: 1", b"x-a: 2", b"X-B: 3", b"X-A: 4"],
     {"HTTP_X_A": "1, 2, 4", "HTTP_X_B": "3"}),
    ([b"Cookie: a=1", b"Cookie: b=2"], {"HTTP_COOKIE": "a=1; b=2"}),
    ([b"X-Bytes: \xe9\xff=\""], {"HTTP_X_BYTES": "\xe9\xff=\""}),
    ([b"Content-Length: 0"], {"HTTP_CONTENT_LENGTH": "0"}),
    ([b"Path: /evil", b"Ld-Preload: evil.so"],
     {"HTTP_PATH": "/evil", "HTTP_LD_PRELOAD": "evil.so"}),
    # Names with which something else could be meant.
    ([b"Proxy: http://evil"], {}), ([b"proxy: http://evil"], {}),
    ([b"Authorization: Basic YTpi"], {}),
    ([b"Proxy-Authorization: Basic YTpi"], {}),
    ([b"X.Y: 1", b"X!Y: 1", b"X|Y: 1", b"X'Y: 1"], {}),
    ([b"a" * 122 + b": 1"], {"HTTP_" + "A" * 122: "1"}),
    ([b"a" * 123 + b": 1"], {}), ([b"a" * 500 + b": 1"], {}),
    # Values that an old shell would run.
    ([b"X-Foo: () { :; }; echo vulnerable"], {}),
    ([b"User-Agent: () { :; }", b"User-Agent: a"], {}),
    ([b"Cookie: () { :; }; echo", b"X-Foo: bar"], {"HTTP_X_FOO": "bar"}),
]


def test_fields(tap):
    with Listener(PRINT[3:], PRINT[:2]) as server:
        plain, _ = environment(server)
        for fields, wanted in FIELDS:
            got, _ = environment(server, fields=fields)
            new = {name: value for name, value in got.items()
                   if name not in plain}
            tap.ok(new == wanted and plain.keys() <= got.keys(),
                   "%.60s: %s" % (b", ".join(fields), ", ".join(
                       "%s=%s" % it for it in wanted.items())
                       or "no variable"), new)


TARGETS = [     # target, PATH_INFO, QUERY_STRING, REQUEST_URI
    ("/", "/", "", "/"),
    ("/a/b.c", "/a/b.c", "", "/a/b.c"),
    ("/a?b=c&d=%20e?f", "/a", "b=c&d=%20e?f", "/a?b=c&d=%20e?f"),
    ("/a?", "/a", "", "/a?"),
    ("/a%20b%2Fc/%C3%A9%3f?%41", "/a b/c/\xc3\xa9?", "%41",
     "/a%20b%2Fc/%C3%A9%3f?%41"),
    ("//a//b", "//a//b", "", "//a//b"),
    ("/../../etc", "/../../etc", "", "/../../etc"),
    ("http://@/a?b", "/a", "b", "/a?b"),
    ("http://@", "/", "", "/"),
    ("http://@?b=/c", "/", "b=/c", "/?b=/c"),
]


def test_targets(tap):
    with Listener(PRINT[3:], PRINT[:2]) as server:
        for target, *wanted in TARGETS:
            got, _ = environment(server, target)
            saw = [got.get(name) for name in
                   ["PATH_INFO", "QUERY_STRING", "REQUEST_URI"]]
            tap.ok(saw == wanted, "the target %s is path %r, query %r, "
                   "URI %r" % (target, *wanted), saw)


def test_protocol(tap):
    for spoken, wanted in [("chat", "chat"), ("other", None)]:
        with Listener(PRINT[3:], [*PRINT[:2], "--protocol", spoken]) as server:
            got, _ = environment(
                server, fields=[b"Sec-WebSocket-Protocol: a, chat"])
            tap.ok(got.get("WS_PROTOCOL") == wanted
                   and got["HTTP_SEC_WEBSOCKET_PROTOCOL"] == "a, chat",
                   "with %s spoken WS_PROTOCOL is %s" % (spoken, wanted), got)


# Descriptors, session, signals.

# Blocks and ignores signals and opens descriptors before it becomes ws-cgi.
UNTIDY = """
import os, signal, sys
signal.pthread_sigmask(signal.SIG_BLOCK, range(1, 65))
for number in (signal.SIGHUP, signal.SIGQUIT, signal.SIGUSR1,
               signal.SIGCHLD, signal.SIGALRM):
    signal.signal(number, signal.SIG_IGN)
for fd in (7, 9, 400):
    os.dup2(2, fd, inheritable=True)
os.execv(sys.argv[1], sys.argv[1:])
"""

OPEN = """
import json, os
def name(fd):
    try:
        return os.readlink("/proc/self/fd/%d" % fd)
    except OSError:
        return None
print(json.dumps({fd: name(fd) for fd in range(1024) if name(fd)}))
"""


class UntidyListener(Listener):
    """A listener whose parent leaves it in a bad state."""

    def start(self, argv, env=None, stdout=None):
        super().start([sys.executable, "-c", UNTIDY, *argv], env, stdout)


class UntidySpawned(Spawned):
    """The same for a program on descriptor 0."""

    def __init__(self, operands, options=()):
        super().__init__([sys.executable, "-c", UNTIDY, binary(), *options,
                          "--", *operands])


def said(server):
    """All that the program behind one connection writes."""
    with opened(server) as connection:
        return b"".join(payloads(until_end(connection), "text", "binary"))


def test_descriptors(tap, kind, name):
    with kind([sys.executable, "-c", OPEN]) as server:
        got = json.loads(said(server))
        tap.ok(sorted(got) == ["0", "1", "2"],
               name + ": a program has descriptors 0, 1 and 2 alone", got)
        tap.ok(all(what.startswith("pipe:") for what in got.values())
               and len(set(got.values())) == 3,
               name + ": 0, 1 and 2 are three pipes", got)


def test_session(tap, kind, name):
    with kind(["sh", "-c", "cat /proc/$$/stat"]) as server:
        pid, _, _, _, group, session = said(server).split()[:6]
        tap.ok(pid == group == session,
               name + ": a program leads its own session and group",
               (pid, group, session))


# Signals 32 and 33 are the C library's own, which no program can name.
LIBC = 1 << 31 | 1 << 32


def test_signals(tap, kind, name):
    with kind(["cat", "/proc/self/status"], ["--format", "raw"]) as server:
        found = re.findall(r"Sig(Blk|Ign|Cgt):\s*(\w+)",
                           said(server).decode())
        masks = {what: int(mask, 16) & ~LIBC for what, mask in found}
        tap.ok(masks == {"Blk": 0, "Ign": 0, "Cgt": 0},
               name + ": no signal is blocked, ignored or caught", found)


def test_interplay(tap):
    """Despite all that was blocked and ignored, ws-cgi works."""
    with UntidyListener(["cat"]) as server:
        with opened(server) as connection:
            connection.send(rawclient.frame(rawclient.TEXT, b"hello"))
            tap.ok(connection.event() == ("text", b"hello"),
                   "a listener started with all signals blocked serves")


def main():
    tap = Tap()
    with same_descriptors():
        test_exactly(tap)
        test_allowed(tap)
        test_manual(tap)
        test_inetd(tap)
        test_path(tap)
        test_fields(tap)
        test_targets(tap)
        test_protocol(tap)
        for kind, name in [(UntidyListener, "listener"),
                           (UntidySpawned, "inetd")]:
            test_descriptors(tap, kind, name)
            test_session(tap, kind, name)
            test_signals(tap, kind, name)
        test_interplay(tap)
    tap.finish()


if __name__ == "__main__":
    main()
