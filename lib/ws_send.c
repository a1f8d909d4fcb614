/*
 * ws_send.c - messages out.  A message is cut into frames of at most 64 KiB,
 * so that control frames get through; parts smaller than a quarter of that
 * wait for more of their message, so that small parts make no small frames.
 */

#include "conn.h"

enum { SEND_SMALL = CONN_FRAGMENT / 4 };

/*
 * After the peer broke a rule or ended its side of the stream, what answers
 * its earlier messages may still be sent; after a failure of ours, or a Close,
 * nothing may.
 */
static int
send_allowed(struct ws *ws)
{
	if (conn_failed(ws) && (ws->gone || (ws->get.code == 0 && !ws->half)))
		return -1;
	if (ws->info.received != 0)
		return -1;
	if (!ws->open || ws->info.sent != 0)
		return conn_fail(ws, WS_INTERNAL, "sending when not open");
	return 0;
}

static int
send_check(struct ws *ws, const uint8_t *p, size_t len, bool last)
{
	size_t good;

	if (!ws->put_check)
		return 0;
	if ((good = utf8_feed(&ws->put_utf8, p, len)) < len)
		return conn_fail(ws, WS_INTERNAL,
		    "text to be sent is not UTF-8 at byte %zu", good);
	if (last && !utf8_whole(&ws->put_utf8))
		return conn_fail(ws, WS_INTERNAL,
		    "text to be sent ends inside a UTF-8 character");
	return 0;
}

static uint8_t
send_opcode(struct ws *ws)
{
	const bool begun = ws->put_begun;

	ws->put_begun = true;
	if (begun)
		return FRAME_CONTINUATION;
	return ws->put_deflate ? ws->put | CONN_DEFLATED : ws->put;
}

/* A frame of what waits in ws->part and len bytes at p. */
static int
send_frame(struct ws *ws, const uint8_t *p, size_t len, bool fin)
{
	if (conn_frame(ws, send_opcode(ws), fin, buf_head(&ws->part),
		ws->part.len, p, len) == -1)
		return -1;
	buf_drop(&ws->part, ws->part.len);
	return 0;
}

static int
send_frames(struct ws *ws, const uint8_t *p, size_t len, bool last)
{
	size_t n;

	do {
		n = CONN_FRAGMENT - ws->part.len;
		if (n > len)
			n = len;
		if (n == len && !last && ws->part.len + n < SEND_SMALL) {
			if (buf_add(&ws->part, p, n) == -1)
				return conn_fail(ws, WS_INTERNAL,
				    "no memory for a message");
			return 0;
		}
		if (send_frame(ws, p, n, last && n == len) == -1)
			return -1;
		len -= n;
		if (len > 0)
			p += n;
	} while (len > 0);
	return 0;
}

/* A frame of so much of what waits in ws->part. */
static int
send_waiting(struct ws *ws, size_t n, bool fin)
{
	if (conn_frame(ws, send_opcode(ws), fin, buf_head(&ws->part), n, NULL,
		0) == -1)
		return -1;
	buf_drop(&ws->part, n);
	return 0;
}

/* What waits, but for what may be the tail: see deflate_put. */
static int
send_full(struct ws *ws)
{
	while (ws->part.len >= CONN_FRAGMENT + DEFLATE_TAIL)
		if (send_waiting(ws, CONN_FRAGMENT, false) == -1)
			return -1;
	return 0;
}

static int
send_deflated(struct ws *ws, const uint8_t *p, size_t len, bool last)
{
	size_t n;

	do {
		n = len < CONN_FRAGMENT ? len : CONN_FRAGMENT;
		if (conn_deflate(ws, p, n,
			last && n == len ? DEFLATE_END : DEFLATE_SOME) == -1)
			return -1;
		len -= n;
		if (len > 0)
			p += n;
		if (send_full(ws) == -1)
			return -1;
	} while (len > 0);
	if (!last)
		return 0;
	if (ws->part.len > CONN_FRAGMENT &&
	    send_waiting(ws, CONN_FRAGMENT, false) == -1)
		return -1;
	return send_waiting(ws, ws->part.len, true);
}

/* A whole message, which is sent as it is if it does not become smaller. */
static int
send_smaller(struct ws *ws, const uint8_t *p, size_t len)
{
	if (conn_deflate(ws, p, len, DEFLATE_END) == -1)
		return -1;
	if (ws->part.len < len)
		return send_waiting(ws, ws->part.len, true);
	conn_deflate_drop(ws);
	ws->put_deflate = false;
	return send_frames(ws, p, len, true);
}

static int
send_data(struct ws *ws, const uint8_t *p, size_t len, bool last)
{
	const bool fresh = ws->put_fresh && (len > 0 || last);

	if (fresh) {
		ws->put_fresh = false;
		ws->put_deflate = conn_deflates(ws, len, last);
	}
	if (!ws->put_deflate)
		return send_frames(ws, p, len, last);
	if (fresh && last && len <= CONN_FRAGMENT)
		return send_smaller(ws, p, len);
	return send_deflated(ws, p, len, last);
}

int
ws_queue_part(struct ws *ws, enum ws_type type, const void *data, size_t len,
    bool last)
{
	if (send_allowed(ws) == -1)
		return -1;
	if (ws->put == 0) {
		ws->put = type == WS_BINARY ? FRAME_BINARY : FRAME_TEXT;
		ws->put_check = type == WS_TEXT;
		ws->put_begun = false;
		ws->put_fresh = true;
		ws->put_deflate = false;
		ws->put_utf8 = (struct utf8){ 0 };
	}
	if (send_check(ws, data, len, last) == -1 ||
	    send_data(ws, data, len, last) == -1)
		return -1;
	ws->info.bytes_out += len;
	ws->passed = ws->passed || len > 0 || last;
	ws->said = ws->out.len;
	if (last) {
		ws->info.messages_out++;
		ws->put = 0;
	}
	return 0;
}

int
ws_queue(struct ws *ws, enum ws_type type, const void *data, size_t len)
{
	return ws_queue_part(ws, type, data, len, true);
}

size_t
ws_queued(const struct ws *ws)
{
	return ws->out.len;
}

/* Unless an answer to more that has come will follow at once. */
static int
send_now(struct ws *ws)
{
	if (ws->out.len <= CONN_QUEUE &&
	    (ws->ready ||
		message_ready(&ws->get, buf_head(&ws->in), ws->in.len)))
		return 0;
	return conn_flush(ws);
}

int
ws_send(struct ws *ws, enum ws_type type, const void *data, size_t len)
{
	return ws_queue(ws, type, data, len) == -1 ? -1 : send_now(ws);
}

int
ws_send_part(struct ws *ws, enum ws_type type, const void *data, size_t len,
    bool last)
{
	if (ws_queue_part(ws, type, data, len, last) == -1)
		return -1;
	return last ? send_now(ws) : ws_flush(ws);
}

static int
send_rest(struct ws *ws)
{
	if (ws->put == 0 || !ws->put_deflate)
		return ws->part.len > 0 ? send_frame(ws, NULL, 0, false) : 0;
	if (conn_deflate(ws, NULL, 0, DEFLATE_ALL) == -1)
		return -1;
	if (ws->part.len <= DEFLATE_TAIL)
		return 0;
	return send_waiting(ws, ws->part.len - DEFLATE_TAIL, false);
}

int
ws_flush(struct ws *ws)
{
	if (send_allowed(ws) == -1 || send_rest(ws) == -1)
		return -1;
	return conn_flush(ws);
}

int
ws_queue_ping(struct ws *ws, const void *data, size_t len)
{
	if (send_allowed(ws) == -1)
		return -1;
	if (len > FRAME_CONTROL_MAX)
		return conn_fail(ws, WS_INTERNAL, "a Ping of over 125 bytes");
	return conn_ping(ws, data, len);
}

int
ws_ping(struct ws *ws, const void *data, size_t len)
{
	return ws_queue_ping(ws, data, len) == -1 ? -1 : conn_flush(ws);
}
