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

struct environ {
	struct buf text;    /* NAME=value and a NUL, each */
	struct buf pointer; /* to each of them, NULL at the end */
};

/* Let them begin there, aligned as pointers are; what is more is allocated. */
void environ_lend(struct environ *, void *memory, size_t size);

/*
 * Returns the variables, NULL at the end, which stay until environ_free; or
 * NULL when there is no memory.  The structure is all zeroes before, or has
 * been lent some.
 */
char **environ_make(struct environ *, const struct talk *,
    const struct bridge_conf *);

/*
 * For who decides about the request: it sees Authorization, too, where that is
 * wanted.
 */
char **environ_ask(struct environ *, const struct talk *,
    const struct names *allow, bool credentials);

/* The same without what is inherited: the connection's and the request's. */
char **environ_request(struct environ *, const struct talk *);
void environ_free(struct environ *);

#endif
