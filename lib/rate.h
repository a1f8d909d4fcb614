/*
 * rate.h - how much may come each second, and how much of it at once.
 *
 *	time ──► [ left ] ──► what comes, which costs the time that it should
 *	                      have taken
 *
 * What a network has held up comes all at once, and so does what was said while
 * nobody listened.  So there is room for RATE_ROOM seconds' worth.  Time in
 * which nobody listens makes more of it, which passes away in as much time.
 *
 * Units	Times are milliseconds, unless it is said otherwise.
 */

#ifndef RATE_H
#define RATE_H

#include <stdbool.h>
#include <stdint.h>

enum { RATE_ROOM = 10 }; /* seconds */

#define RATE_MOST (INT64_C(1) << 33) /* a second; more is no limit */

struct rate {
	int64_t most; /* a second, or 0: no limit */
	int64_t left; /* ns: for what comes next */
	int64_t room; /* ns: the most that may be left */
};

/* Begin, with all the room; most that is not above 0 is no limit. */
void rate_begin(struct rate *, int64_t most);

/* So much time has passed, in which somebody listened, or nobody. */
void rate_pass(struct rate *, int64_t ms, bool listened);

/* So much has come.  Returns false when that is too much. */
bool rate_take(struct rate *, uint64_t n);

#endif
