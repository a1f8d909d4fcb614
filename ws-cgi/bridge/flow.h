/*
 * flow.h - messages between a client and a program, in turns.
 *
 *	client ──► talk ──► encode ──► to ────► standard input
 *	client ◄── talk ◄── decode ◄── from ◄── standard output
 *
 *	flow_begin -> flow_open -> flow_turn ... -> flow_last
 *	                                         -> flow_close -> flow_free
 *
 * Who calls says for how long turns go on; a turn says when the conversation
 * can't.
 */

#ifndef FLOW_H
#define FLOW_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "child.h"
#include "format.h"

enum { FLOW_READ = 65536 }; /* bytes of output read at once */

/* What a flow begins with: no more than few messages need is ever touched. */
struct flow_memory {
	uint8_t to[512];
	_Alignas(max_align_t) uint8_t from[FLOW_READ + 4096];
};

struct flow {
	struct talk *talk;
	struct child *child;
	struct pipes pipes;
	uint64_t taken; /* bytes of output so far */
	int64_t wrote;	/* when the first of them came, or 0 */
	int64_t given;	/* when a client that has hung up is given up, or 0 */
	int64_t spare;	/* when large buffers are given back, or 0 */
	bool wide;	/* the pipes have been widened */
	bool told;	/* the program has been told of the end */
};

/* The memory is lent until flow_free. */
void flow_begin(struct flow *, struct talk *, struct child *,
    const struct bridge_conf *, struct flow_memory *);

/* Tell the program of the request, if its format does.  Returns 0 or -1. */
int flow_open(struct flow *);

/*
 * One wait, until then at the latest, and the work that it brings.  Returns 1
 * to go on, or 0 when the conversation is over.
 */
int flow_turn(struct flow *, int64_t until);

/* No more output will be read: send what is held of it.  Returns 0 or -1. */
int flow_last(struct flow *);

/*
 * Tell the program of the end, once, if its format does; from then on it hears
 * nothing more of the client.
 */
void flow_close(struct flow *);

void flow_free(struct flow *);

#endif
