"""Where the log goes and in which form: standard error, syslog or a file, whole
when the file is renamed, full or out of reach; lines of text, or of JSON
whatever was said."""

import grp
import json
import os
import pwd
import re
import resource
import signal
import socket
import stat
import subprocess
import tempfile

import rawclient
from rawclient import TEXT, Connection, frame
from server import Listener, Server, binary, same_descriptors
from tap import Tap
from test_docs import displays, section
from ws_test import (PATIENCE, eventually, log_fields, opened, until_end,
                     worker, workers)

IS_ROOT = os.getuid() == 0
MANY = 20
CAN_LEAVE = ["sh", "-c", "echo there >&2; cat"]


class Logged(Listener):
    """A listener whose log is a file, in a directory of its own."""

    def __init__(self, operands=("echo:",), options=(), prefix=(), before=""):
        self.place = tempfile.TemporaryDirectory(prefix="ws-log-")
        os.chmod(self.place.name, 0o755)
        self.file = os.path.join(self.place.name, "file")
        self.prefix = list(prefix)
        if before:
            with open(self.file, "w") as f:
                f.write(before)
        super().__init__(list(operands), options)

    def start(self, argv, env=None, stdout=None):
        super().start([*self.prefix, argv[0], "--log", self.file, *argv[1:]],
                      env, stdout)

    def stop(self):
        with self.place:
            super().stop()

    def log(self):
        return lines_in(self.file)

    def errors(self):
        return super().log()

    def rotate(self, name):
        """Rename the file; returns its new path."""
        moved = os.path.join(self.place.name, name)
        os.rename(self.file, moved)
        return moved

    def restart(self):
        self.process.send_signal(signal.SIGHUP)
        return eventually(lambda: any(
            "restart" in line for line in self.log()))


def lines_in(path):
    """The whole lines of a file, which need not be there."""
    try:
        with open(path, errors="replace") as f:
            return f.read().split("\n")[:-1]
    except FileNotFoundError:
        return []


def said(lines, text):
    return [line for line in lines if text in line]


def ended(server, connection):
    """End a conversation, and wait until there is none."""
    before = len(workers(server))
    connection.send(rawclient.close(1000))
    until_end(connection)
    connection.sock.close()
    return eventually(lambda: len(workers(server)) < before)


def talked(server, path="/"):
    """Have a conversation, to its end."""
    with opened(server, path) as connection:
        return ended(server, connection)


# A file.

def test_file(tap):
    with Logged(CAN_LEAVE) as server:
        talked(server, "/a")
        lines = server.log()
        tap.ok(len(said(lines, "listening on")) == 1
               and len(said(lines, '"/a" stderr: there')) == 1
               and len(said(lines, '"/a" proto=- ')) == 1 and len(lines) == 3,
               "--log PATH: all lines are in the file", lines)
        mode = stat.S_IMODE(os.stat(server.file).st_mode)
        tap.ok(mode == 0o640 & ~0o022, "its mode is 0640", oct(mode))
        tap.ok(server.errors() == [], "nothing is on standard error",
               server.errors())
        with opened(server) as connection:
            connection.send(frame(TEXT, b"x"))
            connection.event()
            held = os.listdir("/proc/%d/fd" % child_of(worker(server)))
            tap.ok(sorted(held) == ["0", "1", "2"],
                   "the program does not have it", held)


def child_of(pid):
    with open("/proc/%d/task/%d/children" % (pid, pid)) as f:
        return int(f.read())


def test_append(tap):
    with Logged(before="before\n") as server:
        talked(server)
        lines = server.log()
        tap.ok(lines[0] == "before" and len(lines) == 3,
               "what is in it stays", lines)


def test_inetd(tap):
    """The connection is on all three descriptors, as inetd leaves it."""
    with tempfile.TemporaryDirectory() as place:
        path = os.path.join(place, "file")
        ours, theirs = socket.socketpair()
        with theirs:
            process = subprocess.Popen(
                [binary(), "--log", path, *CAN_LEAVE], stdin=theirs,
                stdout=theirs, stderr=theirs)
        with Connection(ours) as connection:
            connection.handshake("localhost", "/b")
            connection.send(frame(TEXT, b"x"))
            events = [connection.event()]
            connection.send(rawclient.close(1000))
            events += until_end(connection)
        process.wait(PATIENCE)
        lines = lines_in(path)
        tap.ok(events[0] == ("text", b"x") and events[-1] == ("eof",)
               and len(said(lines, "unix \"/b\" ")) == 2,
               "under inetd: lines are in the file, and not in the stream",
               (events, lines))


def test_refused(tap):
    with tempfile.TemporaryDirectory() as place:
        link = os.path.join(place, "link")
        os.symlink(os.path.join(place, "target"), link)
        for where, why in [
                (place + "/no/file", "No such file"), (place, "directory"),
                (link, "ymbolic link"), ("file", "slash"), ("", "slash")]:
            for listen in [["--listen", "127.0.0.1:0"], []]:
                done = subprocess.run(
                    [binary(), *listen, "--log", where, "echo:"],
                    stdin=subprocess.DEVNULL, capture_output=True, text=True,
                    timeout=PATIENCE)
                tap.ok(done.returncode == 100 and where in done.stderr
                       and why in done.stderr,
                       "--log %s %s: %s, and exit status 100" % (
                           os.path.basename(where), " ".join(listen), why),
                       done)
        tap.ok(os.listdir(place) == ["link"], "and no file is made",
               os.listdir(place))


# Renamed.

def test_rotation(tap):
    """Conversations begin before the file is renamed, and end afterwards."""
    for name, operands in [("echo:", ["echo:"]), ("a program", CAN_LEAVE)]:
        for restarts in [False, True]:
            with Logged(operands) as server:
                open_ = [opened(server, "/%d" % n) for n in range(MANY)]
                eventually(lambda: operands == ["echo:"] or
                           len(said(server.log(), "stderr:")) == MANY)
                moved = server.rotate("file.1")
                before = lines_in(moved)
                if restarts:
                    server.restart()
                for connection in open_:
                    ended(server, connection)
                eventually(lambda: len(said(server.log(), "proto=")) == MANY)
                lines = server.log()
                ends = {line.split('"')[1] for line in said(lines, "proto=")}
                tap.ok(ends == {"/%d" % n for n in range(MANY)},
                       "%s: the file is renamed%s: %d lines are in the new one"
                       % (name, ", and SIGHUP" if restarts else "", MANY),
                       (len(lines), lines[:3]))
                tap.ok(lines_in(moved) == before,
                       "and none is in the old one", lines_in(moved)[-3:])


def test_created(tap):
    """Who renames also makes the new file, and gives it away."""
    with Logged() as server:
        with opened(server) as connection:
            server.rotate("file.1")
            with open(server.file, "w") as f:
                os.fchmod(f.fileno(), 0o600)
            ended(server, connection)
            eventually(server.log)
        tap.ok(len(server.log()) == 1
               and stat.S_IMODE(os.stat(server.file).st_mode) == 0o600,
               "a new file that is there is used as it is", server.log())
        os.truncate(server.file, 0)
        talked(server)
        with open(server.file, "rb") as f:
            tap.ok(f.read(1) == b"2", "one that is cut begins with a line")
        os.unlink(server.file)
        talked(server)
        tap.ok(len(server.log()) == 1, "one that is removed is made again",
               server.log())


def test_logrotate(tap):
    """With what the manual has for /etc/logrotate.d."""
    snippet, = [text for text in displays(section("ws-cgi.8", "THE LOG"))
                if "rotate" in text]
    user = pwd.getpwuid(os.getuid()).pw_name if not IS_ROOT else "nobody"
    with Logged(options=["--user", user] if IS_ROOT else []) as server:
        os.chmod(server.place.name, 0o755)
        conf, state = server.path("conf"), server.path("state")
        with open(conf, "w") as f:
            f.write(re.sub(r"create 0640 \S+ \S+", "create 0640 %s %s" % (
                user, group_of(user)), snippet).replace(
                    "/var/log/ws-cgi.log", server.file))
        os.chmod(conf, 0o644)
        with opened(server, "/early") as connection:
            for _ in range(3):
                done = subprocess.run(
                    ["/usr/sbin/logrotate", "-f", "-s", state, conf],
                    capture_output=True, text=True, timeout=PATIENCE)
                talked(server, "/late")
            ended(server, connection)
        names = sorted(os.listdir(server.place.name))
        tap.ok(done.returncode == 0 and "file.1" in names
               and "file.2.gz" in names and "file.3.gz" in names,
               "logrotate does what the manual says", (done, names))
        eventually(lambda: len(server.log()) == 2)
        tap.ok(['"/late"' in line or '"/early"' in line
                for line in server.log()] == [True] * 2 and
               len(said(lines_in(server.file + ".1"), "late")) == 1,
               "and each line is in the file of its time",
               (server.log(), lines_in(server.file + ".1")))


def group_of(user):
    return grp.getgrgid(pwd.getpwnam(user).pw_gid).gr_name


# Rights that were given up.

def test_rights(tap):
    nobody = pwd.getpwnam("nobody")
    with Logged(options=["--user", "nobody"]) as server:
        tap.ok(os.stat(server.file).st_uid == 0, "--user: the file is made "
               "before rights are given up")
        server.restart()
        talked(server)
        tap.ok(len(said(server.log(), "restarted")) == 1
               and len(said(server.log(), "proto=")) == 1
               and said(server.log(), "Permission") == [],
               "SIGHUP: it is still there for who may not open it",
               server.log())
        moved = server.rotate("file.1")
        for _ in range(2):
            server.process.send_signal(signal.SIGHUP)
            count = len(said(lines_in(moved), "restarted"))
            eventually(lambda: len(said(lines_in(moved), "restarted"))
                       > count)
        talked(server, "/lost")
        lines = lines_in(moved)
        tap.ok(len(said(lines, "restarted")) == 3
               and len(said(lines, '"/lost"')) == 1,
               "renamed, in a directory where it may make none: lines go on "
               "into the old one", lines)
        tap.ok(said(lines, "the log %s: Permission denied" % server.file),
               "and there is a line about that", lines)
        with open(server.file, "w") as f:
            os.fchown(f.fileno(), nobody.pw_uid, -1)
        talked(server, "/found")
        tap.ok(len(said(server.log(), '"/found"')) == 1
               and lines_in(moved) == lines,
               "and into the new one, once it is there", server.log())


# A file that takes no more.

def test_full(tap):
    with Server() as server:
        server.start([binary(), "--listen", "127.0.0.1:0", "--log",
                      "/dev/full", "echo:"])
        eventually(lambda: said(server.log(), "/dev/full"))
        lines = server.log()
        tap.ok(len(lines) == 2 and "listening on" in lines[0] and
               lines[1].endswith("/dev/full: No space left on device"),
               "ENOSPC: lines go to standard error, where it is said why",
               lines)


LARGE = 1 << 20     # bytes: standard error is a file, and small beside it
FILLED = "before\n" * (LARGE // 7)


def limit(pid, size):
    resource.prlimit(pid, resource.RLIMIT_FSIZE, (size, resource.RLIM_INFINITY))


def test_limit(tap):
    """RLIMIT_FSIZE, whose signal would kill; it cuts a line."""
    with Logged(before=FILLED) as server:
        most = os.path.getsize(server.file) + 200
        limit(server.process.pid, most)
        for n in range(3):
            talked(server, "/%d" % n)
        errors = server.errors()
        whole = said(server.log(), "the client closed")
        tap.ok(os.path.getsize(server.file) == most, "the file is full")
        tap.ok(len(whole) == 1 and len(said(errors, "proto=")) == 2
               and len(said(errors, "File too large")) == 2, "RLIMIT_FSIZE: "
               "what is not whole in the file is on standard error, and the "
               "listener lives", (errors, whole))
        limit(server.process.pid, resource.RLIM_INFINITY)
        server.restart()
        talked(server, "/after")
        tap.ok(len(said(server.log(), '"/after"')) == 1,
               "the file is used again when it may be", server.log()[-3:])


def test_torn(tap):
    """One process whose line is cut, and whose next one is not."""
    script = "while read -r line; do echo \"$line\" >&2; echo ok; done"
    with Logged(["sh", "-c", script], before=FILLED) as server, \
            opened(server) as connection:
        pid = worker(server)
        size = os.path.getsize(server.file)
        for most, text in [(size + 50, "cut"), (2 * size, "whole")]:
            limit(pid, most)
            connection.send(frame(TEXT, text.encode()))
            eventually(lambda: said(server.errors() + server.log(),
                                    "stderr: " + text))
        tap.ok(said(server.errors(), "stderr: cut")
               and re.match(r"20\d\d-.*stderr: whole$", server.log()[-1]),
               "a line behind a torn one stands alone",
               (server.log()[-3:], server.errors()))


# JSON.

NAMES = ["time", "pid", "event", "address", "port", "via", "path", "user",
         "host", "origin", "protocol", "status", "seconds", "messages_in",
         "bytes_in", "messages_out", "bytes_out", "received", "sent", "exit",
         "blame", "reason"]
WORDS = ["time", "pid", "event", "text"]


def json_lines(lines):
    """The objects, strictly, names in their order."""
    def once(pairs):
        if len(dict(pairs)) != len(pairs):
            raise ValueError(pairs)
        return dict(pairs)
    return [json.loads(line, object_pairs_hook=once) for line in lines]


def read_json(path):
    with open(path, encoding="utf-8") as f:     # strictly
        return json_lines(f.read().split("\n")[:-1])


def test_json(tap):
    with Logged(["sh", "-c", "echo one >&2; cat; exit 3"], ["--log-json"]
                ) as server:
        with opened(server, "/a?b", ["Origin: http://" + server.host,
                                     "Sec-WebSocket-Protocol: x"]) as c:
            c.send(frame(TEXT, b"12345"))
            c.event()
            port = c.sock.getsockname()[1]
            c.send(rawclient.close(3001, "grün".encode()))
            until_end(c)
        eventually(lambda: not workers(server))
        with Connection(server.connect()) as c:
            c.send(rawclient.request("evil.example"))
            c.rest()
        eventually(lambda: not workers(server))
        found = read_json(server.file)
        tap.ok([line["event"] for line in found]
               == ["listening", "stderr", "closed", "refused"],
               "--log-json: each line is an object, with its event", found)
        tap.ok(list(found[0]) == WORDS and list(found[2]) == NAMES
               and list(found[3]) == NAMES and list(found[1])
               == NAMES[:7] + ["text"], "with these members, in this order",
               [list(line) for line in found])
        closed = {**found[2], "time": 0, "pid": 0, "seconds": 0}
        tap.ok(closed == dict(zip(NAMES, [
            0, 0, "closed", "127.0.0.1", port, None, "/a?b", None,
            server.host, "http://" + server.host, "x", 101, 0, 1, 5, 1, 5, 3001, 3001, "3",
            "nobody", "the client closed: grün"])), "all that there is to say "
            "of a conversation", closed)
        tap.ok(all(re.fullmatch(r"20\d\d-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z",
                                line["time"]) for line in found)
               and 0 <= found[2]["seconds"] < PATIENCE
               and found[0]["pid"] == server.process.pid,
               "time, seconds and pid", found)
        refused = found[3]
        tap.ok((refused["status"], refused["blame"], refused["sent"],
                refused["host"]) == (421, "peer", None, "evil.example"),
               "a refusal", refused)
    with Logged(["false"], ["--log-json"]) as server:
        with opened(server) as c:
            until_end(c)
        eventually(lambda: not workers(server))
        blames = [line["blame"] for line in read_json(server.file)[1:]]
        tap.ok(blames == ["program"], "whose fault it is", blames)
    with Logged(["cat"], ["--log-json"]) as server, opened(server) as c:
        os.kill(worker(server), signal.SIGUSR1)
        found = eventually(lambda: [line for line in read_json(server.file)
                                    if line["event"] == "figures"])
        tap.ok((found[0]["blame"], found[0]["received"]) == (None, None),
               "and nobody's while it goes on", found)
    with Logged(options=["--log-json"]) as server:
        with Connection(server.connect()) as c:
            c.send(b"no request\r\n\r\n")
            c.rest()
        eventually(lambda: not workers(server))
        found = read_json(server.file)[-1]
        tap.ok((found["event"], found["status"], found["path"], found["host"])
               == ("refused", 400, None, None),
               "what is no request has neither path nor host", found)


def test_via(tap):
    options = ["--log-json", "--trust", "127.0.0.1"]
    with Logged(options=options) as server:
        with opened(server, "/", ["X-Forwarded-For: 2001:db8::1"]) as c:
            end_of = ended(server, c)
        found = read_json(server.file)[-1]
        tap.ok(end_of and (found["address"], found["port"], found["via"])
               == ("2001:db8::1", None, "127.0.0.1"),
               "who came by a proxy, and by which", found)


def test_trace(tap):
    with Logged(options=["--log-json", "--verbose"]) as server:
        with opened(server, "/t\\") as c:
            c.send(frame(TEXT, b'"\\\xff\n'))
            until_end(c)
        eventually(lambda: not workers(server))
        found = [line for line in read_json(server.file)
                 if line["event"] == "trace"]
        tap.ok(list(found[0]) == NAMES[:6] + ["text"] and found[0]["text"]
               == "< GET /t\\x5c HTTP/1.1" and "< text fin mask 4 \"\\x22"
               "\\x5c\\xff\\x0a\"" in [line["text"] for line in found],
               "the trace is in JSON too", found)


HOSTILE = [     # bytes, what the reader finds
    (b'"', '"'), (b"\\", "\\"), (b'","event":"forged', '","event":"forged'),
    (b"\xff", "\ufffd"), (b"\xc3\xbc", "ü"), (b"\xc3", "\ufffd"),
    (b"\xed\xa0\x80", "\ufffd" * 3), (b"\xf0\x9f\x98\x80", "\U0001f600"),
    (b"\xe2\x80\xa8", "\u2028"), (b"\x7f", "\x7f"), (b"\\u0000", "\\u0000"),
    (b"\xf4\x90\x80\x80", "\ufffd" * 4), (b"%s%n", "%s%n"),
]
CONTROL = [(b"\x01", "\x01"), (b"\x1b[31m", "\x1b[31m"), (b"a\rb", "a\rb"),
           (b"\0", "\0"), (b"\t", "\t")]


def test_hostile(tap):
    """In all that the peer or the program chooses."""
    script = "while read -r x; do printf '%b\\n' \"$x\" >&2; echo; done"
    for data, wanted in HOSTILE + CONTROL:
        octal = "".join("\\0%03o" % byte for byte in data)
        with Logged(["sh", "-c", script], ["--log-json"]) as server:
            with opened(server) as c:
                c.send(frame(TEXT, octal.encode()))
                c.event()
                ok = data.decode(errors="replace") == wanted \
                    and "\ufffd" not in wanted and b"\0" not in data
                c.send(rawclient.close(1000, data if ok else b""))
                until_end(c)
            eventually(lambda: not workers(server))
            if (data, wanted) in HOSTILE:
                with Connection(server.connect()) as c:
                    request = rawclient.request(server.host, "/PATH", extra=[
                        "Origin: ORIGIN"])
                    c.send(request.replace(b"PATH", data).replace(
                        b"ORIGIN", data))
                    c.rest()
                eventually(lambda: not workers(server))
            found = read_json(server.file)
            texts = [line["text"] for line in found
                     if line["event"] == "stderr"]
            reasons = [line["reason"] for line in found
                       if line["event"] == "closed"]
            tap.ok(texts == [wanted] and (not ok or reasons
                   == ["the client closed: " + wanted]),
                   "%r is %r in JSON" % (data, wanted), found)
            paths = [(line["path"], line["origin"]) for line in found
                     if line["event"] == "refused"]
            tap.ok(all(path in (None, "/" + wanted) and
                       origin in (None, wanted) for path, origin in paths)
                   and len(paths) == ((data, wanted) in HOSTILE),
                   "%r: in a request too" % data, paths)


def test_cut(tap):
    """At a character, to 256 bytes, in both forms."""
    for options in [[], ["--log-json"]]:
        with Logged(options=options) as server:
            talked(server, "/" + "a" * 10000)
            line = server.log()[-1]
            path = json.loads(line)["path"] if options else \
                line.split('"')[1]
            tap.ok(re.fullmatch(r"/a{240,258}\.\.\.", path) and
                   len(line) < 1024, "%s a long path is cut"
                   % " ".join(options), len(path))


def test_same(tap):
    """Both forms say the same of the same."""
    found = []
    for options in [[], ["--log-json"]]:
        with Logged(["sh", "-c", "read -r x; exit 5"], options) as server:
            with opened(server, "/x") as c:
                c.send(frame(TEXT, b"go"))
                until_end(c)
            eventually(lambda: not workers(server))
            found.append(server.log()[-1])
    text, object_ = log_fields(found[0]), json.loads(found[1])
    same = {
        "proto": object_["protocol"] or "-",
        "in": "%d/%d" % (object_["messages_in"], object_["bytes_in"]),
        "out": "%d/%d" % (object_["messages_out"], object_["bytes_out"]),
        "close": "%d/%d" % (object_["received"], object_["sent"]),
        "exit": object_["exit"], "reason": object_["reason"]}
    tap.ok({**text, "time": 0} == {**same, "time": 0},
           "text and JSON say the same", found)


# syslog.

DEVICES = """
mount -t tmpfs none "$0"
for name in null full urandom; do
    touch "$0/$name"
    mount --bind "/dev/$name" "$0/$name"
done
ln -s "$1" "$0/log"
mount --rbind "$0" /dev
shift
exec "$@"
"""     # a /dev of its own, whose log is the test's


# In a container or a chroot there may be no such thing as a /dev of one's own.
UNSHARE = ["unshare", *([] if IS_ROOT else ["-r"]), "-m"]


def may_unshare():
    return subprocess.run([*UNSHARE, "mount", "-t", "tmpfs", "none", "/mnt"],
                          capture_output=True).returncode == 0


class Syslog:
    """What is at /dev/log for those who start behind prefix."""

    def __enter__(self):
        self.place = tempfile.TemporaryDirectory(prefix="ws-syslog-")
        os.mkdir(self.place.name + "/dev")
        path = os.path.join(self.place.name, "socket")
        self.socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self.socket.bind(path)
        self.socket.settimeout(PATIENCE)
        self.prefix = [*UNSHARE, "sh", "-ec", DEVICES,
                       self.place.name + "/dev", path]
        return self

    def __exit__(self, *_):
        self.socket.close()
        self.place.cleanup()

    def message(self):
        """Priority, tag and text of the next."""
        data = self.socket.recv(1 << 17).decode()
        return re.fullmatch(
            r"<(\d+)>... .\d \d\d:\d\d:\d\d (ws-cgi\[\d+\]): (.*?)[\0\n]?",
            data).groups()


INFO = "30"     # LOG_DAEMON | LOG_INFO


def test_syslog(tap):
    for options in [[], ["--log-json"]]:
        with Syslog() as syslog, Server() as server:
            name = " ".join(["--log syslog", *options])
            server.start([*syslog.prefix, binary(), "--listen", "127.0.0.1:0",
                          "--log", "syslog", *options, "echo:"])
            first = syslog.message()
            tap.ok(first[0] == INFO and first[1] == "ws-cgi[%d]"
                   % server.process.pid, name + ": LOG_DAEMON, LOG_INFO, and "
                   "the pid", first)
            text = json.loads(first[2])["text"] if options else first[2]
            server.address = ("127.0.0.1", int(text.rpartition(":")[2]))
            server.host = text.split()[-1]
            talked(server, "/s")
            last = syslog.message()[2]
            path = json.loads(last)["path"] if options else last.split('"')[1]
            tap.ok(path == "/s" and (options or last.startswith("127.0.0.1:")),
                   name + ": so are lines of conversations", last)
            server.process.send_signal(signal.SIGHUP)
            again = syslog.message()[2]
            tap.ok("restarted" in again, name + ": and after SIGHUP", again)
            tap.ok(server.log() == [], name + ": nothing is on standard error",
                   server.log())


def test_syslog_inetd(tap):
    """Where standard error is the connection, that is the default; and where
    lines go that the file does not take."""
    for options in [[], ["--log", "stderr"], ["--log", "/dev/full"]]:
        with Syslog() as syslog:
            ours, theirs = socket.socketpair()
            with theirs:
                process = subprocess.Popen(
                    [*syslog.prefix, binary(), *options, "echo:"],
                    stdin=theirs, stdout=theirs, stderr=theirs)
            with Connection(ours) as connection:
                connection.handshake("localhost", "/i")
                connection.send(rawclient.close(1000))
                events = until_end(connection)
            process.wait(PATIENCE)
            line = syslog.message()[2]
            tap.ok('unix "/i" proto=' in line
                   and events == [("close", 1000, b""), ("eof",)],
                   "under inetd, %s: syslog"
                   % (" ".join(options) or "no --log"), (line, events))


def main():
    tap = Tap()
    tests = [test_file, test_append, test_inetd, test_refused, test_rotation,
             test_created, test_logrotate, test_full, test_limit, test_torn,
             test_json, test_via, test_trace, test_hostile, test_cut,
             test_same]
    if may_unshare():
        tests += [test_syslog, test_syslog_inetd]
    else:
        print("# syslog is not tried: there is no mount namespace to be had")
    if IS_ROOT:
        tests.append(test_rights)
    with same_descriptors():
        for test in tests:
            test(tap)
    tap.finish()


if __name__ == "__main__":
    main()
