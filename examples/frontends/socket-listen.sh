#!/bin/sh
# As a .socket with Accept=no: systemd opens the socket, and ws-cgi listens.
exec systemd-socket-activate -l 127.0.0.1:8080 \
    /usr/local/bin/ws-cgi --listen systemd /usr/local/libexec/chat
