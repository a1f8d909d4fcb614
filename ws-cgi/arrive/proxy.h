/*
 * proxy.h - the header of the PROXY protocol, versions 1 and 2, from bytes:
 * what a proxy says in front of all else about whom it speaks for.
 *
 *	PROXY TCP4 192.0.2.7 203.0.113.5 56324 443\r\n
 *
 *	| signature, 12 | version, command | family | length, 2 | addresses ...
 *
 * Nothing here waits or allocates.
 */

#ifndef PROXY_H
#define PROXY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/socket.h>

enum {
	PROXY_MAX = 4096 /* bytes of a header; those in use have under 600 */
};

struct proxy {
	bool known; /* else it speaks for itself, or does not know for whom */
	struct sockaddr_storage from, to;
	bool tells_tls; /* it says whether the client came by TLS, */
	bool tls;	/* and whether it did */
};

/*
 * Read the header at p, of which n bytes are there.  Returns its size; or 0
 * when there is not all of it, with *want so many bytes that certainly belong
 * to it; or -1 with *why when it is none.
 */
long proxy_read(struct proxy *, const uint8_t *p, size_t n, size_t *want,
    const char **why);

#endif
