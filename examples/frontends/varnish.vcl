# For /etc/varnish/chat.vcl; by varnishd -a 127.0.0.1:8080 -f /etc/varnish/chat.vcl
# -p pipe_timeout=3600, which is how long a WebSocket may be silent (60); and
# one of
#
#	ws-cgi --listen 8081 --host example.org --trust 127.0.0.1 /usr/local/libexec/chat
#	ws-cgi --listen unix:/run/ws-cgi.sock,mode=0660,group=varnish --host example.org --trust unix /usr/local/libexec/chat
vcl 4.1;

backend chat {
	.host = "127.0.0.1"; .port = "8081";
	#.path = "/run/ws-cgi.sock";
}

sub vcl_recv {
	set req.http.X-Forwarded-Proto = "http";
	if (req.http.Upgrade ~ "(?i)websocket") {
		return (pipe);
	}
}

# Varnish would leave these two out.
sub vcl_pipe {
	if (req.http.Upgrade) {
		set bereq.http.Upgrade = req.http.Upgrade;
		set bereq.http.Connection = req.http.Connection;
	}
}
