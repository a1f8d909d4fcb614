/*
 * request.h - what was asked for, taken apart: RFC 9112 3.2, RFC 3986 3.
 *
 *	GET /chat/a%20b?room=1 HTTP/1.1
 *	    └─ path ──┘ └query┘         decoded: "/chat/a b"
 */

#ifndef REQUEST_H
#define REQUEST_H

#include <stdbool.h>
#include <stddef.h>

#include <ws.h>

enum { REQUEST_ROOM = 192 }; /* bytes, enough for most */

struct request {
	char *uri;   /* the path and query as they came */
	char *path;  /* decoded */
	char *query; /* not decoded; "" when there is none */
	char *host;  /* asked for, without the port */
	char *port;  /* its port, or "" */
	char *end;   /* of what they lie in, one behind the other */
	char room[REQUEST_ROOM];
};

/*
 * Take apart what ws_request has read; once in a process, with whose end its
 * memory goes.  Returns 0, or the HTTP status to refuse it with and *why.
 */
int request_read(struct request *, const struct ws *, const char **why);

/* How many fields of this name there are; *last is the value of the last. */
size_t request_count(const struct ws *, const char *name, const char **last);

/* "example.org:80" or "[::1]:80", in the text that it was read from. */
struct authority {
	const char *host; /* brackets kept, */
	size_t len;	  /* so many bytes */
	const char *port; /* or "" */
};

/* Returns 0, or -1 when the text is no such thing. */
int request_authority(struct authority *, const char *text);

/* Is this its host?  Letters' case is no difference. */
bool request_is_host(const struct authority *, const char *host);

#endif
