/*
 * secrets.h - a file of passwords or tokens, held for as short as possible.
 *
 *	secrets_begin ──► htpasswd_next, ... ──► secrets_end, which wipes it
 *
 * Results	0, or 503 with a reason in why, of at most size bytes, which
 *		names the file and no secret.
 */

#ifndef SECRETS_H
#define SECRETS_H

#include <stdbool.h>
#include <stddef.h>

#include "htpasswd.h"

struct secrets {
	const char *option, *path;
	struct htpasswd rows;
};

/* Read it.  It is to be ended in either case. */
int secrets_begin(struct secrets *, char *why, size_t size);
void secrets_end(struct secrets *);

/* What is wrong with the row that was looked at last.  Returns 503. */
int secrets_wrong(const struct secrets *, const char *reason, char *why,
    size_t size);

/* Is all of it right?  Returns 0, or -1 with a reason. */
int secrets_verify(struct secrets *, char *why, size_t size);

/* Can all users of this machine read the file at the path, which may be NULL? */
bool secrets_open(const char *path);

#endif
