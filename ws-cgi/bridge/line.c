/*
 * line.c - one message is one line of text, or what a NUL ends.  A message that
 * holds a newline, or a NUL there, would be read as two, so it is refused
 * unless a policy says what to do; and output that is not UTF-8 would make the
 * client fail, so it ends here.
 */

#include <string.h>

#include "exits.h"
#include "format.h"
#include "utf8.h"

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
	return add_separator(t, p);
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
	return add_separator(t, p);
}

static int
line_encode(struct talk *t, struct pipes *p, const struct ws_msg *m)
{
	enum newline_policy policy = p->conf->newline;

	if (policy == NEWLINE_ESCAPE)
		return add_escaped(t, p, m->data, m->len);
	if (policy == NEWLINE_SPACE)
		return add_spaced(t, p, m->data, m->len);
	if (policy == NEWLINE_REFUSE && m->len > 0 &&
	    memchr(m->data, separator(p)->byte, m->len) != NULL)
		return line_refused(t, p);
	if (buf_add(&p->to, m->data, m->len) == -1)
		return format_no_memory(t);
	return add_separator(t, p);
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
    size_t good)
{
	switch (p->conf->bad_text) {
	case BAD_TEXT_REPLACE:
		return send_replaced(t, "", line, len);
	case BAD_TEXT_BINARY:
		return ws_queue(t->ws, WS_BINARY, line, len);
	default:
		return talk_end(t, WS_INTERNAL, EXIT_PROGRAM,
		    "the program wrote a %s that is not UTF-8 at byte %zu",
		    separator(p)->ends, good);
	}
}

/* One trailing CR is trimmed, for programs of other systems. */
static int
send_line(struct talk *t, struct pipes *p, uint8_t *line, size_t len)
{
	struct utf8 u = { 0 };
	size_t good;

	if (separator(p)->cr && len > 0 && line[len - 1] == '\r')
		len--;
	if (len > p->max)
		return format_too_big(t, p, separator(p)->ends);
	good = utf8_feed(&u, line, len);
	if (good < len || !utf8_whole(&u))
		return send_bad(t, p, line, len, good);
	return ws_queue(t->ws, WS_TEXT, line, len);
}

static int
line_decode(struct talk *t, struct pipes *p, bool end)
{
	return format_each(t, p, end, p->max, send_line);
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
	.encode = line_encode,
	.decode = line_decode,
	.error = line_error,
};

const struct format format_nul = {
	.name = "nul",
	.help = "text that a NUL ends, in any number of lines",
	.separator = &nul,
	.encode = line_encode,
	.decode = line_decode,
	.error = line_error,
};
