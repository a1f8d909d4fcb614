/*
 * tls.h - what ws-tls(8) says of a connection that it has passed on, beside the
 * variables SSL_*:
 *
 *	WS_TLS=UNTIL LISTENED REDIRECT
 *
 * UNTIL is when the handshake is to be over, on the monotonic clock, in ms;
 * LISTENED is 1 where it came to a listener on a loopback address; REDIRECT is
 * 0, or the port of https that a plain connection is to be sent to.
 */

#ifndef TLS_H
#define TLS_H

#include "arrive.h"

/*
 * Who passes a connection on sets our environment.  Where it says nothing of
 * TLS, nothing changes.
 */
void tls_take(struct arrival *);

#endif
