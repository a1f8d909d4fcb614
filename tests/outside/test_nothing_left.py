"""What a listener leaves behind: nothing.  No process, zombie, descriptor,
socket or file, however connections end and whatever their programs ignore."""

import contextlib
import os
import signal
import socket
import stat
import threading
import time

import rawclient
from rawclient import TEXT, Connection, frame
from server import Listener, Server, Spawned, binary, same_descriptors
from tap import Tap
from ws_test import (PATIENCE, Reaper, close_of, eventually, in_groups,
                     in_parallel, is_running, opened, reset, until_end,
                     workers)

ROUNDS, AT_ONCE = 2, 500        # 1,000 connections
UNCOUNTED = ["--max-source", "1024"]
TCP_LISTEN, TCP_TIME_WAIT = "0A", "06"

# Ignores SIGHUP and SIGTERM and so do its children; echoes, until the end of
# its input, and waits for them.
STUBBORN = ["sh", "-c", "trap '' HUP TERM; sleep 600 & sleep 600 & "
            'echo $$; while read -r line; do echo "$line"; done; wait']


def exchange(connection, text):
    """Whether the other side echoes this."""
    connection.send(frame(TEXT, text))
    return connection.event(PATIENCE) == ("text", text)


def sockets_of(port):
    """The states of all TCP sockets that have this port on their side."""
    states = []
    for name in ["/proc/net/tcp", "/proc/net/tcp6"]:
        with open(name) as f:
            for line in f.readlines()[1:]:
                fields = line.split()
                if int(fields[1].rpartition(":")[2], 16) == port:
                    states.append(fields[3])
    return states


def descriptors_of(pid):
    return {fd: os.readlink("/proc/%d/fd/%s" % (pid, fd))
            for fd in os.listdir("/proc/%d/fd" % pid)}


def leave(connection, number):
    """End a connection in one of three ways."""
    if number % 3 == 0:
        connection.send(rawclient.close(1000))
        connection.rest()
    elif number % 3 == 1:
        reset(connection)
    connection.sock.close()


def one_stubborn(server, number):
    """Use a connection and end it; returns the pid of its program, or None
    when it did not echo."""
    with opened(server) as connection:
        pid = int(connection.event(PATIENCE)[1])
        echoed = exchange(connection, b"message %d" % number)
        leave(connection, number)
        return pid if echoed else None


def test_thousand(tap):
    with Reaper(), Listener(STUBBORN, [*UNCOUNTED, "--grace", "0.01"]) \
            as server:
        before = descriptors_of(server.process.pid)
        port = server.address[1]
        groups = []
        for _ in range(ROUNDS):
            groups += in_parallel(lambda n: one_stubborn(server, n),
                                  range(AT_ONCE), 16)
            tap.ok(None not in groups and len(workers(server)) > 1,
                   "%d connections were used and left" % len(groups))
            gone = eventually(lambda: not workers(server), 60)
            tap.ok(gone, "their workers end", workers(server))
        tap.ok(eventually(lambda: not in_groups(set(groups))),
               "no process and no zombie of %d programs is left"
               % len(set(groups)), in_groups(set(groups)))
        tap.ok(descriptors_of(server.process.pid) == before,
               "the listener has the descriptors that it had at first",
               descriptors_of(server.process.pid))
        tap.ok(eventually(lambda: set(sockets_of(port)) <= {
            TCP_LISTEN, TCP_TIME_WAIT}), "no socket is left",
               sockets_of(port))
        lines = len(server.log()) - 1
        tap.ok(lines == len(groups), "the log has a line for each", lines)


LEAVING = ["sh", "-c", "sleep 600 & echo $$"]


def test_unreaped_orphan(tap):
    """Where init reaps nothing, as in many containers, the orphans of a
    program stay zombies.  This process plays such an init."""
    with Spawned([binary(), "--grace", "0.01", *LEAVING]) as server:
        with opened(server) as connection:
            group = int(connection.event()[1])
            until_end(connection)
        tap.ok(eventually(lambda: not is_running(server.processes[0].pid), 15),
               "inetd: an orphan that nobody waits for does not hold ws-cgi",
               in_groups({group}))
        with Reaper():
            eventually(lambda: not in_groups({group}))
    with Listener(LEAVING, ["--grace", "0.01"]) as server:
        with opened(server) as connection:
            group = int(connection.event()[1])
            until_end(connection)
        tap.ok(eventually(lambda: not in_groups({group})
                          and not workers(server), 15),
               "a listener waits for orphans, if nobody else does",
               in_groups({group}))
        tap.ok(not any("killed" in line for line in server.log()),
               "and has nothing to say of them", server.log())


# A worker is killed.

def test_killed_worker(tap):
    with Reaper(), Listener(STUBBORN) as server:
        with contextlib.ExitStack() as stack:
            others = [stack.enter_context(opened(server)) for _ in range(5)]
            groups = {int(other.event()[1]) for other in others}
            known = set(workers(server))
            victim = stack.enter_context(opened(server))
            group = int(victim.event()[1])
            pid, = set(workers(server)) - known
            os.kill(pid, signal.SIGKILL)
            ended = until_end(victim)
            tap.ok(ended[-1][0] in ("eof", "reset"),
                   "kill -9 of a worker: its client sees the end", ended)
            tap.ok(eventually(lambda: not in_groups({group}), 10),
                   "kill -9 of a worker: its program and the program's "
                   "children end", in_groups({group}))
            tap.ok(all(exchange(other, b"still here") for other in others),
                   "kill -9 of a worker: all others talk on")
            tap.ok(len(in_groups(groups)) == 3 * len(groups),
                   "kill -9 of a worker: all other programs run on",
                   in_groups(groups))
            tap.ok(eventually(lambda: any(
                "%d" % pid in line and "killed" in line
                for line in server.log())),
                   "kill -9 of a worker: the log says so", server.log())
            tap.ok(sum("killed" in line for line in server.log()) == 1,
                   "kill -9 of a worker: and of nobody else", server.log())
        for group in groups:
            os.killpg(group, signal.SIGKILL)


def test_killed_inetd(tap):
    with Spawned([binary(), "sh", "-c", "trap '' HUP TERM; echo $$; "
                  "while sleep 0.1; do :; done"]) as server:
        with opened(server) as connection:
            group = int(connection.event()[1])
            server.processes[0].kill()
            ended = until_end(connection)
            tap.ok(ended[-1][0] in ("eof", "reset")
                   and eventually(lambda: not is_running(group), 10),
                   "kill -9 of ws-cgi under inetd: its program ends",
                   in_groups({group}))


def test_inetd(tap):
    with Reaper(), Spawned([binary(), "--grace", "0.01", *STUBBORN]) as server:
        groups = in_parallel(lambda n: one_stubborn(server, n), range(30), 16)
        tap.ok(None not in groups and eventually(
            lambda: not in_groups(set(groups))),
               "inetd: no process of 30 programs is left",
               in_groups(set(groups)))


# Signals to the listener.

def test_child_storm(tap):
    """Many children end at once, and others send the signal as well."""
    with Listener(["true"], UNCOUNTED) as server:
        def storm():
            while not over.wait(0.0005):
                server.process.send_signal(signal.SIGCHLD)
        def play(_):
            with opened(server) as connection:
                return close_of(until_end(connection))
        over = threading.Event()
        thread = threading.Thread(target=storm)
        thread.start()
        try:
            ends = in_parallel(play, range(300), 16)
        finally:
            over.set()
            thread.join()
        tap.ok(ends == [(1000, b"done")] * 300,
               "300 short conversations in a storm of SIGCHLD end well",
               [end for end in ends if end != (1000, b"done")])
        tap.ok(eventually(lambda: not workers(server)),
               "a storm of SIGCHLD leaves no zombie", workers(server))


def test_stop_idle(tap):
    with Listener(["echo:"]) as server:
        with opened(server) as connection:
            connection.send(rawclient.close(1000))
            until_end(connection)
        eventually(lambda: not workers(server))
        began = time.monotonic()
        server.process.terminate()
        status = server.process.wait(PATIENCE)
        took = time.monotonic() - began
        tap.ok(status == 0 and took < 8,
               "SIGTERM to a listener without conversations ends it with 0 "
               "at once", (status, took))


def refuses(server):
    """Whether nobody listens at the address any more, or just now stops."""
    try:
        server.connect().close()
    except (ConnectionRefusedError, ConnectionResetError):
        return True
    return False


def test_stop_busy(tap):
    with Listener(["cat"]) as server, opened(server) as connection:
        server.process.terminate()
        tap.ok(eventually(lambda: refuses(server)),
               "SIGTERM to a listener: it accepts no more")
        tap.ok(exchange(connection, b"still here")
               and server.process.poll() is None,
               "SIGTERM to a listener: a conversation goes on")
        connection.send(rawclient.close(1000))
        closing = close_of(until_end(connection))
        status = server.process.wait(PATIENCE)
        tap.ok(closing == (1000, b"") and status == 0,
               "the listener ends with its last conversation, status 0",
               (closing, status))


def test_stop_twice(tap):
    for operands in [["echo:"], ["cat"]]:
        with Listener(operands) as server, contextlib.ExitStack() as stack:
            connections = [stack.enter_context(opened(server))
                           for _ in range(5)]
            server.process.terminate()
            eventually(lambda: refuses(server))
            server.process.terminate()
            codes = [close_of(until_end(connection))
                     for connection in connections]
            status = server.process.wait(PATIENCE)
            tap.ok([code[0] for code in codes] == [1001] * 5 and status == 0,
                   operands[0] + ": a second SIGTERM closes with 1001",
                   (codes, status))


def test_stop_timeout(tap):
    with Listener(["cat"], ["--stop-timeout", "1"]) as server, \
            opened(server) as connection:
        began = time.monotonic()
        server.process.terminate()
        eventually(lambda: refuses(server))
        tap.ok(exchange(connection, b"still here"),
               "--stop-timeout 1: a conversation goes on after SIGTERM")
        closing = close_of(until_end(connection))
        took = time.monotonic() - began
        status = server.process.wait(PATIENCE)
        tap.ok(closing[0] == 1001 and 0.9 < took < 8 and status == 0,
               "--stop-timeout 1: it is closed with 1001 after 1 s",
               (closing, took, status))


# Unix sockets.

class At(Server):
    """A listener on a given address, which may fail to start."""

    def __init__(self, address):
        super().__init__()
        self.address, self.host = address.partition(",")[0], "localhost"
        self.start([binary(), "--listen", "unix:" + address, "echo:"])
        self.listens = eventually(
            lambda: any("listening on" in line for line in self.log())
            or self.process.poll() is not None) and \
            self.process.poll() is None


def serves(server):
    with opened(server) as connection:
        return exchange(connection, b"hello")


def test_unix(tap):
    with Listener(["echo:"], address="unix") as server:
        path = server.address
        tap.ok(serves(server), "a Unix socket is served")
        before = os.stat(path)
        with At(path) as second:
            tap.ok(not second.listens and second.process.wait() == 111
                   and path in second.log()[-1],
                   "a socket that is served is not taken over", second.log())
        tap.ok(os.stat(path).st_ino == before.st_ino and serves(server),
               "and its listener serves on")
        server.process.terminate()
        server.process.wait(PATIENCE)
        tap.ok(not os.path.exists(path), "the socket's file is removed")
        with socket.socket(socket.AF_UNIX) as stale:
            stale.bind(path)
        with At(path) as second:
            tap.ok(second.listens and serves(second),
                   "a socket that nobody serves is replaced", second.log())
        with open(path, "w") as f:
            f.write("precious")
        with At(path) as second:
            tap.ok(not second.listens and second.process.wait() == 111,
                   "a file that is no socket is refused", second.log())
        with open(path) as f:
            tap.ok(f.read() == "precious", "and is left as it was")
        os.unlink(path)
        os.symlink("elsewhere", path)
        with At(path) as second:
            tap.ok(not second.listens and os.path.islink(path),
                   "a symbolic link is not followed", second.log())


def test_unix_mode(tap):
    mask = os.umask(0)
    try:
        for attributes, wanted in [("", 0o660), (",mode=0600", 0o600),
                                   (",mode=666", 0o666)]:
            with Spawned([binary(), "echo:"]) as keeper:
                path = keeper.path("socket")
                with At(path + attributes) as server:
                    mode = os.stat(path).st_mode
                    tap.ok(server.listens and stat.S_ISSOCK(mode)
                           and stat.S_IMODE(mode) == wanted,
                           "the socket's mode with '%s' is %o"
                           % (attributes, wanted), oct(mode))
    finally:
        os.umask(mask)


def test_addresses(tap):
    """Several at once, all stopped together."""
    with Spawned([binary(), "echo:"]) as keeper:
        paths = [keeper.path("a"), keeper.path("b")]
        options = [word for path in paths
                   for word in ["--listen", "unix:" + path]]
        with Listener(["echo:"], [*options, "--listen", "[::1]:0"]) as server:
            eventually(lambda: len(server.log()) == 4)
            names = [line.partition("listening on ")[2]
                     for line in server.log()]
            port = int(names[3].rpartition(":")[2])
            served = []
            for address, host in [(server.address, server.host),
                                  (paths[0], "a"), (paths[1], "b"),
                                  (("::1", port), "[::1]:%d" % port)]:
                sock = rawclient.connect(address)
                with Connection(sock) as connection:
                    connection.handshake(host)
                    served.append(exchange(connection, b"hello"))
            tap.ok(served == [True] * 4, "four addresses are served", names)
        tap.ok(not any(map(os.path.exists, paths)),
               "the files of two sockets are removed")


def main():
    tap = Tap()
    with same_descriptors():
        for test in [
                test_unreaped_orphan, test_killed_worker, test_killed_inetd,
                test_inetd, test_child_storm, test_stop_idle, test_stop_busy,
                test_stop_twice, test_stop_timeout, test_unix, test_unix_mode, test_addresses,
                test_thousand]:
            test(tap)
    tap.finish()


if __name__ == "__main__":
    main()
