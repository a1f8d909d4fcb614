/*
 * scgi.h - what a web server says first on an SCGI connection: a netstring of
 * CGI variables.
 *
 *	70:CONTENT_LENGTH NUL 0 NUL SCGI NUL 1 NUL REQUEST_METHOD NUL ... NUL ,
 *
 * What comes behind it is the client's: the body, and all that follows once
 * the web server has seen a 101.
 */

#ifndef SCGI_H
#define SCGI_H

#include <stddef.h>
#include <stdint.h>

enum {
	SCGI_MAX = 65536, /* bytes of variables */
	SCGI_FIRST = 8	  /* there are always more than these in all */
};

struct scgi {
	char *text;  /* the variables */
	char **vars; /* NAME=value, the last NULL, in text */
};

/*
 * Read it from fd until then, and not a byte more.  Returns 0, or the HTTP
 * status to refuse it with and *why; -1 if the web server is gone.  In either
 * case it may hold memory, which scgi_free gives back.
 */
int scgi_read(struct scgi *, int fd, int64_t until, const char **why);
void scgi_free(struct scgi *);

/*
 * Make vars of the size bytes of text.  Returns as scgi_read does.
 */
int scgi_parse(struct scgi *, size_t size, const char **why);

#endif
