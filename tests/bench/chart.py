"""The chart of the report, as SVG: each kind of work is a row, and a mark is
what a server's CPU or memory is as a multiple of the limit's.  The scale is
logarithmic: equal steps are equal ratios.
"""

import math
from html import escape

from items import INCUMBENT, MINE, SECTIONS, STATIC
from reasons import EACH, LOOP, PROXY
from servers import LIMIT

WIDTH, LEFT, RIGHT, TOP, ROW, HEAD = 900, 330, 870, 104, 26, 16
TICKS = [.01, .02, .05, .1, .2, .5, 1, 2, 5, 10, 20, 50, 100, 200, 500, 1000]

STYLE = """
svg { font: 13px system-ui, sans-serif; }
.ground { fill: #ffffff; } .text { fill: #1f2328; } .faint { fill: #59636e; }
.grid { stroke: #d8dee4; }
.limit { stroke: #1f2328; stroke-width: 1.5; }
.ours { fill: #0969da; } .static { fill: none; stroke: #0969da;
 stroke-width: 2; }
.incumbent { fill: #bc4c00; } .peer { fill: none; stroke: #6e7781;
 stroke-width: 1.5; }
.name { font-weight: 600; }
@media (prefers-color-scheme: dark) {
.ground { fill: #0d1117; } .text { fill: #e6edf3; }
.faint { fill: #9198a1; } .grid { stroke: #30363d; }
.limit { stroke: #e6edf3; } .ours { fill: #4493f8; }
.static { stroke: #4493f8; } .incumbent { fill: #f0883e; }
.peer { stroke: #9198a1; }
}
"""

LEGEND = [("mine", "ws-cgi"), ("static", "ws-cgi, static"),
          ("incumbent", INCUMBENT), (LOOP, "an event loop"),
          (EACH, "a process each"), (PROXY, "a proxy")]


def mark(kind, x, y, title=""):
    """A mark of its kind, about (x, y)."""
    shapes = {
        "mine": '<circle class="ours" cx="%(x).1f" cy="%(y).1f" r="4.5"/>',
        "static": '<circle class="static" cx="%(x).1f" cy="%(y).1f" '
        'r="7"/>',
        "incumbent": '<path class="incumbent" d="M%(x).1f %(y).1fm-6 0l6 -6 '
        '6 6 -6 6z"/>',
        LOOP: '<circle class="peer" cx="%(x).1f" cy="%(y).1f" r="4"/>',
        EACH: '<path class="peer" d="M%(x).1f %(y).1fm-4 -4h8v8h-8z"/>',
        PROXY: '<path class="peer" d="M%(x).1f %(y).1fm-5 4l5 -9 5 9z"/>',
    }
    return "<g><title>%s</title>%s</g>" % (
        escape(title), shapes[kind] % {"x": x, "y": y})


def text(x, y, words, style="text", anchor="start"):
    return '<text class="%s" x="%.1f" y="%.1f" text-anchor="%s">%s</text>' % (
        style, x, y, anchor, escape(words))


def line(style, x1, y1, x2, y2):
    return '<line class="%s" x1="%.1f" y1="%.1f" x2="%.1f" y2="%.1f"/>' % (
        style, x1, y1, x2, y2)


class Scale:
    """From ratios to places."""

    def __init__(self, ratios):
        least, most = min([1, *ratios]), max([1, *ratios])
        self.ticks = [t for t in TICKS if least / 2 <= t <= most * 2] or [1]
        self.low = math.log(min(least, self.ticks[0]) * 0.9)
        self.high = math.log(max(most, self.ticks[-1]) * 1.1)

    def __call__(self, ratio):
        part = (math.log(ratio) - self.low) / (self.high - self.low)
        return LEFT + part * (RIGHT - LEFT)


def kind_of(row):
    names = {MINE: "mine", STATIC: "static", INCUMBENT: "incumbent"}
    return names.get(row.name, row.kind)


def marks(table):
    """Kind, ratio and name: of the item's first shape, ours last, on top."""
    shape = table.item.shapes[0]
    order = [name for name, _ in reversed(LEGEND)]
    found = []
    for row in table.rows:
        limit = table.limit(row)
        if (row.done and row.valid and limit is not None and limit.valid
                and row.kind != LIMIT and row.shape == shape
                and kind_of(row) in order):
            ratio = row.ratio(limit).median
            found.append((kind_of(row), ratio,
                          "%s: %.2f" % (row.name, ratio)))
    return sorted(found, key=lambda each: order.index(each[0]))


def places(tables):
    """Each table with the height of its row, and the heads of sections."""
    y, section = TOP + 14, None
    for table in tables:
        if table.item.section != section:
            section = table.item.section
            y += HEAD
            yield y, SECTIONS[section].split(":")[0], None
            y += ROW
        yield y, table.item.title, table
        y += ROW


def legend(kinds):
    x, found = 24, []
    for kind, words in LEGEND:
        if kind not in kinds:
            continue
        found += [mark(kind, x + 7, 62), text(x + 20, 66.5, words, "faint")]
        x += 44 + 7.2 * len(words)
    return found


def grid(scale, bottom):
    found = []
    for tick in scale.ticks:
        x = scale(tick)
        found += [line("limit" if tick == 1 else "grid", x, TOP, x, bottom),
                  text(x, TOP - 8, "%g×" % tick, "faint", "middle")]
    return found


def head(y, words):
    return [text(24, y + 4.5, words, "text name")]


def row(scale, y, words, table):
    return [text(36, y + 4.5, words),
            *(mark(kind, scale(ratio), y, title)
              for kind, ratio, title in marks(table))]


def document(height, body):
    size = (WIDTH, height)
    return ('<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 %d %d" '
            'width="%d" height="%d" role="img">\n<style>%s</style>\n'
            '<rect class="ground" width="100%%" height="100%%"/>\n%s\n'
            '</svg>\n' % (*size, *size, STYLE, "\n".join(body)))


def draw(tables):
    """The whole chart."""
    shown = [table for table in tables.values()
             if table.item.chart and marks(table)]
    every = [each for table in shown for each in marks(table)]
    scale = Scale([ratio for _, ratio, _ in every])
    lines = list(places(shown))
    bottom = (lines[-1][0] if lines else TOP) + ROW
    body = [text(24, 34, "What it costs the server, as a multiple of the "
                 "limit (1×): further left is less", "text name"),
            *legend({kind for kind, _, _ in every}), *grid(scale, bottom)]
    for y, words, table in lines:
        body += row(scale, y, words, table) if table else head(y, words)
    return document(bottom + 20, body)
