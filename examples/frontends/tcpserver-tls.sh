#!/bin/sh
# tcpserver, as in tcpserver.sh, with ws-tls in between.
exec tcpserver -HR -l0 -c 1000 127.0.0.1 8080 \
    /usr/local/bin/ws-tls --cert /etc/ssl/certs/ws-cgi.pem \
    --key /etc/ssl/private/ws-cgi.key -- \
    /usr/local/bin/ws-cgi /usr/local/libexec/chat
