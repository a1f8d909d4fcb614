#!/bin/sh
# systemd's super-server for trying things: as a .socket with Accept=yes and a
# service with StandardInput=socket.  Without --inetd the connection is passed
# as descriptor 3, which is as well.
exec systemd-socket-activate --accept --inetd -l 127.0.0.1:8080 \
    /usr/local/bin/ws-cgi /usr/local/libexec/chat
