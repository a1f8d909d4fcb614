"""A raw WebSocket client for tests: any bytes may be sent, no byte is trusted.

Nothing here shares code with what is tested.  A Connection is a connected
socket with a buffer.  It reads while it writes, so a server that echoes as it
reads never stalls it.  What the server sends is checked as RFC 6455 wants it:
unmasked, lengths in the shortest form, no reserved bit, control frames short
and whole, fragments in order, text in UTF-8.  A breach raises Violation.

Events are tuples: ("text", bytes), ("binary", bytes), ("ping", bytes),
("pong", bytes), ("close", code or None, reason), and at the end of the stream
("eof",) or ("reset",).
"""

import base64
import fcntl
import hashlib
import os
import random
import select
import socket
import struct
import termios
import time
from typing import NamedTuple

CONTINUATION, TEXT, BINARY, CLOSE, PING, PONG = 0, 1, 2, 8, 9, 10
NAMES = {TEXT: "text", BINARY: "binary", PING: "ping", PONG: "pong"}
GUID = b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11"
STALLED = 60  # seconds without progress after which a write is given up

_keys = random.Random(6455)  # each frame its own key, each run the same keys


class Violation(Exception):
    """The server sent what RFC 6455 does not allow."""


class Frame(NamedTuple):
    fin: bool
    rsv: int
    opcode: int
    payload: bytes


def mask(payload, key):
    """XOR with the key as one large number: fast enough for many MiB."""
    size = len(payload)
    pad = (key * (size // 4 + 1))[:size]
    mixed = int.from_bytes(payload, "little") ^ int.from_bytes(pad, "little")
    return mixed.to_bytes(size, "little")


def length(size, form=None):
    """The seven length bits and what follows; form 7, 16 or 64 forces one."""
    if form is None:
        form = 7 if size < 126 else 16 if size < 65536 else 64
    if form == 7:
        return size, b""
    if form == 16:
        return 126, struct.pack("!H", size)
    return 127, struct.pack("!Q", size)


def frame(opcode, payload=b"", fin=True, rsv=0, form=None, key=None,
          masked=True):
    """The bytes of one frame, legal or not; rsv 4 is RSV1, 1 is RSV3."""
    low, more = length(len(payload), form)
    head = bytes([fin << 7 | rsv << 4 | opcode, masked << 7 | low]) + more
    if not masked:
        return head + payload
    key = key or _keys.randbytes(4)
    return head + key + mask(payload, key)


def close(code=None, reason=b""):
    """A Close frame; without a code the reason stands alone, legal or not."""
    number = b"" if code is None else struct.pack("!H", code)
    return frame(CLOSE, number + reason)


def ends_in_close(data):
    """Are the last bytes a Close frame, as close() makes it?"""
    last = data[-131:]      # RFC 6455 5.5: no control frame is longer
    return any(last[at] == 0x80 | CLOSE
               and last[at + 1] == 0x80 | len(last) - at - 6
               for at in range(len(last) - 5))


def fragments(opcode, parts):
    """One message whose fragments are the parts."""
    last = len(parts) - 1
    return [frame(CONTINUATION if i else opcode, part, fin=i == last)
            for i, part in enumerate(parts)]


def cut(payload, size):
    """Slices of size bytes, one empty slice for an empty payload."""
    return [payload[i:i + size] for i in range(0, len(payload) or 1, size)]


def accept(key):
    """The Sec-WebSocket-Accept that answers a Sec-WebSocket-Key (bytes)."""
    return base64.b64encode(hashlib.sha1(key + GUID).digest())


def request(host, path="/", key=b"dGhlIHNhbXBsZSBub25jZQ==", extra=()):
    """A handshake; extra holds further header lines without their CRLF."""
    lines = [b"GET %s HTTP/1.1" % path.encode(), b"Host: " + host.encode(),
             b"Upgrade: websocket", b"Connection: Upgrade",
             b"Sec-WebSocket-Version: 13", b"Sec-WebSocket-Key: " + key]
    lines += [line.encode() for line in extra]
    return b"\r\n".join(lines) + b"\r\n\r\n"


def connect(address, timeout=10):
    """A connected socket to a (host, port), or to the path of a Unix socket."""
    if not isinstance(address, str):
        sock = socket.create_connection(address, timeout)
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        return sock
    sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    sock.settimeout(timeout)
    try:
        sock.connect(address)
    except OSError:
        sock.close()
        raise
    return sock


class Connection:
    """One connected socket, from the handshake to the end of the stream."""

    def __init__(self, sock):
        self.sock = sock
        self.buffer = bytearray()
        self.ended = None       # "eof" or "reset" once nothing more can come
        self.broken = False     # a write was refused
        self.closed = False     # the server's Close was seen
        self.said_close = False     # and ours was sent
        self.parts = None       # fragments of the message under way
        self.opcode = None      # and its type
        sock.setblocking(False)
        self.poll = select.poll()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.sock.close()

    # Bytes.

    def _wait(self, mask_, timeout):
        """Wait for an event on the socket; returns what poll saw, or 0."""
        self.poll.register(self.sock, mask_)
        seen = self.poll.poll(max(0, timeout) * 1000)
        return seen[0][1] if seen else 0

    def _fill(self):
        """One read into the buffer; notes the end of the stream."""
        try:
            data = self.sock.recv(1 << 18)
        except BlockingIOError:
            return
        except (ConnectionResetError, BrokenPipeError):
            self.ended = "reset"
            return
        self.buffer += data
        if not data:
            self.ended = "eof"

    def _write(self, view):
        """Send all of view, reading meanwhile.  False if it was refused."""
        while len(view) and not self.broken:
            try:
                view = view[self.sock.send(view):]
                continue
            except BlockingIOError:
                pass
            except (ConnectionResetError, BrokenPipeError):
                self.broken = True
                break
            wanted = select.POLLOUT | (0 if self.ended else select.POLLIN)
            seen = self._wait(wanted, STALLED)
            if not seen:
                raise TimeoutError("the server reads nothing for %d s"
                                   % STALLED)
            if seen & select.POLLIN:
                self._fill()
        return not self.broken

    def send(self, data, chop=0):
        """Send data, in writes of chop bytes if chop is given."""
        self.said_close |= ends_in_close(data)
        view = memoryview(data)
        for at in range(0, len(view), chop or len(view) or 1):
            if not self._write(view[at:at + (chop or len(view))]):
                return False
        return True

    def drain(self, timeout=2):
        """Wait until the server has read all that was sent.  Unix only: there
        SIOCOUTQ is 0 once the receiver's queue is empty."""
        deadline = time.monotonic() + timeout
        while time.monotonic() < deadline:
            left = fcntl.ioctl(self.sock, termios.TIOCOUTQ, b"\0" * 4)
            if left == b"\0" * 4:
                return True
            time.sleep(0.0002)
        return False

    def fill_until(self, done, timeout):
        """Read until done() says so; False on the timeout or the end."""
        deadline = time.monotonic() + timeout
        while not done():
            if self.ended:
                return False
            if not self._wait(select.POLLIN, deadline - time.monotonic()):
                return False
            self._fill()
        return True

    # The handshake.

    def response(self, timeout=10):
        """The head of an HTTP response: its status and a dict of headers, with
        names in lower case.  What follows stays in the buffer."""
        if not self.fill_until(lambda: b"\r\n\r\n" in self.buffer, timeout):
            raise Violation("no response head, only %r" % bytes(self.buffer))
        head, _, rest = bytes(self.buffer).partition(b"\r\n\r\n")
        self.buffer = bytearray(rest)
        status, *lines = head.decode("latin-1").split("\r\n")
        pairs = (line.partition(":") for line in lines)
        return (int(status.split()[1]),
                {name.lower(): value.strip() for name, _, value in pairs})

    def rest(self, timeout=10):
        """All bytes up to the end of the stream: a refusal's body."""
        self.fill_until(lambda: False, timeout)
        data, self.buffer = bytes(self.buffer), bytearray()
        return data

    def upgraded(self, key=b"dGhlIHNhbXBsZSBub25jZQ==", timeout=10):
        """Read the response and insist that it is the right 101."""
        status, headers = self.response(timeout)
        if status != 101:
            raise Violation("handshake answered with %d" % status)
        if headers.get("upgrade", "").lower() != "websocket" \
                or headers.get("connection", "").lower() != "upgrade":
            raise Violation("101 without the upgrade headers: %r" % headers)
        if headers.get("sec-websocket-accept") != accept(key).decode():
            raise Violation("wrong Sec-WebSocket-Accept: %r" % headers)
        return headers

    def handshake(self, host, path="/", extra=()):
        """Send a handshake and read the 101; returns its headers."""
        key = base64.b64encode(os.urandom(16))
        self.send(request(host, path, key, extra))
        return self.upgraded(key)

    # Frames and events.

    def _head(self):
        """Sizes of head and payload at the front of the buffer, or None."""
        have = len(self.buffer)
        if have < 2:
            return None
        size = self.buffer[1] & 127
        if size < 126:
            return 2, size
        end = 4 if size == 126 else 10
        if have < end:
            return None
        return end, int.from_bytes(self.buffer[2:end], "big")

    def _take(self):
        """One frame off the buffer, or None if not all of it is there."""
        sizes = self._head()
        if sizes is None or len(self.buffer) < sum(sizes):
            return None
        head, size = sizes
        first, second = self.buffer[:2]
        if second & 128:
            raise Violation("a masked frame from the server")
        if head != 2 + len(length(size)[1]):
            raise Violation("length %d in %d bytes" % (size, head - 2))
        payload = bytes(self.buffer[head:head + size])
        del self.buffer[:head + size]
        return Frame(first > 127, first >> 4 & 7, first & 15, payload)

    def frame(self, timeout=10):
        """The next Frame; None when none came in time or the stream ended."""
        deadline = time.monotonic() + timeout
        while (got := self._take()) is None:
            if self.ended or not self._wait(
                    select.POLLIN, deadline - time.monotonic()):
                return None
            self._fill()
        return got

    def event(self, timeout=10):
        """The next event, or None when none came in time."""
        deadline = time.monotonic() + timeout
        while (got := self.frame(deadline - time.monotonic())) is not None:
            event = self._assemble(got)
            if event:
                return event
        if self.ended == "eof" and self.buffer:
            raise Violation("the stream ended inside a frame")
        return (self.ended,) if self.ended else None

    def _assemble(self, got):
        """Take one frame; returns the event it completes, or None."""
        if self.closed:
            raise Violation("a frame after the Close: %.60r" % (got,))
        if got.rsv:
            raise Violation("a reserved bit is set: %.60r" % (got,))
        if got.opcode in (CLOSE, PING, PONG):
            return self._control(got)
        if (got.opcode == CONTINUATION) != (self.parts is not None) \
                or got.opcode not in (CONTINUATION, TEXT, BINARY):
            raise Violation("a frame out of place: %.60r" % (got,))
        if got.opcode != CONTINUATION:
            self.opcode, self.parts = got.opcode, []
        self.parts.append(got.payload)
        return self._message() if got.fin else None

    def _message(self):
        """The message whose last fragment has come."""
        payload, self.parts = b"".join(self.parts), None
        if self.opcode == TEXT and not is_utf8(payload):
            raise Violation("a text message that is not UTF-8")
        return NAMES[self.opcode], payload

    def _control(self, got):
        """The event of a control frame."""
        if not got.fin or len(got.payload) > 125:
            raise Violation("a control frame long or cut: %.60r" % (got,))
        if got.opcode != CLOSE:
            return NAMES[got.opcode], got.payload
        self.closed = True
        if len(got.payload) == 1 or not is_utf8(got.payload[2:]):
            raise Violation("a malformed Close: %r" % (got,))
        code = int.from_bytes(got.payload[:2], "big") if got.payload else None
        return "close", code, got.payload[2:]


def is_utf8(data):
    """Whether data is UTF-8, by an implementation that is not ours."""
    try:
        data.decode()
    except UnicodeDecodeError:
        return False
    return True
