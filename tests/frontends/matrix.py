"""Each front end that is told of in the README, and what is tried with it.

	matrix.py [--readme] [ROW ...]

runs all rows, or those whose names begin so, and prints the table.  It is
compared with the README's, or put there.  A cell that fails is a limit of the
front end if the probe in ws-cgi's place fails it too, in the same run, and if
the row says why in words.  A limit that is a race is one however ws-cgi fared,
if the probe loses it.
"""

import concurrent.futures
import contextlib
import os
import re
import sys
import textwrap

import frontend
import http2
import inetd
import proxies
import webservers
from cells import CELLS, KEPT, LONG
from frontend import PROBE, TOP, FrontEnd, Race, server
from tap import Tap

ROWS = [*inetd.ROWS, *proxies.ROWS, *http2.ROWS, *webservers.ROWS]
REFERENCE = inetd.Tcpserver     # here, the probe must be able to do all
MARKERS = "<!-- front ends -->\n", "<!-- end of front ends -->\n"
README = os.path.join(TOP, "README.md")
THREADS = 6
NO_START = "did not start:"
RACES = 1000    # the probe tries so often to lose one


def is_race(row, cell):
    return isinstance(row.limits.get(cell), Race)


def try_cell(front, cell):
    """None if all is well, or what is wrong."""
    races = front.handler == PROBE and is_race(front, cell)
    for _ in range(RACES if races else 1):
        try:
            CELLS[cell](front)
        except Exception as error:
            return "%s: %s" % (type(error).__name__, error)
    return None


def cells_of(row):
    return [cell for cell in CELLS if row.http or cell not in KEPT]


def try_all(wanted):
    """wanted: a front end to its cells.  The result of each (front, cell).
    Those that take long all run at once, the others one by one in a row."""
    def run(front, cells):
        return {(front, cell): try_cell(front, cell) for cell in cells}

    slow = [(front, [cell]) for front, cells in wanted.items()
            for cell in cells if cell in LONG]
    quick = [(front, [cell for cell in cells if cell not in LONG])
             for front, cells in wanted.items()]
    results = {}
    with concurrent.futures.ThreadPoolExecutor(len(slow) + 1) as patient, \
            concurrent.futures.ThreadPoolExecutor(THREADS) as pool:
        work = [patient.submit(run, *task) for task in slow]
        work += [pool.submit(run, *task) for task in quick]
        for done in work:
            results.update(done.result())
    return results


def start(rows, handler, stack):
    """The rows' front ends, or why there is none."""
    fronts = {}
    for row in rows:
        try:
            fronts[row] = stack.enter_context(row(handler))
        except Exception as error:
            fronts[row] = "%s %s: %s" % (NO_START, type(error).__name__, error)
    return fronts


def measure(rows, handler, cells):
    """(row, cell) to None or what is wrong, for these cells of each row."""
    results = {}
    with contextlib.ExitStack() as stack:
        fronts = start(rows, handler, stack)
        wanted = {front: cells[row] for row, front in fronts.items()
                  if isinstance(front, FrontEnd)}
        for row, why in fronts.items():
            if row not in map(type, wanted):
                results.update({(row, cell): why for cell in cells[row]})
        for (front, cell), why in try_all(wanted).items():
            results[type(front), cell] = why
    return results


def verdict(limit, why, with_probe, probe_is_good):
    """limit is what the row says of it, the others are what went wrong."""
    started = NO_START not in (why or "") + (with_probe or "")
    if limit and with_probe and started and probe_is_good:
        return "limit"
    if why is None and limit is None:
        return "ok"
    return "%s; with the probe: %s%s%s" % (
        why or "well", with_probe or "well",
        "; the row names a limit" if limit else "",
        "" if probe_is_good else ", which fails with tcpserver as well")


def judge(rows):
    """(row, cell) to "ok", "limit" or what is wrong."""
    verdicts = measure(rows, server.binary(),
                       {row: cells_of(row) for row in rows})
    failed = {row: [cell for cell in cells_of(row)
                    if verdicts[row, cell] or is_race(row, cell)]
              for row in rows}
    bad = [row for row in rows if failed[row]]
    doubted = [cell for cell in cells_of(REFERENCE)
               if any(cell in failed[row] for row in bad)]
    reference = measure([REFERENCE], PROBE, {REFERENCE: doubted})
    probed = measure(bad, PROBE, failed)
    for (row, cell), why in verdicts.items():
        verdicts[row, cell] = verdict(
            row.limits.get(cell), why, probed.get((row, cell)),
            not any(reference.values()))
    return verdicts


# The table.

def table(rows, verdicts):
    """In Markdown, with a footnote for each limit."""
    notes = []

    def cell_of(row, cell):
        shown = verdicts.get((row, cell), "-")
        if shown == "limit":
            if row.limits[cell] not in notes:
                notes.append(row.limits[cell])
            return "limit %d" % (notes.index(row.limits[cell]) + 1)
        return shown if shown in ("ok", "-") else "FAILED"

    lines = ["| front end | " + " | ".join(CELLS) + " |",
             "|---" * (1 + len(CELLS)) + "|"]
    for row in rows:
        lines.append("| %s | %s |" % (row.name, " | ".join(
            cell_of(row, cell) for cell in CELLS)))
    if notes:
        lines.append("")
    lines += [textwrap.fill("%d. %s" % (n, note), 80, subsequent_indent="   ")
              for n, note in enumerate(notes, 1)]
    return "\n".join(lines) + "\n"


def split_readme():
    """README.md before the table, the table, and after it."""
    with open(README) as f:
        return re.fullmatch("(.*%s)(.*)(%s.*)" % MARKERS, f.read(),
                            re.DOTALL).groups()


def write_readme(shown):
    before, _, after = split_readme()
    with open(README, "w") as f:
        f.write(before + shown + after)


def main():
    tap = Tap()
    arguments = [a for a in sys.argv[1:] if a != "--readme"]
    rows = [row for row in ROWS if not arguments
            or row.name.startswith(tuple(arguments))]
    with server.same_descriptors():
        verdicts = judge(rows)
    for (row, cell), said in verdicts.items():
        tap.ok(said in ("ok", "limit"), "%s: %s" % (row.name, cell), said)
    shown = table(rows, verdicts)
    print(shown)
    if "--readme" in sys.argv:
        write_readme(shown)
    if rows == ROWS:
        tap.ok(split_readme()[1] == shown, "README.md shows this table")
    tap.finish()


if __name__ == "__main__":
    main()
