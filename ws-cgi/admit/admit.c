/*
 * admit.c - who may come.  Compares names exactly, but for case; knows no
 * patterns, prefixes or suffixes, which is how such lists are got round.
 */

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "admit.h"
#include "ascii.h"

enum { SHOWN = 100 }; /* bytes of a client's value in a reason */

/* The names of this machine that no name server decides about. */
static const char *const loopback_names[] = { "localhost", "127.0.0.1",
	"[::1]" };

static const char *
port_or(const char *port, const char *standard)
{
	return *port == '\0' ? standard : port;
}

static bool
is_loopback_host(const struct arrival *a, const struct request *r)
{
	const size_t n = sizeof(loopback_names) / sizeof(loopback_names[0]);

	if (strcmp(port_or(r->port, a->scheme == SCHEME_TLS ? "443" : "80"),
		a->local.port) != 0)
		return false;
	for (size_t i = 0; i < n; i++)
		if (ascii_same(r->host, loopback_names[i]))
			return true;
	return strcmp(r->host, a->local.address) == 0;
}

/* The scheme behind Host is not known: a missing port is 80 or 443. */
static bool
is_port(const char *named, const char *port)
{
	if (*named == '\0' || strcmp(named, port) == 0)
		return true;
	return *port == '\0' &&
	    (strcmp(named, "80") == 0 || strcmp(named, "443") == 0);
}

static bool
is_named_host(const struct names *names, const struct request *r)
{
	struct authority a;

	for (size_t i = 0; i < names->count; i++)
		if (request_authority(&a, names->name[i]) == 0 &&
		    request_is_host(&a, r->host) && is_port(a.port, r->port))
			return true;
	return false;
}

static int
check_host(const struct policy *p, const struct arrival *a,
    const struct request *r, char *why, size_t size)
{
	bool loopback = a->listened && !a->scgi && a->local.loopback;

	if (!loopback && p->hosts.count == 0)
		return 0;
	if ((loopback && is_loopback_host(a, r)) || is_named_host(&p->hosts, r))
		return 0;
	snprintf(why, size,
	    "host %.*s%s%s is not served here; --host %.*s would allow it",
	    SHOWN, r->host, *r->port == '\0' ? "" : ":", r->port, SHOWN,
	    r->host);
	return 421;
}

/* "http" and "ws" are port 80, "https" and "wss" 443: RFC 6454 4. */
static const char *
scheme_port(const char *origin, size_t len)
{
	if ((len == 4 && ascii_same_n(origin, "http", len)) ||
	    (len == 2 && ascii_same_n(origin, "ws", len)))
		return "80";
	if ((len == 5 && ascii_same_n(origin, "https", len)) ||
	    (len == 3 && ascii_same_n(origin, "wss", len)))
		return "443";
	return NULL;
}

/* Where it is not known how the client came, all schemes may be right. */
static const char *
known_port(enum scheme scheme)
{
	return scheme == SCHEME_TLS ? "443" :
	    scheme == SCHEME_PLAIN  ? "80" :
				      NULL;
}

static bool
is_same_origin(const char *origin, const struct request *r, enum scheme scheme)
{
	const char *authority = strstr(origin, "://");
	const char *standard, *known = known_port(scheme);
	struct authority a;

	if (authority == NULL)
		return false;
	standard = scheme_port(origin, (size_t)(authority - origin));
	if (standard == NULL || (known != NULL && strcmp(known, standard) != 0))
		return false;
	return request_authority(&a, authority + 3) == 0 &&
	    request_is_host(&a, r->host) &&
	    strcmp(port_or(a.port, standard), port_or(r->port, standard)) == 0;
}

static bool
is_named_origin(const struct names *names, const char *origin)
{
	for (size_t i = 0; i < names->count; i++)
		if (strcmp(names->name[i], "*") == 0 ||
		    strcmp(names->name[i], origin) == 0)
			return true;
	return false;
}

static int
check_origin(const struct policy *p, const struct arrival *a,
    const struct request *r, const struct ws *ws, char *why, size_t size)
{
	const char *origin = ws_header(ws, "Origin");
	const char *how = a->scheme == SCHEME_TLS ? " by https" :
	    a->scheme == SCHEME_PLAIN		  ? " by http" :
						    "";

	if (origin == NULL && !p->origin_required)
		return 0;
	if (origin == NULL) {
		snprintf(why, size,
		    "there is no Origin field, and this "
		    "service wants one (--origin-required)");
		return 403;
	}
	if (is_same_origin(origin, r, a->scheme) ||
	    is_named_origin(&p->origins, origin))
		return 0;
	snprintf(why, size,
	    "origin %.*s is not that of host %.*s%s%s%s; --origin %.*s would "
	    "allow it",
	    SHOWN, origin, SHOWN, r->host, *r->port == '\0' ? "" : ":", r->port,
	    how, SHOWN, origin);
	return 403;
}

int
admit_check(const struct policy *p, const struct arrival *a,
    const struct request *r, const struct ws *ws, char *why, size_t size)
{
	int status = check_host(p, a, r, why, size);

	if (status != 0)
		return status;
	return check_origin(p, a, r, ws, why, size);
}

/*
 * Subprotocols are named in the client's order.  Who has no opinion takes the
 * first: a browser that asked and got no answer fails the connection.
 */
const char *
admit_protocol(const struct policy *p, struct ws *ws)
{
	return ws_choose(ws, p->protocols.name, p->protocols.count);
}

const char *
admit_chosen(const struct policy *p, struct ws *ws, const char *name)
{
	const struct names *names = &p->protocols;

	for (size_t i = 0; i < names->count; i++)
		if (strcmp(names->name[i], name) == 0)
			return ws_choose(ws, &name, 1);
	return names->count == 0 ? ws_choose(ws, &name, 1) : NULL;
}
