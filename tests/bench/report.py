"""The report, REPORT.md, and its chart: all that is said in it comes from the
results, or is an explanation of what they mean.
"""

import os

import chart
import figures
import reasons
from items import ITEMS, MINE, SECTIONS, STATIC
from servers import LIMIT, WS_CGI

INTRODUCTION = """# What ws-cgi costs

Every figure here was measured by `make bench`, which wrote this page, on
%(when)s. What counts is the CPU that a server uses, user and system time of
all its processes, those that have ended among them: who else is busy makes
less of a difference to it than to times and rates.

A *limit* is the least program that moves the same bytes by the same calls, a
process for each connection, without WebSocket: `tests/bench/bare.c`,
`relay.c`, `super.c` with `least.c`. A proxy stands before the bare echo, whose
use counts as its own. Figures are medians, with the least and the most in
brackets; ratios are of runs of the same round. *ws-cgi* is what `make` builds,
*ws-cgi, static* what `make static` does; both are compared with the limit that
`make` builds.

%(machine)s

%(servers)s

![Server CPU as a multiple of the limit, for each kind of work](report.svg)
"""

WORDS = {
    "echo": "`echo:`, beside servers that send each message back "
    "themselves.",
    "cat": "A message is a line to `cat`, and its line is a message. What "
    "`cat` uses is counted, for the limit as for all.",
    "large": "The generator compares every byte. The last column is for 10^6 "
    "bytes of payload, each of which comes and goes.",
    "stream": "`yes` writes lines as fast as it is let; `sink`, of this bench, "
    "counts lines and says their number at the end.",
    "connect": "For each connection: the handshake, a message of 64 bytes, "
    "its echo and the Closes; the limit has no handshake, except the least "
    "WebSocket program, which is the limit of what a super-server starts. "
    "There, the first three are started by `super.c`, a bare inetd of 30 "
    "lines. ws-cgi writes its log to a file; the peers are told to write "
    "none. The wait is for the handshake.",
    "stall": "One connection keeps as much outstanding: who waits until one "
    "side makes room, while the other waits for him, stalls for good. The "
    "generator gives up after 4 s without a byte.",
    "grow": "CPU for a message of 64 bytes, one outstanding, in µs. Where the "
    "cost grows linearly, a row stays the same once both cores are busy.",
    "idle": "KiB for each connection, from `/proc/meminfo`: what the system "
    "uses more when the connections stand, and after each has said 64 bytes "
    "and heard them. Both ends' sockets are in it (about 9 KiB), and what the "
    "generator keeps. Every connection was answered.",
}

SCALE = """`make bench-100k`, as root, on %s: loads of 10,000 connections each dial
from eight loopback addresses, and the connections are spread over listeners of
25,000, since each has two bounds (`--max`, `--max-source`). Each connection is a
process that serves `echo:`. There is no next load that would leave less than 2
GiB. When all stand, every connection is spoken to and has to answer."""

BYTES = """Unmasking and the check that text is UTF-8, in GB/s of CPU time, as
`make bench-bytes` measures them."""

END = """## How it is measured

The generator, `tests/bench/load`, is one process with epoll(7). It numbers its
messages and compares every byte that comes back. Before and after the measured
time, which begins when all connections stand and have been in use for a
while, it reads from `/proc` what the server, with all that descend from it, has
used. What an item's servers do is done in turn, A B C A B C, each run with the
server started anew.

*one core* means that server and generator share one core, and neither runs on
another: no message waits for a core to wake up, which makes the figures steady.

The generator may not be what is measured: where it used %(busy)d %% of a core or
more, the row is marked †, and its figures do not count. Where both share one
core, that is of the core, too: the rest is what the server had.

Calls are system calls for each message, in all processes of the server and its
program, counted by strace(1) in a run of their own.

`make bench-quick` measures the main items in two minutes; `make bench
ARGS="--items cat-1 --rounds 9"` one of them, and writes this page anew; `make
bench ARGS=--list` names them.
"""


# Words and numbers.

def number(x):
    """Three digits."""
    if x >= 1000:
        return format(round(x), ",")
    return "%.0f" % x if x >= 100 else "%#.3g" % x


def spread(values, show=number):
    median, least, most = (show(x) for x in values)
    return median if least == most else "%s (%s–%s)" % (median, least, most)


def ratio(x):
    return "%.2f" % x if x < 10 else number(x)


def judged(verdict):
    if not verdict.valid:
        return "†"
    return "met" if verdict.met else "**not met**"


def markdown(heads, rows):
    """A table; all columns but the first are numbers."""
    lines = ["| %s |" % " | ".join(row) for row in (heads, *rows)]
    lines.insert(1, "|---" + "|---:" * (len(heads) - 1) + "|")
    return "\n".join(lines)


# What was measured, where.

def machine_words(found):
    here = found["machine"]
    return ("Machine: %s, %d cores%s, %s; %s, %s." % (
        here["CPU"], here["cores"],
        " of a virtual machine" if here["virtual"] else "", here["memory"],
        here["distribution"], here["kernel"]))


def servers_words(found):
    names = ["%s %s" % each for each in sorted(found["versions"].items())]
    lines = ["Measured: %s." % ", ".join(names)]
    lines += ["Missing: %s, %s." % (name, why.rstrip("."))
              for name, why in sorted(found["missing"].items())]
    return "  \n".join(lines)


def dates(found):
    days = sorted({each["date"] for each in found["items"].values()})
    return days[0] if days[0] == days[-1] else "%s to %s" % (days[0],
                                                             days[-1])


# The tables.

def verdict_words(verdict):
    bar = verdict.bar
    if verdict.of is None:
        return "%g KiB: %s" % (bar.most, judged(verdict))
    if bar.of == "":
        return "%.2f: %s" % (bar.most, judged(verdict))
    return "%.2f of %s: %s, %s" % (bar.most, bar.of, judged(verdict),
                                   ratio(verdict.figure.median))


def bars_cell(table, row):
    return "<br>".join(verdict_words(each) for each in table.verdicts()
                       if each.ours is row)


def ratio_cell(table, row):
    limit = table.limit(row)
    if limit is None or row is limit:
        return "1" if row is limit else ""
    return spread(row.ratio(limit), ratio)


def named(row):
    return row.name + ("" if not row.done or row.valid else " †")


def failures(table):
    """What the rows of those say that could not do it."""
    return ["%s: %s." % (row.name, row.failed.rstrip("."))
            for row in table.rows if not row.done]


def of_time(table):
    """CPU and waits."""
    of = "connection" if table.item.mode == "connect" else "message"
    heads = ["server", "CPU, µs per %s" % of, "of the limit", "bar"]
    waits = table.item.mode in ("echo", "connect")
    heads += ["wait: median, µs", "of 99 in 100"] if waits else []
    heads += ["calls"] if table.item.calls else []
    heads += ["µs per MB"] if table.item.section == "large" else []
    return markdown(heads, [time_row(table, row, waits)
                            for row in table.rows if row.done])


def time_row(table, row, waits):
    cells = [named(row), spread(row.cost()), ratio_cell(table, row),
             bars_cell(table, row)]
    if waits:
        cells += [spread(row.waits(i)) if row.waits(i).most > 0 else ""
                  for i in (0, 1)]
    if table.item.calls:
        cells += ["%.1f" % row.calls if row.calls is not None else ""]
    if table.item.section == "large":
        size = table.item.option("-s", 64)
        cells += [number(row.cost().median * 1e6 / size)]
    return cells


def of_memory(table):
    """KiB, each part of it, and after a word."""
    parts = list(table.rows[0].runs[0]["idle"])
    rows = []
    for row in (row for row in table.rows if row.done):
        def middle(kind, part, row=row):
            return figures.Spread.of([run[kind][part]
                                      for run in row.runs]).median
        rows.append([named(row), spread(row.cost()), bars_cell(table, row),
                     *("%.1f" % middle("idle", part) for part in parts),
                     number(sum(middle("spoken", part) for part in parts))])
    return markdown(["server", "KiB", "bar", *parts, "after a message"], rows)


def across(tables, cell):
    """One table of several items: a column each."""
    names = list(dict.fromkeys(row.name for table in tables
                               for row in table.rows))
    rows = []
    for name in names:
        found = [[row for row in table.rows if row.name == name]
                 for table in tables]
        rows.append([name, *(cell(row[0]) if row else "" for row in found)])
    return markdown(["server", *(table.item.title for table in tables)], rows)


def stall_cell(row):
    if row.done:
        return "passes"
    return "**stalls**" if row.failed.startswith("stalled") else "fails"


def grow_cell(row):
    return number(row.cost().median) if row.done else "fails"


ACROSS = {"stall": stall_cell, "grow": grow_cell}


# What is no item.

def scale_part(scale):
    """So many connections, each a process."""
    rows = []
    for name, found in scale["builds"].items():
        rows.append([name, "%s of %s" % (number(found["connections"]),
                                         number(found["wanted"])),
                     number(found["answered"]),
                     number(sum(found["idle"].values())),
                     *("%.1f" % each for each in found["idle"].values()),
                     "%.1f" % (found["left"] / (1 << 20)),
                     "%.0f" % found["seconds"]])
    parts = list(next(iter(scale["builds"].values()))["idle"])
    table = markdown(["server", "connections", "answered", "KiB each", *parts,
                      "GiB left", "s to open"], rows)
    why = ["%s: %s." % (name, found["stopped"])
           for name, found in scale["builds"].items() if found["stopped"]]
    return "\n\n".join([
        "## As many connections as memory holds", SCALE % scale["date"],
        table, *why, "Raised before, and put back:", "\n".join(
            "- `%s`" % each for each in scale["raised"]) or "- nothing"])


def bytes_part(found):
    heads, *rows = found
    return "\n\n".join(["## Bytes", BYTES, markdown(heads, rows)])


# The page.

def item_part(table):
    """The table of one item, and what has to be said about it."""
    show = of_memory if table.item.mode == "idle" else of_time
    parts = ["### %s" % table.item.title[0].upper() + table.item.title[1:],
             show(table), *failures(table)]
    better = reasons.explained(table.item, table.better())
    if better:
        parts.append("Better than ws-cgi here, with the part of its figure "
                     "that they need:")
        parts.append("\n".join("- " + each for each in better))
    return "\n\n".join(parts)


def section_part(section, tables):
    parts = ["## " + SECTIONS[section], WORDS[section]]
    if section in ACROSS:
        parts.append(across(tables, ACROSS[section]))
        return "\n\n".join(parts)
    return "\n\n".join(parts + [item_part(table) for table in tables])


def title(table, suffix=""):
    """An item's, with its section."""
    return "%s: %s%s" % (SECTIONS[table.item.section].split(":")[0],
                         table.item.title, suffix)


def verdict_cell(each):
    """The figure, its bar and what comes of it."""
    if each.of is None:
        return "%s KiB; %g: %s" % (spread(each.figure), each.bar.most,
                                   judged(each))
    return "%s; %g: %s" % (spread(each.figure, ratio), each.bar.most,
                           judged(each))


def verdict_rows(tables):
    """A row for each bar, with both builds."""
    for table in tables.values():
        rows = {}
        for each in table.verdicts():
            build = STATIC if each.bar.ours.startswith(STATIC) else MINE
            suffix = each.bar.ours.removeprefix(build)
            beside = ("" if each.of is None else "itself by TCP"
                      if each.of.name == build else each.of.name)
            rows.setdefault((suffix, beside), {})[build] = verdict_cell(each)
        for (suffix, beside), cells in rows.items():
            yield [title(table, suffix), beside, cells.get(MINE, ""),
                   cells.get(STATIC, "")]


def bars_part(tables):
    return "\n\n".join([
        "## The bars", "What ws-cgi is to keep to: so many times what another "
        "needs for the same, or so many KiB. Each figure has its bar behind "
        "it. Nothing fails by it.",
        markdown(["work", "beside", MINE, STATIC], verdict_rows(tables))])


def page(found):
    tables = figures.tables(ITEMS, found)
    parts = [INTRODUCTION % {
        "when": dates(found), "machine": machine_words(found),
        "servers": servers_words(found)}, bars_part(tables)]
    for section in SECTIONS:
        of = [table for table in tables.values()
              if table.item.section == section]
        if of:
            parts.append(section_part(section, of))
    if "scale" in found:
        parts.append(scale_part(found["scale"]))
    if "bytes" in found:
        parts.append(bytes_part(found["bytes"]))
    parts.append(END % {"busy": figures.BUSY * 100})
    return "\n\n".join(part.strip() for part in parts) + "\n"


def save(path, text):
    with open(path, "w") as f:
        f.write(text)


def write(directory, found):
    """Both files."""
    os.makedirs(directory, exist_ok=True)
    path = os.path.join(directory, "REPORT.md")
    save(path, page(found))
    save(os.path.join(directory, "report.svg"),
         chart.draw(figures.tables(ITEMS, found)))
    print("the report is %s" % path)


# The few lines of it that README.md has, between two marks.

BEGIN, FINISH = "<!-- bench -->\n", "<!-- end of bench -->\n"


def best(table):
    """The best peer, as a multiple of the limit."""
    found = [(row.ratio(table.limit(row)).median, row.name)
             for row in table.rows if row.done and row.valid
             and row.kind not in (LIMIT, WS_CGI) and table.limit(row)
             and row.shape == table.item.shapes[0]]
    return "%s %s" % (min(found)[1], ratio(min(found)[0])) if found else ""


def of_limit(table, row):
    limit = row and table.limit(row)
    return ratio(row.ratio(limit).median) if limit else ""


def summary(found):
    """The main items: a row each, as multiples of the limit."""
    rows = []
    for table in figures.tables(ITEMS, found).values():
        if table.item.chart:
            rows.append([title(table), *(of_limit(table, table.row(name))
                                         for name in (MINE, STATIC)),
                         best(table)])
    return markdown(["beside the limit", MINE, STATIC, "the best peer"], rows)


def summarize(path, found):
    """Put it into README.md."""
    with open(path) as f:
        before, begin, rest = f.read().partition(BEGIN)
    _, finish, after = rest.partition(FINISH)
    if not finish:
        raise ValueError("%s has no marks" % path)
    save(path, before + begin + summary(found) + "\n" + finish + after)
