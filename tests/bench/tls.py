"""What TLS costs: ws-tls in front of ws-cgi, and stunnel and nginx in its place.

    tls.py [--rounds N] [--connections N] [--messages N] [--idle N] [NAME ...]

Each serves WebSockets that echo, by TLS 1.3 with an ECDSA key on P-256, X25519
and AES-256-GCM, to the client in tls.c.  The cost is user and system time of
all processes but the client's: of a connection, which is both handshakes and
the Close, when keys are agreed on anew and when a session is resumed; and of a
message and its echo, one after the other.  Memory is what an idle connection
adds to all processes together, shared pages counted once (Pss).  Each round
asks all of them in turn, so that they are compared under one weather; what is
printed is the median of the rounds, and the median of the ratios to the first.
Nothing passes or fails.
"""

import argparse
import contextlib
import os
import resource
import statistics
import subprocess
import sys
import time

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, "..", "outside"))
sys.path.insert(0, os.path.join(HERE, "..", "frontends"))
from frontend import free_port, listens, make_certificate   # noqa: E402
from server import Server, children, ended   # noqa: E402

TICK = 1e6 / os.sysconf("SC_CLK_TCK")       # us
SETTLE = 0.3        # s for the last to be reaped
START = 10          # s for a server to listen
MANY = ["--max", "5000", "--max-source", "5000"]
SIZES = (64, 16384)

NGINX = """
daemon off;
user root;
pid {dir}/pid;
worker_processes 1;
error_log /dev/null;
events {{ worker_connections 8192; }}
http {{
	access_log off;
	client_body_temp_path {dir}; proxy_temp_path {dir};
	fastcgi_temp_path {dir}; uwsgi_temp_path {dir}; scgi_temp_path {dir};
	server {{
		listen 127.0.0.1:{port} ssl;
		ssl_protocols TLSv1.2 TLSv1.3;
		ssl_certificate {cert};
		ssl_certificate_key {key};
		location / {{
			proxy_pass http://127.0.0.1:{inner};
			proxy_http_version 1.1;
			proxy_set_header Upgrade $http_upgrade;
			proxy_set_header Connection upgrade;
			proxy_set_header Host $http_host;
			proxy_read_timeout 1h;
		}}
	}}
}}
"""

STUNNEL = """
foreground = yes
debug = err
pid =
[echo]
accept = 127.0.0.1:{port}
cert = {both}
{rest}
"""

ECHO = ["--host", "127.0.0.1", "echo:"]


class Echo(Server):
    """A way to echo by TLS: what is in front, and behind it if need be."""

    def __init__(self, front, handler):
        super().__init__()
        self.port, inner = free_port(), free_port()
        both, key, cert = make_certificate(self.directory)
        self.values = {"dir": self.directory, "port": self.port,
                       "inner": inner, "both": both, "key": key, "cert": cert,
                       "handler": handler}
        self.behind = None
        try:
            command = front(self, inner)
            self.start(command)
            self.await_port(self.port)
        except BaseException:
            self.stop()
            raise

    def await_port(self, port):
        deadline = time.monotonic() + START
        while not listens(port):
            if time.monotonic() > deadline:
                raise RuntimeError("nobody listens: %r" % self.log())
            time.sleep(0.02)

    def write(self, name, text):
        with open(self.path(name), "w") as f:
            f.write(text.format(**self.values))
        return self.path(name)

    def listen_behind(self, port):
        self.behind = Server()
        self.behind.start([self.values["handler"], "--listen", str(port),
                           *MANY, *ECHO])
        self.await_port(port)

    def stop(self):
        try:
            super().stop()
        finally:
            if self.behind is not None:
                self.behind.stop()


def by_ws_tls(echo, _):
    v = echo.values
    return [os.path.join(os.path.dirname(os.environ["WS_CGI"]), "ws-tls"),
            "--listen", str(echo.port), *MANY, "--cert", v["cert"],
            "--key", v["key"], "--", v["handler"], *ECHO]


def by_stunnel(echo, inner):
    echo.listen_behind(inner)
    echo.values["rest"] = "connect = 127.0.0.1:%d" % inner
    return ["stunnel4", echo.write("stunnel.conf", STUNNEL)]


def by_stunnel_exec(echo, _):
    echo.values["rest"] = "exec = %s\nexecArgs = ws-cgi %s" % (
        echo.values["handler"], " ".join(ECHO))
    return ["stunnel4", echo.write("stunnel.conf", STUNNEL)]


def by_nginx(echo, inner):
    echo.listen_behind(inner)
    return ["nginx", "-p", echo.directory, "-e", "stderr",
            "-c", echo.write("nginx.conf", NGINX)]


WAYS = {    # what is in front, and which ws-cgi is behind it
    "ws-tls": (by_ws_tls, "WS_CGI"),
    "ws-tls, static": (by_ws_tls, "WS_CGI_STATIC"),
    "stunnel": (by_stunnel, "WS_CGI"),
    "stunnel, static": (by_stunnel, "WS_CGI_STATIC"),
    "stunnel, exec": (by_stunnel_exec, "WS_CGI"),
    "stunnel, exec, static": (by_stunnel_exec, "WS_CGI_STATIC"),
    "nginx": (by_nginx, "WS_CGI"),
    "nginx, static": (by_nginx, "WS_CGI_STATIC"),
}


# What is used.

def descendants(pids):
    found = set()
    while pids:
        found |= pids
        more = set()
        for pid in pids:
            with contextlib.suppress(OSError):
                for task in os.listdir("/proc/%d/task" % pid):
                    with open("/proc/%d/task/%s/children" % (pid, task)) as f:
                        more.update(map(int, f.read().split()))
        pids = more - found
    return found


def reap(kept):
    """Those that their parents have left to us."""
    for pid in children() - kept:
        ended(pid)


def used(kept, client):
    """us of all that is running here, and has run, but for the client."""
    reap(kept)
    ours = resource.getrusage(resource.RUSAGE_CHILDREN)
    total = (ours.ru_utime + ours.ru_stime) * 1e6
    for pid in descendants(kept - {client}):
        with contextlib.suppress(OSError):
            with open("/proc/%d/stat" % pid) as f:
                fields = f.read().rsplit(")", 1)[1].split()
            total += sum(map(int, fields[11:15])) * TICK
    return total


def running(kept, client):
    """us of all that is running here, and does not end meanwhile: exactly."""
    total = 0
    for pid in descendants(kept - {client}):
        for task in os.listdir("/proc/%d/task" % pid):
            with open("/proc/%d/task/%s/schedstat" % (pid, task)) as f:
                total += int(f.read().split()[0]) / 1e3
    return total


def held(kept, client):
    """KiB, each page counted once."""
    total = 0
    for pid in descendants(kept - {client}):
        with contextlib.suppress(OSError):
            with open("/proc/%d/smaps_rollup" % pid) as f:
                total += next(int(line.split()[1]) for line in f
                              if line.startswith("Pss:"))
    return total


# What is asked of each.

def played(echo, measure, *arguments):
    """What a measure came to while the client did its work."""
    said = "", ""
    client = subprocess.Popen(
        [os.path.join(os.environ["BENCH"], "tls"), str(echo.port),
         *map(str, arguments)], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
        text=True)
    with client, contextlib.suppress(BrokenPipeError):
        kept = {echo.process.pid, client.pid}
        if echo.behind is not None:
            kept.add(echo.behind.process.pid)
        client.stdout.readline()
        time.sleep(SETTLE)
        before = measure(kept, client.pid)
        client.stdin.write("\n")
        client.stdin.flush()
        said = client.stdout.readline().split() or ("", "")
        time.sleep(SETTLE)
        after = measure(kept, client.pid)
    if client.returncode != 0 or said[0] != "done":
        raise RuntimeError("the client failed: %r" % echo.log()[-5:])
    return after - before, int(said[1])


def measured(way, args):
    """Name to value, of one way, once."""
    front, handler = WAYS[way]
    found = {}
    with Echo(front, os.path.abspath(os.environ[handler])) as echo:
        for what in ("full", "resumed"):
            cost, resumed = played(echo, used, what, args.connections)
            if resumed != (args.connections if what == "resumed" else 0):
                raise RuntimeError("%s: %d sessions resumed, %s" % (
                    way, resumed, what))
            found[what] = cost / args.connections
        for size in SIZES:
            cost, _ = played(echo, running, "echo", args.messages, size)
            found[size] = cost / args.messages
        found["idle"] = played(echo, held, "idle", args.idle)[0] / args.idle
    return found


COLUMNS = {"full": "us/connection", "resumed": "us/resumed", 64: "us/64 B",
           16384: "us/16 KiB", "idle": "KiB/idle"}


def show(rounds, ways):
    print("%-22s" % "" + "".join("%21s" % name for name in COLUMNS.values()))
    for way in ways:
        cells = []
        for column in COLUMNS:
            values = [found[way][column] for found in rounds]
            ratios = [found[way][column] / found[ways[0]][column]
                      for found in rounds]
            cells.append("%14.1f %6.2f" % (statistics.median(values),
                                           statistics.median(ratios)))
        print("%-22s" % way + "".join(cells))


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--connections", type=int, default=400)
    parser.add_argument("--messages", type=int, default=6000)
    parser.add_argument("--idle", type=int, default=100)
    parser.add_argument("names", nargs="*", metavar="NAME")
    args = parser.parse_args()
    ways = [way for way in WAYS if not args.names or way in args.names]
    rounds = []
    for number in range(args.rounds):
        turn = ways[number % len(ways):] + ways[:number % len(ways)]
        rounds.append({way: measured(way, args) for way in turn})
    show(rounds, ways)


if __name__ == "__main__":
    main()
