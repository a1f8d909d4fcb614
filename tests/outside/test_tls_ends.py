"""How a connection over TLS ends: by close_notify, cut off, or in the middle;
who ends first, who vanishes, who stalls.  In no state of these does a process
run for nothing, and none stays."""

import contextlib
import os
import socket
import ssl
import sys
import time

import tls
from rawclient import TEXT, frame, request
from rawclient import close as ws_close
from tap import Tap
from tls import Authority, TlsListener, WsTls, cpu_of, secure, tunnels
from ws_test import PATIENCE, eventually, is_running, logged, workers

VERSIONS = [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3]
IDLE = 0.7      # s in which nothing is to happen
LARGE = 1 << 20
SOON = 5        # s

SLEEP = ["sleep", "600"]
# Says so much, and no more; but goes on listening until it is told an end.
HALF = [sys.executable, "-c", """
import os, socket
s = socket.socket(fileno=os.dup(0))
s.sendall(b"said")
s.shutdown(socket.SHUT_WR)
n = 0
while data := s.recv(65536):
    n += len(data)
os.write(2, b"heard %d\\n" % n)
"""]
# Takes no more, and goes on talking.
DEAF = [sys.executable, "-c", """
import os, socket, time
s = socket.socket(fileno=os.dup(0))
s.shutdown(socket.SHUT_RD)
time.sleep(0.5)
s.sendall(b"x" * 100000)
time.sleep(2)
s.sendall(b"end")
"""]


def only_tunnel(server):
    return eventually(lambda: len(tunnels(server)) == 1
                      and tunnels(server)[0])


def is_idle(pid):
    """Whether the process does next to nothing."""
    before = cpu_of(pid)
    time.sleep(IDLE)
    after = cpu_of(pid)
    return None not in (before, after) and after - before <= 0.05


def all_gone(server, patience=SOON):
    return eventually(lambda: not workers(server), patience)


def lines(server, *parts):
    return [line for line in server.log() if all(part in line
                                                 for part in parts)]


def test_close_notify(tap, ca, pair):
    for version in VERSIONS:
        name = version.name
        with TlsListener(["echo:"], pair, ["--verbose"]) as server:
            with tls.opened(server, ca, version=version) as connection:
                connection.send(ws_close(1000))
                connection.event(PATIENCE)
                connection.event(PATIENCE)
                tap.ok(connection.end() == "clean", name + ": the program's "
                       "end is close_notify", connection.end())
            tap.ok(logged(server, "ws-tls[", name.replace("v1_", "v1."),
                          ": closed, in "), name + ": and the log says so",
                   server.log())
            with secure(server, ca, version=version) as client:
                client.write(request(server.host))
                client.read()
                client.say_end()
                word = client.close_notify()
            tap.ok(word == "clean", name + ": close_notify is answered", word)
            tap.ok(all_gone(server) and not lines(server, "truncated"),
                   name + ": nothing is truncated", server.log())


def test_truncated(tap, ca, pair):
    """A message of which half has come reaches no program."""
    half = frame(TEXT, b"whole or not at all" * 100)[:1000]
    started = ["sh", "-c", "cat >&2"]
    for version in VERSIONS:
        for how in ("FIN", "RST", "close_notify"):
            name = "%s, %s" % (version.name, how)
            with TlsListener(started, pair) as server:
                connection = tls.opened(server, ca, version=version)
                connection.send(frame(TEXT, b"first"))
                logged(server, "first")
                connection.send(half)
                time.sleep(0.1)
                if how == "close_notify":
                    connection.sock.shutdown(socket.SHUT_WR)
                else:
                    connection.vanish(how == "RST")
                gone = all_gone(server)
                connection.sock.close()
                cut_off = lines(server, "ws-tls", "truncated")
                tap.ok(gone and bool(cut_off) == (how != "close_notify"),
                       name + ": in the middle of a message, and told",
                       server.log())
                tap.ok(not lines(server, "whole"),
                       name + ": half a message is none", server.log())


def test_odd_states(tap, ca, pair):
    """Each leaves one connection in a state in which it waits."""
    def silent(client):
        pass

    def ended(client):
        client.say_end()

    def full(client):
        with contextlib.suppress(TimeoutError, BlockingIOError):
            client.sock.settimeout(0.5)
            for _ in range(400):
                client.write(bytes(16384))

    def begun(client):
        client.tls.write(b"x" * 1000)
        client.sock.sendall(client.outgoing.read()[:500])

    def full_and_ended(client):
        full(client)
        with contextlib.suppress(OSError):
            client.sock.shutdown(socket.SHUT_WR)

    for state in (silent, ended, full, begun, full_and_ended):
        with WsTls(SLEEP, pair) as server, secure(server, ca) as client:
            pid = only_tunnel(server)
            state(client)
            tap.ok(is_idle(pid), "a program that reads nothing, a client: %s"
                   % state.__name__)
            tap.ok(is_running(pid), "and it goes on")
            os.kill(workers(server)[0], 9)
            client.sock.close()
            tap.ok(eventually(lambda: not is_running(pid), SOON),
                   "until the program is gone")


def test_talkers(tap, ca, pair):
    """The program talks and the client does not listen, or goes."""
    with WsTls(["cat", "/dev/zero"], pair, ["--write-timeout", "3"]) as server:
        with secure(server, ca) as client:
            pid = only_tunnel(server)
            time.sleep(0.5)
            tap.ok(is_idle(pid), "a client that reads nothing")
            client.say_end()
            tap.ok(is_idle(pid), "and says the end")
            tap.ok(eventually(lambda: not is_running(pid), SOON)
                   and logged(server, "takes nothing any more"),
                   "is given up after the write timeout", server.log())
        tap.ok(all_gone(server), "and the program ends")
        with secure(server, ca) as client:
            pid = only_tunnel(server)
        tap.ok(all_gone(server), "who vanishes takes the program along")
        with secure(server, ca) as client:
            pid, until = only_tunnel(server), time.monotonic() + 8
            client.sock.settimeout(0.2)
            while is_running(pid) and time.monotonic() < until:
                with contextlib.suppress(OSError):
                    client.write(b"x" * 8192)
            tap.ok(not is_running(pid), "a client that reads nothing, and "
                   "sends and sends, is given up, too", server.log())


def test_half(tap, ca, pair):
    """One side has said all, and the other talks on."""
    with WsTls(HALF, pair) as server, secure(server, ca) as client:
        pid = only_tunnel(server)
        tap.ok(client.rest() == b"said",
               "the program's end is close_notify while it listens")
        tap.ok(is_idle(pid), "which costs nothing")
        time.sleep(2)
        for _ in range(LARGE >> 14):
            client.write(bytes(16384))
        client.say_end()
        tap.ok(logged(server, "heard %d" % LARGE),
               "what the client says later still comes", server.log())
        tap.ok(eventually(lambda: not is_running(pid), SOON), "and it ends")
    with WsTls(DEAF, pair, ["--write-timeout", "1"]) as server, \
            secure(server, ca) as client:
        client.write(bytes(100000))
        data = client.rest()
        tap.ok(len(data) == 100003 and data.endswith(b"end"),
               "a program that takes nothing talks on", len(data))
    late = ["sh", "-c", "cat >/dev/null; sleep 1; echo later"]
    with WsTls(late, pair) as server, secure(server, ca) as client:
        pid = only_tunnel(server)
        client.write(b"all")
        client.say_end()
        tap.ok(is_idle(pid), "a client that has said all waits for free")
        tap.ok(client.rest() == b"later\n", "and hears the answer")


def test_program_first(tap, ca, pair):
    """The program ends; the client does not."""
    with WsTls(["echo", "bye"], pair) as server:
        for state in ("silent", "sending"):
            with secure(server, ca) as client:
                pid = only_tunnel(server)
                tap.ok(client.rest() == b"bye\n", "all is said, client " +
                       state)
                until = time.monotonic() + SOON
                client.sock.settimeout(0.2)
                while is_running(pid) and time.monotonic() < until:
                    if state == "silent":
                        time.sleep(0.01)
                    else:
                        with contextlib.suppress(OSError):
                            client.write(b"x" * 8192)
                tap.ok(not is_running(pid), "and in the end it is over")
    big = ["sh", "-c", "head -c 300000 /dev/zero"]
    with WsTls(big, pair, ["--write-timeout", "2"]) as server:
        small = socket.socket()
        small.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        small.settimeout(PATIENCE)
        small.connect(server.address)
        with secure(server, ca, sock=small) as client:
            until, pid, got = time.monotonic() + 9, None, 0
            tunnel = eventually(lambda: tunnels_of_all(server.process.pid))
            while is_running(tunnel) and time.monotonic() < until:
                got += len(small.recv(100))
                time.sleep(0.05)
            tap.ok(not is_running(tunnel), "what a program has left is not "
                   "taken for ever, in however small pieces", got)


def tunnels_of_all(listener):
    """The pid of one that speaks TLS, whoever is its parent by now."""
    for name in os.listdir("/proc"):
        if name.isdigit() and tls.title_of(int(name)).startswith(
                "ws-tls: 127.0.0.1 TLS") and int(name) > listener:
            return int(name)
    return None


def test_request_and_close(tap, ca, pair):
    """Who asks and closes at once."""
    with TlsListener(["echo:"], pair) as server:
        for how in ("close_notify", "FIN", "RST"):
            client = secure(server, ca)
            client.write(request(server.host) + frame(TEXT, b"x"))
            if how == "close_notify":
                client.say_end()
            if how == "RST":
                client.sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER,
                                       b"\1\0\0\0\0\0\0\0")
            client.sock.close()
            tap.ok(all_gone(server), "a request, and at once %s" % how,
                   server.log())
        for bytes_sent in (0, 1, 5, 100):
            sock = server.connect()
            hello = tls.Client(sock, ca.context())
            with contextlib.suppress(ssl.SSLWantReadError):
                hello.tls.do_handshake()
            sock.sendall(hello.outgoing.read()[:bytes_sent])
            time.sleep(0.05)
            pid = only_tunnel(server)
            tap.ok(pid and is_idle(pid), "%d bytes of a ClientHello cost "
                   "nothing while it waits" % bytes_sent)
            sock.close()
            tap.ok(all_gone(server), "who goes after them is gone")
        tap.ok(len(lines(server, "gone during the handshake")) == 3
               and not lines(server, "cannot"),
               "who has said nothing is not worth a line", server.log())


def test_killed(tap, ca, pair):
    with TlsListener(["cat"], pair) as server:
        for what in ("tunnel", "worker"):
            connection = tls.opened(server, ca)
            pids = [workers(server)[0], only_tunnel(server)]
            os.kill(pids[what == "tunnel"], 9)
            began = time.monotonic()
            tap.ok(eventually(lambda: not any(map(is_running, pids)), SOON)
                   and time.monotonic() - began < 3,
                   "kill -9 of the %s: the other ends, too" % what,
                   server.log())
            connection.sock.close()
        sock = server.connect()
        pids = [eventually(lambda: workers(server))[0], only_tunnel(server)]
        os.kill(pids[0], 9)
        tap.ok(eventually(lambda: not any(map(is_running, pids)), 2),
               "in the handshake as well", server.log())
        sock.close()


def main():
    tap = Tap()
    with Authority() as ca:
        pair = ca.issue("localhost", "127.0.0.1")
        for test in (test_close_notify, test_truncated, test_odd_states,
                     test_talkers, test_half, test_program_first,
                     test_request_and_close, test_killed):
            test(tap, ca, pair)
    tap.finish()


if __name__ == "__main__":
    main()
