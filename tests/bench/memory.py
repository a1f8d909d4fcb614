"""What idle connections use, as the system sees it: /proc/meminfo, before and
after.  The sockets of both ends are in it, and what the load keeps.
"""

import json
import re
import select
import subprocess
import time

import generator
from service import Failed

PARTS = {"anonymous": "AnonPages", "page tables": "PageTables",
         "kernel stacks": "KernelStack", "slab": "Slab"}
CALM = 512              # KiB within which a measure counts as the same
PATIENCE = 6            # s for the system to come to rest
LONGEST = 180           # s for a load to open its connections
SPARE = 2 << 20         # KiB that are left alone


def available():
    """KiB that are to be had without swapping."""
    return fields()["MemAvailable"]


def fields():
    with open("/proc/meminfo") as f:
        return {name: int(n) for name, n in re.findall(
            r"^(\w+):\s+(\d+)", f.read(), re.M)}


def parts():
    """KiB of each part of the system's memory."""
    found = fields()
    return {title: found[name] for title, name in PARTS.items()}


def settled(patience=PATIENCE):
    """The parts, once those who have just worked are at rest: they have not
    changed for a second."""
    deadline = time.monotonic() + patience
    before, calm = parts(), 0
    while calm < 2 and time.monotonic() < deadline:
        time.sleep(0.5)
        now = parts()
        same = abs(sum(now.values()) - sum(before.values())) < CALM
        before, calm = now, calm + 1 if same else 0
    return before


def per_connection(before, after, n):
    return {title: (after[title] - before[title]) / n for title in before}


class Idle:
    """A load whose connections wait until they are told to speak."""

    def __init__(self, item, service):
        self.service, self.text = service, b""
        self.process = subprocess.Popen(
            generator.command(item, service, 1), stdin=subprocess.PIPE,
            stdout=subprocess.PIPE, stderr=subprocess.PIPE, bufsize=0)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.process.kill()
        self.process.communicate()

    def _await(self, deadline):
        """Until it tells something, as long as there is memory."""
        while not select.select([self.process.stdout], [], [], 0.2)[0]:
            if available() < SPARE:
                raise Failed("stopped: less than %d MiB are left"
                             % (SPARE >> 10))
            if time.monotonic() > deadline:
                raise Failed("not done within %d s" % LONGEST)

    def next(self):
        """What it tells next, a line."""
        deadline = time.monotonic() + LONGEST
        while b"\n" not in self.text:
            self._await(deadline)
            more = self.process.stdout.read(4096)
            if not more:
                said = self.process.communicate()[1].decode()
                raise Failed(generator.complaint(self.service, said))
            self.text += more
        line, _, self.text = self.text.partition(b"\n")
        return json.loads(line)

    def go_on(self):
        self.process.stdin.write(b"\n")


def run(item, service):
    """KiB of each part for a connection, before it has said anything and
    after; and what the load tells of their speaking."""
    n = item.option("-c", 1)
    before = settled()
    with Idle(item, service) as idle:
        if idle.next()["open"] != n:
            raise Failed("not all connections stay open")
        opened = settled()
        idle.go_on()
        told = idle.next()
        idle.next()
        spoken = settled()
        idle.go_on()
        idle.process.wait()
    return {**told, "idle": per_connection(before, opened, n),
            "spoken": per_connection(before, spoken, n)}
