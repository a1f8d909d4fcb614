/*
 * sockets.h - what is listened on.
 */

#ifndef SOCKETS_H
#define SOCKETS_H

#include "arrive.h"

enum { SOCKETS_MAX = 64 };

struct sockets {
	int count;
	int fd[SOCKETS_MAX];
	bool scgi[SOCKETS_MAX];
	int redirect[SOCKETS_MAX];
	struct endpoint local[SOCKETS_MAX];
};

/* Returns 0, or an exit status after having said what is wrong. */
int sockets_open(struct sockets *, const struct listening *);

/* Logs where it is that one may connect: when all else stands. */
void sockets_tell(const struct sockets *);

/* Listen on this one too.  Returns 0, or -1 after having said what is wrong. */
int sockets_add(struct sockets *, int fd, bool scgi, int redirect);

/* Listen no more here; in a child, which writes nothing down; and remove the
 * files of Unix sockets. */
void sockets_close(struct sockets *);
void sockets_leave(const struct sockets *);
void sockets_remove(const struct listening *);

#endif
