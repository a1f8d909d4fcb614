/*
 * clock.c - monotonic milliseconds.  Reading them is no system call on Linux.
 */

#include <limits.h>
#include <time.h>

#include "clock.h"

static int64_t
clock_of(const struct timespec *ts)
{
	return (int64_t)ts->tv_sec * 1000 + ts->tv_nsec / 1000000;
}

int64_t
clock_ms(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return clock_of(&ts);
}

int64_t
clock_tick(void)
{
#ifdef CLOCK_MONOTONIC_COARSE
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC_COARSE, &ts);
	return clock_of(&ts);
#else
	return clock_ms();
#endif
}

int64_t
clock_in(int ms)
{
	return ms < 0 ? CLOCK_NEVER : clock_ms() + ms;
}

int
clock_until(int64_t when)
{
	int64_t left;

	if (when == CLOCK_NEVER)
		return -1;
	left = when - clock_ms();
	if (left <= 0)
		return 0;
	return left < INT_MAX ? (int)left : INT_MAX;
}

struct timespec
clock_span(int ms)
{
	return (struct timespec){
		.tv_sec = ms / 1000,
		.tv_nsec = ms % 1000 * 1000000L,
	};
}
