"""Web servers that hand no WebSocket over to a CGI program: each is answered
with a page that names it and says what to do instead, soon, and no process
stays.  And the queries that servers make command lines of: with every server
that starts CGI programs, nothing is executed, nothing opened, nothing written.

The names in brackets are requirements that these servers made.  Left out:
thttpd, which is not in Debian 12; merecat, webfs and h2o, which are of the same
kinds as those here.
"""

import os
import re
import shutil
import subprocess
import time

import frontend
from frontend import FrontEnd, find, listens, rawclient, server
from proxies import Caddy, Lighttpd, Nginx
from rawclient import Connection
from tap import Tap
from ws_test import close_of, eventually, payloads, until_end

PROMPT = 4      # s for an answer and its end
CANARY = "#!/bin/sh\n: >%s\n"
SCRIPT = "#!%s\n/bin/cat\n"
WRAPPER = "#!/bin/sh\nWS_CGI_ARGV=1 exec %s /bin/cat\n"
PUSH = """#!%s
--push-only
--ping
0.2
/bin/sh
-c
for i in 1 2 3; do echo $i; sleep 0.2; done
""".replace("--ping\n", "--ping ")


class WebServer(FrontEnd):
    """One with a cgi-bin in its document root."""

    text = None         # of its configuration
    status = 501
    says = ()           # words of the answer
    location = "/cgi-bin/"

    def make_values(self):
        """Some refuse to be root, and give that up if they can."""
        values = super().make_values()
        if os.getuid() == 0:
            del values["www-data"]
        return values

    def prepare(self):
        os.chmod(self.directory, 0o711)
        self.www, self.marks = self.path("www"), self.path("marks")
        self.bin = os.path.join(self.www, "cgi-bin")
        os.makedirs(self.bin)
        os.mkdir(self.marks)
        os.chmod(self.marks, 0o777)
        self.ws_cgi = self.put("ws-cgi", None)
        for name, text in (("chat", SCRIPT), ("nph-chat", SCRIPT),
                           ("wrapper", WRAPPER), ("nph-push", PUSH)):
            self.put(name, text % self.ws_cgi)
        self.mark = os.path.join(self.marks, "mark")
        self.canary = self.put("canary", CANARY % self.mark)

    def put(self, name, text):
        path = os.path.join(self.bin, name)
        if text is None:
            shutil.copy(self.handler, path)
        else:
            with open(path, "w") as f:
                f.write(text)
        os.chmod(path, 0o755)
        return path

    def configure(self):
        if self.text is None:
            return None
        return self.write("config", self.localized(self.text).replace(
            "{dir}", self.directory))

    def processes(self):
        """Of all that this one has started, those that are ws-cgi."""
        found = []
        for pid in filter(str.isdigit, os.listdir("/proc")):
            try:
                if os.readlink("/proc/%s/exe" % pid) == self.ws_cgi:
                    found.append(pid)
            except OSError:
                pass
        return found


APACHE = """
LoadModule %s_module /usr/lib/apache2/modules/mod_%s.so
LoadModule authz_core_module /usr/lib/apache2/modules/mod_authz_core.so
LoadModule alias_module /usr/lib/apache2/modules/mod_alias.so
LoadModule %s_module /usr/lib/apache2/modules/mod_%s.so
ServerRoot {dir}
DefaultRuntimeDir {dir}
PidFile {dir}/pid
ErrorLog /dev/stderr
ServerName localhost
User www-data
Group www-data
Listen 127.0.0.1:8080
ScriptAlias /cgi-bin/ {dir}/www/cgi-bin/
<Directory {dir}/www/cgi-bin>
	Require all granted
	Options +ExecCGI
</Directory>
"""


class ApacheCgi(WebServer):
    name = "Apache, mod_cgi"
    package = "apache2-bin"
    program = "apache2"
    arguments = ("-D", "FOREGROUND", "-f", "{config}")
    text = APACHE % (2 * ("mpm_prefork",) + 2 * ("cgi",))
    says = ("Apache", "upgrade=websocket")


class ApacheCgid(ApacheCgi):
    name = "Apache, mod_cgid"
    text = APACHE % (2 * ("mpm_event",) + 2 * ("cgid",)) + """
ScriptSock {dir}/cgid
"""


class MiniHttpd(WebServer):
    name = "mini-httpd"
    package = "mini-httpd"
    program = "mini_httpd"
    arguments = ("-D", "-h", "127.0.0.1", "-p", "8080", "-d", "{dir}/www",
                 "-c", "cgi-bin/*", "-i", "{dir}/pid", "-l", "{dir}/access",
                 "-u", "www-data")
    says = ("mini_httpd", "no Sec-WebSocket-Key", "--listen")


class Busybox(WebServer):
    name = "busybox httpd"
    package = "busybox"
    program = "busybox"
    arguments = ("httpd", "-f", "-p", "127.0.0.1:8080", "-h", "{dir}/www")
    says = ("busybox", "--listen")


class Python(WebServer):
    """Its answer is 200 whatever a program says: what that says is below."""

    name = "Python's http.server"
    package = "python3"
    program = "python3"
    arguments = ("-m", "http.server", "--cgi", "--bind", "127.0.0.1",
                 "--directory", "{dir}/www", "8080")
    status = 200
    says = ("Status: 501", "SimpleHTTP", "no Sec-WebSocket-Key", "--listen")


class Fcgiwrap(WebServer):
    """With fcgiwrap behind it."""

    def prepare(self):
        super().prepare()
        self.wrap = server.Server()
        self.wrap.start([find("fcgiwrap"), "-s", "unix:" + self.path("fcgi")])
        eventually(lambda: os.path.exists(self.path("fcgi")))
        os.chmod(self.path("fcgi"), 0o666)

    def stop(self):
        try:
            super().stop()
        finally:
            if hasattr(self, "wrap"):
                self.wrap.stop()


class NginxFcgiwrap(Fcgiwrap):
    name = "nginx, fcgiwrap"
    package = "fcgiwrap"
    program = "nginx"
    arguments = Nginx.arguments
    text = Nginx.around.replace("include {config};", """server {
		listen 127.0.0.1:8080;
		location / {
			include /etc/nginx/fastcgi_params;
			fastcgi_param SCRIPT_FILENAME
			    {dir}/www$fastcgi_script_name;
			fastcgi_pass unix:{dir}/fcgi;
		}
	}""")
    says = ("nginx", "scgi_pass")


class CaddyFcgiwrap(Fcgiwrap):
    name = "Caddy, fcgiwrap"
    package = "caddy"
    program = "caddy"
    arguments = Caddy.arguments
    text = """
{
	admin off
	auto_https off
}
http://:8080 {
	bind 127.0.0.1
	reverse_proxy unix/{dir}/fcgi {
		transport fastcgi {
			root {dir}/www
			env SCRIPT_FILENAME {dir}/www{http.request.uri.path}
		}
	}
}
"""
    says = ("Caddy", "reverse_proxy")

    def environment(self):
        return {**super().environment(), "HOME": self.directory}


class Uwsgi(WebServer):
    """It passes nothing on, and never ends the input."""

    name = "uWSGI"
    package = "uwsgi-core"
    program = "uwsgi-core"
    arguments = ("--plugin", "cgi", "--http-socket", "127.0.0.1:8080",
                 "--http-socket-modifier1", "9", "--cgi",
                 "/cgi-bin={dir}/www/cgi-bin", "--die-on-term")
    says = ("uWSGI", "--listen")


class LighttpdDeaf(WebServer):
    name = "lighttpd, without cgi.upgrade"
    package = "lighttpd"
    program = "lighttpd"
    arguments = Lighttpd.arguments
    upgrade = "disable"
    text = """
server.bind = "127.0.0.1"
server.port = 8080
server.document-root = "{dir}/www"
server.modules = ( "mod_cgi" )
$HTTP["url"] =~ "^/cgi-bin/" {
	cgi.assign = ( "" => "" )
	cgi.upgrade = "%s"
}
"""
    status = 426
    says = ("lighttpd", "cgi.upgrade")

    def configure(self):
        self.text = self.text % self.upgrade
        return super().configure()


class LighttpdHears(LighttpdDeaf):
    name = "lighttpd, with cgi.upgrade"
    upgrade = "enable"
    status = 101


class LighttpdAssigns(LighttpdHears):
    """The interpreter form."""

    name = "lighttpd, interpreter"
    text = LighttpdDeaf.text.replace('( "" => "" )',
                                     '( "chat" => "{dir}/www/cgi-bin/ws-cgi",'
                                     ' "" => "" )')


REFUSING = [ApacheCgi, ApacheCgid, MiniHttpd, Busybox, Python, NginxFcgiwrap,
            CaddyFcgiwrap, Uwsgi, LighttpdDeaf]
ALL = [*REFUSING, LighttpdHears, LighttpdAssigns]


def ask(front, target, upgrade=True):
    """The status, or None, and all that comes, and how long it took."""
    request = rawclient.request(front.host, target)
    if not upgrade:
        request = ("GET %s HTTP/1.1\r\nHost: %s\r\n\r\n"
                   % (target, front.host)).encode()
    request = request[:-2] + b"X-End: 1\r\n\r\n"
    begun = time.monotonic()
    with Connection(front.connect()) as connection:
        connection.send(request)
        connection.fill_until(lambda: is_whole(connection.buffer), 10)
        data = bytes(connection.buffer)
    found = re.match(rb"HTTP/1\.[01] (\d+)", data)
    return (int(found[1]) if found else None,
            data.decode("latin-1"), time.monotonic() - begun)


def is_whole(data):
    """Is all of an answer there, by its length or its last chunk?"""
    head, found, body = bytes(data).partition(b"\r\n\r\n")
    size = re.search(rb"\r\nContent-Length: (\d+)", head, re.IGNORECASE)
    if not found:
        return False
    if head.startswith(b"HTTP/1.1 101"):
        return True
    if size:
        return len(body) >= int(size[1])
    return body.endswith(b"0\r\n\r\n")


def refuses(tap, front):
    for name in ("chat", "wrapper"):
        status, said, took = ask(front, "/cgi-bin/" + name)
        if front.status == 101:
            tap.ok(status == 101, "R24: %s, %s: is served" % (front.name, name),
                   said)
            continue
        tap.ok(status == front.status and took < PROMPT
               and all(word in said for word in front.says),
               "R25, R26: %s, %s: %d '%s'" % (front.name, name, front.status,
                                              "', '".join(front.says)),
               (took, said, front.log()[-5:]))
    status, said, took = ask(front, "/cgi-bin/ws-cgi")
    tap.ok(took < PROMPT and ("WS_CGI_ARGV" in said or all(
        word in said for word in front.says)),
        "R1: %s: without a script, a page says what to do" % front.name,
        (took, said))
    tap.ok(eventually(lambda: not front.processes(), 3),
           "R11: %s: no process stays" % front.name, front.processes())


def pushes(tap, front):
    """What goes out can be had where nothing comes in."""
    with Connection(front.connect()) as connection:
        connection.send(rawclient.request(front.host, "/cgi-bin/nph-push"))
        connection.upgraded()
        events = until_end(connection)
        tap.ok(payloads(events, "text") == [b"1", b"2", b"3"]
               and close_of(events)[0] == 1000,
               "R25: %s: --push-only, as nph-" % front.name,
               (events, front.log()[-5:]))


# The queries: @ is a program that leaves a mark, # that mark, $ a script in
# good order, % a port.
QUERIES = ["--listen+%+--+@", "--listen+%+--+/bin/sh+@", "/etc/passwd", "--",
           "@", "--+@", "$", "$+--listen+%", "--help", "--version", "-x%20y",
           "--listen=%+echo:", "-l%+echo:", "--receive+%+@", "--fd+0+@",
           "--fd+0+--+@", "--in+0+--out+1+@", "--pidfile+#+--listen+%+echo:",
           "--www+/+echo:", "--unbuffered+--+@", "-u+@", "-x+y", "",
           "--log+#+echo:", "a" * 5000]
FORBIDDEN = ("usage:", "root:", "options, with their", "listening on",
             "is not an")


def attacks(tap, front):
    """With every query, for the program itself and a script in good order."""
    subprocess.run([front.canary], check=True)
    tap.ok(os.path.exists(front.mark), front.name + ": a mark would be left")
    os.unlink(front.mark)
    port = frontend.free_port()
    known = {"@": front.canary, "#": front.mark, "%": str(port),
             "$": os.path.join(front.bin, "chat")}
    bad = []
    for name in ("ws-cgi", "chat", "nph-chat"):
        for query in QUERIES:
            for old, new in known.items():
                query = re.sub(re.escape(old) + r"(?!20)", new, query)
            for upgrade in (True, False):
                _, said, _ = ask(front, "/cgi-bin/%s?%s" % (name, query),
                                 upgrade)
                if any(word in said for word in FORBIDDEN) or listens(port):
                    bad.append((name, query[:80], said[:500]))
    tap.ok(not bad, "R1: %s: no query is a command line" % front.name, bad)
    log = "\n".join(front.log())
    tap.ok(not os.listdir(front.marks) and "listening on" not in log,
           "R1: %s: nothing is executed, written or opened" % front.name,
           (os.listdir(front.marks), log[-500:]))
    tap.ok(eventually(lambda: not front.processes(), 3),
           "R11: %s: no process stays of it" % front.name, front.processes())


def main():
    tap = Tap()
    with server.same_descriptors():
        for kind in ALL:
            with kind(server.binary()) as front:
                refuses(tap, front)
                if kind in (ApacheCgi, ApacheCgid):
                    pushes(tap, front)
                attacks(tap, front)
    tap.finish()


if __name__ == "__main__":
    main()
