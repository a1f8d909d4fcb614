/*
 * monitor.h - opens the files of keys and certificates for who may not any
 * more.
 *
 *	listener, as --user ── the number of a file ──► monitor, as it was
 *	                    ◄── a descriptor, SCM_RIGHTS ──    started
 *
 * It is a process of its own, forked before rights are given up; it knows the
 * files by their paths from then on, reads nothing but such numbers, and ends
 * with the listener.  A listener's next program, restart.h, finds it in the
 * environment.
 */

#ifndef MONITOR_H
#define MONITOR_H

#include <stddef.h>

struct monitor {
	const char **path;
	size_t count;
};

/* One more.  Returns 0, or -1 with errno. */
int monitor_add(struct monitor *, const char *path);

/*
 * Start it, or find the one that there is.  Returns the descriptor that
 * reaches it, or -1 with errno.
 */
int monitor_begin(const struct monitor *);

/* That descriptor, which a listener passes to its successor; or 0. */
int monitor_descriptor(void);

/*
 * Open one of the files to read it: by the monitor, if it has begun.  Returns a
 * descriptor, or -1 with errno.
 */
int monitor_open(const struct monitor *, const char *path);

/* In a process that opens no more files. */
void monitor_leave(void);

#endif
