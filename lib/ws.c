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
	if (c->ping_rate == 0)
		c->ping_rate = 100;
	ws->get.max = limit(c->max_message, 16 << 20);
	ws->get.max_frame = limit(c->max_frame, UINT64_MAX);
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
	ws->given = true;
	ws->rest = (char *)(ws + 1);
	ws->rest_size = c->memory_size - sizeof(*ws);
	return ws;
}

/* Returns the next bytes of the rest, or NULL if there are not so many. */
static char *
ws_cut(struct ws *ws, size_t size)
{
	char *p = ws->rest;

	if (ws->rest_size < size)
		return NULL;
	ws->rest += size;
	ws->rest_size -= size;
	return p;
}

/* What a short talk needs is on the first page. */
static void
ws_settle(struct ws *ws)
{
	char *p;

	if ((p = ws_cut(ws, CONN_REPLY)) != NULL)
		buf_lend(&ws->out, p, CONN_REPLY);
	if ((ws->room = ws_cut(ws, CONN_HEAD)) != NULL)
		ws->room_size = CONN_HEAD;
	if ((p = ws_cut(ws, CONN_FIRST)) != NULL)
		buf_lend(&ws->in, p, CONN_FIRST);
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
	conn_deflate_free(ws);
	buf_free(&ws->in);
	buf_free(&ws->out);
	buf_free(&ws->part);
	buf_free(&ws->whole);
	free(ws->protocol);
	free(ws->chosen);
	conn_head_free(ws);
	if (!ws->given)
		free(ws);
}
