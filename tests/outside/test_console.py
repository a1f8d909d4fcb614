"""--console: where its page stands, and what a person can do with it, in
Chromium.

With SCREENSHOTS=directory in the environment, pictures of it are left there.
"""

import contextlib
import os
import re
import tempfile

from browser import ENTER, Browser
from server import Listener, same_descriptors
from tap import Tap
from ws_test import ask, eventually, log_fields, lines_of

BYTES = bytes(range(256)) * 20


def request(server, path="/", method="GET"):
    return ask(server, ("%s %s HTTP/1.1\r\nHost: %s\r\n\r\n" % (
        method, path, server.host)).encode())[0]


def is_console(response):
    return (response.status == 200
            and b"<title>ws-cgi: console</title>" in response.body
            and response.values("content-length") == [str(len(response.body))])


def test_where(tap, console, plain, both):
    tap.ok(is_console(request(console)), "the page stands at /")
    tap.ok(is_console(request(console, "/?a=b")), "and at / with a query")
    head = request(console, "/", "HEAD")
    tap.ok(head.status == 200 and not head.body
           and head.values("content-length")
           == request(console).values("content-length"), "HEAD has its length")
    for path in ("/index.html", "/chat", "/%2f", "//", "/.", "/console.html"):
        tap.ok(request(console, path).status == 404, path + " is none")
    tap.ok(request(console, "/", "POST").status == 405, "POST is not allowed")
    tap.ok(request(plain).status == 426, "without --console there is no page")
    tap.ok(request(both).body == b"a page of its own",
           "--www comes first where it has a page")


def test_empty_www(tap, server):
    tap.ok(is_console(request(server)), "and where it has none, the console")
    tap.ok(request(server, "/there.txt").body == b"there",
           "beside the files that it has")


def test_alone(tap, console):
    """It loads nothing, and nobody may frame it."""
    response = request(console)
    tap.ok(not re.search(rb"""(src|href)=["'](?!data:)""", response.body),
           "the page names no other")
    policy = response.values("content-security-policy")[0]
    tap.ok("default-src 'none'" in policy and "frame-ancestors 'none'"
           in policy, "and its policy says so", policy)


def text_of(browser, selector):
    return browser.run("return document.querySelector(arguments[0]).innerText",
                       selector)


def shows(browser, selector, text):
    return eventually(lambda: text in text_of(browser, selector))


def entries(browser):
    """The messages shown: direction, kind and text."""
    return browser.run("""
        return Array.from(document.querySelectorAll("#log > .in, #log > .out"),
            (e) => [e.classList[0], e.querySelector(".kind").innerText,
                e.querySelector("pre").textContent]);""")


def has(browser, *entry):
    return eventually(lambda: list(entry) in entries(browser))


def fill(browser, selector, text):
    browser.run("const e = document.querySelector(arguments[0]);"
                "e.value = arguments[1];", selector, text)


def test_messages(tap, browser, server):
    browser.screen(1100, 760)
    browser.open("http://%s/" % server.host)
    tap.ok(shows(browser, "#state", "Open"), "the page connects")
    browser.type("#text", "Grüße, <i>World</i>" + ENTER)
    for way in ("out", "in"):
        tap.ok(has(browser, way, "text, 21 B", "Grüße, <i>World</i>"),
               "a text is shown: " + way, entries(browser))
    browser.run("document.getElementById('text').value = 'two\\nlines'")
    browser.click("#send")
    tap.ok(has(browser, "in", "text, 9 B", "two\nlines"),
           "a text of two lines comes back", entries(browser))
    browser.click("#send")
    tap.ok(has(browser, "in", "text, 0 B", ""), "and an empty one")
    times = browser.run("return Array.from(document.querySelectorAll("
                        "'#log time'), (e) => e.innerText)")
    tap.ok(len(times) == 7 and all(re.fullmatch(
        r"\d\d:\d\d:\d\d\.\d{3}", time) for time in times),
        "each has its time", times)
    tap.ok(shows(browser, "#counts", "3 in, 30 B · 3 out, 30 B"),
           "all are counted", text_of(browser, "#counts"))


def test_files(tap, browser, directory):
    path = os.path.join(directory, "bytes")
    with open(path, "wb") as f:
        f.write(BYTES)
    browser.type("#files", path)
    eventually(lambda: len(entries(browser)) == 8)
    way, kind, text = entries(browser)[-1]
    lines = text.splitlines()
    tap.ok((way, kind) == ("in", "binary, %d B" % len(BYTES)),
           "a file is sent as binary", (way, kind))
    tap.ok(lines[4] == "000040  40 41 42 43 44 45 46 47 "
           " 48 49 4a 4b 4c 4d 4e 4f @ABCDEFGHIJKLMNO",
           "binary is shown as a dump", lines[4])
    tap.ok(len(lines) == 257 and lines[-1] == "(1024 more bytes)",
           "a long one is cut", lines[-1])
    browser.run("document.querySelector('#log .in .kind').click()")
    tap.ok(entries(browser)[1][2].startswith("000000  47 72 c3 bc c3 9f 65"),
           "a click shows a text as bytes", entries(browser)[1])
    browser.run("document.querySelector('#log .in .kind').click()")
    tap.ok(entries(browser)[1][2] == "Grüße, <i>World</i>",
           "and another one as text again")


def logged(server, path, **fields):
    """Whether the log comes to have a line on path with these fields."""
    return eventually(lambda: any(
        all(value in log_fields(line).get(name, "")
            for name, value in fields.items())
        for line in lines_of(server, path)))


def test_close(tap, browser, server):
    fill(browser, "#code", "1002")
    browser.click("#close")
    tap.ok(shows(browser, "#log", "1002"),
           "a code that browsers do not send is complained about")
    fill(browser, "#code", "4321")
    fill(browser, "#reason", "enough of it")
    browser.click("#close")
    tap.ok(shows(browser, "#state", "Closed 4321, enough of it"),
           "a close shows code and reason", text_of(browser, "#state"))
    tap.ok(logged(server, "/", close="4321/4321", reason="enough of it"),
           "and they reach the log", server.log())
    tap.ok(browser.run("return document.getElementById('send').disabled"),
           "nothing can be sent then")


def test_open(tap, browser, server):
    fill(browser, "#path", "chat?room=1")
    fill(browser, "#protocols", "other, b")
    browser.click("#connect")
    tap.ok(shows(browser, "#state", "Open, subprotocol b"),
           "path and subprotocols are chosen", text_of(browser, "#state"))
    browser.click("#connect")
    tap.ok(logged(server, "/chat?room=1", proto="b", close="1005"),
           "Reconnect closes the one before", server.log())
    tap.ok(shows(browser, "#state", "Open, subprotocol b"), "and opens")
    fill(browser, "#protocols", "b, b")
    browser.click("#connect")
    tap.ok(shows(browser, "#log", "duplicated"), "what cannot be is explained",
           text_of(browser, "#log"))
    browser.open("about:blank")
    browser.open("http://%s/#/deep/path" % server.host)
    shows(browser, "#state", "Open")
    browser.click("#close")
    tap.ok(logged(server, "/deep/path", close="1000/1000"),
           "a path may be in the address", server.log())


def test_flood(tap, browser, server):
    """chargen: sends as fast as it can; the page must still answer."""
    browser.open("http://%s/" % server.host)
    eventually(lambda: int((text_of(browser, "#counts").split() or [0])[0])
               > 20000)
    count = browser.run("return document.getElementById('log').children.length")
    tap.ok(count <= 500, "a flood is shown by its end", count)
    browser.click("#close")
    tap.ok(shows(browser, "#state", "Clos"), "and can be closed")


def test_looks(tap, browser, server, directory):
    colour = "return getComputedStyle(document.body).backgroundColor"
    colours = set()
    for name, size, scheme in (("desktop", (1100, 760), "light"),
                               ("dark", (1100, 760), "dark"),
                               ("phone", (390, 844), "light"),
                               ("phone-dark", (390, 844), "dark")):
        browser.screen(*size, scheme)
        say_something(browser, server, directory)
        colours.add(browser.run(colour))
        tap.ok(browser.run("return document.documentElement.scrollWidth"
                           " <= window.innerWidth"),
               name + ": nothing sticks out sideways")
        tap.ok(browser.run("""
            const dumps = document.querySelectorAll("#log .hex pre");
            return dumps.length === 2 && Array.from(dumps).every(
                (e) => e.scrollWidth <= e.clientWidth);"""),
               name + ": a dump is seen whole")
        tap.ok(browser.run("""
            const close = document.getElementById("close");
            const log = document.getElementById("log");
            return close.getBoundingClientRect().bottom <= window.innerHeight
                && log.clientHeight > 200;"""),
               name + ": all is in sight")
        if "SCREENSHOTS" in os.environ:
            browser.screenshot(os.path.join(os.environ["SCREENSHOTS"],
                                            "console-%s.png" % name))
    tap.ok(len(colours) == 2, "dark where wanted", colours)


def say_something(browser, server, directory):
    browser.open("about:blank")
    browser.open("http://%s/" % server.host)
    shows(browser, "#state", "Open")
    path = os.path.join(directory, "icon.bin")
    with open(path, "wb") as f:
        f.write(BYTES[:100])
    browser.type("#text", "a line of text" + ENTER)
    browser.type("#text", "w" * 300 + ENTER)
    browser.type("#text", '{"id": 7, "what": "Grüße, 世界 😀"}' + ENTER)
    browser.type("#files", path)
    eventually(lambda: len(entries(browser)) == 8)


def main():
    tap = Tap()
    with same_descriptors(), contextlib.ExitStack() as stack:
        directory = stack.enter_context(tempfile.TemporaryDirectory())
        www, empty = (os.path.join(directory, name) for name in "we")
        for name, text in ((www + "/index.html", "a page of its own"),
                           (empty + "/there.txt", "there")):
            os.makedirs(os.path.dirname(name))
            with open(name, "w") as f:
                f.write(text)
        start = lambda *options, bridge="echo:": stack.enter_context(
            Listener([bridge], options))
        console = start("--console", "--protocol", "b")
        flood = start("--console", bridge="chargen:")
        test_where(tap, console, start(), start("--console", "--www", www))
        test_empty_www(tap, start("--console", "--www", empty))
        test_alone(tap, console)
        browser = stack.enter_context(Browser())
        test_messages(tap, browser, console)
        test_files(tap, browser, directory)
        test_close(tap, browser, console)
        test_open(tap, browser, console)
        test_flood(tap, browser, flood)
        test_looks(tap, browser, console, directory)
    tap.finish()


if __name__ == "__main__":
    main()
