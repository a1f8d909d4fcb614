"""One whole conversation with a service that echoes, while faults strike it,
and in one word what the client saw of that:

    right           every message came back as it was sent, and close 1000
    refused 503     a complete HTTP response instead of the 101
    closed 1011     nothing wrong until a Close frame with this code, too soon
    gone            nothing wrong until the end of the stream, without a Close
    silent          the end of the stream before any byte
    wrong: ...      all else: what a client would take for what it is not
"""

import rawclient
from rawclient import (PING, TEXT, Connection, Violation, cut, fragments,
                       frame, request)
from server import Spawned
from ws_test import parse_response

PROTOCOL = "chat"
# What makes a handshake with all that the command may have to remember.
OPTIONS = ["--host", "localhost", "--host", "127.0.0.1",
           "--origin", "http://example.org", "--protocol", "other",
           "--protocol", PROTOCOL]
FIELDS = ["Origin: http://example.org", "Cookie: a=b", "Cookie: c=d",
          "X-Forwarded-For: 192.0.2.7", "X-Forwarded-For: 10.0.0.1",
          "Sec-WebSocket-Protocol: chat, other"]
LONG = ["Cookie: e=" + 9000 * "f"]      # for which memory must be asked
PATIENCE = 30       # s


def text(size):
    """So many bytes of text without a newline, the same in each run."""
    return (b"%08x " * (size // 9 + 1) % tuple(range(size // 9 + 1)))[:size]


def exchange(opcode, payload):
    """A message and the event that is to answer it."""
    return frame(opcode, payload), (rawclient.NAMES[opcode], payload)


SMALL, MIDDLE, LARGE = text(10), text(70_000), text(300_000)
STEPS = [
    exchange(TEXT, SMALL),
    (b"".join(fragments(TEXT, cut(MIDDLE, 10_000))), ("text", MIDDLE)),
    exchange(TEXT, LARGE),
    (frame(PING, b"there?"), ("pong", b"there?")),
    (rawclient.close(1000, b"bye"), ("close", 1000, b"bye")),
]
# With a service that ends after the first message.
FIRST = [STEPS[0], (b"", ("close", 1000, b"done")),
         (rawclient.close(1000), ("eof",))]


def brief(event):
    return "%.60r" % (event,)


def judge_refusal(connection):
    data = connection.rest(PATIENCE)
    if not data:
        return "silent"
    try:
        response = parse_response(data)
    except Violation as violation:
        return "wrong: " + str(violation)
    if not response.is_refusal():
        return "wrong: an incomplete refusal: %.200r" % data
    return "refused %d" % response.status


def handshake(connection, host, path, more):
    """None after the right 101, else what came instead."""
    key = b"dGhlIHNhbXBsZSBub25jZQ=="
    connection.send(request(host, path, key, FIELDS + more))
    connection.fill_until(lambda: b"\r\n\r\n" in connection.buffer, PATIENCE)
    if not connection.buffer.startswith(b"HTTP/1.1 101 ") \
            or b"\r\n\r\n" not in connection.buffer:
        return judge_refusal(connection)
    if connection.upgraded(key).get("sec-websocket-protocol") != PROTOCOL:
        return "wrong: another subprotocol was chosen"
    return None


def judge_end(connection, event):
    """The conversation ends with this event: is that said honestly?"""
    if event is None:
        return "wrong: nothing came in %d s" % PATIENCE
    if event[0] in ("eof", "reset"):
        return "gone"
    if event[0] != "close":
        return "wrong: " + brief(event)
    connection.send(rawclient.close(event[1]))
    end = connection.event(PATIENCE)
    if end not in (("eof",), ("reset",)):
        return "wrong: %s behind the Close" % brief(end)
    return "closed %d" % event[1]


def talk(connection, steps):
    for data, wanted in steps:
        connection.send(data)
        event = connection.event(PATIENCE)
        if event != wanted:
            return judge_end(connection, event)
    end = connection.event(PATIENCE)
    return "right" if end == ("eof",) else "wrong: %s at the end" % brief(end)


def play(sock, host, path="/", steps=STEPS, more=(), kind=Connection):
    """Have the conversation on this socket, and close it; the word for it."""
    with kind(sock) as connection:
        try:
            return handshake(connection, host, path, list(more)) \
                or talk(connection, steps)
        except Violation as violation:
            return "wrong: " + str(violation)


class Inetd(Spawned):
    """A command that is started once, and its exit status."""

    def __init__(self, argv):
        super().__init__(argv)
        self.started = []

    def _reap(self):
        """What has ended is forgotten here, but its status is wanted."""
        self.started = self.started or list(self.processes)
        super()._reap()

    def play(self, steps=STEPS, more=(), kind=Connection):
        """One conversation: its word, and the command's exit status."""
        word = play(self.connect(), self.host, steps=steps, more=more,
                    kind=kind)
        return word, self.started[0].wait(PATIENCE)
