"""The results, as JSON in build/: what was measured, where and when.  Parts may
be measured again: an item replaces what it had.
"""

import datetime
import json
import os
import re

import memory


def first(path, pattern, otherwise="unknown"):
    """What the pattern finds first in a file."""
    try:
        with open(path) as f:
            found = re.search(pattern, f.read(), re.M)
    except OSError:
        return otherwise
    return found[1].strip() if found else otherwise


def machine():
    """Where this is; no names of hosts."""
    return {
        "CPU": first("/proc/cpuinfo", r"^model name\s*:(.*)$"),
        "cores": len(os.sched_getaffinity(0)),
        "memory": "%.0f GiB" % (memory.fields()["MemTotal"] / (1 << 20)),
        "kernel": "%s %s" % (os.uname().sysname, os.uname().release),
        "distribution": first("/etc/os-release", r'^PRETTY_NAME="?([^"\n]*)'),
        "virtual": first("/proc/cpuinfo", r"^flags.* (hypervisor)\b",
                         "no") != "no",
    }


def empty():
    return {"machine": machine(), "versions": {}, "missing": {}, "items": {}}


def load(path):
    """What is there already, if it is of this machine."""
    try:
        with open(path) as f:
            found = json.load(f)
    except FileNotFoundError:
        return empty()
    return found if found["machine"] == machine() else empty()


def save(path, results):
    """Whole, or not at all."""
    with open(path + ".new", "w") as f:
        json.dump(results, f, indent=1)
    os.replace(path + ".new", path)


def today():
    return datetime.date.today().isoformat()
