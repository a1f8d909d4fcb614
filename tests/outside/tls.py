"""TLS for the outside tests: certificates, listeners that speak it, clients.

Certificates are made by openssl(1) in a temporary directory:

    with Authority() as ca:
        cert, key = ca.issue("localhost")
        with TlsListener(["echo:"], (cert, key)) as server:
            with opened(server, ca) as connection:
                connection.send(...)

A client's TLS is Python's, over buffers in memory, so that a test may cut what
is sent between any two bytes, and sees how a connection has ended.
"""

import contextlib
import os
import select
import socket
import ssl
import subprocess
import tempfile
import threading

import rawclient
from server import Listener, binary
from ws_test import workers

PATIENCE = 30
CONFIG = """
[req]
distinguished_name = dn
string_mask = utf8only
[dn]
[ca]
default_ca = here
[here]
database = %(dir)s/index
new_certs_dir = %(dir)s
serial = %(dir)s/serial
default_md = sha256
default_days = 30
default_crl_days = 30
policy = any
unique_subject = no
[any]
commonName = supplied
"""


def ws_tls():
    """The command under test lies beside the other one."""
    return os.path.join(os.path.dirname(binary()), "ws-tls")


def openssl(*args, **more):
    """What it says; it has to succeed."""
    ran = subprocess.run(["openssl", *args], capture_output=True, **more)
    if ran.returncode:
        raise RuntimeError("openssl %s: %s" % (args, ran.stderr.decode()))
    return ran.stdout


class Authority:
    """Signs certificates, and revokes them."""

    made = 0

    def __init__(self, name="test authority"):
        self.stack = contextlib.ExitStack()
        self.directory = self.stack.enter_context(
            tempfile.TemporaryDirectory(prefix="ws-tls-"))
        os.chmod(self.directory, 0o755)
        self.config = self.path("config")
        self.write("config", CONFIG % {"dir": self.directory})
        self.write("index", "")
        self.write("serial", "1000\n")
        self.cert, self.key = self.path("ca.pem"), self.path("ca.key")
        openssl("req", "-x509", "-config", self.config, "-days", "30",
                "-subj", "/CN=" + name, "-addext",
                "basicConstraints=critical,CA:TRUE", "-addext",
                "keyUsage=critical,keyCertSign,cRLSign,digitalSignature",
                "-addext", "subjectKeyIdentifier=hash",
                *self._new_key(self.key), "-out", self.cert)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.stack.close()

    def path(self, name):
        return os.path.join(self.directory, name)

    def write(self, name, text):
        """A file with this text; its path."""
        with open(self.path(name), "w") as f:
            f.write(text)
        return self.path(name)

    @staticmethod
    def _new_key(path, kind="ec"):
        wanted = ["ec", "-pkeyopt", "ec_paramgen_curve:P-256"] \
            if kind == "ec" else ["rsa:2048"]
        return ["-newkey", *wanted, "-nodes", "-keyout", path]

    def _next(self, name):
        self.made += 1
        stem = self.path("%d-%s" % (self.made, name.replace("*", "any")
                                    .replace("/", "_")[:20].strip()))
        return stem + ".pem", stem + ".key"

    def intermediate(self):
        """Who signs in its place; paths of the certificate and its key."""
        cert, key = self._next("intermediate")
        openssl("req", "-x509", "-config", self.config, "-CA", self.cert,
                "-CAkey", self.key, "-days", "30", "-subj",
                "/CN=intermediate", "-addext",
                "basicConstraints=critical,CA:TRUE", "-addext",
                "keyUsage=critical,keyCertSign", *self._new_key(key), "-out",
                cert)
        return cert, key

    def issue(self, *names, subject=None, days=30, kind="ec", by=None):
        """A certificate for these names; paths of it and of its key."""
        cert, key = self._next(names[0] if names else "client")
        signer, its_key = by or (self.cert, self.key)
        alt = ",".join(("IP:" if name[0].isdigit() else "DNS:") + name
                       for name in names)
        openssl("req", "-x509", "-utf8", "-config", self.config, "-CA",
                signer, "-CAkey", its_key, "-days", str(days), "-subj",
                subject or "/CN=" + names[0], "-addext",
                "basicConstraints=CA:FALSE", "-addext",
                "keyUsage=critical,digitalSignature", "-addext",
                "extendedKeyUsage=serverAuth,clientAuth",
                *(["-addext", "subjectAltName=" + alt] if alt else []),
                *self._new_key(key, kind), "-out", cert)
        return cert, key

    def issue_between(self, name, start, end):
        """The same, for this time: two dates, in digits."""
        cert, key = self._next(name)
        openssl("req", "-new", "-config", self.config, "-subj", "/CN=" + name,
                *self._new_key(key), "-out", cert + ".csr")
        openssl("ca", "-batch", "-notext", "-config", self.config, "-cert",
                self.cert, "-keyfile", self.key, "-startdate",
                start + "000000Z", "-enddate", end + "000000Z", "-in",
                cert + ".csr", "-out", cert)
        return cert, key

    def issue_expired(self, name):
        """The same, whose time is over."""
        return self.issue_between(name, "20200101", "20200201")

    def revoke(self, *certs):
        """A file with the authority and the list of what is revoked."""
        for cert in certs:
            openssl("ca", "-config", self.config, "-cert", self.cert,
                    "-keyfile", self.key, "-revoke", cert)
        crl = openssl("ca", "-gencrl", "-config", self.config, "-cert",
                      self.cert, "-keyfile", self.key).decode()
        with open(self.cert) as f:
            return self.write("ca-and-crl.pem", f.read() + crl)

    def context(self, version=None, cert=None, alpn=None):
        """For a client, which trusts this authority alone."""
        made = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        made.options &= ~ssl.OP_IGNORE_UNEXPECTED_EOF   # Python's own
        made.load_verify_locations(self.cert)
        if version is not None:
            made.minimum_version = made.maximum_version = version
        if cert is not None:
            made.load_cert_chain(*cert)
        if alpn is not None:
            made.set_alpn_protocols(alpn)
        return made


# Servers.

def pairs_of(pairs, prefix):
    """One pair of paths, or several, as options."""
    if pairs and isinstance(pairs[0], str):
        pairs = [pairs]
    return [word for cert, key in pairs
            for word in (prefix + "cert", cert, prefix + "key", key)]


class TlsListener(Listener):
    """ws-cgi --tls-cert ... --listen: it becomes ws-tls."""

    def __init__(self, operands, pairs, options=(), env=None):
        super().__init__(operands, [*pairs_of(pairs, "--tls-"), *options],
                         env)


class WsTls(Listener):
    """ws-tls --listen ... program, without any ws-cgi."""

    def __init__(self, program, pairs, options=(), env=None):
        self.program = program
        super().__init__([], [*pairs_of(pairs, "--"), *options], env)

    def start(self, argv, env=None, stdout=None):
        super().start(self.launch([ws_tls(), *argv[1:], *self.program]), env,
                      stdout)

    def launch(self, argv):
        """What it is started by, which has to become it."""
        return argv


def tunnels(server):
    """The pids of the processes that speak TLS, of all connections."""
    found = []
    for pid in workers(server):
        with contextlib.suppress(OSError):
            with open("/proc/%d/task/%d/children" % (pid, pid)) as f:
                found += [child for child in map(int, f.read().split())
                          if title_of(child).startswith("ws-tls")]
    return found


def title_of(pid):
    with contextlib.suppress(OSError):
        with open("/proc/%d/cmdline" % pid, "rb") as f:
            return f.read().replace(b"\0", b" ").decode(errors="replace")
    return ""


# Clients.

class Client:
    """TLS over a connected socket, step by step: nothing is sent or read but
    by these calls.  cut is how many bytes go out at a time."""

    def __init__(self, sock, context, name="localhost", session=None, cut=0):
        self.sock, self.cut = sock, cut
        self.incoming, self.outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
        self.tls = context.wrap_bio(self.incoming, self.outgoing,
                                    server_hostname=name, session=session)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.sock.close()

    def flush(self):
        data = self.outgoing.read()
        step = self.cut or len(data) or 1
        for at in range(0, len(data), step):
            self.sock.sendall(data[at:at + step])

    def fill(self):
        """One read from the socket.  False at its end."""
        data = self.sock.recv(1 << 16)
        if data:
            self.incoming.write(data)
        else:
            self.incoming.write_eof()
        return bool(data)

    def _until_done(self, step, *args):
        while True:
            try:
                done = step(*args)
                self.flush()
                return done
            except ssl.SSLWantReadError:
                self.flush()
                self.fill()
            except ssl.SSLError:
                with contextlib.suppress(OSError):
                    self.flush()
                raise

    def handshake(self):
        self._until_done(self.tls.do_handshake)
        return self

    def write(self, data, record=16384):
        """In records of so many bytes."""
        for at in range(0, len(data), record):
            self.tls.write(data[at:at + record])
        self.flush()

    def read(self, size=1 << 16):
        """b"" after close_notify; raises SSLEOFError if that is missing."""
        try:
            return self._until_done(self.tls.read, size)
        except ssl.SSLZeroReturnError:
            return b""

    def rest(self):
        data = b""
        while more := self.read():
            data += more
        return data

    def say_end(self):
        """close_notify, and not the end of TCP."""
        with contextlib.suppress(ssl.SSLError):
            self.tls.unwrap()
        self.flush()

    def close_notify(self):
        """What the other side has ended with, as a word."""
        try:
            self.rest()
        except ssl.SSLEOFError:
            return "truncated"
        except ConnectionResetError:
            return "reset"
        return "clean"


def secure(server, ca, timeout=PATIENCE, sock=None, **how):
    """A Client whose handshake is done.  how is for the context, but for name,
    session, cut and context."""
    rest = {key: how.pop(key) for key in ("name", "session", "cut")
            if key in how}
    context = how.pop("context", None) or ca.context(**how)
    sock = sock or rawclient.connect(server.address, timeout)
    try:
        return Client(sock, context, **rest).handshake()
    except BaseException:
        sock.close()
        raise


class Pump(threading.Thread):
    """Carries plain text between a Client and a socket, whose other end is
    self.plain; self.end is how the server has ended."""

    def __init__(self, client, record=16384):
        super().__init__(daemon=True)
        self.client, self.record = client, record
        self.plain, self.inner = socket.socketpair()
        self.end = None
        self.over = False
        client.sock.setblocking(False)
        client.sock.settimeout(None)
        self.start()

    def run(self):
        with contextlib.suppress(OSError, ssl.SSLError):
            self._carry()
        self.inner.close()
        self.client.sock.close()

    def _take(self):
        """From the server.  False when there is no more."""
        try:
            if not self.client.fill():
                self.client.incoming.write_eof()
            while True:
                data = self.client.tls.read(1 << 16)
                if not data:
                    raise ssl.SSLZeroReturnError
                self.inner.sendall(data)
        except ssl.SSLWantReadError:
            return True
        except ssl.SSLZeroReturnError:
            self.end = "clean"
        except ssl.SSLEOFError:
            self.end = "truncated"
        except ConnectionResetError:
            self.end = "reset"
        except ssl.SSLError as error:
            self.end = error.reason
        return False

    def _carry(self):
        with contextlib.suppress(ssl.SSLWantReadError):
            while data := self.client.tls.read(1 << 16):
                self.inner.sendall(data)
        reads = [self.client.sock, self.inner]
        while True:
            ready = select.select(reads, [], [])[0]
            if self.client.sock in ready and not self._take():
                return
            if self.inner in ready:
                data = self._chunk()
                if data:
                    self.client.write(data, self.record)
                else:
                    reads.remove(self.inner)
                    if not self.over:
                        self.client.say_end()

    def _chunk(self):
        try:
            return self.inner.recv(1 << 16)
        except ConnectionResetError:
            return b""


class Connection(rawclient.Connection):
    """A WebSocket connection over TLS."""

    def __init__(self, client, record=16384):
        self.pump = Pump(client, record)
        super().__init__(self.pump.plain)

    def end(self):
        """How the server has ended TLS."""
        self.pump.join(PATIENCE)
        return self.pump.end

    def vanish(self, reset=False):
        """End TCP, in order or not, and say nothing."""
        self.pump.over = True
        sock = self.pump.client.sock
        if reset:
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER,
                            b"\1\0\0\0\0\0\0\0")
        sock.shutdown(socket.SHUT_WR if not reset else socket.SHUT_RD)
        if reset:
            sock.close()


def opened(server, ca, path="/", extra=(), record=16384, **how):
    """A Connection whose handshakes are done."""
    connection = Connection(secure(server, ca, **how), record)
    try:
        connection.handshake("localhost:%d" % server.address[1], path, extra)
    except BaseException:
        connection.sock.close()
        raise
    return connection


def get(server, ca, path="/", host=None, **how):
    """What comes to a request for no WebSocket, to its end."""
    with secure(server, ca, **how) as client:
        client.write(b"GET %s HTTP/1.1\r\nHost: %s\r\n\r\n" % (
            path.encode(), (host or server.host).encode()))
        return client.rest()


def s_client(server, *args, data=b"Q\n", timeout=PATIENCE):
    """What openssl s_client says, and its status."""
    ran = subprocess.run(
        ["openssl", "s_client", "-connect", "%s:%d" % server.address, *args],
        input=data, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
        timeout=timeout, check=False)
    return ran.stdout.decode(errors="replace"), ran.returncode


def cpu_of(pid):
    """Seconds of processor time that it has used, or None."""
    with contextlib.suppress(OSError):
        with open("/proc/%d/stat" % pid) as f:
            fields = f.read().rpartition(")")[2].split()
        return sum(map(int, fields[11:13])) / os.sysconf("SC_CLK_TCK")
    return None
