/*
 * penalties.c - a table of sources, by hash.  Refuses to know what a source
 * is, and how it is kept away.
 */

#include <assert.h>

#include "clock.h"
#include "penalties.h"

enum {
	WAYS = 8,	    /* rows that a key may stand in */
	SECOND = 1000,	    /* ms */
	TICKS = 1000,	    /* us in a ms */
	BURST = 10 * SECOND /* ms, whose worth may come at once */
};

const char *const penalty_names[PENALTY_VALUES] = {
	[PENALTY_CRASH] = "crash",
	[PENALTY_PROTOCOL] = "protocol",
	[PENALTY_HANDSHAKE] = "handshake",
	[PENALTY_AUTH] = "auth",
	[PENALTY_MIN] = "min",
	[PENALTY_MAX] = "max",
};

static_assert(PENALTY_ROWS == WAYS << 9, "a hash is 9 bits");

/* Neighbours differ in a few bits: Knuth, TAOCP 6.4. */
static int
first_row(uint64_t key)
{
	return WAYS * (int)(key * 0x9e3779b97f4a7c15U >> (64 - 9));
}

static const struct penalty_row *
find(const struct penalties *p, uint64_t key)
{
	const struct penalty_row *r = &p->row[first_row(key)];

	for (int i = 0; i < WAYS; i++)
		if (atomic_load(&r[i].key) == key)
			return &r[i];
	return NULL;
}

static int64_t
expiry(const struct penalty_row *r)
{
	const int64_t until = atomic_load(&r->until);
	const int64_t served = atomic_load(&r->served) / TICKS;

	return until > served ? until : served;
}

/*
 * The row of a key, which may be new.  Who looks it up meanwhile finds the old
 * key, none, or the new one with all that belongs to it.
 */
static struct penalty_row *
row_of(struct penalties *p, uint64_t key)
{
	struct penalty_row *r = &p->row[first_row(key)], *first = r;

	for (int i = 0; i < WAYS; i++)
		if (atomic_load(&r[i].key) == key)
			return &r[i];
		else if (expiry(&r[i]) < expiry(first))
			first = &r[i];
	atomic_store(&first->key, 0);
	atomic_store(&first->until, 0);
	atomic_store(&first->away, false);
	atomic_store(&first->served, 0);
	atomic_store(&first->key, key);
	return first;
}

static int64_t
left(const struct penalty_row *r, int64_t now)
{
	const int64_t until = atomic_load(&r->until);

	return atomic_load(&r->away) && until > now ? until - now : 0;
}

bool
penalties_exempt(const struct penalties_conf *conf, const struct endpoint *e)
{
	return conf->seconds[PENALTY_MAX] == 0 ||
	    networks_hold(&conf->exempt, e);
}

int64_t
penalties_left(const struct penalties *p, uint64_t key)
{
	const struct penalty_row *r = key == 0 ? NULL : find(p, key);

	return r == NULL ? 0 : left(r, clock_ms());
}

int64_t
penalties_add(struct penalties *p, const struct penalties_conf *conf,
    uint64_t key, enum penalty what)
{
	const int64_t more = (int64_t)conf->seconds[what] * SECOND;
	const int64_t min = (int64_t)conf->seconds[PENALTY_MIN] * SECOND;
	const int64_t max = (int64_t)conf->seconds[PENALTY_MAX] * SECOND;
	const int64_t now = clock_ms();
	struct penalty_row *r;
	int64_t sum, before;

	if (key == 0 || more == 0 || max == 0)
		return 0;
	r = row_of(p, key);
	before = left(r, now);
	sum = atomic_load(&r->until) - now;
	if (sum <= 0) {
		sum = 0;
		atomic_store(&r->away, false);
	}
	sum = sum + more > max ? max : sum + more;
	atomic_store(&r->until, now + sum);
	if (sum >= min)
		atomic_store(&r->away, true);
	return before == 0 && sum >= min ? sum : 0;
}

/*
 * A bucket of tokens, as the time at which it is full again, which is one
 * number: ITU-T I.371, the generic cell rate algorithm.
 */
bool
penalties_rate(struct penalties *p, uint64_t key, int rate)
{
	const int64_t now = clock_ms() * TICKS;
	struct penalty_row *r;
	int64_t served;

	if (key == 0 || rate == 0)
		return true;
	r = row_of(p, key);
	served = atomic_load(&r->served);
	if (served < now)
		served = now;
	served += SECOND * TICKS / rate;
	if (served - now > (int64_t)BURST * TICKS)
		return false;
	atomic_store(&r->served, served);
	return true;
}

int
penalties_count(const struct penalties *p)
{
	const int64_t now = clock_ms();
	int n = 0;

	for (int i = 0; i < PENALTY_ROWS; i++)
		n += atomic_load(&p->row[i].key) != 0 &&
		    left(&p->row[i], now) > 0;
	return n;
}
