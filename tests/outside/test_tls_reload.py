"""New certificates by SIGHUP: no conversation notices, newcomers see the new
one, and what cannot be used changes nothing.  Most of it twice: as who can read
the key, and as a user who cannot, for whom the monitor does."""

import contextlib
import os
import shutil
import signal
import ssl
import subprocess
import threading

import tls
from rawclient import TEXT, close, frame
from tap import Tap
from tls import Authority, TlsListener, openssl, secure, ws_tls
from ws_test import (PATIENCE, close_of, eventually, is_running, logged,
                     until_end)

IS_ROOT = os.getuid() == 0
RELOADS, THREADS = 6, 4


class Renewed(TlsListener):
    """Its certificate and key are files that may be replaced."""

    def __init__(self, operands, ca, options=()):
        self.ca = ca
        self.pair = ca.path("live.pem"), ca.path("live.key")
        self.install(*ca.issue("localhost", "127.0.0.1"))
        super().__init__(operands, self.pair, options)

    def install(self, *paths, mode=0o600):
        """As a client of ACME does: a copy, and then its name."""
        for path, live in zip(paths, self.pair):
            shutil.copy(path, live + ".new")
            os.chmod(live + ".new", mode)
            os.rename(live + ".new", live)

    def says(self, text):
        return sum(text in line for line in self.log())

    def reload(self, word="restarted:"):
        """SIGHUP, and whether it comes to this word once more."""
        before = self.says(word)
        self.process.send_signal(signal.SIGHUP)
        return bool(eventually(lambda: self.says(word) > before))


def serial_of(path):
    return openssl("x509", "-noout", "-serial", "-in",
                   path).decode().strip().partition("=")[2]


def serial_shown(server, ca):
    with secure(server, ca) as client:
        return client.tls.getpeercert()["serialNumber"]


def exchange(connection, text):
    connection.send(frame(TEXT, text))
    return connection.event(PATIENCE) == ("text", text)


def come_and_go(server, ca, over, results):
    """Newcomers without a pause."""
    while not over.is_set():
        try:
            with tls.opened(server, ca) as connection:
                good = exchange(connection, b"hello")
                connection.send(close(1000))
                good &= close_of(until_end(connection)) == (1000, b"")
            results.append(good)
        except Exception as error:      # whatever it is, it fails the test
            results.append(repr(error))


def test_under_traffic(tap, ca, options):
    name = " ".join(options) or "as it is"
    with Renewed(["echo:"], ca, options) as server, \
            contextlib.ExitStack() as stack:
        kept = [stack.enter_context(tls.opened(server, ca))
                for _ in range(8)]
        over, results = threading.Event(), []
        threads = [threading.Thread(target=come_and_go, args=(
            server, ca, over, results)) for _ in range(THREADS)]
        for thread in threads:
            thread.start()
        for number in range(RELOADS):
            new = ca.issue("localhost", "127.0.0.1")
            server.install(*new)
            good = server.reload()
            tap.ok(good and serial_shown(server, ca) == serial_of(new[0]),
                   "%s: reload %d shows the new certificate"
                   % (name, number + 1), server.log()[-5:])
            tap.ok(all(exchange(connection, b"still %d" % number)
                       for connection in kept), "%s: and %d conversations go "
                   "on" % (name, len(kept)))
        over.set()
        for thread in threads:
            thread.join()
        bad = [result for result in results if result is not True]
        tap.ok(len(results) > RELOADS and not bad, "%s: all of %d newcomers "
               "meanwhile were served" % (name, len(results)), bad[:5])
        for connection in kept:
            connection.send(close(1000))
        tap.ok(all(close_of(until_end(connection)) == (1000, b"")
                   for connection in kept), name + ": all end in order")


def faults(ca):
    """What may go wrong with the files: name, function of the server, word."""
    other = ca.issue("other.test")
    secret = ca.path("secret.key")
    openssl("pkey", "-in", other[1], "-aes256", "-passout", "pass:x", "-out",
            secret)
    empty = ca.write("empty", "")
    junk = ca.write("junk", "-----BEGIN PRIVATE KEY-----\nAAAA\n"
                            "-----END PRIVATE KEY-----\n")
    return [
        ("another's key", lambda s: s.install(s.pair[0], other[1]),
         "it is not the key of the certificate"),
        ("a key that others may read",
         lambda s: s.install(*other, mode=0o644), "others may read the key"),
        ("an empty key", lambda s: s.install(s.pair[0], empty),
         "there is no key in it"),
        ("an empty certificate", lambda s: s.install(empty, s.pair[1]),
         "there is no certificate in it"),
        ("a key that is none", lambda s: s.install(s.pair[0], junk),
         "there is no key in it"),
        ("a key with a password", lambda s: s.install(other[0], secret),
         "the key is encrypted"),
        ("no key", lambda s: os.unlink(s.pair[1]), "No such file"),
        ("a directory", lambda s: (os.unlink(s.pair[1]),
                                   os.mkdir(s.pair[1])), "not a file"),
    ]


def test_faults(tap, ca, options):
    name = " ".join(options) or "as it is"
    for what, spoil, word in faults(ca):
        with contextlib.suppress(OSError):
            os.rmdir(ca.path("live.key"))
        with Renewed(["echo:"], ca, options) as server:
            before = serial_shown(server, ca)
            with tls.opened(server, ca) as connection:
                spoil(server)
                tap.ok(server.reload("no restart:") and server.says(word),
                       "%s: %s: no restart, and the log says why"
                       % (name, what), server.log())
                tap.ok(serial_shown(server, ca) == before
                       and exchange(connection, b"hello"),
                       "%s: %s: the old one goes on" % (name, what))
            with contextlib.suppress(OSError):
                os.rmdir(server.pair[1])
            new = ca.issue("localhost", "127.0.0.1")
            server.install(*new)
            tap.ok(server.reload() and serial_shown(server, ca) ==
                   serial_of(new[0]), "%s: %s: and mended, the new one"
                   % (name, what), server.log())


def started(ca, cert, key, *options):
    return subprocess.run(
        [ws_tls(), "--check", "--cert", cert, "--key", key, *options, "--",
         "true"], capture_output=True, text=True, timeout=PATIENCE)


def test_modes(tap, ca):
    """Who may read a key, by its mode and owner."""
    cert, key = ca.issue("localhost")
    for mode, good in ((0o600, True), (0o400, True), (0o640, IS_ROOT),
                       (0o440, IS_ROOT), (0o660, False), (0o644, False),
                       (0o604, False), (0o620, False)):
        os.chmod(key, mode)
        ran = started(ca, cert, key)
        tap.ok((ran.returncode == 0) == good and (
            good or "others may read the key" in ran.stderr),
            "a key of mode %o is %s" % (mode, "taken" if good else "refused"),
            (ran.returncode, ran.stderr))
    if IS_ROOT:
        os.chmod(key, 0o640)
        os.chown(key, 65534, -1)
        ran = started(ca, cert, key)
        tap.ok(ran.returncode == 100, "0640 of another user than root is "
               "refused", ran.stderr)
    both = ca.write("both.pem", open(cert).read() + open(key).read())
    os.chmod(both, 0o600)
    ran = subprocess.run([ws_tls(), "--check", "--cert", both, "--", "true"],
                         capture_output=True, text=True, timeout=PATIENCE)
    tap.ok(ran.returncode == 0 and both in ran.stdout, "a file with both",
           ran.stderr)
    old = ca.issue_expired("late")
    ran = started(ca, *old)
    tap.ok(ran.returncode == 0 and "the certificate has expired" in ran.stderr,
           "an expired certificate is served, and the log says so", ran.stderr)
    ran = started(ca, *ca.issue_between("early", "21000101", "21000201"))
    tap.ok(ran.returncode == 0 and "the time of the certificate has not come "
           "yet" in ran.stderr, "and one whose time has not come", ran.stderr)


def test_revoked(tap, ca):
    """Who is on the list when it is read again comes no more, and neither
    does an older session."""
    cert = ca.issue(subject="/CN=anna")
    listed = ca.revoke()
    with Renewed(["echo:"], ca, ["--tls-client-ca", listed]) as server:
        context = ca.context(cert=cert)
        with tls.opened(server, ca, context=context) as connection:
            tap.ok(exchange(connection, b"hello"), "a client is let in")
            session = connection.pump.client.tls.session
            ca.revoke(cert[0])
            tap.ok(server.reload() and exchange(connection, b"still"),
                   "it is revoked, and its conversation goes on")
            for old in (None, session):
                try:
                    with secure(server, ca, context=context,
                                session=old) as client:
                        client.write(b"x")
                        client.read()
                        word = "let in"
                except ssl.SSLError as error:
                    word = error.reason
                tap.ok("REVOKED" in word or "ALERT" in word, "it comes no "
                       "more, %s a session" % ("with" if old else "without"),
                       word)


def monitor_of(server):
    """The pid of a listener's monitor."""
    pid = server.process.pid
    with open("/proc/%d/task/%d/children" % (pid, pid)) as f:
        return next((child for child in map(int, f.read().split())
                     if "monitor" in tls.title_of(child)), None)


def test_monitor(tap, ca):
    if not IS_ROOT:
        return
    with Renewed(["echo:"], ca, ["--user", "nobody"]) as server:
        monitor = monitor_of(server)
        tap.ok(monitor is not None, "there is a monitor")
        for sent in (signal.SIGHUP, signal.SIGTERM, signal.SIGINT):
            os.kill(monitor, sent)
        tap.ok(is_running(monitor), "which ends by no signal for all")
        for _ in range(3):
            server.reload()
        tap.ok(monitor_of(server) == monitor, "and it stays the same one")
        os.kill(monitor, signal.SIGKILL)
        tap.ok(eventually(lambda: monitor_of(server) is None),
               "it is killed, and nobody's child any more", server.log())
        before = serial_shown(server, ca)
        tap.ok(server.reload("no restart:"), "without it there is no restart",
               server.log())
        tap.ok(logged(server, "live.pem", "monitor"),
               "and the log says why", server.log())
        tap.ok(serial_shown(server, ca) == before, "and the old one goes on")
    with Renewed(["echo:"], ca, ["--user", "nobody"]) as server:
        monitor = monitor_of(server)
        with tls.opened(server, ca):
            server.process.send_signal(signal.SIGTERM)
        tap.ok(eventually(lambda: not is_running(monitor)),
               "it ends with the listener")


def main():
    tap = Tap()
    ways = [[]] + ([["--user", "nobody"]] if IS_ROOT else [])
    with Authority() as ca:
        test_modes(tap, ca)
        for options in ways:
            test_under_traffic(tap, ca, options)
            test_faults(tap, ca, options)
        test_revoked(tap, ca)
        test_monitor(tap, ca)
    tap.finish()


if __name__ == "__main__":
    main()
