"""The command lines of ws-tls and of ws-cgi --tls-cert: what is wrong with one
is said in words, and --check says what would be served."""

import os
import pty
import re
import shutil
import socket
import subprocess
import tempfile

from server import binary
from tap import Tap
from tls import Authority, TlsListener, openssl, secure, ws_tls
from ws_test import PATIENCE, logged

IS_ROOT = os.getuid() == 0


def ran(*args, **more):
    return subprocess.run(args, stdin=subprocess.DEVNULL, capture_output=True,
                          text=True, timeout=PATIENCE, **more)


def is_wrong(tap, words, *args, **more):
    """It ends with 100, and standard error has these words and no others."""
    result = ran(*args, **more)
    lines = result.stderr.splitlines()
    tap.ok(result.returncode == 100 and words in result.stderr
           and 1 <= len(lines) <= 3, "%s %s: %s" % (
               os.path.basename(args[0]),
               " ".join(re.sub(r"/tmp/\S*/", "", arg) for arg in args[1:]),
               words), result)


def test_tls(tap, ca, pair):
    cert, key = pair
    good = ["--cert", cert, "--key", key]
    for words, *args in [
            ("there is no certificate: --cert FILE", "true"),
            ("there is no certificate", "--listen", "127.0.0.1:0", "true"),
            ("its certificate comes first: --cert", "--key", key, "true"),
            ("has a key already", *good, "--key", key, "true"),
            ("empty", "--cert", "", "true"),
            ("empty", "--cert", cert, "--key", "", "true"),
            ("there is no program", *good),
            ("there is no program", *good, "--"),
            ("'nonexistent'", *good, "nonexistent"),
            ("--client-optional goes with --client-ca", *good,
             "--client-optional", "true"),
            ("--redirect goes with --listen", *good, "--redirect",
             "127.0.0.1:0", "true"),
            ("--pidfile is for a listener", *good, "--pidfile", "/x", "true"),
            ("--source-rate is for a listener", *good, "--source-rate", "3",
             "true"),
            ("not a user's name", *good, "--user", "nobody-like-this", "true"),
            ("--listen", *good, "--listen", "x:y:z", "true"),
            ("--max", *good, "--max", "0", "true"),
            ("--handshake-timeout", *good, "--handshake-timeout", "x",
             "true"),
            ("--log /no/such/log: No such file", *good, "--listen",
             "127.0.0.1:0", "--log", "/no/such/log", "true"),
    ]:
        is_wrong(tap, words.replace("there is no program", "no program"),
                 ws_tls(), *args)


def test_cgi(tap, ca, pair):
    tls = ["--tls-cert", pair[0], "--tls-key", pair[1]]
    listen = ["--listen", "127.0.0.1:0"]
    for words, *args in [
            ("its certificate comes first: --tls-cert", "--tls-key", pair[1],
             *listen),
            ("--tls-cert is for a listener", *tls),
            ("--tls-cert is for a listener", *tls, "--redirect",
             "127.0.0.1:0"),
            ("--receive", *tls, *listen, "--receive", "127.0.0.1:0"),
            ("--chroot and --run-as", *tls, *listen, "--chroot", "/",
             "--user", "nobody"),
            ("--chroot and --run-as", *tls, *listen, "--run-as", "nobody"),
            ("--tls-client-optional goes with --tls-client-ca", *tls, *listen,
             "--tls-client-optional"),
            ("go with --tls-cert", *listen, "--tls-client-ca", ca.cert),
            ("go with --tls-cert", *listen, "--tls-client-optional"),
            ("--max-user and --max-path take --slots", *tls, *listen,
             "--max-user", "2"),
            ("empty", "--tls-cert", "", *listen),
            ("has a key already", *tls, "--tls-key", pair[1], *listen),
    ]:
        is_wrong(tap, words, binary(), *args, "echo:")
    with tempfile.TemporaryDirectory() as place:
        alone = shutil.copy(binary(), place)
        is_wrong(tap, "there is no ws-tls beside this program, or in PATH",
                 alone, *tls, *listen, "echo:", env={"PATH": "/usr/bin:/bin"})
        result = ran(alone, *tls, *listen, "--check", "echo:", env={
            "PATH": "/usr/bin:/bin:" + os.path.dirname(ws_tls())})
        tap.ok(result.returncode == 0 and "ws-tls" in result.stdout,
               "it may be in PATH", result)
        result = ran("/bin/sh", "-c", 'PATH=: exec ws-cgi "$@"', "sh", *tls,
                     *listen, "--check", "echo:",
                     cwd=os.path.dirname(ws_tls()))
        tap.ok(result.returncode == 0 and "ws-tls" in result.stdout,
               "or where both are started without a slash", result)
        path = os.path.join(place, "ws-tls")
        with open(path, "w") as f:
            f.write("junk")
        os.chmod(path, 0o755)
        result = ran(alone, *tls, *listen, "echo:")
        tap.ok(result.returncode == 111 and path in result.stderr,
               "or be no program", result)


def test_files(tap, ca, pair):
    """What is wrong with a file is said with its name."""
    other = ca.issue("other.test")
    empty = ca.write("empty.pem", "")
    text = ca.write("text.pem", "no certificate\n")
    cut = ca.write("cut.pem", "".join(open(pair[0]).readlines()[:4]))
    junk = ca.write("junk.pem", "-----BEGIN CERTIFICATE-----\nAAAA\n"
                                "-----END CERTIFICATE-----\n")
    tail = ca.write("tail.pem", open(pair[0]).read() + open(cut).read())
    secret = ca.path("secret.key")
    openssl("pkey", "-in", pair[1], "-aes256", "-passout", "pass:x", "-out",
            secret)
    both = ca.write("both.pem", open(pair[0]).read() + open(pair[1]).read())
    for path in (empty, text, cut, junk, secret):
        os.chmod(path, 0o600)
    os.chmod(both, 0o644)
    cases = [   # certificate, key, client-ca, file that is named, words
        ("/nonexistent", pair[1], None, "/nonexistent", "No such file"),
        (pair[0], "/nonexistent", None, "/nonexistent", "No such file"),
        (pair[0], pair[1], "/nonexistent", "/nonexistent", "No such file"),
        ("/etc", pair[1], None, "/etc", "not a file"),
        ("/dev/null", pair[1], None, "/dev/null", "not a file"),
        (empty, pair[1], None, empty, "no certificate in it (PEM)"),
        (text, pair[1], None, text, "no certificate in it (PEM)"),
        (pair[1], pair[1], None, pair[1], "no certificate in it (PEM)"),
        (cut, pair[1], None, cut, "bad end line"),
        (junk, pair[1], None, junk, ""),
        (tail, pair[1], None, tail, "bad end line"),
        (pair[0], empty, None, empty, "no key in it (PEM)"),
        (pair[0], text, None, text, "no key in it (PEM)"),
        (pair[0], other[1], None, other[1],
         "it is not the key of the certificate"),
        (pair[0], secret, None, secret, "the key is encrypted"),
        (pair[0], pair[0], None, pair[0], "no key in it (PEM)"),
        (both, both, None, both, "others may read the key"),
        (pair[0], pair[1], empty, empty, "no certificate in it (PEM)"),
        (pair[0], pair[1], text, text, "no certificate in it (PEM)"),
        (pair[0], pair[1], pair[1], pair[1], "no certificate in it (PEM)"),
        (pair[0], pair[1], cut, cut, "bad end line"),
    ]
    for cert, key, authority, named, words in cases:
        more = ["--client-ca", authority] if authority else []
        for check in (["--check"], ["--listen", "127.0.0.1:0"]):
            result = ran(ws_tls(), "--cert", cert, "--key", key, *more,
                         *check, "true")
            tap.ok(result.returncode == 100 and named + ": " in result.stderr
                   and words in result.stderr
                   and result.stderr.count("\n") == 1,
                   "%s: %s: %s" % (check[0], os.path.basename(named), words),
                   result)
    result = ran(binary(), "--listen", "127.0.0.1:0", "--tls-cert", empty,
                 "--check", "echo:")
    tap.ok(result.returncode == 100 and empty + ": " in result.stderr
           and "max-message" in result.stdout,
           "ws-cgi --check looks at the files, too", result)


def test_one(tap, ca, pair):
    """Where one connection is served, and it cannot be."""
    other = ca.issue("other.test")
    ours, theirs = socket.socketpair()
    with ours, theirs:
        result = subprocess.run(
            [ws_tls(), "--cert", pair[0], "--key", other[1], "--", "true"],
            stdin=theirs, capture_output=True, text=True, timeout=PATIENCE)
    tap.ok(result.returncode == 100 and "it is not the key of the certificate"
           in result.stderr, "a bad key is seen by who serves one connection",
           result)
    first, second = pty.openpty()
    result = subprocess.run(
        [ws_tls(), "--cert", pair[0], "--key", pair[1], "--", "true"],
        stdin=second, capture_output=True, text=True, timeout=PATIENCE)
    os.close(first)
    os.close(second)
    tap.ok(result.returncode == 100 and "Descriptor 0 is a terminal"
           in result.stderr, "a terminal is no connection", result)


def test_check(tap, ca, pair):
    tls = ["--tls-cert", pair[0], "--tls-key", pair[1]]
    result = ran(binary(), *tls, "--listen", "127.0.0.1:0", "--redirect",
                 "127.0.0.1:1", "--max", "7", "--tls-client-ca", ca.cert,
                 "--tls-client-optional", "--format", "json", "--user",
                 "nobody", "--check", "cat")
    pairs = [(line[:22].strip(), line[22:].strip())
             for line in result.stdout.splitlines()]
    wanted = [("format", "json"), ("certificate", pair[0]),
              ("names", "DNS:localhost IP Address:127.0.0.1"),
              ("clients", "may have a certificate"),
              ("max", "7, counted by the listener"),
              ("listen", "127.0.0.1:0"), ("redirect", "127.0.0.1:1"),
              ("user", "nobody"), ("handshake-timeout", "10 s"),
              ("trust", "all"), ("penalty-exempt", "127.0.0.0/8 ::1"),
              ("write-timeout", "30 s"), ("stop-timeout", "never")]
    missing = [one for one in wanted if one not in pairs]
    tap.ok(result.returncode == 0 and not missing and not result.stderr,
           "--check says what both would do", (missing, result))
    result = ran(ws_tls(), "--cert", pair[0], "--key", pair[1], "--trust",
                 "192.0.2.0/24", "--proxy-protocol", "--check", "true")
    tap.ok(result.returncode == 0 and re.search(
        r"^  trust +192\.0\.2\.0/24\n  proxy-protocol +yes$", result.stdout,
        re.M), "ws-tls --check says who may send PROXY headers", result)
    for word in ("--help", "--version"):
        result = ran(ws_tls(), word)
        tap.ok(result.returncode == 0 and "ws-tls" in result.stdout
               and ("OpenSSL 3" in result.stdout) == (word == "--version"),
               "ws-tls " + word, result)


def options_of(program):
    return re.findall(r"^ +(?:-\w, )?--([a-z-]+)", ran(
        program, "--help").stdout, re.M)


def test_chain(tap, ca, pair):
    """The line that ws-cgi becomes."""
    with TlsListener(["printf", "%s", "a b", "", "--", "-x"], pair,
                     ["--format", "raw", "-n", "9", "--verbose",
                      "--header", "A: b c", "--host=localhost",
                      "--handshake-timeout", "4"]) as server:
        with open("/proc/%d/environ" % server.process.pid, "rb") as f:
            tap.ok(b"WS_TLS" not in f.read(), "nothing is in the environment")
        with open("/proc/%d/exe" % server.process.pid, "rb") as f:
            tap.ok(os.path.samestat(os.fstat(f.fileno()),
                                    os.stat(ws_tls())),
                   "it is ws-tls that listens")
        words = ran("ps", "-ww", "-o", "args=", "-p",
                    str(server.process.pid)).stdout
        tap.ok("listening, 0 of 9" in words, "and shows itself", words)
        with secure(server, ca) as client:
            client.write(b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n")
            answer = client.rest()
        tap.ok(b"\r\nA: b c\r\n" not in answer and b" 426 " in answer,
               "a response comes from ws-cgi", answer)
        tap.ok(logged(server, "ws-tls[", ": closed, in")
               and logged(server, "ws-cgi[", "< GET / "),
               "--verbose is for both", server.log())
    known = set(options_of(ws_tls()))
    tap.ok({"listen", "cert", "key", "redirect"} <= known,
           "ws-tls --help tells its options", known)


# Each option of ws-cgi, an argument of it, and whose it becomes.
TLS, BOTH, OURS, NONE = "ws-tls's", "both's", "ws-cgi's", "refused"
WHOSE = {
    "listen": (TLS, "127.0.0.1:1"), "tls-cert": (TLS, "a.pem"),
    "tls-key": (TLS, "a.key"), "tls-client-ca": (TLS, "ca.pem"),
    "tls-client-optional": (TLS, None), "redirect": (TLS, "127.0.0.1:2"),
    "receive": (NONE, "127.0.0.1:3"), "fd": (NONE, "3"), "in": (NONE, "3"),
    "out": (NONE, "4"), "preread-fd": (NONE, "5"),
    "push-only": (OURS, None), "format": (OURS, "raw"),
    "newline": (OURS, "escape"), "bad-text": (OURS, "replace"),
    "text": (OURS, None), "unbuffered": (OURS, None),
    "stderr": (OURS, "client"), "protocol": (OURS, "chat"),
    "header": (OURS, "A: b c"), "allow-env": (OURS, "LANG"),
    "host": (OURS, "a.example"), "origin": (OURS, "https://a.example"),
    "origin-required": (OURS, None), "users": (OURS, "users"),
    "tokens": (OURS, "tokens"), "user-header": (OURS, "X-User"),
    "admit": (OURS, "true"), "admit-timeout": (OURS, "3"), "www": (OURS, "/tmp"),
    "console": (OURS, None), "max-message": (OURS, "3K"),
    "max-frame": (OURS, "3K"), "max-fragments": (OURS, "3"),
    "compress": (OURS, None), "compress-window": (OURS, "10"),
    "compress-memory": (OURS, "2"), "compress-level": (OURS, "1"),
    "no-context-takeover": (OURS, None), "max": (TLS, "7"),
    "max-source": (TLS, "6"), "max-user": (OURS, "2"),
    "max-path": (OURS, "2"), "slots": (OURS, "/"),
    "source-bits": (BOTH, "24,48"), "source-rate": (TLS, "9"),
    "penalties": (TLS, "none"), "penalty-exempt": (TLS, "none"),
    "trust": (BOTH, "192.0.2.0/24"), "forwarded": (OURS, "forwarded"),
    "proxy-protocol": (TLS, None), "handshake-timeout": (BOTH, "4"),
    "ping": (OURS, "9"), "pong": (OURS, "9"), "write-timeout": (BOTH, "9"),
    "session": (OURS, "9"), "idle": (OURS, "9"), "message-rate": (OURS, "9"),
    "byte-rate": (OURS, "9"), "ping-rate": (OURS, "9"),
    "grace": (OURS, "2"), "stop-timeout": (TLS, "9"),
    "pidfile": (TLS, "/run/x"), "user": (TLS, "nobody"),
    "group": (TLS, "games"), "chroot": (NONE, "/"),
    "run-as": (NONE, "nobody"), "chdir": (OURS, "/"),
    "program-limit": (OURS, "cpu=3"), "contain": (OURS, None),
    "max-memory": (OURS, "64M"), "max-cpu": (OURS, "9"),
    "allow-setuid": (OURS, None), "verbose": (BOTH, None),
    "log": (BOTH, "stderr"), "log-json": (BOTH, None),
}
INFORM = {"check", "help", "version"}
ALIKE = {"max-memory", "max-cpu"}   # each program has its own
WITH = {    # what else it takes
    "tls-client-optional": ["tls-client-ca"], "max-user": ["slots"],
    "max-path": ["slots"], "compress-window": ["compress"],
    "compress-memory": ["compress"], "compress-level": ["compress"],
    "no-context-takeover": ["compress"], "forwarded": ["trust"],
    "newline": [], "group": ["user"], "text": ["format"],
    "proxy-protocol": ["trust"], "user-header": ["trust"],
    "admit-timeout": ["admit"],
}
RENAMED = {"tls-" + name: name for name in ("cert", "key", "client-ca",
                                            "client-optional")}


def words_of(name):
    argument = WHOSE[name][1]
    return "--" + name + ("" if argument is None else "=" + argument)


def test_split(tap, ca, pair):
    """Each option goes where it belongs; a ws-tls that only tells what it
    gets says so."""
    known = set(options_of(binary())) - INFORM
    tap.ok(known - {"no-sandbox"} == set(WHOSE), "it is known of each option "
           "of ws-cgi whose it is", known ^ set(WHOSE))
    theirs = set(options_of(ws_tls())) - INFORM
    shared = {name for name, (whose, _) in WHOSE.items()
              if whose in (TLS, BOTH)}
    tap.ok(theirs & known - ALIKE - {"no-sandbox"} ==
           shared - set(RENAMED), "what both have is not ws-cgi's alone",
           theirs & known ^ shared)
    tap.ok({RENAMED.get(name, name) for name in shared} <= theirs,
           "and ws-tls has all that it gets", shared - theirs)
    with tempfile.TemporaryDirectory() as place:
        alone = shutil.copy(binary(), place)
        path = os.path.join(place, "ws-tls")
        with open(path, "w") as f:
            f.write("#!/bin/sh\nprintf '%s\\0' \"$@\"\n")
        os.chmod(path, 0o755)
        for file in ("users", "tokens"):
            with open(os.path.join(place, file), "w") as f:
                f.write("anna:$2y$05$" + "a" * 53 + "\n" if file == "users"
                        else "robot sha256:" + "a" * 64 + "\n")
            os.chmod(f.name, 0o600)
        for name in sorted(WHOSE):
            check_split(tap, alone, place, name)


def check_split(tap, alone, place, name):
    given = ["listen", "tls-cert", "tls-key", *WITH.get(name, []), name]
    result = ran(alone, *map(words_of, dict.fromkeys(given)), "--", "printf",
                 "a b", "--", cwd=place)
    whose = WHOSE[name][0]
    if whose == NONE:
        tap.ok(result.returncode == 100 and result.stderr,
               "--%s is %s" % (name, whose), result)
        return
    words = result.stdout.split("\0")[:-1]
    at = words.index("--") if "--" in words else 0
    left, right = words[:at], words[at + 1:]
    there = words_of(name).replace("--tls-", "--")
    tap.ok(result.returncode == 0 and right[:1] == [alone]
           and right[-4:] == ["--", "printf", "a b", "--"]
           and (there in left) == (whose in (TLS, BOTH))
           and (words_of(name) in right) == (whose in (OURS, BOTH)),
           "--%s is %s" % (name, whose), result)


def main():
    tap = Tap()
    with Authority() as ca:
        pair = ca.issue("localhost", "127.0.0.1")
        for test in (test_tls, test_cgi, test_files, test_one, test_check,
                     test_chain, test_split):
            test(tap, ca, pair)
    tap.finish()


if __name__ == "__main__":
    main()
