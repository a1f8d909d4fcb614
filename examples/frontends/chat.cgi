#!/usr/local/bin/ws-cgi
# An option a line, then the program, and each of its arguments on a line.
--origin http://example.org
/usr/local/libexec/chat
