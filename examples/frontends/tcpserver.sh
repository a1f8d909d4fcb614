#!/bin/sh
# tcpserver, of ucspi-tcp: -HR and -l0 do without questions to the name server
# and to the client; -c is how many connections there may be (40).
exec tcpserver -HR -l0 -c 1000 127.0.0.1 8080 \
    /usr/local/bin/ws-cgi /usr/local/libexec/chat
