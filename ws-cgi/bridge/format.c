/*
 * format.c - the formats by name, and what they share.
 */

#include <inttypes.h>
#include <string.h>

#include "exits.h"
#include "format.h"

static const struct format *const formats[] = { &format_line, &format_nul,
	&format_netstring, &format_raw };

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
