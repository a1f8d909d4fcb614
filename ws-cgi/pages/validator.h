/*
 * validator.h - has the client this file already?  RFC 9110 8.8 and 13.
 */

#ifndef VALIDATOR_H
#define VALIDATOR_H

#include <stdbool.h>
#include <sys/stat.h>
#include <time.h>

#include <ws.h>

enum { VALIDATOR_DATE = 32, VALIDATOR_TAG = 64 };

struct validator {
	time_t modified;
	char date[VALIDATOR_DATE]; /* for Last-Modified */
	char tag[VALIDATOR_TAG];   /* for ETag, quotes included; strong */
};

void validator_of(struct validator *, const struct stat *);

/* A time as HTTP writes it: RFC 9110 5.6.7. */
void validator_date(char date[VALIDATOR_DATE], time_t);

/*
 * What the conditions of a GET or HEAD make of it: 0 when it is to be answered,
 * 304 when the client has the file, or 412 when it wanted another one.
 */
int validator_check(const struct validator *, const struct ws *);

/* May a part be sent?  Not when If-Range names another file. */
bool validator_range(const struct validator *, const struct ws *);

#endif
