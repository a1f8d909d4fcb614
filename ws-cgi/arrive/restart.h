/*
 * restart.h - the listener becomes another program, and stays this process.
 *
 *	SIGHUP ──► try ──► tried ──► go ──► (exec) ──► take
 *	            │        │        │
 *	            └────────┴────────┴──► on any failure: all goes on
 *
 * What is at the path that we were started from is opened, and that very file
 * is tried first, in a child that gets all that the listener has and ends when
 * it has understood it; connections are served meanwhile.  Then the listener
 * executes it, with the same sockets, arguments and environment; its children
 * remain its children.  Signals stay blocked across all of this, so that those
 * that come meanwhile are pending afterwards.
 */

#ifndef RESTART_H
#define RESTART_H

#include <stdbool.h>
#include <stdint.h>

#include "children.h"
#include "sockets.h"

struct restart {
	char *program; /* the path */
	int dir;       /* the directory of that, or -1: it can be opened */
	char *const *argv;
	int file;	 /* what is there now, or -1 */
	pid_t rehearsal; /* who tries it, or 0 */
	int64_t until;	 /* when that has taken too long */
	bool proven;	 /* it may be executed */
	int pass;	 /* a descriptor that the next one gets, or 0: none */
};

/* Returns 0, or -1 with errno set. */
int restart_init(struct restart *, char *const argv[]);

/*
 * Hold its directory open, since there will be no path to it.  Returns 0, or -1
 * with errno.
 */
int restart_hold(struct restart *);

/*
 * Take what an earlier self has left, in a table of at least so many rows.
 * Returns 1, 0 if there is nothing, or -1 after having said what is wrong.  In
 * a rehearsal it does not return.
 */
int restart_take(struct restart *, struct sockets *, struct children *,
    int rows);

/* Begin to try; is this process that has ended the one that tries? */
void restart_try(struct restart *, const struct sockets *,
    const struct children *);
bool restart_tried(struct restart *, pid_t, int status);

/* Give up trying: it takes too long, or nobody wants it any more. */
void restart_forget(struct restart *, const char *why);

/* Execute what is proven.  Returns only if that fails. */
void restart_go(struct restart *, const struct sockets *,
    const struct children *);

/* Close what is held, in a child or at the end. */
void restart_leave(const struct restart *);

#endif
