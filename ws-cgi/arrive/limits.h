/*
 * limits.h - how many may come, and who is kept away: what the command line
 * says of it, for the listener and for each connection's process.
 */

#ifndef LIMITS_H
#define LIMITS_H

#include "endpoint.h"
#include "penalties.h"

struct limits {
	/* Connections at a time; 0: as many as there are. */
	int all;    /* (1024) */
	int source; /* from one source (64) */
	int user;   /* of one REMOTE_USER (0) */
	int path;   /* to one path (0) */

	struct source_bits bits; /* that make a source (32, 64) */
	int rate;		 /* new ones from a source in a second (0) */
	const char *slots;	 /* directory of slots.h, or NULL */
	struct penalties_conf penalties;
};

/* The defaults; but who is exempt from penalties is said once it is known
 * whether anybody else is. */
void limits_begin(struct limits *);

/*
 * Unless others are exempt: where clients come from this machine, a proxy may
 * be all of them.  Returns 0, or -1 with *why.
 */
int limits_exempt(struct limits *, const char **why);

#endif
