/*
 * environ.h - the environment of a program: ws-environ(7), RFC 3875 4.1.
 *
 * It is made anew: what the handshake said, as CGI has it, and from our own
 * environment the few variables on a list.  HTTP_PROXY is never among them.
 */

#ifndef ENVIRON_H
#define ENVIRON_H

#include "bridge.h"
#include "buf.h"

/* Where the variables are; more than these have room for is allocated. */
struct environ {
	struct buf text;    /* NAME=value and a NUL, each */
	struct buf pointer; /* to each of them, NULL at the end */
	char some[3072];
	char *few[64];
};

/*
 * Returns the variables, NULL at the end, which stay until environ_free and
 * as long as the structure does not move; or NULL when there is no memory.
 */
char **environ_make(struct environ *, const struct talk *,
    const struct bridge_conf *);

/* The same without what is inherited: the connection's and the request's. */
char **environ_request(struct environ *, const struct talk *);
void environ_free(struct environ *);

#endif
