#!/usr/bin/env python3
# The first service: a message is a line in, a line out is a message.
import os
import sys

print(f"Hello {os.environ['REMOTE_ADDR']}, process {os.getpid()} is yours.",
      flush=True)
for n, line in enumerate(sys.stdin, 1):
    print(f"{n}: {line.upper()}", end="", flush=True)
