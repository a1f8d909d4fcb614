/*
 * client.c - who is at the far end.  Refuses to know how a proxy says so.
 */

#include <stdio.h>
#include <string.h>

#include "client.h"

void
client_begin(struct arrival *a)
{
	a->client = a->peer;
	a->server = a->local;
}

static bool
is_same(const struct endpoint *a, const struct endpoint *b)
{
	return strcmp(a->address, b->address) == 0 &&
	    strcmp(a->port, b->port) == 0;
}

bool
client_is_named(const struct arrival *a)
{
	return !is_same(&a->client, &a->peer);
}

bool
client_is_proxy(const struct trust *t, const struct endpoint *peer)
{
	if (t->header && !networks_any(&t->who))
		return true;
	return networks_hold(&t->who, peer);
}

bool
client_counts(const struct trust *t, struct arrival *a, int max)
{
	struct sockaddr_storage ss;
	struct source source;

	if (a->counted || a->place.all == NULL ||
	    (!client_is_named(a) && !a->scgi) ||
	    networks_hold(&t->who, &a->client) ||
	    network_address(&ss, a->client.address, "") == -1)
		return true;
	a->counted = true;
	address_source(&source, &ss);
	return children_claim(&a->place, &source, max);
}

/* Returns how long it is. */
static int
name(char *out, size_t size, const struct endpoint *e)
{
	if (*e->port == '\0')
		return snprintf(out, size, "%s", e->address);
	return snprintf(out, size,
	    strchr(e->address, ':') == NULL ? "%s:%s" : "[%s]:%s", e->address,
	    e->port);
}

const char *
client_text(const struct arrival *a, char out[CLIENT_TEXT])
{
	int n = name(out, CLIENT_TEXT, &a->client);

	if (client_is_named(a))
		snprintf(out + n, CLIENT_TEXT - (size_t)n, " via %s",
		    a->peer.address);
	return out;
}
