/*
 * notify.h - how the listener is, for the service manager: sd_notify(3) and
 * its watchdog, which are datagrams.  Where NOTIFY_SOCKET names nobody to tell,
 * nothing happens.
 */

#ifndef NOTIFY_H
#define NOTIFY_H

#include <stdint.h>
#include <sys/socket.h>
#include <sys/un.h>

struct notify {
	struct sockaddr_un to;
	socklen_t size; /* of to */
	int fd;		/* or -1 */
	int every;	/* ms between signs of life, or -1: they are not asked
			   for */
	int64_t next;	/* when one is due */
};

/* The environment stays as it is: it is for a successor, too. */
void notify_begin(struct notify *);
void notify_leave(const struct notify *);

void notify_ready(const struct notify *);
void notify_reloading(const struct notify *);
void notify_stopping(const struct notify *);

/* Give a sign of life if one is due. */
void notify_alive(struct notify *);

#endif
