"""Who a client is, as nginx has found out by auth_request, is what the program
of an SCGI connection sees; nobody else gets one, and no client can say it."""

from frontend import rawclient, server
from rawclient import Connection
from tap import Tap
from webservers import NginxScgiUnix
from ws_test import payloads, until_end

WHO = """
server {
	listen unix:/run/who.sock;
	if ($cookie_session != "1234") { return 403; }
	add_header X-User anna always;
	return 204;
}
server {
"""
CHECK = """
	location = /who {
		internal;
		proxy_pass http://unix:/run/who.sock;
	}
	location / {
		auth_request /who;
		auth_request_set $user $upstream_http_x_user;
		scgi_param CHAT_ROOM garden;
"""


class Identity(NginxScgiUnix):
    name = "nginx, auth_request"
    changes = (
        ("/usr/local/libexec/chat", "--allow-env CHAT_* --format raw -- "
         "cat /proc/self/environ"),
        ("server {\n", WHO), ("\tlocation / {\n", CHECK),
        ("$remote_user", "$user"),
    )

    def make_values(self):
        return {**super().make_values(), "/run/who.sock": self.path("who")}


def environment(front, *fields):
    """The program's variables, or the status of a refusal."""
    with Connection(front.connect()) as connection:
        connection.send(rawclient.request(
            front.host, "/room%201?a=b", extra=fields))
        status, _ = connection.response()
        if status != 101:
            return status
        data = b"".join(payloads(until_end(connection), "binary"))
    return dict(pair.split("=", 1)
                for pair in data.decode().split("\0")[:-1])


def main():
    tap = Tap()
    with server.same_descriptors(), Identity(server.binary()) as front:
        for fields in ((), ("Cookie: session=1",), ("Remote-User: anna",),
                       ("X-User: anna", "Cookie: a=b")):
            got = environment(front, *fields)
            tap.ok(got == 403, "%r: 403" % (fields,), got)
        origin = "Origin: http://" + front.host
        got = environment(front, "Cookie: session=1234", "Proxy: http://evil",
                          "Remote-User: eve", "Chat-Room: cellar",
                          "X_Under: a", origin)
        wanted = {"REMOTE_USER": "anna", "CHAT_ROOM": "garden",
                  "REMOTE_ADDR": "127.0.0.2", "HTTP_HOST": front.host,
                  "REQUEST_URI": "/room%201?a=b", "QUERY_STRING": "a=b",
                  "HTTP_REMOTE_USER": "eve", "HTTP_CHAT_ROOM": "cellar"}
        tap.ok(isinstance(got, dict) and {name: got.get(name)
                                          for name in wanted} == wanted
               and "HTTP_PROXY" not in got and "HTTP_X_UNDER" not in got,
               "who has been let in is REMOTE_USER, and --allow-env lets more "
               "through", (got, front.log()[-3:], front.backend.log()[-3:]))
        got = environment(front, "Cookie: session=1234",
                          "Origin: http://evil.example")
        tap.ok(got == 403, "R32: a page of another site is none of ours", got)
        got = environment(front, "Cookie: session=1234",
                          "Origin: http://127.0.0.1")
        tap.ok(got == 403, "R32: nor is one of another port", got)
    tap.finish()


if __name__ == "__main__":
    main()
