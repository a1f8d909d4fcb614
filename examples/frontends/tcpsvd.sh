#!/bin/sh
# tcpsvd, of ipsvd: -c is how many connections there may be (30).
exec tcpsvd -c 1000 127.0.0.1 8080 \
    /usr/local/bin/ws-cgi /usr/local/libexec/chat
