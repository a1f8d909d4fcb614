#!/usr/bin/python3 -IS
"""The service behind ws-cgi in the tests of front ends, in netstrings: it says
"hello", the process ids of its ws-cgi and of itself and the client's address,
then what it is told, and ends when that is "end".  An argument is for how many
seconds it waits before."""

import os
import sys
import time


def say(message):
    sys.stdout.buffer.write(b"%d:%s," % (len(message), message))
    sys.stdout.buffer.flush()


def hear():
    """The next message with its letter, or None."""
    size = b""
    while (byte := sys.stdin.buffer.read(1)) not in (b":", b""):
        size += byte
    return sys.stdin.buffer.read(int(size) + 1)[:-1] if byte else None


time.sleep(float(sys.argv[1]) if len(sys.argv) > 1 else 0)
say(b"thello %d %d %s" % (os.getppid(), os.getpid(),
                          os.environb[b"REMOTE_ADDR"]))
while (told := hear()) not in (b"tend", None):
    say(told)
