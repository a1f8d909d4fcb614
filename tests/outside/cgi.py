"""Starts ws-cgi as a web server starts a CGI program: the request in the
environment, and nothing else there; the client behind descriptors 0 and 1."""

import os
import socket
import subprocess
import threading

import rawclient
from server import Server
from ws_test import PATIENCE, Response

KEY = b"dGhlIHNhbXBsZSBub25jZQ=="
REQUEST = {     # as lighttpd has it
    "GATEWAY_INTERFACE": "CGI/1.1", "SERVER_PROTOCOL": "HTTP/1.1",
    "SERVER_SOFTWARE": "lighttpd/1.4.69", "SERVER_NAME": "example.org",
    "SERVER_PORT": "80", "SERVER_ADDR": "192.0.2.1",
    "REQUEST_METHOD": "GET", "REQUEST_URI": "/chat/a%20b?room=1",
    "SCRIPT_NAME": "/chat", "PATH_INFO": "/a b", "QUERY_STRING": "room=1",
    "REMOTE_ADDR": "192.0.2.7", "REMOTE_PORT": "50214",
    "CONTENT_LENGTH": "0", "HTTP_HOST": "example.org",
    "HTTP_UPGRADE": "websocket", "HTTP_CONNECTION": "keep-alive, Upgrade",
    "HTTP_SEC_WEBSOCKET_VERSION": "13",
    "HTTP_SEC_WEBSOCKET_KEY": KEY.decode()}
SILENT = {**REQUEST, "SERVER_SOFTWARE": "Unheard/1"}    # one nobody knows
VOUCHED = {"WS_CGI_ARGV": "1"}
WAYS = {"one socket": (), "pipes": ("in", "out"),       # to the client
        "a pipe and a socket": ("in",), "a socket and a pipe": ("out",)}


def without(variables, *names):
    return {name: value for name, value in variables.items()
            if name not in names}


def parse_answer(data, nph=False):
    """What a CGI program answers, as a Response."""
    head, found, body = data.partition(b"\r\n\r\n")
    first, *lines = head.decode("latin-1").split("\r\n")
    word, status = first.split(" ", 2)[:2] if found else ("", "0")
    if word != ("HTTP/1.1" if nph else "Status:"):
        raise rawclient.Violation("not an answer: %.300r" % data)
    pairs = [line.split(": ", 1) for line in lines]
    return Response(int(status), [(name.lower(), value)
                                  for name, value in pairs], body)


def copy(source, to):
    """Bytes from one descriptor to another, up to the end of either."""
    try:
        while data := os.read(source, 65536):
            while data:
                data = data[os.write(to, data):]
    except OSError:
        pass


class Cgi(Server):
    """One process for one request.  self.connection is the client's, unless
    stdin says what descriptor 0 is; then there is only the answer."""

    def __init__(self, argv, variables, pipes=(), stdin=None, closed=()):
        super().__init__()
        ours, theirs = socket.socketpair()
        self.stack.enter_context(ours)
        self.connection = rawclient.Connection(ours)
        ends = self._ends(theirs, pipes)
        with open(self.path("log"), "wb") as log:
            self.process = subprocess.Popen(
                argv, stdin=stdin or ends[0], stdout=ends[1], stderr=log,
                env=variables, cwd="/", start_new_session=True,
                preexec_fn=lambda: [os.close(fd) for fd in closed])
        self._running[self.process.pid] = self.process
        for end in ends:
            end.close()

    def _ends(self, theirs, pipes):
        """Descriptors 0 and 1: the socket, but for "in" and "out", which are
        pipes, as most web servers have it.  They pass on what comes."""
        ends = [theirs.dup(), theirs.dup()]
        if not pipes:
            theirs.close()
            return ends
        theirs.setblocking(True)
        self.stack.enter_context(theirs)

        def down(to):
            copy(theirs.fileno(), to)
            os.close(to)

        def up(source):
            copy(source, theirs.fileno())
            os.close(source)
            theirs.shutdown(socket.SHUT_WR)

        for number, way, work in ((0, "in", down), (1, "out", up)):
            if way not in pipes:
                continue
            ends[number].close()
            pipe = os.pipe()
            ends[number] = os.fdopen(pipe[number], "rb" if way == "in"
                                     else "wb")
            thread = threading.Thread(target=work, args=(pipe[1 - number],))
            thread.start()
            self.stack.callback(thread.join)
        return ends

    def answer(self, nph=False):
        """The answer, once it has ended."""
        return parse_answer(self.connection.rest(PATIENCE), nph)

    def status(self, patience=PATIENCE):
        """The exit status."""
        return self.process.wait(patience)

    def stop(self):
        self.connection.sock.close()
        super().stop()
