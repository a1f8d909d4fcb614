"""--user, --group and --pidfile: what a listener gives up, and proves to have
given up, and the file that says who it is.  Needs root for most of it."""

import grp
import os
import pwd
import signal
import stat
import subprocess

from rawclient import TEXT, frame
from server import Listener, Server, binary, same_descriptors
from tap import Tap
from ws_test import PATIENCE, eventually, opened, payloads, until_end, workers

NOBODY = pwd.getpwnam("nobody")
GAMES = grp.getgrnam("games")
IS_ROOT = os.getuid() == 0


def status_of(pid):
    """User ids, group ids, groups and capabilities as the kernel has them."""
    with open("/proc/%d/status" % pid) as f:
        fields = dict(line.split(":", 1) for line in f)
    return (set(map(int, fields["Uid"].split())),
            set(map(int, fields["Gid"].split())),
            set(map(int, fields["Groups"].split())),
            int(fields["CapPrm"], 16) | int(fields["CapEff"], 16))


def started(*options):
    """How a listener that is not to start ends."""
    return subprocess.run([binary(), "--listen", "127.0.0.1:0", *options,
                           "echo:"], capture_output=True, text=True,
                          timeout=PATIENCE)


def says(server, text):
    return any(text in line for line in server.log())


def serves(server):
    with opened(server) as connection:
        connection.send(frame(TEXT, b"hello"))
        return connection.event(PATIENCE) == ("text", b"hello")


def groups_of(user):
    return set(os.getgrouplist(user.pw_name, user.pw_gid))


# Rights.

def test_user(tap):
    uid, gid = {NOBODY.pw_uid}, {NOBODY.pw_gid}
    for options, wanted in [
            (["--user", "nobody"], (uid, gid, groups_of(NOBODY), 0)),
            (["--user", "nobody", "--group", "games"],
             (uid, {GAMES.gr_gid}, groups_of(NOBODY) - gid
              | {GAMES.gr_gid}, 0))]:
        name = " ".join(options)
        with Listener(["echo:"], options) as server:
            pid = server.process.pid
            got = status_of(pid)
            tap.ok(got == wanted, name + ": the listener is what it is to be, "
                   "without capabilities", (got, wanted))
            with opened(server):
                got = status_of(workers(server)[0])
                tap.ok(got == wanted, name + ": and so are its children", got)


def test_group(tap):
    with Listener(["echo:"], ["--group", "games"]) as server:
        got = status_of(server.process.pid)[:3]
        wanted = {os.getuid()}, {GAMES.gr_gid}, {GAMES.gr_gid}
        tap.ok(got == wanted, "--group games: no other groups are kept", got)


def test_program(tap):
    with Listener(["id"], ["--user", "nobody"]) as server, \
            opened(server) as connection:
        said, = payloads(until_end(connection), "text")
        tap.ok(b"root" not in said and b"uid=%d(" % NOBODY.pw_uid in said,
               "--user nobody: a program has no other rights", said)


def test_order(tap):
    """The order of the calls, as strace sees them."""
    with Server() as place:
        path = place.path("trace")
        place.start(["strace", "-qq", "-o", path, "-e",
                     "trace=bind,setgroups,setresgid,setresuid,setuid,setgid",
                     binary(), "--listen", "127.0.0.1:0", "--user", "nobody",
                     "echo:"])
        eventually(lambda: says(place, "listening on"))
        eventually(lambda: "setgid" in text_of(path))
        calls = [line.split("(")[0] + " = " + line.rpartition("= ")[2][:2]
                 for line in text_of(path).splitlines() if "(" in line]
        tap.ok(calls[:5] == ["bind = 0", "setgroups = 0", "setresgid = 0",
                             "setresuid = 0", "setuid = -1"]
               and "setgid = -1" in calls, "socket, groups, group, user, and "
               "then the attempt to regain them, in vain", calls)
        children = "/proc/%d/task/%d/children" % ((place.process.pid,) * 2)
        os.kill(int(text_of(children)), signal.SIGTERM)
        place.process.wait(PATIENCE)


def text_of(path):
    with open(path) as f:
        return f.read()


FAILURES = [    # the call that fails, how
    ("setgroups", "error=EPERM"), ("setresgid", "error=EPERM"),
    ("setresgid", "retval=0"), ("setresuid", "error=EAGAIN"),
    ("setresuid", "retval=0"), ("signalfd4", "error=EMFILE")]


def test_failures(tap):
    """Each call that gives something up is checked, and what comes before; and
    if one lies, that is seen."""
    for call, how in FAILURES:
        with Server() as place:
            pidfile, path = place.path("pid"), place.path("socket")
            place.start(["strace", "-qq", "-o", place.path("trace"), "-e",
                         "trace=" + call, "-e", "inject=%s:%s" % (call, how),
                         binary(), "--listen", "unix:" + path, "--user",
                         "nobody", "--pidfile", pidfile, "echo:"])
            status = place.process.wait(PATIENCE)
            left = os.path.exists(pidfile) or os.path.exists(path)
            tap.ok(status == 111 and (how == "retval=0" or not left),
                   "%s, %s: the listener does not go on" % (call, how),
                   (status, left, place.log()))


def test_restart(tap):
    """Who has given up rights can still restart, and has none afterwards."""
    with Listener(["echo:"], ["--user", "nobody"]) as server:
        pid = server.process.pid
        eventually(lambda: status_of(pid)[0] == {NOBODY.pw_uid})
        before = status_of(pid)
        server.process.send_signal(signal.SIGHUP)
        eventually(lambda: says(server, "restart"))
        tap.ok(status_of(pid) == before and serves(server),
               "SIGHUP: nothing has come back", server.log())


def test_refused(tap):
    for options in [["--user", "no such user"], ["--group", "no such group"],
                    ["--user", ""], ["--pidfile", ""]]:
        ended = started(*options)
        tap.ok(ended.returncode == 100 and options[0] in ended.stderr,
               "%s '%s': said, and exit status 100" % tuple(options), ended)
    ended = started("--pidfile", "/tmp/" + "a" * 4096)
    tap.ok(ended.returncode == 111 and "name too long" in ended.stderr,
           "--pidfile with a path that is too long: said, and exit status 111",
           ended)
    for options in [["--user", "nobody"], ["--group", "games"],
                    ["--pidfile", "/tmp/pid"]]:
        ended = subprocess.run([binary(), *options, "echo:"],
                               stdin=subprocess.DEVNULL, capture_output=True,
                               text=True, timeout=PATIENCE)
        tap.ok(ended.returncode == 100 and "--listen" in ended.stderr,
               options[0] + " without --listen: said, and exit status 100",
               ended)


# The pidfile.

def test_pidfile(tap):
    with Server() as place:
        path = place.path("pid")
        with open(path, "w") as f:
            f.write("999999999\n")
        with Listener(["echo:"], ["--pidfile", path]) as server:
            pid = server.process.pid
            tap.ok(text_of(path) == "%d\n" % pid, "it holds the pid, whatever "
                   "it held before", text_of(path))
            tap.ok(stat.S_IMODE(os.stat(path).st_mode) & 0o022 == 0,
                   "nobody else may write it")
            server.process.send_signal(signal.SIGHUP)
            eventually(lambda: says(server, "restarted"))
            with opened(server) as connection:
                tap.ok(text_of(path) == "%d\n" % pid,
                       "it is the same after a restart")
                connection.send(frame(TEXT, b"hello"))
                connection.event()
            eventually(lambda: not workers(server))
            tap.ok(os.path.exists(path), "a child leaves it where it is")
            server.process.terminate()
            server.process.wait(PATIENCE)
            tap.ok(not os.path.exists(path), "it is removed at the end")
        tap.ok(os.listdir(place.directory) == [], "and nothing is left",
               os.listdir(place.directory))
        with Listener(["echo:"], ["--pidfile", path]) as server:
            with open(path, "w") as f:
                f.write("1\n")
            server.process.terminate()
            server.process.wait(PATIENCE)
            tap.ok(text_of(path) == "1\n", "another's is not removed")
        ended = started("--pidfile", place.path("no/such/directory"))
        tap.ok(ended.returncode == 111 and "No such file" in ended.stderr,
               "where none can be: said, and exit status 111", ended)


def main():
    tap = Tap()
    tests = [test_refused, test_pidfile]
    if IS_ROOT:
        tests += [test_user, test_group, test_program, test_order,
                  test_failures, test_restart]
    with same_descriptors():
        for test in tests:
            test(tap)
    tap.finish()


if __name__ == "__main__":
    main()
