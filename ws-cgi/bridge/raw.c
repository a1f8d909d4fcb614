/*
 * raw.c - bytes: boundaries are not kept, and nothing is held.  What one read
 * of the program's output brings is one message; with --text it is cut between
 * characters only.
 */

#include "exits.h"
#include "format.h"
#include "utf8.h"

static int
raw_encode(struct talk *t, struct pipes *p, const struct ws_msg *m)
{
	if (buf_add(&p->to, m->data, m->len) == -1)
		return format_no_memory(t);
	return 0;
}

static int
bad_text(struct talk *t, size_t at)
{
	return talk_end(t, WS_INTERNAL, EXIT_PROGRAM,
	    "the program wrote text that is not UTF-8 at byte %zu", at);
}

static int
raw_text(struct talk *t, struct pipes *p, bool end)
{
	const uint8_t *head = buf_head(&p->from);
	size_t whole = utf8_cut(head, p->from.len, p->from.len);
	struct utf8 u = { 0 };
	size_t good = utf8_feed(&u, head, whole);

	if (good < whole || (end && whole < p->from.len))
		return bad_text(t, good);
	if (whole > 0 && ws_queue(t->ws, WS_UTF8, head, whole) == -1)
		return -1;
	buf_drop(&p->from, whole);
	return 0;
}

static int
raw_decode(struct talk *t, struct pipes *p, bool end)
{
	if (p->from.len == 0)
		return 0;
	if (p->conf->text)
		return raw_text(t, p, end);
	if (ws_queue(t->ws, WS_BINARY, buf_head(&p->from), p->from.len) == -1)
		return -1;
	buf_drop(&p->from, p->from.len);
	return 0;
}

const struct format format_raw = {
	.name = "raw",
	.help = "bytes; boundaries are not kept",
	.streams = true,
	.encode = raw_encode,
	.decode = raw_decode,
};
