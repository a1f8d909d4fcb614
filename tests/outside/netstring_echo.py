"""Reads netstrings on descriptor 0 and writes each, whole, to descriptor 1.

A netstring is written only once its comma is there.  All that one read
completes leaves in one write, so thousands of small ones are cheap.
"""

import os
import sys


def complete(buffer):
    """How many bytes of buffer are complete netstrings."""
    end = 0
    while (colon := buffer.find(b":", end, end + 20)) >= 0:
        after = colon + 1 + int(buffer[end:colon]) + 1
        if len(buffer) < after:
            break
        if buffer[after - 1:after] != b",":
            sys.exit("a netstring without its comma")
        end = after
    return end


def write(data):
    """Write all of data, however little a pipe takes at once."""
    view = memoryview(data)
    while len(view):
        view = view[os.write(1, view):]


def main():
    buffer = bytearray()
    while data := os.read(0, 1 << 20):
        buffer += data
        end = complete(buffer)
        write(bytes(buffer[:end]))
        del buffer[:end]
    if buffer:
        sys.exit("the input ended inside a netstring")


if __name__ == "__main__":
    main()
