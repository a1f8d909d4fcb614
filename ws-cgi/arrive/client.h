/*
 * client.h - who is at the far end: the peer, or whom that speaks for.
 *
 *	client ──► proxy, trusted ──► us
 *	   │          └── peer
 *	   └── by a PROXY header, or by a field of the request
 */

#ifndef CLIENT_H
#define CLIENT_H

#include "arrive.h"

enum { CLIENT_TEXT = 2 * ENDPOINT_TEXT + ENDPOINT_PORT + 16 };

/* At first the client is the peer. */
void client_begin(struct arrival *);

/*
 * Is this peer somebody who speaks for others?  Then it is not one source, and
 * the listener does not count it.
 */
bool client_is_proxy(const struct trust *, const struct endpoint *peer);

/*
 * The source that the client is, as far as that is known: none where a proxy
 * has not told yet for whom it speaks, or an address is missing.
 */
struct source client_source(const struct trust *, const struct arrival *,
    const struct source_bits *);

/* Is the client another than the peer? */
bool client_is_named(const struct arrival *);

/* The user that it is known to be, by us or by a web server; or NULL. */
const char *client_user(const struct arrival *);

/* "192.0.2.7:50214", or "192.0.2.7:50214 via 127.0.0.1", in so much room. */
const char *client_text(const struct arrival *, char out[CLIENT_TEXT]);

#endif
