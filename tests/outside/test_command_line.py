"""What the command line comes to, as --check says it."""

import os
import shutil
import subprocess
import tempfile

from server import binary, same_descriptors
from tap import Tap
from ws_test import PATIENCE


def ran(*args):
    return subprocess.run(
        [binary(), *args], stdin=subprocess.DEVNULL, capture_output=True,
        text=True, timeout=PATIENCE)


def checked(*args):
    """The lines of --check as (name, value), and how it ended."""
    result = ran(*args)
    pairs = [(line[:22].strip(), line[22:].strip())
             for line in result.stdout.splitlines()]
    return pairs, result


# What is said without an option is the default that --help tells.
DEFAULTS = [
    ("serve", "the connection on descriptor 0"), ("program", "/bin/true"),
    ("max", "1024, counted by nobody"), ("slots", "none"),
    ("format", "line"), ("newline", "refuse"), ("bad-text", "close"),
    ("unbuffered", "no"), ("stderr", "log"), ("grace", "1 s"),
    ("origin", "the same as host"), ("origin-required", "no"),
    ("protocol", "any"), ("header", "none"), ("allow-env", "none"),
    ("users", "none"), ("tokens", "none"), ("user-header", "none"),
    ("admit", "none"), ("admit-timeout", "5 s"),
    ("www", "none"), ("console", "no"), ("max-message", "16777216 bytes"),
    ("handshake-timeout", "10 s"), ("ping", "25 s"), ("pong", "20 s"),
    ("write-timeout", "30 s"), ("session", "never"), ("idle", "never"),
    ("message-rate", "none"), ("byte-rate", "none"),
    ("ping-rate", "100 a second"), ("max-frame", "none"),
    ("max-fragments", "1048576"),
]
LISTENING = [
    ("listen", "127.0.0.1:0"), ("max", "1024, counted by the listener"),
    ("max-source", "64, counted by the listener"), ("max-user", "none"),
    ("max-path", "none"), ("slots", "none"), ("source-bits", "32,64"),
    ("source-rate", "none"),
    ("penalties", "crash=90,protocol=5,handshake=10,auth=5,min=15,max=600"),
    ("penalty-exempt", "127.0.0.0/8 ::1"),
    ("stop-timeout", "never"), ("pidfile", "none"),
    ("user", "who starts it"), ("group", "the user's"), ("tls-cert", "none"),
]
OPTIONS = [     # arguments, lines
    (["--format", "nul", "--newline", "escape"],
     [("format", "nul"), ("newline", "escape")]),
    (["--format", "json", "--bad-text", "replace"],
     [("format", "json"), ("bad-text", "replace")]),
    (["--unbuffered"], [("unbuffered", "yes")]),
    (["--compress", "--no-context-takeover"],
     [("compress", "window 12 bits, memory 5, level 6, no context takeover")]),
    (["--program-limit", "as=256M", "--program-limit", "core=none"],
     [("program-limit", "as=268435456 core=none")]),
    (["--stderr", "client"], [("stderr", "client")]),
    (["--grace", "0.25"], [("grace", "0.25 s")]),
    (["--grace", "never"], [("grace", "never")]),
    (["--host", "a.example", "--host", "b.example:81"],
     [("host", "a.example b.example:81")]),
    (["--origin", "https://a.example", "--origin-required"],
     [("origin", "https://a.example"), ("origin-required", "yes")]),
    (["--protocol", "chat", "--protocol", "talk"],
     [("protocol", "chat talk")]),
    (["--protocol", "chat=echo:", "--protocol", "talk"],
     [("protocol", "chat talk"), ("protocol chat", "echo:")]),
    (["--header", "A: b"], [("header", "A: b")]),
    (["--allow-env", "LANG", "--allow-env", "LC_*"],
     [("allow-env", "LANG LC_*")]),
    (["--www", "/tmp", "--console"], [("www", "/tmp"), ("console", "yes")]),
    (["--max-message", "3K"], [("max-message", "3072 bytes")]),
    (["--max-message", "2G"], [("max-message", "2147483648 bytes")]),
    (["--max-message", "none"], [("max-message", "none")]),
    (["--format", "raw"],
     [("max-message", "none"), ("max-fragments", "none")]),
    (["--format", "raw", "--max-fragments", "5", "--max-frame", "64K"],
     [("max-fragments", "5"), ("max-frame", "65536 bytes")]),
    (["--max-fragments", "none", "--max-frame", "none"],
     [("max-fragments", "none"), ("max-frame", "none"),
      ("max-message", "16777216 bytes")]),
    (["--session", "0.5", "--idle", "86400"],
     [("session", "0.5 s"), ("idle", "86400 s")]),
    (["--message-rate", "5", "--byte-rate", "2K", "--ping-rate", "1"],
     [("message-rate", "5 a second"), ("ping-rate", "1 a second"),
      ("byte-rate", "2048 bytes a second")]),
    (["--message-rate", "1000000000", "--byte-rate", "none",
      "--ping-rate", "none"],
     [("message-rate", "1000000000 a second"), ("byte-rate", "none"),
      ("ping-rate", "none")]),
    (["--ping", "never", "--pong", "0.001", "--write-timeout", "86400",
      "--handshake-timeout", "1.5"],
     [("ping", "never"), ("pong", "0.001 s"), ("write-timeout", "86400 s"),
      ("handshake-timeout", "1.5 s")]),
    (["--listen", "8080", "--listen", "unix:/tmp/a,mode=0600",
      "--max", "5", "--max-source", "3", "--stop-timeout", "60"],
     [("listen", "8080"), ("listen", "unix:/tmp/a,mode=0600"),
      ("max", "5, counted by the listener"),
      ("max-source", "3, counted by the listener"),
      ("stop-timeout", "60 s")]),
    (["--listen", "8080", "--max-user", "2", "--max-path", "3",
      "--source-bits", "24,48", "--source-rate", "7", "--penalties",
      "crash=1,min=1,max=2", "--penalty-exempt", "192.0.2.0/24"],
     [("max-user", "2, counted by the listener"),
      ("max-path", "3, counted by the listener"), ("source-bits", "24,48"),
      ("source-rate", "7, counted by the listener"),
      ("penalties", "crash=1,protocol=5,handshake=10,auth=5,min=1,max=2"),
      ("penalty-exempt", "192.0.2.0/24")]),
    (["--listen", "8080", "--source-bits", "16", "--penalties", "none",
      "--penalty-exempt", "none", "--slots", "/", "--max-user", "2"],
     [("source-bits", "16,64"), ("penalties", "none"),
      ("penalty-exempt", "nobody"), ("slots", "/"),
      ("max-source", "64, counted by the listener"),
      ("max-user", "2, counted by slots")]),
    (["--slots", "/", "--max-path", "9"],
     [("max", "1024, counted by slots"),
      ("max-source", "64, counted by slots"),
      ("max-path", "9, counted by slots")]),
    (["--listen", "8080", "--pidfile", "/run/a", "--user", "nobody",
      "--group", "root"],
     [("pidfile", "/run/a"), ("user", "nobody"), ("group", "0")]),
    (["--trust", "192.0.2.0/24", "--trust", "unix", "--trust", "::1",
      "--forwarded", "forwarded", "--proxy-protocol"],
     [("trust", "unix 192.0.2.0/24 ::1"), ("forwarded", "forwarded"),
      ("proxy-protocol", "yes")]),
    (["--admit", "/bin/true  a\tb", "--admit-timeout", "0.5"],
     [("admit", "/bin/true a b"), ("admit-timeout", "0.5 s")]),
    (["--trust", "unix", "--user-header", "X-Remote-User"],
     [("user-header", "X-Remote-User")]),
]


def check_lines(tap, name, wanted, *args):
    pairs, result = checked(*args, "--check", "/bin/true")
    missing = [pair for pair in wanted if pair not in pairs]
    tap.ok(result.returncode == 0 and not missing and not result.stderr,
           "--check: " + name, (missing, result))


def test_check(tap):
    check_lines(tap, "the defaults", DEFAULTS)
    check_lines(tap, "those of a listener", LISTENING,
                "--listen", "127.0.0.1:0")
    for options, wanted in OPTIONS:
        check_lines(tap, " ".join(options), wanted, *options)


def test_check_operands(tap):
    pairs, result = checked("--check", "/bin/sh", "-c", "a b")
    tap.ok(("program", "/bin/sh -c a b") in pairs, "--check: a program with "
           "its arguments", result)
    pairs, result = checked("--check", "echo:")
    tap.ok(("bridge", "echo:") in pairs and ("max-message", "none") in pairs
           and "program" not in dict(pairs),
           "--check: a bridge, which has no limit", result)
    result = ran("--check", "/nonexistent")
    tap.ok(result.returncode == 100 and not result.stdout and result.stderr,
           "--check: what could not be served is an error", result)


def make_certificate(cert, key):
    subprocess.run(
        ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt",
         "ec_paramgen_curve:P-256", "-nodes", "-days", "2", "-subj",
         "/CN=localhost", "-addext", "subjectAltName=DNS:localhost",
         "-keyout", key, "-out", cert], check=True, capture_output=True)
    os.chmod(key, 0o600)


def test_check_tls(tap):
    """What is ws-tls's to say comes from it, behind the rest."""
    with tempfile.TemporaryDirectory(prefix="ws-command-") as place:
        cert, key = (os.path.join(place, name) for name in ("cert", "key"))
        make_certificate(cert, key)
        args = ["--listen", ":0", "--redirect", ":80", "--tls-cert", cert,
                "--tls-key", key]
        there = os.path.join(os.path.dirname(binary()), "ws-tls")
        check_lines(tap, "TLS, and then ws-tls", [
            ("tls-cert", cert), ("tls-client-ca", "none"), ("ws-tls", there),
            ("listen", ":0"), ("redirect", ":80"), ("certificate", cert),
            ("names", "DNS:localhost"), ("clients", "need no certificate"),
            ("program", binary())], *args)
        check_lines(tap, "clients may have a certificate", [
            ("tls-client-ca", cert + ", or no certificate"),
            ("clients", "may have a certificate")], *args,
            "--tls-client-ca", cert, "--tls-client-optional")
        pairs, result = checked(*args, "--check", "/bin/true")
        tap.ok(pairs.count(("redirect", ":80")) == 2,
               "--check: what is redirected is not listened on for TLS, "
               "whatever the port of https comes to be", result)
        os.chmod(key, 0o644)
        result = ran(*args, "--check", "/bin/true")
        tap.ok(result.returncode == 100 and "others may read" in result.stderr,
               "--check: a key that others may read is an error", result)


def test_no_tls_there(tap):
    """A command without its ws-tls, beside it or in PATH."""
    with tempfile.TemporaryDirectory(prefix="ws-command-") as place:
        alone = os.path.join(place, "ws-cgi")
        shutil.copy(binary(), alone)
        result = subprocess.run(
            [alone, "--listen", ":0", "--tls-cert", "/nonexistent", "--check",
             "/bin/true"], capture_output=True, text=True, timeout=PATIENCE,
            env={"PATH": place})
        tap.ok(result.returncode == 100
               and "ws-tls               is not there" in result.stdout
               and "there is no ws-tls beside" in result.stderr,
               "--check: there is no ws-tls", result)


WRONG = [       # arguments, and what is said of them
    (["--max-user", "1"], "--slots where there is no listener"),
    (["--max-path", "1"], "--slots where there is no listener"),
    (["--source-rate", "1"], "is for a listener"),
    (["--max-path", "0"], "from 1 to 30000, or none"),
    (["--slots", "/nonexistent"], "No such file"),
    (["--slots", "/etc/passwd"], "is not a directory"),
    (["--slots", "/tmp"], "others may write to it"),
    (["--source-bits", "33"], "8 to 32 bits"),
    (["--source-bits", "24,65"], "8 to 32 bits"),
    (["--source-bits", "24,"], "8 to 32 bits"),
    (["--source-bits", ",64"], "8 to 32 bits"),
    (["--program-limit", "as=x"], "not like as=256M"),
    (["--program-limit", "us=1"], "not like as=256M"),
    (["--penalties", "crash"], "a list of crash="),
    (["--penalties", "crash=1,"], "a list of crash="),
    (["--penalties", "crash=-1"], "a list of crash="),
    (["--penalties", "crash=1,none"], "a list of crash="),
    (["--penalties", "crash=86401"], "a list of crash="),
    (["--penalties", "max=14"], "max below min"),
    (["--penalty-exempt", "example.org"], "a network like"),
    (["--tls-cert", "a"], "is for a listener"),
    (["--tls-key", "a"], "its certificate comes first"),
    (["--tls-client-ca", "a"], "go with --tls-cert"),
    (["--users", ""], "empty"),
    (["--users", "/nonexistent"], "No such file"),
    (["--tokens", "/etc"], "no regular file"),
    (["--tokens", "/dev/null"], "no regular file"),
    (["--users", "/etc/passwd"], "/etc/passwd, line 1: there is no hash"),
]


def test_wrong(tap):
    for arguments, words in WRONG:
        result = ran(*arguments, "--check", "echo:")
        tap.ok(result.returncode == 100 and words in result.stderr
               and arguments[0] in result.stderr,
               "%s: it is said what is wrong" % " ".join(arguments), result)


def test_check_does_nothing(tap):
    pidfile = "/nonexistent/pidfile"
    result = ran("--listen", "192.0.2.1:80", "--pidfile", pidfile,
                 "--check", "echo:")
    tap.ok(result.returncode == 0, "--check opens no socket and writes no "
           "file", result)


def main():
    tap = Tap()
    with same_descriptors():
        for test in [test_check, test_check_operands, test_check_tls,
                     test_no_tls_there, test_wrong,
                     test_check_does_nothing]:
            test(tap)
    tap.finish()


if __name__ == "__main__":
    main()
