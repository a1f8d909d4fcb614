"""permessage-deflate, RFC 7692: what is agreed to, messages both ways with all
windows and without context, what breaks its rules, and limits that hold while
a message is inflated.  The other side is Python's zlib, python3-websockets,
node's ws and Chromium.
"""

import asyncio
import contextlib
import json
import random
import zlib

import websockets
from websockets.extensions.permessage_deflate import (
    ClientPerMessageDeflateFactory)

from browser import Browser
from deflating import RSV1, Deflating, P
from rawclient import BINARY, CONTINUATION, PING, TEXT, close, frame
from server import Listener, same_descriptors
from tap import Tap
from ws_test import eventually
from test_clients import MADE, NETSTRING_ECHO, Node, Python, ws_url

HELLO = bytes.fromhex("f248cdc9c90700")


def compressing(operands, options=()):
    return Listener(operands, ["--compress", "--max-source", "1000", *options])


# Offers, and the answers of a server with the defaults.
OFFERS = [
    (P, P + "; server_max_window_bits=12"),
    (P + "; client_max_window_bits",
     P + "; server_max_window_bits=12; client_max_window_bits=12"),
    (P + "; server_max_window_bits=10; client_max_window_bits=9",
     P + "; server_max_window_bits=10; client_max_window_bits=9"),
    (P + "; server_no_context_takeover; client_no_context_takeover",
     P + "; server_no_context_takeover; client_no_context_takeover"
     "; server_max_window_bits=12"),
    (P + "; server_max_window_bits=8, " + P,
     P + "; server_max_window_bits=12"),
    ("x-other, " + P + "; unknown, " + P + "; server_max_window_bits=9",
     P + "; server_max_window_bits=9"),
    (P + "; server_max_window_bits=8", None),
    (P + "; client_max_window_bits=16", None),
    ("x-webkit-deflate-frame", None),
    (None, None),
]


def test_offers(tap):
    with compressing(["echo:"]) as server:
        for offer, answer in OFFERS:
            with Deflating(server.connect(), server.host, offer) as client:
                tap.ok(client.answer == answer, "offered: %s" % offer,
                       client.answer)
    with Listener(["echo:"]) as server:
        with Deflating(server.connect(), server.host) as client:
            tap.ok(client.answer is None,
                   "without --compress, nothing is agreed", client.answer)
            client.send(frame(TEXT, HELLO, rsv=RSV1))
            tap.ok(client.event()[:2] == ("close", 1002),
                   "and a compressed message breaks the protocol")
    with compressing(["echo:"], ["--compress-window", "15",
                                 "--no-context-takeover"]) as server:
        with Deflating(server.connect(), server.host,
                       P + "; client_max_window_bits") as client:
            tap.ok(client.answer == P + "; server_no_context_takeover"
                   "; client_no_context_takeover",
                   "a window of 15, no context", client.answer)


def texts(seed, count):
    """Messages that compress, and some that do not, of all sizes."""
    chance = random.Random(seed)
    for i in range(count):
        size = chance.choice([0, 1, 63, 64, 100, 1000, 5000, 70_000, 300_000])
        if i % 5 == 4:
            yield BINARY, chance.randbytes(size)
        else:
            yield TEXT, (b"%d bottles of beer " % i * (size // 19 + 1))[:size]


TAKEOVERS = ["", "; server_no_context_takeover",
             "; client_no_context_takeover",
             "; server_no_context_takeover; client_no_context_takeover"]


def converse(server, offer, seed, count):
    """Echoes; returns what went wrong, and how small the texts became that
    were compressed."""
    came = sent = 0
    with Deflating(server.connect(), server.host, offer) as client:
        for i, (opcode, payload) in enumerate(texts(seed, count)):
            if i % 7 == 6:
                client.send(frame(opcode, payload))
            else:
                client.say(opcode, payload, 1 + i % 4)
            got, data, size = client.heard()
            if (got, data) != (opcode, payload):
                return "message %d of %d bytes" % (i, len(payload)), 0
            if size is not None and opcode == TEXT:
                came, sent = came + size, sent + len(payload)
        client.send(close(1000))
        end = client.event()
    return (None if end == ("close", 1000, b"") else end), came / (sent or 1)


def test_windows(tap):
    for options in ([], ["--compress-window", "15", "--compress-memory", "9",
                         "--compress-level", "9"],
                    ["--compress-window", "9", "--compress-memory", "1",
                     "--compress-level", "1"]):
        with compressing(["echo:"], options) as server:
            for window in range(9, 16):
                for number, takeover in enumerate(TAKEOVERS):
                    offer = "%s%s; server_max_window_bits=%d" \
                        "; client_max_window_bits=%d" % (
                            P, takeover, window, 24 - window)
                    wrong, ratio = converse(server, offer,
                                            window * 4 + number, 20)
                    tap.ok(wrong is None and 0 < ratio < 0.2,
                           "%s, %s" % (offer, " ".join(options)),
                           (wrong, ratio))


def test_bridges(tap):
    """Through programs the messages are the same."""
    for name, operands, options in (
            ("line", ["cat"], []),
            ("netstring", NETSTRING_ECHO, ["--format", "netstring"])):
        with compressing(operands, options) as server:
            with Deflating(server.connect(), server.host) as client:
                for payload in (b"short", b"long " * 1000, b"", b"x" * 200_000):
                    client.say(TEXT, payload, 3)
                    got = client.heard()
                    tap.ok(got[:2] == (TEXT, payload)
                           and (got[2] is None) == (len(payload) < 64),
                           "%s: %d bytes" % (name, len(payload)), got[2])


WRONG = [       # name, frames, close code
    ("RSV1 in a continuation", [frame(TEXT, HELLO, fin=False, rsv=RSV1),
                                frame(CONTINUATION, b"", rsv=RSV1)], 1002),
    ("RSV1 in a Ping", [frame(PING, b"x", rsv=RSV1)], 1002),
    ("RSV2", [frame(TEXT, HELLO, rsv=2)], 1002),
    ("no block of RFC 1951", [frame(TEXT, b"\x07", rsv=RSV1)], 1007),
    ("half a message", [frame(TEXT, HELLO[:3], rsv=RSV1)], 1007),
    ("a text that is not UTF-8 when it is inflated",
     [frame(TEXT, b"\x00\x01\x00\xfe\xff\xff\x00", rsv=RSV1)], 1007),
    ("a text that ends inside a character",
     [frame(TEXT, b"\x00\x01\x00\xfe\xff\xc3\x00", rsv=RSV1)], 1007),
]


def test_wrong(tap):
    with compressing(["cat"]) as server:
        for name, frames, code in WRONG:
            with Deflating(server.connect(), server.host) as client:
                client.send(b"".join(frames))
                event = client.event()
                tap.ok(event is not None and event[:2] == ("close", code),
                       "%s: %d" % (name, code), event)


def bomb(size):
    squeeze = zlib.compressobj(9, zlib.DEFLATED, -15)
    data = b"".join(squeeze.compress(bytes(1 << 20))
                    for _ in range(size >> 20))
    return (data + squeeze.flush(zlib.Z_SYNC_FLUSH))[:-4]


def test_limit(tap):
    """What is inflated counts, and no more of it is made."""
    for limit, operands in (("100000", ["echo:"]), ("1M", ["cat"]),
                            ("100000", ["discard:"])):
        with compressing(operands, ["--max-message", limit]) as server:
            with Deflating(server.connect(), server.host) as client:
                client.send(frame(BINARY, bomb(64 << 20), rsv=RSV1))
                event = client.event()
                while event and event[0] == "binary":
                    event = client.event()
                tap.ok(event is not None and event[:2] == ("close", 1009),
                       "--max-message %s %s: a bomb is refused with 1009"
                       % (limit, operands[0]), event)
            with Deflating(server.connect(), server.host) as client:
                client.say(TEXT, b"a" * 99_999)
                if operands != ["discard:"]:
                    tap.ok(client.heard()[1] == b"a" * 99_999,
                           "%s: a message below it passes" % operands[0])


def test_clients(tap):
    with compressing(NETSTRING_ECHO, ["--format", "netstring"]) as server:
        for client in (Python(), Node()):
            for name in MADE:
                seen = client.play("echo", ws_url(server), name)
                tap.ok(seen["sent"] == seen["got"],
                       "%s: %s" % (client.name, name), seen)
            seen = client.play("fragments", ws_url(server))
            tap.ok(seen["sent"] == seen["got"],
                   client.name + ": fragments", seen)


# Real clients on all terms.  That messages were compressed, both ways, is what
# --verbose shows of the frames: a client might offer, and send them plain.

def shown(server, way):
    """How many compressed messages are in the log that went this way."""
    return sum(" %s text" % way in line and " rsv1" in line
               for line in server.log())


@contextlib.contextmanager
def counting(server):
    """Counts those of a block: received, and sent."""
    before, counts = (shown(server, "<"), shown(server, ">")), []
    ends = len(closed(server))
    yield counts
    eventually(lambda: len(closed(server)) > ends)
    counts += [shown(server, "<") - before[0], shown(server, ">") - before[1]]


def closed(server):
    return [line for line in server.log() if " proto=" in line]


NUMBERS = ["".join("%8d" % (i * i % 9973) for i in range(size // 8))
           for size in (64, 5000, 100_000)]


async def python_texts(url, terms):
    """What was agreed to, and how many texts came back."""
    names = {"server": "server_max_window_bits",
             "client": "client_max_window_bits"}
    offer = ClientPerMessageDeflateFactory(
        "server_no" in terms["flags"], "client_no" in terms["flags"],
        **{name: terms[side] for side, name in names.items()},
        compress_settings={"memLevel": 5})
    async with websockets.connect(url, extensions=[offer], compression=None,
                                  max_size=1 << 20) as ws:
        same = 0
        for text in NUMBERS:
            await ws.send(text)
            same += await ws.recv() == text
        return ws.response_headers.get("Sec-WebSocket-Extensions", ""), same


def by_python(url, terms):
    return asyncio.run(asyncio.wait_for(python_texts(url, terms), 30))


def by_node(url, terms):
    seen = Node().play("deflate", url, json.dumps({
        **{flag.replace("_no", "NoContextTakeover"): True
           for flag in terms["flags"]},
        "serverMaxWindowBits": terms["server"],
        "clientMaxWindowBits": terms["client"], "threshold": 0}))
    return seen["answer"], seen["same"]


FORGETS = [set(), {"server_no"}, {"client_no"}, {"server_no", "client_no"}]


def offers():
    """All windows, one way in full where the other is short; and takeovers."""
    for bits in range(9, 16):
        for flags in FORGETS:
            yield {"server": bits, "client": 24 - bits, "flags": flags}


def is_agreed(answer, terms, window, forget):
    """Whether the answer says what was asked for, or less where the server
    wants that."""
    said = {part.strip() for part in answer.split(";")}
    wanted = {P, "server_max_window_bits=%d" % min(terms["server"], window)}
    if min(terms["client"], window) < 15:
        wanted.add("client_max_window_bits=%d" % min(terms["client"], window))
    for side in "server", "client":
        if forget or side + "_no" in terms["flags"]:
            wanted.add(side + "_no_context_takeover")
    return said == wanted


def check_client(tap, server, name, play, wants):
    for terms in offers():
        with counting(server) as compressed:
            answer, same = play(ws_url(server), terms)
        agreed = is_agreed(answer, terms, *wants)
        tap.ok(agreed and same == 3 and compressed == [3, 3],
               "%s, windows %d and %d, %s: agreed, and compressed both ways"
               % (name, terms["server"], terms["client"],
                  " ".join(sorted(terms["flags"])) or "context"),
               (answer, same, compressed))


SERVERS = [     # options, the window and the takeover that the server wants
    (["--compress-window", "15"], (15, False)),
    (["--compress-window", "10", "--no-context-takeover"], (10, True)),
]


def test_matrix(tap):
    for options, wants in SERVERS:
        with compressing(["echo:"], [*options, "--verbose"]) as server:
            check_client(tap, server, "websockets", by_python, wants)
            check_client(tap, server, "node ws", by_node, wants)


def test_eight(tap):
    """A window of 8 bits is declined for us, and for a client not named."""
    with compressing(["echo:"], ["--verbose"]) as server:
        for name, play in (("websockets", by_python), ("node ws", by_node)):
            terms = {"server": 8, "client": 15, "flags": set()}
            with counting(server) as compressed:
                answer, same = play(ws_url(server), terms)
            tap.ok((answer, same, compressed) == ("", 3, [0, 0]),
                   name + ": a server's window of 8 is declined, and all is "
                   "plain", (answer, same, compressed))
        with counting(server) as compressed:
            answer, same = by_node(ws_url(server), {
                "server": 15, "client": 8, "flags": set()})
        tap.ok("client" not in answer and same == 3 and compressed == [3, 3],
               "node ws: its own window of 8 is its own affair",
               (answer, same, compressed))


BROWSER = """
const done = arguments[arguments.length - 1];
const ws = new WebSocket(arguments[0]);
ws.binaryType = "arraybuffer";
const sent = ["hello", "long ".repeat(50000), "", "Gr\\u00fc\\u00dfe ".repeat(100)];
const got = [];
ws.onopen = () => sent.forEach((text) => ws.send(text));
ws.onmessage = (event) => {
    got.push(event.data);
    if (got.length === sent.length)
        done([ws.extensions, got.every((text, i) => text === sent[i])]);
};
ws.onclose = () => done(["closed", false]);
"""


def test_browser(tap):
    with compressing(["echo:"], ["--console", "--origin", "*",
                                 "--verbose"]) as server:
        browser = Browser()
        try:
            browser.open("http://%s/" % server.host)
            seen = browser.run_async(BROWSER, ws_url(server))
            tap.ok(seen == [P + "; server_max_window_bits=12"
                            "; client_max_window_bits=12", True],
                   "Chromium negotiates it, and echoes are right", seen)
            tap.ok(shown(server, "<") >= 3 and shown(server, ">") == 2,
                   "Chromium's messages are compressed, and ours to it",
                   (shown(server, "<"), shown(server, ">")))
        finally:
            browser.stop()


TESTS = [test_offers, test_windows, test_bridges, test_wrong, test_limit,
         test_clients, test_matrix, test_eight, test_browser]


def main():
    tap = Tap()
    with same_descriptors():
        for test in TESTS:
            test(tap)
    tap.finish()


if __name__ == "__main__":
    main()
