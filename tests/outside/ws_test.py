"""What several outside tests need: waiting, logs, processes, HTTP answers."""

import concurrent.futures
import contextlib
import os
import re
import socket
import struct
import subprocess
import threading
import time
from typing import NamedTuple

import rawclient
import server as servers
from rawclient import Connection

PATIENCE = 30       # s for what must happen at some time
THREADS = 8


def eventually(happened, patience=PATIENCE):
    """Whether it did in time; returns the true value itself."""
    deadline = time.monotonic() + patience
    while not (value := happened()):
        if time.monotonic() > deadline:
            return False
        time.sleep(0.01)
    return value


def logged(server, *parts):
    """Whether one line of the log comes to have all of these parts."""
    return eventually(lambda: any(all(part in line for part in parts)
                                  for line in server.log()))


def in_parallel(play, items, threads=THREADS):
    """The results of play(item) for all items, in their order."""
    with concurrent.futures.ThreadPoolExecutor(threads) as pool:
        return list(pool.map(play, items))


def has_namespaces(kind):
    """May we have one of this kind, as root may where nothing forbids it?"""
    return subprocess.run(["unshare", "--" + kind, "--fork", "true"],
                          stderr=subprocess.DEVNULL,
                          check=False).returncode == 0


# Connections.

def opened(server, path="/", extra=()):
    """A Connection whose handshake is done."""
    connection = Connection(server.connect())
    try:
        connection.handshake(server.host, path, extra)
    except BaseException:
        connection.sock.close()
        raise
    return connection


def reset(connection):
    """Close the client's side of a TCP connection with a RST."""
    connection.sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER,
                               struct.pack("ii", 1, 0))
    connection.sock.close()


def send_until_stuck(connection, data, count, patience=2):
    """Send data count times and read nothing; stop when nothing more is taken.
    Returns how many went out whole."""
    connection.sock.settimeout(patience)
    view = memoryview(data)
    try:
        for number in range(count):
            at = 0
            while at < len(view):
                at += connection.sock.send(view[at:])
    except TimeoutError:
        return number
    finally:
        connection.sock.setblocking(False)
    return count


def until_end(connection, timeout=PATIENCE):
    """All events up to the end of the stream.  A Close is answered, unless it
    is the answer: who sends anything behind a Close may be reset."""
    events = []
    while event := connection.event(timeout):
        events.append(event)
        if event[0] == "close" and not connection.said_close:
            connection.send(rawclient.close(event[1], event[2]))
        if event[0] in ("eof", "reset"):
            return events
    return events + [("timeout",)]


def payloads(events, *types):
    """The payloads of the events that are of these types."""
    return [event[1] for event in events if event[0] in types]


def close_of(events):
    """Code and reason of the Close among the events, or None."""
    return next((event[1:] for event in events if event[0] == "close"), None)


# Logs.

def lines_of(server, path):
    """The lines of the log about this path, but for what a program said."""
    return [line for line in server.log() if ' "%s" ' % path in line
            and ' "%s" stderr' % path not in line
            and ' "%s" hint' % path not in line]


def errors_of(server, path):
    """The lines of a program's standard error in the log."""
    return [line.split("]: ", 1)[1] for line in server.log()
            if ' "%s" stderr' % path in line]


def line_of(server, path):
    """The line about this path, once it is there."""
    return (eventually(lambda: lines_of(server, path)) or [""])[0]


def log_fields(line):
    """The name=value fields of a line, and what follows them as reason."""
    found = re.search(r'" proto=(\S+) time=([\d.]+) in=(\S+) out=(\S+) '
                      r'close=(\S+) exit=(\S+) (.*)$', line)
    names = ["proto", "time", "in", "out", "close", "exit", "reason"]
    return dict(zip(names, found.groups())) if found else {}


# HTTP.

class Response(NamedTuple):
    status: int
    fields: list        # of (name in lower case, value)
    body: bytes         # all that came behind the head

    def values(self, name):
        return [value for key, value in self.fields if key == name]

    def is_refusal(self):
        """Whether it is complete, ends there and says why."""
        return (self.status >= 400 and len(self.body) > 1
                and self.values("content-length") == [str(len(self.body))]
                and any("close" in value.lower().split(", ")
                        for value in self.values("connection")))


def parse_response(data):
    """The first response in data; what follows its head is the body."""
    head, found, body = data.partition(b"\r\n\r\n")
    status, *lines = head.decode("latin-1").split("\r\n")
    if not found or not re.fullmatch(r"HTTP/1\.1 \d\d\d .+", status):
        raise rawclient.Violation("not a response: %.200r" % data)
    pairs = [line.split(": ", 1) for line in lines]
    return Response(int(status.split()[1]),
                    [(name.lower(), value) for name, value in pairs], body)


def ask(server, data, more=b""):
    """Send a request, then more, and return the Response, read to the end of
    the stream, and the client's port as it stands in the log."""
    with Connection(server.connect()) as connection:
        name = connection.sock.getsockname()
        connection.send(data)
        connection.send(more)
        everything = connection.rest(PATIENCE)
        return (parse_response(everything),
                name[1] if isinstance(name, tuple) else None)


# Processes.

def stat_of(pid):
    """The fields of /proc/PID/stat from the state on, or None."""
    with contextlib.suppress(OSError):
        with open("/proc/%d/stat" % pid) as f:
            return f.read().rpartition(")")[2].split()
    return None


def is_running(pid):
    """Whether the process is there and no zombie."""
    stat = stat_of(pid)
    return stat is not None and stat[0] not in "ZX"


def workers(server):
    """The pids of a listener's children."""
    pid = server.process.pid
    with open("/proc/%d/task/%d/children" % (pid, pid)) as f:
        return list(map(int, f.read().split()))


def worker(server):
    """The pid of a listener's only child."""
    return eventually(lambda: len(workers(server)) == 1
                      and workers(server)[0])


def in_groups(groups):
    """The pids, zombies too, of the processes in these process groups."""
    pids = [int(name) for name in os.listdir("/proc") if name.isdigit()]
    stats = {pid: stat_of(pid) for pid in pids}
    return {pid for pid, stat in stats.items() if stat
            and int(stat[2]) in groups}


class Meanwhile:
    """Does what _run says in a thread, as long as it is entered: until over is
    set."""

    def __init__(self):
        self.over = threading.Event()
        self.thread = threading.Thread(target=self._run)

    def __enter__(self):
        self.thread.start()
        return self

    def __exit__(self, *_):
        self.over.set()
        self.thread.join()


class Reaper(Meanwhile):
    """Waits for orphans while a test runs, as init does: this process has
    made itself their reaper, see server.py."""

    def __init__(self):
        super().__init__()
        self.before = set(filter(is_running, servers.children()))

    def _run(self):
        while not self.over.wait(0.02):
            ours = self.before | set(servers.Server._running)
            for pid in servers.children() - ours:
                servers.ended(pid)
