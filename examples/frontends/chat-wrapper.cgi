#!/bin/sh
# What the web server has for arguments may be the client's: it goes no further.
WS_CGI_ARGV=1 exec /usr/local/bin/ws-cgi /usr/local/libexec/chat
