"""A client that compresses, RFC 7692, by Python's zlib."""

import zlib

from rawclient import CLOSE, CONTINUATION, Connection, Violation, frame

P = "permessage-deflate"
TAIL = b"\0\0\xff\xff"
RSV1 = 4


class Deflating(Connection):
    """A client that compresses each message, and inflates what comes."""

    def __init__(self, sock, host, offer=P):
        super().__init__(sock)
        headers = self.handshake(host, extra=[
            "Sec-WebSocket-Extensions: " + offer] if offer else [])
        self.answer = headers.get("sec-websocket-extensions")
        terms = self.answer or ""
        self.alone = {side: side + "_no_context_takeover" in terms
                      for side in ("client", "server")}
        self.bits = {side: bits(terms, side) for side in ("client", "server")}
        self._begin()

    def _begin(self):
        self.deflater = zlib.compressobj(6, zlib.DEFLATED,
                                         -self.bits["client"])
        self.inflater = zlib.decompressobj(-self.bits["server"])

    def deflated(self, payload):
        """What is sent for it."""
        if self.alone["client"]:
            self.deflater = zlib.compressobj(6, zlib.DEFLATED,
                                             -self.bits["client"])
        data = self.deflater.compress(payload) \
            + self.deflater.flush(zlib.Z_SYNC_FLUSH)
        return data[:-4] if data else b"\0"

    def say(self, opcode, payload, cuts=1, size=None):
        """In so many frames, or in frames of that size."""
        data = self.deflated(payload)
        size = size or max(1, -(-len(data) // cuts))
        parts = [data[i:i + size] for i in range(0, len(data), size)]
        for i, part in enumerate(parts):
            self.send(frame(CONTINUATION if i else opcode, part,
                            fin=i == len(parts) - 1, rsv=0 if i else RSV1))

    def heard(self):
        """The next message: its opcode, itself, and the bytes that came."""
        got, opcode, data, rsv = None, None, b"", None
        while got is None or not got.fin:
            got = self.frame()
            if got is None:
                raise AssertionError("no message came")
            opcode = got.opcode if opcode is None else opcode
            rsv = got.rsv if rsv is None else rsv
            data += got.payload
        if not rsv:
            return opcode, data, None
        if self.alone["server"]:
            self.inflater = zlib.decompressobj(-self.bits["server"])
        return opcode, self.inflater.decompress(data + TAIL), len(data)


class Inflating(Connection):
    """A client that offers compression in a request of its own, and whose
    events are what comes, inflated."""

    def __init__(self, sock):
        super().__init__(sock)
        self.inflater = zlib.decompressobj(-15)
        self.compressed = 0     # messages that came so
        self.is_compressed = False

    def _assemble(self, got):
        if self.parts is None and got.opcode < CLOSE and got.rsv in (0, RSV1):
            self.is_compressed = got.rsv == RSV1
            got = got._replace(rsv=0)
        return super()._assemble(got)

    def _message(self):
        if self.is_compressed:
            data = b"".join(self.parts) + TAIL
            try:
                self.parts = [self.inflater.decompress(data)]
            except zlib.error as error:
                raise Violation("what is compressed is not: %s" % error)
            self.compressed += 1
        return super()._message()


def bits(terms, side):
    name = side + "_max_window_bits="
    return int(terms.split(name)[1].split(";")[0]) if name in terms else 15
