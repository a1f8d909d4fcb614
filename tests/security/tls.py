"""Attacks on TLS, section G: on what is negotiated, on how a connection begins
and ends, on the key, and on the processor.
"""

import contextlib
import os
import ssl
import subprocess
import time

import attack
import test_tls_apart
import test_tls_ends
import test_tls_names
import tls as clients
from attack import BUILD
from rawclient import request
from tls import Authority, WsTls, cpu_of, secure, tunnels
from ws_test import PATIENCE, eventually, is_running, workers

FLOODS = os.path.abspath(os.path.join(BUILD, "security", "tls_floods"))
MANY = 300_000
ENOUGH = 3.0    # s of processor time that a flood may take


@contextlib.contextmanager
def certified():
    with Authority() as ca:
        yield ca, ca.issue("localhost", "127.0.0.1")


# G1, G2: what is negotiated.

def negotiates_nothing_old(row):
    with certified() as (ca, pair):
        test_tls_names.test_refused(row, ca, pair)
    row.tried("TLS 1.0, 1.1, five kinds of old ciphers, compression, early "
              "data, renegotiation thrice")
    told, cpu, log = flood("again", MANY)
    row.ok("again 0" in told, "no second handshake is had", told)
    row.ok(cpu < ENOUGH, "and it costs %.2f s" % cpu, log)
    row.tried("another handshake in TLS 1.2, by a client that insists")


def takes_nothing_early(row):
    told, _, log = flood("early", 3)
    row.ok("rejected late" in told and "EARLY" not in told
           and "early 3" in told, "what comes early reaches no program",
           (told, log))
    row.tried("a ticket that was changed to allow early data, and three "
              "records of it")


# G3: beginnings and ends.

def hello(ca):
    client = clients.Client(None, ca.context())
    with contextlib.suppress(ssl.SSLWantReadError):
        client.tls.do_handshake()
    return client.outgoing.read()


def begins_and_ends_with_tls(row):
    with certified() as (ca, pair):
        test_tls_ends.test_truncated(row, ca, pair)
        row.tried("messages cut in half by FIN, RST and close_notify")
        plain = request("localhost")
        with WsTls(["sh", "-c", "cat >&2"], pair) as server:
            for name, data in (("before TLS", plain + hello(ca)),
                               ("behind a ClientHello", hello(ca) + plain),
                               ("instead of it", plain)):
                with server.connect() as sock, \
                        contextlib.suppress(ConnectionResetError):
                    sock.sendall(data)
                    while sock.recv(65536):
                        pass
                row.ok(eventually(lambda: not workers(server)),
                       "plain text %s ends it" % name)
            for name, record in (
                    ("a record in the clear", b"\x17\3\3\0\5HELLO"),
                    ("one of no type", b"\x99\3\3\0\5HELLO"),
                    ("plain text", plain)):
                with secure(server, ca) as client:
                    client.sock.sendall(record)
                    with contextlib.suppress(ssl.SSLError, OSError):
                        client.rest()
                row.ok(eventually(lambda: not workers(server)),
                       "%s in the middle ends it" % name)
            row.ok(not any("HELLO" in line or "GET" in line
                           for line in server.log()),
                   "nothing of that reaches the program", server.log())
        row.tried("plain text before, within and instead of TLS")


# G4: the key.

def keeps_its_key(row):
    with certified() as (ca, pair):
        test_tls_apart.test_apart(row, ca, pair)
    row.tried("libraries, environments, arguments, memory and rights of all "
              "processes")
    if not attack.IS_ROOT:
        row.skipped("memory of others takes root")


# G5: floods.

def flood(what, count):
    """What a flood told, the processor time it took, and the log."""
    with certified() as (_, pair), WsTls(["cat"], pair) as server:
        process = subprocess.Popen(
            [FLOODS, str(server.address[1]), what, str(count)],
            stdout=subprocess.PIPE, text=True)
        pid, cpu = None, 0.0
        until = time.monotonic() + PATIENCE
        while process.poll() is None and time.monotonic() < until:
            pid = pid or next(iter(tunnels(server)), None)
            cpu = max(cpu, pid and cpu_of(pid) or 0.0)
            time.sleep(0.005)
        if process.poll() is None:
            process.kill()
        told = process.communicate()[0]
        eventually(lambda: pid is None or not is_running(pid))
        return told, cpu, server.log()


def number(told):
    return int(told.split()[1])


def bounds_floods(row):
    for what, word in (("keys", "changes keys"), ("requests", "changes keys"),
                       ("empty", "record too small|bad|empty")):
        told, cpu, log = flood(what, MANY)
        done = number(told)
        row.ok(done < MANY, "%s: it ends after %d" % (what, done), told)
        row.ok(cpu < ENOUGH, "%s: that took %.2f s" % (what, cpu), log)
        row.ok(any(part in line for part in word.split("|")
                   for line in log), "%s: and the log says so" % what, log)
        row.tried("%s: %d of %d, in %.2f s of processor time" % (
            what, done, MANY, cpu))
    with certified() as (ca, pair), WsTls(["cat"], pair) as server, \
            secure(server, ca) as client:
        for _ in range(1000):
            client.write(b"x" * 100, 1)
        row.ok(len(client.read()) > 0, "small records are no flood")
        row.ok(not any("127.0.0.1:" in line and "listening" not in line
                       for line in server.log()), "and nobody says so",
               server.log())
    row.tried("100000 records of one byte, which are let through")


ROWS = [
    ("G1", "nothing older than TLS 1.2 is spoken, nothing is compressed, no "
           "handshake comes twice", negotiates_nothing_old),
    ("G2", "early data is not accepted", takes_nothing_early),
    ("G3", "an end without close_notify is told apart, and plain text is "
           "none of a conversation's", begins_and_ends_with_tls),
    ("G4", "nobody has the key but who speaks TLS", keeps_its_key),
    ("G5", "changes of keys and empty records cost next to nothing",
     bounds_floods),
]

if __name__ == "__main__":
    attack.main(ROWS)
