"""A headless Chromium, driven over WebDriver (HTTP with JSON bodies).

    with browser.Browser() as chromium:
        chromium.open("http://127.0.0.1:8080/")
        chromium.run("return document.title")

Its processes end, and its files go, with the block.  Some of them leave their
parent early and become children of the test, where a Listener that stops would
take them for its own: start listeners first, the browser last.
"""

import base64
import http.client
import json
import re
import subprocess

import server

PATIENCE = 60   # s for one command; a cold start on a busy machine is slow

ELEMENT = "element-6066-11e4-a52e-4f735466cecf"     # W3C WebDriver, 12
ENTER = "\ue007"                                    # W3C WebDriver, 17.4.2

ARGUMENTS = [
    "--headless=new", "--no-sandbox", "--disable-gpu", "--disable-quic",
    "--disable-dev-shm-usage", "--disable-sync", "--disable-extensions",
    "--disable-component-update", "--disable-background-networking",
    "--disable-breakpad", "--no-first-run", "--no-proxy-server"]


class Browser(server.Server):
    def __init__(self, more=()):
        """With more arguments of Chromium's."""
        super().__init__()
        self.session, self.arguments = None, [*ARGUMENTS, *more]
        try:
            self._start_driver()
            self._start_browser()
        except BaseException:
            self.stop()
            raise

    def open(self, url):
        """Returns when the page has loaded."""
        self._post("/url", url=url)

    def run(self, script, *args):
        """What the script, the body of a function, returns."""
        return self._post("/execute/sync", script=script, args=args)

    def run_async(self, script, *args):
        """What the script hands to its last argument, a callback."""
        return self._post("/execute/async", script=script, args=args)

    def click(self, selector):
        self._post(self._element(selector) + "/click")

    def type(self, selector, text):
        self._post(self._element(selector) + "/value", text=text)

    def draw(self, selector, points, pointer="mouse"):
        """Press there, at offsets from its middle, move on and let go."""
        origin = {ELEMENT: self._element(selector).rpartition("/")[2]}
        moves = [{"type": "pointerMove", "duration": 0, "origin": origin,
                  "x": x, "y": y} for x, y in points]
        actions = [moves[0], {"type": "pointerDown", "button": 0}, *moves[1:],
                   {"type": "pointerUp", "button": 0}]
        self._post("/actions", actions=[{
            "type": "pointer", "id": pointer, "actions": actions,
            "parameters": {"pointerType": pointer}}])

    def agree(self):
        """To what the page asks by confirm()."""
        self._post("/alert/accept")

    def title(self):
        return self._call("GET", self.session + "/title")

    def screen(self, width, height, colours="light"):
        """A window of that size; colours are those the user prefers."""
        self._devtools("Emulation.setDeviceMetricsOverride", width=width,
                       height=height, deviceScaleFactor=1, mobile=False)
        self._devtools("Emulation.setEmulatedMedia", features=[
            {"name": "prefers-color-scheme", "value": colours}])

    def screenshot(self, path):
        png = self._call("GET", self.session + "/screenshot")
        with open(path, "wb") as f:
            f.write(base64.b64decode(png))

    def stop(self):
        try:
            if self.session:
                self._call("DELETE", self.session)
        finally:
            self.session = None
            super().stop()

    def _start_driver(self):
        """chromedriver chooses its port, and says which on its output."""
        self.start(["/usr/bin/chromedriver", "--port=0"],
                   env={"HOME": self.directory, "TMPDIR": self.directory},
                   stdout=subprocess.PIPE)
        output = self.stack.enter_context(self.process.stdout)
        for line in output:
            found = re.search(rb"started successfully on port (\d+)", line)
            if found:
                self.port = int(found[1])
                return
        raise RuntimeError("chromedriver did not start: %r" % self.log())

    def _start_browser(self):
        profile = "--user-data-dir=" + self.path("profile")
        wanted = {"goog:chromeOptions": {"args": [*self.arguments, profile]},
                  "timeouts": {"script": PATIENCE * 1000}}
        made = self._call("POST", "/session",
                          {"capabilities": {"alwaysMatch": wanted}})
        self.session = "/session/" + made["sessionId"]

    def _element(self, selector):
        found = self._post("/element", using="css selector", value=selector)
        return "/element/" + found[ELEMENT]

    def _devtools(self, command, **params):
        self._post("/goog/cdp/execute", cmd=command, params=params)

    def _post(self, command, **body):
        return self._call("POST", self.session + command, body)

    def _call(self, method, path, body=None):
        driver = http.client.HTTPConnection("127.0.0.1", self.port,
                                            timeout=2 * PATIENCE)
        try:
            driver.request(method, path, json.dumps(body or {}))
            value = json.load(driver.getresponse())["value"]
        finally:
            driver.close()
        if isinstance(value, dict) and "error" in value:
            raise RuntimeError("%(error)s: %(message)s" % value)
        return value
