"""Proxies whose clients speak HTTP/2: each stream may be a WebSocket, opened
by CONNECT, RFC 8441, which the proxy translates to an upgrade.

Left out: nginx, Caddy, Varnish and h2o of Debian 12, which do not offer it, as
browsers find out.
"""

import select
import socket

import h2.config
import h2.connection
import h2.events
import h2.exceptions
import h2.settings
import frontend
import proxies
from frontend import Race, rawclient

STALLED = 10    # s for what is written, and for the server's settings
HOP = {"host", "upgrade", "connection", "sec-websocket-key"}


class Http2Socket:
    """A client's end with the manners of a plain socket that speaks HTTP/1.1:
    an upgrade that is sent becomes a stream, and its answer what the upgrade's
    would be."""

    def __init__(self, sock):
        self.sock = sock
        self.h2 = h2.connection.H2Connection(h2.config.H2Configuration(
            header_encoding="utf-8", validate_inbound_headers=False))
        self.head, self.stream, self.key = b"", None, b""
        self.open = self.ended = self.reset = False
        self.h2.initiate_connection()
        self._flush()
        while h2.settings.SettingCodes.ENABLE_CONNECT_PROTOCOL \
                not in self.h2.remote_settings:
            self._take(sock.recv(65536))

    def __getattr__(self, name):
        return getattr(self.sock, name)

    def _flush(self):
        data = memoryview(self.h2.data_to_send())
        poll = select.poll()
        poll.register(self.sock, select.POLLOUT)
        while data:
            if not poll.poll(STALLED * 1000):
                raise TimeoutError("nobody reads")
            data = data[self.sock.send(data):]

    def send(self, data):
        try:
            size = self._write(bytes(data))
        except h2.exceptions.StreamClosedError:
            raise BrokenPipeError from None
        self._flush()
        return size

    def _write(self, data):
        """Returns how much of it was taken."""
        if self.stream is None:
            self.head += data
            head, found, rest = self.head.partition(b"\r\n\r\n")
            if found:
                self.head = b""
                self._connect(head.decode())
                self.h2.send_data(self.stream, rest)
            return len(data)
        room = min(self.h2.local_flow_control_window(self.stream),
                   self.h2.max_outbound_frame_size)
        if room == 0:
            raise BlockingIOError
        self.h2.send_data(self.stream, data[:room])
        return min(room, len(data))

    def _connect(self, head):
        """Open a stream for this request."""
        first, *lines = head.split("\r\n")
        fields = [line.split(": ", 1) for line in lines]
        values = {name.lower(): value for name, value in fields}
        self.key = values["sec-websocket-key"].encode()
        self.stream = self.h2.get_next_available_stream_id()
        self.h2.send_headers(self.stream, [
            (":method", "CONNECT"), (":protocol", "websocket"),
            (":scheme", "http"), (":path", first.split(" ")[1]),
            (":authority", values["host"]),
            *((name.lower(), value) for name, value in fields
              if name.lower() not in HOP)])

    def _answer(self, fields):
        """The head of an answer as it would be in HTTP/1.1."""
        values = dict(fields)
        status = int(values.pop(":status"))
        self.open = status == 200
        if self.open:
            values = {"Upgrade": "websocket", "Connection": "Upgrade",
                      "Sec-WebSocket-Accept":
                      rawclient.accept(self.key).decode()}
        lines = ["HTTP/1.1 %d -" % (101 if self.open else status),
                 *("%s: %s" % item for item in values.items()), "", ""]
        return "\r\n".join(lines).encode()

    def _happened(self, event):
        """The bytes that it brings."""
        if isinstance(event, h2.events.ConnectionTerminated):
            self.ended = True
        if isinstance(event, (h2.events.StreamEnded, h2.events.StreamReset)):
            self.reset = self.open and not self.ended \
                and isinstance(event, h2.events.StreamReset)
            self.ended = self.open
            self.stream = self.stream if self.open else None
        if isinstance(event, h2.events.ResponseReceived):
            return self._answer(event.headers)
        if isinstance(event, h2.events.DataReceived):
            self.h2.acknowledge_received_data(
                event.flow_controlled_length, event.stream_id)
            return event.data
        return b""

    def _take(self, data):
        if not data:
            self.ended = True
            return b""
        got = b"".join(map(self._happened, self.h2.receive_data(data)))
        self._flush()
        if self.ended:      # poll is to see it
            self.sock.shutdown(socket.SHUT_RD)
        return got

    def recv(self, size):
        data = b"" if self.ended else self._take(self.sock.recv(size))
        if not data and self.reset:
            raise ConnectionResetError
        if not data and not self.ended:
            raise BlockingIOError
        return data

    def shutdown(self, _):
        """A stream can be ended on one side alone."""
        self.h2.end_stream(self.stream)
        self._flush()


class ByHttp2:
    """Beside a proxy, as a class that a row is derived from."""

    def connect(self, timeout=STALLED):
        return Http2Socket(super().connect(timeout))


class Apache(ByHttp2, proxies.Apache):
    name = "Apache, HTTP/2"
    modules = (*proxies.Apache.modules, "http2")
    changes = (("#Protocols", "Protocols"),
               ("#H2WebSockets", "H2WebSockets"))
    limits = {
        "speaks first": Race("Apache may keep back what is said at once with "
                             "the handshake, until more is said."),
        **dict.fromkeys(["client closes", "program ends"],
                        "Apache leaves the end of a stream to the client.")}

    def make_values(self):
        """The service lets the handshake pass first: see the limits."""
        values = super().make_values()
        service = values["/usr/local/libexec/chat"]
        return {**values, "/usr/local/libexec/chat": service.replace(
            frontend.SERVICE, frontend.SERVICE + " 0.1")}


class Haproxy(ByHttp2, proxies.Haproxy):
    name = "haproxy, HTTP/2"
    changes = (("bind 127.0.0.1:8080", "bind 127.0.0.1:8080 proto h2"),)
    limits = {"early frame": "haproxy answers what comes before the handshake "
                             "is over with 500."}


class Lighttpd(ByHttp2, proxies.Lighttpd):
    name = "lighttpd, mod_proxy, HTTP/2"
    limits = {"half-closes": proxies.LEAVES}


class Nghttpx(ByHttp2, proxies.Nghttpx):
    name = "nghttpx, HTTP/2"
    limits = {"half-closes": "nghttpx does not pass on that a stream has ended "
                             "on the client's side."}


ROWS = [Apache, Haproxy, Lighttpd, Nghttpx]
