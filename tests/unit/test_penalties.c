/*
 * test_penalties.c - proves penalties.h, with a clock of its own: how penalties
 * add up and end, how often a source may come, and what a full table forgets.
 */

#include <stdlib.h>
#include <string.h>

#include "arrive/penalties.h"
#include "clock.h"
#include "unit.h"

enum { KEY = 7, OTHER = 8, START = 1000000 };

static struct penalties table;
static int64_t now;

int64_t
clock_ms(void)
{
	return now;
}

static const struct penalties_conf conf = {
	.seconds = { [PENALTY_CRASH] = 90,
	    [PENALTY_PROTOCOL] = 5,
	    [PENALTY_HANDSHAKE] = 10,
	    [PENALTY_AUTH] = 5,
	    [PENALTY_MIN] = 15,
	    [PENALTY_MAX] = 600 },
};

static void
begin(void)
{
	memset(&table, 0, sizeof(table));
	now = START;
}

static const struct story {
	const char *name;
	const char *what; /* c, p, h: a penalty; a digit: so many s later */
	int left;	  /* s */
} stories[] = {
	{ "nothing", "", 0 },
	{ "a crash", "c", 90 },
	{ "a crash, later", "c9", 81 },
	{ "one error", "p", 0 },
	{ "two", "pp", 0 },
	{ "three at once", "ppp", 15 },
	{ "three in a while", "p1pp", 0 },
	{ "four in a while", "p1p1pp", 18 },
	{ "three far apart", "p9p9p", 0 },
	{ "two handshakes", "hh", 20 },
	{ "one, and an error", "hp", 15 },
	{ "below min again, but kept away", "ppp9", 6 },
	{ "over, and then one more", "ppp99p", 0 },
	{ "at most ten minutes", "cccccccc", 600 },
	{ "and then less", "cccccccc9", 591 },
};

START_TEST(adds_up)
{
	const struct story *row = &stories[_i];
	static const char letters[] = "cph";

	begin();
	for (const char *p = row->what; *p != '\0'; p++)
		if (*p >= '0' && *p <= '9')
			now += 1000 * (*p - '0');
		else
			penalties_add(&table, &conf, KEY,
			    (enum penalty)(strchr(letters, *p) - letters));
	ck_assert_int_eq(penalties_left(&table, KEY), 1000 * row->left);
	ck_assert_int_eq(penalties_left(&table, OTHER), 0);
	ck_assert_int_eq(penalties_count(&table), row->left > 0);
	now += 1000 * row->left;
	ck_assert_int_eq(penalties_left(&table, KEY), 0);
	ck_assert_int_eq(penalties_count(&table), 0);
}
END_TEST

START_TEST(tells_once)
{
	begin();
	ck_assert_int_eq(penalties_add(&table, &conf, KEY, PENALTY_HANDSHAKE),
	    0);
	ck_assert_int_eq(penalties_add(&table, &conf, KEY, PENALTY_HANDSHAKE),
	    20000);
	ck_assert_int_eq(penalties_add(&table, &conf, KEY, PENALTY_CRASH), 0);
	now += 110000;
	ck_assert_int_eq(penalties_add(&table, &conf, KEY, PENALTY_CRASH),
	    90000);
}
END_TEST

START_TEST(can_be_off)
{
	struct penalties_conf off = conf;

	begin();
	off.seconds[PENALTY_MAX] = 0;
	penalties_add(&table, &off, KEY, PENALTY_CRASH);
	ck_assert_int_eq(penalties_left(&table, KEY), 0);
	off = conf;
	off.seconds[PENALTY_CRASH] = 0;
	off.seconds[PENALTY_MIN] = 0;
	penalties_add(&table, &off, KEY, PENALTY_CRASH);
	ck_assert_int_eq(penalties_left(&table, KEY), 0);
	penalties_add(&table, &conf, 0, PENALTY_CRASH);
	ck_assert_int_eq(penalties_left(&table, 0), 0);
	ck_assert(penalties_exempt(&(struct penalties_conf){ 0 },
	    &(struct endpoint){ .address = "192.0.2.7" }));
}
END_TEST

static int
come(int times, int rate)
{
	int n = 0;

	for (int i = 0; i < times; i++)
		n += penalties_rate(&table, KEY, rate);
	return n;
}

static const int rates[] = { 1, 2, 3, 7, 100, 1000 };

START_TEST(keeps_a_rate)
{
	const int rate = rates[_i];

	begin();
	ck_assert_int_eq(come(10 * rate + 5, rate), 10 * rate);
	ck_assert(penalties_rate(&table, OTHER, rate));
	ck_assert(penalties_rate(&table, 0, rate));
	for (int s = 0; s < 20; s++) {
		now += 1000;
		ck_assert_int_eq(come(rate + 1, rate), rate);
	}
	now += 10000;
	ck_assert_int_eq(come(11 * rate, rate), 10 * rate);
	ck_assert(penalties_rate(&table, KEY, 0));
}
END_TEST

/* More sources than there is room for: who is away longest is remembered. */
START_TEST(forgets_the_first_to_expire)
{
	uint32_t state = 6455;
	int kept = 0;

	begin();
	for (uint64_t key = 1; key <= 100; key++)
		penalties_add(&table, &conf, key, PENALTY_CRASH);
	for (int i = 0; i < 20 * PENALTY_ROWS; i++)
		penalties_rate(&table,
		    (uint64_t)unit_random(&state) << 32 | 1U << 31, 1);
	for (uint64_t key = 1; key <= 100; key++)
		kept += penalties_left(&table, key) == 90000;
	ck_assert_int_eq(kept, 100);
	for (int i = 0; i < 20 * PENALTY_ROWS; i++)
		penalties_add(&table, &conf,
		    (uint64_t)unit_random(&state) << 32 | 1U << 31,
		    PENALTY_CRASH);
	ck_assert_int_le(penalties_count(&table), PENALTY_ROWS);
	ck_assert_int_gt(penalties_count(&table), PENALTY_ROWS / 2);
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("penalties");

	UNIT_ROWS(s, adds_up, stories);
	unit_test(s, "tells once", tells_once);
	unit_test(s, "can be off", can_be_off);
	unit_loop(s, "keeps a rate", keeps_a_rate, COUNT(rates));
	unit_test(s, "forgets", forgets_the_first_to_expire);
	return unit_run(s);
}
