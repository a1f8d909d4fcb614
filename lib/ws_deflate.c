/*
 * ws_deflate.c - compressed messages on a connection: which terms, which
 * messages, and what is kept while it is quiet.  Refuses to know how bytes are
 * compressed.
 */

#include <limits.h>
#include <stdlib.h>

#include "conn.h"
#include "deflate.h"

enum { ROOM = 16384 }; /* bytes inflated at a time */

struct conn_deflate {
	struct ws_deflate conf;
	struct deflate_in in;
	struct deflate_out out;
	uint8_t *room;	  /* for what has been inflated, or NULL */
	bool feeding;	  /* there is some of a message to inflate */
	uint8_t opcode;	  /* of that message */
	bool begun;	  /* a part of it has been handed out */
	uint64_t have;	  /* bytes of it that were handed out */
	struct utf8 utf8; /* where in a character they end */
	bool rested;	  /* nothing has been compressed since it gave back
			      what it can */
};

/* What is out of bounds is the nearest that zlib can do. */
static int
within(int value, int standard, int least, int most)
{
	if (value == 0)
		return standard;
	return value < least ? least : value > most ? most : value;
}

static struct ws_deflate
completed(const struct ws_deflate *c)
{
	return (struct ws_deflate){
		.window = within(c->window, 12, 9, PMD_FARTHEST),
		.memory = within(c->memory, 5, 1, 9),
		.level = within(c->level, 6, 1, 9),
		.least = within(c->least, 64, 1, INT_MAX),
		.forget = c->forget,
	};
}

/* What we want as a server; a client lets its own window be chosen, too. */
static struct pmd
wanted(const struct ws *ws, const struct ws_deflate *c)
{
	struct pmd want;

	want.server = (struct pmd_way){
		.window = c->window,
		.said = c->window < PMD_FARTHEST,
		.forget = c->forget,
	};
	want.client = want.server;
	want.client.said = want.client.said || ws->client;
	return want;
}

static struct http_list
extensions(const struct ws *ws)
{
	return (struct http_list){
		.http = ws->http,
		.name = "Sec-WebSocket-Extensions",
	};
}

static int
begin(struct ws *ws, const struct ws_deflate *conf, const struct pmd *terms)
{
	struct conn_deflate *d = calloc(1, sizeof(*d));

	if (d == NULL)
		return -1;
	d->conf = *conf;
	d->rested = true;
	deflate_in_begin(&d->in, ws->client ? &terms->server : &terms->client);
	deflate_out_begin(&d->out, ws->client ? &terms->client : &terms->server,
	    conf->level, conf->memory);
	ws->deflate = d;
	ws->get.rsv = FRAME_RSV1;
	ws->info.deflate = true;
	return 0;
}

int
conn_deflate_agree(struct ws *ws, char answer[PMD_TEXT])
{
	struct http_list l = extensions(ws);
	struct ws_deflate conf;
	struct extension x;
	struct pmd want, agreed;
	const char *item;
	size_t len;

	*answer = '\0';
	if (ws->conf.deflate == NULL)
		return 0;
	conf = completed(ws->conf.deflate);
	want = wanted(ws, &conf);
	while (http_list_next(&l, &item, &len))
		if (extension_parse(&x, item, len) == 0 &&
		    pmd_agree(&agreed, &x, &want)) {
			pmd_write(answer, &agreed, false);
			return begin(ws, &conf, &agreed);
		}
	return 0;
}

void
conn_deflate_offer(const struct ws *ws, char offer[PMD_TEXT])
{
	struct ws_deflate conf;
	struct pmd want;

	*offer = '\0';
	if (ws->conf.deflate == NULL)
		return;
	conf = completed(ws->conf.deflate);
	want = wanted(ws, &conf);
	pmd_write(offer, &want, true);
}

/* handshake_verify has seen that none is answered where none is offered. */
int
conn_deflate_answered(struct ws *ws, const char **why)
{
	struct http_list l = extensions(ws);
	struct ws_deflate conf;
	struct extension x;
	struct pmd offered, agreed;
	const char *item;
	size_t len;

	if (!http_list_next(&l, &item, &len))
		return 0;
	conf = completed(ws->conf.deflate);
	offered = wanted(ws, &conf);
	*why = "the server's Sec-WebSocket-Extensions are no such list";
	if (extension_parse(&x, item, len) == -1 ||
	    !pmd_answered(&agreed, &x, &offered, why))
		return -1;
	*why = "the server chose an extension twice";
	if (http_list_next(&l, &item, &len))
		return -1;
	*why = "no memory";
	return begin(ws, &conf, &agreed);
}

bool
conn_inflating(const struct ws *ws)
{
	return ws->deflate != NULL && ws->deflate->feeding;
}

void
conn_inflate(struct ws *ws, const struct message_part *part)
{
	struct conn_deflate *d = ws->deflate;

	if (part->first) {
		d->opcode = part->opcode;
		d->begun = false;
		d->have = 0;
		d->utf8 = (struct utf8){ 0 };
	}
	deflate_feed(&d->in, part->data, part->len, part->last);
	d->feeding = true;
	d->rested = false;
}

static int
check(struct ws *ws, const struct ws_msg *msg)
{
	struct conn_deflate *d = ws->deflate;

	if (d->have > ws->get.max)
		return conn_wrong(ws, WS_TOO_BIG,
		    "a message is too large when it is inflated");
	if (d->opcode != FRAME_TEXT)
		return 0;
	if (utf8_feed(&d->utf8, msg->data, msg->len) < msg->len)
		return conn_wrong(ws, WS_INVALID, "a text is not UTF-8");
	if (msg->last && !utf8_whole(&d->utf8))
		return conn_wrong(ws, WS_INVALID,
		    "a text ends inside a UTF-8 character");
	return 0;
}

/* At most one byte over the limit is ever made. */
static size_t
room_left(const struct ws *ws)
{
	const uint64_t left = ws->get.max - ws->deflate->have;

	return left < ROOM ? (size_t)left + 1 : ROOM;
}

int
conn_inflated(struct ws *ws, struct ws_msg *msg)
{
	struct conn_deflate *d = ws->deflate;
	enum deflate_end end;
	size_t len;

	if (d->room == NULL && (d->room = malloc(ROOM)) == NULL)
		return conn_fail(ws, WS_INTERNAL, "no memory for a message");
	end = deflate_take(&d->in, d->room, room_left(ws), &len);
	if (end == DEFLATE_WRONG)
		return conn_wrong(ws, WS_INVALID,
		    "a compressed message cannot be inflated");
	if (end == DEFLATE_NOMEM)
		return conn_fail(ws, WS_INTERNAL, "no memory to inflate");
	d->feeding = end == DEFLATE_MORE;
	if (len == 0 && end != DEFLATE_DONE)
		return 0;
	d->have += len;
	*msg = (struct ws_msg){
		.type = d->opcode == FRAME_TEXT ? WS_TEXT : WS_BINARY,
		.data = d->room,
		.len = len,
		.first = !d->begun,
		.last = end == DEFLATE_DONE,
	};
	d->begun = true;
	return check(ws, msg) == -1 ? -1 : 1;
}

/* zlib can't do with a window of 8 bits, to which a server may hold a client. */
bool
conn_deflates(const struct ws *ws, size_t len, bool last)
{
	const struct conn_deflate *d = ws->deflate;

	return d != NULL && d->out.way.window > PMD_NEAREST &&
	    (!last || (len > 0 && len >= (size_t)d->conf.least));
}

int
conn_deflate(struct ws *ws, const void *p, size_t len, enum deflate_flush flush)
{
	ws->deflate->rested = false;
	if (deflate_put(&ws->deflate->out, &ws->part, p, len, flush) == -1)
		return conn_fail(ws, WS_INTERNAL, "no memory to compress");
	return 0;
}

void
conn_deflate_drop(struct ws *ws)
{
	buf_drop(&ws->part, ws->part.len);
	deflate_forget(&ws->deflate->out);
}

bool
conn_deflate_is_large(const struct ws *ws)
{
	const struct conn_deflate *d = ws->deflate;

	return d != NULL && !d->rested && d->in.empty && !d->feeding &&
	    ws->put == 0;
}

void
conn_deflate_rest(struct ws *ws)
{
	struct conn_deflate *d = ws->deflate;

	if (!conn_deflate_is_large(ws))
		return;
	deflate_in_rest(&d->in);
	deflate_out_rest(&d->out);
	free(d->room);
	d->room = NULL;
	d->rested = true;
}

void
conn_deflate_free(struct ws *ws)
{
	if (ws->deflate == NULL)
		return;
	deflate_in_end(&ws->deflate->in);
	deflate_out_rest(&ws->deflate->out);
	free(ws->deflate->room);
	free(ws->deflate);
	ws->deflate = NULL;
}
