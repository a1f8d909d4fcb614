/*
 * child.h - one program on pipes, in a session and a process group of its
 * own, from its start to the last of its group.
 *
 *	child_start -> (reads and writes) -> child_finish
 *	            -> child_ended says whether the program itself is over
 */

#ifndef CHILD_H
#define CHILD_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "buf.h"
#include "keeper.h"
#include "plumbing.h"
#include "spawn.h"

struct child {
	struct keeper *keeper; /* who is its parent, or NULL: we are */
	pid_t pid; /* and its process group, unless it has a keeper */
	int in;	   /* its standard input, for us to write to; -1 closed */
	int out;   /* its standard output, for us to read; -1 closed */
	int err;   /* its standard error, for us to read; -1 closed */
	bool (*heard)(void *arg, int fd); /* reads that while it is ended;
					     false: there will be no more */
	void *arg;
	bool hurries; /* once signals_stop is set it must end within a second */
	bool late;    /* it wrote to its output while it was ended */
	bool over;    /* the program itself has ended */
	bool gone;    /* and its keeper: nobody is left */
	int status;   /* of the program that is over: as wait(2) has it */
};

/*
 * Start a program, of which all but the descriptors is given; these are as
 * planned.  Our ends do not block.  A keeper, or NULL, is to
 * stay until child_finish.  Returns 0, or -1 with errno and *what has failed.
 */
int child_start(struct child *, struct keeper *, struct spawn *,
    const struct plumbing_plan *, const char **what);

/* Ask the system whether the program is over; call it after SIGCHLD. */
bool child_ended(struct child *);

/* "0", "3" or "SIGKILL" for how it ended. */
const char *child_exit(const struct child *, char *buf, size_t size);

void child_close_in(struct child *);
void child_close_out(struct child *);

/*
 * End it now: whoever of the group is left is killed.  What it has written to
 * its standard error is heard, and all ends are closed.
 */
void child_kill(struct child *);

/* Let its standard error be read by heard. */
void child_hear(struct child *);

/*
 * End what still runs: give it the rest of its input, then end its input, and
 * after grace ms send SIGHUP, SIGTERM and SIGKILL to the whole group, each
 * when the one before has had its time.  Returns when nobody of the group
 * runs any more.  Signals are let in with the mask of signals.h.
 */
void child_finish(struct child *, struct buf *rest, int grace);

#endif
