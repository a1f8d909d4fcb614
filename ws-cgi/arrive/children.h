/*
 * children.h - the listener's table: a row for each connection's process.
 *
 *	row	pid	group	source		user	path	deed
 *	0	4712	4713	192.0.2.7	-	/chat	-
 *	1	0	0	-		-	-	-	(free)
 *
 * All but the pid is memory that is shared with the processes.  When one of
 * them was killed, its group tells what to end in its place; who comes by a
 * proxy, as which user and what for is known to its process alone, which writes
 * that down; and so is what the client has done that it is penalised for.
 *
 * However many rows there are, a child costs the same: free rows are a list,
 * pids are found by a hash, and the rows from one source are counted one by
 * one only where there may be too many.
 */

#ifndef CHILDREN_H
#define CHILDREN_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "endpoint.h"
#include "penalties.h"

/* Links are rows and one more; 0 is none. */
struct child_row {
	pid_t pid; /* 0: free */
	int next;  /* with a pid of the same hash; or free, as this one is */
	int first; /* with a pid whose hash is this row */
};

/* What is counted: connections with the same key, which is a number. */
enum child_key { CHILD_SOURCE, CHILD_USER, CHILD_PATH, CHILD_KEYS };

enum child_deed {
	DEED_NOTHING,
	DEED_PROTOCOL,
	DEED_HANDSHAKE,
	DEED_AUTH,
	DEED_EXEMPT
};

struct child_shared {
	_Atomic uint64_t key[CHILD_KEYS]; /* 0: not counted */
	_Atomic pid_t group;
	_Atomic int deed;    /* DEED_EXEMPT: whatever it does */
	_Atomic pid_t other; /* who serves the same connection, and may
				outlive it, or 0 */
};

enum { CHILDREN_HASHES = 4096 };

struct children_shared {
	/* of keys with that hash, at least so many connections */
	_Atomic int crowd[CHILDREN_HASHES];
	struct penalties penalties;
	struct child_shared row[];
};

struct children {
	struct child_row *row; /* no child sees it */
	struct children_shared *shared;
	int fd; /* of the shared memory */
	int rows;
	int used;	  /* rows from here on have never been */
	int free;	  /* the first of those that have, as a link */
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
	struct children_shared *shared; /* NULL: there is no table */
	int rows, row;
};

/*
 * A table of so many free rows; and one with the shared memory of another,
 * with as many rows or fewer.  Returns 0, or -1 with errno set.
 */
int children_make(struct children *, int rows);
int children_adopt(struct children *, int rows, int fd);

/* So many rows have been copied from another table: they are in use here. */
void children_copied(struct children *, int rows);

/* In the listener: all is given back.  In a child: what only that one needs. */
void children_free(struct children *);
void children_leave(const struct children *);

/*
 * The sources that have the most, at most so many of them, largest first.
 * Returns how many, which is none if there is no memory.
 */
int children_crowds(const struct children *, struct crowd *, int most);

/* A source as a key; and back. */
uint64_t children_key(const struct source *);
struct source children_source(uint64_t key);

/* Are there fewer than max from there, or are they not counted? */
bool children_may_add(const struct children *, const struct source *, int max);

/*
 * A row that is free, or -1; and a process in it.  Between the two, before
 * there is a process, it is said whether what that one does counts.
 */
int children_room(const struct children *);
void children_prepare(struct children *, int row, bool exempt);
void children_add(struct children *, int row, pid_t, const struct source *);

/*
 * In a child: it is one with that key, which is not 0.  Returns false, and it
 * is none, when there are more than max with it.  Two at once may both be
 * turned away from the last place; but no more than max ever come in.
 */
bool children_claim(const struct child_place *, enum child_key, uint64_t key,
    int max);

/* In a child: its client has done that, or is exempt, which stays. */
void children_tell(const struct child_place *, enum child_deed);

/* In a child: another one serves the connection, too; or 0, no more. */
void children_other(const struct child_place *, pid_t);

/* How a process has ended, and who was there. */
struct child_end {
	uint64_t source; /* its key, or 0 */
	enum child_deed deed;
	int status;
};

/*
 * A process has ended with this status: its row is free, if nobody else serves
 * the same connection; or is the other's from then on.  What it has left of its
 * group is killed, if that has become ours: see listen.c.  Of a process that has
 * no row, as orphans have none, there is nothing to say.
 */
struct child_end children_forget(struct children *, pid_t, int status);

/* SIGTERM to all. */
void children_stop(const struct children *);

#endif
