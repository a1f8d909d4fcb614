"""The 216 cases of Autobahn|Testsuite's groups 12 and 13: permessage-deflate
with its default offer and five kinds of data, and with seven offers.

    test_autobahn_deflate.py [--all] [--cases GLOB] [--server echo|handler]

The sizes, types, frames and offers are Autobahn's, and its data are stood in
for by others of the same size and kind.  Of each case's 1,000 messages as many
are sent as 2 MiB hold, or, with --all, all.  One after another must come back,
the same to its last byte.
"""

import argparse
import concurrent.futures
import fnmatch
import os
import random
from functools import lru_cache

from deflating import Deflating, P
from rawclient import BINARY, TEXT, Violation, close
from server import Listener, Tcpserver, same_descriptors
from tap import Tap

MESSAGES, ENOUGH, LEAST = 1000, 2 << 20, 8
K = 1024
SHAPES = [(size, None) for size in (
    16, 64, 256, K, 4 * K, 8 * K, 16 * K, 32 * K, 64 * K, 128 * K)] + [
    (size, 256) for size in (8 * K, 16 * K, 32 * K, 64 * K, 128 * K)] + [
    (128 * K, K), (128 * K, 4 * K), (128 * K, 32 * K)]
OFFER = P + "; client_no_context_takeover; client_max_window_bits"
ALONE, NINE, FIFTEEN = ("; server_no_context_takeover",
                        "; server_max_window_bits=9",
                        "; server_max_window_bits=15")
# Offers of group 13, and what the answer has to hold.
OFFERS = [
    (OFFER, []),
    (OFFER + ALONE, [ALONE]),
    (OFFER + NINE, [NINE]),
    (OFFER + FIFTEEN, ["; server_max_window_bits="]),
    (OFFER + ALONE + NINE, [ALONE, NINE]),
    (OFFER + ALONE + FIFTEEN, [ALONE, "; server_max_window_bits="]),
    (", ".join([OFFER + ALONE + NINE, OFFER + ALONE, OFFER]), [ALONE, NINE]),
]
WORDS = """habe nun ach philosophie juristerei und medizin und leider auch
theologie durchaus studiert mit heißem bemühn da steh ich nun ich armer tor
und bin so klug als wie zuvor""".split()


def json_text(chance, size):
    text = ""
    while len(text) < size:
        text += '{"id":%d,"name":"%s %s","tags":["%s"],"at":%.4f},\n' % (
            len(text), *chance.choices(WORDS, k=3), chance.random())
    return text[:size]


def html(chance, size):
    text = ""
    while len(text) < size:
        text += '<p class="%s"><a href="/%d">%s</a></p>\n' % (
            chance.choice(WORDS), chance.randrange(1000),
            " ".join(chance.choices(WORDS, k=12)))
    return text[:size]


def prose(chance, size):
    return " ".join(chance.choices(WORDS, k=size // 3)).encode()[:size]


def bitmap(chance, size):
    return bytes((x // 512 + x % 512 + chance.randrange(8)) % 256
                 for x in range(size))


def document(chance, size):
    data = b""
    while len(data) < size:
        data += b"%d 0 obj\n<< /Length 900 >>\nstream\n" % len(data) \
            + chance.randbytes(900) + b"\nendstream\nendobj\n"
    return data[:size]


DATA = [(json_text, 194_056), (bitmap, 263_222), (prose, 222_218),
        (html, 263_647), (document, 1_042_328)]


@lru_cache(maxsize=None)
def data_set(number):
    make, size = DATA[number]
    return make(random.Random(number), size)


def slices(data, size):
    """Pieces, one behind the other, and from the beginning again; of text,
    they are counted in characters."""
    doubled = data + data[:size]
    at = 0
    while True:
        yield doubled[at:at + size]
        at = (at + size) % len(data)


def table():
    """Each case's id: its offer, what the answer must hold, its data and
    shape."""
    cases = {}
    for n in range(len(DATA)):
        for k, shape in enumerate(SHAPES, 1):
            cases["12.%d.%d" % (n + 1, k)] = (OFFER, [], n, shape)
    for n, (offer, wanted) in enumerate(OFFERS, 1):
        for k, shape in enumerate(SHAPES, 1):
            cases["13.%d.%d" % (n, k)] = (offer, wanted, 0, shape)
    return cases


def play(target, case, messages):
    """None, or what went wrong."""
    offer, wanted, number, (size, fragment) = case
    pieces = slices(data_set(number), size)
    with Deflating(target.connect(), target.host, offer) as client:
        if client.answer is None or any(
                term not in client.answer for term in wanted):
            return "the answer is %s" % client.answer
        for i in range(messages(size)):
            piece = next(pieces)
            opcode = TEXT if isinstance(piece, str) else BINARY
            payload = piece.encode() if opcode == TEXT else piece
            client.say(opcode, payload, size=fragment)
            if client.heard()[:2] != (opcode, payload):
                return "message %d comes back as another" % i
        client.send(close(1000))
        end = client.event()
        if end != ("close", 1000, b"") or client.event() != ("eof",):
            return "it ends with %r" % (end,)
    return None


def judged(target, case, messages):
    try:
        return play(target, case, messages)
    except (AssertionError, OSError, Violation) as error:
        return repr(error)


def start(name):
    if name == "echo":
        return Listener(["echo:"], ["--compress"])
    return Tcpserver([os.path.abspath(os.environ.get(
        "WS_HANDLER", "build/examples/echo"))], {})


def parse():
    parser = argparse.ArgumentParser(
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--all", action="store_true")
    parser.add_argument("--cases", default="*", metavar="GLOB")
    parser.add_argument("--server", choices=("echo", "handler"))
    return parser.parse_args()


def main():
    options, tap = parse(), Tap()

    def messages(size):
        return MESSAGES if options.all else \
            max(LEAST, min(MESSAGES, ENOUGH // size))

    cases = {name: case for name, case in table().items()
             if fnmatch.fnmatchcase(name, options.cases)}
    for name in [options.server] if options.server else ["echo", "handler"]:
        with same_descriptors(), start(name) as target, \
                concurrent.futures.ThreadPoolExecutor(2) as pool:
            work = [(case, pool.submit(judged, target, cases[case], messages))
                    for case in cases]
            for case, result in work:
                wrong = result.result()
                tap.ok(wrong is None, "%s %s" % (name, case), wrong)
    tap.ok(options.cases != "*" or len(cases) == 216, "216 cases, each by its "
           "id", len(cases))
    tap.finish()


if __name__ == "__main__":
    main()
