"""From what the load has told to the figures of the report: medians, ratios of
runs of the same round, and whether a bar is met.
"""

import statistics
from typing import NamedTuple

from servers import LIMIT, WS_CGI

BUSY = 0.8              # of its core, where the load's figures count no more


class Spread(NamedTuple):
    median: float
    least: float
    most: float

    @classmethod
    def of(cls, values):
        return cls(statistics.median(values), min(values), max(values))


class Row:
    """What one server has come to in one item."""

    def __init__(self, item, name, found):
        self.item, self.name = item, name
        self.kind, self.shape = found["kind"], found["shape"]
        self.failed, self.runs = found["failed"], found["runs"]
        self.calls = found["calls"]

    @property
    def done(self):
        return self.failed is None and bool(self.runs)

    def costs(self):
        return [cost(self.item, run) for run in self.runs]

    def cost(self):
        """us of CPU for a message or connection, or KiB."""
        return Spread.of(self.costs())

    def waits(self, quantile):
        """us: 0 is the median wait, 1 that of one in a hundred."""
        of = "shake_us" if self.item.mode == "connect" else "wait_us"
        return Spread.of([run[of][quantile] for run in self.runs])

    def own_share(self):
        return statistics.median(run["own_share"] for run in self.runs)

    @property
    def valid(self):
        return self.item.mode == "idle" or self.own_share() < BUSY

    def ratio(self, to):
        """To another server's row: of the runs of each round."""
        return Spread.of([a / b for a, b in zip(self.costs(), to.costs())])


def cost(item, run):
    if item.mode == "idle":
        return sum(run["idle"].values())
    if item.mode == "connect":
        return run["server_us"] / run["connections"]
    return run["server_us"] / run["messages"]


class Table:
    """All rows of one item."""

    def __init__(self, item, found):
        self.item = item
        self.rows = [Row(item, name, each)
                     for name, each in found["servers"].items()]

    def row(self, name):
        """The row of that name; None if it is not there or has failed."""
        found = [row for row in self.rows if row.done and row.name == name]
        return found[0] if found else None

    def first(self, kind, shape):
        """The first row of that kind, of the shape if it has one there."""
        found = [row for row in self.rows if row.kind == kind]
        found = [row for row in found if row.shape == shape] or found
        return found[0] if found and found[0].done else None

    def limit(self, row):
        """What a row is compared with."""
        return self.first(LIMIT, row.shape)

    def ours(self, row):
        """Our row that does what a peer's does."""
        return self.first(WS_CGI, row.shape)

    def better(self):
        """Peers that need less than ws-cgi does, and which part of it."""
        for row in self.rows:
            ours = self.ours(row)
            if (row.done and row.kind not in (LIMIT, WS_CGI) and row.valid
                    and ours is not None):
                ratio = row.ratio(ours).median
                if ratio < 1:
                    yield row, ratio

    def verdicts(self):
        """Each bar whose figures are there."""
        for bar in self.item.bars:
            ours = self.row(bar.ours)
            if ours is None:
                continue
            of = self.limit(ours) if bar.of == "" else self.row(bar.of)
            if of is not None or bar.of is None:
                yield Verdict(bar, ours, of, self.least(ours, of, bar))

    def least(self, ours, of, bar):
        """What the limit has beside another than itself: of the work with a
        program, or by another socket, it is a part that we cannot save."""
        limit = self.limit(ours)
        if not bar.of or limit is None:
            return None
        other = self.limit(of) if of.kind == WS_CGI else of
        return limit.ratio(other)


class Verdict:
    """A bar, and what has come of it."""

    def __init__(self, bar, ours, of, least):
        self.bar, self.ours, self.of = bar, ours, of
        self.least = least      # None where it would say nothing
        self.figure = ours.cost() if of is None else ours.ratio(of)

    @property
    def met(self):
        return self.figure.median <= self.bar.most

    @property
    def valid(self):
        return self.ours.valid and (self.of is None or self.of.valid)

    @property
    def word(self):
        if not self.valid:
            return "†"
        return "met" if self.met else "not met"


def tables(items, results):
    """Of the items that have results, by name."""
    return {item.name: Table(item, results["items"][item.name])
            for item in items if item.name in results["items"]}
