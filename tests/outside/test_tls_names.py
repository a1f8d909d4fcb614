"""Whose certificate is shown, whose is asked for, what of that the program
learns, and what is not negotiated."""

import contextlib
import os
import re
import socket
import ssl
import subprocess

import tls
from rawclient import close, request
from tap import Tap
from tls import Authority, TlsListener, WsTls, openssl, s_client, secure
from ws_test import PATIENCE, eventually, logged, workers

TLS12, TLS13 = ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3
VERSIONS = [TLS12, TLS13]
ENV = ["env", "-0"]
SIGNED = "SSL_CLIENT_"


def variables(server, ca, **how):
    """What `env -0` says, as a dictionary, and the client that heard it."""
    with secure(server, ca, **how) as client:
        data = client.rest()
        with contextlib.suppress(OSError):
            client.say_end()    # else it forgets its session: SSL_free(3)
        words = data.decode().split("\0")[:-1]
        return dict(word.split("=", 1) for word in words), client


def refused(server, ca, **how):
    """The reason by which TLS is refused, or None."""
    try:
        with secure(server, ca, **how) as client:
            client.write(b"x")
            client.rest()
    except ssl.SSLError as error:
        return error.reason or str(error)
    except ConnectionResetError:
        return "reset"
    return None


def shown(server, ca, name):
    """The name in the certificate that is shown to who asks for this one."""
    context = ca.context()
    context.check_hostname = False
    with secure(server, ca, context=context, name=name) as client:
        return dict(pair[0] for pair in client.tls.getpeercert()["subject"])[
            "commonName"]


NAMES = [       # asked for, shown
    ("first.test", "first.test"), ("FIRST.test", "first.test"),
    ("second.test", "second.test"), ("also.test", "second.test"),
    ("any.third.test", "*.third.test"), ("a.any.third.test", "first.test"),
    ("third.test", "first.test"), ("unknown.test", "first.test"),
    (None, "first.test"),
]


def test_names(tap, ca):
    pairs = [ca.issue("first.test"), ca.issue("second.test", "also.test"),
             ca.issue("*.third.test", kind="rsa")]
    with WsTls(ENV, pairs) as server:
        for name, wanted in NAMES:
            got = shown(server, ca, name)
            tap.ok(got == wanted, "who asks for %s is shown %s"
                   % (name, wanted), got)
        for name in ("also.test", "any.third.test"):
            seen, _ = variables(server, ca, name=name)
            tap.ok(seen.get("SSL_TLS_SNI") == name,
                   "the program learns the name " + name, seen)
        hello = s_client(server, "-noservername", data=b"")[0]
        tap.ok("CN = first.test" in hello, "without a name, the first", hello)
        text, _ = s_client(server, "-servername", "a b\n1.2.3.4")
        tap.ok(logged(server, "the name that it asks for is none of a host"),
               "a name with a newline in it is refused", server.log())
        tap.ok(eventually(lambda: not workers(server), 5),
               "and nothing waits", text)


def test_chain(tap, ca):
    """What the certificate is signed with is sent with it."""
    middle = ca.intermediate()
    leaf, key = ca.issue("localhost", "127.0.0.1", by=middle)
    whole = ca.write("whole.pem", open(leaf).read() + open(middle[0]).read())
    for cert, wanted in ((whole, None), (leaf, "CERTIFICATE_VERIFY_FAILED")):
        with WsTls(["true"], (cert, key)) as server:
            got = refused(server, ca)
        tap.ok(got == wanted, "a client that knows the root, of %s: %s" % (
            os.path.basename(cert), wanted or "comes in"), got)


def test_variables(tap, ca, pair):
    with WsTls(ENV, pair, env={"SSL_CLIENT_S_DN": "CN=forged",
                               "SSL_FORGED": "1", "TCPREMOTEINFO": "x"}) \
            as server:
        for version, cipher in ((TLS12, "ECDHE-ECDSA-AES256-GCM-SHA384"),
                                (TLS13, "TLS_AES_256_GCM_SHA384")):
            seen, client = variables(server, ca, version=version)
            tap.ok(seen.get("SSL_PROTOCOL") == version.name.replace("_", ".")
                   and seen.get("SSL_CIPHER") == cipher
                   and client.tls.cipher()[0] == cipher,
                   "the program sees %s and the cipher" % version.name, seen)
            tap.ok(seen.get("SSL_CLIENT_VERIFY") == "NONE"
                   and not {"SSL_CLIENT_S_DN", "SSL_FORGED"} & set(seen),
                   "and nothing that was in the environment before", seen)
            tap.ok(seen.get("TCPREMOTEIP") == "127.0.0.1"
                   and seen.get("TCPLOCALPORT") == str(server.address[1])
                   and seen.get("PROTO") == "TCP", "and both ends", seen)
    with TlsListener(["sh", "-c", "env | grep -E '^(SSL|HTTPS|REMOTE)'"],
                     pair) as server:
        with tls.opened(server, ca) as connection:
            seen = []
            while (event := connection.event(PATIENCE)) and \
                    event[0] == "text":
                seen.append(event[1].decode())
        tap.ok("SSL_PROTOCOL=TLSv1.3" in seen and "HTTPS=on" in seen
               and "REMOTE_ADDR=127.0.0.1" in seen,
               "and so does that of a ws-cgi behind", seen)


SUBJECTS = [    # as openssl reads it, what comes of it
    ("/CN=plain", "CN=plain"),
    ("/O=Commas, Inc./CN=a", "CN=a,O=Commas\\, Inc."),
    ("/CN=Grüße", "CN=Gr\\C3\\BC\\C3\\9Fe"),
    ("/CN=two\nHTTP_HOST=evil", "CN=two\\0AHTTP_HOST=evil"),
    ("/CN=\x1b[31m", "CN=\\1B[31m"),
]


def test_clients(tap, ca, pair):
    with Authority("another") as other:
        good = ca.issue(subject="/CN=anna")
        revoked = ca.issue(subject="/CN=gone")
        expired = ca.issue_expired("late")
        wrong = other.issue(subject="/CN=anna")
        listed = ca.revoke(revoked[0])
        for must in (True, False):
            options = ["--client-ca", listed] + \
                ([] if must else ["--client-optional"])
            with WsTls(ENV, pair, options) as server:
                for version in VERSIONS:
                    check_clients(tap, server, ca, version, must, {
                        "good": good, "revoked": revoked, "expired": expired,
                        "of another authority": wrong})
                tap.ok(bool(logged(server, "no TLS: certificate verify "
                                           "failed")),
                       "the log says why", server.log())
                check_no_penalty(tap, server)
        check_subjects(tap, ca, pair, listed)


def check_clients(tap, server, ca, version, must, certs):
    how = "%s, %s" % ("required" if must else "optional", version.name)
    seen, _ = variables(server, ca, version=version, cert=certs["good"])
    serial = openssl("x509", "-noout", "-serial", "-in",
                     certs["good"][0]).decode().strip().partition("=")[2]
    digest = openssl("x509", "-noout", "-fingerprint", "-sha256", "-in",
                     certs["good"][0]).decode().strip().partition("=")[2]
    wanted = {"VERIFY": "SUCCESS", "S_DN": "CN=anna",
              "I_DN": "CN=test authority", "M_SERIAL": serial}
    tap.ok({key[len(SIGNED):]: value for key, value in seen.items()
            if key.startswith(SIGNED)} == wanted, how + ": a good "
           "certificate, as the program sees it", seen)
    tap.ok(seen["SSL_PEER_CERT_HASH"] == "SHA256:" + digest.replace(
        ":", "").lower(), how + ": its hash", seen)
    if must:
        reason = refused(server, ca, version=version)
        tap.ok(reason and "CERTIFICATE_REQUIRED" in reason
               or version == TLS12 and "HANDSHAKE_FAILURE" in reason,
               how + ": none is refused by an alert", reason)
    else:
        seen, _ = variables(server, ca, version=version)
        tap.ok(seen.get("SSL_CLIENT_VERIFY") == "NONE"
               and "SSL_CLIENT_S_DN" not in seen, how + ": none is let in",
               seen)
    for name in list(certs)[1:]:
        reason = refused(server, ca, version=version, cert=certs[name])
        tap.ok(reason and "ALERT" in reason, how + ": one %s is refused by "
               "an alert" % name, reason)


def check_no_penalty(tap, server):
    tap.ok(not any("is kept away" in line for line in server.log()),
           "nobody is penalised for that")


def check_subjects(tap, ca, pair, listed):
    with WsTls(ENV, pair, ["--client-ca", listed]) as server:
        for subject, wanted in SUBJECTS:
            cert = ca.issue(subject=subject)
            seen, _ = variables(server, ca, cert=cert)
            tap.ok(seen.get("SSL_CLIENT_S_DN") == wanted
                   and "HTTP_HOST" not in seen, "the subject %r is %s"
                   % (subject, wanted), seen)
        long = ca.issue(subject="/" + "/".join(
            "OU=" + "x" * 64 for _ in range(20)))
        reason = refused(server, ca, cert=long)
        tap.ok(reason is not None and logged(server, "too long"),
               "a subject of 1300 bytes is refused", (reason, server.log()))


# Sessions.

def resume(server, ca, version, second, cert=None, name="localhost"):
    """Two connections, the second one with the first one's ticket; what the
    program said in both, and whether it was resumed."""
    context = ca.context(version, cert)
    seen, first = variables(server, ca, context=context, name=name)
    again, client = variables(second, ca, context=context, name=name,
                              session=first.tls.session)
    return seen, again, client.tls.session_reused


def facts(seen):
    return {key: value for key, value in seen.items()
            if key.startswith("SSL_")}


def test_sessions(tap, ca, pair):
    cert = ca.issue(subject="/CN=anna")
    for version in VERSIONS:
        with WsTls(ENV, pair) as server, \
                WsTls(ENV, pair) as stranger, \
                WsTls(ENV, pair, ["--client-ca", ca.cert]) as asking:
            seen, again, reused = resume(server, ca, version, server)
            tap.ok(reused and facts(seen) == facts(again),
                   version.name + ": a session is resumed", (seen, again))
            _, _, reused = resume(server, ca, version, stranger)
            tap.ok(not reused, version.name + ": but not with another server")
            seen, again, reused = resume(asking, ca, version, asking, cert)
            tap.ok(reused and facts(seen) == facts(again)
                   and again.get("SSL_CLIENT_S_DN") == "CN=anna",
                   version.name + ": with the client's certificate", again)
            seen, again, reused = resume(server, ca, version, asking, cert)
            tap.ok(not reused and again["SSL_CLIENT_VERIFY"] == "SUCCESS",
                   version.name + ": nor where a certificate is asked for",
                   again)


# What is not negotiated.

def test_refused(tap, ca, pair):
    with TlsListener(["echo:"], pair) as server:
        for old in ("-tls1_1", "-tls1"):
            text, status = s_client(server, old, "-cipher", "ALL:@SECLEVEL=0")
            tap.ok(status != 0 and "alert protocol version" in text,
                   "%s is refused" % old, text)
        for weak in ("AES256-SHA", "ECDHE-ECDSA-AES128-SHA", "AES128-GCM-"
                     "SHA256", "DHE-RSA-AES256-GCM-SHA384", "NULL"):
            text, status = s_client(server, "-tls1_2", "-cipher",
                                    weak + ":@SECLEVEL=0")
            tap.ok(status != 0 and "alert handshake failure" in text,
                   weak + " is refused", text)
        text, _ = s_client(server, "-tls1_2", "-comp")
        tap.ok("Compression: NONE" in text, "nothing is compressed", text)
        text, _ = s_client(server, data=b"")
        tap.ok("Max Early Data: 0" in text or "Early data was not" in text,
               "early data is not accepted", text)
        check_early_data(tap, server, ca)
        check_renegotiation(tap, server)


def check_early_data(tap, server, ca):
    """A client that says it has some, with a ticket: openssl refuses to send
    it, as the ticket does not allow any; so the ticket is asked."""
    session, early = ca.path("session"), ca.write("early", "GET / HTTP/1.1\n")
    process = subprocess.Popen(
        ["openssl", "s_client", "-connect", "%s:%d" % server.address,
         "-sess_out", session], stdin=subprocess.PIPE,
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    process.stdin.write(request(server.host))
    process.stdin.flush()
    eventually(lambda: os.path.exists(session))
    process.communicate(b"Q\n", PATIENCE)
    text, _ = s_client(server, "-sess_in", session, "-early_data", early)
    tap.ok("Early data was not sent" in text
           or "Early data was rejected" in text, "nor with a ticket", text)
    ticket = openssl("sess_id", "-in", session, "-text", "-noout").decode()
    tap.ok(re.search(r"TLS session ticket:", ticket)
           and "Max Early Data: 0" in ticket, "which allows none", ticket)


def check_renegotiation(tap, server):
    process = subprocess.Popen(
        ["openssl", "s_client", "-tls1_2", "-connect", "%s:%d"
         % server.address], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT)
    with contextlib.suppress(BrokenPipeError):
        for _ in range(3):
            process.stdin.write(b"R\n")
            process.stdin.flush()
    out, _ = process.communicate(b"", PATIENCE)
    tap.ok(b"no renegotiation" in out, "renegotiation is refused", out)
    tap.ok(eventually(lambda: not workers(server), 10), "and it ends",
           server.log())


def test_plain(tap, ca, pair):
    """Who does not speak TLS."""
    with TlsListener(["echo:"], pair) as server:
        for name, data in (("http", b"GET / HTTP/1.1\r\n\r\n"),
                           ("noise", bytes(range(256)) * 4),
                           ("an old hello", b"\x80\x2e\x01\0\2" + bytes(50))):
            with server.connect() as sock:
                sock.sendall(data)
                sock.settimeout(PATIENCE)
                got = b""
                with contextlib.suppress(ConnectionResetError):
                    while more := sock.recv(4096):
                        got += more
            tap.ok(got[:1] in (b"\x15", b""), "%s is answered by an alert or "
                   "nothing" % name, got)
        tap.ok(logged(server, "no TLS: http request"),
               "the log says that it was http", server.log())
        with secure(server, ca) as client:
            client.write(request(server.host) + close(1000))
            tap.ok(b" 101 " in client.read(), "others are served")
            client.sock.shutdown(socket.SHUT_RDWR)


def main():
    tap = Tap()
    with Authority() as ca:
        pair = ca.issue("localhost", "127.0.0.1")
        test_names(tap, ca)
        test_chain(tap, ca)
        for test in (test_variables, test_clients, test_sessions,
                     test_refused, test_plain):
            test(tap, ca, pair)
    tap.finish()


if __name__ == "__main__":
    main()
