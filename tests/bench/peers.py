"""Servers that ws-cgi is measured beside, from Debian's packages and npm's.

    peers.py        lists them, what is missing, and what each cannot do

Each Peer tells what it is, what it cannot do, what of it is not installed, and
how it is started.  It listens on 127.0.0.1, writes no log of what it serves,
does not compress, and takes messages of 1 MiB; its start is what one who knows
it would choose.  Whoever starts it

  - lets it have thousands of descriptors: some take the limit as they find it,
  - starts what stands before it, as its processes too: their work is its work,
  - throws away what it prints, and waits until it takes connections.

$BENCH is where its programs are made, build/bench if it is not set.
"""

import json
import os
import resource
import shutil
import socket
import subprocess
from typing import NamedTuple

HERE = os.path.dirname(os.path.abspath(__file__))
BENCH = os.path.abspath(os.environ.get("BENCH", "build/bench"))


def path(name):
    """A server of ours."""
    return os.path.join(HERE, "peers", name)


def printed(*argv):
    """What a command says, or nothing where there is no such command."""
    try:
        return subprocess.run(argv, capture_output=True, text=True).stdout
    except FileNotFoundError:
        return ""


def free_port():
    with socket.create_server(("127.0.0.1", 0)) as s:
        return s.getsockname()[1]


# Where a peer comes from.

class Debian:
    """Packages: the first is what is measured, the others make it whole."""

    def __init__(self, *packages):
        self.packages = packages

    @staticmethod
    def _installed(package):
        """Its version, or nothing."""
        state, _, version = printed(
            "dpkg-query", "-W", "-f=${db:Status-Status} ${Version}",
            package).partition(" ")
        return version if state == "installed" else ""

    def version(self):
        return self._installed(self.packages[0])

    def missing(self):
        absent = " ".join(p for p in self.packages if not self._installed(p))
        if not absent:
            return None
        return ("not installed: apt-get install --no-install-recommends %s"
                % absent)


class Npm:
    """Packages of npm, NAME@VERSION: the first is what is measured.  They have
    a directory of their own, as what one needs may be another's old version.
    """

    def __init__(self, directory, *packages):
        self.directory = os.path.join(BENCH, "npm", directory)
        self.packages = packages

    @property
    def modules(self):
        return os.path.join(self.directory, "node_modules")

    def place(self, package):
        return os.path.join(self.modules, package.rpartition("@")[0])

    def version(self):
        with open(os.path.join(self.place(self.packages[0]),
                               "package.json")) as f:
            return json.load(f)["version"]

    def missing(self):
        if not shutil.which("node"):
            return "not installed: apt-get install nodejs npm"
        if all(os.path.exists(self.place(p)) for p in self.packages):
            return None
        return "not installed: npm install --prefix %s %s" % (
            os.path.relpath(self.directory), " ".join(self.packages))


class Addon(Npm):
    """One with a program for each Node there was when it was made."""

    def missing(self):
        node = printed("node", "-p", "[process.platform, process.arch, "
                       "process.versions.modules].join('_')").strip()
        program = os.path.join(self.place(self.packages[0]), "binaries",
                               "uws_%s.node" % node)
        return super().missing() or (
            None if os.path.exists(program)
            else "has no program for this Node, %s" % node)


# How one is started.

class Command(NamedTuple):
    argv: list
    env: dict = {}      # beside the environment that there is
    before: list = []   # commands that are started first


def websocketd(port, program):
    return Command(["websocketd", "--address=127.0.0.1", "--port=%d" % port,
                    "--loglevel=fatal", *program])


def bare(port):
    """The TCP echo that stands behind a proxy."""
    return [os.path.join(BENCH, "bare"), str(port)]


def websockify(port, _):
    """Its few lines for each connection cannot be turned off."""
    backend = free_port()
    return Command(["websockify", "127.0.0.1:%d" % port,
                    "127.0.0.1:%d" % backend], before=[bare(backend)])


def lighttpd(port, _):
    backend = free_port()
    return Command(["/usr/sbin/lighttpd", "-D", "-f", path("lighttpd.conf")],
                   {"PORT": str(port), "BACKEND": str(backend)},
                   [bare(backend)])


def libwebsockets(port, _):
    """Made when it is asked for, as the library may not be there."""
    source, program = path("lws_echo.c"), os.path.join(BENCH, "lws_echo")
    if not os.path.exists(program) \
            or os.path.getmtime(program) < os.path.getmtime(source):
        os.makedirs(BENCH, exist_ok=True)
        subprocess.run(
            [os.environ.get("CC", "cc"), "-O2", "-o", program, source,
             *printed("pkg-config", "--cflags", "--libs",
                      "libwebsockets").split()], check=True)
    return Command([program, str(port)])


def script(interpreter, name, **env):
    """A server of ours in the language that its library is for."""
    return lambda port, _: Command([interpreter, path(name), str(port)], env)


# What one cannot do.

class Wall(NamedTuple):
    """From here on it fails, and why; -1 is nowhere."""
    why: str
    outstanding: int = -1       # bytes of the messages that wait for an echo
    connections: int = -1

    def stands(self, size, window, connections):
        return window > 1 and 0 <= self.outstanding <= size * window \
            or 0 <= self.connections <= connections


STALLS = Wall("it stalls for good when 128 KiB wait for their echo: it passes "
              "on no output while it writes input", outstanding=128 << 10)
SELECTS = Wall("it waits by select(2), which knows 1,024 descriptors, and has "
               "two for each connection", connections=500)


def forks():
    """Its wall of descriptors, where the limit on them is now."""
    limit = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    return Wall("it has up to seven descriptors for each connection that "
                "starts, and %d in all" % limit, connections=limit // 7)


class Peer:
    """One server.  kind is "loop" (one process for all connections), "process
    per connection", or "proxy" (to a TCP echo).  shapes are "echo", and where
    it starts a program for each connection "cat" (the program echoes), "lines"
    (it pushes) and "sink" (it reads)."""

    def __init__(self, name, kind, source, start, shapes=("echo",), walls=(),
                 whole=True, text=True):
        self.name, self.kind, self.shapes = name, kind, set(shapes)
        self.whole = whole      # a message comes back as one
        self.text = text        # it takes text, not binary messages alone
        self.walls = walls
        self._source, self._start = source, start

    @property
    def version(self):
        return self._source.version()

    def missing(self):
        """None, or what is missing and the command that would install it."""
        return self._source.missing()

    def cannot(self, size=0, window=1, connections=1):
        """None, or why it would fail at this."""
        return next((wall.why for wall in self.walls
                     if wall.stands(size, window, connections)), None)

    def command(self, shape, port, program=()):
        """Starts it on the port; the program is for all shapes but echo."""
        if shape not in self.shapes:
            raise ValueError("%s cannot %s" % (self.name, shape))
        return self._start(port, list(program))


def peers():
    """All of them, installed or not."""
    uws = Addon("uws", "@trufflesuite/uws-js-unofficial@20.30.0-unofficial.0")
    ws = Npm("ws", "ws@8", "bufferutil@4")
    return [
        Peer("websocketd", "process per connection", Debian("websocketd"),
             websocketd, ("cat", "lines", "sink"), (STALLS, forks())),
        Peer("websockify", "proxy", Debian("websockify"), websockify,
             walls=(SELECTS,), whole=False, text=False),
        Peer("lighttpd mod_wstunnel", "proxy", Debian("lighttpd"), lighttpd,
             whole=False),
        Peer("libwebsockets", "loop",
             Debian("libwebsockets-dev", "pkg-config"), libwebsockets),
        Peer("uWebSockets (npm)", "loop", uws,
             script("node", "uws_echo.js", NODE_PATH=uws.modules)),
        Peer("ws (npm)", "loop", ws,
             script("node", "ws_echo.js", NODE_PATH=ws.modules)),
        Peer("ws (Debian)", "loop", Debian("node-ws", "nodejs"),
             script("node", "ws_echo.js", NODE_PATH="/usr/share/nodejs")),
        Peer("python3-websockets", "loop",
             Debian("python3-websockets", "python3-uvloop"),
             script("/usr/bin/python3", "websockets_echo.py")),
        Peer("Mojolicious", "loop",
             Debian("libmojolicious-perl", "libev-perl"),
             script("/usr/bin/perl", "mojo_echo.pl")),
    ]


def main():
    for peer in peers():
        missing = peer.missing()
        print("%-22s %-23s %s" % (peer.name, peer.kind,
                                  missing or peer.version))
        for wall in peer.walls:
            print("%22s %s" % ("", wall.why))


if __name__ == "__main__":
    main()
