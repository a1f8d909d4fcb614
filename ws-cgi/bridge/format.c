/*
 * format.c - the formats by name, and what they share.
 */

#include <inttypes.h>
#include <string.h>

#include "exits.h"
#include "format.h"

static const struct format *const formats[] = { &format_line, &format_nul,
	&format_netstring, &format_json, &format_raw };

const struct format *
format_at(size_t i)
{
	return i < sizeof(formats) / sizeof(formats[0]) ? formats[i] : NULL;
}

const struct format *
format_find(const char *name)
{
	const struct format *f;

	for (size_t i = 0; (f = format_at(i)) != NULL; i++)
		if (strcmp(f->name, name) == 0)
			return f;
	return NULL;
}

int
format_no_memory(struct talk *t)
{
	return talk_end(t, WS_INTERNAL, EXIT_SYSTEM, "no memory for a message");
}

int
format_too_big(struct talk *t, const struct pipes *p, const char *what)
{
	return talk_end(t, WS_INTERNAL, EXIT_PROGRAM,
	    "the program wrote a %s of over %" PRIu64 " bytes", what, p->max);
}

const struct separator format_newline = {
	.byte = '\n',
	.name = "newline",
	.escaped = "\\n",
	.ends = "line",
	.cr = true,
};

/* The first separator not seen yet, or NULL. */
static const uint8_t *
find_separator(struct pipes *p)
{
	const uint8_t *head = buf_head(&p->from);
	const uint8_t *found;

	if (p->scanned == p->from.len)
		return NULL;
	found = memchr(head + p->scanned, p->conf->format->separator->byte,
	    p->from.len - p->scanned);
	p->scanned = found == NULL ? p->from.len : 0;
	return found;
}

int
format_each(struct talk *t, struct pipes *p, bool end, uint64_t max,
    int (*take)(struct talk *, struct pipes *, uint8_t *, size_t))
{
	const struct separator *by = p->conf->format->separator;
	const uint8_t *found;
	uint8_t *head;
	size_t len;

	while ((found = find_separator(p)) != NULL) {
		head = buf_head(&p->from);
		len = (size_t)(found - head);
		if (take(t, p, head, len) == -1)
			return -1;
		buf_drop(&p->from, len + 1);
	}
	if (p->from.len > by->cr && p->from.len - by->cr > max)
		return format_too_big(t, p,
		    by->ends); /* even if a CR ends it */
	if (!end || p->from.len == 0)
		return 0;
	head = buf_head(&p->from);
	len = p->from.len;
	buf_drop(&p->from, len);
	p->scanned = 0;
	return take(t, p, head, len);
}
