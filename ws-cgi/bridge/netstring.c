/*
 * netstring.c - one message is a netstring whose first byte is its type:
 * "6:thello," and "3:b\0\1,".  Nothing is lost.
 */

#include <stdio.h>

#include "exits.h"
#include "format.h"
#include "utf8.h"

enum {
	HEAD_MAX = 24,	/* a length, a colon, the type and a NUL */
	DIGITS_MAX = 18 /* of a length that is surely no overflow */
};

static int
netstring_encode(struct talk *t, struct pipes *p, const struct ws_msg *m)
{
	char head[HEAD_MAX];
	int n = snprintf(head, sizeof(head), "%zu:%c", m->len + 1,
	    m->type == WS_TEXT ? 't' : 'b');

	if (buf_add(&p->to, head, (size_t)n) == -1 ||
	    buf_add(&p->to, m->data, m->len) == -1 ||
	    buf_add(&p->to, ",", 1) == -1)
		return format_no_memory(t);
	return 0;
}

static int
malformed(struct talk *t, const char *what)
{
	return talk_end(t, WS_INTERNAL, EXIT_PROGRAM,
	    "the program wrote a netstring %s", what);
}

/*
 * The length before the colon.  Returns the bytes it took with the colon, 0
 * when more are wanted, or -1.
 */
static int
read_length(struct talk *t, const struct pipes *p, uint64_t *length)
{
	const uint8_t *head = buf_head(&p->from);
	size_t n = 0;

	*length = 0;
	for (; n < p->from.len && head[n] >= '0' && head[n] <= '9'; n++) {
		if (n > 0 && head[0] == '0')
			return malformed(t, "whose length begins with 0");
		if (n == DIGITS_MAX)
			return malformed(t, "whose length has over 18 digits");
		*length = *length * 10 + (uint64_t)(head[n] - '0');
		if (*length > 0 && *length - 1 > p->max)
			return format_too_big(t, p, "netstring");
	}
	if (n == p->from.len)
		return 0;
	if (n == 0 || head[n] != ':')
		return malformed(t, "without a length and a colon");
	if (*length == 0)
		return malformed(t, "without a type: t or b");
	return (int)n + 1;
}

/* Where the text stops being UTF-8, or len when it never does. */
static size_t
bad_text(const uint8_t *p, size_t len)
{
	struct utf8 u = { 0 };
	size_t good = utf8_feed(&u, p, len);

	return good < len || utf8_whole(&u) ? good : utf8_cut(p, len, len);
}

static int
send_netstring(struct talk *t, const uint8_t *body, size_t len)
{
	size_t good;

	if (body[len] != ',')
		return malformed(t, "without a comma at its end");
	if (*body != 't' && *body != 'b')
		return malformed(t, "whose type is neither t nor b");
	if (*body == 't' && (good = bad_text(body + 1, len - 1)) != len - 1)
		return talk_end(t, WS_INTERNAL, EXIT_PROGRAM,
		    "the program wrote a text that is not UTF-8 at byte %zu",
		    good);
	return ws_queue(t->ws, *body == 't' ? WS_UTF8 : WS_BINARY, body + 1,
	    len - 1);
}

static int
netstring_decode(struct talk *t, struct pipes *p, bool end)
{
	uint64_t length;
	int head;

	while (p->from.len > 0) {
		if ((head = read_length(t, p, &length)) == -1)
			return -1;
		if (head == 0 || p->from.len - (size_t)head <= length)
			break;
		if (send_netstring(t, buf_head(&p->from) + head,
			(size_t)length) == -1)
			return -1;
		buf_drop(&p->from, (size_t)head + (size_t)length + 1);
	}
	if (end && p->from.len > 0)
		return malformed(t, "that is cut off");
	return 0;
}

const struct format format_netstring = {
	.name = "netstring",
	.help = "\"6:thello,\": the type, t or b, is the first byte",
	.encode = netstring_encode,
	.decode = netstring_decode,
};
