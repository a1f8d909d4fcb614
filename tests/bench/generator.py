"""The load, tests/bench/load, as it is run against a service."""

import json
import os
import subprocess

from service import Failed, on_core
from servers import BENCH

LOAD = os.path.join(BENCH, "load")
QUIET = "4"             # s of quiet that are a stall
LONGEST = 120           # s for one run


def options(item, raw):
    """Without WebSocket, the ends of lines are the load's to say."""
    found = list(item.options)
    if raw and item.mode == "push":
        found[found.index("-x") + 1] += "\n"
    if raw and item.mode == "flood":
        found += ["-x", "x" * item.option("-s", 64) + "\n"]
    return found


def command(item, service, seconds):
    pids = [word for pid in service.pids for word in ("-p", str(pid))]
    raw = ["-r"] if service.candidate.raw else []
    return [LOAD, item.mode, "-a", service.place, "-q", QUIET,
            "-t", str(seconds), *pids, *raw, *service.candidate.how,
            *options(item, service.candidate.raw)]


def complaint(service, said):
    """Why a run has failed: the server's reasons before the load's."""
    words = said.strip().splitlines() or ["the load says nothing"]
    return service.words or words[-1].removeprefix("load: ")


def run(item, service, seconds, core=None):
    """One run: what the load tells."""
    with on_core(core):
        process = subprocess.Popen(
            command(item, service, seconds), stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    try:
        told, said = process.communicate(timeout=LONGEST)
    except subprocess.TimeoutExpired:
        raise Failed("not done within %d s" % LONGEST) from None
    finally:
        process.kill()
        process.wait()
    if process.returncode != 0:
        raise Failed(complaint(service, said))
    found = json.loads(told)
    if found["messages"] == 0:
        raise Failed("no message has come")
    return found
