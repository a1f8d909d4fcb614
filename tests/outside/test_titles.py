"""What ps shows: the listener counts its connections, and each connection
says who it is, what it does and how many messages went each way."""

import re

import rawclient
import server
import ws_test
from tap import Tap

TALKED = re.compile(r"ws-cgi: 127\.0\.0\.1 /room\?n=1 open (\d+) in (\d+) out")


def title(pid):
    """The title, as ps reads it."""
    with open("/proc/%d/cmdline" % pid, "rb") as f:
        return f.read().rstrip(b"\0").decode()


def comes_to_be(pid, wanted):
    return ws_test.eventually(lambda: re.fullmatch(wanted, title(pid)), 10)


def check(tap, pid, wanted, name):
    tap.ok(comes_to_be(pid, wanted), name, title(pid))


def said_enough(connection, pid):
    """Whether the title tells of messages: it follows within a second."""
    connection.send(rawclient.frame(rawclient.TEXT, b"x"))
    connection.event()
    found = TALKED.match(title(pid))
    return found and int(found[1]) > 1 and int(found[2]) > 1


def main():
    tap = Tap()
    with server.Listener(["cat"], ["--max", "7"]) as s:
        listener = s.process.pid
        check(tap, listener, r"ws-cgi: listening, 0 of 7 connections",
              "a listener without connections")
        with rawclient.Connection(s.connect()) as connection:
            worker = ws_test.worker(s)
            check(tap, worker, r"ws-cgi: 127\.0\.0\.1  handshake 0 in 0 out",
                  "a connection that has said nothing")
            check(tap, listener, r"ws-cgi: listening, 1 of 7 connections",
                  "a listener with one connection")
            connection.handshake(s.host, "/room?n=1")
            check(tap, worker, TALKED, "an open connection")
            tap.ok(ws_test.eventually(lambda: said_enough(connection, worker)),
                   "messages are counted", title(worker))
        check(tap, listener, r"ws-cgi: listening, 0 of 7 connections",
              "the connection is over")
    tap.finish()


if __name__ == "__main__":
    with server.same_descriptors():
        main()
