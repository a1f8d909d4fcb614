"""Memory that is not there, writes that are cut short, calls that are
interrupted, limits of the kernel: each fault is made by name, and one that did
not strike fails the test."""

import contextlib
import os
import random
import resource
import tempfile
import time
import zlib
from base64 import b64encode

import conversation
from conversation import OPTIONS, Inetd, play
from deflating import RSV1, Inflating, P
from rawclient import BINARY, CONTINUATION, TEXT, Connection, close, frame
from server import Listener, Server, binary, same_descriptors
from tap import Tap
from ws_test import (PATIENCE, eventually, parse_response, worker,
                     workers)

NETSTRING = ["--format", "netstring"]
MANY = 1000         # more allocations than any conversation makes


def library():
    """The library to preload."""
    build = os.environ.get("BUILD", "build")
    path = os.path.abspath(os.path.join(build, "tests", "shim_faults.so"))
    if not os.path.exists(path):
        raise FileNotFoundError(path)
    return path


def preloaded(fault, hits):
    """An environment that has nothing else, since it is copied at the start:
    the less there is, the fewer allocations."""
    return {"PATH": "/usr/bin:/bin", "LD_PRELOAD": library(),
            "SHIM_FAULT": fault, "SHIM_HITS": hits}


def bare(env, argv):
    """The command line that starts argv with this environment alone."""
    return ["env", "-i", *map("=".join, env.items()), *argv]


def hits_of(path):
    """The names of the calls that were struck, as often as by a process."""
    with contextlib.suppress(FileNotFoundError):
        with open(path, "rb") as f:
            return f.read().split(b"\0")[0].decode().split()
    return []


def hit(path):
    """The same, each once."""
    return set(hits_of(path))


class Faulty(Inetd):
    """The command with this fault."""

    def __init__(self, fault, argv):
        super().__init__([binary(), *argv])
        self.hits = self.path("hits")
        self.env = preloaded(fault, self.hits)


class FaultyListener(Listener):
    """The command, listening, with a fault in its environment."""

    def start(self, argv, env=None, stdout=None):
        super().start(bare(env, argv), None, stdout)


# Memory.

SERVICES = [    # name, options, operands
    ("echo:", [], ["echo:"]),
    ("line", [], ["cat"]),
    ("netstring", NETSTRING, ["cat"]),
    ("trust", ["--trust", "unix", "--trust", "10.0.0.0/8"], ["echo:"]),
]

# A filter for the events that may come back.
JSON_ECHO = ["sed", "-un", '/^{"event":"\\(text\\|binary\\)"/p']
# What reads a line, repeats it as an error, and then echoes.
ERRORS = ["sh", "-c", "read -r line; printf 'a\\377b\\n' >&2; exec cat"]
JSON_ERRORS = ["sh", "-c", "read -r open; read -r text; "
               "printf 'a\"\\377\\n' >&2; "
               'exec "$@"', "sh", *JSON_ECHO]
ERROR = conversation.exchange(TEXT, conversation.SMALL)[0]
END = conversation.STEPS[-1]
TWO_LINES = frame(TEXT, b"a\\b\nc")
WAYS = [        # in which messages pass: name, options, operands, steps
    ("escape", ["--newline", "escape"], ["cat"],
     [(TWO_LINES, ("text", b"a\\\\b\\nc")), *conversation.STEPS]),
    ("space", ["--newline", "space"], ["cat"],
     [(TWO_LINES, ("text", b"a\\b c")), *conversation.STEPS]),
    ("json", ["--format", "json"], JSON_ECHO,
     [conversation.exchange(TEXT, b'"\0"' * 1000),
      conversation.exchange(BINARY, bytes(70_000)), *conversation.STEPS]),
    ("raw", ["--format", "raw", "--text"], ["cat"],
     [conversation.STEPS[0], conversation.exchange(TEXT, b"raw" * 1000), END]),
    ("stderr", ["--stderr", "client"], ERRORS,
     [(ERROR, ("text", "stderr: a\ufffdb".encode())),
      conversation.STEPS[0], END]),
    ("json, stderr", ["--stderr", "client", "--format", "json"], JSON_ERRORS,
     [(ERROR, ("text", '{"event":"stderr","data":"a\\"\ufffd"}'.encode())),
      conversation.STEPS[0], END]),
]
# The client's word for the end, the exit status.
ENDS = {("right", 0), ("refused 503", 111), ("closed 1011", 111)}
WORDS = {word for word, _ in ENDS}
# Before there is a connection, and when the client is served but a program's
# last errors are lost, all that can be told is told on standard error.
BESIDE = {("silent", 100), ("silent", 111), ("right", 111)}


def without_memory(argv, number, steps, more=()):
    """What a conversation without its allocation of this number came to, what
    was logged, and whether there was such an allocation."""
    with Faulty("malloc:%d" % number, argv) as server:
        end = server.play(steps, [*conversation.LONG, *more])
        return end, server.log(), hit(server.hits)


def tells(log):
    return "memory" in "".join(log).lower()


def is_honest(end, log):
    return end in ENDS or end in BESIDE and tells(log)


def check_malloc(tap, name, argv, steps, more=()):
    """One allocation after the other: the clients' words."""
    words = set()
    for number in range(1, MANY):
        end, log, struck = without_memory([*OPTIONS, *argv], number, steps,
                                          more)
        if not struck:
            break
        words.add(end[0])
        tap.ok(is_honest(end, log), "%s: allocation %d finds no memory"
               % (name, number), (end, log))
    tap.ok(not struck and end == ("right", 0),
           name + ": a conversation with all its memory is right",
           (end, log))
    return words


def test_malloc(tap):
    for name, options, operands in SERVICES:
        words = check_malloc(tap, name, options + operands,
                             conversation.STEPS)
        tap.ok({"refused 503", "closed 1011"} <= words,
               name + ": memory was short before and after the 101", words)
    for name, options, operands, steps in WAYS:
        words = check_malloc(tap, name, options + operands, steps)
        tap.ok("closed 1011" in words, name + ": memory was short", words)


def test_malloc_users(tap):
    path = os.path.join(os.path.dirname(os.path.abspath(__file__)), "chat.")
    for name, secret in (
            ("users", "Basic " + b64encode(b"anna:sesam").decode()),
            ("tokens", "Bearer not-a-secret-token-of-a-robot")):
        os.chmod(path + name, 0o600)
        words = check_malloc(tap, name, ["--" + name, path + name, "echo:"],
                             conversation.STEPS, ["Authorization: " + secret])
        tap.ok("refused 503" in words, name + ": memory was short", words)


# A hook that says something of all kinds.
HOOK = r"printf Variable-REMOTE_USER:a\nVariable-ADMIT_A:b\nX-A:\040c\n"


REFUSING = r"printf Status:403\nX-A:\040b\n\nno"


def test_malloc_admit(tap):
    for hook, operand in ((HOOK, "echo:"), (HOOK, "cat"), ("true", "echo:")):
        words = check_malloc(tap, "%s and %s" % (hook.split()[0], operand),
                             ["--admit", hook, operand], conversation.STEPS)
        tap.ok("refused 503" in words, "memory was short", words)


def test_malloc_refusing(tap):
    """Who is not let in by a hook is not let in for want of memory."""
    argv = [*OPTIONS, "--admit", REFUSING, "echo:"]
    words = set()
    for number in range(1, MANY):
        end, log, struck = without_memory(argv, number, conversation.STEPS)
        if not struck:
            break
        words.add(end[0])
        tap.ok(end in (("refused 403", 1), ("refused 503", 111),
                       ("refused 503", 1)) or end in BESIDE and tells(log)
               or end == ("silent", 1) and tells(log),
               "a refusal: allocation %d finds no memory" % number,
               (end, log))
    tap.ok(end == ("refused 403", 1) and "refused 503" in words,
           "a refusal with all its memory is right", (end, words))


# Compression.  Of it memory is taken by malloc(3), and by mmap(2).

COMPRESSING = [     # name, options, operands
    ("compressed echo:", ["--compress"], ["echo:"]),
    ("compressed, no context",
     ["--compress", "--no-context-takeover", *NETSTRING], ["cat"]),
    ("compressed lines", ["--compress", "--compress-window", "15"], ["cat"]),
]
OFFER = ["Sec-WebSocket-Extensions: " + P
         + "; client_no_context_takeover"]
QUIET = 1.5         # s, in which a connection gives memory back


def squeezed(payload, cuts=1):
    """A text as a client that forgets compresses it, in so many frames."""
    deflater = zlib.compressobj(6, zlib.DEFLATED, -15)
    data = (deflater.compress(payload)
            + deflater.flush(zlib.Z_SYNC_FLUSH))[:-4]
    parts = conversation.cut(data, -(-len(data) // cuts))
    frames = [frame(CONTINUATION if i else TEXT, part, i == len(parts) - 1,
                    rsv=0 if i else RSV1) for i, part in enumerate(parts)]
    return b"".join(frames), ("text", payload)


def compressed_steps(quiet):
    """The usual conversation, compressed; perhaps with a silence in it."""
    yield squeezed(conversation.SMALL)
    yield squeezed(conversation.MIDDLE, 7)
    if quiet:
        time.sleep(QUIET)
    yield squeezed(conversation.LARGE)
    yield conversation.exchange(TEXT, conversation.MIDDLE)
    yield from conversation.STEPS[-2:]


def compressing_without_memory(argv, number, quiet):
    """As without_memory; and how many messages came compressed."""
    clients = []

    def client(sock):
        clients.append(Inflating(sock))
        return clients[0]

    with Faulty("malloc:%d" % number, argv) as server:
        end = server.play(compressed_steps(quiet), OFFER, client)
        return end, server.log(), hit(server.hits), clients[0].compressed


def check_compressing(tap, name, argv, first=1, quiet=False):
    """One allocation after the other, from the first on; returns the number
    of the first that was missed after the 101."""
    words, calls, opened = set(), set(), None
    for number in range(first, MANY):
        end, log, struck, came = compressing_without_memory(
            [*OPTIONS, *argv], number, quiet)
        if not struck:
            break
        words.add(end[0])
        calls |= struck
        if opened is None and end[0] == "closed 1011":
            opened = number
        tap.ok(is_honest(end, log)
               and (end[0] != "closed 1011" or tells(log)),
               "%s: allocation %d finds no memory, and the log says so"
               % (name, number), (end, log))
    tap.ok(not struck and end == ("right", 0) and came >= 3,
           name + ": with all its memory it is right, and compressed",
           (end, came, log))
    tap.ok("closed 1011" in words and "mmap" in calls,
           name + ": memory was short for zlib, too", (words, calls))
    return opened


def test_malloc_compressing(tap):
    for name, options, operands in COMPRESSING:
        opened = check_compressing(tap, name, options + operands)
    check_compressing(tap, name + ", after a silence", options + operands,
                      opened, True)


PAGES = [       # target, status, body
    ("/", 200, None), ("/page", 200, b"page\n" * 10000),
    ("/large", 200, b"page\n" * 100000), ("/page.d", 301, None),
    ("/nowhere", 404, None),
]


def page_without_memory(www, target, number):
    """What came of a request for a page, None for nothing; the log; and
    whether the allocation of this number was struck."""
    with Faulty("malloc:%d" % number, [
            "--www", www, "--console", "echo:"]) as server:
        with Connection(server.connect()) as connection:
            connection.send(b"GET %s HTTP/1.1\r\nHost: localhost\r\n\r\n"
                            % target.encode())
            data = connection.rest(PATIENCE)
        server.started[0].wait(PATIENCE)
        return (parse_response(data) if data else None, server.log(),
                hit(server.hits))


def is_whole(answer, status, body):
    """Whether it is what was asked for."""
    return (answer.status == status
            and answer.values("content-length") == [str(len(answer.body))]
            and body in (None, answer.body))


def test_malloc_pages(tap):
    with tempfile.TemporaryDirectory() as www:
        os.mkdir(www + "/page.d")
        for target, _, body in PAGES[1:3]:
            with open(www + target, "wb") as f:
                f.write(body)
        for target, status, body in PAGES:
            for number in range(1, MANY):
                answer, log, struck = page_without_memory(www, target, number)
                if not struck:
                    break
                tap.ok(tells(log) if answer is None else
                       answer.status == 503 and answer.is_refusal()
                       or is_whole(answer, status, body),
                       "GET %s: allocation %d finds no memory"
                       % (target, number), (answer, log))
            tap.ok(number > 1 and not struck and is_whole(
                answer, status, body), "GET %s with all its memory: %d"
                % (target, status), (answer, log))


def listener_without_memory(number):
    """How a listener started and stopped without its allocation of this
    number: its exit status, the log, and whether there was such a one."""
    with Server() as server:
        hits = server.path("hits")
        argv = [binary(), *OPTIONS, "--listen", "127.0.0.1:0", "cat"]
        server.start(bare(preloaded("malloc:%d" % number, hits), argv))
        process = server.process
        eventually(lambda: process.poll() is not None
                   or "listening on" in "".join(server.log()))
        process.terminate()
        process.wait(PATIENCE)
        return process.returncode, server.log(), hit(hits)


def test_malloc_listener(tap):
    for number in range(1, MANY):
        status, log, struck = listener_without_memory(number)
        if not struck:
            break
        tap.ok(status == 0 or status in (100, 111) and tells(log),
               "listener: allocation %d finds no memory" % number,
               (status, log))
    tap.ok(number > 1 and not struck and status == 0,
           "a listener with all its memory starts and stops", (status, log))


def workers_without_memory(number):
    """The words for two conversations, each without its worker's allocation
    of this number, and how many of them there were."""
    with tempfile.NamedTemporaryFile() as hits, \
            FaultyListener(["cat"], OPTIONS, preloaded(
                "child-malloc:%d" % number, hits.name)) as server:
        words = [play(server.connect(), server.host, more=conversation.LONG)
                 for _ in range(2)]
        return words, len(hits_of(hits.name))


def test_malloc_workers(tap):
    seen = set()
    for number in range(1, MANY):
        words, struck = workers_without_memory(number)
        if struck == 0:
            break
        seen.update(words)
        tap.ok(struck == 2 and set(words) <= WORDS,
               "listener: two workers, each without its allocation %d"
               % number, (struck, words))
    tap.ok({"refused 503", "closed 1011"} <= seen and words == ["right"] * 2,
           "listener: its workers had no memory, then all of it",
           (seen, words))


# Calls that do less than they are asked to.

MIB, QUARTER = 1 << 20, 1 << 16


def large_steps(opcode, make):
    """1 MiB there and back, and then four messages that wait at once."""
    whole = make(MIB)
    parts = [make(QUARTER) for _ in range(4)]
    steps = [conversation.exchange(opcode, part) for part in parts]
    at_once = b"".join(data for data, _ in steps)
    return [conversation.exchange(opcode, whole), (at_once, steps[0][1]),
            *((b"", wanted) for _, wanted in steps[1:]),
            (close(1000), ("close", 1000, b""))]


ECHOED = large_steps(BINARY, random.Random(3).randbytes)
LINES = large_steps(TEXT, conversation.text)
CALLS = [       # fault, name, arguments, steps, calls that are struck
    ("short-write", "echo:", ["echo:"], ECHOED, {"send"}),
    ("short-write", "line", ["cat"], LINES, {"send", "write"}),
    ("short-write", "netstring", NETSTRING + ["cat"], ECHOED,
     {"send", "write"}),
    ("eintr", "echo:", ["echo:"], ECHOED, {"recv", "send"}),
    ("eintr", "line", ["cat"], LINES,
     {"ppoll", "read", "write", "recv", "send", "waitpid"}),
    ("eintr", "netstring", NETSTRING + ["cat"], ECHOED,
     {"ppoll", "read", "write", "recv", "send", "waitpid"}),
    ("eintr", "program that ends", ["head", "-n1"], conversation.FIRST,
     {"ppoll", "read", "write", "recv", "send", "waitpid"}),
    ("eagain", "echo:", ["echo:"], ECHOED, {"send"}),
    ("eagain", "line", ["cat"], LINES, {"send"}),
    ("eagain", "netstring", NETSTRING + ["cat"], ECHOED, {"send"}),
]


def test_calls(tap):
    for fault, name, argv, steps, wanted in CALLS:
        with Faulty(fault, [*OPTIONS, *argv]) as server:
            end = server.play(steps)
            struck = hit(server.hits)
            tap.ok(end == ("right", 0), "%s, %s: all bytes pass, and the end "
                   "is right" % (fault, name), (end, server.log()))
        tap.ok(struck >= wanted, "%s, %s: struck were %s"
               % (fault, name, ", ".join(sorted(wanted))), struck)


def test_interrupted_listener(tap):
    """Children that end while waitpid is interrupted are waited for too."""
    with tempfile.NamedTemporaryFile() as hits, \
            FaultyListener(["cat"], OPTIONS + NETSTRING,
                           preloaded("eintr", hits.name)) as server:
        words = [play(server.connect(), server.host) for _ in range(3)]
        tap.ok(words == ["right"] * 3, "eintr, listener: it serves", words)
        tap.ok(eventually(lambda: not workers(server), 5),
               "eintr, listener: no zombie is left", workers(server))
        struck = hit(hits.name)
    wanted = {"accept4", "poll", "waitpid"}
    tap.ok(struck >= wanted, "eintr, listener: struck were "
           + ", ".join(sorted(wanted)), struck)


# Limits of the kernel.

@contextlib.contextmanager
def limited(pid, what, most):
    """While a process, and those it forks, may have so much."""
    before = resource.prlimit(pid, what)
    resource.prlimit(pid, what, (most, before[1]))
    try:
        yield
    finally:
        resource.prlimit(pid, what, before)


def complaints(server):
    return [line for line in server.log() if "Too many open files" in line]


def test_no_descriptor(tap):
    """A listener without a descriptor to accept with waits for one, and says
    so once a second."""
    with Listener(["echo:"], OPTIONS) as server:
        with limited(server.process.pid, resource.RLIMIT_NOFILE, 4):
            began = time.monotonic()
            waiting = server.connect()
            eventually(lambda: complaints(server))
            time.sleep(1.5)
            took = time.monotonic() - began
            times = len(complaints(server))
        word = play(waiting, server.host)
        tap.ok(1 <= times <= 2 + took,
               "no descriptor to accept with: the log says so, at intervals",
               (times, took))
        tap.ok(word == "right", "no descriptor to accept with: the client "
               "is served when there is one again", word)


DESCRIPTORS = [     # that a listener and its workers may have, operand, word
    (7, "echo:", "refused 503"),
    (8, "echo:", "right"),
    (9, "cat", "refused 503"),
    (10, "cat", "right"),
]


def test_few_descriptors(tap):
    for most, operand, wanted in DESCRIPTORS:
        with Listener([operand], OPTIONS) as server:
            pid = server.process.pid
            with limited(pid, resource.RLIMIT_NOFILE, most):
                word = play(server.connect(), server.host)
            after = play(server.connect(), server.host)
            tap.ok((word, after) == (wanted, "right"),
                   "%d descriptors, %s: %s" % (most, operand, wanted),
                   (word, after, server.log()))


def address_space(pid):
    """In bytes."""
    with open("/proc/%d/statm" % pid) as f:
        return int(f.read().split()[0]) * resource.getpagesize()


def play_limited(server, spare):
    """The word for a conversation whose worker may have so many bytes more
    than it has when it begins, and its line in the log."""
    path = "/%d" % spare
    with contextlib.closing(server.connect()) as sock:
        pid = worker(server)
        resource.prlimit(pid, resource.RLIMIT_AS,
                         (address_space(pid) + spare,) * 2)
        word = play(sock, server.host, path)
    eventually(lambda: not workers(server))
    return word, [line for line in server.log() if "killed" in line]


def test_address_space(tap):
    for name, options, operands in SERVICES:
        with Listener(operands, OPTIONS + options) as server:
            words = set()
            for spare in [0] + [4096 << n for n in range(11)]:
                word, killed = play_limited(server, spare)
                words.add(word)
                tap.ok(word in WORDS and not killed,
                       "%s: a worker with %d bytes to spare" % (name, spare),
                       (word, server.log()[-1]))
            tap.ok(word == "right" and "closed 1011" in words,
                   name + ": there was too little memory, then enough", words)


TESTS = [test_malloc, test_malloc_users, test_malloc_admit,
         test_malloc_refusing,
         test_malloc_compressing, test_malloc_pages, test_malloc_listener,
         test_malloc_workers, test_calls, test_interrupted_listener,
         test_no_descriptor, test_few_descriptors, test_address_space]


def main():
    tap = Tap()
    with same_descriptors():
        for test in TESTS:
            test(tap)
    tap.finish()


if __name__ == "__main__":
    main()
