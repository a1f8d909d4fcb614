"""Subprotocols that have something of their own behind them, --protocol
NAME=BRIDGE: which is chosen, what it is told, and what serves all others."""

import os
import signal
import subprocess

import rawclient
from rawclient import TEXT, Connection, frame
from server import Listener, Spawned, binary, same_descriptors
from tap import Tap
from ws_test import (PATIENCE, eventually, has_namespaces, logged, opened,
                     payloads, until_end, worker, workers)

# Each says its words and what it was told, and then nothing more.
SAY = ["printf", "%s\\n"]
TABLE = ["--protocol", "one=printf %s\\n first",
         "--protocol", "two=  printf\t%s%s\\n  a   b ",
         "--protocol", "env=printenv WS_PROTOCOL",
         "--protocol", "echo=echo:", "-p", "plain",
         "--protocol", "one=printf %s\\n never"]
OPERAND = ["printenv", "REQUEST_METHOD"]


def talk(server, offered, say=None):
    """The subprotocol that was chosen, and what was said."""
    extra = ["Sec-WebSocket-Protocol: " + offered] if offered else []
    with Connection(server.connect()) as c:
        chosen = c.handshake(server.host, extra=extra).get(
            "sec-websocket-protocol")
        if say is not None:
            c.send(frame(TEXT, say) + rawclient.close(1000))
        return chosen, payloads(until_end(c), "text")


ROWS = [    # what is offered, chosen and said
    ("one", "one", [b"first"]),
    ("two", "two", [b"ab"]),
    ("env", "env", [b"env"]),
    ("plain", "plain", [b"GET"]),
    (None, None, [b"GET"]),
    ("three", None, [b"GET"]),
    ("One", None, [b"GET"]),
    ("three, two, one", "two", [b"ab"]),
    ("plain, one", "plain", [b"GET"]),
    ("one, plain", "one", [b"first"]),
]


def test_rows(tap, start):
    with start([*TABLE], OPERAND) as server:
        for offered, chosen, said in ROWS:
            got = talk(server, offered)
            tap.ok(got == (chosen, said), "of %s it is %s" % (
                offered or "none", chosen or "none"), got)
        got = talk(server, "echo", b"hello")
        tap.ok(got == ("echo", [b"hello"]), "a bridge in the table", got)


def listening(options, operands):
    return Listener(operands, options)


def spawned(options, operands):
    return Spawned([binary(), *options, "--", *operands])


def test_bridge_behind(tap):
    """A bridge is the operand, and a program in the table."""
    with Listener(["echo:"], ["--protocol", "one=" + " ".join(
            [*SAY, "first"])]) as server:
        got = talk(server, "one"), talk(server, None, b"hello")
        tap.ok(got == (("one", [b"first"]), (None, [b"hello"])),
               "echo: is for the others", got)
        with opened(server) as c:
            os.kill(worker(server), signal.SIGTERM)
            events = until_end(c)
        tap.ok(("close", 1001, b"stopped") in events,
               "and is stopped like a program", events)


def test_failing(tap):
    """One that cannot be started is 502 for its own clients alone."""
    with Listener(["echo:"]) as place:
        path = place.path("program")
        with open(path, "w") as f:
            f.write("#!/nonexistent\n")
        os.chmod(path, 0o755)
        with Listener(["echo:"], ["--protocol", "bad=" + path]) as server:
            with Connection(server.connect()) as c:
                c.send(rawclient.request(
                    server.host, extra=["Sec-WebSocket-Protocol: bad"]))
                status = c.response(PATIENCE)[0]
            tap.ok(status == 502 and logged(server, path, "could not be"),
                   "what cannot be started is 502", server.log())
            tap.ok(talk(server, None, b"a") == (None, [b"a"]),
                   "and others are served")


def test_kept(tap):
    kept = [["--contain"]]
    if os.getuid() == 0:
        kept += [["--run-as", "nobody"], ["--run-as", "nobody", "--contain"]]
    for options in kept if has_namespaces("pid") else kept[1:2]:
        with Listener(["id", "-un"], [
                *options, "--protocol", "one=printf first\\n",
                "--protocol", "who=id -un"]) as server:
            got = [talk(server, name)[1] for name in ("one", "who", None)]
            user = b"nobody" if "nobody" in options else \
                subprocess.run(["id", "-un"], capture_output=True,
                               check=True).stdout.strip()
            tap.ok(got == [[b"first"], [user], [user]],
                   "%s: the keeper starts the right one"
                   % " ".join(options), (got, server.log()))
            tap.ok(eventually(lambda: not workers(server)),
                   "and nobody stays")


def test_directory(tap):
    """A program is found from here, wherever it starts."""
    here = os.path.relpath("/bin/pwd")
    with Listener(["echo:"], ["--chdir", "/", "--protocol",
                              "pwd=" + here]) as server:
        got = talk(server, "pwd")
        tap.ok(got == ("pwd", [b"/"]), "--chdir holds for it", got)


def checked(*options):
    return subprocess.run([binary(), *options, "--check", "cat"],
                          capture_output=True, text=True, timeout=PATIENCE,
                          check=False)


WRONG = [
    (["--protocol", "a b"], "token"), (["--protocol", ""], "token"),
    (["--protocol", "=cat"], "token"), (["--protocol", "a= "], "token"),
    (["--protocol", "a="], "token"),
    (["--protocol", "a=nosuchprogram"], "no program 'nosuchprogram' in PATH"),
    (["--protocol", "a=/nonexistent x"], "the program '/nonexistent'"),
    (["--protocol", "a=nosuch:"], "there is no bridge 'nosuch:'"),
    (["--protocol", "a=echo: x"], "echo: takes no arguments"),
]


def test_command_line(tap):
    ran = checked(*TABLE)
    lines = [" ".join(line.split()) for line in ran.stdout.splitlines()]
    path = subprocess.run(["sh", "-c", "command -v printenv"], check=True,
                          capture_output=True, text=True).stdout.strip()
    tap.ok("protocol env %s WS_PROTOCOL" % path in lines
           and "protocol echo echo:" in lines
           and "protocol one two env echo plain one" in lines
           and not any(line.startswith("protocol plain") for line in lines),
           "--check shows the table", ran)
    ran = checked("--protocol", "a=echo:", "--format", "raw")
    tap.ok("max-message          none" in ran.stdout,
           "where all stream there is no limit", ran)
    ran = subprocess.run([binary(), "--protocol", "a=cat", "--check",
                          "echo:"], capture_output=True, text=True,
                         timeout=PATIENCE, check=False)
    tap.ok("max-message          16777216 bytes" in ran.stdout
           and "format               line" in ran.stdout,
           "where one does not there is", ran)
    for options, words in WRONG:
        ran = checked(*options)
        tap.ok(ran.returncode == 100 and words in ran.stderr,
               "%s: it is said what is wrong" % " ".join(options), ran)


def main():
    tap = Tap()
    with same_descriptors():
        test_rows(tap, listening)
        test_rows(tap, spawned)
        for test in [test_bridge_behind, test_failing, test_kept,
                     test_directory, test_command_line]:
            test(tap)
    tap.finish()


if __name__ == "__main__":
    main()
