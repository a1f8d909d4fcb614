"""Chromium against ws-cgi: the demo page, and scripts of other pages.

With SCREENSHOT=path in the environment, a picture of the demo page is left
there.
"""

import contextlib
import os
import tempfile

from browser import ENTER, Browser
from server import Listener
from tap import Tap
from ws_test import eventually, logged

EXAMPLES = os.path.join(os.path.dirname(os.path.abspath(__file__)),
                        "..", "..", "examples")
PATIENCE = 30       # s for what a page or a log must come to show

# Exits with the status that the first message names.
EXITER = ["sh", "-c", 'read -r status; exit "$status"']

# What the scripts below have at hand; each is the body of an async function.
TOOLS = """
const done = arguments[arguments.length - 1];
const args = Array.from(arguments).slice(0, -1);
const next = (target, name) => new Promise((resolve) =>
    target.addEventListener(name, resolve, { once: true }));
const socket = (host, path, protocols = []) => {
    const ws = new WebSocket("ws://" + host + path, protocols);
    ws.binaryType = "arraybuffer";
    return ws;
};
const opened = async (...how) => {
    const ws = socket(...how);
    await next(ws, "open");
    return ws;
};
const closed = async (ws) => {
    const { code, reason } = await next(ws, "close");
    return { code, reason };
};
const summary = async (data) => {
    const bytes = await new Blob([data]).arrayBuffer();
    const hash = await crypto.subtle.digest("SHA-256", bytes);
    return [typeof data === "string" ? "text" : "binary", bytes.byteLength,
        Array.from(new Uint8Array(hash)).join(" ")];
};
const random = (size) => {
    const bytes = new Uint8Array(size);
    for (let i = 0; i < size; i += 65536)
        crypto.getRandomValues(bytes.subarray(i, i + 65536));
    return bytes;
};
const script = async () => { %s };
script().then(done, (error) => done(String(error)));
"""

ECHO = """
const ws = await opened(location.host, "/");
const message = %s;
ws.send(message);
const { data } = await next(ws, "message");
const saw = { sent: await summary(message), got: await summary(data) };
ws.close();
await next(ws, "close");
return saw;
"""

MESSAGES = {
    "text": '"Grüße, 世界 😀"',
    "an empty message": '""',
    "an ArrayBuffer": "random(4096).buffer",
    "a Blob": "new Blob([random(1000), random(70000)])",
    "an empty ArrayBuffer": "new ArrayBuffer(0)",
    "1 MiB of text": 'Array.from(random(1 << 19),'
                     ' (byte) => byte.toString(16).padStart(2, "0")).join("")',
    "1 MiB of binary": "random(1 << 20)",
}

CLOSES = [(1000, "all said"), (3000, "registered"), (4999, "x" * 123)]


def page(server, name=""):
    return "http://%s/%s" % (server.host, name)


def script(browser, body, *args):
    """What a script gives that uses TOOLS and finds args in `args`."""
    return browser.run_async(TOOLS % body, *args)


def text_of(browser, selector):
    return browser.run("return document.querySelector(arguments[0]).innerText",
                       selector)


def shows(browser, selector, text):
    """Whether the element comes to show the text."""
    return eventually(lambda: text in text_of(browser, selector))


def test_demo(tap, browser, demo):
    browser.screen(1000, 700)
    browser.open(page(demo))
    tap.ok("ws-cgi" in browser.title(), "demo: the page has its title")
    tap.ok(shows(browser, "#state", "Open"), "demo: the page connects")
    tap.ok(shows(browser, "#log", "Hello 127.0.0.1"),
           "demo: the script greets", text_of(browser, "#log"))
    browser.type("#line", "hello, shell script" + ENTER)
    tap.ok(shows(browser, "#log", "1: HELLO, SHELL SCRIPT"),
           "demo: a line is typed and its answer shown",
           text_of(browser, "#log"))
    browser.type("#line", "<i>as typed</i>")
    browser.click("#send")
    tap.ok(shows(browser, "#log", "2: <I>AS TYPED</I>"),
           "demo: markup is shown as text", text_of(browser, "#log"))
    if "SCREENSHOT" in os.environ:
        browser.screenshot(os.environ["SCREENSHOT"])


def test_demo_close(tap, browser, demo):
    """Goes on where test_demo ends: the connection is open."""
    greeting = text_of(browser, "#log .script .text")
    browser.click("#close")
    tap.ok(shows(browser, "#state", "Closed 1000"),
           "demo: Close shows the code", text_of(browser, "#state"))
    tap.ok(logged(demo, '"/"', "close=1000/1000", "closed by the page"),
           "demo: Close and its reason reach the log", demo.log())
    browser.run("document.getElementById('log').textContent = ''")
    browser.click("#reconnect")
    tap.ok(shows(browser, "#log", "Hello 127.0.0.1"),
           "demo: Reconnect connects", text_of(browser, "#log"))
    tap.ok(text_of(browser, "#log .script .text") != greeting,
           "demo: a new connection is a new process", greeting)


def test_demo_looks(tap, browser, demo):
    """Goes on with the page in another window and other colours."""
    background = "return getComputedStyle(document.body).backgroundColor"
    light = browser.run(background)
    browser.screen(390, 844, "dark")
    tap.ok(browser.run(background) != light, "demo: dark where wanted", light)
    browser.type("#line", "w" * 200 + ENTER)
    shows(browser, "#log", "W" * 200)
    tap.ok(browser.run("return document.documentElement.scrollWidth"
                       " <= window.innerWidth"),
           "demo: a phone need not scroll sideways")


def test_messages(tap, browser, echo):
    browser.open(page(echo))
    for name, message in MESSAGES.items():
        saw = script(browser, ECHO % message)
        tap.ok(isinstance(saw, dict) and saw["sent"] == saw["got"],
               name + " comes back", saw)


def test_protocols(tap, browser, echo):
    for offers, chosen in [(["a", "b"], "b"), (["b"], "b"), ([], "")]:
        saw = script(browser, """
            const ws = await opened(location.host, "/", args[0]);
            return ws.protocol;""", offers)
        tap.ok(saw == chosen, "of the subprotocols [%s], [%s] is chosen"
               % (", ".join(offers), chosen), saw)


def test_closes(tap, browser, echo):
    for code, reason in CLOSES:
        path = "/close/%d" % code
        saw = script(browser, """
            const [path, code, reason] = args;
            const ws = await opened(location.host, path);
            ws.close(code, reason);
            return closed(ws);""", path, code, reason)
        tap.ok(saw == {"code": code, "reason": reason},
               "close %d comes back" % code, saw)
        tap.ok(logged(echo, '"%s"' % path, "close=%d/%d" % (code, code),
                      reason),
               "close %d and its reason are in the log" % code, echo.log())


def test_unload(tap, browser, echo):
    """By a reload: a page left for another one may live on in a cache."""
    script(browser, 'await opened(location.host, "/unloaded");')
    browser.open(page(echo))
    tap.ok(logged(echo, '"/unloaded"', "close=1001/1001"),
           "a page that is unloaded closes with 1001", echo.log())


def test_exits(tap, browser, exiter):
    browser.open(page(exiter))
    for status, code, part in [(0, 1000, ""), (3, 1011, "3")]:
        saw = script(browser, """
            const ws = await opened(location.host, "/exits");
            ws.send(args[0]);
            return closed(ws);""", str(status))
        tap.ok(isinstance(saw, dict) and saw["code"] == code
               and part in saw["reason"],
               "exit %d reaches the page as %d" % (status, code), saw)
        tap.ok(logged(exiter, '"/exits"', "/%d" % code, "exit=%d" % status),
               "exit %d is in the log" % status, exiter.log())


def test_origins(tap, browser, here, elsewhere):
    for server, path, wanted in [(here, "/same-origin", "open"),
                                 (elsewhere, "/other-origin", "error")]:
        browser.open(page(server))
        saw = script(browser, """
            const ws = socket(...args);
            return (await Promise.race([next(ws, "open"),
                next(ws, "error")])).type;""", here.host, path)
        tap.ok(saw == wanted, "%s: the page sees %s" % (path, wanted), saw)
    tap.ok(logged(here, '"/other-origin"', " 403"),
           "/other-origin: the log has the 403", here.log())


def main():
    tap = Tap()
    with contextlib.ExitStack() as stack:
        www = stack.enter_context(tempfile.TemporaryDirectory())
        with open(os.path.join(www, "index.html"), "w") as f:
            f.write("<!DOCTYPE html><title>a page</title>")
        demo = stack.enter_context(
            Listener([os.path.join(EXAMPLES, "first", "first.sh")],
                     ["--www", os.path.join(EXAMPLES, "demo")]))
        echo = stack.enter_context(
            Listener(["echo:"], ["--www", www, "--protocol", "b"]))
        exiter = stack.enter_context(Listener(EXITER, ["--www", www]))
        browser = stack.enter_context(Browser())
        test_demo(tap, browser, demo)
        test_demo_close(tap, browser, demo)
        test_demo_looks(tap, browser, demo)
        test_messages(tap, browser, echo)
        test_protocols(tap, browser, echo)
        test_closes(tap, browser, echo)
        test_unload(tap, browser, echo)
        test_exits(tap, browser, exiter)
        test_origins(tap, browser, echo, exiter)
    tap.finish()


if __name__ == "__main__":
    main()
