"""Programs that never flush are heard at once with --unbuffered, and not
without it, of which the log then has a hint."""

import subprocess
import sys
import tempfile
import time

import rawclient
from rawclient import TEXT, frame
from server import Listener, same_descriptors
from tap import Tap
from ws_test import (close_of, in_parallel, line_of, opened, payloads,
                     until_end)

SOON = 10       # s in which what is written at once has come, on any machine
SILENCE = 1     # s in which nothing comes of what waits in a buffer
HINT = "hint: the program's whole output came only at its end"

C = r"""
#include <stdio.h>
int
main(void)
{
	printf("first\n");
	return getchar() == EOF;
}
"""
PROGRAMS = {    # none flushes before its input ends, or a message comes
    "C": ["{home}/c"],
    "Python": [sys.executable, "-c",
               "import sys; print('first'); sys.stdin.read()"],
    "Perl": ["perl", "-e", r'print "first\n"; <STDIN>'],
    "awk": ["awk", 'BEGIN { print "first"; getline < "-" }'],
    "sed": ["sed", "s/hello/first/"],
}


def compiled(home):
    with open(home + "/c.c", "w") as f:
        f.write(C)
    subprocess.run(["cc", "-o", home + "/c", home + "/c.c"], check=True)


def heard(home, name, options):
    """What came in time, how long that took, and the log."""
    argv = [word.format(home=home) if word.startswith("{home}") else word
            for word in PROGRAMS[name]]
    with Listener(argv, options) as server:
        with opened(server) as connection:
            began = time.monotonic()
            if name == "sed":
                connection.send(frame(TEXT, b"hello"))
            event = connection.event(SOON if options else SILENCE)
            took = time.monotonic() - began
            connection.send(rawclient.close(1000))
            until_end(connection)
        line_of(server, "/")
        return event, took, "\n".join(server.log())


def test_heard(tap):
    with tempfile.TemporaryDirectory() as home:
        compiled(home)
        for name in PROGRAMS:
            event, took, log = heard(home, name, ["--unbuffered"])
            tap.ok(event == ("text", b"first"),
                   "%s is heard with --unbuffered (after %.3f s)"
                   % (name, took), event)
            tap.ok("hint:" not in log, name + ": no hint then", log)
        results = in_parallel(lambda name: heard(home, name, []), PROGRAMS)
    for name, (event, _, log) in zip(PROGRAMS, results):
        tap.ok(event is None, name + " is not heard without it", event)
        tap.ok(HINT in log, name + ": the log has a hint", log)


def test_raw(tap):
    """The terminal changes no byte, and all of them come before the end."""
    data = bytes(range(256)) * 2000
    with tempfile.TemporaryDirectory() as home:
        with open(home + "/data", "wb") as f:
            f.write(data)
        with Listener(["sh", "-c", "cat $HOME/data"],
                      ["--unbuffered", "--format", "raw"],
                      env={"HOME": home}) as server:
            with opened(server) as connection:
                events = until_end(connection)
    tap.ok(b"".join(payloads(events, "binary")) == data
           and close_of(events)[0] == 1000,
           "all 256 bytes pass unchanged, all before the Close",
           (sum(map(len, payloads(events, "binary"))), close_of(events)))


def test_terminal(tap):
    script = ("for n in 0 1 2; do test -t $n && echo $n; done; "
              "(: </dev/tty) 2>/dev/null || echo none; "
              "echo $TERM $PYTHONUNBUFFERED")
    for options, wanted in [
            ([], [b"none", b""]),
            (["-u"], [b"1", b"none", b"dumb 1"])]:
        with Listener(["sh", "-c", script], options) as server:
            with opened(server) as connection:
                got = payloads(until_end(connection), "text")
        tap.ok([text.strip() for text in got] == wanted,
               "%s: terminals and variables are %s" % (options, wanted), got)


def test_no_hint(tap):
    """Nothing is said of programs that are quick, or wrote before."""
    for script in ["echo quick", "echo first; sleep 1.2; echo last",
                   "sleep 1.2"]:
        with Listener(["sh", "-c", script]) as server:
            with opened(server) as connection:
                until_end(connection)
            line_of(server, "/")
            tap.ok("hint" not in "\n".join(server.log()),
                   "no hint for '%s'" % script, server.log())
    with Listener(["sh", "-c", "sleep 1.2; echo last"]) as server:
        with opened(server) as connection:
            until_end(connection)
        line_of(server, "/")
        tap.ok(HINT in "\n".join(server.log()),
               "a program that writes and ends after 1.2 s: a hint",
               server.log())


def main():
    tap = Tap()
    with same_descriptors():
        for test in [test_heard, test_raw, test_terminal, test_no_hint]:
            test(tap)
    tap.finish()


if __name__ == "__main__":
    main()
