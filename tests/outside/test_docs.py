"""What the documentation says is so: the manuals, README.md and --help agree
with each other and with what is built, and the examples in them run.
"""

import grp
import os
import re
import shlex
import signal
import socket
import subprocess
import sys
import tempfile
import time

import rawclient
from rawclient import Connection, Violation
from server import Listener, Server, Spawned, binary
from tap import Tap
from ws_test import eventually

TOP = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..")
sys.path.insert(0, os.path.join(TOP, "tests", "frontends"))
from frontend import TlsSocket  # noqa: E402

BUILD = os.environ.get("BUILD", "build")
PATIENCE = 10   # s for what is started, and for one answer
WIDTH = 80      # columns of README.md, but for listings and tables

# Macros of mdoc(7) that may stand within a line, and whose names are no text.
MACROS = set("Ar Cm Dq Dv Em Ev Fa Fl Fn Li Nm Ns Oc Oo Op Pa Pc Pf Po Pp Pq "
             "Ql Qq Sx Ta Vt Xr".split())


def read(*path):
    """The text of a file of the source tree."""
    with open(os.path.join(TOP, *path)) as f:
        return f.read()


def beside():
    """ws-tls, of the same build."""
    return os.path.join(os.path.dirname(binary()), "ws-tls")


def run(*arguments, program=None, **options):
    """ws-cgi with these arguments, as subprocess.run has it."""
    return subprocess.run([program or binary(), *arguments],
                          capture_output=True, text=True, timeout=PATIENCE,
                          **options)


# The manuals' source.

def unescape(text):
    return text.replace("\\&", "").replace("\\e", "\\")


def arguments(line):
    """The words of a macro line, quotes gone."""
    found = re.findall(r'"([^"]*)"|(\S+)', line)
    return [unescape(quoted or word) for quoted, word in found]


def words(line):
    """The words of a line as a reader sees them; "-" before an option."""
    if not line.startswith("."):
        return unescape(line).split()
    seen, option = [], False
    for word in arguments(line[1:]):
        if word in MACROS:
            option = word == "Fl"
        elif re.fullmatch(r"[.,:;)]+", word) and seen:
            seen[-1] += word
        else:
            seen.append("-" + word if option else word)
            option = False
    return seen


def text(lines):
    """Lines of source as one line of text."""
    return " ".join(word for line in lines for word in words(line))


def section(manual, name):
    """The lines of a section."""
    lines = read("man", manual).splitlines()
    start = lines.index(".Sh " + name) + 1
    ends = [i for i in range(start, len(lines))
            if lines[i].startswith(".Sh ")] + [len(lines)]
    return lines[start:ends[0]]


def items(lines):
    """The items of the lists in lines: pairs of a head and its lines."""
    found = []
    for line in lines:
        if line.startswith(".It "):
            found.append((line[len(".It "):], []))
        elif line == ".El":
            found.append(("", []))
        elif found:
            found[-1][1].append(line)
    return [item for item in found if item[0]]


def displays(lines):
    """The literal displays in lines, as text."""
    found, inside = [], False
    for line in lines:
        if line.startswith(".Bd -literal"):
            inside = True
            found.append("")
        elif line == ".Ed":
            inside = False
        elif inside:
            found[-1] += unescape(line) + "\n"
    return found


# Options.

def help_options(program=None):
    """What --help says: the long name of each option to its letter, its
    argument in lower case, and its default."""
    found = {}
    rows = run("--help", program=program).stdout.split("defaults:\n")[1].split("\n\n")[0]
    for row in re.split(r"\n(?= {2,6}-)", rows):
        letter, name, arg, rest = re.fullmatch(
            r"\s+(?:-(\w), )?--([\w-]+)(?: ([A-Z]+))?\s+(.*)", row,
            re.DOTALL).groups()
        rest = " ".join(rest.split()).replace("(repeatable)", "")
        default = re.search(r"\(([^()]*)\)$", rest)
        found[name] = letter, (arg or "").lower(), default and default[1]
    return found


def manual_options(manual="ws-cgi.8"):
    """What OPTIONS says: names as above, and the text."""
    found = {}
    for head, lines in items(section(manual, "OPTIONS")):
        letter, name, arg = re.fullmatch(
            r"(?:Fl (\w) , )?Fl -([\w-]+)(?: Ar (\w+))?", head).groups()
        found[name] = letter, arg or "", text(lines)
    return found


def same_default(default, said):
    """Does the sentence about the default, if any, end in these words?"""
    sentence = re.search(r"[^.]*\b[Dd]efault\b[^.]*\.(?= |$)", said)
    if default is None or sentence is None:
        return default is None and sentence is None
    return sentence[0].endswith(" " + default + ".")


def in_usage(letter, name, arg):
    """A pattern for an option in the SYNOPSIS, where letters may be joined."""
    if letter and not arg:
        return r" -\w*%s\w* " % letter
    return " %s " % " ".join(
        filter(None, ["-" + letter if letter else "--" + name, arg]))


def check_options(tap, name="ws-cgi", program=None):
    source, page = name + ".8", name + "(8)"
    helped, manual = help_options(program), manual_options(source)
    tap.ok(len(helped) > 10, name + " --help is understood", helped)
    tap.ok(list(helped) == list(manual),
           page + " has the options of --help, in their order",
           "%r\n%r" % (list(helped), list(manual)))
    usage = text(section(source, "SYNOPSIS"))
    for name in helped.keys() & manual.keys():
        letter, arg, default = helped[name]
        tap.ok((letter, arg) == manual[name][:2],
               "--%s has its letter and argument in %s" % (name, page),
               "%r\n%r" % (helped[name], manual[name]))
        tap.ok(same_default(default, manual[name][2]),
               "--%s has the default of --help in %s" % (name, page),
               "%r\n%s" % (default, manual[name][2]))
        tap.ok(re.search(in_usage(letter, name, arg), usage),
               "--%s is in the SYNOPSIS of %s" % (name, page), usage)
    check_order(tap, source)


def check_order(tap, source):
    """Letters stand where their own sign does, as the others do."""
    names = [line.split()[2].lstrip("-").lower()
             for line in section(source, "SYNOPSIS")
             if line.startswith(".Op Fl ") and line != ".Op Fl -"]
    names[:] = names[1:]    # letters that take nothing
    tap.ok(len(names) > 10 and names == sorted(names),
           "the SYNOPSIS of %s is in order" % source, names)


def check_tls_options(tap):
    check_options(tap, "ws-tls", beside())


def check_names(tap):
    """Bridges and formats of --help, in the sections about them."""
    rest = run("--help").stdout.split("bridges, beside programs:\n")[1]
    for name, said in (("BRIDGES", rest.split("\n\n")[0]),
                       ("FORMATS", rest.split("being:\n")[1].split("\n\n")[0])):
        listed = [line.split()[0] for line in said.splitlines()]
        heads = [words("." + head)[0]
                 for head, _ in items(section("ws-cgi.8", name))]
        tap.ok(listed and listed == heads, name + " are those of --help",
               "%r\n%r" % (listed, heads))


# README.md and CHANGES.

def check_listings(tap):
    listed = dict(re.findall(r"```(sh|python|perl|c)\n(.*?)```",
                             read("README.md"), re.DOTALL))
    for kind, path in (("sh", "first/first.sh"), ("python", "first/first.py"),
                       ("perl", "first/first.pl"), ("c", "echo.c")):
        tap.ok(listed.get(kind) == read("examples", path),
               "README.md shows examples/%s as it is" % path)
    lines = read("examples", "echo.c").count("\n")
    tap.ok(lines < 40, "examples/echo.c has under 40 lines", lines)


def check_readme(tap):
    plain = re.sub(r"```.*?```|^ {4}.*?$|^\|.*?$", "", read("README.md"),
                   flags=re.DOTALL | re.MULTILINE)
    wide = [line for line in plain.splitlines()
            if len(line) > WIDTH and not line.startswith("| ")]
    tap.ok(not wide, "README.md is wrapped", "\n".join(wide))
    for path in sorted(set(re.findall(r"(?<!build/)\b((?:tests|man|examples)/[\w/.-]+)",
                                      read("README.md")))):
        tap.ok(os.path.exists(os.path.join(TOP, path)),
               "README.md names %s, which is there" % path)
    version = run("--version").stdout.split()[1]
    tap.ok(re.search(r"^%s " % re.escape(version), read("CHANGES"),
                     re.MULTILINE), "CHANGES knows version " + version)


def attacks():
    """The ids of the rows that make security prints."""
    rows = "".join(read("tests", "security", name) for name in
                   sorted(os.listdir(os.path.join(TOP, "tests", "security")))
                   if name.endswith(".py"))
    return set(re.findall(r'^    \("([A-G]\d+)", "', rows, re.MULTILINE))


def check_security(tap):
    """Each promise names what proves it, and each attack is one's."""
    promises = read("SECURITY.md").split("## What is promised\n")[1] \
        .split("\n## ")[0].strip().split("\n- ")
    for promise in promises:
        paths = re.findall(r"`(tests/[\w/.]+)`", promise)
        ids = set(re.findall(r"\b[A-G]\d+\b", promise))
        name = re.sub(r"\s+", " ", promise.split("**")[1])
        tap.ok((ids or paths) and ids <= attacks()
               and all(os.path.exists(os.path.join(TOP, path))
                       for path in paths),
               "SECURITY.md: %s: its rows and tests are there" % name,
               (ids - attacks(), paths))
    named = set(re.findall(r"\b[A-G]\d+\b", " ".join(promises)))
    tap.ok(named == attacks(), "SECURITY.md names each row of make security",
           named ^ attacks())


def long_options(text):
    return set(re.findall(r"--([a-z][a-z-]*)", text))


def check_websocketd(tap):
    """The table of its options names each, and none that is not ours."""
    section = read("README.md").split("## From websocketd\n")[1]
    rows = re.findall(r"^\| (`--.*?) \| (\S.*) \|$",
                      section.split("\n## ")[0], re.MULTILINE)
    try:
        said = subprocess.run(["websocketd", "--help"], text=True,
                              capture_output=True, timeout=PATIENCE)
    except OSError as error:
        tap.ok(False, "websocketd is there, see .ci/deps", error)
        return
    theirs = set(re.findall(r"^ +--?([a-z][a-z-]*)", said.stdout + said.stderr,
                            re.MULTILINE))
    named = long_options(" ".join(row[0] for row in rows))
    tap.ok(len(theirs) > 20 and named == theirs,
           "README.md has the options of websocketd", named ^ theirs)
    ours = long_options(" ".join(row[1] for row in rows))
    tap.ok(ours and ours <= {*help_options()},
           "README.md has options of ws-cgi beside them",
           ours - {*help_options()})


# Exit statuses.

ENDS = ("eof", "reset")


def status_of_connection(operands, sent):
    """The exit status of a worker that a client has sent this."""
    ours, theirs = socket.socketpair()
    with theirs:
        worker = subprocess.Popen([binary(), *operands], stdin=theirs,
                                  stdout=theirs, stderr=subprocess.DEVNULL)
    with Connection(ours) as c:
        c.handshake("localhost")
        c.send(sent)
        while (event := c.event(PATIENCE)) and event[0] not in ENDS:
            if event[0] == "close" and not c.said_close:
                c.send(rawclient.close(event[1]))
    return worker.wait(PATIENCE)


def status_of_busy_address():
    """The exit status of a listener whose port is taken."""
    with socket.create_server(("127.0.0.1", 0)) as taken:
        return run("--listen", "127.0.0.1:%d" % taken.getsockname()[1],
                   "echo:").returncode


PRODUCED = {
    "0": lambda: status_of_connection(["echo:"], rawclient.close(1000)),
    "1": lambda: status_of_connection(["echo:"], rawclient.frame(3)),
    "2": lambda: status_of_connection(["false"], b""),
    "100": lambda: run("--no-such-option").returncode,
    "111": status_of_busy_address,
}


def check_statuses(tap):
    said = {head: text(lines)
            for head, lines in items(section("ws-cgi.8", "EXIT STATUS"))}
    source = re.findall(r"EXIT_\w+ = (\d+)", read("ws-cgi", "exits.h"))
    helped = re.findall(r"\b(\d+) \w+", " ".join(
        run("--help").stdout.split("exit status:")[1].split("\n\n")[0].split()))
    table = re.findall(r"^\| (\d+) \|", read("README.md"), re.MULTILINE)
    tap.ok(list(said) == source == helped == table,
           "the exit statuses are the same everywhere",
           "%r\n%r\n%r\n%r" % (list(said), source, helped, table))
    for status, how in said.items():
        if status not in PRODUCED:
            tap.ok("Nothing is known to end so" in how,
                   "exit status %s is said never to be seen" % status, how)
            continue
        seen = PRODUCED[status]()
        tap.ok(seen == int(status), "exit status %s is seen" % status, seen)


# The examples of ws-cgi(8).

def free_port():
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


class Started(Server):
    """A command of the manual, with paths and port of this machine."""

    def __init__(self, command, port):
        super().__init__()
        socket_path = self.path("ws.sock")
        self.address = ("127.0.0.1", port)
        if "unix:" in command:
            self.address = socket_path
        os.symlink(binary(), self.path("ws-cgi"))
        os.symlink(beside(), self.path("ws-tls"))
        path = self.directory + ":" + os.environ["PATH"]
        command = command.replace("/run/ws.sock", socket_path)
        try:
            self.start(["sh", "-c", "exec " + command], {"PATH": path})
            self._until_there()
        except BaseException:
            self.stop()
            raise

    def _until_there(self):
        deadline = time.monotonic() + PATIENCE
        while True:
            try:
                self.connect().close()
                return
            except OSError as error:
                if self._wait(0.02) or time.monotonic() > deadline:
                    raise RuntimeError("%s: %r" % (error, self.log()))


# What gives up rights is not for who has none.
KEYS = ("/etc/chat.key", "/etc/other.key",
        "/etc/letsencrypt/live/example.org/privkey.pem")
CERTIFICATES = ("/etc/chat.pem", "/etc/other.pem", "/etc/clients.pem",
                "/etc/letsencrypt/live/example.org/fullchain.pem")


def localized(example, port):
    """An example with this machine's files instead of the reader's."""
    for theirs, ours in (
            *((path, made("chat.key")) for path in KEYS),
            *((path, made("chat.pem")) for path in CERTIFICATES),
            ("%d/", made("")), ("/run/ws-tls.pid", made("pid")),
            ("--user www-data ", ""), (":80 ", ":%d " % free_port()),
            (":443 ", ":%d " % port), ("8443", str(port)),
            ("/usr/local/bin/ws-tls", beside()),
            ("/etc/chat.", os.path.join(TOP, "tests", "outside", "chat.")),
            ("8080", str(port)), ("/usr/local/bin/ws-cgi", binary()),
            ("/var/www", os.path.join(TOP, "examples", "demo")),
            ("/usr/local/libexec/by-cookie.sh /run/sessions", "true"),
            ("/usr/local/libexec/chat",
             os.path.join(TOP, "examples", "first", "first.sh")),
            ("www-data", grp.getgrgid(os.getgid()).gr_name)):
        example = example.replace(theirs, ours)
    return example


def inetd_command(line):
    """What inetd would execute, from its seven fields and more."""
    fields = line.split()
    if fields[1:3] != ["stream", "tcp"] \
            or not re.fullmatch(r"nowait(\.\d+)?", fields[3]):
        raise ValueError(line)
    return [fields[5], *fields[7:]]


def settings(example):
    """The lines "name = value" of an example as a dictionary."""
    return dict(re.findall(r"^ *(\w+) *= *(.*)$", example, re.MULTILINE))


def xinetd_command(example):
    """What xinetd would execute."""
    said = settings(example)
    if (said["socket_type"], said["wait"]) != ("stream", "no"):
        raise ValueError(example)
    return [said["server"], *said["server_args"].split()]


def systemd_command(units):
    """What systemd would execute, the connection on descriptors 0 and 1."""
    said = settings(units)
    how = said["Accept"], said["StandardInput"], said["StandardOutput"]
    if how != ("yes", "socket", "socket"):
        raise ValueError(units)
    return shlex.split(said["ExecStart"])


ROBOT = "not-a-secret-token-of-a-robot"    # of tests/outside/chat.tokens


def reached(server, example):
    """A connection, by TLS where the example is about that."""
    sock = server.connect()
    if "ws-tls" not in example and "--tls-cert" not in example:
        return sock
    sock.settimeout(PATIENCE)
    tls = TlsSocket(sock, (made("chat.pem"), made("chat.key")))
    tls.setblocking(False)
    return tls


def greets(server, host, example):
    """Whether "hello" comes back, in capitals or in a sentence perhaps."""
    with Connection(reached(server, example)) as c:
        if "ws-cgi" not in example:
            return echoes(c)
        c.handshake(host, extra=("Origin: https://" + host,
                                 "Authorization: Bearer " + ROBOT,
                                 "X-Remote-User: anna"))
        c.send(rawclient.frame(rawclient.TEXT, b"hello"))
        event = c.event(PATIENCE)
        c.send(rawclient.close(1000))
        c.rest(PATIENCE)
        return event and event[0] == "text" and b"hello" in event[1].lower()


def echoes(connection):
    """Whether a program that is no ws-cgi does, behind its first line."""
    connection.send(b"hello\n")
    want = b"this is TLSv1.3\nhello\n"
    connection.fill_until(lambda: len(connection.buffer) >= len(want),
                          PATIENCE)
    return bytes(connection.buffer) == want


def host_in(example, port):
    named = re.search(r"-H (\S+)", example)
    return named[1] if named else "127.0.0.1:%d" % port


def play(example):
    """Run an example; None when it is of no known kind."""
    port = free_port()
    host = host_in(example, port)
    here = localized(example, port)
    if re.match(r"(ws-cgi|ws-tls|tcpserver) ", here):
        with Started(here, port) as server:
            return greets(server, host, example)
    if here.startswith("#!/bin/sh\nkill -HUP "):
        return reloads(here, port)
    if here.startswith("127.0.0.1:"):
        command = inetd_command(here)
    elif here.startswith("service chat\n"):
        command = xinetd_command(here)
    elif "[Service]" in here:
        command = systemd_command(here)
    else:
        return None
    with Spawned(command) as server:
        return greets(server, host, example)


# The first example of ws-tls(8) makes a certificate, for all others.
place = tempfile.TemporaryDirectory(prefix="ws-docs-")


def made(name):
    return os.path.join(place.name, name)


def make_certificate(tap):
    example = displays(section("ws-tls.8", "EXAMPLES"))[0]
    done = subprocess.run(
        ["sh", "-c", example.replace("/etc/chat.", made("chat."))],
        capture_output=True, text=True, timeout=PATIENCE)
    tap.ok(done.returncode == 0 and os.path.exists(made("chat.pem")),
           "it runs: openssl makes a certificate", done)
    for name, file in (("cert", "chat.pem"), ("key", "chat.key")):
        os.symlink(made(file), made(name))  # as systemd would call them


def reloads(hook, port):
    """Whether a hook has a listener load its files anew."""
    command = "ws-tls -l %d --pidfile %s --cert %s --key %s -- cat" % (
        port, made("pid"), made("chat.pem"), made("chat.key"))
    with Started(command, port) as server:
        done = subprocess.run(["sh", "-c", hook], timeout=PATIENCE)
        return done.returncode == 0 and eventually(
            lambda: any("restarted" in line for line in server.log()))


# What begins so is a part of such a file of examples/frontends.
FRONTENDS = {
    "127.0.0.1:8080 stream": ("inetd.conf",),
    "service chat": ("xinetd.conf",),
    "tcpserver": ("tcpserver.sh", "tcpserver-tls.sh"),
}


def spaced(listing):
    """Its lines, one space where there are several."""
    return "\n".join(" ".join(line.split()) for line in listing.splitlines())


# R34: without these a WebSocket would not be one there, or not live long.
DUTIES = {
    "lighttpd.conf": ["cgi.upgrade", "server.max-read-idle"],
    "nginx.conf": ["proxy_set_header Upgrade $http_upgrade;",
                   "proxy_set_header Connection upgrade;",
                   "proxy_read_timeout 1h;", "proxy_send_timeout 1h;"],
    "apache.conf": ["upgrade=websocket", "ProxyTimeout"],
    "haproxy.cfg": ["timeout tunnel"],
    "inetd.conf": ["nowait.100000"],
    "xinetd.conf": ["instances", "cps"],
    "tcpserver.sh": [" -c "],
    "tcpsvd.sh": [" -c "],
}


def check_duties(tap):
    for name, words_ in DUTIES.items():
        text = read("examples", "frontends", name)
        missing = [word for word in words_ if word not in text]
        tap.ok(not missing, "R34: examples/frontends/" + name, missing)
    unit = read("examples", "systemd", "ws-cgi-each.socket")
    tap.ok("MaxConnections=" in unit and "TriggerLimit" in unit,
           "R34: ws-cgi-each.socket has limits for connections that last")
    manual = read("man", "ws-cgi.8")
    tap.ok("Apache and most others do not" in manual,
           "R34: the manual says which web servers cannot")


def check_frontends(tap):
    """The listings of README.md and the manual stand in those files."""
    found = [(start, listing)
             for listing in displays(section("ws-cgi.8", "EXAMPLES"))
             + re.findall(r"(?:^ {4}.*\n)+", read("README.md"), re.MULTILINE)
             for start in FRONTENDS if listing.lstrip().startswith(start)]
    tap.ok({start for start, _ in found} == set(FRONTENDS),
           "listings for front ends are found", found)
    for start, listing in found:
        names = FRONTENDS[start]
        tap.ok(any(spaced(listing).strip() in spaced(
            read("examples", "frontends", name)) for name in names),
            "a listing is a part of examples/frontends/"
            + " or ".join(names), listing)


def check_proxies(tap):
    """What README.md shows of the proxies' configurations is cut out of the
    files that are run."""
    readme = read("README.md")
    listed = dict(re.findall(r"```([a-z-]+)\n(.*?)```", readme, re.DOTALL))
    for kind, path in (("nginx", "nginx.conf"), ("nginx-tls", "nginx.conf"),
                       ("apache", "apache.conf"), ("stunnel", "stunnel.conf"),
                       ("haproxy", "haproxy.cfg"), ("scgi", "nginx-scgi.conf"),
                       ("cgi", "chat.cgi")):
        whole = read("examples", "frontends", path)
        if kind == "nginx-tls":
            whole = whole.replace("\t#", "\t")     # as its row has it
        tap.ok(kind in listed
               and spaced(listed[kind]).strip() in spaced(whole),
               "README.md shows a part of examples/frontends/%s" % path)
        command = re.search(r"ws-cgi --listen 8081 .*", whole)
        tap.ok(command is None or "    %s\n" % command[0] in readme,
               "README.md has the command that goes with it")


def check_hook(tap):
    hook = read("examples", "tls", "reload.sh")
    path = "/run/ws-tls.pid"
    tap.ok(hook.count(path) == 2 and reloads(hook.replace(path, made("pid")),
                                             free_port()),
           "examples/tls/reload.sh has a listener load its files", hook)
    done = subprocess.run(["sh", "-c", hook.replace(path, made("no-pid"))],
                          capture_output=True, timeout=PATIENCE)
    tap.ok(done.returncode == 0 and not done.stderr,
           "and is content where there is none", done)


def check_examples(tap):
    make_certificate(tap)
    check_hook(tap)
    found = displays(section("ws-cgi.8", "EXAMPLES"))
    tap.ok(len(found) > 5, "ws-cgi(8) has examples", found)
    found += displays(section("ws-tls.8", "EXAMPLES"))[1:]
    for name in ("chat.users", "chat.tokens"):  # git keeps no more than +x
        os.chmod(os.path.join(TOP, "tests", "outside", name), 0o600)
    for example in found:
        name = " ".join(example.split("\n")[0].split()[:5])
        try:
            tap.ok(play(example), "it runs: " + name, example)
        except (OSError, RuntimeError, Violation, ValueError) as error:
            tap.ok(False, "it runs: " + name, "%s\n%s" % (example, error))


# ws-environ(7).

INHERITED = {"HOME": "/", "USER": "somebody", "LOGNAME": "somebody",
             "LANG": "C", "LC_ALL": "C", "TZ": "UTC", "TMPDIR": "/tmp"}
STRANGE = {"HTTP_PROXY": "http://192.0.2.1", "BASH_ENV": "/nowhere",
           "REMOTE_USER": "root", "SECRET": "none"}
WITHHELD = ("Proxy: http://192.0.2.1", "Authorization: Basic QQ==",
            "Proxy-Authorization: Basic QQ==", "X.Dotted: 1",
            "X-Shell: () { :; }; exit 1")


def environment(server, request):
    """What env(1) shows after this request."""
    with Connection(server.connect()) as c:
        c.send(request)
        c.response()
        lines = []
        while (event := c.event(PATIENCE)) and event[0] == "text":
            lines.append(event[1].decode())
        c.send(rawclient.close(1000))
        return lines


def ask_for_environment():
    """The request of ws-environ(7), and the variables that it makes; both as
    lines, with the manual's ports, and an order that does not count."""
    request = displays(section("ws-environ.7", "EXAMPLES"))[0]
    with Listener(["env"], ["--listen", "127.0.0.1:0"],
                  env={**INHERITED, **STRANGE}) as server:
        port = str(server.address[1])
        lines = request.replace("8080", port).splitlines()
        sent = "\r\n".join([*lines, *WITHHELD, "", ""]).encode()
        seen = environment(server, sent)
        log = "\n".join(server.log())
    return sorted(re.sub(r"^(REMOTE_PORT=)\d+$", r"\g<1>50214", line)
                  .replace(port, "8080") for line in seen), log


def named_variables(lines):
    """The variables marked in lines of a manual."""
    return {word.strip(".,;") for line in lines
            for word in words(line) if re.match(r"\.(It )?Ev ", line)}


def folded(names):
    """All of LC_* as one: Python adds one where there is no locale."""
    return {"LC_" if name.startswith("LC_") else name for name in names}


def check_environment(tap):
    seen, log = ask_for_environment()
    names = {line.split("=")[0] for line in seen}
    inherits = named_variables(
        section("ws-environ.7", "VARIABLES THAT ARE INHERITED"))
    ours = section("ws-environ.7", "VARIABLES OF THE CONNECTION")
    always = {words("." + head)[0] for head, _ in items(ours)}
    never = named_variables(line for line in ours
                            if not line.startswith(".It "))
    from_list = {name for name in names
                 if name in inherits or name.startswith("LC_")}
    tap.ok(names, "env(1) shows an environment", log)
    tap.ok(folded(inherits) == folded(from_list)
           == folded({"PATH", *INHERITED}),
           "what ws-environ(7) calls inherited is", "%r\n%r" % (inherits, names))
    fields = {name for name in names if name.startswith("HTTP_")}
    tap.ok(always == names - from_list - fields,
           "the variables of the connection are those of ws-environ(7)",
           "%r\n%r" % (always, names))
    tap.ok(len(never) > 3 and not never & names,
           "what ws-environ(7) calls never set is not", never & names)
    shown = displays(section("ws-environ.7", "EXAMPLES"))[1].splitlines()
    made = [line for line in seen if line.split("=")[0] not in from_list]
    tap.ok(sorted(shown) == made,
           "the example of ws-environ(7) is what that request makes",
           "\n".join(made))


def check_default_path(tap):
    said = next(line for line in section(
        "ws-environ.7", "VARIABLES THAT ARE INHERITED")
        if line.startswith(".Pa ")).split()[1]
    with Spawned(["env", "-u", "PATH", binary(), "/usr/bin/env"]) as server:
        with Connection(server.connect()) as c:
            c.handshake("localhost")
            seen = []
            while (event := c.event(PATIENCE)) and event[0] == "text":
                seen.append(event[1].decode())
            c.send(rawclient.close(1000))
    tap.ok("PATH=" + said in seen, "the PATH of those who have none", seen)


# ws(3).

def prototypes_in_header():
    """Name, result and arguments of each function of ws.h."""
    header = re.sub(r"/\*.*?\*/", "", read("lib", "ws.h"), flags=re.DOTALL)
    found = re.findall(r"^(\w[\w ]*?[ *]+)(ws_\w+)\(([^;]*?)\)\s*"
                       r"(?:__attribute__.*?)?;", header,
                       re.DOTALL | re.MULTILINE)
    return {name: (" ".join(result.replace("*", " *").split()),
                   ", ".join(" ".join(a.split()) for a in args.split(",")))
            for result, name, args in found}


def prototypes_in_manual():
    found, result = {}, None
    for line in section("ws.3", "SYNOPSIS"):
        if line.startswith(".Ft "):
            result = line[len(".Ft "):]
        elif line.startswith(".Fn "):
            name, *args = arguments(line[len(".Fn "):])
            found[name] = result, ", ".join(args)
    return found


def check_prototypes(tap):
    header, manual = prototypes_in_header(), prototypes_in_manual()
    exported = set(re.findall(r"\bws_\w+", read("lib", "libwscgi.map")))
    tap.ok(set(header) == exported, "ws.h has what the library exports",
           set(header) ^ exported)
    for name in sorted(header.keys() | manual.keys()):
        tap.ok(header.get(name) == manual.get(name),
               "ws(3) has %s as ws.h has it" % name,
               "%r\n%r" % (header.get(name), manual.get(name)))
    named = {line.split()[1] for line in section("ws.3", "NAME")
             if line.startswith(".Nm ")}
    tap.ok(named == set(header), "ws(3) is found by each name",
           named ^ set(header))


def check_bounds(tap):
    """The members of ws_conf, with the defaults in their parentheses."""
    struct = re.search(r"struct ws_conf {(.*?)\n};", read("lib", "ws.h"),
                       re.DOTALL)[1]
    struct = re.sub(r"\s+", " ", struct)
    header = dict(re.findall(
        r"(\w+); /\*(?:(?!\*/).)*\((.*?)\) \*/", struct))
    limits = section("ws.3", "DESCRIPTION")
    limits = limits[limits.index(".Ss Limits"):limits.index(".Ss Threads")]
    manual = {words("." + head)[0]: text(lines)
              for head, lines in items(limits)}
    tap.ok(list(header) == list(manual), "ws(3) has the members of ws_conf",
           "%r\n%r" % (list(header), list(manual)))
    for name in header.keys() & manual.keys():
        said = re.search(r"\((.*?)\)\.", manual[name].replace(" )", ")")
                         .replace("( ", "("))
        tap.ok(said and said[1] == header[name],
               "ws(3) has the default of %s" % name,
               "%r\n%r" % (header[name], manual[name]))


def programs_in_manual():
    """The C programs of ws(3) by the name in their first comment."""
    found = {}
    for display in displays(section("ws.3", "EXAMPLES")):
        name = re.match(r"/\*\n \* (\w+\.c) - ", display)
        found[name and name[1]] = display
    return found


def compiled(source, directory, name):
    """Compile a program; returns its path and what the compiler said."""
    path = os.path.join(directory, name)
    with open(path, "w") as f:
        f.write(source)
    program = path[:-len(".c")]
    done = subprocess.run(
        [os.environ.get("CC", "cc"), "-Wall", "-Wextra", "-Werror",
         "-I" + os.path.join(TOP, "lib"), "-o", program, path,
         os.path.join(BUILD, "libwscgi.a"), "-lmd", "-lz"],
        capture_output=True, text=True, timeout=60)
    return program, done.stderr if done.returncode else ""


def play_echo(program, _):
    with Spawned([program]) as server, Connection(server.connect()) as c:
        c.handshake(server.host)
        c.send(rawclient.frame(rawclient.BINARY, b"\0\1\2"))
        said = c.event(PATIENCE)
        c.send(rawclient.close(1000))
        return said, c.event(PATIENCE)[:2]


def play_relay(program, directory):
    fifo = os.path.join(directory, "news")
    os.mkfifo(fifo)
    with Spawned([program, fifo]) as server, Connection(server.connect()) as c:
        c.handshake(server.host)
        with open(fifo, "wb") as f:
            f.write(b"news")
        said = c.event(PATIENCE)
        c.send(rawclient.close(1000))
        return said, c.event(PATIENCE)[:2]


def play_say(program, _):
    with Listener(["echo:"]) as server:
        done = subprocess.run([program, server.address[0],
                               str(server.address[1]), "hello"],
                              capture_output=True, text=True, timeout=PATIENCE)
        return done.returncode, done.stdout, done.stderr


PROGRAMS = {    # each with what it gives when it is right
    "echo.c": (play_echo, (("binary", b"\0\1\2"), ("close", 1000))),
    "relay.c": (play_relay, (("binary", b"news"), ("close", 1000))),
    "say.c": (play_say, (0, "hello\n", "")),
}


def check_programs(tap):
    sources = programs_in_manual()
    tap.ok(set(sources) == set(PROGRAMS), "the examples of ws(3) are known",
           list(sources))
    tap.ok(sources.get("echo.c") == read("examples", "echo.c"),
           "ws(3) shows examples/echo.c as it is")
    for name in sources.keys() & PROGRAMS.keys():
        with tempfile.TemporaryDirectory(prefix="ws-docs-") as directory:
            program, complaint = compiled(sources[name], directory, name)
            if not tap.ok(not complaint, name + " compiles", complaint):
                continue
            play_it, right = PROGRAMS[name]
            seen = play_it(program, directory)
            tap.ok(seen == right, name + " does what it says", seen)


def main():
    signal.signal(signal.SIGPIPE, signal.SIG_IGN)
    tap = Tap()
    for check in (check_options, check_tls_options, check_names, check_listings, check_readme,
                  check_security,
                  check_websocketd, check_statuses, check_duties,
                  check_frontends,
                  check_proxies, check_examples, check_environment,
                  check_default_path, check_prototypes, check_bounds,
                  check_programs):
        check(tap)
    tap.finish()


if __name__ == "__main__":
    sys.exit(main())
