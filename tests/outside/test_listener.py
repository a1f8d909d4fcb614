"""What a listener does at its limits and at the system's: it turns away, waits,
spins never, ends never, and serves again as soon as there is room."""

import contextlib
import os
import re
import resource
import signal
import socket
import subprocess
import threading
import time

import rawclient
from rawclient import TEXT, Connection, frame
from server import Listener, same_descriptors
from tap import Tap
from ws_test import (PATIENCE, eventually, is_running, opened, parse_response,
                     until_end, worker, workers)

SHED = 64           # connections that are turned away at a time
BUSY = 0.01         # of a processor: what a listener at a limit may use
ONE, OTHER = "127.0.0.2", "127.0.0.3"
RETRY = 0.01        # s between the attempts of a client that was turned away


def exchange(connection, text):
    """Whether the other side echoes this."""
    connection.send(frame(TEXT, text))
    return connection.event(PATIENCE) == ("text", text)


def connect_from(server, source):
    """A Connection from another address of this machine."""
    return Connection(socket.create_connection(
        server.address, PATIENCE, source_address=(source, 0)))


def asked_from(server, source):
    """The same, with its handshake sent."""
    connection = connect_from(server, source)
    connection.send(rawclient.request(server.host))
    return connection


def opened_from(server, source):
    connection = asked_from(server, source)
    connection.upgraded(timeout=PATIENCE)
    return connection


def end(connection):
    connection.send(rawclient.close(1000))
    until_end(connection)


def refusal(connection):
    """What came instead of a 101, to the end of the stream, or None."""
    data = connection.rest(PATIENCE)
    return parse_response(data) if data else None


def is_shed(connection):
    """Whether it gets a complete 503 that says when to come again, and an
    orderly end."""
    response = refusal(connection)
    return (response is not None and response.status == 503
            and response.is_refusal() and connection.ended == "eof"
            and response.values("retry-after") == ["5"])


def complaints(server, text):
    return [line for line in server.log() if text in line]


def left_out(lines):
    """How many the lines stand for."""
    more = re.findall(r"and (\d+) more like it", "\n".join(lines))
    return len(lines) + sum(map(int, more))


# Limits of its own.

def test_max(tap):
    for address in ["tcp", "unix"]:
        with Listener(["echo:"], ["--max", "3"], address=address) as server, \
                contextlib.ExitStack() as stack:
            first = [stack.enter_context(opened(server)) for _ in range(3)]
            with Connection(server.connect()) as fourth:
                fourth.send(rawclient.request(server.host))
                tap.ok(is_shed(fourth) and len(workers(server)) == 3,
                       "%s, --max 3: the fourth gets a 503" % address)
            tap.ok(len(complaints(server, "turned away")) == 1,
                   "%s: the log says so" % address, server.log())
            end(first[0])
            eventually(lambda: len(workers(server)) == 2)
            with opened(server) as fourth:
                tap.ok(exchange(fourth, b"my turn")
                       and all(exchange(other, b"still here")
                               for other in first[1:]),
                       "%s, --max 3: it is served once another has ended"
                       % address)


def test_end_seen(tap):
    """One ends while another is let in: its place is free for a third, who is
    there before the listener has found time to wait."""
    with Listener(["echo:"], ["--max", "2"]) as server, \
            opened(server) as first, \
            traced(server, "accept4", "delay_enter=500000"), \
            Connection(server.connect()) as second:
        pid = worker(server)
        second.send(rawclient.request(server.host))
        first.sock.close()
        eventually(lambda: not is_running(pid))
        with Connection(server.connect()) as third:
            third.send(rawclient.request(server.host))
            second.upgraded(timeout=PATIENCE)
            third.fill_until(lambda: third.buffer, PATIENCE)
            tap.ok(third.buffer.startswith(b"HTTP/1.1 101"),
                   "--max 2: one has ended before the third came, which is "
                   "served", (third.buffer, server.log()))


def test_stop_seen(tap):
    """Told to stop while one is let in and others wait: they are not."""
    with Listener(["echo:"]) as server, contextlib.ExitStack() as stack:
        with traced(server, "accept4", "delay_enter=500000"):
            for _ in range(4):
                connection = stack.enter_context(Connection(server.connect()))
                connection.send(rawclient.request(server.host))
            time.sleep(0.1)     # the first is being let in
            server.process.terminate()
            said = eventually(lambda: complaints(server, "stopping"))
        tap.ok(said and len(workers(server)) == 1, "SIGTERM is seen although "
               "there always is somebody to let in",
               (workers(server), server.log()))


def test_max_source(tap):
    with Listener(["echo:"], ["--max-source", "3"]) as server, \
            contextlib.ExitStack() as stack:
        first = [stack.enter_context(opened_from(server, ONE))
                 for _ in range(3)]
        with asked_from(server, ONE) as fourth:
            tap.ok(is_shed(fourth), "--max-source 3: the fourth gets a 503")
        others = [stack.enter_context(opened_from(server, OTHER))
                  for _ in range(3)]
        tap.ok(all(exchange(other, b"hello") for other in others + first),
               "--max-source 3: three from elsewhere are served")
        end(first[0])
        eventually(lambda: len(workers(server)) == 5)
        with opened_from(server, ONE) as fourth:
            tap.ok(exchange(fourth, b"my turn"),
                   "--max-source 3: it is served once another has ended")


def test_uncounted(tap):
    with Listener(["echo:"], ["--max-source", "1"], address="unix") as server:
        with opened(server) as first, opened(server) as second:
            tap.ok(exchange(first, b"1") and exchange(second, b"2"),
                   "--max-source 1: a Unix socket has no sources")


class Six(Listener):
    """A listener on [::1]."""

    def start(self, argv, env=None, stdout=None):
        super().start(["[::1]:0" if word == "127.0.0.1:0" else word
                       for word in argv], env, stdout)


def test_ipv6(tap):
    with Six(["echo:"], ["--max-source", "1"]) as server:
        with opened(server) as first, Connection(server.connect()) as second:
            second.send(rawclient.request(server.host))
            tap.ok(is_shed(second) and exchange(first, b"1"),
                   "--max-source 1: IPv6 is counted")


# Turning away.

def test_unread(tap):
    """More than the answer needs, before and after it."""
    with Listener(["echo:"], ["--max", "1"]) as server, \
            opened(server) as first, connect_from(server, ONE) as second:
        with traced(server, "recvfrom,recvmsg,read") as trace:
            second.send(b"GET " + b"x" * 300_000)
            tap.ok(is_shed(second), "300 kB of input do not cost a client "
                   "its 503")
            second.sock.close()
            eventually(lambda: sockets_of(server) == 1)
        calls = trace()
        tap.ok(calls and all("MSG_TRUNC" in call and "xxx" not in call
                             for call in calls),
               "what it sends is thrown away unread, not even copied", calls)
        tap.ok(exchange(first, b"still here"), "and others talk on")


def test_at_a_time(tap):
    with Listener(["echo:"], ["--max", "1"]) as server, \
            opened(server) as first, contextlib.ExitStack() as stack:
        began = time.monotonic()
        crowd = [stack.enter_context(connect_from(server, ONE))
                 for _ in range(SHED + 10)]
        told = sum(connection.fill_until(
            lambda: b"\r\n\r\n" in connection.buffer, PATIENCE)
            for connection in crowd)
        tap.ok(told == SHED, "%d are told at a time, the others are closed"
               % SHED, told)
        tap.ok(exchange(first, b"still here"), "others talk on")
        for connection in crowd:
            connection.rest(PATIENCE)
        eventually(lambda: sockets_of(server) == 1)
        took = time.monotonic() - began
        tap.ok(0.9 < took < 8, "who does not hang up is waited for 1 s", took)
        tap.ok(len(workers(server)) == 1, "no process was started for them")


def sockets_of(server):
    """How many sockets the listener holds; it may close one as we look."""
    where = "/proc/%d/fd" % server.process.pid
    count = 0
    for fd in os.listdir(where):
        with contextlib.suppress(FileNotFoundError):
            count += os.readlink(os.path.join(where, fd)).startswith("socket:")
    return count


def test_flood(tap):
    """One source makes connections as fast as it can, and others are all
    served meanwhile."""
    def flood():
        while not over.is_set():
            with contextlib.suppress(OSError), \
                    asked_from(server, ONE) as connection:
                connection.fill_until(lambda: connection.buffer, 1)
                made.append(connection.buffer[:12] == b"HTTP/1.1 503")
    with Listener(["echo:"], ["--max-source", "64"]) as server, \
            contextlib.ExitStack() as stack:
        for _ in range(64):
            stack.enter_context(opened_from(server, ONE))
        over, made = threading.Event(), []
        threads = [threading.Thread(target=flood) for _ in range(3)]
        for thread in threads:
            thread.start()
        try:
            eventually(lambda: len(made) > 100)
            began, served = time.monotonic(), 0
            while time.monotonic() - began < 3:
                with opened_from(server, OTHER) as connection:
                    served += exchange(connection, b"hello")
                    end(connection)
        finally:
            over.set()
            for thread in threads:
                thread.join()
        tap.ok(served > 50, "a flood from one source, %d connections: all of "
               "%d from another are served" % (len(made), served), served)
        lines = complaints(server, "turned away")
        tap.ok(2 <= len(lines) <= 10 and left_out(lines) > len(made) / 2,
               "the log has at most a line a second about it, which stands "
               "for the rest", lines)


# Limits of the system.

@contextlib.contextmanager
def traced(server, calls, inject=""):
    """While strace sees these calls of the listener, and may make them fail;
    yields what returns the lines about them."""
    path = server.path("trace")
    argv = ["strace", "-q", "-o", path, "-e", "trace=" + calls]
    if inject:
        argv += ["-e", "inject=%s:%s" % (calls, inject)]
    strace = subprocess.Popen([*argv, "-p", str(server.process.pid)])

    def lines():
        with open(path) as f:
            return re.findall(r"^(?:%s)\(.*" % calls.replace(",", "|"),
                              f.read(), re.MULTILINE)
    try:
        eventually(lambda: tracer(server) == strace.pid)
        yield lines
    finally:
        strace.send_signal(signal.SIGINT)
        strace.wait(PATIENCE)


def tracer(server):
    with open("/proc/%d/status" % server.process.pid) as f:
        return int(re.search(r"TracerPid:\s*(\d+)", f.read())[1])


@contextlib.contextmanager
def limited(server, what, most):
    """While the listener, and those it forks, may have so much."""
    pid = server.process.pid
    before = resource.prlimit(pid, what)
    resource.prlimit(pid, what, (most, before[1]))
    try:
        yield
    finally:
        resource.prlimit(pid, what, before)


def descriptors_of(server):
    return list(map(int, os.listdir("/proc/%d/fd" % server.process.pid)))


def cpu_of(server):
    """Seconds of processor time that the listener has used."""
    with open("/proc/%d/schedstat" % server.process.pid) as f:
        return int(f.read().split()[0]) / 1e9


def busy(server, seconds=1):
    """The part of this time that the listener is on a processor."""
    before = cpu_of(server)
    time.sleep(seconds)
    return (cpu_of(server) - before) / seconds


def served_after(server):
    """Seconds until a client that tries again is served."""
    began = time.monotonic()
    while time.monotonic() - began < PATIENCE:
        with Connection(server.connect()) as connection:
            connection.send(rawclient.request(server.host))
            connection.fill_until(lambda: connection.buffer, PATIENCE)
            if connection.buffer.startswith(b"HTTP/1.1 101"):
                return time.monotonic() - began
        time.sleep(RETRY)
    return PATIENCE


def upgraded_after(connection):
    """Seconds until a client that waits is served."""
    began = time.monotonic()
    connection.upgraded(timeout=PATIENCE)
    return time.monotonic() - began


def no_descriptors(server):
    return limited(server, resource.RLIMIT_NOFILE,
                   max(descriptors_of(server)) + 1)


def nothing_at_all(server):
    return limited(server, resource.RLIMIT_NOFILE, 3)


def failing(calls, error):
    return lambda server: traced(server, calls, "error=" + error)


FORK = "clone,clone3,fork,vfork"
REFUSING = [    # what is short, the log, does the reserve last for a 503?
    ("descriptors", no_descriptors, "Too many open files", True),
    ("descriptors, the reserve too", nothing_at_all, "Too many open files",
     False),
    ("EMFILE", failing("accept4", "EMFILE"), "Too many open files", False),
    ("ENFILE", failing("accept4", "ENFILE"), "in system", False),
    ("ENOBUFS", failing("accept4", "ENOBUFS"), "No buffer space", False),
    ("ENOMEM for accept", failing("accept4", "ENOMEM"), "allocate memory",
     False),
    ("processes", failing(FORK, "EAGAIN"), "temporarily unavailable", True),
    ("ENOMEM for fork", failing(FORK, "ENOMEM"), "allocate memory", True),
]


def at_the_limit(tap, name, server, told):
    """What is so while something is short; returns a client that waits, or
    None where each is told."""
    client = Connection(server.connect())
    client.send(rawclient.request(server.host))
    if told:
        tap.ok(is_shed(client), name + ": a client gets a 503")
        client.sock.close()
        client = None
    else:
        tap.ok(not client.fill_until(lambda: client.buffer, 0.5),
               name + ": a client waits")
    part = busy(server)
    tap.ok(part < BUSY, "%s: the listener uses %.2f %% of a processor"
           % (name, 100 * part), part)
    return client


def test_short(tap):
    for name, short, words, told in REFUSING:
        with Listener(["echo:"]) as server, opened(server) as other:
            before = descriptors_of(server)
            with short(server):
                waiting = at_the_limit(tap, name, server, told)
                tap.ok(exchange(other, b"still here"),
                       name + ": a conversation goes on")
            took = upgraded_after(waiting) if waiting \
                else served_after(server)
            tap.ok(took < 2, "%s: service again %.0f ms after relief"
                   % (name, 1000 * took), took)
            if waiting:
                waiting.sock.close()
            lines = complaints(server, words)
            tap.ok(1 <= len(lines) <= 4, name + ": the log says so, once a "
                   "second at most", server.log())
            tap.ok(eventually(lambda: len(descriptors_of(server))
                              <= len(before)),
                   name + ": no descriptor is lost", descriptors_of(server))


def test_relief_by_child(tap):
    """A child's end gives back what was short: that is seen at once."""
    with Listener(["echo:"]) as server, opened(server) as other, \
            traced(server, FORK, "error=EAGAIN:when=1"):
        with Connection(server.connect()) as client:
            client.send(rawclient.request(server.host))
            tap.ok(is_shed(client), "no process for it: a 503")
        end(other)
        took = served_after(server)
        tap.ok(took < 1, "a child has ended: service %.0f ms later"
               % (1000 * took), took)


def test_memory(tap):
    """No process may have any more memory."""
    with Listener(["echo:"]) as server, opened(server) as other:
        with limited(server, resource.RLIMIT_AS, 1):
            with Connection(server.connect()) as client:
                client.send(rawclient.request(server.host))
                client.fill_until(lambda: client.buffer, 0.5)
                tap.ok(client.buffer[:12] in (b"", b"HTTP/1.1 503",
                                              b"HTTP/1.1 101"),
                       "no memory: a client sees nothing wrong",
                       client.buffer)
            part = busy(server)
            tap.ok(part < BUSY, "no memory: the listener uses %.2f %% of a "
                   "processor" % (100 * part), part)
            tap.ok(exchange(other, b"still here"),
                   "no memory: a conversation goes on")
        took = served_after(server)
        tap.ok(took < 2, "no memory: service again %.0f ms after relief"
               % (1000 * took), took)


TESTS = [test_max, test_end_seen, test_stop_seen, test_max_source,
         test_uncounted, test_ipv6, test_unread, test_at_a_time, test_flood,
         test_short, test_relief_by_child, test_memory]


def main():
    tap = Tap()
    with same_descriptors():
        for test in TESTS:
            test(tap)
    tap.finish()


if __name__ == "__main__":
    main()
