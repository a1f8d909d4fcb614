/*
 * children.h - the listener's table: a row for each connection's process.
 *
 *	row	pid	source		group
 *	0	4712	192.0.2.7	4713	◄── written by the process itself
 *	1	0	-		0	    (free)
 *
 * The groups are memory that is shared with the processes.  When one of them
 * was killed, it is known from there what to end in its place.
 */

#ifndef CHILDREN_H
#define CHILDREN_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

#include "address.h"

struct child_row {
	pid_t pid; /* 0: free */
	struct source source;
};

struct children {
	struct child_row *row;
	pid_t *group;
	int fd; /* of the groups' memory */
	int rows;
	int count; /* of rows that are not free */
};

/*
 * A table of so many free rows; and one with the groups that are in the memory
 * of another table, with as many rows or fewer.  Returns 0, or -1 with errno
 * set.
 */
int children_make(struct children *, int rows);
int children_adopt(struct children *, int rows, int fd);

/* In the listener: all is given back.  In a child: all but its group. */
void children_free(struct children *);
void children_leave(struct children *);

/* How many come from there; 0 from where connections are not counted. */
int children_from(const struct children *, const struct source *);

/* A row that is free, or -1; and a process in it. */
int children_room(const struct children *);
void children_add(struct children *, int row, pid_t, const struct source *);

/* A process has ended with this status: its row is free. */
void children_forget(struct children *, pid_t, int status);

/* SIGTERM to all. */
void children_stop(const struct children *);

#endif
