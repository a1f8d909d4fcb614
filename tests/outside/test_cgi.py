"""ws-cgi as a CGI program: who may give it a command line, what it answers,
whom it hears, what its program sees, and how it ends.  The names in brackets
are requirements that real web servers made."""

import contextlib
import os
import signal
import subprocess
import tempfile
import time

import rawclient
from cgi import (KEY, REQUEST, SILENT, VOUCHED, WAYS, Cgi, parse_answer, without)
from rawclient import TEXT, frame
from server import binary, same_descriptors
from tap import Tap
from ws_test import (close_of, eventually, in_groups, is_running, payloads,
                     until_end)

ENVIRON = ["--format", "raw", "--", "cat", "/proc/self/environ"]
PROMPT = 4      # s in which an answer must be there


def vouched(*arguments):
    """A command line that the environment vouches for."""
    return [binary(), *arguments], VOUCHED


def echo_through(server):
    """Whether a WebSocket through this Cgi echoes."""
    connection = server.connection
    connection.upgraded(KEY)
    connection.send(frame(TEXT, b"hello"))
    event = connection.event()
    connection.send(rawclient.close(1000))
    return (event == ("text", b"hello")
            and close_of(until_end(connection)) == (1000, b""))


def refused(tap, name, server, status, *words, nph=False, logged=None):
    """The answer is a whole page with this status and these words."""
    begun = time.monotonic()
    got = server.answer(nph)
    took = time.monotonic() - begun
    text = got.body.decode()
    log = " ".join(server.log())
    tap.ok(got.status == status and all(word in text for word in words)
           and got.values("content-length") == [str(len(got.body))]
           and (logged is None or logged in log) and took < PROMPT,
           "%s: %d '%s'" % (name, status, "', '".join(words)),
           (took, got, log))
    server.status()


# The command line.

@contextlib.contextmanager
def script(text, mode=0o755, name="chat"):
    """A file with this text, whose first line is put before it."""
    with tempfile.TemporaryDirectory(prefix="ws-outside-") as directory:
        path = os.path.join(directory, name)
        with open(path, "w") as f:
            f.write(text)
        os.chmod(path, mode)
        yield path


def head():
    return "#!%s\n" % binary()


def named(path, variables=REQUEST):
    return {**variables, "SCRIPT_FILENAME": path}


def test_vouched(tap):
    argv, more = vouched("echo:")
    for way, pipes in WAYS.items():
        with Cgi(argv, {**REQUEST, **more}, pipes=pipes) as server:
            tap.ok(echo_through(server) and server.status() == 0,
                   "R1, R7: WS_CGI_ARGV=1 vouches for the command line, %s"
                   % way, server.log())
        with Cgi(argv, {**REQUEST, **more, "HTTP_HOST": ""}, pipes=pipes) \
                as server:
            refused(tap, "R7: a refusal, " + way, server, 400, "host")
    for value in ("0", "", "2", "yes", "1 "):
        with Cgi(argv, {**REQUEST, "WS_CGI_ARGV": value}) as server:
            refused(tap, "R1: WS_CGI_ARGV=%r does not" % value, server, 500,
                    "the command line may come from the request")


def test_either_variable(tap):
    """h2o sets no GATEWAY_INTERFACE."""
    for name in ("GATEWAY_INTERFACE", "REQUEST_METHOD"):
        with Cgi([binary(), "echo:"], {name: REQUEST[name]}) as server:
            refused(tap, "R1: %s alone makes a CGI environment" % name, server,
                    501, "no Sec-WebSocket-Key")


SCRIPTS = [     # what stands behind the first line
    ("a bridge", "echo:"),
    ("a last line without its newline", "\n\n# words\necho:\n"),
    ("options, comments and empty lines",
     "# a comment\n\n--ping 20\n--origin    https://example.org\n"
     "-c\n-m 1K\n--\n/bin/cat\n"),
    ("an option with =", "--format=raw\n--text\n/bin/cat\n"),
    ("arguments with spaces and a #", "/bin/sh\n-c\nexec cat # words\n"),
    ("an empty argument", "/bin/sh\n-c\nexec cat\n\nx\n"),
    ("a program along PATH", "cat\n"),
]

BAD_SCRIPTS = [  # what it says, and words of the log
    ("an unknown option", head() + "--colour blue\necho:\n",
     "there is no option '--colour'"),
    ("a wrong value", head() + "--max none\necho:\n", "--max 'none'"),
    ("no program", head() + "--ping 20\n", "what is to be served?"),
    ("a program that is not there", head() + "/nonexistent\n",
     "the program '/nonexistent'"),
    ("an unknown bridge", head() + "ecco:\n", "there is no bridge 'ecco:'"),
    ("--listen", head() + "--listen 0\necho:\n", "--listen"),
    ("--proxy-protocol", head() + "--proxy-protocol\necho:\n",
     "--proxy-protocol are not for a CGI program"),
    ("--help", head() + "--help\n", "--help is for a person"),
    ("--version", head() + "--version\n", "--version is for a person"),
]


def test_scripts(tap):
    for name, text in SCRIPTS:
        with script(head() + text) as path, \
                Cgi([path], named(path)) as server:
            tap.ok(echo_through(server),
                   "R1: a script with %s is a command line" % name,
                   server.log())
    for name, text, logged in BAD_SCRIPTS:
        with script(text) as path, Cgi([path], named(path)) as server:
            refused(tap, "R1: a script with %s" % name, server, 500,
                    "not set up rightly", logged=logged)


def test_script_files(tap):
    """What is no script of ours, or not the one that was asked for."""
    counts = "counts for nothing"
    first = "the first line of the script is not"
    with script(head() + "echo:\n") as path:
        link, hard = path + ".link", path + ".hard"
        os.symlink(path, link)
        os.link(path, hard)
        for name, given in (("a link to it", link), ("a hard link", hard),
                            ("another spelling", path.replace("/chat",
                                                              "/./chat"))):
            with Cgi([binary(), given], named(path)) as server:
                tap.ok(echo_through(server), "R1: %s is the same script"
                       % name, server.log())
        for name, variables in (
                ("without SCRIPT_FILENAME", REQUEST),
                ("and another SCRIPT_FILENAME", named("/bin/sh")),
                ("and a SCRIPT_FILENAME that is not there", named("/none")),
                ("and an empty one", named(""))):
            with Cgi([binary(), path], variables) as server:
                refused(tap, "R1: a script " + name, server, 500, counts,
                        logged=counts)
    for name, text, says in (
            ("of another interpreter", "#!/bin/sh\necho:\n", first),
            ("with an option in its first line",
             "#!%s -c\necho:\n" % binary(), first),
            ("with a carriage return there",
             "#!%s\r\necho:\n" % binary(), first),
            ("that is empty", "", first), ("without #!", "echo:\n", first),
            ("with a relative interpreter", "#!ws-cgi\necho:\n", first),
            ("whose interpreter only ends alike",
             "#!/bin/xws-cgi\necho:\n", first),
            ("that is one line", head().strip(), first),
            ("that is huge", head() + "# words\n" * 9000 + "echo:\n",
             "cannot be read")):
        with script(text) as path, \
                Cgi([binary(), path], named(path)) as server:
            refused(tap, "R1: a script " + name, server, 500, says,
                    logged=says)


def test_no_files(tap):
    """Neither is opened: a FIFO's writer would learn of it."""
    counts = "counts for nothing"
    with tempfile.TemporaryDirectory(prefix="ws-outside-") as directory:
        fifo = os.path.join(directory, "fifo")
        os.mkfifo(fifo)
        for name, path in (("a directory", directory), ("a FIFO", fifo),
                           ("a device", "/dev/null"),
                           ("nothing", "/nonexistent")):
            with Cgi([binary(), path], named(path)) as server:
                refused(tap, "R1: %s is no script" % name, server, 500, counts)
        opened = os.path.join(directory, "opened")
        writer = subprocess.Popen(["sh", "-c", ": >fifo; : >opened"],
                                  cwd=directory)
        for variables in (named(fifo), REQUEST):
            with Cgi([binary(), fifo], variables) as server:
                server.answer()
        tap.ok(writer.poll() is None and not os.path.exists(opened),
               "R1: a FIFO that a query names is not opened")
        writer.kill()
        writer.wait()


# What a query may become as an argument; @ is a program that leaves a mark,
# and $ a script in good order.
QUERIES = [
    ["--help"], ["--version"], ["--listen", "0", "--", "@"],
    ["--listen", "0", "echo:"], ["-l", "0", "echo:"],
    ["--receive", "0", "@"], ["--fd", "0", "@"], ["--fd", "0", "--", "@"],
    ["-x", "y"], ["-x y"], ["--", "@"], ["--"], ["@"], ["@", "a"], ["$"],
    ["$", "--listen", "0"], ["/etc/passwd"], ["/bin/sh", "-c", "@"], ["-"],
    [""], ["--pidfile", "#", "echo:"], ["--pidfile=#", "--", "@"],
    ["--www", "/", "echo:"], ["--unbuffered", "@"], ["--user", "root", "@"],
    ["a" * 100000], ["--" + "a" * 1000], ["\n", "@"], ["%n%n%n%s"],
]


def test_queries(tap):
    """No argument is believed, neither of the program itself nor behind a
    script."""
    with tempfile.TemporaryDirectory(prefix="ws-outside-") as directory, \
            script(head() + "echo:\n") as good:
        mark, canary = directory + "/mark", directory + "/canary"
        with open(canary, "w") as f:
            f.write("#!/bin/sh\n: >%s\n" % mark)
        os.chmod(canary, 0o755)
        heard = []
        known = {"@": canary, "$": good, "#": mark}
        for query in QUERIES:
            words = [word.replace("#", mark) if "#" in word
                     else known.get(word, word) for word in query]
            shown = " ".join(query)[:40]
            with Cgi([binary(), *words], named(binary())) as server:
                refused(tap, "R1: the query %r of the program" % shown, server,
                        500, "counts for nothing")
                heard += server.log()
            with Cgi([good, *words], named(good)) as server:
                tap.ok(echo_through(server),
                       "R1: the query %r of a script is nothing" % shown,
                       server.log())
                heard += server.log()
        tap.ok(not any("listening" in line for line in heard),
               "R1: no query has opened a port", heard)
        tap.ok(not os.path.exists(mark) and sorted(os.listdir(directory))
               == ["canary"], "R1: no query has executed or written anything",
               os.listdir(directory))


# The answer.

REFUSALS = [    # variables that are changed, the status and words
    ({"HTTP_UPGRADE": None}, 426, "no Upgrade: websocket", "cgi.upgrade"),
    ({"HTTP_UPGRADE": "h2c"}, 426, "no Upgrade: websocket"),
    ({"HTTP_CONNECTION": "close"}, 426, "Connection"),
    ({"HTTP_CONNECTION": None}, 426, "Connection"),
    ({"HTTP_SEC_WEBSOCKET_KEY": None}, 400, "Sec-WebSocket-Key"),
    ({"HTTP_SEC_WEBSOCKET_KEY": None, "HTTP_UPGRADE": None}, 426,
     "ask for an upgrade"),
    ({"HTTP_SEC_WEBSOCKET_KEY": "abc"}, 400, "Sec-WebSocket-Key"),
    ({"HTTP_SEC_WEBSOCKET_VERSION": "8"}, 426, "13"),
    ({"REQUEST_METHOD": "POST"}, 405, "GET"),
    ({"REQUEST_METHOD": "PUT", "HTTP_UPGRADE": None,
      "HTTP_SEC_WEBSOCKET_KEY": None}, 405, "GET"),
    ({"SERVER_PROTOCOL": "HTTP/1.0"}, 426, "1.1"),
    ({"SERVER_PROTOCOL": None}, 400, ""),
    ({"CONTENT_LENGTH": "5"}, 400, "body"),
    ({"CONTENT_LENGTH": "-1"}, 400, ""),
    ({"HTTP_HOST": "a b"}, 400, "host"),
    ({"HTTP_HOST": None, "SERVER_NAME": None}, 400, "Host"),
    ({"HTTP_ORIGIN": "https://evil.example"}, 403, "--origin"),
    ({"HTTP_X": "a\r\nHost: b"}, 400, "line break"),
    ({"REQUEST_URI": "/\nX: y"}, 400, "line break"),
    ({"REQUEST_URI": "/%00"}, 400, "NUL"),
    ({"HTTP_X": "a" * 20000}, 431, ""),
]


def changed(changes, variables=REQUEST):
    return {name: value for name, value in {**variables, **changes}.items()
            if value is not None}


def test_refusals(tap):
    argv, more = vouched("echo:")
    for changes, status, *words in REFUSALS:
        shown = ", ".join("%s=%.20r" % it for it in changes.items())
        with Cgi(argv, {**changed(changes), **more}) as server:
            refused(tap, "R22, R27: " + shown, server, status, *words)
    with Cgi(argv, {**changed({"REQUEST_METHOD": "HEAD", "HTTP_UPGRADE": None,
                               "HTTP_SEC_WEBSOCKET_KEY": None}), **more}) \
            as server:
        got = server.answer()
        tap.ok(got.status in (405, 426) and got.body == b"",
               "R24: the answer to HEAD is a head", got)


def test_forms(tap):
    """Whose name begins with nph- writes HTTP, others Status:."""
    argv, more = vouched("echo:")
    for path, first in (("/cgi-bin/chat", b"Status: 101 "),
                        ("/cgi-bin/nph-chat", b"HTTP/1.1 101 "),
                        ("/nph-cgi/chat", b"Status: 101 "),
                        ("/nph", b"Status: 101 "), ("", b"Status: 101 "),
                        ("nph-x", b"Status: 101 ")):
        with Cgi(argv, {**REQUEST, **more, "SCRIPT_NAME": path}) as server:
            server.connection.fill_until(
                lambda: b"\r\n\r\n" in server.connection.buffer, PROMPT)
            got = bytes(server.connection.buffer)
            tap.ok(got.startswith(first)
                   and b"\r\nUpgrade: websocket\r\n" in got
                   and b"\r\nConnection: Upgrade\r\n" in got
                   and b"\r\nSec-WebSocket-Accept: " in got
                   and got.endswith(b"\r\n\r\n"),
                   "R24: SCRIPT_NAME=%s answers %r" % (path, first), got)
    with Cgi(argv, {**changed({"HTTP_UPGRADE": None}), **more,
                    "SCRIPT_NAME": "/nph-chat"}) as server:
        refused(tap, "R24: nph-", server, 426, "Upgrade", nph=True)


def test_lengths(tap):
    argv, more = vouched("echo:")
    for value in (None, "", "0"):
        variables = {**changed({"CONTENT_LENGTH": value}), **more}
        with Cgi(argv, variables) as server:
            tap.ok(echo_through(server), "R28: CONTENT_LENGTH=%r is no body"
                   % value, server.log())


def test_missing(tap):
    """What a server leaves out is made up for, and no crash."""
    argv, more = vouched("echo:")
    for gone in (["REQUEST_URI"], ["QUERY_STRING"], ["PATH_INFO"],
                 ["SCRIPT_NAME"], ["REMOTE_ADDR"], ["REMOTE_PORT"],
                 ["SERVER_NAME"], ["SERVER_PORT"], ["HTTP_HOST"],
                 ["SERVER_ADDR"], ["GATEWAY_INTERFACE"],
                 ["REQUEST_URI", "QUERY_STRING", "PATH_INFO", "SCRIPT_NAME"],
                 ["REMOTE_ADDR", "REMOTE_PORT", "SERVER_ADDR"]):
        with Cgi(argv, {**without(REQUEST, *gone), **more}) as server:
            tap.ok(echo_through(server),
                   "R28: without " + ", ".join(gone), server.log())
        with Cgi(argv, {**REQUEST, **more, **dict.fromkeys(
                set(gone) - {"GATEWAY_INTERFACE", "HTTP_HOST"}, "")}) \
                as server:
            tap.ok(echo_through(server),
                   "R28: with an empty " + ", ".join(gone), server.log())


# What the program sees.

def environment(server):
    """The variables of a program that prints them; each there once."""
    server.connection.upgraded(KEY)
    data = b"".join(payloads(until_end(server.connection), "binary"))
    pairs = [item.decode("latin-1").split("=", 1)
             for item in data.split(b"\0")[:-1]]
    if len(dict(pairs)) != len(pairs):
        raise AssertionError("a variable is there twice: %r" % pairs)
    return dict(pairs)


# What a web server may set beside the request.
MORE = {"AUTH_TYPE": "Basic", "REMOTE_USER": "anna", "REMOTE_IDENT": "a",
        "REMOTE_HOST": "client.example", "HTTPS": "on",
        "REQUEST_SCHEME": "https", "DOCUMENT_ROOT": "/srv",
        "SCRIPT_FILENAME": "/srv/chat", "PATH_TRANSLATED": "/srv/a b",
        "SSL_PROTOCOL": "TLSv1.3", "SSL_CLIENT_VERIFY": "NONE"}
NEVER = {"HTTP_PROXY": "http://evil", "LD_LIBRARY_PATH": "/nonexistent",
         "LD_DEBUG_OUTPUT": "/nonexistent", "BASH_ENV": "/nonexistent",
         "HTTP_AUTHORIZATION": "Basic YTpi", "IFS": ":", "FOO": "bar",
         "REDIRECT_STATUS": "200", "UNIQUE_ID": "x", "CONTENT_TYPE": "a/b",
         "HTTP_X_SHOCK": "() { :; }; echo", "PERL5LIB": "/nonexistent"}


def test_environment(tap):
    argv, more = vouched(*ENVIRON)
    variables = {**REQUEST, **MORE, "PATH": "/bin", "LC_ALL": "C"}
    with Cgi(argv, {**variables, **NEVER, **more}) as server:
        got = environment(server)
    wanted = without(variables, "CONTENT_LENGTH")
    tap.ok(got == wanted, "R29: the program sees what the web server says of "
           "the request, exactly", set(got.items()) ^ set(wanted.items()))
    argv, more = vouched("--allow-env", "FOO", "--allow-env", "REDIRECT_*",
                         *ENVIRON)
    with Cgi(argv, {**variables, **NEVER, **more}) as server:
        got = environment(server)
    wanted.update(FOO="bar", REDIRECT_STATUS="200")
    tap.ok(got == wanted, "R29: and by --allow-env more",
           set(got.items()) ^ set(wanted.items()))


def test_path(tap):
    """lighttpd passes no PATH: programs are found where there always are
    some."""
    argv, more = vouched(*ENVIRON)
    with Cgi(argv, {**REQUEST, **more}) as server:
        got = environment(server)
    tap.ok(got.get("PATH") == "/usr/local/bin:/usr/bin:/bin",
           "R5: without a PATH a program is found along the usual one", got)
    with Cgi(argv, {**REQUEST, **more, "PATH": "/nonexistent"}) as server:
        refused(tap, "R5: a PATH that is there counts", server, 500,
                "not set up rightly", logged="no program 'cat' in PATH")


TWICE = """
#include <unistd.h>
int main(int argc, char **argv) {
	extern char **environ;
	static char *vars[256];
	int n = 0;
	(void)argc;
	for (char **v = environ; *v != 0; v++)
		vars[n++] = *v;
	vars[n++] = "HTTP_COOKIE=second=2";
	vars[n++] = "HTTP_HOST=evil.example";
	vars[n++] = "REMOTE_ADDR=6.6.6.6";
	vars[n++] = "REQUEST_METHOD=POST";
	vars[n++] = "HTTP_NO_EQUALS";
	vars[n++] = "";
	execve(argv[1], argv + 1, vars);
	return 1;
}
"""


def test_twice(tap):
    """webfs names a field's lines one by one."""
    argv, more = vouched(*ENVIRON)
    with tempfile.TemporaryDirectory(prefix="ws-outside-") as directory:
        twice = directory + "/twice"
        subprocess.run(["cc", "-x", "c", "-o", twice, "-"], check=True,
                       input=TWICE.encode())
        variables = {**REQUEST, **more, "HTTP_COOKIE": "first=1"}
        with Cgi([twice, *argv], variables) as server:
            got = environment(server)
    tap.ok([got.get(name) for name in ("HTTP_COOKIE", "HTTP_HOST",
                                       "REMOTE_ADDR", "REQUEST_METHOD")]
           == ["first=1", "example.org", "192.0.2.7", "GET"]
           and "HTTP_NO_EQUALS" not in got,
           "R28: of two variables with one name the first counts", got)


# Who is heard.

def test_early(tap):
    """Frames that stand on descriptor 0 before anything is answered."""
    data = frame(TEXT, b"early") + frame(TEXT, b"a" * 40000)
    argv, more = vouched("echo:")
    for name, variables in (("lighttpd", REQUEST), ("a server unknown",
                                                    SILENT)):
        for way, pipes in WAYS.items():
            with Cgi(argv, {**variables, **more}, pipes=pipes) as server:
                server.connection.send(data)
                server.connection.upgraded(KEY)
                got = [server.connection.event() for _ in range(2)]
                tap.ok(got == [("text", b"early"), ("text", b"a" * 40000)],
                       "R12: frames before the 101 under %s, %s"
                       % (name, way),
                       [repr(e)[:60] for e in got])


DEAF = [        # a shell's way to make descriptor 0
    ("/dev/null", "exec <&-; exec \"$@\" </dev/null"),
    ("a pipe that has ended", ": | exec \"$@\""),
    ("a pipe that ends after 20 ms", "sleep 0.02 | exec \"$@\""),
    ("bytes, and then the end", "printf abc | exec \"$@\""),
    ("an empty file", "exec \"$@\" <empty"),
]


def test_deaf(tap):
    """Who cannot be heard is told so, whatever the server's name."""
    argv, more = vouched("echo:")
    names = {"Apache/2.4.71 (Debian)": ["Apache", "upgrade=websocket"],
             "nginx/1.22.1": ["nginx", "scgi_pass"],
             "Caddy/v2.6.2": ["Caddy", "reverse_proxy"],
             "busybox httpd/1.35.0": ["busybox", "--listen"],
             "": ["--listen"]}
    with tempfile.TemporaryDirectory(prefix="ws-outside-") as directory:
        with open(directory + "/empty", "w"):
            pass
        for way, code in DEAF:
            for software, words in names.items():
                variables = {**REQUEST, **more, "SERVER_SOFTWARE": software,
                             "PATH": os.environ["PATH"]}
                begun = time.monotonic()
                ran = subprocess.run(["sh", "-c", code, "sh", *argv],
                                     env=variables, cwd=directory, timeout=10,
                                     capture_output=True)
                took = time.monotonic() - begun
                got = parse_answer(ran.stdout)
                text = got.body.decode()
                tap.ok(got.status == 501 and took < PROMPT
                       and "does not come through" in text
                       and all(word in text for word in words),
                       "R25: %s under %s: 501" % (way, software or "no name"),
                       (took, ran))
    with Cgi(argv, {**SILENT, **more}) as server:
        tap.ok(echo_through(server),
               "R25: a server unknown that hands over is served",
               server.log())
    for software in ("mini_httpd/1.30", "SimpleHTTP/0.6 Python/3.11.2"):
        variables = {**without(REQUEST, "HTTP_SEC_WEBSOCKET_KEY",
                               "HTTP_SEC_WEBSOCKET_VERSION", "HTTP_UPGRADE",
                               "HTTP_CONNECTION"), **more,
                     "SERVER_SOFTWARE": software}
        with Cgi(argv, variables) as server:
            refused(tap, "R26: no key under " + software, server, 501,
                    "no Sec-WebSocket-Key", software, "--listen")


def test_push_only(tap):
    """What a program writes goes out; that nothing comes in is no end."""
    argv, more = vouched("--push-only", "--ping", "0.2", "--", "sh", "-c",
                         "for i in 1 2 3; do echo $i; sleep 0.3; done")
    variables = {**REQUEST, **more, "SERVER_SOFTWARE": "Apache/2.4.71",
                 "SCRIPT_NAME": "/cgi-bin/nph-push",
                 "PATH": os.environ["PATH"]}
    with Cgi(argv, variables, stdin=subprocess.DEVNULL) as server:
        server.connection.upgraded(KEY)
        events = until_end(server.connection)
        tap.ok(payloads(events, "text") == [b"1", b"2", b"3"]
               and ("ping", b"") in events and close_of(events)[0] == 1000
               and any("push only: " in line for line in server.log()),
               "R25: --push-only serves who cannot be heard, and says so",
               (events, server.log()))
    with Cgi(argv, {**variables, "HTTP_UPGRADE": ""},
             stdin=subprocess.DEVNULL) as server:
        refused(tap, "R25: --push-only is for WebSockets alone", server, 426,
                "no Upgrade: websocket", nph=True)
    argv, more = vouched("--push-only", "--ping", "0.1", "--", "sleep", "60")
    with Cgi(argv, variables, stdin=subprocess.DEVNULL) as server:
        server.connection.upgraded(KEY)
        server.connection.sock.close()
        tap.ok(server.status(5) == 1,
               "R25: push only, and the client goes: seen at the next Ping")


# The end.

STUBBORN = ["sh", "-c", "trap '' HUP TERM INT; (trap '' HUP TERM; "
            "while :; do sleep 1; done) & echo ready; "
            "while :; do sleep 1; done"]


def test_terminated(tap):
    """lighttpd sends SIGTERM when the client goes: all is over in 1 s."""
    cases = [
        ("a program that ignores SIGHUP and SIGTERM", STUBBORN),
        ("a program that reads nothing and writes much",
         ["sh", "-c", "trap '' HUP TERM; echo ready; yes"]),
        ("a program that ends when its input does", ["cat"]),
    ]
    for name, program in cases:
        for way, pipes in WAYS.items():
            argv, more = vouched("--", *program)
            with Cgi(argv, {**REQUEST, **more, "PATH": os.environ["PATH"]},
                     pipes=pipes) as server:
                server.connection.upgraded(KEY)
                if program != ["cat"]:
                    server.connection.event()
                else:
                    server.connection.send(frame(TEXT, b"a" * 70000) * 9)
                time.sleep(0.2)
                group = program_of(server)
                begun = time.monotonic()
                server.process.send_signal(signal.SIGTERM)
                status = server.status()
                took = time.monotonic() - begun
                left = {pid for pid in in_groups({group}) if is_running(pid)}
                tap.ok(took < PROMPT and not left and status in (0, 1),
                       "R11: SIGTERM, %s, %s: over in 1 s"
                       % (name, way),
                       (took, status, left))


def program_of(server):
    """The pid of its program."""
    path = "/proc/%d/task/%d/children" % ((server.process.pid,) * 2)
    def read():
        with open(path) as f:
            return f.read().split()
    return int(eventually(read)[0])


def test_ends(tap):
    """The client's end of stream; and the program's own."""
    argv, more = vouched("--", "cat")
    for way, pipes in WAYS.items():
        with Cgi(argv, {**REQUEST, **more}, pipes=pipes) as server:
            server.connection.upgraded(KEY)
            server.connection.sock.close()
            tap.ok(server.status(8) == 1 and "the client is gone"
                   in " ".join(server.log()),
                   "R10: the client goes, " + way, server.log())
    argv, more = vouched("--", "sh", "-c", "echo bye; exit 3")
    with Cgi(argv, {**REQUEST, **more}, pipes=("in", "out")) as server:
        server.connection.upgraded(KEY)
        events = until_end(server.connection)
        tap.ok(payloads(events, "text") == [b"bye"]
               and close_of(events)[0] == 1011 and server.status() == 2,
               "R15: the program ends: a Close, then the end", events)


def test_descriptors(tap):
    """bozohttpd starts a program without a descriptor 2; others leave many
    that are not its own."""
    show = ["--", "sh", "-c", "echo oops >&2; ls /proc/$PPID/fd | tr '\\n' ' '"]
    argv, more = vouched(*show)
    variables = {**REQUEST, **more, "PATH": os.environ["PATH"]}
    with Cgi(argv, variables, closed=[2]) as server:
        server.connection.upgraded(KEY)
        events = until_end(server.connection)
        tap.ok(payloads(events, "text")[0].startswith(b"0 1 2 "),
               "R3: descriptor 2 closed: what is logged goes nowhere", events)
    with Cgi([binary(), "--oops"], {**REQUEST, **more}, closed=[2]) as server:
        refused(tap, "R3: descriptor 2 closed, and a wrong option", server,
                500, "not set up rightly")
    stray = ["sh", "-c", "exec 7</dev/null 9</etc/passwd; exec \"$@\"", "sh"]
    with Cgi(stray + argv, variables, pipes=("in", "out")) as server:
        server.connection.upgraded(KEY)
        names = payloads(until_end(server.connection), "text")[0].split()
        tap.ok(b"9" not in names and len(names) <= 7,
               "R3: descriptors of the web server are closed", names)


def main():
    tap = Tap()
    for name, test in list(globals().items()):
        if name.startswith("test_"):
            test(tap)
    tap.finish()


if __name__ == "__main__":
    with same_descriptors():
        main()
