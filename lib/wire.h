/*
 * wire.h - bytes to and from the peer, with a time limit in each call that
 * waits.
 *
 * A wire is two descriptors, which may be one socket twice.  They stay the
 * caller's: nothing here closes them.
 *
 * Results	Bytes moved, or -1 and errno: EAGAIN (nothing to be had now),
 *		ETIMEDOUT, EINTR, or what the system says.
 * Units	Times are milliseconds; -1 is for ever.
 */

#ifndef WIRE_H
#define WIRE_H

#include <signal.h>
#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

struct wire {
	int in, out;
	bool hears, tells;	 /* in, and out, is a socket; else a pipe */
	int armed;		 /* SO_RCVTIMEO of in */
	const sigset_t *sigmask; /* in force while waiting, or NULL */
	void (*woken)(void *);	 /* hears of EINTR, or NULL */
	void *woken_arg;
};

/*
 * Take the descriptors.  out may be -1: then it is in when that is a socket,
 * and 1 otherwise.  Descriptors that are no sockets are made non-blocking.
 * Returns 0 or -1.
 */
int wire_open(struct wire *, int in, int out);

/* Read what is there, or wait for it; 0 is the end of the stream. */
ssize_t wire_read(struct wire *, void *buf, size_t size, int ms);

/* The same without waiting. */
ssize_t wire_take(struct wire *, void *buf, size_t size);

/* Write what goes at once. */
ssize_t wire_give(struct wire *, const void *buf, size_t size);

/* The same of n bytes and m behind them. */
ssize_t wire_give_both(struct wire *, const void *p, size_t n, const void *q,
    size_t m);

/*
 * Write of a regular file what goes at once, from *at on, which moves on; 0 is
 * its end.  Wants wire_unblock before, which makes the way out non-blocking.
 */
int wire_unblock(struct wire *);
ssize_t wire_give_file(struct wire *, int fd, off_t *at, size_t size);

/* Wait until something can be written.  Returns 0 or -1. */
int wire_writable(struct wire *, int ms);

/* A signal has ended a wait: tell woken.  Keeps errno. */
void wire_woken(const struct wire *);

/* Say that nothing more will be written. */
void wire_shut(struct wire *);

#endif
