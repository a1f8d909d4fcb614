/*
 * ws_recv.c - messages in: whole, or in parts; and who hears of control frames.
 */

#include "conn.h"

static int
recv_next(struct ws *ws, struct ws_msg *msg,
    int (*next)(struct ws *, struct ws_msg *))
{
	int r;

	if (conn_failed(ws))
		return -1;
	if (ws->ready) {
		ws->ready = false;
		*msg = ws->msg;
		return 1;
	}
	while ((r = next(ws, msg)) == 0)
		if (conn_fill(ws) == -1)
			return -1;
	return r == CONN_END ? 0 : r;
}

int
ws_recv(struct ws *ws, struct ws_msg *msg)
{
	return recv_next(ws, msg, conn_message);
}

void
ws_on_control(struct ws *ws,
    void (*heard)(void *, enum ws_control, const void *, size_t), void *arg)
{
	ws->control = heard;
	ws->control_arg = arg;
}

int
ws_part(struct ws *ws, struct ws_msg *msg)
{
	return recv_next(ws, msg, conn_part);
}
