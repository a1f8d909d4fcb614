#!/usr/bin/env python3
# A web application that leaves WebSockets to ws-cgi: it looks at the request,
# as it would at any, and forks off a ws-cgi that gets the connection.
#
#	app.py PORT WS-CGI PROGRAM [ARGUMENT ...]
import os
import socket
import subprocess
import sys
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

PAGE = b"""<!doctype html>
<title>Forked off</title>
<p><input id=in autofocus placeholder="a line"><pre id=log></pre>
<script>
const log = document.getElementById("log");
const ws = new WebSocket(`ws://${location.host}/chat`);
ws.onmessage = (m) => { log.textContent += m.data + "\\n"; };
ws.onclose = (e) => { log.textContent += `closed: ${e.code}\\n`; };
document.getElementById("in").onchange = (e) => {
	ws.send(e.target.value);
	e.target.value = "";
};
</script>
"""


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def variables(self):
        """What CGI has of a request, RFC 3875, and who the user is."""
        path, _, query = self.path.partition("?")
        found = {"GATEWAY_INTERFACE": "CGI/1.1", "REQUEST_METHOD": self.command,
                 "SERVER_PROTOCOL": self.request_version,
                 "REQUEST_URI": self.path, "QUERY_STRING": query,
                 "REMOTE_ADDR": self.client_address[0],
                 "REMOTE_PORT": str(self.client_address[1]),
                 "REMOTE_USER": "anna", "PATH": os.environ["PATH"],
                 "WS_CGI_ARGV": "1"}     # no header field can become that
        for name, value in self.headers.items():
            name = "HTTP_" + name.upper().replace("-", "_")
            found[name] = (found[name] + ", " if name in found else "") + value
        return found

    def fork_off(self):
        """ws-cgi gets the connection, and what was read of it already."""
        early = os.memfd_create("early")
        self.connection.settimeout(0)
        os.write(early, self.rfile.peek() or b"")
        os.lseek(early, 0, os.SEEK_SET)
        fd = self.connection.fileno()
        subprocess.Popen(
            [sys.argv[2], "--fd", str(fd), "--preread-fd", str(early),
             "--", *sys.argv[3:]],
            env=self.variables(), pass_fds=(fd, early))
        os.close(early)
        self.let_go(fd)

    def let_go(self, fd):
        """Put a dead socket in the connection's place: whatever the server
        does to it now, reading, shutting it down, ws-cgi does not feel."""
        dead, other = socket.socketpair()
        other.close()
        os.dup2(dead.fileno(), fd, inheritable=False)
        dead.close()
        self.close_connection = True

    def do_GET(self):
        if self.headers.get("Upgrade", "").lower() == "websocket":
            self.fork_off()
            return
        self.send_response(200)
        self.send_header("Content-Type", "text/html")
        self.send_header("Content-Length", str(len(PAGE)))
        self.end_headers()
        self.wfile.write(PAGE)


with ThreadingHTTPServer(("127.0.0.1", int(sys.argv[1])), Handler) as server:
    server.serve_forever()
