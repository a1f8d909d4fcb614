"""What starting a worker costs under inetd or a CGI server, beside the least
that a program can be (nothing.c), linked statically.

    start.py [--times N] [--rounds N]

Each is started with a Unix socket on descriptors 0 and 1, in which a handshake
and a Close, or nothing, wait already; or with pipes and a CGI environment.  The
cost is user and system time from fork to exit, exec included, as wait4(2) tells
it.  They take turns; what is printed is the median of the rounds, the least and
the most in us, and the ratio.  Nothing passes or fails.
"""

import argparse
import contextlib
import os
import resource
import signal
import socket
import statistics
import sys

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, "..", "outside"))
import rawclient    # noqa: E402

KEY = b"dGhlIHNhbXBsZSBub25jZQ=="
WORDS = rawclient.close(1000)
CGI = {"GATEWAY_INTERFACE": "CGI/1.1", "REQUEST_METHOD": "GET",
       "SERVER_PROTOCOL": "HTTP/1.1", "REQUEST_URI": "/", "HTTP_HOST": "a",
       "SERVER_SOFTWARE": "lighttpd", "WS_CGI_ARGV": "1",
       "HTTP_UPGRADE": "websocket", "HTTP_CONNECTION": "upgrade",
       "HTTP_SEC_WEBSOCKET_VERSION": "13",
       "HTTP_SEC_WEBSOCKET_KEY": KEY.decode()}


def spawn(path, arguments, fds, env):
    """Start it, wait for its end, and return its CPU time in seconds."""
    actions = [(os.POSIX_SPAWN_DUP2, fd, to) for to, fd in enumerate(fds)]
    pid = os.posix_spawn(path, [path, *arguments], env, file_actions=actions)
    _, status, used = os.wait4(pid, 0)
    if status != 0:
        raise RuntimeError("%s ended with %d" % (path, status))
    return used.ru_utime + used.ru_stime


def answer(s):
    s.settimeout(10)
    got = b""
    with contextlib.suppress(ConnectionResetError):  # nothing reads nothing
        while chunk := s.recv(4096):
            got += chunk
    return got


def by_inetd(path, arguments, nothing):
    """One connection, whose client has said all and left room for answers."""
    ours, theirs = socket.socketpair()
    with ours, theirs:
        ours.sendall(rawclient.request("a", key=KEY) + WORDS)
        ours.shutdown(socket.SHUT_WR)
        used = spawn(path, arguments, [theirs.fileno()] * 2 + [nothing], {})
        theirs.close()
        return used, answer(ours)


def by_cgi(path, arguments, nothing):
    told, tell = os.pipe()
    heard, hear = os.pipe()
    os.write(tell, WORDS)
    os.close(tell)
    used = spawn(path, arguments, [told, hear, nothing], CGI)
    os.close(told)
    os.close(hear)
    with open(heard, "rb") as f:
        return used, f.read()


def rows():
    """Name, path, arguments and how it is started; the first is the least."""
    at = os.environ["BENCH"]
    yield "nothing, static, musl", at + "/nothing-musl", [], by_inetd
    yield "nothing, static, glibc", at + "/nothing-static", [], by_inetd
    yield "nothing, shared glibc", at + "/nothing", [], by_inetd
    for name, path in (("ws-cgi, static, musl", os.environ["WS_CGI_STATIC"]),
                       ("ws-cgi, shared glibc", os.environ["WS_CGI"])):
        yield name + ": inetd", path, ["echo:"], by_inetd
        yield name + ": CGI", path, ["echo:"], by_cgi


def cost(path, arguments, how, times, nothing):
    total = 0
    for _ in range(times):
        used, heard = how(path, arguments, nothing)
        if arguments and b" 101 " not in heard:
            raise RuntimeError("%s: no 101 but %r" % (path, heard))
        total += used
    return total / times


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--times", type=int, default=300)
    parser.add_argument("--rounds", type=int, default=7)
    args = parser.parse_args()
    signal.signal(signal.SIGPIPE, signal.SIG_DFL)
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    costs = {}
    with open(os.devnull, "w") as nothing:
        for _ in range(args.rounds):
            for name, path, arguments, how in rows():
                costs.setdefault(name, []).append(
                    cost(path, arguments, how, args.times, nothing.fileno()))
    print("%d rounds of %d starts; from fork to exit, us of CPU"
          % (args.rounds, args.times))
    print("%-28s %8s %8s %8s %8s" % ("", "median", "least", "most", "ratio"))
    base = statistics.median(next(iter(costs.values())))
    for name, values in costs.items():
        middle = statistics.median(values)
        print("%-28s %8.0f %8.0f %8.0f %8.2f" % (
            name, middle * 1e6, min(values) * 1e6, max(values) * 1e6,
            middle / base))


if __name__ == "__main__":
    main()
