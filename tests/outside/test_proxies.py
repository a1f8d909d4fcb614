"""haproxy and nginx in front: the client is who it is, whatever it says, and
health checks are not heard of."""

import contextlib
import re
import socket
import time

from server import Listener, Server, same_descriptors
from tap import Tap
from test_forwarded import ENVIRON, LIE, RAW, has, seen_by, trusting
from ws_test import eventually

def free_port():
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


class Proxy(Server):
    """A proxy with a configuration; @NAME@ in it stands for a free port, and
    self.port[NAME] says which."""

    def __init__(self, command, text):
        super().__init__()
        self.port = {name: free_port() for name in
                     re.findall(r"@([A-Z0-9]+)@", text)}
        for name, port in self.port.items():
            text = text.replace("@%s@" % name, str(port))
        with open(self.path("conf"), "w") as f:
            f.write(text.replace("@here@", self.directory))
        try:
            self.start([*command, self.path("conf")])
            for port in self.port.values():
                if not eventually(lambda: self.answers(port), 10):
                    raise RuntimeError("%s: %r" % (command, self.log()))
        except BaseException:
            self.stop()
            raise

    @staticmethod
    def answers(port):
        with contextlib.suppress(ConnectionRefusedError):
            socket.create_connection(("127.0.0.1", port)).close()
            return True
        return False

    def at(self, name):
        """What seen_by takes for a server."""
        self.address = "127.0.0.1", self.port[name]
        self.host = "127.0.0.1:%d" % self.port[name]
        return self


HAPROXY = """
defaults
    timeout connect 5s
    timeout client 10s
    timeout server 10s
listen v1
    mode tcp
    bind 127.0.0.1:@V1@
    server s %(headers)s send-proxy
listen v2
    mode http
    bind 127.0.0.1:@V2@
    server s %(headers)s send-proxy-v2 proxy-v2-options ssl
listen field
    mode http
    option forwardfor
    http-request set-header X-Forwarded-Proto https
    bind 127.0.0.1:@FIELD@
    server s %(fields)s
listen standard
    mode http
    http-request del-header Forwarded
    http-request set-header Forwarded "for=\\"%%[src]:%%[src_port]\\";proto=http"
    bind 127.0.0.1:@STANDARD@
    server s %(standard)s
listen checks
    mode tcp
    bind 127.0.0.1:@CHECKS@
    server plain %(fields)s check inter 100
    server v1 %(headers)s check check-send-proxy send-proxy inter 100
    server v2 %(headers)s check check-send-proxy send-proxy-v2 inter 100
"""

NGINX = """
daemon off;
user root;
pid @here@/pid;
error_log stderr warn;
events { }
http {
    access_log off;
    client_body_temp_path @here@; proxy_temp_path @here@;
    fastcgi_temp_path @here@; uwsgi_temp_path @here@; scgi_temp_path @here@;
    server {
        listen 127.0.0.1:@FIELD@;
        location / {
            proxy_pass http://unix:%s:;
            proxy_http_version 1.1;
            proxy_set_header Upgrade $http_upgrade;
            proxy_set_header Connection Upgrade;
            proxy_set_header Host $http_host;
            proxy_set_header X-Forwarded-For $proxy_add_x_forwarded_for;
            proxy_set_header X-Forwarded-Proto $scheme;
        }
    }
}
"""


def behind(stack, *options):
    """A listener that serves what haproxy asks for, checks apart."""
    return stack.enter_context(Listener(
        ENVIRON, [*RAW, "--host", "127.0.0.1", *options]))


def test_haproxy(tap):
    with contextlib.ExitStack() as stack:
        listeners = {
            "headers": behind(stack, "--proxy-protocol"),
            "fields": behind(stack, *trusting("127.0.0.1")),
            "standard": behind(stack, *trusting("127.0.0.1"), "--forwarded",
                               "forwarded")}
        proxy = stack.enter_context(Proxy(
            ["haproxy", "-db", "-f"],
            HAPROXY % {name: one.host for name, one in listeners.items()}))
        before = {name: len(one.log()) for name, one in listeners.items()}
        time.sleep(1)
        for name, one in listeners.items():
            tap.ok(len(one.log()) == before[name],
                   "haproxy: a second of health checks, %s: silence" % name,
                   one.log())
        for name, more in [
                ("V1", {"SERVER_ADDR": "127.0.0.1"}),
                ("V2", {"REQUEST_SCHEME": "http"}), ("FIELD", {"HTTPS": "on"}),
                ("STANDARD", {"REQUEST_SCHEME": "http"})]:
            got = seen_by(proxy.at(name), LIE[:3], source="127.0.0.2")
            tap.ok(has(got, {"REMOTE_ADDR": "127.0.0.2", **more}),
                   "haproxy: the client is who it is: " + name, got)


def test_nginx(tap):
    with Listener(ENVIRON, [*RAW, *trusting("unix")], address="unix") as unix, \
            Proxy(["/usr/sbin/nginx", "-c"], NGINX % unix.address) as proxy:
        got = seen_by(proxy.at("FIELD"), LIE[:3], source="127.0.0.2")
        tap.ok(has(got, {"REMOTE_ADDR": "127.0.0.2",
                         "REQUEST_SCHEME": "http"}),
               "nginx: the client is who it is", (got, proxy.log()))


def main():
    tap = Tap()
    with same_descriptors():
        test_haproxy(tap)
        test_nginx(tap)
    tap.finish()


if __name__ == "__main__":
    main()
