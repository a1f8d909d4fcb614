"""--www: what is served, in which parts and on which conditions, and that
nothing outside the directory can be had, whatever the path or the links.
"""

import contextlib
import datetime
import email.utils
import hashlib
import os
import random
import re
import signal
import socket
import subprocess
import tempfile
import time

import rawclient
from browser import Browser
from server import Listener, same_descriptors
from tap import Tap
from ws_test import (Meanwhile, ask, eventually, in_parallel, line_of,
                     opened, worker, workers)

SECRET = b"the secret outside"
PAGE = b"<!DOCTYPE html><title>the page</title>the page\n"
DIGITS = b"0123456789" * 10
LARGE = 50 << 20


def request(server, path="/", method="GET", fields=()):
    lines = ["%s %s HTTP/1.1" % (method, path), "Host: " + server.host]
    lines += ["%s: %s" % field for field in fields]
    return ("\r\n".join(lines) + "\r\n\r\n").encode("latin-1")


def get(server, path="/", method="GET", fields=()):
    return ask(server, request(server, path, method, fields))[0]


def write(path, data=b""):
    os.makedirs(os.path.dirname(path), exist_ok=True)
    with open(path, "wb") as f:
        f.write(data)


def is_page(response, body, status=200):
    """Whether it is complete and has this body."""
    return (response.status == status and response.body == body
            and response.values("content-length") == [str(len(body))]
            and response.values("connection") == ["close"])


# What is there.

def plant(top):
    """The directory www below top, with secrets around it and links, devices
    and fifos in it.  Returns its path."""
    www = os.path.join(top, "www")
    write(os.path.join(top, "secret.txt"), SECRET)
    write(os.path.join(top, "www-secret", "secret.txt"), SECRET)
    for name in ("index.html", "a/index.html", "a b/index.html"):
        write(os.path.join(www, name), PAGE)
    write(os.path.join(www, "digits.txt"), DIGITS)
    write(os.path.join(www, "empty.txt"))
    write(os.path.join(www, "a", "deep", "file.txt"), DIGITS)
    write(os.path.join(www, "grüße.txt"), DIGITS)
    write(os.path.join(www, "50%.txt"), DIGITS)
    for name in (".hidden", ".git/config", "a/.htaccess", "..secret",
                 "...", "back\\slash", "con\ntrol", "\x7f"):
        write(os.path.join(www, name), SECRET)
    os.makedirs(os.path.join(www, "listing"))
    write(os.path.join(www, "listing", "unlisted"), b"")
    os.makedirs(os.path.join(www, "odd", "index.html"))
    plant_links(top, www)
    plant_nodes(www)
    return www


def plant_links(top, www):
    for name, to in (
            ("out", ".."), ("outfile", "../secret.txt"), ("root", "/"),
            ("absolute", os.path.join(top, "secret.txt")),
            ("in", "digits.txt"), ("indir", "a"), ("self", "."),
            ("loop", "loop"), ("dangling", "nowhere"),
            ("proc", "/proc/self"), ("fd", "/proc/self/fd"),
            ("cwd", "/proc/self/cwd"), ("a/up", "../../secret.txt"),
            ("a/index", "index.html")):
        os.symlink(to, os.path.join(www, name))
    os.makedirs(os.path.join(www, "linked"))
    os.symlink("../digits.txt", os.path.join(www, "linked", "index.html"))


def plant_nodes(www):
    os.mkfifo(os.path.join(www, "fifo"))
    with socket.socket(socket.AF_UNIX) as s:
        s.bind(os.path.join(www, "socket"))
    with contextlib.suppress(PermissionError):      # root alone can
        os.mknod(os.path.join(www, "zero"), 0o20666, os.makedev(1, 5))
        os.mknod(os.path.join(www, "tty"), 0o20666, os.makedev(5, 0))


# Paths.

SERVED = [
    ("/", PAGE), ("/index.html", PAGE), ("/a/", PAGE), ("/a/index.html", PAGE),
    ("/a%20b/", PAGE), ("/digits.txt", DIGITS), ("/%64igits.txt", DIGITS),
    ("/digits%2Etxt", DIGITS), ("/digits%2etxt", DIGITS),
    ("/a%2fdeep%2ffile.txt", DIGITS), ("/a/deep/file.txt", DIGITS),
    ("/gr%C3%BC%C3%9Fe.txt", DIGITS),
    ("/50%25.txt", DIGITS), ("/empty.txt", b""), ("/digits.txt?", DIGITS),
    ("/digits.txt?a=/../b", DIGITS), ("/?..", PAGE)]

UPS = ["..", "%2e%2e", "%2E%2E", ".%2e", "%2e.", "..%2f", "%2e%2e%2f", "..%5c",
       "..\\", "%2e%2e%5c", "...", "....", "..;", "..%20", "..%09", "..%0d",
       "..%0a", "%252e%252e", "%25252e%25252e", "%c0%ae%c0%ae",
       "%e0%80%ae%e0%80%ae", "%f0%80%80%ae%f0%80%80%ae", "%uff0e%uff0e",
       "%ef%bc%8e%ef%bc%8e", "%c0%2e%c0%2e", "..%c0%af", "..%c1%9c",
       "..%e2%88%95", "..%252f", "..%255c", "%2e%2e%252f", "..%01", "..%7f",
       "a/..", "a/../..", "a%2f..%2f..", "./..", ".", "%2e", "./.", ".//.."]

TRICKS = [
    # Names that are there, and not served.
    "/.hidden", "/%2ehidden", "/.git/config", "/%2Egit/config", "/.git/",
    "/.git", "/a/.htaccess", "/..secret", "/...", "/back\\slash",
    "/back%5Cslash", "/back%5cslash", "/con%0atrol", "/%7f", "/listing/",
    "/odd/", "/digits.txt/", "/digits.txt/.", "/digits.txt/..",
    "/digits.txt/index.html", "/a/.", "/a/./index.html", "/a/../digits.txt",
    # Links.
    "/out/secret.txt", "/out/", "/out", "/outfile", "/absolute", "/root/",
    "/root/etc/passwd", "/in", "/indir/", "/indir", "/indir/index.html",
    "/self/digits.txt", "/self/self/self/digits.txt", "/loop", "/loop/",
    "/dangling", "/proc/environ", "/proc/root/etc/passwd", "/fd/0", "/fd/3",
    "/cwd/", "/a/up", "/a/index", "/linked/", "/linked/index.html",
    # What is no file.
    "/fifo", "/fifo/", "/socket", "/zero", "/tty",
    # Empty names, and paths from the root.
    "//", "//digits.txt", "/a//index.html", "/a//", "///etc/passwd",
    "//etc/passwd", "/%2fetc/passwd", "/%2Fetc%2Fpasswd", "/etc/passwd",
    "//127.0.0.1/", "/\\\\127.0.0.1\\", "/c:\\secret.txt", "/file:///etc/passwd",
    "/proc/self/environ", "/dev/zero",
    # What the system's calls refuse.
    "/" + "a" * 255, "/" + "a" * 256, "/" + "a/" * 2000, "/" + "%61" * 4000,
    # Another case, another type, a name that goes on.
    "/DIGITS.TXT", "/digits.txt%20", "/digits.txt.", "/digits.txt~",
    "/digits.txt::$DATA", "/digits.txt;a", "/digits", "/*", "/index.htm"]

MALFORMED = [
    "/digits.txt%00", "/%00", "/%00/digits.txt", "/digits%00.txt",
    "/digits.txt%00.html", "/..%00/secret.txt", "/%", "/%2", "/%zz", "/%2x",
    "/%u002e", "/digits.txt%", "/%%32%65%%32%65/secret.txt"]


def ups():
    """Ways up, at some depths, to what is there."""
    return ["/%s%s%s" % (start, up, end) for up in UPS
            for start in ("", "a/", "a/deep/") for end in (
                "/secret.txt", "/www-secret/secret.txt")] + [
        "/" + (up + "/") * 12 + "etc/passwd" for up in UPS]


def test_served(tap, server):
    for (path, body), response in zip(SERVED, in_parallel(
            lambda row: get(server, row[0]), SERVED)):
        tap.ok(is_page(response, body), "%s is served" % ascii(path), response)


def test_tricks(tap, server):
    tricks = list(dict.fromkeys(TRICKS + ups()))
    tap.ok(len(tricks) >= 100, "%d tricks are tried" % len(tricks))
    for path, response in zip(tricks, in_parallel(
            lambda path: get(server, path), tricks)):
        tap.ok(response.is_refusal() and response.status in (400, 404)
               and SECRET not in response.body, "%.60s is refused"
               % ascii(path), response)
    for path in MALFORMED:
        response = get(server, path)
        tap.ok(response.is_refusal() and response.status == 400,
               path + " is malformed", response)


def test_unreadable(tap, server, www):
    """Root may read all; then there is nothing to see."""
    path = os.path.join(www, "unreadable")
    write(path, SECRET)
    os.chmod(path, 0)
    status = 200 if os.geteuid() == 0 else 403
    tap.ok(get(server, "/unreadable").status == status,
           "an unreadable file is answered %d" % status)
    os.unlink(path)


def test_directories(tap, server):
    for path, location in (
            ("/a", "/a/"), ("/a?b=c", "/a/?b=c"), ("/a%20b", "/a%20b/"),
            ("/a/deep", "/a/deep/"), ("/listing", "/listing/"),
            ("/odd/index.html", "/odd/index.html/")):
        response = get(server, path)
        tap.ok(response.is_refusal() is False and response.status == 301
               and response.values("location") == [location],
               "%s is redirected to %s" % (path, location), response)


# Races: names that change while they are looked up.

class Swapping(Meanwhile):
    """Turns a directory into a link to another place and back, all the time."""

    def __init__(self, www):
        super().__init__()
        self.name = os.path.join(www, "swapped")
        self.spare = os.path.join(www, "spare")
        write(os.path.join(self.name, "secret.txt"), DIGITS)
        os.symlink("..", self.spare)
        self.count = 0

    def _run(self):
        exchange = ("import ctypes,sys\n"
                    "libc = ctypes.CDLL(None)\n"
                    "a, b = (name.encode() for name in sys.argv[1:])\n"
                    "while True:\n"
                    "    libc.renameat2(-100, a, -100, b, 2)\n")
        process = subprocess.Popen(
            ["/usr/bin/python3", "-c", exchange, self.name, self.spare])
        self.over.wait()
        process.kill()
        process.wait()


def test_race(tap, server, www, how):
    paths = ["/swapped/secret.txt", "/swapped/www-secret/secret.txt"] * 200
    with Swapping(www):
        answers = in_parallel(lambda path: get(server, path), paths)
    bodies = {answer.body for answer in answers if answer.status == 200}
    tap.ok(all(SECRET not in answer.body for answer in answers),
           how + ": a directory that becomes a link never leads out")
    tap.ok(bodies == {DIGITS} and {a.status for a in answers} == {200, 404},
           how + ": and both were met", {a.status for a in answers})
    for name in ("swapped", "spare"):
        path = os.path.join(www, name)
        if os.path.islink(path):
            os.unlink(path)
        else:
            os.unlink(os.path.join(path, "secret.txt"))
            os.rmdir(path)


class WithoutOpenat2(Listener):
    """As on a kernel that has no openat2."""

    def start(self, argv, env=None, stdout=None):
        super().start(["strace", "-D", "-f", "-qq", "--seccomp-bpf", "-o",
                       self.path("strace"), "-e", "trace=openat2", "-e",
                       "inject=openat2:error=ENOSYS", *argv], env, stdout)


def test_walk(tap, www):
    with WithoutOpenat2(["echo:"], ["--www", www]) as server:
        test_served(tap, server)
        test_tricks(tap, server)
        test_directories(tap, server)
        test_race(tap, server, www, "without openat2")
        with open(server.path("strace")) as f:
            tap.ok("ENOSYS" in f.read(), "openat2 was not there")


# Methods and fields.

def without_date(response):
    return [field for field in response.fields if field[0] != "date"]


def test_methods(tap, server):
    for path in ("/", "/digits.txt", "/empty.txt", "/a", "/nowhere",
                 "/.hidden"):
        full, head = get(server, path), get(server, path, "HEAD")
        tap.ok(head.status == full.status and not head.body
               and without_date(head) == without_date(full),
               "HEAD %s is GET without the body" % path, head)
    for method in ("POST", "PUT", "DELETE", "PROPFIND", "get"):
        response = get(server, "/", method)
        allowed = ", ".join(response.values("allow")).split(", ")
        tap.ok(response.status == 405 and response.is_refusal()
               and sorted(allowed) == ["GET", "HEAD"],
               method + " is not allowed", response)


TYPES = {
    "a.html": "text/html; charset=utf-8", "a.HTML": "text/html; charset=utf-8",
    "a.js": "text/javascript; charset=utf-8",
    "a.css": "text/css; charset=utf-8", "a.svg": "image/svg+xml",
    "a.min.js": "text/javascript; charset=utf-8", "a.png": "image/png",
    "a.json": "application/json", "a.wasm": "application/wasm",
    "a.woff2": "font/woff2", "a.mp4": "video/mp4",
    "a": "application/octet-stream", "html": "application/octet-stream",
    "a.unknown": "application/octet-stream",
    "d.html/a": "application/octet-stream", "d.js/": "text/html; charset=utf-8"}


def test_types(tap, server, www):
    for name, kind in TYPES.items():
        file = name + "index.html" if name.endswith("/") else name
        write(os.path.join(www, "types", file), b"x")
        response = get(server, "/types/" + name)
        tap.ok(response.values("content-type") == [kind]
               and response.values("x-content-type-options") == ["nosniff"],
               "%s is %s" % (name, kind), response)


# Ranges: what is wanted is made from the numbers, not from the text.

def part(first, last=None):
    """"bytes=first-last", and the bytes that those are, or None."""
    data = DIGITS[first:None if last is None else last + 1]
    return ("bytes=%d-%s" % (first, "" if last is None else last),
            data or None)


def suffix(length):
    return "bytes=-%d" % length, DIGITS[-length:] if length else None


WHOLE = [       # what is ignored
    "bytes=", "bytes", "bytes=-", "bytes=a-b", "bytes=0", "bytes=0-1-2",
    "bytes=5-4", "bytes=0-1,3-4", "bytes=0-1, 3-4", "bytes=-1,-2",
    "bytes=0-0,", "items=0-1", "bytes 0-1", "bytes=0x1-2", "bytes=+1-2",
    "bytes=--1", "bytes=1--2", "bytes=0-1;", "bytes = 0-1", "=0-1", "",
    "bytes=0-1 0-1", "bytes=" + ",".join(["0-"] * 1000)]

HUGE = 1 << 64


def ranges():
    edges = (0, 1, 50, 98, 99, 100, 101, HUGE, HUGE * HUGE)
    yield from (part(first, last) for first in edges for last in edges
                if first <= last)
    yield from (part(first) for first in edges)
    yield from (suffix(length) for length in edges)


def test_ranges(tap, server):
    rows = list(ranges())
    for (text, data), response in zip(rows, in_parallel(
            lambda row: get(server, "/digits.txt",
                            fields=[("Range", row[0])]), rows)):
        if data is None:
            tap.ok(response.status == 416 and response.is_refusal()
                   and response.values("content-range") == ["bytes */100"],
                   text + " is not there", response)
            continue
        tap.ok(is_page(response, data, 206) and re.fullmatch(
            r"bytes \d+-\d+/100", response.values("content-range")[0]),
            text + " is a part", response)
    numbered = get(server, "/digits.txt", fields=[("Range", "bytes=17-42")])
    tap.ok(numbered.values("content-range") == ["bytes 17-42/100"],
           "a part says where it stands", numbered)
    tail = get(server, "/digits.txt", fields=[("range", "BYTES=-3")])
    tap.ok(tail.values("content-range") == ["bytes 97-99/100"],
           "so does the end", tail)


def test_no_ranges(tap, server):
    for text in WHOLE:
        response = get(server, "/digits.txt", fields=[("Range", text)])
        tap.ok(is_page(response, DIGITS)
               and not response.values("content-range"),
               "%.40s is ignored" % ascii("Range: " + text), response)
    head = get(server, "/digits.txt", "HEAD", [("Range", "bytes=0-1")])
    tap.ok(head.status == 200
           and head.values("content-length") == [str(len(DIGITS))],
           "HEAD knows no ranges", head)
    for text, status in (("bytes=0-", 416), ("bytes=-1", 200),
                         ("bytes=-0", 416)):
        response = get(server, "/empty.txt", fields=[("Range", text)])
        tap.ok(response.status == status,
               "of an empty file, %s is %d" % (text, status), response)


# Conditions.

MODIFIED = 1700000000       # Tue, 14 Nov 2023 22:13:20 GMT


def dates(when):
    """The three forms of RFC 9110 5.6.7."""
    moment = datetime.datetime.fromtimestamp(when, datetime.timezone.utc)
    return (moment.strftime("%a, %d %b %Y %H:%M:%S GMT"),
            moment.strftime("%A, %d-%b-%y %H:%M:%S GMT"),
            moment.strftime("%a %b %e %H:%M:%S %Y"))


def conditions(tag):
    """Fields, and the status that they lead to."""
    other = '"other"'
    for text, here in ((tag, True), ("W/" + tag, True), ("*", True),
                       (other, False), ("%s, %s" % (other, tag), True),
                       ("%s,W/%s" % (other, tag), True), ('"a,b"', False),
                       ('"a, %s' % tag, False), (tag[:-1], False),
                       (tag.strip('"'), False), ("", False),
                       (other + ", *", True), (" ," + tag, True)):
        yield [("If-None-Match", text)], 304 if here else 200
        strong = here and not ("W/" in text)
        yield [("If-Match", text)], 200 if strong else 412
    for off, seen in ((-1, 200), (0, 304), (1, 304), (86400 * 9, 304)):
        for date in dates(MODIFIED + off):
            yield [("If-Modified-Since", date)], seen
            yield [("If-Unmodified-Since", date)], 412 if off < 0 else 200
    now = dates(MODIFIED)[0]
    for text in ("", "yesterday", now + " x", now[:-4], now.replace(":", "."),
                 "0", str(MODIFIED)):
        yield [("If-Modified-Since", text)], 200
        yield [("If-Unmodified-Since", text)], 200
    yield [("If-None-Match", other), ("If-Modified-Since", now)], 200
    yield [("If-None-Match", tag), ("If-Modified-Since", dates(0)[0])], 304
    yield [("If-Match", tag), ("If-Unmodified-Since", dates(0)[0])], 200
    yield [("If-Match", tag), ("If-None-Match", tag)], 304
    yield [("If-Match", other), ("If-None-Match", tag)], 412
    yield [("If-None-Match", other), ("If-None-Match", tag)], 304
    yield [("If-None-Match", tag), ("Range", "bytes=0-1")], 304
    yield [("If-None-Match", other), ("Range", "bytes=0-1")], 206
    yield [("If-Match", tag), ("Range", "bytes=200-")], 416


def test_conditions(tap, server):
    plain = get(server, "/dated.txt")
    tag = plain.values("etag")[0]
    tap.ok(re.fullmatch(r'"[^"]+"', tag)
           and plain.values("last-modified") == [dates(MODIFIED)[0]],
           "a page has a strong ETag and its date", plain)
    date = email.utils.parsedate_to_datetime(plain.values("date")[0])
    tap.ok(abs(date.timestamp() - time.time()) < 60, "and says what time it is")
    for fields, status in conditions(tag):
        response = get(server, "/dated.txt", fields=fields)
        name = ", ".join("%s: %s" % field for field in fields)
        tap.ok(response.status == status, "%s is %d" % (ascii(name), status),
               response)
        if status == 304:
            kept = ("etag", "last-modified", "cache-control")
            tap.ok(not response.body and not response.values("content-length")
                   and all(response.values(name) == plain.values(name)
                           for name in kept), "it has no body", response)


def test_if_range(tap, server, www):
    tag = get(server, "/dated.txt").values("etag")[0]
    now = dates(MODIFIED)[0]
    for text, status in ((tag, 206), ("W/" + tag, 200), ('"other"', 200),
                         (now, 206), (dates(MODIFIED)[1], 200),
                         (dates(MODIFIED + 1)[0], 200), ("*", 200)):
        response = get(server, "/dated.txt", fields=[
            ("If-Range", text), ("Range", "bytes=1-2")])
        tap.ok(response.status == status and response.body == (
            DIGITS if status == 200 else DIGITS[1:3]),
            "If-Range: %s is %d" % (text, status), response)
    write(os.path.join(www, "young.txt"), DIGITS)
    ahead = time.time() + 30
    os.utime(os.path.join(www, "young.txt"), (ahead, ahead))
    young = get(server, "/young.txt").values("last-modified")[0]
    response = get(server, "/young.txt", fields=[
        ("If-Range", young), ("Range", "bytes=1-2")])
    tap.ok(response.status == 200,
           "If-Range with a date that is not over is 200", response)


def test_tags(tap, server, www):
    """A change of size, time or file is another tag."""
    path = os.path.join(www, "changing.txt")
    seen = []
    for number, (size, when) in enumerate(((1, 5), (2, 5), (2, 6), (2, 5))):
        name = path + ".%d" % number
        write(name, b"x" * size)
        os.utime(name, ns=(when, when))
        if number:      # keep the one before, lest its number be used again
            os.rename(path, path + ".old.%d" % number)
        os.rename(name, path)
        seen.append(get(server, "/changing.txt").values("etag")[0])
    tap.ok(len(set(seen)) == 4, "each change makes another ETag", seen)


# Large files, slow and vanished clients.

def test_large(tap, www):
    data = random.Random(50).randbytes(LARGE)
    write(os.path.join(www, "large.bin"), data)
    with Listener(["echo:"], ["--www", www]) as server:
        for fields, wanted in (
                ([], data), ([("Range", "bytes=1000-")], data[1000:]),
                ([("Range", "bytes=1-%d" % (LARGE - 2))], data[1:-1]),
                ([("Range", "bytes=-70000")], data[-70000:])):
            response = get(server, "/large.bin", fields=fields)
            tap.ok(response.status == (206 if fields else 200)
                   and response.body == wanted,
                   "50 MiB%s arrive whole"
                   % (", " + fields[0][1] if fields else ""),
                   (response.status, len(response.body)))


class Traced(Listener):
    """With every system call of every process in a file."""

    def start(self, argv, env=None, stdout=None):
        super().start(["strace", "-D", "-f", "-qq", "-o", self.path("strace"),
                       *argv], env, stdout)

    def calls(self, name):
        with open(self.path("strace")) as f:
            return re.findall(r"^\d+ +%s\((.*)$" % name, f.read(), re.M)


def test_calls(tap, www):
    with Traced(["echo:"], ["--www", www]) as server:
        get(server, "/digits.txt")
        small = len(server.calls("sendto"))
        tap.ok(small == 1 and not server.calls("sendfile"),
               "a small file leaves in one write, with its head", small)
        tap.ok(len(server.calls("openat2")) == 1, "and is one openat2")
    with Traced(["echo:"], ["--www", www]) as server:
        get(server, "/large.bin")
        sent = sum(int(line.rpartition("= ")[2])
                   for line in server.calls("sendfile") if "= -1" not in line)
        tap.ok(sent == LARGE, "a large file leaves by sendfile", sent)
        tap.ok(len(server.calls("sendto")) == 1, "after its head")


def ask_for_large(server, receive=4096):
    """A connection that has asked for 50 MiB, with a small window."""
    sock = socket.socket()
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive)
    sock.connect(server.address)
    sock.sendall(request(server, "/large.bin"))
    return sock


def test_clients_that_stall(tap, www):
    options = ["--www", www, "--write-timeout", "0.5"]
    with Listener(["echo:"], options) as server:
        with ask_for_large(server) as sock:
            sock.recv(1)
        tap.ok("gone" in line_of(server, "/large.bin"),
               "a client that vanishes is in the log", server.log())
    with Listener(["echo:"], options) as server:
        with ask_for_large(server):
            began = time.monotonic()
            line = line_of(server, "/large.bin")
            tap.ok("takes no more bytes" in line
                   and 0.4 < time.monotonic() - began < 10,
                   "a client that never reads is given up", line)
            tap.ok(eventually(lambda: not workers(server)),
                   "and its process ends")
    with Listener(["echo:"], options) as server:
        test_slow(tap, server)
        test_stop(tap, server)


def test_slow(tap, server):
    """Slower as a whole than the write timeout, and so slow that the socket
    calls itself full for longer, but never still for so long."""
    with ask_for_large(server, 1 << 16) as sock:
        got, began = 0, time.monotonic()
        while time.monotonic() - began < 2:
            got += len(sock.recv(1 << 14))
            time.sleep(0.02)
        while data := sock.recv(1 << 20):
            got += len(data)
    tap.ok(got > LARGE, "a slow client gets all of it", got)


def test_stop(tap, server):
    """What is being sent ends at once."""
    with ask_for_large(server) as sock:
        sock.recv(1)
        pid = worker(server)
        os.kill(pid, signal.SIGTERM)
        tap.ok(eventually(lambda: not workers(server)),
               "SIGTERM ends an answer", server.log())


# Other clients.

def test_curl(tap, server, www):
    url = "http://%s/large.bin" % server.host
    copy = os.path.join(os.path.dirname(www), "copy")
    with open(os.path.join(www, "large.bin"), "rb") as f:
        wanted = hashlib.sha256(f.read()).hexdigest()
    write(copy, b"")
    for options in (["-r", "0-1999999", "-o", copy],
                    ["-C", "-", "-o", copy]):
        subprocess.run(["curl", "-sS", *options, url], check=True)
    with open(copy, "rb") as f:
        tap.ok(hashlib.sha256(f.read()).hexdigest() == wanted,
               "curl fetches a part and goes on")
    etag = os.path.join(os.path.dirname(www), "etag")
    statuses = [subprocess.run(
        ["curl", "-sS", "--etag-save", etag, *compare, "-o", "/dev/null",
         "-w", "%{http_code}", url], check=True, capture_output=True,
        text=True).stdout for compare in ([], ["--etag-compare", etag])]
    tap.ok(statuses == ["200", "304"], "curl asks by ETag", statuses)
    paths = subprocess.run(
        ["curl", "-sS", "--path-as-is", "http://%s/a/../../secret.txt"
         % server.host], check=True, capture_output=True).stdout
    tap.ok(SECRET not in paths, "curl --path-as-is gets no secret", paths)


def test_chromium(tap, www):
    write(os.path.join(www, "parts", "index.html"),
          b'<!DOCTYPE html><link rel="stylesheet" href="a.css">'
          b'<script src="a.js"></script><img src="a.svg" alt="">')
    write(os.path.join(www, "parts", "a.css"), b"body { color: #123456 }")
    write(os.path.join(www, "parts", "a.js"), b'window.ran = "yes";')
    write(os.path.join(www, "parts", "a.svg"),
          b'<svg xmlns="http://www.w3.org/2000/svg" width="7" height="7"/>')
    with Listener(["echo:"], ["--www", www]) as server, Browser() as chromium:
        chromium.open("http://%s/parts" % server.host)
        saw = chromium.run(
            'return [location.pathname, window.ran, '
            'getComputedStyle(document.body).color, '
            'document.images[0].naturalWidth]')
        tap.ok(saw == ["/parts/", "yes", "rgb(18, 52, 86)", 7],
               "Chromium gets a page, its style, script and image", saw)
        chromium.open("http://%s/parts/" % server.host)
        tap.ok(eventually(lambda: any('"/parts/" 304 ' in line
                                      for line in server.log())),
               "Chromium asks whether it has changed", server.log())


def test_beside_sockets(tap, server):
    with opened(server, "/digits.txt") as connection:
        connection.send(rawclient.frame(rawclient.TEXT, b"hello"))
        tap.ok(connection.event() == ("text", b"hello"),
               "a path that is a page is a socket, too")
        connection.send(rawclient.close(1000))
        connection.rest()


def main():
    tap = Tap()
    with same_descriptors(), tempfile.TemporaryDirectory() as top:
        www = plant(top)
        write(os.path.join(www, "dated.txt"), DIGITS)
        os.utime(os.path.join(www, "dated.txt"), (MODIFIED, MODIFIED))
        with Listener(["echo:"], ["--www", www]) as server:
            test_served(tap, server)
            test_tricks(tap, server)
            test_directories(tap, server)
            test_unreadable(tap, server, www)
            test_race(tap, server, www, "with openat2")
            test_methods(tap, server)
            test_types(tap, server, www)
            test_ranges(tap, server)
            test_no_ranges(tap, server)
            test_conditions(tap, server)
            test_if_range(tap, server, www)
            test_tags(tap, server, www)
            test_beside_sockets(tap, server)
        test_walk(tap, www)
        test_large(tap, www)
        test_calls(tap, www)
        test_clients_that_stall(tap, www)
        with Listener(["echo:"], ["--www", www]) as server:
            test_curl(tap, server, www)
        test_chromium(tap, www)
    tap.finish()


if __name__ == "__main__":
    main()
