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
name_sources(const struct listener *l, char *out, size_t size)
{
	const struct source_bits *bits = &l->what->limits->bits;
	struct crowd top[MOST];
	char name[ENDPOINT_TEXT];
	const int n = children_crowds(&l->children, top, MOST);
	size_t at = 0;

	*out = '\0';
	for (int i = 0; i < n; i++)
		at += (size_t)snprintf(out + at, size - at, "%s%s (%d)",
		    i == 0 ? "" : ", ",
		    endpoint_source_name(&top[i].source, bits, name),
		    top[i].count);
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
	char sources[MOST * (ENDPOINT_TEXT + 16)];
	struct log_value value = { .text = sources };
	const uint64_t away = (uint64_t)penalties_count(&c->shared->penalties);

	fork_counts(l);
	title_words(", ");
	title_number(c->served);
	title_words(" served, ");
	title_number(c->refused);
	title_words(" turned away, ");
	title_number(away);
	title_words(" penalised");
	title_show();
	name_sources(l, sources, sizeof(sources));
	value.len = strlen(sources);
	value.kind = value.len == 0 ? LOG_NOTHING : LOG_TEXT;
	log_begin("figures");
	number("connections", "", (uint64_t)c->count);
	number("max", " of ", (uint64_t)l->what->limits->all);
	number("served", " connections, ", c->served);
	number("turned_away", " served, ", c->refused);
	number("penalised", " turned away, ", away);
	log_field("sources", " penalised, most from ", &value);
	log_end();
}
