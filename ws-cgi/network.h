/*
 * network.h - addresses in figures, and sets of them.
 *
 *	192.0.2.7  2001:db8::7    one
 *	192.0.2.0/24              a network
 *	loopback                  127.0.0.0/8 and ::1
 *	unix                      whoever connects to a Unix socket
 *
 * An IPv4 address is the same inside IPv6, ::ffff:192.0.2.7.
 */

#ifndef NETWORK_H
#define NETWORK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/socket.h>

#include "endpoint.h"

struct network {
	uint8_t net[16]; /* as IPv6 */
	int bits;	 /* of them that count */
};

struct networks {
	struct network *network;
	size_t count;
	bool local; /* Unix sockets too */
};

/*
 * Read an address without brackets, and a port or "", as the system would say
 * them.  Returns 0, or -1 if this is no such thing.
 */
int network_address(struct sockaddr_storage *, const char *address,
    const char *port);

/*
 * The same from a text that may hold the port, and brackets: "192.0.2.7:80",
 * "[2001:db8::7]:80".  port counts if it holds none.
 */
int network_read(struct sockaddr_storage *, const char *text, const char *port);

/* Add what the text names.  Returns 0, or -1 with *why. */
int networks_add(struct networks *, const char *text, const char **why);

/* As networks_add would have it: "192.0.2.0/24". */
enum { NETWORK_TEXT = ENDPOINT_TEXT + 8 };
const char *network_text(const struct network *, char out[NETWORK_TEXT]);

/* Is anybody in it; is this one? */
bool networks_any(const struct networks *);
bool networks_hold(const struct networks *, const struct endpoint *);

#endif
