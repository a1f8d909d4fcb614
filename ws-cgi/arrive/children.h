/*
 * children.h - the listener's table: a row for each connection's process.
 *
 *	row	pid	group	source
 *	0	4712	4713	192.0.2.7
 *	1	0	0	-		(free)
 *
 * Groups and sources are memory that is shared with the processes.  When one
 * of them was killed, its group tells what to end in its place; and who comes
 * by a proxy is known to its process alone, which writes down the source.
 */

#ifndef CHILDREN_H
#define CHILDREN_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "address.h"

struct child_row {
	pid_t pid; /* 0: free */
};

struct child_shared {
	_Atomic uint64_t source; /* its complement; 0: not counted */
	pid_t group;
};

struct children {
	struct child_row *row;
	struct child_shared *shared;
	int fd; /* of the shared memory */
	int rows;
	int count;	  /* of rows that are not free */
	uint64_t served;  /* rows that there ever were */
	uint64_t refused; /* and who got none */
};

/* A source with so many connections. */
struct crowd {
	struct source source;
	int count;
};

/* A child's own row, and all that it sees of the others'. */
struct child_place {
	struct child_shared *all; /* NULL: there is no table */
	int rows, row;
};

/*
 * A table of so many free rows; and one with the shared memory of another, with as many rows or fewer.  Returns 0, or -1 with errno
 * set.
 */
int children_make(struct children *, int rows);
int children_adopt(struct children *, int rows, int fd);

/* In the listener: all is given back.  In a child: all but what is shared. */
void children_free(struct children *);
void children_leave(struct children *);

/*
 * The sources that have the most, at most so many of them, largest first.
 * Returns how many, which is none if there is no memory.
 */
int children_crowds(const struct children *, struct crowd *, int most);

/* How many come from there; 0 from where connections are not counted. */
int children_from(const struct children *, const struct source *);

/* A row that is free, or -1; and a process in it. */
int children_room(const struct children *);
void children_add(struct children *, int row, pid_t, const struct source *);

/*
 * In a child: it is one from there.  Returns false, and it is none, when there
 * are more than max with it.  Two at once may both be turned away from the
 * last place; but no more than max ever come in.
 */
bool children_claim(const struct child_place *, const struct source *, int max);

/* A process has ended with this status: its row is free. */
void children_forget(struct children *, pid_t, int status);

/* SIGTERM to all. */
void children_stop(const struct children *);

#endif
