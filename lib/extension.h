/*
 * extension.h - one element of Sec-WebSocket-Extensions: RFC 6455 9.1.
 *
 *	permessage-deflate; client_max_window_bits; server_max_window_bits=10
 *	name                param                   param                 value
 *
 * Nothing here waits or allocates; all slices point into the element.
 */

#ifndef EXTENSION_H
#define EXTENSION_H

#include <stddef.h>

enum { EXTENSION_PARAMS = 16 };

struct extension_slice {
	const char *p;
	size_t len;
};

struct extension {
	struct extension_slice name;
	size_t params;
	struct {
		struct extension_slice name;
		struct extension_slice value; /* p is NULL when there is none */
	} param[EXTENSION_PARAMS];
};

/*
 * Read the element of len bytes at p.  Returns 0, or -1 when it is not one,
 * or has more than EXTENSION_PARAMS parameters.
 */
int extension_parse(struct extension *, const char *p, size_t len);

#endif
