"""The few lines of the report that README.md has, between two marks."""

import figures
from items import ITEMS, MINE, STATIC
from report import save, title
from servers import LIMIT, WS_CGI
from tables import markdown, ratio

BEGIN, FINISH = "<!-- bench -->\n", "<!-- end of bench -->\n"


def best(table):
    """The best peer, as a multiple of the limit."""
    found = [(row.ratio(table.limit(row)).median, row.name)
             for row in table.rows if row.done and row.valid
             and row.kind not in (LIMIT, WS_CGI) and table.limit(row)
             and row.shape == table.item.shapes[0]]
    return "%s, %s" % (ratio(min(found)[0]), min(found)[1]) if found else ""


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
