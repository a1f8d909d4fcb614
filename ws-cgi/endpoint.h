/*
 * endpoint.h - one end of a connection, as the system names it: for people, and
 * for those who count.
 *
 *	sockaddr ──► endpoint_name   ──► "2001:db8::7" "50112"
 *	         └─► endpoint_source ──► 0x20010db800000000, one of so many
 *	                                 └─► endpoint_source_name ──► "2001:db8::/64"
 *
 * Nothing here fails or allocates.
 */

#ifndef ENDPOINT_H
#define ENDPOINT_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/socket.h>

enum { ENDPOINT_TEXT = 64, ENDPOINT_PORT = 8 };

/* An address for people: "192.0.2.1" and "8080", or "" where no port is known;
 * "unix" and "" for a Unix socket. */
struct endpoint {
	char address[ENDPOINT_TEXT];
	char port[ENDPOINT_PORT];
	bool local;    /* a Unix socket */
	bool loopback; /* or TCP on a loopback address */
};

/* Tell an address from the system. */
void endpoint_name(struct endpoint *, const struct sockaddr_storage *);

/* How much of an address is one source, in bits: 8 to 32, and 32 to 64. */
struct source_bits {
	int v4, v6;
};

/* Where a connection comes from, as it is counted. */
struct source {
	bool counted; /* false for Unix sockets */
	uint64_t net; /* an IPv4 address, or the first half of an IPv6 one;
			 bits that do not count are 0 */
};

void endpoint_source(struct source *, const struct sockaddr_storage *,
    const struct source_bits *);

/* It for people: "192.0.2.1", "2001:db8::/64".  Returns text. */
const char *endpoint_source_name(const struct source *,
    const struct source_bits *, char text[ENDPOINT_TEXT]);

#endif
