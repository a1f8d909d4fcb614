"""Proxies, in front of a listener of ours: each by TCP and by a Unix socket,
with the line for that which stands as a comment in its file.

Left out: Traefik, Envoy and Pound, which are not in Debian 12; Squid and
Traffic Server, which are there for other purposes.
"""

import getpass
import os
import re

from frontend import Backend, FrontEnd, Race, free_port
from inetd import Stunnel as StunnelExec

# Whom Debian lets them run as; tests that are not root's run all alike.
USERS = ["www-data", "haproxy", "caddy", "varnish", "stunnel4", "_hitch"]

LEAVES = Race("The end of the client's stream ends both sides at once, and what "
              "was on its way is lost.")
ENDS = "A request for an upgrade is the connection's last, refused or not."


def with_socket(text):
    """An example, where the line for a Unix socket counts, which stands
    as a comment below that for TCP."""
    text = re.sub(r"^(?!#|;|.*ws-cgi --listen)(.*\b8081\b.*)$", r"#\1", text,
                  flags=re.MULTILINE)
    return re.sub(r"^(\s*)[#;](?=\S)(.*/run/ws-cgi\.sock.*)$", r"\1\2", text,
                  flags=re.MULTILINE)


class Proxy(FrontEnd):
    """Its file says how ws-cgi is started, too."""

    behind = "tcp"

    def make_values(self):
        values = {
            **super().make_values(),
            "example.org": "127.0.0.1",
            "/run/ws-cgi.sock": self.path("backend"),
            "8081": str(free_port()),
            **dict.fromkeys(USERS, getpass.getuser()),
        }
        if os.getuid() == 0:
            values = {old: new for old, new in values.items()
                      if old not in USERS}
        return values

    def example(self):
        text = super().example()
        return with_socket(text) if self.behind == "unix" else text

    def prepare(self):
        os.chmod(self.directory, 0o711)     # the socket is in it
        self.backend = Backend(self.handler, self.behind,
                               self.localized(self.example()))


class Nginx(Proxy):
    name = "nginx"
    package = "nginx-light"
    config = "nginx.conf"
    program = "nginx"
    arguments = ("-p", "{dir}", "-e", "stderr", "-c", "{config}")
    around = """
user www-data;
daemon off;
pid {dir}/pid;
worker_processes 1;
events { }
http {
	access_log off;
	client_body_temp_path {dir}; proxy_temp_path {dir};
	fastcgi_temp_path {dir}; uwsgi_temp_path {dir}; scgi_temp_path {dir};
	include {config};
}
"""
    http = True
    limits = {"half-closes": LEAVES}


class NginxUnix(Nginx):
    name = "nginx, Unix socket"
    behind = "unix"


class NginxTls(Nginx):
    name = "nginx, with TLS"
    changes = (("\tlisten 127.0.0.1:8080;\n\t#", "\t"),
               ("#ssl_certificate ", "ssl_certificate "),
               ("#ssl_certificate_key", "ssl_certificate_key"))
    tls = True


class NginxStream(Proxy):
    name = "nginx, stream, with TLS"
    package = "libnginx-mod-stream"
    config = "nginx-stream.conf"
    program = "nginx"
    arguments = Nginx.arguments
    around = """
load_module /usr/lib/nginx/modules/ngx_stream_module.so;
user www-data;
daemon off;
pid {dir}/pid;
worker_processes 1;
events { }
include {config};
"""
    tls = True
    limits = {"half-closes": LEAVES}


class NginxStreamUnix(NginxStream):
    name = "nginx, stream, Unix socket"
    behind = "unix"


class Apache(Proxy):
    name = "Apache, mod_proxy_http"
    package = "apache2-bin"
    config = "apache.conf"
    program = "apache2"
    arguments = ("-D", "FOREGROUND", "-f", "{config}")
    modules = ("mpm_event", "authz_core", "headers", "proxy", "proxy_http")
    http = True

    @property
    def around(self):
        loaded = "".join(
            "LoadModule %s_module /usr/lib/apache2/modules/mod_%s.so\n"
            % (name, name) for name in self.modules)
        return loaded + """
ServerRoot {dir}
DefaultRuntimeDir {dir}
PidFile {dir}/pid
ErrorLog /dev/stderr
ServerName localhost
User www-data
Group www-data
Include {config}
"""


class ApacheUnix(Apache):
    name = "Apache, mod_proxy_http, Unix socket"
    behind = "unix"


class ApacheTunnel(Apache):
    name = "Apache, mod_proxy_wstunnel"
    modules = (*Apache.modules, "proxy_wstunnel")
    changes = (("http://127.0.0.1:8081/ upgrade=websocket",
                "ws://127.0.0.1:8081/"),
               ("http://localhost/ upgrade=websocket", "ws://localhost/"))


class ApacheTunnelUnix(ApacheTunnel):
    name = "Apache, mod_proxy_wstunnel, Unix socket"
    behind = "unix"


class Haproxy(Proxy):
    name = "haproxy"
    package = "haproxy"
    config = "haproxy.cfg"
    program = "haproxy"
    arguments = ("-db", "-f", "{config}")
    http = True


class HaproxyUnix(Haproxy):
    name = "haproxy, Unix socket"
    behind = "unix"


class HaproxyTls(Haproxy):
    name = "haproxy, with TLS"
    changes = (("\tbind 127.0.0.1:8080\n\t#", "\t"),)
    tls = True


class HaproxyTcp(Haproxy):
    name = "haproxy, tcp"
    config = "haproxy-tcp.cfg"
    http = False


class HaproxyTcpUnix(HaproxyTcp):
    name = "haproxy, tcp, Unix socket"
    behind = "unix"


class Lighttpd(Proxy):
    name = "lighttpd, mod_proxy"
    package = "lighttpd"
    config = "lighttpd-proxy.conf"
    program = "lighttpd"
    arguments = ("-D", "-f", "{config}")
    around = """
server.document-root = "{dir}"
server.bind = "{dir}/other"
include "{config}"
"""
    http = True
    limits = {"half-closes": Race(
        "lighttpd may not notice that the client's stream has ended, nor then "
        "that the client has gone, before something is sent to it.")}


class LighttpdUnix(Lighttpd):
    name = "lighttpd, mod_proxy, Unix socket"
    behind = "unix"


class Caddy(Proxy):
    name = "Caddy"
    package = "caddy"
    config = "Caddyfile"
    program = "caddy"
    arguments = ("run", "--adapter", "caddyfile", "--config", "{config}")
    around = """
{
	admin off
}
import {config}
"""
    http = True
    limits = {
        "early frame": "Caddy drops what comes before the handshake is over, "
                       "which no browser sends.",
        "half-closes": LEAVES}

    def environment(self):
        return {**super().environment(), "HOME": self.directory}


class CaddyUnix(Caddy):
    name = "Caddy, Unix socket"
    behind = "unix"


class Varnish(Proxy):
    name = "Varnish"
    package = "varnish"
    config = "varnish.vcl"
    program = "varnishd"
    arguments = ("-F", "-j", "none", "-n", "{dir}/varnish", "-s", "malloc,16m",
                 "-a", "127.0.0.1:8080", "-f", "{config}",
                 "-p", "pipe_timeout=3600")
    http = True
    limits = {"refused, again": ENDS}


class VarnishUnix(Varnish):
    name = "Varnish, Unix socket"
    behind = "unix"


class Nghttpx(Proxy):
    name = "nghttpx"
    package = "nghttp2-proxy"
    config = "nghttpx.conf"
    program = "nghttpx"
    arguments = ("--conf={config}",)
    http = True
    limits = {"half-closes": LEAVES, "refused, again": ENDS}


class NghttpxUnix(Nghttpx):
    name = "nghttpx, Unix socket"
    behind = "unix"


class H2o(Proxy):
    name = "h2o"
    package = "h2o"
    config = "h2o.conf"
    program = "h2o"
    arguments = ("-m", "worker", "-c", "{config}")
    http = True
    limits = {"half-closes": LEAVES, "refused, again": ENDS}


class H2oUnix(H2o):
    name = "h2o, Unix socket"
    behind = "unix"


class Stunnel(Proxy):
    name = "stunnel"
    package = "stunnel4"
    config = "stunnel.conf"
    program = "stunnel4"
    arguments = ("{config}",)
    tls = True
    limits = StunnelExec.limits


class StunnelUnix(Stunnel):
    name = "stunnel, Unix socket"
    behind = "unix"


class Hitch(Proxy):
    name = "hitch"
    package = "hitch"
    config = "hitch.conf"
    program = "hitch"
    arguments = ("--config={config}",)
    tls = True
    limits = StunnelExec.limits


class HitchUnix(Hitch):
    name = "hitch, Unix socket"
    behind = "unix"


ROWS = [Nginx, NginxUnix, NginxTls, NginxStream, NginxStreamUnix, Apache,
        ApacheUnix, ApacheTunnel, ApacheTunnelUnix, Haproxy, HaproxyUnix,
        HaproxyTls, HaproxyTcp, HaproxyTcpUnix, Lighttpd, LighttpdUnix, Caddy, CaddyUnix, Varnish,
        VarnishUnix, Nghttpx, NghttpxUnix, H2o, H2oUnix, Stunnel, StunnelUnix,
        Hitch, HitchUnix]
