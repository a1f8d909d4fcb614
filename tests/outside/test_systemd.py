"""Under systemd: listening sockets that it has opened, and what it is told.
The test plays systemd, and lets systemd-socket-activate(1) do so."""

import contextlib
import os
import re
import select
import shutil
import signal
import socket
import subprocess
import sys
import time

import rawclient
from rawclient import TEXT, Connection, frame
from server import Listener, Server, binary, same_descriptors
from tap import Tap
from ws_test import PATIENCE, eventually, opened

TOP = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..")
WATCHDOG = 0.4      # s
PLACE = 50          # descriptors from here on are on their way


def serves(server):
    with opened(server) as connection:
        connection.send(frame(TEXT, b"hello"))
        return connection.event(PATIENCE) == ("text", b"hello")


def said(server, text):
    return any(text in line for line in server.log())


# Sockets.

# LISTEN_PID is what only the process itself can know.
STARTER = """
import os, sys
pid, count, *argv = sys.argv[1:]
for n in range(int(count)):
    os.dup2(%d + n, 3 + n)
os.closerange(%d, 100)
os.environ["LISTEN_PID"] = pid if pid != "own" else str(os.getpid())
os.environ["LISTEN_FDS"] = count
os.execv(argv[0], argv)
""" % (PLACE, PLACE)


class Passed(Server):
    """ws-cgi with these sockets as its descriptors from 3 on."""

    def __init__(self, sockets, pid="own", options=("--listen", "systemd")):
        super().__init__()
        places = range(PLACE, PLACE + len(sockets))
        for place, sock in zip(places, sockets):
            os.dup2(sock.fileno(), place)
        with open(self.path("log"), "wb") as log:
            self.process = subprocess.Popen(
                [sys.executable, "-c", STARTER, pid, str(len(sockets)),
                 binary(), *options, "echo:"], stdin=subprocess.DEVNULL,
                stderr=log, pass_fds=places, start_new_session=True)
        self._running[self.process.pid] = self.process
        for place in places:
            os.close(place)
        eventually(lambda: said(self, "listening on")
                   or self.process.poll() is not None)

    def at(self, sock):
        """Connect there from now on."""
        self.address = sock.getsockname()
        self.host = "localhost:%d" % self.address[1] \
            if isinstance(self.address, tuple) else "localhost"
        return self


@contextlib.contextmanager
def unix_socket(path):
    with socket.socket(socket.AF_UNIX) as sock:
        sock.bind(path)
        sock.listen()
        yield sock


def test_passed(tap):
    with contextlib.ExitStack() as stack:
        place = stack.enter_context(Server())
        tcp = stack.enter_context(socket.create_server(("127.0.0.1", 0)))
        path = place.path("socket")
        unix = stack.enter_context(unix_socket(path))
        server = stack.enter_context(Passed([tcp, unix]))
        tap.ok(serves(server.at(tcp)) and serves(server.at(unix)),
               "two sockets are passed, and served", server.log())
        tap.ok(said(server, "listening on unix:" + path)
               and said(server, "listening on 127.0.0.1:%d"
                        % tcp.getsockname()[1]), "the log says where")
        server.process.send_signal(signal.SIGHUP)
        tap.ok(eventually(lambda: said(server, "restarted"))
               and serves(server.at(tcp)) and serves(server.at(unix)),
               "a restart keeps them")
        server.process.terminate()
        status = server.process.wait(PATIENCE)
        tap.ok(status == 0 and os.path.exists(path),
               "the file of a socket that others made stays", status)


def test_abstract(tap):
    """A name that is no path: unix(7)."""
    name = "\0ws-cgi test %d" % os.getpid()
    with unix_socket(name) as sock, Passed([sock]) as server:
        server.address, server.host = name, "localhost"
        tap.ok(serves(server) and said(server, "listening on unix:@" + name[1:]),
               "an abstract socket is served", server.log())


def test_both_families(tap):
    """One socket for IPv6 and IPv4, whose clients are named as what they
    are."""
    with socket.create_server(("::", 0), family=socket.AF_INET6,
                              dualstack_ipv6=True) as sock, \
            Passed([sock]) as server:
        server.address = ("127.0.0.1", sock.getsockname()[1])
        server.host = "127.0.0.1:%d" % server.address[1]
        tap.ok(serves(server) and eventually(
            lambda: said(server, "]: 127.0.0.1:")),
            "a socket for both families: an IPv4 client has its IPv4 address",
            server.log())


def test_not_passed(tap):
    with socket.create_server(("127.0.0.1", 0)) as tcp, \
            socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as udp, \
            socket.socket() as closed:
        for name, sockets, pid in [
                ("for another process", [tcp], "1"),
                ("no sockets", [], "own"),
                ("a datagram socket", [udp], "own"),
                ("a socket that does not listen", [tcp, closed], "own")]:
            with Passed(sockets, pid) as server:
                status = server.process.wait(PATIENCE)
                tap.ok(status == 100 and server.log(),
                       name + ": said, and exit status 100",
                       (status, server.log()))


def test_not_wanted(tap):
    """What is passed to a listener that opens its own is closed."""
    with socket.create_server(("127.0.0.1", 0)) as tcp, \
            Passed([tcp], options=["--listen", "127.0.0.1:0"]) as server:
        names = os.listdir("/proc/%d/fd" % server.process.pid)
        sockets = [name for name in names if os.readlink(
            "/proc/%d/fd/%s" % (server.process.pid, name))
            .startswith("socket:")]
        tap.ok(len(sockets) == 1, "sockets that nobody asked for are closed",
               names)


def free_port():
    with socket.create_server(("127.0.0.1", 0)) as sock:
        return sock.getsockname()[1]


def test_activate(tap):
    with Server() as server:
        port = free_port()
        server.address = ("127.0.0.1", port)
        server.host = "127.0.0.1:%d" % port
        server.start(["systemd-socket-activate", "-l",
                      "127.0.0.1:%d" % port, binary(), "--listen", "systemd",
                      "echo:"])
        eventually(lambda: said(server, "Listening on"))
        tap.ok(serves(server) and serves(server),
               "systemd-socket-activate starts it", server.log())


# What it tells.

class Manager:
    """A service manager's end of NOTIFY_SOCKET."""

    def __init__(self, address):
        self.sock = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self.sock.bind(address)
        self.name = address.replace("\0", "@")

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.sock.close()

    def next(self, patience=PATIENCE):
        """What it is told, and by which process, or None."""
        if not select.select([self.sock], [], [], patience)[0]:
            return None
        return self.sock.recv(4096).decode()

    def until(self, text):
        """All that it is told until this."""
        told = []
        while not told or told[-1] not in (text, None):
            told.append(self.next())
        return told


def test_notify(tap):
    with Server() as place:
        for kind, address in [("a path", place.path("notify")),
                              ("an abstract name", "\0ws-cgi-test-%d"
                               % os.getpid())]:
            with Manager(address) as manager, Listener(
                    ["echo:"], env={"NOTIFY_SOCKET": manager.name}) as server:
                tap.ok(manager.next() == "READY=1" and serves(server),
                       kind + ": it is told when the service is ready")
                server.process.send_signal(signal.SIGHUP)
                first, second = manager.next(), manager.next()
                tap.ok(first.startswith("RELOADING=1\nMONOTONIC_USEC=")
                       and second == "READY=1" and serves(server),
                       kind + ": of a restart, and of its end",
                       (first, second))
                server.process.terminate()
                last = manager.next()
                tap.ok(last == "STOPPING=1", kind + ": and of the end", last)


def test_failed_reload(tap):
    with Server() as place, Manager(place.path("notify")) as manager:
        program = place.path("ws-cgi")
        shutil.copy(binary(), program)
        place.start([program, "--listen", "127.0.0.1:0", "echo:"],
                    {"NOTIFY_SOCKET": manager.name})
        manager.until("READY=1")
        os.unlink(program)
        place.process.send_signal(signal.SIGHUP)
        told = manager.until("READY=1")
        tap.ok(len(told) == 2 and told[0].startswith("RELOADING=1"),
               "a restart that fails ends with READY=1, too", told)


def watched(during=lambda server: None, env=()):
    """The times of the signs of life during a second and more."""
    with Server() as place, Manager(place.path("notify")) as manager, \
            Listener(["echo:"], env={
                "NOTIFY_SOCKET": manager.name,
                "WATCHDOG_USEC": "%d" % (WATCHDOG * 1e6),
                **dict(env)}) as server:
        times = []
        began = time.monotonic()
        during(server)
        while time.monotonic() - began < 3 * WATCHDOG:
            if manager.next(WATCHDOG) == "WATCHDOG=1":
                times.append(time.monotonic() - began)
        return times


def test_watchdog(tap):
    times = watched()
    gaps = [b - a for a, b in zip([0, *times], times)]
    tap.ok(len(times) >= 5 and max(gaps) < WATCHDOG,
           "the watchdog sees a sign of life in time", times)
    times = watched(lambda server: server.process.send_signal(signal.SIGHUP))
    tap.ok(len(times) >= 4, "and after a restart", times)
    times = watched(env={"WATCHDOG_PID": "1"})
    tap.ok(not times, "but not where another process is watched", times)


def test_nobody(tap):
    for name in ["/nonexistent/socket", "nonsense", "/" + "x" * 200]:
        with Listener(["echo:"], env={"NOTIFY_SOCKET": name}) as server:
            tap.ok(serves(server), "NOTIFY_SOCKET=%.20s: it serves all the "
                   "same" % name)


# The units.

UNITS = ("ws-cgi.socket", "ws-cgi.service", "ws-cgi-each.socket",
         "ws-cgi-each@.service", "ws-cgi-tls.socket", "ws-cgi-tls.service",
         "ws-tls-each.socket", "ws-tls-each@.service")
EXPOSED = 2.0


def put_units(place):
    """The installed units in a directory, with the binary under test."""
    for name in UNITS:
        with open(os.path.join(TOP, "examples", "systemd", name)) as f:
            unit = f.read()
        unit = unit.replace("/usr/local/bin", os.path.dirname(binary()))
        with open(place.path(name), "w") as f:
            f.write(unit)
    return [place.path(name) for name in UNITS]


def analyze(*arguments):
    return subprocess.run(["systemd-analyze", *arguments], text=True,
                          capture_output=True, timeout=PATIENCE)


def test_units(tap):
    """systemd itself has no complaint about the units, nor about what a
    service could do that has been taken over."""
    with Server() as place:
        paths = put_units(place)
        verified = analyze("verify", "--man=no", *paths)
        tap.ok(verified.returncode == 0 and "ws-cgi" not in verified.stderr,
               "systemd-analyze verify: the units", verified)
        for path in paths:
            if path.endswith(".service"):
                judged = analyze("security", "--offline=yes", path)
                level = re.search(r"exposure level for .*: ([\d.]+)",
                                  judged.stdout)
                tap.ok(level and float(level.group(1)) <= EXPOSED,
                       "systemd-analyze security: %s is exposed to at most %s"
                       % (os.path.basename(path), EXPOSED), judged)


TESTS = [test_passed, test_abstract, test_both_families, test_not_passed, test_not_wanted, test_activate,
         test_notify, test_failed_reload, test_watchdog, test_nobody,
         test_units]


def main():
    tap = Tap()
    with same_descriptors():
        for test in TESTS:
            test(tap)
    tap.finish()


if __name__ == "__main__":
    main()
