/*
 * accept.h - connections out of the sockets' queues, and what to do when the
 * system lacks what one takes.
 *
 * Nothing is accepted without a reserve: a descriptor that can be given back,
 * so that there is one to answer with when there is no other.
 */

#ifndef ACCEPT_H
#define ACCEPT_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/socket.h>

#include "log.h"

enum { ACCEPT_PAUSE = 50 }; /* ms before what was lacking is tried again */

struct accept {
	int reserve;   /* or -1 */
	int64_t until; /* nothing is accepted before */
	struct log_rate lacking;
};

/* One that somebody waits for. */
struct accepted {
	int fd;	     /* or -1: it is still in the queue, or gone */
	bool lacked; /* all that can be had is to turn it away */
	struct sockaddr_storage peer;
};

void accept_begin(struct accept *);
void accept_leave(const struct accept *);

/* Is it worth to look?  If not, it may be at accept->until. */
bool accept_ready(struct accept *);

/* Take the next from this listening socket, which has one. */
void accept_take(struct accept *, int listening, struct accepted *);

/* Something has been given back: try again at once. */
void accept_relieved(struct accept *);

#endif
