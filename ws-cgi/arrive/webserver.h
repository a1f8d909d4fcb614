/*
 * webserver.h - the web server that has read the request, and tells of it in
 * CGI variables: RFC 3875.
 */

#ifndef WEBSERVER_H
#define WEBSERVER_H

#include <stdbool.h>

#include "arrive.h"

/* Is this a CGI environment? */
bool webserver_is_there(void);

/*
 * May the command line be believed?  A server may make it of the query: RFC
 * 3875 4.4.  No header field can set the variable that says so.
 */
bool webserver_vouches(void);

/* The request, and who is at both ends, are what these variables say. */
void webserver_take(struct arrival *, char *const *vars);

/*
 * Why the web server is of no use: it does not say what the client has asked,
 * or says (a->deaf).  NULL: it may be of use.
 */
const char *webserver_fault(const struct arrival *);

/* What to do about a server that keeps things to itself, in words, or "". */
const char *webserver_advice(const struct arrival *);

/* The fault, whose it is, and what to do, in one sentence. */
void webserver_explain(const struct arrival *, const char *fault, char *text,
    size_t size);

#endif
