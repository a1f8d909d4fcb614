"""Why a peer is better, where it is: by what the work turns on, and by the
kind of the peer. The report takes from here what its figures call for.
"""

LOOP, EACH, PROXY = "loop", "process per connection", "proxy"
KINDS = {LOOP: "an event loop", EACH: "a process for each connection",
         PROXY: "a proxy"}

REASONS = {
    ("wait", LOOP): "With one connection a loop has nothing to choose from, "
    "and what is left are the calls for each message and the code between "
    "them.",
    ("switch", LOOP): "An event loop answers all connections from one process "
    "that hardly sleeps. A process for each is woken for each message, and "
    "to switch to it costs more than the message does. The limit pays that "
    "as well.",
    ("batch", LOOP): "The processes are still switched between, though less "
    "often, since each finds several messages when it is woken; a loop does "
    "not switch at all.",
    ("copy", LOOP): "At this size the work is copying. A loop has one set of "
    "buffers, which stays in the cache, and can have it large; a process for "
    "each connection has its own.",
    ("program", EACH): "Its process is there before the connection is; ours "
    "is made for it, beside the program.",
    ("start", LOOP): "To an event loop a connection is an entry in a table; "
    "here it is a process that is made, confined and ends. The limit is not "
    "confined; `make bench-confinement` prints what that costs.",
    ("start", PROXY): "Behind it stands the bare echo, which is the limit "
    "itself, and the handshake is made in front of it by an event loop.",
    ("memory", LOOP): "An event loop has one stack and one set of page tables "
    "for all. A process for each connection has its own, which are most of "
    "what it needs.",
    ("memory", PROXY): "Behind it stands the bare echo, which is the limit "
    "itself; to the event loop in front a connection is an entry in a table.",
    ("memory", EACH): "It holds all connections in one process, and has one "
    "more for each of them, the program; here are two.",
}
UNKNOWN = "Why is not known."


def explained(item, better):
    """A line for each kind of peer that is better in an item, with the reason.
    better has rows, and which part of ours each needs."""
    kinds = {}
    for row, ratio in sorted(better, key=lambda each: each[1]):
        kinds.setdefault(row.kind, []).append("%s (%.2f)" % (row.name, ratio))
    return ["%s, %s: %s" % (", ".join(names), KINDS[kind],
                            REASONS.get((item.why, kind), UNKNOWN))
            for kind, names in kinds.items()]
