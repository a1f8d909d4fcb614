/*
 * clock.h - the time that deadlines are made of: it never jumps.
 *
 * Times are milliseconds on the monotonic clock; CLOCK_NEVER is later than all.
 */

#ifndef CLOCK_H
#define CLOCK_H

#include <stdint.h>
#include <time.h>

#define CLOCK_NEVER INT64_MAX

int64_t clock_ms(void);

/* The same as of the last tick, some ms ago; it is cheaper still. */
int64_t clock_tick(void);

/*
 * The time that is ms from now, or CLOCK_NEVER for a negative ms; and back:
 * how long until then, for poll(2): 0 when it is past, -1 for CLOCK_NEVER.
 */
int64_t clock_in(int ms);
int clock_until(int64_t when);

/* ms, not negative, as ppoll(2) wants it. */
struct timespec clock_span(int ms);

#endif
