"""What a page costs the server: ws-cgi --www beside nginx, and beside the
least that a process for each connection can be (forker.c).

    pages.py [--requests N] [--rounds N] [--large N]

A small file is asked for N times, one connection each, and a large one some
times; nginx is also asked on one connection that it keeps.  The cost is user
and system time of the server's processes, those that have ended among them.
The servers take turns, and rounds are repeated: what is printed is the median
of the rounds, the least and the most, and the ratio to nginx with a connection
each.  nginx writes no log; ws-cgi writes its line.  Nothing passes or fails.
"""

import argparse
import contextlib
import getpass
import os
import re
import signal
import socket
import statistics
import subprocess
import sys
import tempfile
import time

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, "..", "outside"))
import server   # noqa: E402

SMALL, LARGE = 1024, 64 << 20
KEPT = 8        # times as many requests where each costs so little
TICK = 1 / os.sysconf("SC_CLK_TCK")

NGINX = """
daemon off;
%(user)s
worker_processes 1;
pid %(directory)s/pid;
error_log stderr error;
events {
    worker_connections 64;
}
http {
    access_log off;
    sendfile on;
    keepalive_timeout %(keep)s;
    keepalive_requests 1000000;
    client_body_temp_path %(directory)s/body;
    proxy_temp_path %(directory)s/proxy;
    fastcgi_temp_path %(directory)s/fastcgi;
    uwsgi_temp_path %(directory)s/uwsgi;
    scgi_temp_path %(directory)s/scgi;
    default_type text/html;
    server {
        listen 127.0.0.1:%(port)d;
        root %(pages)s;
    }
}
"""


def free_port():
    with socket.create_server(("127.0.0.1", 0)) as s:
        return s.getsockname()[1]


class Nginx(server.Server):
    def __init__(self, pages, keep):
        super().__init__()
        self.address = ("127.0.0.1", free_port())
        user = "user %s;" % getpass.getuser() if os.geteuid() == 0 else ""
        with open(self.path("conf"), "w") as f:
            f.write(NGINX % {
                "user": user, "directory": self.directory, "pages": pages,
                "keep": "60s" if keep else "0", "port": self.address[1]})
        try:
            self.start(["/usr/sbin/nginx", "-e", "stderr", "-p",
                        self.directory, "-c", self.path("conf")])
            self._await()
        except BaseException:
            self.stop()
            raise

    def _await(self, patience=10):
        deadline = time.monotonic() + patience
        while time.monotonic() < deadline:
            with contextlib.suppress(ConnectionRefusedError), self.connect():
                return
            if self._wait(0.02):
                break
        raise RuntimeError("nginx did not start: %r" % self.log())


class Forker(server.Listener):
    def __init__(self, pages):
        server.Server.__init__(self)
        try:
            self.start([os.environ["FORKER"], pages])
            self._learn(self._listening())
        except BaseException:
            self.stop()
            raise


# The client.

def request(at, path, connection):
    return ("GET /%s HTTP/1.1\r\nHost: %s:%d\r\nConnection: %s\r\n\r\n"
            % (path, *at.address, connection)).encode()


def ask(at, path, size):
    """Returns the length of an answer that the end of the stream ends."""
    room = bytearray(1 << 20)
    length = 0
    with socket.create_connection(at.address) as s:
        s.sendall(request(at, path, "close"))
        while n := s.recv_into(room):
            if length == 0 and not room.startswith(b"HTTP/1.1 200 "):
                raise RuntimeError("refused: %r" % bytes(room[:n]))
            length += n
    if length <= size:
        raise RuntimeError("%d bytes of %d" % (length, size))


def ask_often(at, path, size, times):
    for _ in range(times):
        ask(at, path, size)


def ask_kept(at, path, size, times):
    """The answers differ in their dates alone, and are of one length."""
    with socket.create_connection(at.address) as s:
        s.sendall(request(at, path, "keep-alive"))
        first = b""
        while b"\r\n\r\n" not in first or len(first) < (
                first.index(b"\r\n\r\n") + 4 + size):
            first += s.recv(1 << 16)
        for _ in range(times - 1):
            s.sendall(request(at, path, "keep-alive"))
            left = len(first)
            while left > 0:
                left -= len(s.recv(left))


# The measure.

def processes(pid):
    """pid and its children."""
    with open("/proc/%d/task/%d/children" % (pid, pid)) as f:
        return [pid, *map(int, f.read().split())]


def ticks(pid):
    """Of it and of the children that it has waited for."""
    with open("/proc/%d/stat" % pid) as f:
        return sum(map(int, f.read().rpartition(")")[2].split()[11:15]))


def settled(at):
    """Its processes, once those of connections have ended."""
    at_rest = 2 if isinstance(at, Nginx) else 1
    while len(found := processes(at.process.pid)) > at_rest:
        time.sleep(0.001)
    return found


def cost(at, work):
    """Seconds of the server's time that work takes."""
    before = sum(map(ticks, settled(at)))
    work()
    return (sum(map(ticks, settled(at))) - before) * TICK


def calls(at, work):
    """How many system calls of the server work takes, by name."""
    with tempfile.NamedTemporaryFile("r") as table:
        pids = [word for pid in settled(at) for word in ("-p", str(pid))]
        tracer = subprocess.Popen(
            ["strace", "-f", "-c", "-U", "calls,name", "-o", table.name,
             *pids], stderr=subprocess.PIPE, text=True)
        with tracer.stderr:
            for _ in range(len(pids) // 2):
                tracer.stderr.readline()        # "Process N attached"
            work()
            settled(at)
            tracer.send_signal(signal.SIGINT)
            tracer.stderr.read()
        tracer.wait()
        rows = re.findall(r"^ *(\d+) (\w+)$", table.read(), re.M)
    return {name: int(n) for n, name in rows if name != "total"}


# The servers and the table.

def servers(stack, pages):
    """Name, server, how a small file is asked for, and how often as much."""
    enter = stack.enter_context
    return [
        ("nginx", enter(Nginx(pages, keep=False)), ask_often, 1),
        ("nginx, kept alive", enter(Nginx(pages, keep=True)), ask_kept, KEPT),
        ("a bare fork", enter(Forker(pages)), ask_often, 1),
        ("ws-cgi", enter(server.Listener(["discard:"], ["--www", pages])),
         ask_often, 1),
    ]


def show(title, unit, costs):
    base = statistics.median(next(iter(costs.values())))
    print("\n%-24s %8s %8s %8s %8s" % (title, "median", "least", "most",
                                       "ratio"))
    for name, values in costs.items():
        middle = statistics.median(values)
        print("%-24s %8.1f %8.1f %8.1f %8.2f" % (
            name, middle / unit, min(values) / unit, max(values) / unit,
            middle / base), flush=True)


def show_calls(rows):
    print("\n%-24s %8s %8s %8s" % ("system calls", "1 KiB", "64 MiB",
                                   "sendfile"))
    for name, at, _, _ in rows:
        small = calls(at, lambda: ask(at, "small.html", SMALL))
        large = calls(at, lambda: ask(at, "large.bin", LARGE))
        print("%-24s %8d %8d %8d" % (
            name, sum(small.values()), sum(large.values()),
            large.get("sendfile", 0)), flush=True)


def measure(rows, args):
    small = {name: [] for name, *_ in rows}
    large = {name: [] for name, *_ in rows}
    for _ in range(args.rounds):
        for name, at, how, more in rows:
            n = args.requests * more
            small[name].append(cost(at, lambda: how(
                at, "small.html", SMALL, n)) / n)
            large[name].append(cost(at, lambda: ask_often(
                at, "large.bin", LARGE, args.large)) / args.large)
    return small, large


def make_pages(directory):
    for name, size in ("small.html", SMALL), ("large.bin", LARGE):
        with open(os.path.join(directory, name), "wb") as f:
            f.write(b"x" * size)
    os.chmod(directory, 0o755)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--requests", type=int, default=2000)
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--large", type=int, default=8)
    args = parser.parse_args()
    with contextlib.ExitStack() as stack:
        pages = stack.enter_context(tempfile.TemporaryDirectory())
        make_pages(pages)
        rows = servers(stack, pages)
        print("%d rounds of %d small requests and %d large" % (
            args.rounds, args.requests, args.large))
        small, large = measure(rows, args)
        show("1 KiB: CPU, us each", 1e-6, small)
        show("64 MiB: CPU, ms each", 1e-3, large)
        show_calls(rows)


if __name__ == "__main__":
    main()
