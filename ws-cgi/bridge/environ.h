/*
 * environ.h - the environment of a program: ws-environ(7), RFC 3875 4.1.
 *
 * It is made anew: what the handshake said, as CGI has it, and from our own
 * environment the few variables on a list.  HTTP_PROXY is never among them.
 */

#ifndef ENVIRON_H
#define ENVIRON_H

#include "bridge.h"

/*
 * Returns the variables, NULL at the end, in memory that environ_free gives
 * back; or NULL when there is none.
 */
char **environ_make(const struct talk *, const struct bridge_conf *);

/* The same without what is inherited: the connection's and the request's. */
char **environ_request(const struct talk *);
void environ_free(char **);

#endif
