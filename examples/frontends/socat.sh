#!/bin/sh
# socat: with nofork, ws-cgi has the socket itself.
exec socat TCP-LISTEN:8080,bind=127.0.0.1,reuseaddr,fork \
    EXEC:'/usr/local/bin/ws-cgi /usr/local/libexec/chat',nofork
