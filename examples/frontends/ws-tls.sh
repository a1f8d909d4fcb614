#!/bin/sh
# ws-tls, which listens and speaks TLS.  ws-cgi --listen --tls-cert is the same.
exec /usr/local/bin/ws-tls --listen 8080 --cert /etc/ssl/certs/ws-cgi.pem \
    --key /etc/ssl/private/ws-cgi.key -- \
    /usr/local/bin/ws-cgi /usr/local/libexec/chat
