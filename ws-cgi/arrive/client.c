/*
 * client.c - who is at the far end.  Refuses to know how a proxy says so.
 */

#include <string.h>

#include "cgi.h"
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

/* What a web server or super-server has said of the peer is true of it. */
struct source
client_source(const struct trust *t, const struct arrival *a,
    const struct source_bits *bits)
{
	struct source from = { 0 };
	struct sockaddr_storage ss;

	if (networks_hold(&t->who, &a->client) ||
	    (!client_is_named(a) && a->vars == NULL &&
		client_is_proxy(t, &a->peer)) ||
	    network_address(&ss, a->client.address, "") == -1)
		return from;
	endpoint_source(&from, &ss, bits);
	return from;
}

/* An empty user is nobody: RFC 3875 4.1.11. */
const char *
client_user(const struct arrival *a)
{
	const char *user = a->user;

	if (user == NULL && a->vars != NULL)
		user = cgi_value(a->vars, "REMOTE_USER");
	return user == NULL || *user == '\0' ? NULL : user;
}

/* There is room.  Returns its end. */
static char *
name(char *out, const struct endpoint *e)
{
	const bool brackets = strchr(e->address, ':') != NULL;

	if (*e->port == '\0')
		return stpcpy(out, e->address);
	out = stpcpy(out, brackets ? "[" : "");
	out = stpcpy(out, e->address);
	out = stpcpy(out, brackets ? "]:" : ":");
	return stpcpy(out, e->port);
}

const char *
client_text(const struct arrival *a, char out[CLIENT_TEXT])
{
	char *end = name(out, &a->client);

	if (client_is_named(a))
		stpcpy(stpcpy(end, " via "), a->peer.address);
	return out;
}
