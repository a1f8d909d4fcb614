"""The columns of the table: what is tried with each front end.

Each is a function of a front end.  It returns nothing when all is well, and
says what is wrong otherwise.
"""

import socket
import time

from frontend import CLIENT, rawclient
from rawclient import BINARY, TEXT, Connection, frame
from ws_test import eventually, is_running, reset

ANSWER = 10         # s for what must come at some time
PROMPT = 2          # s for what must come without delay
SILENCE = 70        # s, longer than any front end waits by default
LARGE = bytes(range(256)) * 4096


class Failed(Exception):
    """Why a cell is not well."""


def check(good, *why):
    if not good:
        raise Failed(" ".join(map(str, why)))


def spoken(connection, timeout=ANSWER):
    """The next event that is no ping or pong; pings are answered."""
    deadline = time.monotonic() + timeout
    while event := connection.event(deadline - time.monotonic()):
        if event[0] == "ping":
            connection.send(frame(rawclient.PONG, event[1]))
        elif event[0] != "pong":
            return event
    return None


class Talk(Connection):
    """A connection that has been greeted."""

    def __init__(self, front, early=b""):
        super().__init__(front.connect())
        try:
            self.begin(front, early)
        except BaseException:
            self.sock.close()
            raise

    def begin(self, front, early):
        self.send(rawclient.request(front.host, front.location) + early)
        self.upgraded()
        event = spoken(self)
        check(event and event[0] == "text"
              and event[1].startswith(b"hello "), "greeted with", event)
        _, ws_cgi, program, *self.addresses = event[1].decode().split(" ")
        self.processes = {int(ws_cgi), int(program)}

    def hears(self, opcode, payload, timeout=ANSWER):
        """Is this said back?"""
        event = spoken(self, timeout)
        check(event == (rawclient.NAMES[opcode], payload),
              "instead of an echo: %.60r" % (event,))

    def echoes(self, opcode, payload):
        self.send(frame(opcode, payload))
        self.hears(opcode, payload)

    def ends(self, timeout=PROMPT):
        event = spoken(self, timeout)
        check(event in (("eof",), ("reset",)), "instead of the end:", event)

    def leaves_nothing(self, timeout=PROMPT):
        """ws-cgi and its program are gone."""
        began = time.monotonic()
        check(eventually(lambda: not any(map(is_running, self.processes)),
                         timeout), "still there after", timeout, "s")
        return time.monotonic() - began


def text(front):
    with Talk(front) as talk:
        talk.echoes(TEXT, "Grüße, 你好".encode())


def binary(front):
    with Talk(front) as talk:
        talk.echoes(BINARY, bytes(range(256)))


def large(front):
    with Talk(front) as talk:
        talk.echoes(BINARY, LARGE)


def first(front):
    """The service speaks first; Talk has waited for that."""
    with Talk(front):
        pass


def early(front):
    with Talk(front, early=frame(TEXT, b"early")) as talk:
        talk.hears(TEXT, b"early")


def close(front):
    with Talk(front) as talk:
        talk.send(rawclient.close(4001, b"bye"))
        event = spoken(talk, PROMPT)
        check(event and event[:2] == ("close", 4001), "the answer:", event)
        talk.ends()
        talk.leaves_nothing()


def half(front):
    with Talk(front) as talk:
        talk.send(frame(TEXT, b"my last"))
        talk.sock.shutdown(socket.SHUT_WR)
        talk.hears(TEXT, b"my last", PROMPT)
        talk.leaves_nothing()


def vanish(front):
    with Talk(front) as talk:
        reset(talk)
        talk.leaves_nothing()


def end(front):
    with Talk(front) as talk:
        talk.send(frame(TEXT, b"end"))
        event = spoken(talk, PROMPT)
        check(event and event[:2] == ("close", 1000), "the close:", event)
        talk.send(rawclient.close(1000))
        talk.ends()


def silence(front):
    with Talk(front) as talk:
        event = spoken(talk, SILENCE)
        check(event is None, "in the silence:", event)
        talk.echoes(TEXT, b"still there")


def refused(front):
    """A request for a version that is not spoken; then a good one, on the same
    connection."""
    bad = rawclient.request(front.host).replace(b"Version: 13", b"Version: 99")
    with Connection(front.connect()) as connection:
        connection.send(bad)
        status, headers = connection.response()
        check(400 <= status < 500, "status", status)
        size = int(headers.get("content-length", "0"))
        connection.fill_until(lambda: len(connection.buffer) >= size, ANSWER)
        del connection.buffer[:size]
        check(not connection.ended and "close" not in
              headers.get("connection", "").lower(), "it is closed")
        connection.handshake(front.host)
        check(spoken(connection), "no greeting")


def address(front):
    with Talk(front) as talk:
        check(CLIENT in talk.addresses, "the client's address:",
              talk.addresses)


# In the order of the table.  What comes in the end takes long.
CELLS = {
    "text": text,
    "binary": binary,
    "1 MiB": large,
    "speaks first": first,
    "early frame": early,
    "client closes": close,
    "half-closes": half,
    "vanishes": vanish,
    "program ends": end,
    "refused, again": refused,
    "REMOTE_ADDR": address,
    "70 s silence": silence,
}
LONG = {"70 s silence"}
KEPT = {"refused, again"}
