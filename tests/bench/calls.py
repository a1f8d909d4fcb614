"""How many system calls a message costs: those that strace(1) counts in all
processes of a server, its program's among them, while messages go to and fro.
"""

import os
import re
import shutil
import signal
import subprocess
import tempfile

import rawclient
from service import Failed

MESSAGES = 1000
PAYLOAD = b"x" * 63 + b"y"


def children(pid):
    """Of all threads of a process that may end meanwhile."""
    found = []
    for task in os.listdir("/proc/%d/task" % pid):
        with open("/proc/%d/task/%s/children" % (pid, task)) as f:
            found += map(int, f.read().split())
    return found


def family(pid):
    """It and all that descend from it."""
    return [pid] + [each for child in children(pid) for each in family(child)]


def message_of(candidate):
    if candidate.raw:
        return PAYLOAD
    return rawclient.frame(rawclient.BINARY if "-i" in candidate.how
                           else rawclient.TEXT, PAYLOAD)


def talk(sock, candidate, times):
    """So many messages, one after the other."""
    message = message_of(candidate)
    size = len(PAYLOAD) + (0 if candidate.raw else 2)
    for _ in range(times):
        sock.sendall(message)
        left = size
        while left > 0:
            got = len(sock.recv(left))
            if got == 0:
                raise Failed("it ended while its calls were counted")
            left -= got


def traced(pids, table, work):
    tracer = subprocess.Popen(
        ["strace", "-f", "-c", "-U", "calls,name", "-o", table,
         *(word for pid in pids for word in ("-p", str(pid)))],
        stderr=subprocess.PIPE, text=True)
    with tracer.stderr:
        try:
            for _ in pids:
                tracer.stderr.readline()        # "Process N attached"
            work()
        finally:
            tracer.send_signal(signal.SIGINT)
            tracer.stderr.read()
            tracer.wait()


def per_message(service):
    """None where there is no strace, or the server is not fit for it."""
    if shutil.which("strace") is None:
        return None
    try:
        return counted(service, service.candidate)
    except (Failed, OSError):
        return None


def counted(service, candidate):
    with service.connect() as sock, tempfile.NamedTemporaryFile("r") as table:
        talk(sock, candidate, 10)
        pids = [each for pid in service.pids for each in family(pid)]
        traced(pids, table.name, lambda: talk(sock, candidate,
                                               MESSAGES))
        rows = re.findall(r"^ *(\d+) (\w+)$", table.read(), re.M)
    return sum(int(n) for n, name in rows if name != "total") / MESSAGES
