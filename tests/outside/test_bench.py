"""The benchmark measures what it says: its load sees a wrong byte, a wrong
length, a refusal and a stall; each limit program does its work by the system
calls that it claims; the driver writes a report whose figures are those that
were measured, names who failed, and leaves nothing behind.
"""

import json
import os
import re
import socket
import statistics
import subprocess
import sys
import tempfile
import threading
import xml.dom.minidom

TOP = os.path.abspath(os.path.join(os.path.dirname(__file__), "..", ".."))
BUILD = os.path.abspath(os.environ.get("BUILD", "build"))
os.environ["BENCH"] = os.path.join(BUILD, "bench")
sys.path.insert(0, os.path.join(TOP, "tests", "bench"))
import calls                # noqa: E402
import chart                # noqa: E402
import figures              # noqa: E402
import generator            # noqa: E402
import memory               # noqa: E402
import rawclient            # noqa: E402
import reasons              # noqa: E402
import servers              # noqa: E402
from items import ITEMS, MINE, Bar, Item    # noqa: E402
from server import adopt_orphans, check_orphans, children, \
    same_descriptors        # noqa: E402
from service import Failed, Service     # noqa: E402
from tap import Tap         # noqa: E402

LOAD = os.path.join(BUILD, "bench", "load")
SHAKEN = (b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\n"
          b"Connection: Upgrade\r\nSec-WebSocket-Accept: "
          b"s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n\r\n")
SHORT = ["-t", "0.05", "-q", "0.3"]


# A server that is wrong in one way.

def heard(sock, size):
    """So many bytes, unmasked if they are a short frame with a key."""
    data = b""
    while len(data) < size:
        more = sock.recv(size - len(data))
        if not more:
            return None
        data += more
    return data


def served(listener, answer, says):
    """One client: the handshake's answer, and then what says makes of each
    message of 64 bytes."""
    with listener.accept()[0] as sock:
        request = b""
        while b"\r\n\r\n" not in request:
            request += sock.recv(4096)
        sock.sendall(answer)
        while (head := heard(sock, 6)) and head[0] & 0xf == rawclient.TEXT:
            text = rawclient.mask(heard(sock, 64), head[2:])
            sock.sendall(says(text))
        heard(sock, 2)      # of its Close
        sock.sendall(b"\x88\x00")


def complaint(says, answer=SHAKEN):
    """The load's status and words about such a server."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        listener.settimeout(20)

        def serve():
            try:
                served(listener, answer, says)
            except OSError:
                pass        # the load has had enough
        thread = threading.Thread(target=serve)
        thread.start()
        done = subprocess.run(
            [LOAD, "echo", *SHORT, "-a", str(listener.getsockname()[1])],
            capture_output=True, text=True, timeout=20)
        thread.join()
    return done.returncode, done.stderr


def frame(text):
    return rawclient.frame(rawclient.TEXT, text, masked=False)


WRONG = [
    ("a changed byte", SHAKEN, lambda t: frame(t[:-1] + b"!"), "has changed"),
    ("another message", SHAKEN, lambda t: frame(b"0" * 7 + b"9" + t[8:]),
     "another one"),
    ("a byte too many", SHAKEN, lambda t: frame(t + b"!"), "too long"),
    ("a byte too few", SHAKEN, lambda t: frame(t[:-1]), "too short"),
    ("a masked frame", SHAKEN, lambda t: rawclient.frame(rawclient.TEXT, t),
     "must not have"),
    ("silence", SHAKEN, lambda t: b"", "stalled"),
    ("a Close", SHAKEN, lambda t: b"\x88\x00", "closes"),
    ("a refusal", b"HTTP/1.1 403 Forbidden\r\n\r\n", None, "refused: HTTP/1.1 "
     "403 Forbidden"),
    ("another key's answer", SHAKEN.replace(b"s3pP", b"AAAA"), None,
     "Sec-WebSocket-Accept"),
]


def check_load(tap):
    for name, answer, says, words in WRONG:
        status, said = complaint(says, answer)
        tap.ok(status == 1 and words in said, "the load sees %s" % name,
               (status, said))
    status, said = complaint(frame)
    tap.ok(status == 0, "and nothing in an echo", (status, said))


# The limits.

def small(name, **more):
    """An item as it is, with more or fewer of everything."""
    found = next(item for item in ITEMS if item.name == name)
    return Item(**{**vars(found), **more})


CHEAP = [small("echo-1", pinned=False), small("cat-1", pinned=False),
         small("lines"), small("flood"), small("connect-1"),
         small("start-50", options=("-c", "2")),
         small("idle-1000", options=("-c", "20"))]
CALLS = {"bare echo": 2, "bare relay": 8}


def works(item, candidate):
    """Run it, and return what it comes to and its calls for a message."""
    with Service(candidate) as service:
        if item.mode == "idle":
            with memory.Idle(item, service) as idle:
                opened = idle.next()["open"]
                idle.go_on()
                return opened == idle.next()["messages"] == 20, None
        told = generator.run(item, service, 0.05)
        return (told["messages"] > 0,
                calls.per_message(service) if item.calls else None)


def check_limits(tap):
    for item in CHEAP:
        for candidate in servers.candidates(item):
            if candidate.kind != servers.LIMIT:
                continue
            good, counted = works(item, candidate)
            tap.ok(good, "%s: %s" % (item.name, candidate.name))
            if counted is not None:
                wanted = CALLS[candidate.name.split(",")[0]]
                tap.ok(abs(counted - wanted) < 0.05,
                       "%s: %d calls a message" % (candidate.name, wanted),
                       counted)


def check_failures(tap):
    dead = servers.Candidate("dead", "loop", lambda place, _: servers.Command(
        ["sh", "-c", "echo 'no luck' >&2; exit 3"]))
    deaf = servers.Candidate("deaf", "loop", lambda place, _: servers.Command(
        [servers.tool("relay"), place, "sleep", "5"]), raw=True)
    for candidate, words in (dead, "sh ended with 3: no luck"), \
            (deaf, "stalled"):
        item = small("echo-1", options=("-s", "8", "-q", "0.3"))
        try:
            with Service(candidate) as service:
                generator.run(item, service, 0.05)
            said = "nothing"
        except Failed as error:
            said = str(error)
        tap.ok(words in said, "who is %s is said to be" % candidate.name,
               said)


# The driver and its report.

def bench(name, *arguments):
    return subprocess.run(
        [sys.executable, os.path.join(TOP, "tests", "bench", name),
         *arguments], capture_output=True, text=True, timeout=60,
        env={**os.environ, "BUILD": BUILD})


def check_report(tap):
    with tempfile.TemporaryDirectory() as directory:
        path = os.path.join(directory, "results.json")
        done = bench("bench.py", "--items", "echo-50,stall-echo-64k,grow-1",
                     "--servers", "none", "--rounds", "2", "--seconds", "0.04",
                     "--results", path, "--report", directory)
        if not tap.ok(done.returncode == 0, "a tiny run", done.stderr):
            return
        with open(path) as f:
            found = json.load(f)
        with open(os.path.join(directory, "REPORT.md")) as f:
            page = f.read()
        tap.ok(os.path.getsize(os.path.join(directory, "report.svg")) > 0,
               "the chart is there, too")
    check_page(tap, found, page)


def check_scale(tap):
    with tempfile.TemporaryDirectory() as directory:
        path = os.path.join(directory, "results.json")
        done = bench("scale.py", "--connections", "30", "--step", "20",
                     "--rest", "0", "--results", path)
        if not tap.ok(done.returncode == 0, "idle connections, in steps",
                      done.stderr):
            return
        with open(path) as f:
            builds = json.load(f)["scale"]["builds"]
    tap.ok([each["answered"] for each in builds.values()] == [30, 30],
           "and each of them answers", builds)


def check_page(tap, found, page):
    ours, bare = ([run["server_us"] / run["messages"] for run in
                   found["items"]["echo-50"]["servers"][name]["runs"]]
                  for name in (MINE, "bare echo"))
    figure, ratio = re.search(
        r"^\| %s(?: †)? \| (\S+)[^|]*\| (\S+)" % MINE, page, re.M).groups()
    tap.ok(abs(float(figure) / statistics.median(ours) - 1) < 0.006,
           "the report has the figure that was measured", (figure, ours))
    wanted = statistics.median(a / b for a, b in zip(ours, bare))
    tap.ok(abs(float(ratio) - wanted) < 0.006,
           "and the ratio of paired runs", (ratio, wanted))
    tap.ok(found["machine"]["CPU"] in page and os.uname().nodename
           not in page.split() and BUILD not in page,
           "it says what machine this is, and no name or path of it")
    tap.ok("passes" in page and "## From 1 to 2,000" in page,
           "stalls and growth are tables of their own")


# What is made of figures.

def results_of(ours, peer, limit, share):
    def found(kind, us):
        return {"kind": kind, "shape": "echo", "failed": None, "calls": None,
                "runs": [{"server_us": us, "messages": 1,
                          "own_share": share}]}
    return {"servers": {"bare": found(servers.LIMIT, limit),
                        MINE: found(servers.WS_CGI, ours),
                        "fast": found(reasons.LOOP, peer)}}


def check_figures(tap):
    item = Item("x", "echo", "x", ("echo",), "echo", why="switch", chart=True,
                bars=(Bar(MINE, 1.5, ""), Bar(MINE, 0.5, "fast")))
    table = figures.Table(item, results_of(3, 1, 2.5, 0.3))
    tap.ok([each.met for each in table.verdicts()] == [True, False]
           and all(each.valid for each in table.verdicts()),
           "a bar is met or not")
    lines = reasons.explained(item, table.better())
    tap.ok(len(lines) == 1 and lines[0].startswith("fast (0.33), an event "
                                                   "loop: An event loop"),
           "who is better is named, with the reason", lines)
    marks = xml.dom.minidom.parseString(chart.draw({"x": table}))
    named = [mark.firstChild.data
             for mark in marks.getElementsByTagName("title")
             if mark.firstChild]
    tap.ok(named == ["fast: 0.40", MINE + ": 1.20"],
           "the chart is SVG, with a mark for each server", named)
    table = figures.Table(item, results_of(3, 1, 2.5, 0.8))
    tap.ok(not any(each.valid for each in table.verdicts())
           and not list(table.better()),
           "what a busy load has measured does not count")


def main():
    tap = Tap()
    adopt_orphans()
    before = children()
    with same_descriptors():
        check_load(tap)
        check_limits(tap)
        check_failures(tap)
        check_report(tap)
        check_scale(tap)
        check_figures(tap)
    check_orphans(before)
    tap.ok(children() == before, "nothing is left behind")
    tap.finish()


if __name__ == "__main__":
    main()
