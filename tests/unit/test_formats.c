/*
 * test_formats.c - proves of the formats that lose nothing, netstring and
 * json, that decoding undoes encoding, over random sequences of random
 * messages, in random pieces.  The connection is played: what is queued on it
 * is compared with what was encoded.
 */

#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "bridge/environ.h"
#include "bridge/format.h"
#include "unit.h"

enum {
	SEQUENCES = 1000000, /* messages of each format, in sequences of */
	LENGTH = 4,	     /* at most so many */
	LARGEST = 40	     /* bytes */
};

static struct message_sent {
	enum ws_type type;
	size_t len;
	uint8_t data[LARGEST];
} sent[LENGTH];
static size_t queued, wanted;

/* Check notes each of its asserts in a file: too slow for so many. */
static void
must(bool holds)
{
	if (!holds)
		ck_abort_msg("message %zu of %zu is not as sent", queued,
		    wanted);
}

/* In place of the connection's. */
int
ws_queue(struct ws *ws, enum ws_type type, const void *data, size_t len)
{
	const struct message_sent *m = &sent[queued++];

	(void)ws;
	if (type == WS_UTF8)
		type = WS_TEXT;
	must(queued <= wanted && type == m->type && len == m->len);
	must(len == 0 || memcmp(data, m->data, len) == 0);
	return 0;
}

int
ws_queue_part(struct ws *ws, enum ws_type type, const void *data, size_t len,
    bool last)
{
	must(last);
	return ws_queue(ws, type, data, len);
}

int
ws_queue_ping(struct ws *ws, const void *data, size_t len)
{
	(void)ws;
	(void)data;
	ck_abort_msg("a Ping of %zu bytes is sent", len);
}

const char *
ws_error(const struct ws *ws)
{
	(void)ws;
	return NULL;
}

const struct ws_info *
ws_info(const struct ws *ws)
{
	(void)ws;
	return NULL;
}

int
talk_end(struct talk *t, int code, int blame, const char *format, ...)
{
	va_list ap;

	(void)t;
	(void)blame;
	va_start(ap, format);
	vsnprintf(t->reason, sizeof(t->reason), format, ap);
	va_end(ap);
	ck_abort_msg("it ends with %d: %s", code, t->reason);
}

int
talk_end_quoted(struct talk *t, int code, const char *reason)
{
	return talk_end(t, code, 0, "%s", reason);
}

char **
environ_request(struct environ *memory, const struct talk *t)
{
	(void)memory;
	(void)t;
	return NULL;
}

void
environ_free(struct environ *memory)
{
	(void)memory;
}

/* Characters of all lengths, and those that formats must escape. */
static size_t
random_text(uint8_t *out, uint32_t *seed)
{
	static const char *const characters[] = { "a", "\"", "\\", "\n", "\r",
		"\t", "/", "u", ",", ":", "{", "}", "\x7f", "\x1f", "\xc3\xbc",
		"\xe2\x80\xa8", "\xf0\x9f\x98\x80", "\xef\xbf\xbd" };
	size_t size = unit_random(seed) % (LARGEST - 3), n = 0;

	while (n < size) {
		const char *c =
		    characters[unit_random(seed) % COUNT(characters)];

		if (unit_random(seed) % 16 == 0) {
			out[n++] = '\0';
			continue;
		}
		memcpy(out + n, c, strlen(c));
		n += strlen(c);
	}
	return n;
}

static size_t
random_bytes(uint8_t *out, uint32_t *seed)
{
	size_t n = unit_random(seed) % (LARGEST + 1);

	for (size_t i = 0; i < n; i++)
		out[i] = (uint8_t)unit_random(seed);
	return n;
}

static void
encode(struct talk *t, struct pipes *p, struct message_sent *m, uint32_t *seed)
{
	struct ws_msg msg = { .data = m->data, .first = true, .last = true };

	m->type = unit_random(seed) % 2 == 0 ? WS_TEXT : WS_BINARY;
	m->len = m->type == WS_TEXT ? random_text(m->data, seed) :
				      random_bytes(m->data, seed);
	msg.type = m->type;
	msg.len = m->len;
	must(p->conf->format->encode(t, p, &msg) == 0);
}

/* Give what was encoded back, in pieces. */
static void
decode(struct talk *t, struct pipes *p, uint32_t *seed)
{
	size_t n;

	while (p->to.len > 0) {
		n = 1 + unit_random(seed) % (2 * LARGEST);
		n = n > p->to.len ? p->to.len : n;
		must(buf_add(&p->from, buf_head(&p->to), n) == 0);
		buf_drop(&p->to, n);
		must(p->conf->format->decode(t, p, false) == 0);
		if (p->from.len == 0)
			p->scanned = 0;
	}
	must(p->conf->format->decode(t, p, true) == 0);
}

static const char *const formats[] = { "netstring", "json" };

START_TEST(loses_nothing)
{
	const struct bridge_conf conf = { .format = format_find(formats[_i]) };
	struct pipes p = { .conf = &conf, .max = LARGEST };
	struct talk t = { 0 };
	uint32_t seed = 6455;

	for (size_t n = 0; n < SEQUENCES; n++) {
		queued = 0;
		wanted = 1 + unit_random(&seed) % LENGTH;
		for (size_t i = 0; i < wanted; i++)
			encode(&t, &p, &sent[i], &seed);
		decode(&t, &p, &seed);
		must(queued == wanted);
	}
	buf_free(&p.to);
	buf_free(&p.from);
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("formats");

	unit_loop(s, "decoding undoes encoding", loses_nothing,
	    (int)COUNT(formats));
	return unit_run(s);
}
