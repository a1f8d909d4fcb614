/*
 * verdict.h - what a hook has said of a request: fields, an empty line, a body,
 * as CGI has it, RFC 3875 6.2.
 *
 *	Variable-REMOTE_USER: anna           it may come in: this is anna, the
 *	Variable-ADMIT_ROOM: 7               program has ADMIT_ROOM=7, and the
 *	Set-Cookie: seen=1                   field goes into the answer
 *
 *	Status: 403 Forbidden                it may not, and this is told:
 *	Content-Type: text/html              fields, and
 *
 *	<p>Members only.                     a body
 *
 * Lines end with LF or CR LF; the end of the text ends the last line, and the
 * fields.  Variables are named as by authorizers of FastCGI 1.0, section 6.3.
 * Read strictly: what is not understood lets nobody in.
 */

#ifndef VERDICT_H
#define VERDICT_H

#include <stdbool.h>
#include <stddef.h>

enum {
	VERDICT_SIZE = 16384, /* bytes, the longest */
	VERDICT_MOST = 32     /* variables, and fields */
};

struct verdict {
	int status;	      /* of the refusal; or 0: it may come in */
	const char *user;     /* or NULL */
	const char *protocol; /* to choose, or NULL */
	const char *variable[VERDICT_MOST]; /* "ADMIT_ROOM=7" */
	size_t variables;
	const char *field[VERDICT_MOST]; /* "Set-Cookie: seen=1" */
	size_t fields;
	const char *body;
	size_t size; /* of the body */
};

/*
 * Read the size bytes at text, behind which there is room for one more; the
 * verdict points into them.  If it is refused anyhow, then with 403 where no
 * status is said.  Returns 0, or -1 with *why and in *line the number of the
 * line that is wrong, or 0 for all of them.
 */
int verdict_read(struct verdict *, char *text, size_t size, bool refused,
    int *line, const char **why);

/* The value of this field, which is none of those that are read here; or NULL. */
const char *verdict_field(const struct verdict *, const char *name);

#endif
