"""As many idle connections as are asked for, each a process, or as many as
memory holds; and then every one is spoken to.

    scale.py [--connections N] [--step N] [--rest SECONDS] [--results FILE]

It needs root for what it raises, where the system allows less than it needs:
the numbers of processes and threads, the ports to dial from, the queue of a
listening socket, open files, and the limits of the control groups that it is
in.  What it raises it puts back.  Connections are opened a step at a time, each
step by a load of its own, and there is no step that would leave less than 2
GiB of memory.
"""

import argparse
import contextlib
import os
import sys
import time
from dataclasses import replace

import memory
import results
import servers
from items import Item
from service import Failed, Service, raise_limits

WHOLE, STEP = 100000, 10000
EACH = 25000            # connections of one listener: --max has a bound
SOURCES = 8             # loopback addresses that a load dials from
REST = 30               # s for the system to come to rest
SYSTEM = "/proc/sys/"


# What is raised.

def read(path):
    with open(path) as f:
        return f.read().strip()


def write(path, value):
    with open(path, "w") as f:
        f.write(value)


def needs(n):
    """What n processes and twice as many sockets need, by path."""
    tasks = n + 20000
    return {SYSTEM + "kernel/pid_max": tasks,
            SYSTEM + "kernel/threads-max": tasks,
            SYSTEM + "fs/file-max": 4 * n,
            SYSTEM + "net/core/somaxconn": 4096}


def cgroups():
    """The files that bound how many processes there may be."""
    for line in read("/proc/self/cgroup").splitlines():
        _, names, path = line.split(":", 2)
        mount = "/sys/fs/cgroup" + ("/" + names if names else "")
        while path != "/":
            limit = mount + path + "/pids.max"
            if os.path.exists(limit):
                yield limit
            path = os.path.dirname(path)


def put(stack, path, value):
    """Set it, until the stack ends."""
    before = read(path)
    try:
        write(path, value)
    except OSError as error:
        sys.exit("%s: %s: root may set it" % (path, error.strerror))
    stack.callback(write, path, before)
    return "%s: %s" % (path, value)


def raised(stack, n):
    """Raise what is too low; what that was, in words."""
    done = [put(stack, path, str(least)) for path, least in needs(n).items()
            if int(read(path)) < least]
    done += [put(stack, path, "max") for path in cgroups()
             if read(path) != "max" and int(read(path)) < n + 20000]
    ports = SYSTEM + "net/ipv4/ip_local_port_range"
    if n > EACH:
        done.append(put(stack, ports, "10000 65535"))
    return done


# Loads.

class Loads:
    """Those that hold connections, a step each."""

    def __init__(self, stack, step):
        self.stack, self.step, self.loads = stack, step, []

    def more(self, service, n):
        """Open n more.  Failed says why not."""
        item = Item("scale", "", "", (), "idle", (
            "-c", str(n), "-b", str(SOURCES)))
        load = self.stack.enter_context(memory.Idle(item, service))
        if load.next()["open"] != n:
            raise Failed("not all connections stay open")
        self.loads.append(load)

    def speak(self):
        """Each says something and hears it: what the loads tell."""
        for load in self.loads:
            load.go_on()
        told = [load.next() for load in self.loads]
        return [load.next()["spoken"] for load in self.loads], told


def holds(used, step):
    """Whether there is memory for a step more."""
    return memory.available() - used * step > memory.SPARE


def fill(loads, services, n, before):
    """Open n connections, or as many as memory holds; how many, and why no
    more."""
    opened, used = 0, 0
    while opened < n:
        step = min(loads.step, n - opened)
        if not holds(used, step):
            return opened, "memory: the next %d would leave less than 2 GiB" % (
                step)
        try:
            loads.more(services[opened // EACH], step)
        except Failed as error:
            return opened, str(error)
        opened += step
        used = (before - memory.available()) / opened
        print("  %d stand, %.0f KiB each, %.1f GiB are left" % (
            opened, used, memory.available() / (1 << 20)), flush=True)
    return opened, None


def without_pings(candidate):
    """The loads that stand rest, and answer nothing until they are asked."""
    def command(place, directory):
        made = candidate.command(place, directory)
        program, *options = made.argv
        return replace(made, argv=[program, "--ping", "never", *options])
    return replace(candidate, command=command)


def measure(candidate, n, step, rest):
    """All that can be told of one build."""
    with contextlib.ExitStack() as stack:
        before, available = memory.settled(rest), memory.available()
        services = [stack.enter_context(Service(without_pings(candidate)))
                    for _ in range(0, n, EACH)]
        loads = Loads(stack.enter_context(contextlib.ExitStack()), step)
        begun = time.monotonic()
        opened, why = fill(loads, services, n, available)
        took = time.monotonic() - begun
        idle = memory.per_connection(before, memory.settled(rest),
                                     opened or 1)
        spoken, told = loads.speak()
        return {"connections": opened, "wanted": n, "stopped": why,
                "seconds": took, "idle": idle, "answered": sum(
                    each["messages"] for each in told),
                "talking": sum(spoken), "listeners": len(services),
                "left": memory.available()}


def show(name, found):
    print("%s: %d of %d connections, %.0f KiB each; %d answered" % (
        name, found["connections"], found["wanted"],
        sum(found["idle"].values()), found["answered"]))
    if found["stopped"]:
        print("  stopped: %s" % found["stopped"])


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--connections", type=int, default=WHOLE)
    parser.add_argument("--step", type=int, default=STEP)
    parser.add_argument("--rest", type=float, default=REST)
    parser.add_argument("--results", default=os.path.join(
        servers.BENCH, "results.json"))
    args = parser.parse_args()
    raise_limits()
    found = results.load(args.results)
    scale = found["scale"] = {"date": results.today(), "builds": {}}
    with contextlib.ExitStack() as stack:
        scale["raised"] = raised(stack, args.connections)
        for candidate in servers.ours("echo"):
            print(candidate.name, flush=True)
            scale["builds"][candidate.name] = measure(
                candidate, args.connections, args.step, args.rest)
            show(candidate.name, scale["builds"][candidate.name])
    results.save(args.results, found)


if __name__ == "__main__":
    main()
