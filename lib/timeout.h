/*
 * timeout.h - the time limit of a wait, such that it costs a busy wait nothing.
 *
 * ppoll(2) sets up a timer and takes it down again in each call.  Once many
 * waits in a row have ended by news, the limit is kept by a descriptor instead,
 * timerfd_create(2), that is set when the limit comes nearer: while it moves
 * away, as deadlines do that count from the last byte, one waits too short a
 * time now and then, and waits on.  A wait that comes to its end in silence
 * gives the descriptor back.
 */

#ifndef TIMEOUT_H
#define TIMEOUT_H

#include <stdbool.h>
#include <stdint.h>

struct timeout {
	int fd;		    /* or -1 */
	int64_t at;	    /* when it becomes readable, or CLOCK_NEVER */
	unsigned int waits; /* in a row, that ended by news, up to many */
};

void timeout_begin(struct timeout *);

/*
 * The descriptor that is readable at that time or before; or -1, and the wait
 * needs a limit of its own: few waits so far, or the system has no such thing.
 */
int timeout_fd(struct timeout *, int64_t until);

/* A wait until that time is over: by news, or because it was long enough. */
void timeout_over(struct timeout *, int64_t until, bool news);

void timeout_end(struct timeout *);

#endif
