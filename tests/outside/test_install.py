"""What make install puts in place: a handler can be built with it, against
the shared library and against the static one, and nothing is left behind by
make uninstall."""

import os
import re
import subprocess
import tempfile

import rawclient
import server
from tap import Tap

PREFIX = "/opt/ws"
INSTALLED = {
    "bin/ws-cgi", "bin/ws-tls", "include/ws.h", "lib/libwscgi.a", "lib/libwscgi.so",
    "lib/libwscgi.so.0", "lib/pkgconfig/libwscgi.pc", "share/man/man3/ws.3",
    "share/man/man7/ws-environ.7", "share/man/man8/ws-cgi.8",
    "share/man/man8/ws-tls.8",
    "share/doc/ws-cgi/README.md", "share/doc/ws-cgi/CHANGES",
    "share/doc/ws-cgi/LICENSE", "share/doc/ws-cgi/SECURITY.md",
    *("lib/systemd/system/" + name for name in os.listdir("examples/systemd")),
    *("share/doc/ws-cgi/%s/%s" % (place, name)
      for place in ("frontends", "tls")
      for name in os.listdir("examples/" + place))}


def run(*argv, **more):
    return subprocess.run(argv, check=True, capture_output=True, text=True,
                          **more).stdout


def make(target, root):
    run("make", "-s", target, "DESTDIR=" + root, "PREFIX=" + PREFIX,
        "BUILD=" + root + "/build")


def files(root):
    return {os.path.relpath(os.path.join(where, name), root)
            for where, _, names in os.walk(root) for name in names}


def declared():
    """The functions of ws.h."""
    with open("lib/ws.h") as f:
        text = re.sub(r"/\*.*?\*/", "", f.read(), flags=re.S)
    return set(re.findall(r"\b(ws_\w+)\(", text))


def exported(library):
    symbols = run("nm", "-D", "--defined-only", library).split("\n")
    return {line.split()[2].partition("@")[0] for line in symbols
            if " T " in line}


def pkg_config(root, *options):
    path = root + PREFIX + "/lib/pkgconfig"
    words = run("pkg-config", *options, "libwscgi",
                env={**os.environ, "PKG_CONFIG_PATH": path})
    return words.replace(PREFIX, root + PREFIX).split()


def echoes(program, env):
    with server.Spawned([program], env) as s:
        with rawclient.Connection(s.connect()) as connection:
            connection.handshake(s.host)
            connection.send(rawclient.frame(rawclient.TEXT, b"installed"))
            seen = connection.event()
            connection.send(rawclient.close(1000))
            connection.event()
            return seen == ("text", b"installed")


def check_handlers(tap, root):
    library = root + PREFIX + "/lib"
    for name, flags in (
            ("shared", pkg_config(root, "--cflags", "--libs")),
            ("static", pkg_config(root, "--cflags") +
             [library + "/libwscgi.a"] +
             [f for f in pkg_config(root, "--libs", "--static")
              if f != "-lwscgi"])):
        program = "%s/echo-%s" % (root, name)
        run("cc", "-o", program, "examples/echo.c", *flags)
        needed = "libwscgi.so.0" in run("readelf", "-d", program)
        tap.ok(needed == (name == "shared"), name + ": linked as asked")
        tap.ok(echoes(program, {"LD_LIBRARY_PATH": library}),
               name + ": the handler built with it answers")


def main():
    tap = Tap()
    with tempfile.TemporaryDirectory(prefix="ws-install-") as root:
        make("install", root)
        installed = files(root + PREFIX)
        tap.ok(installed == INSTALLED, "make install: the files",
               installed ^ INSTALLED)
        with open(root + PREFIX + "/lib/systemd/system/ws-cgi.service") as f:
            tap.ok("ExecStart=%s/bin/ws-cgi " % PREFIX in f.read(),
                   "a unit starts what has been installed")
        names = exported(root + PREFIX + "/lib/libwscgi.so.0")
        tap.ok(names == declared(), "it exports what ws.h declares, no more",
               names ^ declared())
        check_handlers(tap, root)
        make("uninstall", root)
        left = files(root + PREFIX)
        tap.ok(not left, "make uninstall: nothing is left", left)
    tap.finish()


if __name__ == "__main__":
    with server.same_descriptors():
        main()
