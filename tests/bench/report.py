"""The report, REPORT.md, and its chart: all that is said in it comes from the
results, or is an explanation of what they mean.
"""

import os

import chart
import figures
import reasons
from items import ITEMS, MINE, SECTIONS, STATIC
from tables import ACROSS, across, failures, judged, markdown, number, \
    of_memory, of_time, ratio, spread
from words import BYTES, END, INTRODUCTION, SCALE, WORDS


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


def rounds(found):
    """The most that any server was asked to."""
    return max(len(each["runs"]) for item in found["items"].values()
               for each in item["servers"].values())


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
            least = "" if each.least is None else spread(each.least, ratio)
            cells = rows.setdefault((suffix, beside), {"least": least})
            cells[build] = verdict_cell(each)
        for (suffix, beside), cells in rows.items():
            yield [title(table, suffix), beside, cells.get(MINE, ""),
                   cells.get(STATIC, ""), cells["least"]]


def bars_part(tables):
    return "\n\n".join([
        "## The bars", "What ws-cgi is to keep to: so many times what another "
        "needs for the same, or so many KiB. Each figure has its bar behind "
        "it; in the last column stands what the limit has in its place, where "
        "that is not what it is beside. Nothing fails by it.",
        markdown(["work", "beside", MINE, STATIC, "the limit"],
                 verdict_rows(tables))])


def page(found):
    tables = figures.tables(ITEMS, found)
    parts = [INTRODUCTION % {
        "when": dates(found), "rounds": rounds(found),
        "machine": machine_words(found), "servers": servers_words(found)},
        bars_part(tables)]
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
