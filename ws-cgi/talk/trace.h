/*
 * trace.h - what passes on a connection, in the log, as strace(1) would show
 * it: a line for each line of the handshake, and for each frame.
 *
 *	127.0.0.1:40312 < GET /chat HTTP/1.1
 *	127.0.0.1:40312 < Cookie: (12 bytes)
 *	127.0.0.1:40312 > HTTP/1.1 101 Switching Protocols
 *	127.0.0.1:40312 < text fin mask 5 "hello"
 *	127.0.0.1:40312 > text fin 41 "what is said at length is cut at"...
 *	127.0.0.1:40312 > close fin 5 1000 "bye"
 *
 * What is likely to be a secret of the handshake is counted, and not shown.
 */

#ifndef TRACE_H
#define TRACE_H

#include "talk.h"

/* Trace from now on, as long as the talk has a connection. */
void trace_begin(struct talk *);

#endif
