/*
 * shed.h - connections that are turned away by the listener itself, without a
 * process for them: each gets a complete 503 and the end of the stream, and a
 * second to read them in.  What it sends is thrown away and never looked at.
 */

#ifndef SHED_H
#define SHED_H

#include <poll.h>
#include <stdbool.h>
#include <stdint.h>

enum { SHED_MAX = 64 }; /* at a time; more are closed at once */

struct shed {
	int count;
	struct {
		int fd;
		int reads; /* that are still granted */
		int64_t until;
	} at[SHED_MAX];
};

/*
 * Turn it away, where a client expects TLS with an alert; the descriptor is ours
 * from now on.
 */
void shed_add(struct shed *, int fd, bool tls);

/*
 * Of one round of poll(2): what to wait for, the time of the first deadline,
 * and what to do afterwards with the same pollfds.
 */
void shed_prepare(const struct shed *, struct pollfd *);
int64_t shed_until(const struct shed *);
void shed_work(struct shed *, const struct pollfd *);

/* Close all, as a child does, or who ends. */
void shed_close(struct shed *);

#endif
