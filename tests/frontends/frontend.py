"""A front end, started with the configuration that users get.

Each is a class with a row in the table: examples/frontends/ has its file, in
which the values below stand, and here they become ports and paths of the test.
What runs for each connection is ws-cgi with service.py behind it, or the probe
in ws-cgi's place.
"""

import getpass
import os
import re
import shutil
import socket
import ssl
import subprocess
import sys
import time

TOP = os.path.abspath(os.path.join(os.path.dirname(__file__), "..", ".."))
BUILD = os.path.abspath(os.environ.get("BUILD", "build"))
sys.path.insert(0, os.path.join(TOP, "tests", "outside"))

import rawclient  # noqa: E402
import server  # noqa: E402

CLIENT = "127.0.0.2"    # where clients come from; no front end is there
EXAMPLES = os.path.join(TOP, "examples", "frontends")
PROBE = os.path.join(BUILD, "tests", "probe")
SCGI = os.path.join(TOP, "tests", "frontends", "scgi.py")
SERVICE = os.path.join(TOP, "tests", "frontends", "service.py")
STARTED = 20            # s for a front end to listen
# Packages that cannot be installed beside each other are unpacked there.
UNPACKED = os.path.join(BUILD, "frontends")
PLACES = ["/usr/local/sbin", "/usr/local/bin", "/usr/sbin", "/usr/bin",
          "/sbin", "/bin"]


def free_port():
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


def listens(port):
    """Whether someone listens on this port of IPv4.  Nobody is disturbed."""
    with open("/proc/net/tcp") as f:
        rows = [line.split() for line in f.readlines()[1:]]
    return any(row[3] == "0A" and row[1].endswith(":%04X" % port)
               for row in rows)


def find(program):
    """Its path, where the test's packages or the system have it."""
    places = [UNPACKED + place for place in PLACES] + PLACES
    found = shutil.which(program, path=":".join(places))
    if found is None:
        raise FileNotFoundError("no %s: .ci/deps frontends" % program)
    return found


def make_certificate(directory):
    """A self-signed one, with its key in the same file; and apart."""
    both, key, cert = (os.path.join(directory, name)
                       for name in ("both.pem", "key.pem", "cert.pem"))
    subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt",
                    "ec_paramgen_curve:prime256v1", "-nodes", "-days", "2",
                    "-subj", "/CN=localhost", "-keyout", key, "-out", cert],
                   check=True, capture_output=True)
    with open(both, "w") as out:
        for path in (key, cert):
            with open(path) as f:
                out.write(f.read())
    return both, key, cert


class TlsSocket:
    """A TLS client's end with the manners of a plain socket that does not
    block, as rawclient wants it."""

    def __init__(self, sock, own=None):
        """own: the paths of a certificate and its key."""
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
        if own is not None:
            context.load_cert_chain(*own)
        self.tls = context.wrap_socket(sock)

    def __getattr__(self, name):
        return getattr(self.tls, name)

    def send(self, data):
        try:
            return self.tls.send(data)
        except ssl.SSLWantWriteError:
            raise BlockingIOError from None

    def recv(self, size):
        """All that is there: poll does not see what TLS has read already,
        such as the end of the stream."""
        data = b""
        try:
            while more := self.tls.recv(size):
                data += more
            self.shutdown(socket.SHUT_RD)
        except (ssl.SSLWantReadError, ssl.SSLEOFError, OSError) as error:
            if not data and isinstance(error, ssl.SSLWantReadError):
                raise BlockingIOError from None
            if not data and isinstance(error, ConnectionError):
                raise
        return data

    def shutdown(self, how):
        """The stream below ends; TLS itself knows no half."""
        socket.socket.shutdown(self.tls, how)


class Race(str):
    """A limit that does not show each time."""


class FrontEnd(server.Server):
    """One row.  A class says these:"""

    name = None         # of the row
    package = None      # of Debian
    config = None       # the file in examples/frontends
    program = None      # what is started, if that is not the file itself
    arguments = ()      # its arguments; {config} is the file, {dir} its place
    changes = ()        # of the file, for a row that is a variant: (old, new)
    around = None       # the file that includes it, where Debian has one
    tls = False
    http = False        # a proxy that keeps connections for more requests
    location = "/"      # where the service is
    limits = {}         # cell -> why it cannot, in words, perhaps a Race

    def __init__(self, handler):
        """handler is the path of ws-cgi, or of the probe."""
        super().__init__()
        self.handler, self.port = handler, free_port()
        self.address = ("127.0.0.1", self.port)
        self.host = "127.0.0.1:%d" % self.port
        self.backend = None
        try:
            self.values = self.make_values()
            self.prepare()
            self.start(self.command(), self.environment(), subprocess.DEVNULL)
            self.until_there()
        except BaseException:
            self.stop()
            raise

    def make_values(self):
        """What stands in the configurations, and what does here."""
        values = {
            "/usr/local/bin/ws-cgi": self.handler,
            "/usr/local/bin/ws-tls": os.path.join(
                os.path.dirname(server.binary()), "ws-tls"),
            "/usr/local/libexec/chat": "--format netstring " + SERVICE,
            "www-data": getpass.getuser(),
            "8080": str(self.port),
        }
        if self.tls:
            both, key, cert = make_certificate(self.directory)
            values.update({"/etc/ssl/private/ws-cgi.pem": both,
                           "/etc/ssl/private/ws-cgi.key": key,
                           "/etc/ssl/certs/ws-cgi.pem": cert})
        return values

    def prepare(self):
        """Before it is started."""

    def example(self):
        """The file, with the changes of this row."""
        with open(os.path.join(EXAMPLES, self.config)) as f:
            text = f.read()
        for old, new in self.changes:
            if old not in text:
                raise ValueError("%s has no %s" % (self.config, old))
            text = text.replace(old, new)
        return text

    def localized(self, text):
        """With what does here in place of what stands in the files."""
        wanted = "|".join(r"(?<![\w-])%s(?![\w-])" % re.escape(value)
                          for value in self.values)
        return re.sub(wanted, lambda found: self.values[found[0]], text)

    def write(self, name, text):
        """Returns the path."""
        path = self.path(name)
        with open(path, "w") as f:
            f.write(text)
        os.chmod(path, 0o755)
        return path

    def configure(self):
        """Write the file as it is for this test, and what is around it;
        returns the path that the front end is given."""
        path = self.write(self.config, self.localized(self.example()))
        if self.around is None:
            return path
        return self.write("around", self.localized(self.around).replace(
            "{config}", path).replace("{dir}", self.directory))

    def command(self):
        config = self.configure()
        if self.program is None:
            return ["/bin/sh", config]
        return [find(self.program),
                *(self.localized(argument).format(
                    config=config, dir=self.directory)
                  for argument in self.arguments)]

    def environment(self):
        """It may be run from where packages are unpacked."""
        return {"PATH": ":".join([UNPACKED + "/usr/sbin", *PLACES])}

    def until_there(self):
        deadline = time.monotonic() + STARTED
        while not listens(self.port):
            if self.process.poll() is not None or time.monotonic() > deadline:
                raise RuntimeError("%s does not listen: %r"
                                   % (self.name, self.log()[-5:]))
            time.sleep(0.02)

    def connect(self, timeout=10):
        sock = socket.create_connection(self.address, timeout, (CLIENT, 0))
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        return TlsSocket(sock) if self.tls else sock

    def stop(self):
        try:
            super().stop()
        finally:
            if self.backend is not None:
                self.backend.stop()


class Backend(server.Server):
    """What proxies talk to: ws-cgi --listen or --receive as the text, a
    proxy's example, has it, or the probe there."""

    def __init__(self, handler, behind, text):
        super().__init__()
        sign = "unix:" if behind == "unix" else r"\d"
        how, where, rest = re.search(
            r"^\W+ws-cgi (--listen|--receive) (%s\S+) (.*)$" % sign, text,
            re.MULTILINE).groups()
        self.place = where.removeprefix("unix:").split(",")[0]
        command = [handler, how, where, *rest.split()]
        if handler == PROBE:
            command = ["systemd-socket-activate", "--accept", "--inetd", "-l",
                       self.place if behind == "unix"
                       else "127.0.0.1:" + where,
                       *([SCGI] if how == "--receive" else []), handler]
        try:
            self.start(command)
            self._await()
            if behind == "unix" and handler == PROBE:
                os.chmod(self.place, 0o666)
        except BaseException:
            self.stop()
            raise

    def _await(self):
        deadline = time.monotonic() + STARTED
        while not (listens(int(self.place)) if self.place.isdigit()
                   else os.path.exists(self.place)):
            if self.process.poll() is not None or time.monotonic() > deadline:
                raise RuntimeError("no backend: %r" % self.log())
            time.sleep(0.02)
