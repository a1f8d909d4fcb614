#!/bin/sh
# ncat, of nmap: it stands between the client and ws-cgi, which has two pipes.
exec ncat --listen --keep-open --max-conns 1000 127.0.0.1 8080 \
    --exec '/usr/local/bin/ws-cgi /usr/local/libexec/chat'
