/*
 * masks.c - a client on descriptor 0 that sends as many empty messages as its
 * argument says, so that who listens sees their masking keys.
 */

#include <stdio.h>
#include <stdlib.h>

#include <ws.h>

int
main(int argc, char *argv[])
{
	const struct ws_conf conf = { .in = 0, .out = 0 };
	struct ws *ws = ws_new(&conf);
	long count = argc == 2 ? atol(argv[1]) : 0;

	if (ws == NULL || ws_connect(ws, "localhost", "/", NULL, NULL) == -1) {
		fprintf(stderr, "masks: no connection\n");
		return 1;
	}
	while (count-- > 0)
		if (ws_send(ws, WS_BINARY, "", 0) == -1) {
			fprintf(stderr, "masks: %s\n", ws_error(ws));
			return 1;
		}
	ws_close(ws, WS_NORMAL, NULL);
	ws_free(ws);
	return 0;
}
