/*
 * serve.h - one connection: who talks TLS, and who becomes the program.
 *
 *	this process ──► (fork) ──► tunnel: confined, talks with the client
 *	     │                        │ facts, when the handshake is over
 *	     │ ◄──────────────────────┘
 *	     └──► (exec) the program, on the plain end, with the facts
 *
 * So the program is the process that the super-server has started, or the
 * listener, with its process id and its exit status.
 */

#ifndef SERVE_H
#define SERVE_H

#include "tls/options.h"

/*
 * Returns an exit status, after having said what is wrong; otherwise it becomes
 * the program.
 */
int serve_connection(const struct tls_options *, struct arrival *);

#endif
