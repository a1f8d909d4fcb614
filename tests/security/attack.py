"""What the attacks have in common: a row for each requirement, with its id,
what was tried and what came of it.

A file of attacks calls main() with its rows: id, requirement in words, and the
function that attacks.  Without arguments all rows are played, else those whose
ids are named.  A row in which nothing was checked has failed.
"""

import contextlib
import os
import resource
import socket
import subprocess
import sys
import tempfile
import time
import traceback

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)),
                                "..", "outside"))

from server import same_descriptors             # noqa: E402
from tap import Tap                             # noqa: E402

BUILD = os.environ.get("BUILD", "build")
IS_ROOT = os.getuid() == 0
PATIENCE = 30       # s


class Row:
    """One requirement under attack.  To the tests of tests/outside it is what
    they take for a Tap: a row may have one of them play its part."""

    def __init__(self, tap, name, requirement):
        self.tap, self.name, self.requirement = tap, name, requirement
        self.checked = self.failed = 0
        self.words = []

    def ok(self, good, name, detail=""):
        self.checked += 1
        self.failed += not good
        return self.tap.ok(good, "%s: %s" % (self.name, name), detail)

    def tried(self, words, *values):
        """Say what was tried, with counts."""
        self.words.append(words % values if values else words)

    def skipped(self, why):
        """Say what could not be tried here; that is no failure."""
        self.words.append("(skipped: %s)" % why)
        print("# skipped: %s: %s" % (self.name, why), flush=True)

    def result(self):
        if self.failed:
            return "FAILED"
        return "passed" if self.checked else "skipped"

    def tell(self, seconds):
        """The line that the runner reads."""
        print("\t".join(["row", self.name, self.result(), self.requirement,
                         "; ".join(self.words), "%.0f" % seconds]),
              flush=True)


def play(tap, name, requirement, attack):
    row = Row(tap, name, requirement)
    began = time.monotonic()
    try:
        with same_descriptors():
            attack(row)
        if not row.checked and not row.words:
            row.ok(False, "nothing was checked")
    except Exception:   # one attack that goes wrong does not hide the others
        row.ok(False, "the attack ends", traceback.format_exc())
    row.tell(time.monotonic() - began)


def main(rows):
    wanted = sys.argv[1:]
    unknown = set(wanted) - {row[0] for row in rows}
    if unknown:
        sys.exit("no such id: " + " ".join(sorted(unknown)))
    many_descriptors()
    tap = Tap()
    for row in rows:
        if not wanted or row[0] in wanted:
            play(tap, *row)
    tap.finish()


# What attacks need.

def many_descriptors():
    """As many as may be."""
    hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))


def unlimited(*options):
    """These limits turned off."""
    return [word for option in options for word in (option, "none")]


def sanitized_binary():
    return os.path.abspath(os.path.join(BUILD, "asan", "ws-cgi"))


def unconfined():
    """The command of a build that can do without confinement, and does."""
    return [os.path.abspath(os.path.join(BUILD, "unconfined", "ws-cgi")),
            "--no-sandbox"]


def preload(name):
    """The path of a library of tests/outside."""
    path = os.path.abspath(os.path.join(BUILD, "tests", name + ".so"))
    if not os.path.exists(path):
        raise FileNotFoundError(path)
    return path


@contextlib.contextmanager
def program_under_test(path):
    """Meanwhile binary() is this one."""
    before = os.environ.get("WS_CGI")
    os.environ["WS_CGI"] = path
    try:
        yield
    finally:
        if before is None:
            del os.environ["WS_CGI"]
        else:
            os.environ["WS_CGI"] = before


def unit(row, name):
    """Have a unit test play its part."""
    path = os.path.join(BUILD, "unit", name)
    ran = subprocess.run([path], capture_output=True, text=True)
    last = ran.stdout.splitlines()[-1:]
    row.ok(ran.returncode == 0 and last and "Checks: 0" not in last[0],
           "%s: %s" % (path, "".join(last)), ran.stdout)


class Once:
    """The command under inetd, for one stream of bytes: afterwards there are
    its output, log, status, and the seconds of CPU that it took."""

    def __init__(self, argv, env=None, user=None):
        self.log_file = tempfile.TemporaryFile()
        self.sock, theirs = socket.socketpair()
        self.output, self.status, self.cpu = b"", None, None
        with theirs:
            self.process = subprocess.Popen(
                argv, stdin=theirs, stdout=theirs, stderr=self.log_file,
                env={**os.environ, **(env or {})}, user=user)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.sock.close()
        self.wait()
        self.log_file.close()

    def play(self, deliver):
        """Deliver in a function of the socket, and hear it to the end."""
        deliver(self.sock)
        with contextlib.suppress(ConnectionResetError):
            while data := self.sock.recv(1 << 18):
                self.output += data
        self.wait()
        return self

    def wait(self):
        """The exit status."""
        if self.status is None:
            _, status, usage = os.wait4(self.process.pid, 0)
            self.status = os.waitstatus_to_exitcode(status)
            self.process.returncode = self.status
            self.cpu = usage.ru_utime + usage.ru_stime
        return self.status

    def log(self):
        """Its lines; once it has ended, all of them."""
        self.log_file.seek(0)
        return self.log_file.read().decode(errors="replace").splitlines()


def whole(data):
    """All of it at once, and no more."""
    def deliver(sock):
        with contextlib.suppress(BrokenPipeError, ConnectionResetError):
            sock.sendall(data)
        end_of(sock)
    return deliver


def end_of(sock):
    with contextlib.suppress(OSError):
        sock.shutdown(1)
