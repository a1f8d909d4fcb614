"""What testssl.sh finds in a listener that speaks TLS: nothing, but for what is
named here with its reason.  It gets nothing but loopback."""

import collections
import json
import shutil
import subprocess

from tap import Tap
from tls import Authority, TlsListener

PATIENCE = 400      # s; it takes half a minute
TRIES = 3
SECTIONS = ["--protocols", "--std", "--fs", "--server-preference",
            "--server-defaults", "--headers", "--vulnerable"]
FINE = {"OK", "INFO", "DEBUG"}
ENOUGH = 80         # findings that there are at the least

# What else may be found: id, reason.
KNOWN = {
    "HSTS": "a promise about all of a host's ports is for its administrator: "
            "--header",
    "cert_revocation": "the test's authority has no responder",
    "RC4": "this openssl has none to try, and ws-tls offers none",
}


def scan(server, ca, number):
    """Its findings, and what it has said; it adds to a file that is there."""
    path = ca.path("scan-%d.json" % number)
    ran = subprocess.run(
        ["testssl", "--fast", "--quiet", "--warnings", "off", "--color", "0",
         "--nodns", "none", "--ip", "127.0.0.1", "--add-ca", ca.cert,
         "--jsonfile", path, *SECTIONS, "localhost:%d" % server.address[1]],
        stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT, timeout=PATIENCE, check=False)
    with open(path) as f:
        return json.load(f), ran.stdout.decode(errors="replace")


def scan_whole(server, ca):
    """The same, of a scan that has not given up waiting on a busy machine."""
    for number in range(TRIES):
        found, said = scan(server, ca, number)
        if not any("connect problem" in one["finding"] for one in found):
            break
    return found, said


def test_scan(tap, kind):
    with Authority() as ca:
        pair = ca.issue("localhost", "127.0.0.1", days=90, kind=kind)
        with TlsListener(["echo:"], pair, ["--host", "localhost",
                                           "--console"]) as server:
            found, said = scan_whole(server, ca)
            log = server.log()
    tap.ok(len(found) > ENOUGH, "%s: testssl.sh has looked at %d things"
           % (kind, len(found)), said[-3000:])
    for one in found:
        if one["severity"] not in FINE and one["id"] not in KNOWN:
            tap.ok(False, "%s: %s" % (kind, one["id"]), one)
    for name in KNOWN:
        tap.ok(any(one["id"] == name and one["severity"] not in FINE
                   for one in found), "%s: %s is found: %s"
               % (kind, name, KNOWN[name]))
    kinds = collections.Counter(one["severity"] for one in found)
    tap.ok(kinds["OK"] > 30 and not kinds["FATAL"] and not kinds["CRITICAL"],
           "%s: %s" % (kind, dict(kinds)), said[-3000:])
    by_id = {one["id"]: one for one in found}
    for name in ("TLS1_1", "TLS1", "SSLv3", "SSLv2"):
        tap.ok(by_id[name]["finding"].startswith("not offered"),
               kind + ": %s is not offered" % name, by_id[name])
    for name in ("TLS1_2", "TLS1_3"):
        tap.ok(by_id[name]["finding"].startswith("offered"),
               kind + ": %s is offered" % name, by_id[name])
    tap.ok(not any("kept away" in line or "cannot" in line for line in log),
           kind + ": it was served to the end", log[-10:])


def main():
    tap = Tap()
    tap.ok(shutil.which("testssl"), "testssl is there")
    for kind in ("ec", "rsa"):
        test_scan(tap, kind)
    tap.finish()


if __name__ == "__main__":
    main()
