"""Attacks on compressed messages, section C: what is inflated counts, not what
has come, and no stream of bytes does more than end its connection.
"""

import functools
import itertools
import random
import re
import time
import zlib

import attack
import test_compression
from attack import Once, program_under_test, sanitized_binary
from deflating import RSV1, Deflating, P
from rawclient import (BINARY, CONTINUATION, TEXT, Connection, Violation,
                       close, frame)
from frames import used
from server import Listener, binary
from test_memory import mib, private
from ws_test import PATIENCE, eventually, in_parallel, worker, workers

KIBIBYTE, MEBIBYTE = 1 << 10, 1 << 20
LIMIT = 16 * MEBIBYTE
BEYOND = 16 * KIBIBYTE + 4096   # bytes, with the page that malloc(3) adds
SINK = ["sh", "-c", "exec cat >/dev/null"]
OFFER = "Sec-WebSocket-Extensions: " + P


def squeezed(parts, level=9, strategy=zlib.Z_DEFAULT_STRATEGY):
    """A compressed message of these parts."""
    squeeze = zlib.compressobj(level, zlib.DEFLATED, -15, 9, strategy)
    data = b"".join(map(squeeze.compress, parts))
    return (data + squeeze.flush(zlib.Z_SYNC_FLUSH))[:-4]


def bomb(size):
    return squeezed(itertools.repeat(bytes(MEBIBYTE), size // MEBIBYTE))


def in_frames(opcode, data, size=None):
    """A compressed message in frames of this size."""
    size = size or max(1, len(data))
    parts = [data[at:at + size] for at in range(0, len(data), size)] or [b""]
    return b"".join(frame(CONTINUATION if i else opcode, part,
                          fin=i == len(parts) - 1, rsv=0 if i else RSV1)
                    for i, part in enumerate(parts))


# C1: bombs.

def end_of(connection):
    """Code of the Close that comes, and bytes of messages before it."""
    got = 0
    while event := connection.frame(PATIENCE):
        if event.opcode == 8:
            return int.from_bytes(event.payload[:2], "big"), got
        got += len(event.payload)
    return None, got


@functools.cache
def bombs():
    """Names and frames."""
    return list(made_bombs())


def made_bombs():
    giant = bomb(1 << 30)
    yield "1 GiB of zeros", in_frames(BINARY, giant)
    yield "1 GiB in frames of 1000 bytes", in_frames(BINARY, giant, 1000)
    yield "64 MiB, a byte in each frame", in_frames(BINARY, bomb(1 << 26), 1)
    yield "1 GiB of text", in_frames(TEXT, squeezed(
        itertools.repeat(b"a" * MEBIBYTE, 1 << 10)))
    yield "1 GiB in fixed codes", in_frames(BINARY, squeezed(
        itertools.repeat(bytes(MEBIBYTE), 1 << 10), strategy=zlib.Z_FIXED))


def used_by_inflating(size):
    """Seconds that zlib itself takes here, the least of five times."""
    data, least = bomb(size), 1.0
    for _ in range(5):
        began = time.process_time()
        inflater = zlib.decompressobj(-15)
        while data and inflater.decompress(data, 65536):
            data = inflater.unconsumed_tail
        least = min(least, time.process_time() - began)
        data = bomb(size)
    return least


def bombs_cost_little(row):
    """CPU and what comes out of them."""
    yardstick = max(0.005, 2 * used_by_inflating(LIMIT))
    for name, data in bombs():
        for operands in (["discard:"], SINK, ["echo:"]):
            costs = []
            for _ in range(3):
                with Listener(operands, ["--compress", "--max-message",
                                         "16M"]) as server, \
                        Deflating(server.connect(), server.host) as client:
                    pid = worker(server)
                    began = used(pid)
                    client.send(data)
                    code, got = end_of(client)
                    costs.append(used(pid) - began)
            most = yardstick * (5 if operands == ["echo:"] else 1) \
                + 5e-7 * len(data)
            row.ok(code == 1009 and got <= LIMIT, "%s, %s: 1009"
                   % (operands[0], name), (code, got))
            row.ok(min(costs) < most, "%s, %s: %.1f ms of CPU"
                   % (operands[0], name, 1000 * min(costs)), costs)
    row.tried("bombs of 64 MiB and 1 GiB in 5 forms at a limit of 16 MiB")


MAPPED = re.compile(r"(mmap|munmap|brk|mremap)\((.*?)\)\s+= (0x\w+|\d+)")


def most_mapped(lines):
    """The most memory that a process had from the kernel by these calls."""
    pieces, first, total, most = {}, None, 0, 0
    for call, text, result in MAPPED.findall("\n".join(lines)):
        args, result = text.split(", "), int(result, 0)
        if call == "brk":
            first = first or result
            pieces["brk"] = result - first
        elif call == "mmap":
            pieces[result] = int(args[1])
        elif call == "munmap":
            pieces.pop(int(args[0], 0), None)
        else:
            pieces.pop(int(args[0], 0), None)
            pieces[result] = int(args[2])
        total = sum(pieces.values())
        most = max(most, total)
    return most


def mapped_for(data):
    """The most memory of a worker that is sent this."""
    with Once(["strace", "-qq", "-e", "trace=mmap,munmap,brk,mremap",
               binary(), "--compress", *SINK]) as server, \
            Deflating(server.sock, "localhost") as client:
        client.send(data + close(1000))
        code = end_of(client)[0]
        attack.end_of(client.sock)
        server.wait()
        return most_mapped(server.log()), code


def bombs_hold_little(row):
    """Beside what a small message takes, in as many bytes, and the limit."""
    least, code = mapped_for(in_frames(
        BINARY, b"\0\0\0\xff\xff" * 200_000 + squeezed([b"a" * 1000])))
    honest, _ = mapped_for(in_frames(BINARY, bomb(LIMIT)))
    row.ok(code == 1000 and honest > least + LIMIT / 2,
           "a message of 16 MiB is seen: %s" % mib(honest - least), code)
    most = 0
    for name, data in bombs()[:2]:
        held, code = mapped_for(data)
        most = max(most, held - least - LIMIT)
        row.ok(code == 1009 and held - least - LIMIT <= BEYOND,
               "%s: %d bytes beside the limit" % (name, held - least - LIMIT),
               code)
    row.tried("which then hold %d bytes more than the limit", most)


def bombs_are_stopped(row):
    bombs_cost_little(row)
    bombs_hold_little(row)


# C2: one byte more.

LIMITS = [1, 2, 100, 4095, 4096, 16383, 16384, 16385, 32768, 65535, 65536,
          65537, 1_000_000]


def contents(size):
    """Payloads that compress well, badly and not at all."""
    chance = random.Random(size)
    yield "zeros", bytes(size), 9
    yield "random bytes", chance.randbytes(size), 9
    yield "stored", chance.randbytes(size), 0
    yield "few letters", bytes(chance.choices(b"ab", k=size)), 1


def limit_is_exact(row):
    count = 0
    for limit in LIMITS:
        with Listener(["echo:"], ["--compress", "--max-message",
                                  str(limit)]) as server:
            for size in (limit - 1, limit, limit + 1, limit + 2):
                for name, payload, level in contents(size):
                    for cut in (None, 1 if size < 5000 else 4097):
                        count += 1
                        passed = passes(server, payload, level, cut)
                        row.ok(passed == (size <= limit),
                               "%d bytes of %s, limit %d: %s" % (
                                   size, name, limit, "whole" if size <= limit
                                   else "1009"), passed)
    row.tried("%d messages of a byte less, as many, one and two more than %d "
              "limits", count, len(LIMITS))


def passes(server, payload, level, cut):
    """Whether it comes back whole; False if 1009 came and no end of it."""
    with Deflating(server.connect(), server.host) as client:
        data = squeezed([payload], level) or b"\0"
        client.send(in_frames(BINARY, data, cut))
        got, inflated = b"", None
        while event := client.frame(PATIENCE):
            if event.opcode == 8:
                return event.payload[:2] != b"\x03\xf1"
            got += event.payload
            inflated = bool(event.rsv) if inflated is None else inflated
            if event.fin:
                break
        if inflated:
            got = client.inflater.decompress(got + b"\0\0\xff\xff")
        return got == payload


# C3: terms.

VALUES = ["", "=", "=8", "=08", "=9", "=+9", "=-9", "=010", "=12", "=15",
          "=16", "=7", "=0", "=256", "=1e1", "=0x9", '="10"', '="1\\0"',
          "=10a", "=4294967305", "=18446744073709551625", "=true"]
TERMS = ["server_no_context_takeover", "client_no_context_takeover",
         "server_max_window_bits", "client_max_window_bits"]


def offers():
    for term in [*TERMS, "unknown", "SERVER_MAX_WINDOW_BITS", ""]:
        for value in VALUES:
            yield "%s; %s%s" % (P, term, value)
            yield "%s; %s%s; %s%s" % (P, term, value, term, value)
            yield "%s; %s%s, %s" % (P, term, value, P)
    for first, second in itertools.product(TERMS, TERMS):
        yield "%s; %s=10; %s=9" % (P, first, second)
        yield "%s; %s; %s" % (P, first, second)
    yield from ("", P.upper(), P + ";", P + "; ;", P + "=1", ";" + P,
                P + " x", '"%s"' % P, P + "," * 5000, (P + ",") * 500 + P)


BITS = re.compile(r"[89]|1[0-5]")


def is_proper(offer):
    """Whether RFC 7692 7.1 allows to accept one without a list: the oracle."""
    name, *terms = [part.strip() for part in offer.split(";")]
    seen = set()
    for term in terms:
        key, equals, value = term.partition("=")
        value = re.sub(r'^"(.*)"$', r"\1", value).replace("\\", "")
        if key not in TERMS or key in seen:
            return False
        seen.add(key)
        if "context" in key and equals:
            return False
        if key == "server_max_window_bits" and not BITS.fullmatch(value):
            return False
        if key == "client_max_window_bits" and equals \
                and not BITS.fullmatch(value):
            return False
    return name == P and "server_max_window_bits=8" not in offer


def answer_to(server, offer):
    """The status, and what is agreed; if it is, messages must pass."""
    sock = server.connect()
    try:
        with Deflating(sock, server.host, offer) as client:
            if client.answer is not None:
                client.say(TEXT, b"hello " * 50)
                if client.heard()[1] != b"hello " * 50:
                    return 101, "another message came back"
            return 101, client.answer
    except Violation as violation:
        return str(violation), None
    finally:
        sock.close()


def terms_are_checked(row):
    every = [offer for offer in offers() if offer]
    with program_under_test(sanitized_binary()), Listener(
            ["echo:"], ["--compress"], {"ASAN_OPTIONS": "detect_leaks=0"}) \
            as server:
        for offer, (status, answer) in zip(every, in_parallel(
                lambda offer: answer_to(server, offer), every)):
            allowed = "," in offer or is_proper(offer)
            row.ok(status in (101, "handshake answered with 400")
                   and (answer is None or allowed and answer.startswith(P)),
                   "offered %.70s: %s" % (offer, answer or "nothing"),
                   (status, answer))
        wrong = [line for line in server.log()
                 if "killed" in line or "anitizer" in line]
        row.ok(not wrong, "no process was killed", wrong)
    row.tried("%d offers", len(every))


# C4: streams that are damaged.

DAMAGED = 3000


def damaged(number):
    """A compressed message in which a few bits are wrong, or which is none."""
    chance = random.Random(number)
    data = bytearray(squeezed([bytes(chance.choices(
        b"abcdefgh", k=chance.choice([10, 300, 5000])))], chance.choice(
            [0, 1, 9]), chance.choice([0, 0, zlib.Z_FIXED])))
    for _ in range(chance.choice([1, 1, 2, 8])):
        data[chance.randrange(len(data))] ^= 1 << chance.randrange(8)
    if chance.random() < 0.2:
        del data[chance.randrange(len(data)):]
    if chance.random() < 0.1:
        data = bytearray(chance.randbytes(chance.choice([1, 5, 100])))
    return in_frames(BINARY, bytes(data), chance.choice([None, 1, 100]))


def damage_ends_one(row):
    with program_under_test(sanitized_binary()), Listener(
            ["echo:"], ["--compress", "--max-message", "100000"],
            {"ASAN_OPTIONS": "detect_leaks=0"}) as server:
        def play(number):
            with Deflating(server.connect(), server.host) as client:
                client.send(damaged(number) + close(1000))
                return end_of(client)[0]
        codes = in_parallel(play, range(DAMAGED))
        row.ok(set(codes) == {1000, 1007, 1009} or set(codes) == {1000, 1007},
               "damage: 1007, or nobody sees it", set(codes))
        row.ok(codes.count(1007) > DAMAGED / 4, "many are seen",
               codes.count(1007))
        wrong = [line for line in server.log()
                 if "killed" in line or "anitizer" in line]
        row.ok(not wrong, "no process was killed", wrong[:20])
    test_compression.test_wrong(row)
    row.tried("%d damaged messages, against sanitizers: %d are 1007", DAMAGED,
              codes.count(1007))


# C5: memory and time.

CROWD = 100
FIGURE = 144 * KIBIBYTE     # a connection that compresses and inflates


def memory_is_stated(row):
    with Listener(["echo:"], ["--compress"]) as server:
        clients = [Deflating(server.connect(), server.host)
                   for _ in range(CROWD)]
        for client in clients:
            client.say(TEXT, b"hello there " * 20)
            client.heard()
        busy = sum(map(private, workers(server))) / CROWD
        row.ok(busy < FIGURE, "%d that compress: %.0f KiB each"
               % (CROWD, busy / KIBIBYTE))
        time.sleep(1.5)
        quiet = sum(map(private, workers(server))) / CROWD
        row.ok(quiet < busy, "and %.0f KiB when they are quiet"
               % (quiet / KIBIBYTE), busy)
        for client in clients:
            client.sock.close()
        eventually(lambda: not workers(server))
    row.tried("%d connections that compress, %.0f KiB each", CROWD,
              busy / KIBIBYTE)


LOOPS = [("empty stored blocks", b"\0\0\0\xff\xff"),
         ("ends of the stream", b"\x03\0"), ("flushes", b"\x02\x08\x20\x80\0")]


def loops_are_linear(row):
    for name, part in LOOPS:
        costs = []
        for count in (20_000, 200_000):
            with Listener(["discard:"], ["--compress"]) as server, \
                    Deflating(server.connect(), server.host) as client:
                pid = worker(server)
                began = used(pid)
                client.send(in_frames(BINARY, part * count) + close(1000))
                end_of(client)
                costs.append((used(pid) - began) / count)
        row.ok(costs[1] < 2 * costs[0] + 1e-7 and costs[1] < 2e-6,
               "%s: %.0f ns each" % (name, 1e9 * costs[1]), costs)
    row.tried("200,000 empty blocks of %d kinds", len(LOOPS))


def little_is_held(row):
    with Listener(["echo:"]) as server, Connection(server.connect()) as client:
        row.ok("sec-websocket-extensions" not in client.handshake(
            server.host, extra=[OFFER]), "without --compress nothing is "
               "agreed to")
    memory_is_stated(row)
    loops_are_linear(row)


# C6: guesses.

def guesses_are_documented(row):
    """Whoever can have his own words compressed beside a secret sees by the
    size whether they are alike.  With --no-context-takeover they are beside
    each other in one message only."""
    secret, sizes = b"token=" + b"QWERTYUIOPASDFGH", {}
    for options in ([], ["--no-context-takeover"]):
        with Listener(["echo:"], ["--compress", *options]) as server, \
                Deflating(server.connect(), server.host) as client:
            client.say(TEXT, secret * 4)
            client.heard()
            for guess in (secret, b"token=" + b"0987654321zyxwvu"):
                client.say(TEXT, (guess + bytes(range(48, 112))))
                _, said, size = client.heard()
                sizes[bool(options), guess == secret] = size or len(said)
    row.ok(sizes[True, True] >= sizes[True, False],
           "--no-context-takeover: a guess tells nothing of other messages",
           sizes)
    with open("man/ws-cgi.8") as f:
        text = re.sub(r"\s+", " ", f.read())
    said = text.partition(".It Fl -no-context-takeover ")[2]
    row.ok("secret" in said.partition(".It Fl")[0], "the manual says so")
    row.tried("guesses at a secret that was sent before, with and without "
              "--no-context-takeover")


ATTACKS = [
    ("C1", "a bomb is stopped at the limit: 16 KiB more memory and 5 ms of "
     "CPU for 16 MiB at most", bombs_are_stopped),
    ("C2", "the limit is exact for what is inflated, and nothing is cut off",
     limit_is_exact),
    ("C3", "terms that RFC 7692 does not allow are not agreed to",
     terms_are_checked),
    ("C4", "a damaged stream ends its connection and nothing else",
     damage_ends_one),
    ("C5", "compression is off unless asked for, costs what it is said to, "
     "and time in proportion", little_is_held),
    ("C6", "what compression gives away is documented, and may be turned off",
     guesses_are_documented),
]

if __name__ == "__main__":
    attack.main(ATTACKS)
