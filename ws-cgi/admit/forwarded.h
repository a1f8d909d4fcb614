/*
 * forwarded.h - the client's address, as proxies tell it in a field of the
 * request: X-Forwarded-For, or RFC 7239.
 *
 *	X-Forwarded-For: 6.6.6.6, 192.0.2.7, 10.0.0.2
 *	                 │        │          └── a proxy of ours wrote this
 *	                 │        └── and 10.0.0.2, one too, wrote this
 *	                 └── anybody may have written this
 *
 * Each proxy adds at the right the address that it sees.  So from there, over
 * those that are trusted, the first that is not trusted is the client.
 */

#ifndef FORWARDED_H
#define FORWARDED_H

#include "arrive/arrive.h"

struct ws;

/*
 * Find the client in a list of such addresses, all lines joined by commas;
 * without an address in it *client stays.  With standard, it is as RFC 7239
 * has it, and *scheme is what stands beside the client.  Returns 0, or -1
 * when what ought to be the client is no address, or the list is malformed.
 * The list is cut up.
 */
int forwarded_find(char *list, const struct trust *, struct endpoint *client,
    enum scheme *);

/*
 * The scheme in the last element of an X-Forwarded-Proto, or *scheme if that
 * is none that we know.
 */
void forwarded_scheme(const char *list, enum scheme *);

/*
 * Learn from the request who the client is, if who it seems to be is trusted.
 * Returns 0, or the HTTP status to refuse it with and *why.
 */
int forwarded_read(struct arrival *, const struct trust *, const struct ws *,
    const char **why);

#endif
