"""Who is measured: the limits, ws-cgi as it is built with and without shared
libraries, and the peers of peers.py that are installed.

A shape is a kind of work, and candidates() are all that can do it, the limit
first.  service.py starts and stops them.
"""

import functools
import getpass
import os
import subprocess
from dataclasses import dataclass, field, replace

import peers
from items import FLOOD, LINE, MINE, STATIC

BUILD = os.path.abspath(os.environ.get("BUILD", "build"))
BENCH = os.path.join(BUILD, "bench")
OURS = {MINE: os.path.join(BUILD, "ws-cgi"),
        STATIC: os.path.join(BUILD, "static", "ws-cgi")}
MANY = ["--max", "30000", "--max-source", "30000"]  # all from one address
PROGRAMS = {"cat": ["cat"], "copy": [os.path.join(BENCH, "copy")],
            "lines": ["yes", LINE],
            "sink": [os.path.join(BENCH, "sink"), str(FLOOD)]}
LIMIT, WS_CGI = "limit", "ws-cgi"


@dataclass(frozen=True)
class Command:
    """What is started, the backends first."""
    argv: list
    environ: dict = field(default_factory=dict)
    backends: tuple = ()


@dataclass(frozen=True)
class Candidate:
    name: str
    kind: str
    command: object         # of the port or path, and a directory: a Command
    raw: bool = False       # it speaks no WebSocket
    unix: bool = False
    how: tuple = ()         # options of the load that it needs
    cannot: object = lambda **_: None   # why it would fail at some work
    shape: str = ""


def tool(name):
    return os.path.join(BENCH, name)


# The limits, ours, and the peers.

def limit(shape, unix=False):
    program = PROGRAMS.get(shape)
    name, argv = (("bare echo", [tool("bare")]) if program is None
                  else ("bare relay", [tool("relay")]))
    return Candidate(name, LIMIT, lambda place, _: Command(
        [*argv, place, *(program or [])]), raw=True, unix=unix)


def ours(shape, unix=False):
    program = PROGRAMS.get(shape, ["echo:"])
    where = "unix:%s" if unix else "127.0.0.1:%s"
    for name, path in OURS.items():
        yield Candidate(name, WS_CGI, lambda place, _, path=path: Command(
            [path, *MANY, "--listen", where % place, "--", *program]),
            unix=unix)


@functools.cache
def installed():
    return [peer for peer in peers.peers() if peer.missing() is None]


def peers_of(shape):
    for peer in installed():
        if shape in peer.shapes:
            yield Candidate(
                peer.name, peer.kind, lambda place, _, peer=peer: Command(
                    *peer.command(shape, int(place), PROGRAMS.get(shape, ()))),
                how=(*([] if peer.text else ["-i"]),
                     *([] if peer.whole else ["-j"])), cannot=peer.cannot)


# What starts a program for each connection.

def write(directory, name, text):
    path = os.path.join(directory, name)
    with open(path, "w") as f:
        f.write(text)
    os.chmod(path, 0o755)
    return path


def by_inetd(path, place, directory):
    return ["/usr/sbin/inetd", "-i", "-l", write(
        directory, "conf", "127.0.0.1:%s stream tcp nowait.1000000 %s %s %s\n"
        % (place, getpass.getuser(), path, "ws-cgi echo:"))]


def by_tcpserver(path, place, _):
    return ["tcpserver", "-HRl0", "-b", "1000", "-c", "1000", "127.0.0.1",
            place, path, "echo:"]


LIGHTTPD = """
server.modules = ( "mod_cgi" )
server.document-root = "%(directory)s"
server.bind = "127.0.0.1"
server.port = %(place)s
cgi.assign = ( ".cgi" => "" )
cgi.upgrade = "enable"
index-file.names = ( "echo.cgi" )
server.stream-request-body = 2
server.stream-response-body = 2
"""


def by_lighttpd(path, place, directory):
    write(directory, "echo.cgi", "#!%s\n--origin *\necho:\n" % path)
    return ["/usr/sbin/lighttpd", "-D", "-f", write(
        directory, "conf", LIGHTTPD % {"directory": directory,
                                       "place": place})]


def started_by(title, how, path):
    return Candidate(title, WS_CGI, lambda place, directory: Command(
        how(path, place, directory)))


def inetd():
    yield Candidate("the least, by a bare inetd", LIMIT, lambda place, _:
                    Command([tool("super"), place, tool("least")]))
    for name, path in OURS.items():
        yield Candidate(name, WS_CGI, lambda place, _, path=path: Command(
            [tool("super"), place, path, "echo:"]))
    for title, how, program in (
            ("openbsd-inetd", by_inetd, "/usr/sbin/inetd"),
            ("tcpserver", by_tcpserver, "/usr/bin/tcpserver")):
        if os.path.exists(program):
            yield started_by("%s by %s" % (STATIC, title), how, OURS[STATIC])


def cgi():
    if os.path.exists("/usr/sbin/lighttpd"):
        for name, path in OURS.items():
            yield started_by("%s by lighttpd, CGI" % name, by_lighttpd, path)


def listeners(shape):
    return [limit(shape), *ours(shape), *peers_of(shape)]


SHAPES = {
    "echo": lambda: listeners("echo"),
    "unix": lambda: [limit("unix", unix=True), *ours("unix", unix=True)],
    "cat": lambda: listeners("cat"),
    "copy": lambda: [limit("copy"), *ours("copy")],
    "lines": lambda: listeners("lines"),
    "sink": lambda: listeners("sink"),
    "inetd": lambda: list(inetd()),
    "cgi": lambda: list(cgi()),
}
SUFFIXES = {"unix": ", Unix socket", "copy": " + a static program",
            "cat": " + cat"}


def candidates(item):
    """All servers that can do an item's work, named apart."""
    found = []
    for shape in item.shapes:
        suffix = SUFFIXES.get(shape, "") if shape != item.shapes[0] else ""
        found += [replace(each, name=each.name + suffix, shape=shape)
                  for each in SHAPES[shape]()
                  if item.peers or each.kind in (LIMIT, WS_CGI)]
    return found


def versions():
    """Of ours and of the peers that are there, by name."""
    said = subprocess.run([OURS[MINE], "--version"], capture_output=True,
                          text=True, check=True)
    return {MINE: said.stdout.split()[1], **{
        peer.name: peer.version for peer in installed()}}


def missing():
    """Why a peer is not there, by name."""
    return {peer.name: peer.missing() for peer in peers.peers()
            if peer.missing() is not None}
