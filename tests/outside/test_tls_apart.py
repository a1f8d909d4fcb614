"""TLS is spoken by a process of its own: nobody else has the library or the
key, and that one has nothing else.  And who is told to stop."""

import contextlib
import os
import signal
import subprocess
import time

import tls
from rawclient import TEXT, frame
from server import check_orphans, children
from tap import Tap
from tls import Authority, TlsListener, openssl, tunnels
from ws_test import (PATIENCE, Reaper, close_of, eventually, in_groups, is_running,
                     until_end, workers)

IS_ROOT = os.getuid() == 0
PROGRAM = ["sh", "-c", "exec sleep 600"]
SANITIZED = "/asan/" in tls.ws_tls()
LIBRARIES = ("libssl", "libcrypto")


def read(pid, name):
    with open("/proc/%d/%s" % (pid, name), "rb") as f:
        return f.read()


def status_of(pid):
    return {name: value.strip() for name, _, value in (
        line.partition(":") for line in read(pid, "status").decode()
        .splitlines())}


def descriptors(pid):
    """What its descriptors are."""
    place, found = "/proc/%d/fd" % pid, {}
    for fd in os.listdir(place):
        with contextlib.suppress(OSError):
            found[int(fd)] = os.readlink(os.path.join(place, fd))
    return found


def memory_of(pid):
    """All that is mapped and may be read."""
    with open("/proc/%d/mem" % pid, "rb") as memory:
        for line in read(pid, "maps").decode().splitlines():
            where, rights = line.split()[:2]
            if "r" not in rights or line.endswith("[vvar]"):
                continue
            start, end = (int(word, 16) for word in where.split("-"))
            with contextlib.suppress(OSError, ValueError, OverflowError):
                memory.seek(start)
                yield memory.read(end - start)


def has(pid, secrets):
    """Which of these are in its memory."""
    return [name for name, secret in secrets.items()
            if any(secret in part for part in memory_of(pid))]


def secrets_of(key):
    """The key as files, and OpenSSL's memory, may have it."""
    der = openssl("pkey", "-in", key, "-outform", "DER")
    with open(key, "rb") as f:
        body = f.read().split(b"\n")[1]
    text = openssl("pkey", "-in", key, "-text", "-noout").decode()
    number = bytes.fromhex("".join(text.partition("priv:")[2].partition(
        "pub:")[0].split()).replace(":", ""))[-32:]
    return {"DER": der, "PEM": body, "number": number,
            "number, reversed": number[::-1]}


def title(pid):
    return tls.title_of(pid).strip()


def all_of(server):
    """The processes of a listener: by what they are."""
    pid = server.process.pid
    found = {"listener": pid, "tunnel": tunnels(server)[0]}
    for child in workers(server):
        found["monitor" if "monitor" in title(child) else "worker"] = child
    for child in children_of(found["worker"]):
        if child != found["tunnel"]:
            found["program"] = child
    return found


def children_of(pid):
    with open("/proc/%d/task/%d/children" % (pid, pid)) as f:
        return list(map(int, f.read().split()))


def programs_of(pid):
    """It, and all that it has started."""
    return [pid] + [one for child in children_of(pid)
                    for one in programs_of(child)]


def test_apart(tap, ca, pair):
    options = ["--user", "nobody"] if IS_ROOT else []
    with TlsListener(PROGRAM, pair, options) as server, \
            tls.opened(server, ca) as connection:
        connection.send(frame(TEXT, b"hello"))
        eventually(lambda: "program" in all_of(server))
        pids = all_of(server)
        others = [pid for pid in programs_of(pids["worker"])
                  if pid != pids["tunnel"]]
        tap.ok(title(pids["worker"]).startswith("ws-cgi")
               and len(others) > 1, "there are a ws-cgi, a program and a "
               "tunnel", {name: title(pid) for name, pid in pids.items()})
        for pid in others:
            maps = read(pid, "maps").decode()
            tap.ok(not any(name in maps for name in LIBRARIES),
                   "%s has no OpenSSL" % title(pid)[:40], maps)
            about = read(pid, "environ") + read(pid, "cmdline")
            tap.ok(pair[1].encode() not in about and b".key" not in about,
                   "nor knows it where the key is", about)
        check_key(tap, pair[1], pids, others)
        check_tunnel(tap, server, pids)
        check_listener(tap, pids)


def check_key(tap, key, pids, others):
    if not IS_ROOT or SANITIZED:    # whose shadow is too large to be read
        return
    secrets = secrets_of(key)
    tap.ok(has(pids["tunnel"], secrets), "the tunnel has the key, so it is "
           "looked for in the right way", list(secrets))
    for pid in others:
        tap.ok(not has(pid, secrets), "%s has not" % title(pid)[:40],
               has(pid, secrets))
    tap.ok(not has(pids["monitor"], secrets), "nor has the monitor",
           has(pids["monitor"], secrets))
    ran = subprocess.run(["cat", key], user="nobody", capture_output=True)
    tap.ok(ran.returncode != 0, "its user cannot open it", ran.stderr)
    for name in ("worker", "tunnel", "listener"):
        ran = subprocess.run(["cat", "/proc/%d/mem" % pids[name]],
                             user="nobody", capture_output=True)
        tap.ok(ran.returncode != 0 and b"denied" in ran.stderr,
               "nor look into the " + name, ran.stderr)
    for name in ("worker", "tunnel", "listener"):
        uid = status_of(pids[name])["Uid"].split()
        tap.ok(set(uid) == {"65534"}, "the %s is this user" % name, uid)


def check_tunnel(tap, server, pids):
    status, open_files = status_of(pids["tunnel"]), descriptors(
        pids["tunnel"])
    if not SANITIZED:
        tap.ok((status["Seccomp"], status["NoNewPrivs"]) == ("2", "1"),
               "the tunnel is confined", status)
    tap.ok(not children_of(pids["tunnel"]), "and has no child")
    sockets = [fd for fd, what in open_files.items()
               if what.startswith("socket:")]
    standard = descriptors(server.process.pid)
    others = [what for fd, what in open_files.items() if fd not in sockets
              and (fd > 2 or standard.get(fd) != what)]
    tap.ok(len(sockets) == 2 and not others, "nor any descriptors but the "
           "client's, one to the program, and the log", open_files)
    theirs = set(descriptors(pids["program"]).values())
    tap.ok(not theirs & {what for fd, what in open_files.items()
                         if fd in sockets or what.startswith("pipe:") and fd > 2},
           "none of these is one of the program's", (theirs, open_files))
    names = subprocess.run(["nm", "-C", tls.ws_tls()], capture_output=True,
                           text=True).stdout.split("\n")
    code = [line for line in names if line.split()[-2:-1] in (["T"], ["t"])
            and line.split()[-1].startswith(("ws_", "frame_", "message_",
                                             "conn_", "handshake_", "mask_"))
            and line.split()[-1] != "frame_dummy"]  # of the C library
    tap.ok(len(names) > 100 and not code, "it has no WebSocket in it", code)


def check_listener(tap, pids):
    worker_files = descriptors(pids["worker"]).values()
    tap.ok(sum(what.startswith("socket:") for what in worker_files) <= 2,
           "the worker has no socket but its own", worker_files)
    if "monitor" not in pids:
        return
    files = descriptors(pids["monitor"])
    tap.ok(sum(what.startswith("socket:") for what in files.values()) == 1
           and set(status_of(pids["monitor"])["Uid"].split()) == {"0"},
           "the monitor is root, and has but one socket", files)


# Signals.

@contextlib.contextmanager
def talking(ca, pair, operands=("cat",)):
    with TlsListener(list(operands), pair) as server, \
            tls.opened(server, ca) as connection:
        yield server, connection, all_pids(server)


def all_pids(server):
    return [pid for pid in programs_of(server.process.pid)]


def test_signals(tap, ca, pair):
    with talking(ca, pair) as (server, connection, pids):
        server.process.send_signal(signal.SIGTERM)
        time.sleep(0.3)
        connection.send(frame(TEXT, b"hello"))
        tap.ok(connection.event(PATIENCE) == ("text", b"hello"),
               "SIGTERM to the listener: a conversation goes on",
               server.log())
        server.process.send_signal(signal.SIGTERM)
        events = until_end(connection)
        tap.ok(close_of(events)[:1] == (1001,) and connection.end() ==
               "clean", "again: 1001, and close_notify",
               (events, connection.end()))
        tap.ok(eventually(lambda: not any(map(is_running, pids)), 5),
               "and all are gone", server.log())
    with talking(ca, pair) as (server, connection, pids):
        os.killpg(server.process.pid, signal.SIGINT)
        events = until_end(connection)
        tap.ok(close_of(events)[:1] == (1001,) and connection.end() ==
               "clean", "Ctrl-C to all of them: 1001, and close_notify",
               (events, connection.end()))
        tap.ok(eventually(lambda: not any(map(is_running, pids)), 5),
               "and all are gone", server.log())
    with talking(ca, pair) as (server, connection, pids):
        server.process.kill()
        server.process.wait()
        connection.send(frame(TEXT, b"hello"))
        tap.ok(connection.event(PATIENCE) == ("text", b"hello"),
               "kill -9 of the listener: a conversation goes on")
        connection.send(frame(8))
        until_end(connection)
        tap.ok(eventually(lambda: not any(map(is_running, pids)), 5),
               "and ends with it")
    check_kills(tap, ca, pair)


def check_kills(tap, ca, pair):
    for what in ("tunnel", "worker", "program"):
        with Reaper(), talking(ca, pair) as (server, connection, pids):
            victim = all_of(server)[what]
            group = os.getpgid(all_of(server)["program"])
            os.kill(victim, signal.SIGKILL)
            until_end(connection)
            rest = [pid for pid in pids if pid != server.process.pid]
            tap.ok(eventually(lambda: not any(map(is_running, rest)), 2.5),
                   "kill -9 of the %s: all others end within 2 s" % what,
                   [title(pid) for pid in rest if is_running(pid)])
            tap.ok(eventually(lambda: not in_groups({group}), 5), "nothing of the program remains",
                   in_groups({group}))
            with tls.opened(server, ca) as another:
                another.send(frame(TEXT, b"x"))
                tap.ok(another.event(PATIENCE) == ("text", b"x"),
                       "and others are served")


def main():
    tap = Tap()
    before = children()
    with Authority() as ca:
        pair = ca.issue("localhost", "127.0.0.1")
        test_apart(tap, ca, pair)
        test_signals(tap, ca, pair)
    check_orphans(before)
    tap.finish()


if __name__ == "__main__":
    main()
