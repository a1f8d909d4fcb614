/*
 * http.h - the head of a request or of a response: RFC 9112 2 to 5.
 *
 *	GET /chat?room=1 HTTP/1.1 CRLF        the start line
 *	Host: example.org CRLF                fields
 *	CRLF                                  http_end finds this
 *
 * Read strictly, since two readers that disagree about a head are how requests
 * are smuggled: lines end with CRLF, nothing is folded, nothing is repaired.
 * Nothing here waits or allocates; names and values point into the head.
 */

#ifndef HTTP_H
#define HTTP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <time.h>

enum {
	HTTP_HEAD_MAX = 16384, /* bytes of a head, its last line included */
	HTTP_FIELDS_MAX = 100,
	HTTP_DATE = 32 /* bytes of a date as a string */
};

/* Where a field's strings begin in the head, which is what makes it small. */
struct http_field {
	uint16_t name;
	uint16_t value;
};

struct http {
	const char *head;
	const char *method; /* of a request, else NULL */
	const char *target;
	int status;  /* of a response, else 0 */
	int version; /* 11 for HTTP/1.1 */
	size_t fields;
	struct http_field field[HTTP_FIELDS_MAX];
};

/*
 * How far the search for a head's end has come: zero to begin with.  Each
 * byte is looked at once, however the head arrives.
 */
struct http_scan {
	size_t line; /* where the present line begins */
	size_t seen; /* bytes looked at */
	bool start;  /* the start line is complete */
};

/*
 * Look for the end of a head in the size bytes at p, the same as before with
 * more behind them.  Returns the size of the head, 0 when there is not all of
 * it yet, or -1 with the HTTP status for it in *status and a reason in *why.
 */
long http_end(struct http_scan *, const uint8_t *p, size_t size, int *status,
    const char **why);

/*
 * Read the head at p, in which http_end has found the end; it is cut into
 * strings in place.  Returns 0, or the status to refuse it with and *why.
 */
int http_request(struct http *, char *p, const char **why);
int http_response(struct http *, char *p, const char **why);

bool http_is_token_char(char);
bool http_is_token(const char *p, size_t len);

/* A field's name; and its value, without the white space around it. */
const char *http_field_name(const struct http *, size_t i);
const char *http_field_value(const struct http *, size_t i);

/* The field's first value, or NULL; and how many fields have that name. */
const char *http_value(const struct http *, const char *name);
size_t http_count(const struct http *, const char *name);

/*
 * The elements of a list, over all fields of that name: RFC 9110 5.6.1.  Set
 * http and name, or rest for the list itself; leave the others zero.  Returns
 * false when there are no more.
 */
struct http_list {
	const struct http *http;
	const char *name;
	size_t field;
	const char *rest;
};
bool http_list_next(struct http_list *, const char **item, size_t *len);

/* Does the list hold this element, in any case? */
bool http_list_has(const struct http *, const char *name, const char *item);

/* The words that stand beside a status: "Not Found". */
const char *http_phrase(int status);

/* A time as HTTP writes it: RFC 9110 5.6.7. */
void http_date(char date[HTTP_DATE], time_t);

#endif
