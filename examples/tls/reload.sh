#!/bin/sh
# For /etc/letsencrypt/renewal-hooks/deploy: certbot runs it when there is a new
# certificate, which the listener then loads.  It is one with
#
#	--pidfile /run/ws-tls.pid
#
# and conversations go on.  What is wrong with a key stands in its log.
pidfile=/run/ws-tls.pid

[ -s "$pidfile" ] || exit 0 # it is not running, and will see the new one
kill -HUP "$(cat "$pidfile")"
