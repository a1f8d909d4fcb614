/*
 * figures.c - the listener's numbers, as a title and as a line.
 */

#include <stdio.h>
#include <string.h>

#include "figures.h"
#include "fork.h"
#include "log.h"
#include "title.h"

enum { MOST = 5 }; /* sources that are named */

/* "192.0.2.1 (5), 2001:db8::/64 (3)" */
static void
name_sources(const struct children *c, char *out, size_t size)
{
	struct crowd top[MOST];
	char name[ADDRESS_TEXT];
	const int n = children_crowds(c, top, MOST);
	size_t at = 0;

	*out = '\0';
	for (int i = 0; i < n; i++)
		at += (size_t)snprintf(out + at, size - at, "%s%s (%d)",
		    i == 0 ? "" : ", ",
		    address_source_name(&top[i].source, name), top[i].count);
}

static void
number(const char *name, const char *before, uint64_t n)
{
	const struct log_value value = { .kind = LOG_NUMBER, .number = n };

	log_field(name, before, &value);
}

void
figures_tell(void *listener)
{
	struct listener *l = listener;
	const struct children *c = &l->children;
	char sources[MOST * (ADDRESS_TEXT + 16)];
	struct log_value value = { .text = sources };

	fork_counts(l);
	title_words(", ");
	title_number(c->served);
	title_words(" served, ");
	title_number(c->refused);
	title_words(" turned away");
	title_show();
	name_sources(c, sources, sizeof(sources));
	value.len = strlen(sources);
	value.kind = value.len == 0 ? LOG_NOTHING : LOG_TEXT;
	log_begin("figures");
	number("connections", "", (uint64_t)c->count);
	number("max", " of ", (uint64_t)l->what->max);
	number("served", " connections, ", c->served);
	number("turned_away", " served, ", c->refused);
	log_field("sources", " turned away, most from ", &value);
	log_end();
}
