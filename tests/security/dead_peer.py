"""For exhaustion.py, in a network namespace of its own: peers that are gone
without a word, since from one moment on no packet passes.  Prints a line for
each kind of client: how long its process stayed, in s.
"""

import subprocess
import sys
import time

import attack
import rawclient
from rawclient import TEXT, Connection, frame
from server import Listener
from ws_test import eventually, opened, workers

OPTIONS = ["--ping", "1", "--pong", "1", "--write-timeout", "1",
           "--handshake-timeout", "2", "--grace", "0.1"]


def link(state):
    subprocess.run(["ip", "link", "set", "lo", state], check=True)


def idle(server):
    return opened(server)


def within_a_message(server):
    connection = opened(server)
    connection.send(frame(TEXT, b"x" * 100)[:50])
    return connection


def within_the_handshake(server):
    connection = Connection(server.connect())
    connection.send(rawclient.request(server.host)[:50])
    return connection


def owing_a_close(server):
    connection = opened(server)
    connection.send(frame(TEXT, masked=False))
    connection.event()
    return connection


def taking_nothing(server):
    connection = opened(server)
    time.sleep(0.5)
    return connection


KINDS = [       # name, the client, operands
    ("idle", idle, ["echo:"]), ("idle, with a program", idle, ["cat"]),
    ("within a message", within_a_message, ["cat"]),
    ("within the handshake", within_the_handshake, ["echo:"]),
    ("before its Close", owing_a_close, ["cat"]),
    ("while it is sent something", taking_nothing, ["chargen:"]),
    ("while a program writes", taking_nothing, ["yes"])]


def main():
    attack.many_descriptors()
    for name, client, operands in KINDS:
        link("up")
        with Listener(operands, OPTIONS) as server:
            with client(server) as connection:
                assert connection and eventually(lambda: workers(server))
                link("down")
            began = time.monotonic()    # its FIN is lost
            gone = eventually(lambda: not workers(server), 20)
            print("%.2f %s" % (time.monotonic() - began if gone else 99,
                               name), flush=True)
            link("up")
    sys.exit(0)


if __name__ == "__main__":
    main()
