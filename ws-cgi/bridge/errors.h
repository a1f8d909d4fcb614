/*
 * errors.h - the program's standard error: its lines, into the log or to the
 * client, as they come.
 */

#ifndef ERRORS_H
#define ERRORS_H

#include <stdbool.h>

#include "bridge.h"
#include "buf.h"

enum { ERRORS_LONGEST = 65536 }; /* bytes of a line that stays whole */

struct errors {
	struct talk *talk;
	const struct format *format; /* of what the client is told, or NULL */
	struct buf line;	     /* no whole line yet */
	char some[512];		     /* what it begins with */
};

/* The log is told, until a format is set. */
void errors_begin(struct errors *, struct talk *);

/*
 * Read what is there, and hand on the lines.  Returns false when there will be
 * no more.
 */
bool errors_take(struct errors *, int fd);

/* The last line, which no newline ends. */
void errors_end(struct errors *);

#endif
