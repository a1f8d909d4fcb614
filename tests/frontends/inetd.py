"""The family of inetd: what accepts a connection and starts a program on it.

Left out: s6-tcpserver, which is not in Debian 12; busybox inetd and tcpsvd,
which Debian's busybox is built without; mini-inetd of tcputils, which takes
arguments that begin with a dash for its own, and no more; toybox netcat, which
is for trying things.
"""

import os

from frontend import UNPACKED, FrontEnd, Race


class OpenbsdInetd(FrontEnd):
    name = "openbsd-inetd"
    package = "openbsd-inetd"
    config = "inetd.conf"
    program = "inetd"
    arguments = ("-i", "-l", "{config}")


class InetutilsInetd(FrontEnd):
    name = "inetutils-inetd"
    package = "inetutils-inetd"
    config = "inetd.conf"
    program = "inetutils-inetd"
    arguments = ("-d", "-p", "{dir}/pid", "{config}")


class Xinetd(FrontEnd):
    name = "xinetd"
    package = "xinetd"
    config = "xinetd.conf"
    program = "xinetd"
    arguments = ("-dontfork", "-f", "{config}", "-pidfile", "{dir}/pid")


class Rlinetd(FrontEnd):
    name = "rlinetd"
    package = "rlinetd"
    config = "rlinetd.conf"
    program = "rlinetd"
    arguments = ("-d", "-f", "{config}", "-p", os.path.join(
        UNPACKED, "usr/lib/x86_64-linux-gnu/rlinetd/libparse.so"))


class Tcpserver(FrontEnd):
    name = "tcpserver"
    package = "ucspi-tcp"
    config = "tcpserver.sh"


class Tcpsvd(FrontEnd):
    name = "tcpsvd"
    package = "ipsvd"
    config = "tcpsvd.sh"


class SystemdInetd(FrontEnd):
    name = "systemd, socket on 0"
    package = "systemd"
    config = "socket-activate.sh"


class SystemdAccept(SystemdInetd):
    name = "systemd, socket on 3"
    changes = ((" --inetd", ""),)


class SystemdListen(FrontEnd):
    name = "systemd, Accept=no"
    package = "systemd"
    config = "socket-listen.sh"


class SocatNofork(FrontEnd):
    name = "socat, nofork"
    package = "socat"
    config = "socat.sh"


class SocatPair(SocatNofork):
    name = "socat, socket pair"
    limits = {"half-closes": Race(
        "socat may end both sides as soon as the client has ended its own.")}
    changes = ((",nofork", ""),)


class SocatPipes(SocatPair):
    name = "socat, pipes"
    changes = ((",nofork", ",pipes"),)


class Ncat(FrontEnd):
    name = "ncat"
    package = "ncat"
    config = "ncat.sh"
    limits = {"half-closes": Race("ncat ends both sides at once.")}


class Stunnel(FrontEnd):
    name = "stunnel, exec"
    package = "stunnel4"
    config = "stunnel-exec.conf"
    program = "stunnel4"
    arguments = ("{config}",)
    tls = True
    limits = {"half-closes": Race(
        "TLS takes the end of one side, unannounced, for that of both.")}


class WsTls(FrontEnd):
    name = "ws-tls"
    package = "openssl"
    config = "ws-tls.sh"
    tls = True
    limits = Stunnel.limits


class TcpserverTls(FrontEnd):
    name = "tcpserver, ws-tls"
    package = "ucspi-tcp"
    config = "tcpserver-tls.sh"
    tls = True
    limits = Stunnel.limits


ROWS = [OpenbsdInetd, InetutilsInetd, Xinetd, Rlinetd, Tcpserver, Tcpsvd,
        SystemdInetd, SystemdAccept, SystemdListen, SocatNofork, SocatPair,
        SocatPipes, Ncat, Stunnel, WsTls, TcpserverTls]
