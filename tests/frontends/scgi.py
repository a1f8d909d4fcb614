#!/usr/bin/python3 -IS
"""Starts the program of its arguments, a probe, with the variables of an SCGI
connection in its environment; what follows them is left for it."""

import os
import sys

size = b""
while (byte := os.read(0, 1)).isdigit():
    size += byte
data = b""
while len(data) < int(size) + 1:
    data += os.read(0, int(size) + 1 - len(data))
words = data.split(b"\0")[:-1]
os.execve(sys.argv[1], sys.argv[1:], dict(zip(words[::2], words[1::2])))
