/*
 * ws_close.c - the end of the stream: our Close, the peer's, and then ours is
 * shut.  A socket closed with bytes unread is reset, and the reset overtakes
 * what we sent; so where bytes may still come, the peer's side is read to its
 * end first.  Pipes can be neither shut nor reset.
 */

#include <errno.h>

#include "clock.h"
#include "conn.h"

static int
close_flush(struct ws *ws)
{
	int r;

	do
		r = conn_flush(ws);
	while (r == -1 && !ws->gone);
	return r;
}

/* Read into the buffer and forget it.  Returns as wire_read does. */
static ssize_t
close_read(struct ws *ws, int64_t until)
{
	uint8_t *room;
	size_t size;
	ssize_t n;
	int ms;

	do {
		if ((ms = clock_until(conn_until(ws, until))) == 0)
			return -1;
		if ((room = conn_room(ws, &size)) == NULL)
			return -1;
		n = wire_read(&ws->wire, room, size, ms);
	} while (n == -1 && errno == EINTR);
	return n;
}

/* Messages that come before the peer's Close find nobody listening any more. */
static void
close_await(struct ws *ws)
{
	int64_t until = clock_in(ws->conf.close);
	struct ws_msg msg;
	ssize_t n;
	int r;

	while (ws->info.received == 0) {
		while ((r = conn_part(ws, &msg)) == 1)
			;
		if (r != 0 || (n = close_read(ws, until)) <= 0)
			return;
		buf_grow(&ws->in, (size_t)n);
	}
}

/*
 * RFC 6455 7.1.1: it is the server that closes.  Who has sent a Close sends no
 * more, so if nothing is there, nothing will be, and no reset.
 */
static bool
close_is_safe(struct ws *ws)
{
	uint8_t byte;

	return !ws->client && ws->info.received != 0 && !conn_failed(ws) &&
	    ws->in.len == 0 && wire_take(&ws->wire, &byte, 1) <= 0;
}

static void
close_drain(struct ws *ws)
{
	int64_t until = clock_in(ws->conf.linger);

	buf_drop(&ws->in, ws->in.len);
	while (close_read(ws, until) > 0)
		;
}

int
ws_close(struct ws *ws, int code, const char *reason)
{
	int r;

	if (conn_failed(ws)) {
		code = ws->info.failed;
		reason = ws->error;
	}
	if (code != WS_ABNORMAL)
		conn_close_frame(ws, code, reason);
	r = close_flush(ws);
	if (r == 0 && ws->open && ws->get.code == 0)
		close_await(ws);
	if (ws->open && ws->info.received == 0)
		message_cut(&ws->get, buf_head(&ws->in), ws->in.len);
	if (r == -1)
		return -1;
	wire_shut(&ws->wire);
	if (ws->wire.hears && ws->wire.tells && !close_is_safe(ws))
		close_drain(ws);
	ws->gone = true;
	return ws->info.received != 0 && !conn_failed(ws) ? 0 : -1;
}
