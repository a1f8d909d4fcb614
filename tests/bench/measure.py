"""An item, measured: its servers in turn, A B C A B C, so that what changes
about the machine changes for all; each is started anew for each run.
"""

import os
import sys

import calls
import generator
import memory
from items import INCUMBENT
from servers import LIMIT, WS_CGI
from service import Failed, Service
from server import LeftBehind


def core_of(item):
    """The last one: the first has most of the interrupts."""
    return max(os.sched_getaffinity(0)) if item.pinned else None


def once(item, candidate, seconds, count):
    """One run; with count, system calls are counted after it."""
    core = core_of(item)
    with Service(candidate, core) as service:
        if item.mode == "idle":
            return memory.run(item, service), None
        told = generator.run(item, service, seconds, core)
        return told, calls.per_message(service) if count else None


def turn(item, candidate, found, seconds):
    """Add a run to what was found; a server that fails is out."""
    try:
        told, counted = once(item, candidate, seconds,
                             item.calls and found["calls"] is None)
    except (Failed, LeftBehind, OSError) as error:
        found["failed"] = str(error)
        print("%s: %s: %s" % (item.name, candidate.name, error),
              file=sys.stderr)
        return
    found["runs"].append(told)
    if counted is not None:
        found["calls"] = counted


def cannot(item, candidate):
    """Why it is not even asked; None if it is, as it is where that is the
    question."""
    if item.section == "stall":
        return None
    return candidate.cannot(size=item.option("-s", 64),
                            window=item.option("-w", 1),
                            connections=item.option("-c", 1))


def rounds_of(candidate, rounds):
    """Peers that no bar is about have fewer."""
    if candidate.kind in (LIMIT, WS_CGI) or candidate.name == INCUMBENT:
        return rounds
    return (rounds + 1) // 2


def measure(item, candidates, rounds, seconds):
    """What each has come to, by name."""
    found = {each.name: {"kind": each.kind, "shape": each.shape,
                         "failed": cannot(item, each), "calls": None,
                         "runs": []}
             for each in candidates}
    for i in range(rounds):
        for candidate in candidates:
            most = rounds_of(candidate, rounds)
            if i < most and found[candidate.name]["failed"] is None:
                turn(item, candidate, found[candidate.name], seconds)
    return found
