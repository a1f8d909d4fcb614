"""What ws-cgi costs, beside the least that its work can cost and beside other
servers: measured in turn, side by side, and told in a report.

    bench.py [--quick] [--items A,B] [--servers A,B] [--rounds N]
             [--seconds N] [--results FILE] [--report DIRECTORY]
             [--report-only] [--list]

Without options all items are measured, REPORT.md and report.svg are written
beside this file, and the table in README.md.  Results are kept in build/bench,
so that parts can be measured again: an item then replaces what it had, and the
report is made of all that is there.  With --quick it takes two minutes, in
which the main items are measured beside websocketd, and no report is written
unless --report says where.  Nothing passes or fails by time.
"""

import argparse
import os
import subprocess
import sys
import time

import figures
import items
import readme
import report
import results
import servers
import service
from measure import measure

HERE = os.path.dirname(os.path.abspath(__file__))
QUICK = {"rounds": 3, "seconds": 0.25, "results": "quick.json"}
WHOLE = {"rounds": None, "seconds": 0.5, "results": "results.json"}


def arguments():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    add = parser.add_argument
    add("--quick", action="store_true", help="the main items and servers")
    add("--items", help="only these, by name or section; or bytes")
    add("--servers", help="only these peers, beside ours and the limits")
    add("--rounds", type=int, help="runs of each server")
    add("--seconds", type=float, help="of each run")
    add("--results", help="a file of JSON")
    add("--report", help="the directory that it is written to")
    add("--report-only", action="store_true", help="from what is there")
    add("--list", action="store_true", help="the items")
    args = parser.parse_args()
    usual = QUICK if args.quick else WHOLE
    args.rounds = args.rounds or usual["rounds"]
    args.seconds = args.seconds or usual["seconds"]
    args.results = args.results or os.path.join(servers.BENCH,
                                                usual["results"])
    return args


def chosen_items(args):
    if args.items is None:
        return [item for item in items.ITEMS if item.quick or not args.quick]
    wanted = args.items.split(",")
    unknown = set(wanted) - {"bytes"} - {
        name for item in items.ITEMS for name in (item.name, item.section)}
    if unknown:
        sys.exit("no item: %s; see --list" % ", ".join(sorted(unknown)))
    return [item for item in items.ITEMS
            if item.name in wanted or item.section in wanted]


def chosen_servers(args, item):
    """The limits and ours are always among them."""
    wanted = None
    if args.servers is not None:
        wanted = args.servers.split(",")
    elif args.quick:
        wanted = [items.INCUMBENT]
    return [each for each in servers.candidates(item)
            if wanted is None or each.kind in (servers.LIMIT, servers.WS_CGI)
            or each.name in wanted]


def show(table):
    """As plain text."""
    print("\n%s: %s" % (table.item.name, table.item.title))
    for row in table.rows:
        if not row.done:
            print("  %-34s %s" % (row.name, row.failed))
            continue
        cost = row.cost()
        limit = table.limit(row)
        ratio = "%8.2f" % row.ratio(limit).median if limit else ""
        print("  %-34s %9.3f (%.3f-%.3f) %s%s" % (
            row.name, *cost, ratio, "" if row.valid else "  invalid"))
    for verdict in table.verdicts():
        print("  %s: %.2f %s, bar %g: %s" % (
            verdict.bar.ours, verdict.figure.median,
            "of " + verdict.of.name if verdict.of else "KiB",
            verdict.bar.most, verdict.word), flush=True)


def run(args, found):
    found["versions"] = servers.versions()
    found["missing"] = servers.missing()
    for item in chosen_items(args):
        found["items"][item.name] = {
            "date": results.today(),
            "servers": measure(item, chosen_servers(args, item),
                               args.rounds or item.rounds, args.seconds)}
        results.save(args.results, found)
        show(figures.Table(item, found["items"][item.name]))


def run_bytes(args, found):
    """The table of bytes.c, where it was made."""
    program = servers.tool("bytes")
    asked = (not args.quick if args.items is None
             else "bytes" in args.items.split(","))
    if not asked or not os.path.exists(program):
        return
    said = subprocess.run([program], capture_output=True, text=True,
                          check=True)
    found["bytes"] = [[cell.strip() for cell in line.split("\t")]
                      for line in said.stdout.splitlines()]
    results.save(args.results, found)


def tell(args, found):
    """Where the report goes; of nothing there is none."""
    if not found["items"]:
        print("no item is measured yet: make bench")
    elif args.report is not None:
        report.write(args.report, found)
    elif not args.quick:
        report.write(HERE, found)
        readme.summarize(os.path.join(HERE, "..", "..", "README.md"), found)


def forget_locale():
    """A program may read a dozen files about its user's language, and servers
    differ in whether they tell it."""
    for name in list(os.environ):
        if name in ("LANG", "LANGUAGE") or name.startswith("LC_"):
            del os.environ[name]


def main():
    args = arguments()
    forget_locale()
    if args.list:
        for item in items.ITEMS:
            print("%-12s %-8s %s" % (item.name, item.section, item.title))
        return
    service.raise_limits()
    begun = time.monotonic()
    found = results.load(args.results)
    if not args.report_only:
        run(args, found)
        run_bytes(args, found)
        print("\n%.0f s; results are in %s" % (time.monotonic() - begun,
                                               args.results))
    tell(args, found)


if __name__ == "__main__":
    main()
