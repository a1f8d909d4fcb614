/*
 * line.c - one message is one line of text, or what a NUL ends.  A message that
 * holds a newline, or a NUL there, would be read as two, so it is refused
 * unless a policy says what to do; and output that is not UTF-8 would make the
 * client fail, so it ends here.
 */

#include <inttypes.h>
#include <string.h>

#include "exits.h"
#include "format.h"
#include "utf8.h"

enum { LONG = 98304 }; /* bytes of a line that need not be held whole */

static const struct separator *
separator(const struct pipes *p)
{
	return p->conf->format->separator;
}

static int
line_refused(struct talk *t, const struct pipes *p)
{
	return talk_end(t, WS_UNACCEPTABLE, EXIT_PEER,
	    "a message holds a %s, which this service does not take",
	    separator(p)->name);
}

static int
add_separator(struct talk *t, struct pipes *p)
{
	return buf_add(&p->to, &separator(p)->byte, 1) == -1 ?
	    format_no_memory(t) :
	    0;
}

/* "\" becomes "\\" and a newline "\n", so that the program can undo it. */
static int
add_escaped(struct talk *t, struct pipes *p, const char *data, size_t len)
{
	const char byte = separator(p)->byte;
	size_t n;

	for (; len > 0; data += n, len -= n) {
		for (n = 0; n < len && data[n] != byte && data[n] != '\\'; n++)
			;
		if (buf_add(&p->to, data, n) == -1)
			return format_no_memory(t);
		if (n == len)
			break;
		if (buf_add(&p->to,
			data[n] == byte ? separator(p)->escaped : "\\\\",
			2) == -1)
			return format_no_memory(t);
		n++;
	}
	return 0;
}

static int
add_spaced(struct talk *t, struct pipes *p, const char *data, size_t len)
{
	uint8_t *room = buf_room(&p->to, len);
	uint8_t *found;

	if (room == NULL)
		return format_no_memory(t);
	buf_add(&p->to, data, len);
	while ((found = memchr(room, separator(p)->byte, len)) != NULL) {
		*found = ' ';
		len -= (size_t)(found - room);
		room = found;
	}
	return 0;
}

static int
add_plain(struct talk *t, struct pipes *p, const char *data, size_t len)
{
	if (p->conf->newline == NEWLINE_REFUSE && len > 0 &&
	    memchr(data, separator(p)->byte, len) != NULL)
		return line_refused(t, p);
	return buf_add(&p->to, data, len) == -1 ? format_no_memory(t) : 0;
}

static int
add_part(struct talk *t, struct pipes *p, const struct ws_msg *m)
{
	switch (p->conf->newline) {
	case NEWLINE_ESCAPE:
		return add_escaped(t, p, m->data, m->len);
	case NEWLINE_SPACE:
		return add_spaced(t, p, m->data, m->len);
	default:
		return add_plain(t, p, m->data, m->len);
	}
}

static int
line_encode(struct talk *t, struct pipes *p, const struct ws_msg *m)
{
	const size_t before = p->to.len - p->open;

	if (add_part(t, p, m) == -1)
		return -1;
	p->open = m->last ? 0 : p->to.len - before;
	return m->last ? add_separator(t, p) : 0;
}

/* Every byte that is no part of a character becomes U+FFFD. */
static int
add_replaced(struct buf *text, const uint8_t *line, size_t len)
{
	int r = 0;

	while (len > 0 && r == 0) {
		struct utf8 u = { 0 };
		size_t n = utf8_feed(&u, line, len);

		n = utf8_cut(line, n, n);
		r = buf_add(text, line, n);
		if (n < len && r == 0)
			r = buf_add(text, "\xef\xbf\xbd", 3);
		n += n < len;
		line += n;
		len -= n;
	}
	return r;
}

static int
send_replaced(struct talk *t, const char *tag, const uint8_t *line, size_t len)
{
	struct buf text = { 0 };
	int r;

	if (buf_add(&text, tag, strlen(tag)) == 0 &&
	    add_replaced(&text, line, len) == 0)
		r = ws_queue(t->ws, WS_TEXT, buf_head(&text), text.len);
	else
		r = format_no_memory(t);
	buf_free(&text);
	return r;
}

static int
line_error(struct talk *t, const uint8_t *line, size_t len)
{
	return send_replaced(t, "stderr: ", line, len);
}

static int
send_bad(struct talk *t, const struct pipes *p, const uint8_t *line, size_t len,
    uint64_t good)
{
	switch (p->conf->bad_text) {
	case BAD_TEXT_REPLACE:
		return send_replaced(t, "", line, len);
	case BAD_TEXT_BINARY:
		return ws_queue(t->ws, WS_BINARY, line, len);
	default:
		return talk_end(t, WS_INTERNAL, EXIT_PROGRAM,
		    "the program wrote a %s that is not UTF-8 at byte %" PRIu64,
		    separator(p)->ends, good);
	}
}

/* One trailing CR is trimmed, for programs of other systems. */
static size_t
trimmed(const struct pipes *p, const uint8_t *line, size_t len)
{
	return separator(p)->cr && len > 0 && line[len - 1] == '\r' ? len - 1 :
								      len;
}

/* Of a line that began earlier, these are the next bytes. */
static int
send_some(struct talk *t, struct pipes *p, const uint8_t *some, size_t len,
    bool last)
{
	struct utf8 u = p->utf8;
	size_t good;

	if (len > p->max - p->sent)
		return format_too_big(t, p, separator(p)->ends);
	good = utf8_feed(&u, some, len);
	if (good < len || (last && !utf8_whole(&u)))
		return send_bad(t, p, some, len, p->sent + good);
	p->sent = last ? 0 : p->sent + len;
	if (last)
		u = (struct utf8){ 0 };
	p->utf8 = u;
	return ws_queue_part(t->ws, WS_UTF8, some, len, last);
}

static int
send_line(struct talk *t, struct pipes *p, uint8_t *line, size_t len)
{
	return send_some(t, p, line, trimmed(p, line, len), true);
}

/*
 * A long line is sent as it comes, if nothing may become of it but text, and
 * no line of standard error can come in between.
 */
static int
send_long(struct talk *t, struct pipes *p)
{
	const uint8_t *head = buf_head(&p->from);
	const size_t len = trimmed(p, head, p->from.len);

	if (p->from.len < LONG || p->conf->bad_text != BAD_TEXT_CLOSE ||
	    p->conf->errors == STDERR_CLIENT)
		return 0;
	if (send_some(t, p, head, len, false) == -1)
		return -1;
	buf_drop(&p->from, len);
	p->scanned = p->from.len;
	return 0;
}

static int
line_decode(struct talk *t, struct pipes *p, bool end)
{
	if (format_each(t, p, end, p->max - p->sent, send_line) == -1)
		return -1;
	if (end && p->sent > 0)
		return send_some(t, p, NULL, 0, true);
	return send_long(t, p);
}

static const struct separator nul = {
	.byte = '\0',
	.name = "NUL",
	.escaped = "\\0",
	.ends = "text",
};

const struct format format_line = {
	.name = "line",
	.help = "a line of text",
	.separator = &format_newline,
	.parts = true,
	.encode = line_encode,
	.decode = line_decode,
	.error = line_error,
};

const struct format format_nul = {
	.name = "nul",
	.help = "text that a NUL ends, in any number of lines",
	.separator = &nul,
	.parts = true,
	.encode = line_encode,
	.decode = line_decode,
	.error = line_error,
};
