"""Nothing of ours reaches a client outside the protocol, whatever goes wrong:
what it receives is nothing, one whole HTTP response, or frames.  Where standard
error has been the client, or is missing, syslog has what there is to say."""

import os
import re
import resource
import socket
import stat
import struct
import subprocess
import tempfile

from rawclient import TEXT, Connection, Violation, close, frame, request
from server import binary, same_descriptors
from tap import Tap
from ws_test import PATIENCE, in_parallel, parse_response, until_end

SHIM = os.path.abspath(os.path.join(os.environ.get("BUILD", "build"), "tests",
                                    "shim_syslog.so"))
GOOD = request("localhost") + frame(TEXT, b"hello") + close(1000)
CLOSED = "-"        # a descriptor that is
SYSLOG = 1 << 16    # bytes

# What descriptors 0, 1 and 2 are: "s" is the connection.
DOORS = {
    "0, 1 and 2 are the client": "sss",
    "2 is closed": "ss-",
    "1 and 2 are closed": "s--",
    "0 is closed": "-ss",
    "all are closed": "---",
    "1 and 2 are the client, 0 is a pipe": "pss",
}


def arrange(door, sock, pipe):
    """For a child: make its descriptors those of the door."""
    def run():
        for fd, kind in enumerate(door):
            if kind == CLOSED:
                os.close(fd)
            else:
                os.dup2(sock if kind == "s" else pipe, fd)
    return run


class Run:
    """One start of ws-cgi; what the client received, and syslog."""

    def __init__(self, door, argv, sent=GOOD, env=(), limits=()):
        with tempfile.TemporaryDirectory(prefix="ws-outside-") as home:
            log = os.path.join(home, "syslog")
            with open(log, "wb") as f:
                f.truncate(SYSLOG)
            self._play(door, argv, sent, {
                "PATH": "/usr/bin:/bin", "HOME": home, "LD_PRELOAD": SHIM,
                "SHIM_SYSLOG": log, **dict(env)}, limits)
            with open(log, "rb") as f:
                used, = struct.unpack("N", f.read(8))
                self.logged = f.read(used).decode()

    def _play(self, door, argv, sent, env, limits):
        ours, theirs = socket.socketpair()
        pipe = os.pipe()
        become = arrange(door, theirs.fileno(), pipe[0])

        def prepare():
            become()
            for limit, value in limits:
                resource.setrlimit(limit, (value, value))

        with theirs:
            process = subprocess.Popen([binary(), *argv], env=env,
                                       preexec_fn=prepare)
        for fd in pipe:
            os.close(fd)
        with Connection(ours) as connection:
            connection.send(sent)
            self.wrong = judge(connection)
        self.status = process.wait(PATIENCE)


def judge(connection):
    """None, or what the client may not receive."""
    if not connection.fill_until(lambda: b"\r\n\r\n" in connection.buffer,
                                 PATIENCE):
        return bytes(connection.buffer) or None
    if not connection.buffer.startswith(b"HTTP/1.1 101 "):
        return judge_response(connection.rest(PATIENCE))
    connection.response()
    try:
        events = until_end(connection)
    except Violation as violation:
        return violation
    return None if events[-1][0] in ("eof", "reset") else events[-1]


def judge_response(data):
    """One response, which a web server may read, with all of its body."""
    data = re.sub(rb"\AStatus:", b"HTTP/1.1", data)
    try:
        answer = parse_response(data)
    except Violation as violation:
        return violation
    size = answer.values("content-length")
    return None if size == [str(len(answer.body))] else data


# What can go wrong.

def option_names():
    """The options, and whether each takes an argument."""
    said = subprocess.run([binary(), "--help"], capture_output=True, text=True)
    return re.findall(r"--([\w-]+)( [A-Z]+)?(?:\s|$)",
                      "\n".join(line for line in said.stdout.splitlines()
                                if re.match(r" {2,6}-", line)))


def command_lines():
    """(name, argv) that are wrong, most of them."""
    yield "nothing", []
    yield "no such bridge", ["nonesuch:"]
    yield "a bridge with arguments", ["echo:", "x"]
    yield "no such program", ["/nonexistent"]
    yield "nor in PATH", ["nonexistent"]
    yield "a directory", ["/tmp"]
    yield "no such option", ["--nonesuch", "echo:"]
    yield "no such letter", ["-%", "echo:"]
    yield "--help", ["--help"]
    yield "--version", ["--version"]
    yield "--check", ["--check", "echo:"]
    yield "half of a pair", ["--in", "0", "echo:"]
    yield "a listener's", ["--pidfile", "/nonexistent", "echo:"]
    yield "errors to the client", ["--stderr", "client", "-f", "raw", "cat"]
    for name, argument in option_names():
        option = "--" + name
        if not argument:
            yield option + "=x", [option + "=x", "echo:"]
            continue
        yield option + " without argument", [option]
        for value in ("", "\x01 no\nsuch\u20ac", "-1", "99"):
            if name not in ("listen", "receive", "redirect") or value != "99":
                yield "%s %r" % (option, value), [option, value, "echo:"]


CGI = {"GATEWAY_INTERFACE": "CGI/1.1", "REQUEST_METHOD": "GET",
       "SERVER_PROTOCOL": "HTTP/1.1", "SCRIPT_NAME": "/x",
       "SERVER_SOFTWARE": "lighttpd/1.4.69"}
ENVIRONMENTS = [
    ("systemd passes too many", {"LISTEN_FDS": "5", "LISTEN_PID": "1"}),
    ("systemd passes nonsense", {"LISTEN_FDS": "x", "LISTEN_PID": "x"}),
    ("no variables of a request", {"GATEWAY_INTERFACE": "CGI/1.1"}),
    ("no key", CGI),
    ("a wrapper's word", {**CGI, "WS_CGI_ARGV": "1"}),
    ("a version that is not spoken", {
        **CGI, "WS_CGI_ARGV": "1", "HTTP_UPGRADE": "websocket",
        "HTTP_CONNECTION": "Upgrade", "HTTP_SEC_WEBSOCKET_VERSION": "7",
        "HTTP_SEC_WEBSOCKET_KEY": "dGhlIHNhbXBsZSBub25jZQ=="}),
    ("another web server", {**CGI, "SERVER_SOFTWARE": "Apache",
                            "WS_CGI_ARGV": "1"}),
    ("a manager that is not there", {"NOTIFY_SOCKET": "/nonexistent"}),
    ("no PATH", {"PATH": ""}),
]
SHORT = ["--handshake-timeout", "0.5", "--ping", "0.5", "--pong", "0.5",
         "--max-message", "1K"]
LIMITS = [
    ("no descriptors", [(resource.RLIMIT_NOFILE, 4)]),
    ("few descriptors", [(resource.RLIMIT_NOFILE, 6)]),
    ("no file may grow", [(resource.RLIMIT_FSIZE, 0)]),
]
REQUESTS = [
    ("nothing", b""),
    ("an empty line", b"\r\n\r\n"),
    ("half a request", b"GET / HT"),
    ("no HTTP", b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" * 9),
    ("binary zeroes", bytes(20_000)),
    ("HTTP/1.0", b"GET / HTTP/1.0\r\n\r\n"),
    ("a health check", b"OPTIONS / HTTP/1.0\r\n\r\n"),
    ("POST", request("localhost").replace(b"GET", b"POST")),
    ("no host", b"GET / HTTP/1.1\r\n\r\n"),
    ("no WebSocket", b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n"),
    ("version 99", request("localhost").replace(b": 13", b": 99")),
    ("a short key", request("localhost", key=b"short")),
    ("another site's", request("localhost", extra=["Origin: http://a.test"])),
    ("a long head", request("localhost", extra=["X: " + "x" * 20_000])),
    ("many fields", request("localhost", extra=["X: x"] * 200)),
    ("an unmasked frame", request("localhost")
     + frame(TEXT, b"a", masked=False)),
    ("no UTF-8", request("localhost") + frame(TEXT, b"\xff")),
    ("a reserved bit", request("localhost") + frame(TEXT, b"a", rsv=4)),
    ("a huge frame", request("localhost")
     + b"\x82\xff\x7f" + b"\xff" * 7 + b"mask"),
    ("a newline", request("localhost") + frame(TEXT, b"a\nb")),
    ("half a frame", request("localhost") + frame(TEXT, b"hello")[:-2]),
    ("a bad close", request("localhost") + close(1005)),
]
PROGRAMS = [
    ("no interpreter", "#!/nonexistent\n"),
    ("no #!", "\x7fELF nonsense"),
    ("exits at once", "#!/bin/sh\nexit 3\n"),
    ("is killed", "#!/bin/sh\nkill -9 $$\n"),
    ("complains", "#!/bin/sh\necho no >&2\nls /nonexistent\nexit 1\n"),
    ("writes no UTF-8", "#!/bin/sh\nprintf '\\377\\n'\n"),
    ("opens no terminal", "#!/bin/sh\necho x >/dev/tty\ncat\n"),
    ("closes all", "#!/bin/sh\nexec <&- >&- 2>&-\nsleep 0.1\n"),
    ("ignores its end", "#!/bin/sh\ntrap '' HUP\nread x\nsleep 1\n"),
]


def program(place, text):
    path = os.path.join(place, "program-%d" % len(os.listdir(place)))
    with open(path, "w") as f:
        f.write(text)
    os.chmod(path, stat.S_IRWXU)
    return path


def trials(place):
    """Each what goes wrong, and the arguments of a Run."""
    for name, argv in command_lines():
        yield "command line, " + name, {"argv": argv}
    for name, env in ENVIRONMENTS:
        yield "environment, " + name, {"argv": ["cat"], "env": env}
    for name, limits in LIMITS:
        yield "limits, " + name, {"argv": ["cat"], "limits": limits}
    for name, sent in REQUESTS:
        for to in ("echo:", "cat"):
            yield "%s, %s" % (to, name), {"argv": [*SHORT, to],
                                          "sent": sent}
    for name, text in PROGRAMS:
        yield "the program %s" % name, {"argv": [program(place, text)]}


def check_all(tap, place):
    tasks = [(what, where, how) for what, how in trials(place)
             for where in DOORS]
    runs = in_parallel(lambda task: Run(DOORS[task[1]], **task[2]), tasks)
    for (what, where, how), run in zip(tasks, runs):
        tap.ok(run.wrong is None, "%s: %s" % (where, what), run.wrong)
        if run.status == 100:
            tap.ok(run.logged, "%s: %s: syslog has it" % (where, what),
                   run.status)
    return runs


def check_lines(tap):
    """A connection's line is written when all rights have been given up."""
    for where, door in DOORS.items():
        if door[0] != "s":
            continue
        for to in ("echo:", "cat"):
            run = Run(door, [to])
            tap.ok("close=1000/1000" in run.logged,
                   "%s: %s: syslog has a connection's line" % (where, to),
                   (run.status, run.wrong, run.logged))


def main():
    tap = Tap()
    with same_descriptors(), tempfile.TemporaryDirectory() as place:
        check_lines(tap)
        runs = check_all(tap, place)
    statuses = {run.status for run in runs}
    tap.ok(statuses >= {0, 1, 2, 100}, "errors of all kinds have been made",
           statuses)
    tap.finish()


if __name__ == "__main__":
    main()
