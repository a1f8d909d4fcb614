/*
 * rate.c - a bucket of time.  Refuses to know what comes, and reads no clock.
 */

#include "rate.h"

#define SECOND INT64_C(1000000000) /* ns */

#define ROOM (RATE_ROOM * SECOND)

void
rate_begin(struct rate *r, int64_t most)
{
	*r = (struct rate){
		.most = most < 0 || most > RATE_MOST ? 0 : most,
		.left = ROOM,
		.room = ROOM,
	};
}

void
rate_pass(struct rate *r, int64_t ms, bool listened)
{
	const int64_t gain = ms * (SECOND / 1000);

	if (!listened)
		r->room += gain;
	else
		r->room = r->room - ROOM < gain ? ROOM : r->room - gain;
	r->left = r->room - r->left < gain ? r->room : r->left + gain;
}

bool
rate_take(struct rate *r, uint64_t n)
{
	const uint64_t most = (uint64_t)r->most;
	int64_t cost;

	if (most == 0)
		return true;
	if (n / most > (uint64_t)(r->left / SECOND))
		return false;
	cost = (int64_t)(n / most * SECOND + n % most * SECOND / most);
	if (cost > r->left)
		return false;
	r->left -= cost;
	return true;
}
