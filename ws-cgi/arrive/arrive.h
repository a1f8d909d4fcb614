/*
 * arrive.h - where a connection comes from: the door that all arrivals use.
 *
 *	inetd, tcpserver, systemd ──► arrive_inherited ─┐
 *	                                                ├─► struct arrival
 *	own socket ──► arrive_listen ──► fork ──────────┘
 *
 * An arrival is one value: two descriptors, perhaps the same, and who is at
 * the other end.
 */

#ifndef ARRIVE_H
#define ARRIVE_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

#include "address.h"
#include "rights.h"

struct arrival {
	int in, out;
	struct endpoint peer;
	struct endpoint local;
	bool listened; /* by a listener of ours */
	pid_t *group;  /* where the listener looks for the program's process
			  group if this process dies, or NULL */
};

/*
 * Take the connection on descriptor 0.  Returns 0, or an exit status after
 * having said on standard error what is wrong with it.
 */
int arrive_inherited(struct arrival *);

/* What arrive_listen serves. */
struct listening {
	const struct address *address;
	size_t addresses;
	char *const *argv;   /* how this program was started */
	const char *pidfile; /* or NULL */
	const struct rights *rights;
	int max;	  /* connections at a time (1024) */
	int max_source;	  /* of them from one address (64) */
	int stop_timeout; /* ms from SIGTERM to their end (never) */
};

/*
 * Listen, and fork for each connection.  Returns 0 in each child, with its
 * arrival; and once in the listener, when it has ended or could not begin,
 * with *over true and the exit status.
 */
int arrive_listen(const struct listening *, struct arrival *, bool *over);

#endif
