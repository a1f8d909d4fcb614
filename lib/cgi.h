/*
 * cgi.h - a request that a web server has read already, back from the
 * variables in which it handed it on: RFC 3875 4.1.
 *
 *	REQUEST_METHOD=GET                      GET /chat?room=1 HTTP/1.1
 *	REQUEST_URI=/chat?room=1          ──►   Host: example.org
 *	HTTP_HOST=example.org                   Sec-Websocket-Key: ...
 *	HTTP_SEC_WEBSOCKET_KEY=...
 *
 * What comes out is a head such as http.h reads, so that nothing is believed
 * here that would not be believed on a wire.
 */

#ifndef CGI_H
#define CGI_H

#include "buf.h"

/* The value of NAME among variables NAME=value, the last NULL; or NULL. */
const char *cgi_value(char *const *vars, const char *name);

/*
 * Write the head.  Returns 0, or the status to refuse the request with, and
 * *why: 503 when there is no memory.
 */
int cgi_head(struct buf *, char *const *vars, const char **why);

#endif
