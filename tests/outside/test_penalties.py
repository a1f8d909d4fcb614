"""Who is kept away by a listener for a while, for what its connections have
come to or because it comes too often; who is not; and others come in meanwhile.

Sources are addresses of 127.0.0.0/8, which are no exception here.
"""

import contextlib
import os
import signal
import socket
import time

import rawclient
from rawclient import TEXT, Connection, frame
from server import Listener, same_descriptors
from tap import Tap
from ws_test import (PATIENCE, close_of, eventually, parse_response, reset,
                     until_end, worker, workers)

BAD, GOOD, FAR = "127.0.0.2", "127.0.0.3", "127.0.1.1"
ALL = ("--penalty-exempt", "none")


def connect_from(server, source):
    return Connection(socket.create_connection(
        server.address, PATIENCE, source_address=(source, 0)))


def answer(server, source=BAD, data=None, fields=()):
    """What a request from there is answered, and the Connection with it."""
    connection = connect_from(server, source)
    connection.send(data or rawclient.request(server.host, extra=fields))
    connection.fill_until(lambda: b"\r\n\r\n" in connection.buffer, PATIENCE)
    return connection


def status(server, source=BAD, data=None, fields=()):
    with answer(server, source, data, fields) as connection:
        if connection.buffer.startswith(b"HTTP/1.1 101"):
            connection.buffer.clear()
            connection.send(rawclient.close(1000))
            until_end(connection)
            eventually(lambda: not workers(server))
            return 101
        return parse_response(connection.rest(PATIENCE)
                              or b"HTTP/1.1 000 -\r\n\r\n").status


def opened_from(server, source=BAD, fields=()):
    connection = connect_from(server, source)
    connection.send(rawclient.request(server.host, extra=fields))
    connection.upgraded(timeout=PATIENCE)
    return connection


def says(server, *parts):
    return [line for line in server.log()
            if all(part in line for part in parts)]


def quiet(server):
    """All have ended, and the listener has seen it."""
    return eventually(lambda: not workers(server))


# What a connection may come to: each returns when it is over.

def crashes(server, number=signal.SIGSEGV):
    with opened_from(server) as connection:
        os.kill(worker(server), number)
        until_end(connection)
    quiet(server)


def breaks(server, data=frame(3)):
    with opened_from(server) as connection:
        connection.send(data)
        until_end(connection)
    quiet(server)


def asks(server, data):
    with connect_from(server, BAD) as connection:
        connection.send(data)
        connection.rest(PATIENCE)
    quiet(server)


def vanishes(server, end):
    with opened_from(server) as connection:
        connection.send(frame(TEXT, b"hello"))
        connection.event(PATIENCE)
        end(connection)
    quiet(server)


def request(server, **more):
    return rawclient.request(more.get("host", server.host),
                             extra=more.get("extra", ()))


BREAK_IT = [    # name, how often, what is done
    ("SIGSEGV", 1, crashes),
    ("SIGABRT", 1, lambda s: crashes(s, signal.SIGABRT)),
    ("SIGSYS", 1, lambda s: crashes(s, signal.SIGSYS)),
    ("a reserved opcode, 1002", 4, breaks),
    ("no UTF-8, 1007", 4, lambda s: breaks(s, frame(TEXT, b"\xff"))),
    ("too large, 1009", 4, lambda s: breaks(s, frame(TEXT, b"x" * 2000))),
    ("a malformed request, 400", 4,
     lambda s: asks(s, b"GET  / HTTP/1.1\r\n\r\n")),
    ("a field of 20 kB, 431", 4,
     lambda s: asks(s, b"GET / HTTP/1.1\r\nA: " + b"a" * 20000)),
    ("half a handshake, 408", 2, lambda s: asks(s, b"GET / HT")),
]
LEAVE_IT = [
    ("SIGKILL", 4, lambda s: crashes(s, signal.SIGKILL)),
    ("SIGTERM", 4, lambda s: crashes(s, signal.SIGTERM)),
    ("an end without a Close", 9,
     lambda s: vanishes(s, lambda c: c.sock.close())),
    ("a reset", 9, lambda s: vanishes(s, reset)),
    ("a Close", 9, lambda s: breaks(s, rawclient.close(1000))),
    ("nothing at all", 9, lambda s: connect_from(s, BAD).sock.close()),
    ("silence", 4, lambda s: asks(s, b"")),
    ("TLS", 9, lambda s: asks(s, b"\x16\x03\x01\x02\0\1\0\1\xfc\3\3")),
    ("another Host, 421", 9, lambda s: asks(s, request(s, host="a.b"))),
    ("another Origin, 403", 9,
     lambda s: asks(s, request(s, extra=["Origin: http://a.b"]))),
    ("no upgrade, 426", 9, lambda s: asks(
        s, b"GET / HTTP/1.1\r\nHost: %s\r\n\r\n" % s.host.encode())),
    ("POST, 405", 9, lambda s: asks(
        s, b"POST / HTTP/1.1\r\nHost: %s\r\n\r\n" % s.host.encode())),
]
QUICK = ("--handshake-timeout", "0.2", "--max-message", "1000")


def test_deeds(tap):
    for name, times, play in BREAK_IT:
        with Listener(["echo:"], [*ALL, *QUICK]) as server:
            for _ in range(times - 1):
                play(server)
            before = status(server)
            play(server)
            after = status(server)
            tap.ok((before, after) == (101, 503), "%s, %d times, keeps the "
                   "source away, and not before" % (name, times),
                   (before, after, server.log()))
            tap.ok(status(server, GOOD) == 101, name + ": others come in")
            tap.ok(len(says(server, BAD, "is kept away for")) == 1
                   and says(server, BAD, "is turned away: it is penalised"),
                   name + ": the log says so", server.log())
    for name, times, play in LEAVE_IT:
        with Listener(["echo:"], [*ALL, *QUICK]) as server:
            for _ in range(times):
                play(server)
            tap.ok(status(server) == 101 and not says(server, "kept away"),
                   "%s, %d times, does not" % (name, times), server.log())


def test_time(tap):
    """A crash for 2 seconds, and 2 more."""
    options = [*ALL, "--penalties", "crash=2,min=1"]
    with Listener(["echo:"], options) as server:
        crashes(server)
        began = time.monotonic()
        seen = status(server)
        eventually(lambda: status(server) == 101)
        took = time.monotonic() - began
        tap.ok(seen == 503 and 1.5 < took < 4, "crash=2: away for 2 s", took)
        crashes(server)
        tap.ok(status(server) == 503, "and once more", server.log())


def test_together(tap):
    """Who has several connections is penalised for each of them."""
    options = [*ALL, "--penalties", "crash=60,max=100"]
    with Listener(["echo:"], options) as server, \
            contextlib.ExitStack() as stack:
        for _ in range(3):
            stack.enter_context(opened_from(server))
        for pid in workers(server):
            os.kill(pid, signal.SIGSEGV)
        quiet(server)
        status(server)
        line = says(server, "penalised for")[0]
        left = int(line.split("penalised for ")[1].split()[0])
        tap.ok(95 <= left <= 100, "three crashes: up to max", line)


def test_exempt(tap):
    rows = [        # options, who is let in after a crash
        ([], 101), (["--penalty-exempt", "loopback"], 101),
        (["--penalty-exempt", BAD], 101),
        (["--penalty-exempt", "192.0.2.1"], 503),
        ([*ALL, "--penalties", "none"], 101),
        ([*ALL, "--penalties", "crash=0"], 101),
        ([*ALL, "--trust", BAD], 101), (ALL, 503)]
    for options, wanted in rows:
        with Listener(["echo:"], options) as server:
            crashes(server)
            seen = status(server)
            tap.ok(seen == wanted, "%s: %d after a crash" % (
                " ".join(options) or "no option", wanted), seen)
    with Listener(["echo:"], ALL, address="unix") as server:
        with Connection(server.connect()) as connection:
            connection.handshake(server.host)
            os.kill(worker(server), signal.SIGSEGV)
            until_end(connection)
        quiet(server)
        with Connection(server.connect()) as connection:
            connection.handshake(server.host)
            tap.ok(True, "a Unix socket is exempt")


def test_bits(tap):
    with Listener(["echo:"], [*ALL, "--source-bits", "24"]) as server:
        crashes(server)
        seen = [status(server, source) for source in (BAD, GOOD, FAR)]
        tap.ok(seen == [503, 503, 101], "--source-bits 24: the neighbours are "
               "away too, and nobody else", seen)
        tap.ok(says(server, "127.0.0.0/24 is kept away"), "and the log says "
               "who", server.log())
    with Listener(["echo:"], ["--source-bits", "24", "--max-source", "1"]) \
            as server, opened_from(server):
        seen = [status(server, GOOD)]
        with answer(server, FAR) as connection:
            tap.ok(seen == [503] and b" 101 " in connection.buffer,
                   "--source-bits 24, --max-source 1: likewise", seen)


def by(address):
    return ["X-Forwarded-For: " + address]


def test_forwarded(tap):
    """Behind a proxy that is trusted."""
    with Listener(["echo:"], ["--trust", "loopback"]) as server:
        with opened_from(server, BAD, by("192.0.2.7")) as connection:
            os.kill(worker(server), signal.SIGSEGV)
            until_end(connection)
        quiet(server)
        seen = [status(server, BAD, None, by(address))
                for address in ("192.0.2.7", "192.0.2.8", "::ffff:192.0.2.7")]
        tap.ok(seen == [503, 101, 503], "it is the client that is kept away, "
               "not the proxy", seen)
        tap.ok(says(server, "192.0.2.7 is kept away for 90 s: its process has "
                    "crashed") and says(server, "192.0.2.7 via",
                                        "it is penalised for"),
               "and the log says so", server.log())
    options = ["--trust", "loopback", "--penalty-exempt", "192.0.2.0/24"]
    with Listener(["echo:"], options) as server:
        with opened_from(server, BAD, by("192.0.2.7")) as connection:
            os.kill(worker(server), signal.SIGSEGV)
            until_end(connection)
        quiet(server)
        seen = status(server, BAD, None, by("192.0.2.7"))
        tap.ok(seen == 101 and not says(server, "kept away"),
               "--penalty-exempt names clients, too", seen)


def test_restart(tap):
    with Listener(["echo:"], ALL) as server:
        crashes(server)
        with opened_from(server, FAR) as connection:
            server.process.send_signal(signal.SIGHUP)
            eventually(lambda: says(server, "restarted"))
            tap.ok(status(server) == 503, "a restart forgets nobody")
            with opened_from(server, GOOD) as other:
                other.send(frame(3))
                tap.ok(close_of(until_end(other))[0] == 1002, "nor lets it "
                       "out of sight")
            os.kill(worker(server), signal.SIGSEGV)
            until_end(connection)
        quiet(server)
        tap.ok(status(server, FAR) == 503, "who came before counts after it",
               server.log())
        server.process.send_signal(signal.SIGUSR1)
        line = eventually(lambda: says(server, " penalised, most from"))
        tap.ok(line and "3 served, 2 turned away, 2 penalised" in line[-1],
               "and the figures tell how many there are", line)


def test_rate(tap):
    with Listener(["echo:"], ["--source-rate", "2"]) as server:
        began = time.monotonic()
        seen = [status(server) for _ in range(40)]
        took = time.monotonic() - began
        served = seen.count(101)
        tap.ok(20 <= served <= 20 + 2 * took + 1 and seen[:20] == [101] * 20
               and set(seen) == {101, 503}, "--source-rate 2: 20 at once, %d "
               "of 40 in %.1f s" % (served, took), seen)
        tap.ok(status(server, GOOD) == 101, "others come in")
        tap.ok(says(server, BAD, "over 2 new connections a second"),
               "the log says so", server.log())
        time.sleep(1.1)
        seen = [status(server) for _ in range(6)]
        tap.ok(2 <= seen.count(101) <= 4, "a second later there are 2 more",
               seen)
    with Listener(["echo:"], ["--source-rate", "1", "--trust", BAD]) as server:
        seen = [status(server) for _ in range(15)]
        tap.ok(seen == [101] * 15, "a trusted proxy has no rate", seen)


class Six(Listener):
    """A listener on [::1]."""

    def start(self, argv, env=None, stdout=None):
        super().start(["[::1]:0" if word == "127.0.0.1:0" else word
                       for word in argv], env, stdout)


def test_ipv6(tap):
    with Six(["echo:"], ALL) as server:
        with Connection(server.connect()) as connection:
            connection.handshake(server.host)
            os.kill(worker(server), signal.SIGSEGV)
            until_end(connection)
        quiet(server)
        with Connection(server.connect()) as connection:
            connection.send(rawclient.request(server.host))
            tap.ok(b" 503 " in connection.rest(PATIENCE)
                   and says(server, "::/64 is kept away"),
                   "IPv6 is kept away as well", server.log())


TESTS = [test_deeds, test_time, test_together, test_exempt, test_bits,
         test_forwarded, test_restart, test_rate, test_ipv6]


def main():
    tap = Tap()
    with same_descriptors():
        for test in TESTS:
            test(tap)
    tap.finish()


if __name__ == "__main__":
    main()
