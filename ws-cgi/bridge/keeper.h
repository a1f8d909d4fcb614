/*
 * keeper.h - a process between a worker and its program, where the program is
 * to have another user, or is to leave nobody behind.
 *
 *	worker ──fork──► keeper ──vfork──► program ──► what it starts
 *	  │  ◄─ socket ──►  │                               │
 *	  │                 └── their reaper, also of those that left the group
 *	  └── start, signals;  how it ended, and that all is over
 *
 * It is forked before a byte of the request is read, with the rights that the
 * worker then gives up, and takes nothing from it but the program's environment
 * and the numbers of signals.  When the worker is gone it kills all, and ends.
 *
 * A program that is to be asked first, whether there shall be another, ends, and
 * with it all that it has started, before that can be.
 */

#ifndef KEEPER_H
#define KEEPER_H

#include <stdbool.h>
#include <sys/types.h>

#include "arrive/rights.h"
#include "spawn.h"

struct keep {
	struct rights user; /* the program's; without a name: ours */
	bool contain;	    /* all that comes of it ends with it */
};

struct keeper {
	pid_t pid; /* 0: there is none */
	int fd;
};

/*
 * What it may start: of these, by their numbers, the first one, and then one of
 * the others.  But for the environment and the descriptors all is known.
 */
struct keeper_plan {
	struct spawn *program;
	int count;
	int first; /* who is asked first, or -1: nobody */
};

/* Is one wanted? */
bool keeper_wanted(const struct keep *);

/* In the worker: fork it.  Returns 0, or -1 with errno. */
int keeper_begin(struct keeper *, const struct keep *,
    const struct keeper_plan *);

/*
 * Let it start a program, as spawn(); of what failed there is a copy.  Returns
 * 0, or -1 with errno.  The descriptors stay ours, too.
 */
int keeper_start(const struct keeper *, const struct spawn *,
    const char **what);

enum keeper_news {
	KEEPER_NONE,
	KEEPER_ENDED, /* the program has: *status is as wait(2) has it; and of
			 the first one nobody is left */
	KEEPER_OVER   /* nobody is left */
};

/*
 * What has happened, without waiting for it.  SIGCHLD comes when there may be
 * news.
 */
enum keeper_news keeper_hear(const struct keeper *, int *status);

/* A signal to the program's group; and to all others, if it is contained. */
void keeper_signal(const struct keeper *, int sig);

/*
 * Wait for its end: it must be over, have been told to kill, or have started
 * nothing.
 */
void keeper_end(struct keeper *);

#endif
