"""The examples, started by the commands of examples/README.md; those with a
page in Chromium.

With SCREENSHOTS=directory in the environment, pictures of them are left there.
"""

import contextlib
import os
import re
import shlex
import signal
import socket
import tempfile
import time

import rawclient
from browser import ENTER, Browser
from server import Listener, Server, binary
from tap import Tap
from ws_test import (PATIENCE, eventually, in_parallel, opened, payloads,
                     until_end, worker, workers)

TOP = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..")


def commands():
    """The command of each row of the table that starts ws-cgi."""
    with open(os.path.join(TOP, "examples", "README.md")) as f:
        return dict(re.findall(
            r"^\| `([^`]+)` \|.*\| `build/ws-cgi --listen 8080 (.*)` \|$",
            f.read(), re.MULTILINE))


class ForkingOff(Server):
    """The application that forks off ws-cgi, by its command of the table."""

    def __init__(self):
        super().__init__()
        with open(os.path.join(TOP, "examples", "README.md")) as f:
            command = re.search(r"`(examples/forkoff/app.py 8080 .*)` \|$",
                                f.read(), re.MULTILINE)[1]
        with socket.create_server(("127.0.0.1", 0)) as free:
            self.address = free.getsockname()
        self.host = "127.0.0.1:%d" % self.address[1]
        words = [os.path.join(TOP, word) if word.startswith("examples/")
                 else word for word in shlex.split(command)]
        words[1:3] = [str(self.address[1]), binary()]
        try:
            self.start(words)
            eventually(self.is_there)
        except BaseException:
            self.stop()
            raise

    def is_there(self):
        with contextlib.suppress(ConnectionRefusedError):
            self.connect().close()
            return True


class Example(Listener):
    """A command of the table on a port of its own, with other files."""

    def __init__(self, command, **instead):
        for theirs, ours in instead.items():
            command = command.replace("/" + theirs.replace("_", "/"), ours)
        words = [os.path.join(TOP, word) if word.startswith("examples/")
                 else word for word in shlex.split(command)]
        options = []
        while words[0].startswith("--") and words[0] != "--":
            options += [words.pop(0), words.pop(0)]
        super().__init__(words[words[0] == "--":], options)


def test_first(tap, table):
    for name in ("first/first.sh", "first/first.py", "first/first.pl",
                 "first/first.js"):
        with Example(table[name]) as server, opened(server) as connection:
            greeting = connection.event()
            tap.ok(greeting[0] == "text" and re.fullmatch(
                rb"Hello 127\.0\.0\.1, process \d+ is yours\.", greeting[1]),
                name + " greets", greeting)
            for line, answer in ((b"one", b"1: ONE"), (b"two", b"2: TWO")):
                connection.send(rawclient.frame(rawclient.TEXT, line))
                event = connection.event()
                tap.ok(event == ("text", answer), name + " answers", event)
            connection.send(rawclient.close(1000))
            until_end(connection)


def open_page(browser, server):
    """Anew: a change of the fragment alone would load nothing."""
    browser.screen(1000, 700)
    browser.open("http://%s/" % server.host)


def text_of(browser, selector):
    return browser.run("return document.querySelector(arguments[0]).innerText",
                       selector)


def shows(browser, selector, text):
    return eventually(lambda: text in text_of(browser, selector))


def looks(tap, browser, name):
    """Fits a phone, knows the dark, and leaves its pictures."""
    colours = set()
    for size, scheme in (((1000, 700), "light"), ((390, 844), "dark")):
        browser.screen(*size, scheme)
        colours.add(browser.run(
            "return getComputedStyle(document.body).backgroundColor"))
        tap.ok(browser.run("return document.documentElement.scrollWidth"
                           " <= window.innerWidth"),
               "%s: nothing sticks out of %d columns" % (name, size[0]))
        if "SCREENSHOTS" in os.environ:
            browser.screenshot(os.path.join(
                os.environ["SCREENSHOTS"], "%s-%s.png" % (name, scheme)))
    tap.ok(len(colours) == 2, name + ": dark where wanted", colours)


def test_forkoff(tap, browser, server):
    greeting = re.compile(rb"Hello 127\.0\.0\.1, process \d+ is yours\.")
    with contextlib.ExitStack() as stack:
        for number in range(3):
            connection = stack.enter_context(
                rawclient.Connection(server.connect()))
            connection.send(rawclient.request(server.host, "/chat")
                            + rawclient.frame(rawclient.TEXT, b"early"))
            connection.upgraded()
            got = [connection.event(), connection.event()]
            tap.ok(greeting.fullmatch(got[0][1])
                   and got[1] == ("text", b"1: EARLY"),
                   "forkoff: connection %d is forked off" % number, got)
    open_page(browser, server)
    tap.ok(shows(browser, "#log", "Hello 127.0.0.1"),
           "forkoff: its page hears the program")


def test_count(tap, browser, server):
    open_page(browser, server)
    tap.ok(shows(browser, "#state", "Counting"), "count: the page connects")
    looks(tap, browser, "count")
    tap.ok(shows(browser, "#number", "3"), "count: it counts",
           text_of(browser, "#number"))
    tap.ok(shows(browser, "#state", "It has counted"),
           "count: and ends", text_of(browser, "#state"))
    tap.ok(text_of(browser, "#number") == "10", "count: at ten")
    tap.ok(eventually(lambda: any("close=1000/1000 exit=0" in line
                                  for line in server.log())),
           "count: with a clean close", server.log())
    browser.click("#again")
    tap.ok(shows(browser, "#state", "Counting"), "count: and again")


def test_ticker(tap, browser, server):
    open_page(browser, server)
    drawn = "return document.getElementById('line').getAttribute('d')"
    tap.ok(eventually(lambda: (browser.run(drawn) or "").count("L") > 1),
           "ticker: what comes is drawn", browser.run(drawn))
    with open("/proc/loadavg") as f:
        load = float(f.read().split()[0])
    shown = float(text_of(browser, "#now"))
    tap.ok(abs(shown - load) < 1, "ticker: it is the load", (shown, load))
    browser.run("for (let i = 0; i < 200; i++)"
                "    tick(2 + Math.sin(i / 9) + Math.sin(i / 4) / 3);")
    tap.ok(browser.run(drawn).count("L") == 119,
           "ticker: two minutes are kept")
    looks(tap, browser, "ticker")


def test_chat(tap, browser, server):
    open_page(browser, server)
    browser.type("#line", "Anna" + ENTER)
    tap.ok(shows(browser, "#log", "Anna came"), "chat: one enters",
           text_of(browser, "#log"))
    with opened(server) as other:
        for line in (b"Bert", b"hello: you <b>there</b>"):
            other.send(rawclient.frame(rawclient.TEXT, line))
        tap.ok(shows(browser, "#log", "Bert hello: you <b>there</b>"),
               "chat: one hears the other", text_of(browser, "#log"))
        browser.type("#line", "hello Bert" + ENTER)
        heard = [other.event()[1] for _ in range(4)]
        tap.ok(heard == [b"* Anna came", b"* Bert came",
                         b"Bert: hello: you <b>there</b>",
                         b"Anna: hello Bert"],
               "chat: the other hears all, and what was before", heard)
        other.send(rawclient.close(1000))
        until_end(other)
    tap.ok(shows(browser, "#log", "Bert left"), "chat: and leaves",
           text_of(browser, "#log"))
    looks(tap, browser, "chat")


def test_job(tap, browser, server):
    open_page(browser, server)
    browser.click("#start")
    tap.ok(shows(browser, "#percent", "30 %"), "job: its progress is shown")
    looks(tap, browser, "job")
    tap.ok(shows(browser, "#state", "Finished at"), "job: and its result",
           text_of(browser, "#state"))
    tap.ok(text_of(browser, "#percent") == "100 %", "job: it was all done")
    browser.click("#start")
    shows(browser, "#percent", "5 %")
    browser.click("#cancel")
    tap.ok(shows(browser, "#state", "Cancelled"), "job: it can be cancelled",
           text_of(browser, "#state"))
    tap.ok(eventually(lambda: not workers(server), 10),
           "job: then no process of it is left", server.log())


def test_tail(tap, browser, server, log):
    open_page(browser, server)
    tap.ok(shows(browser, "#log", "line 59"), "tail: the end is there")
    tap.ok("line 9\n" not in text_of(browser, "#log"), "tail: and no more")
    with open(log, "ab") as f:
        f.write(b"a new line\nand \xff one\n")
    tap.ok(shows(browser, "#log", "a new line\n\nand \ufffd one"),
           "tail: new lines come", text_of(browser, "#log")[-60:])
    os.rename(log, log + ".1")
    with open(log, "w") as f:
        f.write("after rotation\n")
    tap.ok(shows(browser, "#log", "after rotation"),
           "tail: the log is followed over its rotation")
    looks(tap, browser, "tail")
    browser.type("#filter", "rotation")
    tap.ok(eventually(lambda: text_of(browser, "#log").strip()
                      == "after rotation"), "tail: lines are filtered",
           text_of(browser, "#log"))


def say(connection, *lines):
    for line in lines:
        connection.send(rawclient.frame(rawclient.TEXT, line))


def painted(browser, x, y):
    """Whether something is drawn there, in the units of a stroke."""
    return browser.run("""
        const sheet = document.getElementById("sheet");
        const [x, y] = arguments;
        return sheet.getContext("2d").getImageData(
            x * sheet.width / 2000, y * sheet.height / 1500, 1, 1).data[3];
    """, x, y) > 0


def heard(connection, enough):
    """The lines of a sheet until enough(lines), or until it takes too long."""
    lines, deadline = [], time.monotonic() + PATIENCE
    while not enough(lines) and time.monotonic() < deadline:
        event = connection.event(1)
        lines += payloads([event] if event else [], "text")
    return lines


def play(server, lines, enough):
    """Send the lines; returns those that come until enough of them have."""
    with opened(server) as connection:
        say(connection, *lines)
        seen = heard(connection, enough)
        connection.send(rawclient.close(1000))
        until_end(connection)
        return seen


def heard_stroke(connection):
    """The points of one with three, and its pens, from the pieces that it
    comes in."""
    def points(lines):
        return list(dict.fromkeys(re.findall(
            rb"\d+ \d+", b" ".join(line[len("0 14 "):] for line in lines))))

    lines = heard(connection, lambda lines: len(points(lines)) >= 3)
    return points(lines), {line[:len("0 14 ")] for line in lines}


def test_strokes(tap, browser, server):
    """What one draws is seen by the other, and by who comes later."""
    stroke = b"4 48 100 100 700 300"
    with opened(server) as other:
        for pointer in ("mouse", "touch", "pen"):
            browser.draw("#sheet", [(0, 0), (20, 10), (40, 40)], pointer)
            points, pens = heard_stroke(other)
            tap.ok(len(points) == 3 and pens == {b"0 14 "},
                   "canvas: a %s draws, for others" % pointer, (points, pens))
        say(other, b"<b>", b"7 9 1 1", b"1 0 1 1", b"1 9 1", b"1 9 10000 1",
            b"1 9 1 1 x", b"1 9" + 49 * b" 1 1", b"", stroke)
        tap.ok(eventually(lambda: painted(browser, 400, 200)),
               "canvas: others' strokes are drawn")
        drawn = heard(other, lambda lines: stroke in lines)
        tap.ok(drawn[-1:] == [stroke] and all(
            line.startswith(b"0 14 ") for line in drawn[:-1]),
            "canvas: what is no stroke is not passed on", drawn)
        open_page(browser, server)
        tap.ok(eventually(lambda: painted(browser, 400, 200)
                          and painted(browser, 1000, 750)),
               "canvas: who comes later sees the picture")
        looks(tap, browser, "canvas")
        browser.screen(1000, 700)
        other.send(rawclient.close(1000))
        until_end(other)


def test_new_sheet(tap, browser, server, pid):
    browser.click("#new")
    browser.agree()
    tap.ok(eventually(lambda: not painted(browser, 400, 200)),
           "canvas: a new sheet is empty")
    browser.draw("#sheet", [(0, 0), (40, 40)])
    with opened(server) as other:
        lines = heard(other, lambda lines: len(lines) > 2)
        tap.ok(lines[:2] == [b"", b"new"] and lines[2].startswith(b"0 14 "),
               "canvas: and is drawn on", lines)
        other.send(rawclient.close(1000))
        until_end(other)
    os.kill(pid, signal.SIGTERM)
    tap.ok(eventually(lambda: workers(server) not in ([], [pid])),
           "canvas: the page comes back when it was cut off", server.log())
    tap.ok(shows(browser, "#state", "Draw")
           and eventually(lambda: painted(browser, 1000, 750)),
           "canvas: and has the picture", text_of(browser, "#state"))


def sorted_out(lines, number):
    """The lines of each writer, whose mark is their width."""
    marks = [b"2 %d " % mark for mark in range(1, number + 1)]
    return [[line for line in lines if line.startswith(mark)]
            for mark in marks]


def test_crowd(tap, browser, server, sheet):
    """Lines of several at a time stay whole, until the sheet is full."""
    writers, each = 6, 60
    texts = [[b"2 %d %d 1" % (mark, number) + 47 * b" 1000 1000"
              for number in range(each)] for mark in range(1, writers + 1)]
    in_parallel(lambda lines: play(server, lines, lambda seen:
                                   lines[-1] in seen), texts)
    seen = play(server, [], lambda seen: sorted_out(seen, writers) == texts)
    tap.ok(sorted_out(seen, writers) == texts,
           "canvas: strokes of many are whole and in order", len(seen))
    play(server, texts[0] * 40,
         lambda _: os.path.getsize(sheet) >= 1 << 20)
    size = os.path.getsize(sheet)
    tap.ok(size == 1 << 20, "canvas: the file ends at its bound", size)
    tap.ok(shows(browser, "#state", "The sheet is full"),
           "canvas: which the page says", text_of(browser, "#state"))
    eventually(lambda: len(workers(server)) == 1)   # no writer any more
    browser.click("#new")
    browser.agree()
    tap.ok(shows(browser, "#state", "Draw"), "canvas: a new sheet is due then",
           text_of(browser, "#state"))
    size = os.path.getsize(sheet)
    tap.ok(size == len("\nnew\n"), "canvas: of which nothing is used", size)


def test_canvas(tap, browser, server, sheet):
    open_page(browser, server)
    tap.ok(shows(browser, "#state", "Draw something"),
           "canvas: the page connects", text_of(browser, "#state"))
    test_strokes(tap, browser, server)
    test_new_sheet(tap, browser, server, worker(server))
    test_crowd(tap, browser, server, sheet)
    browser.run("socket.onclose = null; socket.close()")
    tap.ok(eventually(lambda: not workers(server)),
           "canvas: who leaves, leaves no process", server.log())


def main():
    tap = Tap()
    table = commands()
    test_first(tap, table)
    with contextlib.ExitStack() as stack:
        directory = stack.enter_context(tempfile.TemporaryDirectory())
        room, log, sheet = (os.path.join(directory, name)
                            for name in ("room", "log", "sheet"))
        with open(log, "w") as f:
            f.writelines("line %d\n" % number for number in range(60))
        servers = {name: stack.enter_context(Example(
            table[name + "/"], tmp_room=room, tmp_sheet=sheet,
            var_log_syslog=log))
            for name in ("count", "ticker", "chat", "canvas", "job", "tail")}
        forking_off = stack.enter_context(ForkingOff())
        browser = stack.enter_context(Browser())
        test_forkoff(tap, browser, forking_off)
        test_count(tap, browser, servers["count"])
        test_ticker(tap, browser, servers["ticker"])
        test_chat(tap, browser, servers["chat"])
        test_canvas(tap, browser, servers["canvas"], sheet)
        test_job(tap, browser, servers["job"])
        test_tail(tap, browser, servers["tail"], log)
    tap.finish()


if __name__ == "__main__":
    main()
