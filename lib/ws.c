/*
 * ws.c - the beginning and the end of a connection's memory, and what is known
 * of it in between.
 */

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "clock.h"
#include "conn.h"

static void
default_ms(int *value, int ms)
{
	if (*value == 0)
		*value = ms;
}

static uint64_t
limit(int64_t value, uint64_t standard)
{
	if (value == 0)
		return standard;
	return value < 0 ? UINT64_MAX : (uint64_t)value;
}

static void
ws_defaults(struct ws *ws)
{
	struct ws_conf *c = &ws->conf;

	default_ms(&c->handshake, 10000);
	default_ms(&c->ping, 25000);
	default_ms(&c->pong, 20000);
	default_ms(&c->write, 30000);
	default_ms(&c->close, 3000);
	default_ms(&c->linger, 1000);
	ws->get.max = limit(c->max_message, 16 << 20);
	ws->get.max_frames = limit(c->max_fragments, 1 << 20);
	ws->get.masked = true;
}

/* Where is the connection to be?  What is too small for it is of no use. */
static struct ws *
ws_place(const struct ws_conf *c)
{
	struct ws *ws;

	if (c == NULL || c->memory == NULL || c->memory_size < sizeof(*ws))
		return calloc(1, sizeof(*ws));
	ws = memset(c->memory, 0, sizeof(*ws));
	ws->room = (char *)(ws + 1);
	ws->room_size = c->memory_size - sizeof(*ws);
	return ws;
}

static bool
ws_is_given(const struct ws *ws)
{
	return ws->room != NULL;
}

/* The last bytes of the room. */
static void
ws_lend(struct ws *ws, struct buf *b, size_t size)
{
	if (ws->room_size < size)
		return;
	ws->room_size -= size;
	buf_lend(b, ws->room + ws->room_size, size);
}

/* Short answers lie beside the connection, what is read behind its head. */
static void
ws_settle(struct ws *ws)
{
	ws_lend(ws, &ws->in, CONN_FIRST);
	if (ws->room_size < CONN_REPLY)
		return;
	buf_lend(&ws->out, ws->room, CONN_REPLY);
	ws->room += CONN_REPLY;
	ws->room_size -= CONN_REPLY;
}

struct ws *
ws_new(const struct ws_conf *conf)
{
	struct ws *ws;

	if ((ws = ws_place(conf)) == NULL)
		return NULL;
	ws_settle(ws);
	timeout_begin(&ws->timeout);
	if (conf != NULL)
		ws->conf = *conf;
	ws_defaults(ws);
	if (wire_open(&ws->wire, ws->conf.in,
		ws->conf.out == 0 ? -1 : ws->conf.out) == -1) {
		ws_free(ws);
		return NULL;
	}
	ws->wire.sigmask = ws->conf.sigmask;
	ws->deadline = clock_in(ws->conf.handshake);
	return ws;
}

int
ws_fail(struct ws *ws, int code, const char *format, ...)
{
	va_list ap;

	va_start(ap, format);
	conn_vfail(ws, code, format, ap);
	va_end(ap);
	return -1;
}

const struct ws_info *
ws_info(const struct ws *ws)
{
	return &ws->info;
}

const char *
ws_error(const struct ws *ws)
{
	return conn_failed(ws) ? ws->error : NULL;
}

bool
ws_hung_up(const struct ws *ws)
{
	return ws->hup;
}

void
ws_free(struct ws *ws)
{
	if (ws == NULL)
		return;
	timeout_end(&ws->timeout);
	buf_free(&ws->in);
	buf_free(&ws->out);
	buf_free(&ws->part);
	buf_free(&ws->whole);
	free(ws->protocol);
	free(ws->chosen);
	conn_head_free(ws);
	if (!ws_is_given(ws))
		free(ws);
}
