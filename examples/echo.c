/*
 * echo.c - a WebSocket handler in C: says back what it is told.
 *
 * It speaks on descriptor 0, as inetd, tcpserver and systemd start it:
 *
 *	tcpserver 127.0.0.1 8080 ./echo
 */

#include <stdio.h>

#include <ws.h>

int
main(void)
{
	static const struct ws_deflate deflate; /* all of it the default */
	const struct ws_conf conf = {
		.max_message = 32 << 20,
		.deflate = &deflate,
	};
	struct ws *ws = ws_new(&conf);
	struct ws_msg msg;
	int clean;

	if (ws == NULL) {
		perror("echo");
		return 111;
	}
	if (ws_accept(ws, ws_choose(ws, NULL, 0), NULL) == 0)
		while (ws_recv(ws, &msg) == 1 &&
		    ws_send(ws, msg.type, msg.data, msg.len) == 0)
			continue;
	clean = ws_close(ws, WS_NORMAL, NULL);
	if (ws_error(ws) != NULL)
		fprintf(stderr, "echo: %s\n", ws_error(ws));
	ws_free(ws);
	return clean == 0 ? 0 : 1;
}
