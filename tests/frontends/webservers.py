"""Web servers that start ws-cgi as a CGI program, or speak SCGI with it.

Left out: bozohttpd, which hands WebSockets over to CGI programs as lighttpd
does, but is not in Debian 12; lighttpd by SCGI, which learned to pass on a 101
with 1.4.74, after Debian 12.  All other web servers of Debian hand none over:
see refusals.py.
"""

import os

from frontend import EXAMPLES, SERVICE, FrontEnd, Race
from proxies import LEAVES, Lighttpd, Nginx

SCRIPT = "/usr/local/lib/cgi-bin/chat"
FIN = Race("lighttpd passes on the end of the client's stream as the client's "
           "going, or does not notice it.")

EARLY = Race("Some frames that come before the handshake is over, which no "
             "browser sends, lighttpd answers with 400.")


def write_script(front, name, path):
    """A script of the examples: an option a line, if it is ws-cgi's own."""
    with open(os.path.join(EXAMPLES, name)) as f:
        text = f.read()
    if text.startswith("#!/usr/local/bin/ws-cgi\n"):
        text = text.replace("/usr/local/libexec/chat",
                            "--format netstring\n" + SERVICE)
    with open(path, "w") as f:
        f.write(front.localized(text))
    os.chmod(path, 0o755)


class LighttpdCgi(FrontEnd):
    name = "lighttpd, mod_cgi"
    package = "lighttpd"
    config = "lighttpd.conf"
    program = "lighttpd"
    arguments = Lighttpd.arguments
    around = Lighttpd.around
    script = "chat.cgi"
    location = "/chat"
    limits = {"half-closes": FIN, "early frame": EARLY}

    def make_values(self):
        return {**super().make_values(), SCRIPT: self.path("chat")}

    def prepare(self):
        os.chmod(self.directory, 0o711)
        write_script(self, self.script, self.path("chat"))


class LighttpdWrapper(LighttpdCgi):
    name = "lighttpd, mod_cgi, wrapper"
    script = "chat-wrapper.cgi"


class LighttpdInterpreter(LighttpdCgi):
    name = "lighttpd, mod_cgi, interpreter"
    changes = (('cgi.assign = ( "" => "" )',
                'cgi.assign = ( "" => "/usr/local/bin/ws-cgi" )'),)


class NginxScgi(Nginx):
    name = "nginx, scgi_pass"
    config = "nginx-scgi.conf"
    limits = {"half-closes": LEAVES}


class NginxScgiUnix(NginxScgi):
    name = "nginx, scgi_pass, Unix socket"
    behind = "unix"


ROWS = [LighttpdCgi, LighttpdWrapper, LighttpdInterpreter, NginxScgi,
        NginxScgiUnix]
