"""Proxies, in front of a listener of ours."""

from frontend import FrontEnd


class Haproxy(FrontEnd):
    name = "haproxy"
    package = "haproxy"
    config = "haproxy.cfg"
    program = "haproxy"
    arguments = ("-db", "-f", "{config}")
    proxy = True
    behind = "tcp"


class HaproxyUnix(Haproxy):
    name = "haproxy, Unix socket"
    changes = (("server chat 127.0.0.1:8081", "server chat /run/ws-cgi.sock"),)
    behind = "unix"


ROWS = [Haproxy, HaproxyUnix]
