"""The tables of the report, in Markdown."""

import figures


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
    return verdict.word.replace("not met", "**not met**")


def markdown(heads, rows):
    """A table; all columns but the first are numbers."""
    lines = ["| %s |" % " | ".join(row) for row in (heads, *rows)]
    lines.insert(1, "|---" + "|---:" * (len(heads) - 1) + "|")
    return "\n".join(lines)


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
