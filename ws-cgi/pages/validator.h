/*
 * validator.h - has the client this file already?  RFC 9110 8.8 and 13.
 */

#ifndef VALIDATOR_H
#define VALIDATOR_H

#include <stdbool.h>
#include <sys/stat.h>
#include <time.h>

#include <ws.h>

#include "http.h"

enum { VALIDATOR_TAG = 64 };

struct validator {
	time_t modified;
	char date[HTTP_DATE];	 /* for Last-Modified */
	char tag[VALIDATOR_TAG]; /* for ETag, quotes included; strong */
};

void validator_of(struct validator *, const struct stat *);

/*
 * What the conditions of a GET or HEAD make of it: 0 when it is to be answered,
 * 304 when the client has the file, or 412 when it wanted another one.
 */
int validator_check(const struct validator *, const struct ws *);

/* May a part be sent?  Not when If-Range names another file. */
bool validator_range(const struct validator *, const struct ws *);

#endif
