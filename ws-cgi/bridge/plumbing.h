/*
 * plumbing.h - the descriptors between us and a program.
 *
 *	we write ──► in[1]   in[0]  ──► the program's 0
 *	we read  ◄── out[0]  out[1] ◄── its 1
 *	we read  ◄── err[0]  err[1] ◄── its 2
 *
 * All are above 2, and closed by an exec; our own do not block.
 */

#ifndef PLUMBING_H
#define PLUMBING_H

#include <stdbool.h>

struct plumbing {
	int in[2], out[2], err[2]; /* our end is -1 when theirs is nowhere */
};

struct plumbing_plan {
	bool terminal; /* out is a raw terminal, which programs flush */
	bool errors;   /* err is a pipe, or nowhere */
	bool mute;     /* in is nowhere, or a pipe */
};

/* Returns 0, or -1 with errno. */
int plumbing_open(struct plumbing *, const struct plumbing_plan *);
void plumbing_close(struct plumbing *);

#endif
