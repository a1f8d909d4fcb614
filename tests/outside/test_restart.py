"""A listener that becomes another program, by SIGHUP: its conversations notice
nothing, newcomers are served all the while, and what cannot take over does
not."""

import contextlib
import os
import pty
import random
import shutil
import signal
import subprocess
import tempfile
import threading
import time

import rawclient
from rawclient import TEXT, frame
from server import Listener, binary, same_descriptors
from tap import Tap
from ws_test import (PATIENCE, Reaper, close_of, eventually, in_parallel,
                     is_running, opened, until_end, workers)

MANY, RESTARTS, THREADS = 200, 10, 8
OTHER_VERSION = b"9.8.7"

# Writes down what comes, and answers with numbers of its own.
LEDGER = ["sh", "-c", 'n=0; while read -r line; do n=$((n + 1)); '
          'echo "$line" >> "$0/$REMOTE_PORT"; echo "answer $n"; done']


class Installed(Listener):
    """A listener that runs a copy of the program, which may be replaced."""

    def __init__(self, operands, options=()):
        self.place = tempfile.TemporaryDirectory(prefix="ws-installed-")
        self.program = os.path.join(self.place.name, "ws-cgi")
        shutil.copy(binary(), self.program)
        super().__init__(operands, options)

    def start(self, argv, env=None, stdout=None):
        super().start([self.program, *argv[1:]], env, stdout)

    def stop(self):
        with self.place:
            super().stop()

    def install(self, data, mode=0o755):
        """Another program at the path, as install(1) and dpkg(1) do it."""
        new = self.program + ".new"
        with open(new, "wb") as f:
            f.write(data)
        os.chmod(new, mode)
        os.rename(new, self.program)

    def says(self, text):
        return sum(text in line for line in self.log())

    def restart(self):
        """Whether it has restarted, and once."""
        before = self.says("restarted:")
        self.process.send_signal(signal.SIGHUP)
        return eventually(lambda: self.says("restarted:") > before) \
            and self.says("restarted:") == before + 1


def contents(path):
    with open(path, "rb") as f:
        return f.read()


def exchange(connection, text):
    """Whether the other side echoes this."""
    connection.send(frame(TEXT, text))
    return connection.event(PATIENCE) == ("text", text)


def end(connection):
    connection.send(rawclient.close(1000))
    return close_of(until_end(connection))


# The ledger.

class Conversation:
    def __init__(self, server):
        self.connection = opened(server)
        self.port = self.connection.sock.getsockname()[1]
        self.sent, self.got = 0, []

    def step(self):
        """Two messages there, and two back."""
        for _ in range(2):
            self.connection.send(frame(TEXT, b"message %d" % self.sent))
            self.sent += 1
        self.got += [self.connection.event(PATIENCE) for _ in range(2)]

    def is_right(self, ledger):
        """Whether both ends have written down all that the other sent."""
        ours = [("text", b"answer %d" % (n + 1)) for n in range(self.sent)]
        theirs = b"".join(b"message %d\n" % n for n in range(self.sent))
        return self.got == ours and \
            contents(os.path.join(ledger, str(self.port))) == theirs


def talk(conversations, over, rounds):
    while not over.is_set():
        for conversation in conversations:
            conversation.step()
        rounds.append(1)


def newcomers(server, over, waits):
    """Come, say something and go, without a pause; how long each waited."""
    while not over.is_set():
        began = time.monotonic()
        with opened(server) as connection:
            connection.send(frame(TEXT, b"hello"))
            event = connection.event(PATIENCE)
            closing = end(connection)
        good = event == ("text", b"answer 1") and closing == (1000, b"")
        waits.append(time.monotonic() - began if good else PATIENCE)


def restart_often(server):
    """Restart; half-way another build is installed.  Whether all went well."""
    done = []
    for number in range(RESTARTS):
        if number == RESTARTS // 2:
            server.install(contents(binary()).replace(b"0.1.0\0",
                                                      OTHER_VERSION + b"\0"))
        time.sleep(0.1)
        done.append(server.restart())
    return done == [True] * RESTARTS


def test_ledger(tap):
    with tempfile.TemporaryDirectory() as ledger, \
            Installed([*LEDGER, ledger], ["--max-source", "1024"]) as server:
        pid = server.process.pid
        conversations = in_parallel(lambda _: Conversation(server),
                                    range(MANY), THREADS)
        over, rounds, waits = threading.Event(), [], []
        threads = [threading.Thread(target=talk, args=(
            conversations[n::THREADS], over, rounds)) for n in range(THREADS)]
        threads.append(threading.Thread(target=newcomers,
                                        args=(server, over, waits)))
        for thread in threads:
            thread.start()
        try:
            tap.ok(restart_often(server), "%d restarts" % RESTARTS,
                   server.log()[:20])
        finally:
            over.set()
            for thread in threads:
                thread.join()
        tap.ok(server.says("restarted: ws-cgi " + OTHER_VERSION.decode())
               == RESTARTS // 2, "the later ones to another build")
        tap.ok(server.process.poll() is None and len(rounds) > THREADS,
               "it is process %d still" % pid)
        tap.ok(len(waits) > RESTARTS and max(waits) < 2,
               "%d newcomers were served, in %.0f ms at most"
               % (len(waits), 1000 * max(waits, default=0)), waits)
        right = sum(c.is_right(ledger) for c in conversations)
        tap.ok(right == MANY, "%d conversations: %d messages each way, and "
               "none is lost" % (MANY, sum(c.sent for c in conversations)),
               right)
        closings = [end(c.connection) for c in conversations]
        for conversation in conversations:
            conversation.connection.sock.close()
        tap.ok(closings == [(1000, b"")] * MANY, "and all end as they should")
        tap.ok(eventually(lambda: not workers(server)),
               "all are waited for by the process that has forked them or "
               "its successor", workers(server))


# What the table is for.

def test_table(tap):
    """Counts, limits and process groups outlive a restart."""
    with Reaper(), Installed(["sh", "-c", "trap '' HUP TERM; echo $$; "
                              "while sleep 0.1; do :; done"],
                             ["--max", "2", "--grace", "0.01"]) as server:
        with opened(server) as first, opened(server) as second:
            group = int(first.event()[1])
            pid = next(pid for pid in workers(server)
                       if group in children_of(pid))
            server.restart()
            with contextlib.closing(server.connect()) as third:
                third.settimeout(PATIENCE)
                tap.ok(third.recv(12) == b"HTTP/1.1 503",
                       "who came before a restart counts after it")
            os.kill(pid, signal.SIGKILL)
            tap.ok(eventually(lambda: not is_running(group), 10),
                   "a worker from before is killed: its program ends")
            eventually(lambda: len(workers(server)) == 1)
            with opened(server) as third:
                tap.ok(third.event(PATIENCE)[0] == "text",
                       "and its place is free")
            server.process.terminate()
            eventually(lambda: server.says("stopping:"))
            server.process.terminate()
            second.event()
            tap.ok(close_of(until_end(second))[0] == 1001,
                   "two SIGTERMs end a conversation from before with 1001")
            status = server.process.wait(PATIENCE)
            tap.ok(status == 0, "and then the listener", status)


def children_of(pid):
    with open("/proc/%d/task/%d/children" % (pid, pid)) as f:
        return list(map(int, f.read().split()))


def test_unix(tap):
    """The file of a Unix socket is the same, and is removed at the end."""
    with Listener(["echo:"], address="unix") as server:
        before = os.stat(server.address)
        server.process.send_signal(signal.SIGHUP)
        eventually(lambda: any("restarted" in line for line in server.log()))
        after = os.stat(server.address)
        with opened(server) as connection:
            tap.ok(exchange(connection, b"hello")
                   and before.st_ino == after.st_ino,
                   "a Unix socket is served on")
        server.process.terminate()
        server.process.wait(PATIENCE)
        tap.ok(not os.path.exists(server.address), "and removed at the end")


def test_turned_away(tap):
    """Who is turned away is let go first."""
    with Installed(["echo:"], ["--max", "1"]) as server, \
            opened(server) as connection:
        with contextlib.closing(server.connect()) as second:
            second.settimeout(PATIENCE)
            answer = second.recv(4096)
            restarted = server.restart()
            while data := second.recv(4096):
                answer += data
        tap.ok(restarted and answer.startswith(b"HTTP/1.1 503")
               and exchange(connection, b"still here"), "a restart while "
               "somebody is turned away", (answer, server.log()))


def test_same(tap):
    """Arguments, environment, name and descriptors."""
    def look(pid):
        where = "/proc/%d/" % pid
        return (contents(where + "comm"), contents(where + "cmdline"),
                sorted(os.readlink(where + "fd/" + fd)
                       for fd in os.listdir(where + "fd")))
    with Installed(["env"], ["--ping", "7"]) as server:
        def environment():
            with opened(server) as connection:
                lines = [event[1] for event in until_end(connection)
                         if event[0] == "text"]
            return sorted(line for line in lines if b"_PORT=" not in line
                          and b"WEBSOCKET_KEY=" not in line)
        seen = []
        for _ in range(3):
            eventually(lambda: not workers(server))
            seen.append((look(server.process.pid), environment()))
            eventually(lambda: not workers(server))
            server.restart()
        tap.ok(seen[0] == seen[1] == seen[2], "title, name, descriptors and "
               "a program's environment are the same after a restart", seen)
        tap.ok(server.restart() and environment() == seen[0][1],
               "as after the last one")


# What is handed over, and what is not taken for it.

COPIES = b"""
#include <stdio.h>
#include <stdlib.h>
int main(void)
{
	FILE *from = fdopen(atoi(getenv("WS_CGI_RESTART")), "r");
	FILE *to = fopen("%s", "w");
	int c;

	rewind(from);
	while ((c = getc(from)) != EOF)
		putc(c, to);
	return 0;
}
"""


def handed_over(server):
    """What a listener hands to the next program: the file."""
    path = os.path.join(server.place.name, "copy")
    server.install(compiled(COPIES % path.encode()))
    server.process.send_signal(signal.SIGHUP)
    eventually(lambda: server.says("no restart"))
    return contents(path)


def taking(value, data=b""):
    """How a listener ends that is to take this over."""
    with tempfile.TemporaryFile() as f:
        f.write(data)
        f.flush()
        return subprocess.run(
            [binary(), "--listen", "127.0.0.1:0", "echo:"],
            stdin=subprocess.DEVNULL, capture_output=True, text=True,
            timeout=PATIENCE, pass_fds=[f.fileno()],
            env={**os.environ, "WS_CGI_RESTART":
                 str(f.fileno()) if value is None else value})


def test_wrong_state(tap):
    with Installed(["cat"]) as server:
        state = handed_over(server)
    name = state[16:16 + 4096]
    rows = [        # of WS_CGI_RESTART, None: a file; its contents
        ("nothing", "", b""), ("no number", "x", b""),
        ("standard input", "0", b""), ("no descriptor", "99", b""),
        ("a large number", "9" * 30, b""), ("an empty file", None, b""),
        ("junk", None, b"junk" * 10000),
        ("the state of another kind", None, b"x" + state[1:]),
        ("half of it", None, state[:len(state) // 2]),
        ("a name without end", None,
         state.replace(name, b"a" * len(name))),
        ("sockets that are not there", None, state)]
    for what, value, data in rows:
        ended = taking(value, data)
        tap.ok(ended.returncode == 100
               and "not what a listener of this kind" in ended.stderr,
               "to be taken over is %s: said, and exit status 100" % what,
               ended)


# What cannot take over.

HANGS = b"#include <unistd.h>\nint main(void) { for (;;) pause(); }\n"


def compiled(source):
    with tempfile.TemporaryDirectory() as where:
        path = os.path.join(where, "program")
        subprocess.run(["cc", "-x", "c", "-o", path, "-"], input=source,
                       check=True)
        return contents(path)


BAD = [         # what is at the path, its contents and mode, what the log says
    ("no program at all", b"junk", 0o755, "Exec format error"),
    ("a file without rights to execute it", b"junk", 0o644,
     "Permission denied"),
    ("a program that ends with 0", lambda: compiled(
        b"int main(void) { return 0; }"), 0o755, "status 0 when"),
    ("a program that crashes", lambda: compiled(
        b"int main(void) { __builtin_trap(); }"), 0o755, "signal 4 when"),
    ("a program that hangs", lambda: compiled(HANGS), 0o755, "too long"),
    ("half of the program", lambda: contents(binary())[:100_000], 0o755,
     "no restart"),
]


def test_bad(tap):
    with Installed(["cat"]) as server, opened(server) as connection:
        for name, data, mode, words in BAD:
            before = server.says("no restart")
            server.install(data() if callable(data) else data, mode)
            server.process.send_signal(signal.SIGHUP)
            tap.ok(eventually(lambda: server.says("no restart") > before, 15)
                   and server.says(words), name + ": the log says why",
                   server.log()[-3:])
            with opened(server) as other:
                tap.ok(exchange(connection, b"still here")
                       and exchange(other, b"me too"),
                       name + ": all goes on")
        os.unlink(server.program)
        server.process.send_signal(signal.SIGHUP)
        tap.ok(eventually(lambda: server.says("No such file")),
               "nothing: the log says why", server.log()[-3:])
        server.install(contents(binary()))
        tap.ok(server.restart() and exchange(connection, b"still here"),
               "and then a good one takes over")


# Signals.

def test_stop_while_tried(tap):
    with Installed(["cat"]) as server:
        server.install(compiled(HANGS))
        server.process.send_signal(signal.SIGHUP)
        eventually(lambda: workers(server))
        server.process.terminate()
        status = server.process.wait(PATIENCE)
        tap.ok(status == 0 and server.says("the service stops"),
               "SIGTERM while another program is tried: the service stops",
               (status, server.log()))


def test_signals_together(tap):
    """SIGTERM at any moment of a restart is not lost, nor is SIGCHLD."""
    chance = random.Random(4)
    ends = []
    for _ in range(20):
        with Installed(["cat"]) as server:
            with opened(server) as staying, opened(server) as going:
                going.send(rawclient.close(1000))
                server.process.send_signal(signal.SIGHUP)
                time.sleep(chance.uniform(0, 0.008))
                server.process.terminate()
                good = exchange(staying, b"still here")
                until_end(going)
                ends.append((good, end(staying),
                             server.process.wait(PATIENCE)))
    tap.ok(ends == [(True, (1000, b""), 0)] * len(ends),
           "%d times SIGTERM in the middle of a restart" % len(ends), ends)


def test_storm(tap):
    with Installed(["cat"]) as server, opened(server) as connection:
        for number in range(300):
            server.process.send_signal(signal.SIGHUP)
            if number % 10 == 0:
                with opened(server) as other:
                    end(other)
        good = exchange(connection, b"still here")
        before = server.says("restarted:")
        tap.ok(good and before > 0, "300 SIGHUPs: %d restarts, and a "
               "conversation goes on" % before, server.log()[-3:])
        tap.ok(eventually(lambda: len(workers(server)) == 1),
               "and no zombie is left", workers(server))


def test_terminal(tap):
    """Started by hand, with a terminal for its log, it ends with that."""
    ours, theirs = pty.openpty()
    try:
        process = subprocess.Popen([binary(), "--listen", "127.0.0.1:0",
                                    "echo:"], stdin=subprocess.DEVNULL,
                                   stderr=theirs)
        said = b""
        while b"listening on" not in said:
            said += os.read(ours, 1024)
        process.send_signal(signal.SIGHUP)
        status = process.wait(PATIENCE)
        tap.ok(status == 0, "with a terminal, SIGHUP is an end", status)
    finally:
        os.close(ours)
        os.close(theirs)


TESTS = [test_ledger, test_table, test_unix, test_turned_away, test_same,
         test_wrong_state, test_bad,
         test_stop_while_tried, test_signals_together, test_storm,
         test_terminal]


def main():
    tap = Tap()
    with same_descriptors():
        for test in TESTS:
            test(tap)
    tap.finish()


if __name__ == "__main__":
    main()
