"""The static build needs no shared library, and what stands in it for those
of others does the same: numbers are checked, random, hashed, signals have
names, titles are shown, and descriptors closed."""

import os
import subprocess

import rawclient
import server
from tap import Tap
from ws_test import eventually

STATIC = os.path.join(os.environ.get("BUILD", "build"), "static", "ws-cgi")
NUMBERS = ("", "x", "0", "-1", "1", " 1", "1 ", "0x10", "1e3", "30000",
           "30001", "99999999999999999999", "-99999999999999999999")


def said(path, *arguments):
    done = subprocess.run([path, *arguments, "--check", "echo:"], text=True,
                          capture_output=True, timeout=10,
                          stdin=subprocess.DEVNULL)
    return done.returncode, done.stdout, done.stderr


def check_alike(tap):
    """Both say the same of a command line."""
    shared = os.path.abspath(os.path.join(os.path.dirname(STATIC), "..",
                                          "ws-cgi"))
    for number in NUMBERS:
        seen = [said(path, "--listen", "0", "--max=" + number)
                for path in (STATIC, shared)]
        tap.ok(seen[0] == seen[1], "--max='%s': both say the same" % number,
               seen)


def check_conversations(tap):
    """Handshakes with different keys; then a program that is killed."""
    with server.Listener(["/bin/sh", "-c", "read l; ls -l /proc/$$/fd | "
                          "grep -c socket; kill -KILL $$"]) as s:
        for _ in range(50):
            with rawclient.Connection(s.connect()) as c:
                c.handshake(s.host)
        with rawclient.Connection(s.connect()) as c:
            c.handshake(s.host, "/titled")
            title = eventually(lambda: [
                line for line in subprocess.run(
                    ["ps", "-eo", "args"], text=True,
                    capture_output=True).stdout.splitlines()
                if "/titled open" in line])
            tap.ok(title, "its title shows the connection")
            c.send(rawclient.frame(rawclient.TEXT, b"x"))
            seen = [c.event(), c.event()]
            tap.ok(seen[0] == ("text", b"0"),
                   "no socket is left to the program", seen)
            tap.ok(seen[1][1] == 1011 and b"SIGKILL" in seen[1][2],
                   "a signal has its name", seen)


def main():
    tap = Tap()
    os.environ["WS_CGI"] = STATIC
    heads = subprocess.run(["readelf", "-lW", STATIC], text=True,
                           capture_output=True, check=True).stdout
    tap.ok("INTERP" not in heads and "DYNAMIC" not in heads,
           "no library is wanted", heads)
    check_alike(tap)
    check_conversations(tap)
    tap.finish()


if __name__ == "__main__":
    with server.same_descriptors():
        main()
