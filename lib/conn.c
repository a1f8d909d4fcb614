/*
 * conn.c - the wire and the queue of one connection.  Promises that all that
 * one read brings is worked off before the next, and that all that it causes
 * leaves in one write; refuses to know what programs do with messages.
 */

#include <errno.h>
#include <limits.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "clock.h"
#include "conn.h"
#include "mask.h"

bool
conn_failed(const struct ws *ws)
{
	return ws->info.failed != 0;
}

void
conn_vfail(struct ws *ws, int code, const char *format, va_list ap)
{
	if (conn_failed(ws))
		return;
	ws->info.failed = code;
	vsnprintf(ws->error, sizeof(ws->error), format, ap);
}

int
conn_fail(struct ws *ws, int code, const char *format, ...)
{
	va_list ap;

	va_start(ap, format);
	conn_vfail(ws, code, format, ap);
	va_end(ap);
	return -1;
}

/* Once it has said its last word, that is no failure. */
static int
conn_lost(struct ws *ws, const char *what)
{
	if (ws->info.received != 0)
		return -1;
	return conn_fail(ws, WS_ABNORMAL, "the %s is gone: %s",
	    ws->client ? "server" : "client", what);
}

int
conn_gone(struct ws *ws, const char *what)
{
	ws->gone = true;
	return conn_lost(ws, what);
}

/* The end of its stream need not be that of ours. */
static int
conn_ended(struct ws *ws)
{
	if (!ws->open || ws->info.received != 0)
		ws->gone = true;
	ws->half = !ws->gone;
	return conn_lost(ws, "its stream ended without a Close");
}

static bool
is_stopped(const struct ws *ws)
{
	return ws->conf.stop != NULL && *ws->conf.stop != 0;
}

int
conn_stopped(struct ws *ws)
{
	if (!is_stopped(ws) || conn_failed(ws))
		return 0;
	return conn_fail(ws, WS_GOING_AWAY, "stopped");
}

int64_t
conn_until(struct ws *ws, int64_t until)
{
	if (ws->over == 0 && ws->conf.stopped > 0 && is_stopped(ws))
		ws->over = clock_in(ws->conf.stopped);
	if (ws->over != 0 && ws->over < until)
		until = ws->over;
	return ws->late != 0 && ws->late < until ? ws->late : until;
}

static void
conn_moved(struct ws *ws, bool moved)
{
	if (ws->out.len == 0)
		ws->stuck = 0;
	else if (moved || ws->stuck == 0)
		ws->stuck = clock_in(ws->conf.write);
}

/*
 * Send of the queue, and of n bytes behind it, what goes at once.  Returns how
 * many of the n have gone, or -1.
 */
static ssize_t
conn_give(struct ws *ws, const uint8_t *p, size_t n)
{
	const uint8_t *head = buf_head(&ws->out);
	size_t queued = ws->out.len;
	ssize_t gone = n == 0 ? wire_give(&ws->wire, head, queued) :
				wire_give_both(&ws->wire, head, queued, p, n);

	if (gone == -1 && (errno == EAGAIN || errno == EINTR))
		gone = 0;
	if (gone == -1)
		return conn_gone(ws, strerror(errno));
	if ((size_t)gone < queued)
		queued = (size_t)gone;
	buf_drop(&ws->out, queued);
	conn_went(ws, queued);
	conn_moved(ws, gone > 0);
	return gone - (ssize_t)queued;
}

/*
 * Is a payload worth a system call, with what is queued before it?  A client's
 * must be masked, and what is stuck would not go.
 */
static bool
conn_is_worth_it(const struct ws *ws, size_t n)
{
	return n >= CONN_LARGE && ws->out.len + n >= CONN_FULL && !ws->client &&
	    ws->stuck == 0;
}

/*
 * Then it is sent from where it lies, and of it only what does not go is
 * copied.  There is room for all of it.
 */
static int
conn_large(struct ws *ws, const uint8_t *p, size_t n)
{
	ssize_t gone = conn_give(ws, p, n);

	if (gone == -1)
		return -1;
	buf_add(&ws->out, p + gone, n - (size_t)gone);
	conn_moved(ws, gone > 0);
	return 0;
}

int
conn_frame(struct ws *ws, uint8_t opcode, bool fin, const void *p, size_t n,
    const void *q, size_t m)
{
	struct frame f = {
		.fin = fin,
		.rsv = opcode >> 4,
		.opcode = opcode & 0xf,
		.masked = ws->client,
		.length = n + m,
	};
	uint8_t head[FRAME_HEAD_MAX];
	uint8_t *payload;
	size_t size;

	if (ws->client)
		arc4random_buf(f.key, sizeof(f.key));
	size = frame_write(&f, head);
	if (buf_room(&ws->out, size + n + m) == NULL)
		return conn_fail(ws, WS_INTERNAL, "no memory for a message");
	buf_add(&ws->out, head, size);
	if (n == 0 && conn_is_worth_it(ws, m)) {
		conn_seen_frame(ws, &f, q);
		return conn_large(ws, q, m);
	}
	payload = buf_room(&ws->out, n + m);
	buf_add(&ws->out, p, n);
	buf_add(&ws->out, q, m);
	conn_seen_frame(ws, &f, payload);
	if (ws->client)
		mask_apply(payload, n + m, f.key, 0);
	return 0;
}

int
conn_ping(struct ws *ws, const void *p, size_t n)
{
	ws->owed++;
	return conn_frame(ws, FRAME_PING, true, p, n, NULL, 0);
}

void
conn_close_frame(struct ws *ws, int code, const char *reason)
{
	const uint8_t bytes[2] = { (uint8_t)(code >> 8), (uint8_t)code };
	const size_t max = FRAME_CONTROL_MAX - sizeof(bytes);
	size_t len = reason == NULL ? 0 : strlen(reason);

	if (!ws->open || ws->gone || ws->info.sent != 0)
		return;
	if (code < 0 || !message_code_valid((unsigned int)code))
		code = 0; /* RFC 6455 7.4.1: the rest is never sent */
	ws->info.sent = code == 0 ? WS_NO_CODE : code;
	if (code == 0)
		conn_frame(ws, FRAME_CLOSE, true, NULL, 0, NULL, 0);
	else
		conn_frame(ws, FRAME_CLOSE, true, bytes, sizeof(bytes), reason,
		    utf8_cut((const uint8_t *)reason, len, max));
}

/*
 * RFC 6455 5.5.3 lets us answer the last Ping alone: done when the queue is
 * long, so that a peer that pings and never reads costs no memory.
 */
static int
conn_pong(struct ws *ws)
{
	struct message_part pong = ws->pong;

	if (pong.event != MESSAGE_CONTROL || ws->out.len > CONN_QUEUE)
		return 0;
	ws->pong.event = MESSAGE_MORE;
	if (ws->info.sent != 0)
		return 0;
	return conn_frame(ws, FRAME_PONG, true, ws->pong_data, pong.len, NULL,
	    0);
}

int
conn_push(struct ws *ws)
{
	size_t before;

	while ((before = ws->out.len) > 0) {
		if (conn_give(ws, NULL, 0) == -1)
			return -1;
		if (ws->out.len == before)
			break;
		if (conn_pong(ws) == -1)
			return -1;
	}
	buf_spare(&ws->out, CONN_KEEP);
	if (ws->stuck != 0 && clock_until(conn_until(ws, ws->stuck)) == 0)
		return conn_gone(ws, "it takes no more bytes");
	return 0;
}

/* Until something can be written, a signal comes, or it is time for more. */
static int
conn_writable(struct ws *ws)
{
	int64_t until = conn_until(ws, ws->stuck);

	if (conn_session(ws) < until)
		until = conn_session(ws);
	if (wire_writable(&ws->wire, clock_until(until)) == -1 &&
	    errno != ETIMEDOUT && errno != EINTR)
		return conn_gone(ws, strerror(errno));
	return 0;
}

int
conn_flush(struct ws *ws)
{
	while (!ws->gone && ws->out.len > 0) {
		if (conn_push(ws) == -1)
			return -1;
		if (ws->out.len == 0)
			break;
		if (ws->info.sent == 0 && conn_stopped(ws) == -1)
			return -1;
		if (conn_limits(ws) == -1 || conn_writable(ws) == -1)
			return -1;
	}
	return ws->gone ? -1 : 0;
}

uint8_t *
conn_room(struct ws *ws, size_t *size)
{
	if (ws->read == 0)
		ws->read = CONN_FIRST;
	while (ws->read <= ws->in.len)
		ws->read *= 2;
	*size = ws->read - ws->in.len;
	return buf_room(&ws->in, *size);
}

/* What a read of size bytes has returned: if it was full, there may be more. */
static int
conn_heard(struct ws *ws, ssize_t n, size_t size)
{
	if (n > 0) {
		buf_grow(&ws->in, (size_t)n);
		if ((size_t)n == size && ws->read < CONN_READ)
			ws->read *= 2;
		ws->pinged = false;
		ws->heard = clock_ms();
		return 1;
	}
	ws->hup = true;
	if (n == 0)
		return conn_ended(ws);
	return conn_gone(ws, strerror(errno));
}

int
conn_take(struct ws *ws)
{
	size_t size;
	uint8_t *room = conn_room(ws, &size);
	ssize_t n;

	if (room == NULL)
		return conn_fail(ws, WS_INTERNAL, "no memory to read into");
	n = wire_take(&ws->wire, room, size);
	if (n == -1 && (errno == EAGAIN || errno == EINTR))
		return 0;
	return conn_heard(ws, n, size);
}

int
conn_wrong(struct ws *ws, int code, const char *why)
{
	ws->get.code = code;
	return conn_fail(ws, code, "%s", why);
}

/* Is there memory that would go if it were quiet? */
static bool
conn_is_large(const struct buf *b)
{
	return b->len == 0 && b->size > CONN_FIRST;
}

int64_t
conn_rest(const struct ws *ws)
{
	if (conn_is_large(&ws->in) || conn_is_large(&ws->out) ||
	    conn_is_large(&ws->part) || conn_is_large(&ws->whole) ||
	    conn_deflate_is_large(ws))
		return ws->heard + CONN_QUIET;
	return CLOCK_NEVER;
}

void
conn_spare(struct ws *ws)
{
	if (clock_until(conn_rest(ws)) != 0)
		return;
	buf_spare(&ws->in, CONN_FIRST);
	buf_spare(&ws->out, CONN_FIRST);
	buf_spare(&ws->part, CONN_FIRST);
	buf_spare(&ws->whole, CONN_FIRST);
	conn_deflate_rest(ws);
	ws->read = CONN_FIRST;
}

static int
conn_silence(const struct ws *ws)
{
	return ws->pinged && ws->conf.pong >= 0 ? ws->conf.pong : ws->conf.ping;
}

int64_t
conn_due(const struct ws *ws)
{
	int ms = conn_silence(ws);

	return ms < 0 ? CLOCK_NEVER : ws->heard + ms;
}

int
conn_silent(struct ws *ws)
{
	if (ws->pinged && ws->conf.pong >= 0)
		return conn_gone(ws, "it answers no Ping");
	ws->pinged = true;
	ws->heard = clock_ms();
	return conn_ping(ws, NULL, 0);
}

/*
 * How long a read may wait, counted from now.  A limit that comes nearer with
 * each read halves it, now and then, since each change is a system call.
 */
static int
conn_patience(const struct ws *ws)
{
	const int left = clock_until(conn_limit(ws));
	int ms = conn_silence(ws);

	if (conn_rest(ws) != CLOCK_NEVER && (ms < 0 || ms > CONN_QUIET))
		ms = CONN_QUIET;
	if (left != -1 && ms < 0)
		ms = INT_MAX;
	while (left != -1 && ms >= left && ms > 1)
		ms /= 2;
	return ms;
}

/* The same after a wait in vain: exactly; at least 1, which is not for ever. */
static int
conn_patience_left(const struct ws *ws)
{
	const int64_t due = conn_due(ws), limit = conn_limit(ws);
	const int ms = clock_until(due < limit ? due : limit);

	return ms == 0 ? 1 : ms;
}

/* A read has waited in vain.  Is that too long by now? */
static int
conn_waited(struct ws *ws)
{
	conn_spare(ws);
	return clock_until(conn_due(ws)) == 0 ? conn_silent(ws) : 0;
}

int
conn_fill(struct ws *ws)
{
	size_t size;
	uint8_t *room;
	ssize_t n;

	for (bool first = true;; first = false) {
		if (conn_stopped(ws) == -1 || conn_flush(ws) == -1 ||
		    conn_limits(ws) == -1)
			return -1;
		if ((room = conn_room(ws, &size)) == NULL)
			return conn_fail(ws, WS_INTERNAL,
			    "no memory to read into");
		n = wire_read(&ws->wire, room, size,
		    first ? conn_patience(ws) : conn_patience_left(ws));
		conn_looked(ws, n > 0);
		if (n != -1 || (errno != ETIMEDOUT && errno != EINTR))
			return conn_heard(ws, n, size);
		if (conn_waited(ws) == -1)
			return -1;
	}
}

static int
conn_close_received(struct ws *ws, const struct message_part *part)
{
	int code = message_close(&ws->get, part->data, part->len);
	size_t len = part->len > 2 ? part->len - 2 : 0;

	if (code == -1)
		return conn_fail(ws, ws->get.code, "%s", ws->get.why);
	ws->info.received = code;
	memcpy(ws->reason, part->data + part->len - len, len);
	ws->reason[len] = '\0';
	ws->info.reason = ws->reason;
	conn_close_frame(ws, code == WS_NO_CODE ? 0 : code, ws->reason);
	return CONN_END;
}

static int
conn_control(struct ws *ws, const struct message_part *part)
{
	if (part->opcode == FRAME_CLOSE)
		return conn_close_received(ws, part);
	if (conn_ping_came(ws, part->opcode == FRAME_PONG) == -1)
		return -1;
	if (ws->control != NULL)
		ws->control(ws->control_arg,
		    part->opcode == FRAME_PING ? WS_PING : WS_PONG, part->data,
		    part->len);
	if (part->opcode != FRAME_PING)
		return 0;
	memcpy(ws->pong_data, part->data, part->len);
	ws->pong = *part;
	return conn_pong(ws);
}

static int
conn_hand_out(struct ws *ws, const struct ws_msg *msg)
{
	if (msg->first && conn_message_came(ws) == -1)
		return -1;
	ws->passed = true;
	ws->info.bytes_in += msg->len;
	if (msg->last)
		ws->info.messages_in++;
	return 1;
}

int
conn_part(struct ws *ws, struct ws_msg *msg)
{
	struct message_part part;
	ssize_t n;
	int r;

	while (ws->info.received == 0) {
		if (conn_inflating(ws)) {
			if ((r = conn_inflated(ws, msg)) == 0)
				continue;
			if (r == -1 || conn_came(ws, msg->len) == -1)
				return -1;
			return conn_hand_out(ws, msg);
		}
		if (ws->in.len == 0)
			return 0;
		n = message_take(&ws->get, buf_head(&ws->in), ws->in.len,
		    &part);
		if (n == -1)
			return conn_fail(ws, ws->get.code, "%s", ws->get.why);
		buf_drop(&ws->in, (size_t)n);
		if (conn_came(ws, (size_t)n) == -1)
			return -1;
		if (part.event == MESSAGE_MORE)
			return 0;
		if (part.event == MESSAGE_CONTROL) {
			if ((r = conn_control(ws, &part)) != 0)
				return r;
			continue;
		}
		if (ws->get.rsv_seen != 0) {
			conn_inflate(ws, &part);
			continue;
		}
		*msg = (struct ws_msg){
			.type = part.opcode == FRAME_TEXT ? WS_TEXT : WS_BINARY,
			.data = part.data,
			.len = part.len,
			.first = part.first,
			.last = part.last,
		};
		return conn_hand_out(ws, msg);
	}
	return CONN_END;
}

int
conn_message(struct ws *ws, struct ws_msg *msg)
{
	int r;

	if (ws->get.opcode == 0) { /* what the last call handed out is over */
		buf_drop(&ws->whole, ws->whole.len);
		buf_spare(&ws->whole, CONN_KEEP);
	}
	while ((r = conn_part(ws, msg)) == 1) {
		if (msg->first && msg->last)
			return 1;
		if (buf_add(&ws->whole, msg->data, msg->len) == -1)
			return conn_fail(ws, WS_INTERNAL,
			    "no memory for a message");
		if (msg->last) {
			msg->data = buf_head(&ws->whole);
			msg->len = ws->whole.len;
			msg->first = true;
			return 1;
		}
	}
	return r;
}

void
conn_open(struct ws *ws, int status, const char *protocol)
{
	ws->info.status = status;
	ws->info.protocol = protocol;
	ws->heard = clock_ms();
	ws->open = true;
	conn_limits_begin(ws);
}
