/*
 * test_rate.c - proves that as much may come as the rate and the room allow,
 * and no more, whatever the rate is and however the time passes.
 */

#include <stdlib.h>
#include <string.h>

#include "rate.h"
#include "unit.h"

/*
 * Steps: +N comes and is let in, !N is too much; .N ms pass in which somebody
 * listens, _N in which nobody does.
 */
static const struct row {
	const char *name;
	int64_t most;
	const char *steps;
} rows[] = {
	{ "ten seconds' worth at once", 3, "+30 !1" },
	{ "one by one", 1, "+1 +1 +1 +1 +1 +1 +1 +1 +1 +1 !1" },
	{ "too much takes nothing", 1, "!11 +10" },
	{ "time lets more in", 2, "+20 !1 .499 !1 .1 +1 !1 .1000 +2 !1" },
	{ "no more than the room", 2, ".3600000 +20 !1 .3600000 +20 !1" },
	{ "steadily, for ever", 1, "+10 .1000 +1 .1000 +1 .1000 +1 !1" },
	{ "time when nobody listens makes room", 1, "_60000 +70 !1" },
	{ "in many pieces", 1, "_1000 _1000 +1 _1000 +12 !1" },
	{ "when there is little room", 1, "+10 _2000 +2 !1" },
	{ "that room passes away", 1, "_60000 .20000 +50 !1" },
	{ "but is filled until then", 1, "+10 _60000 .20000 +50 !1" },
	{ "steadily", 1, "+10 _60000 +30 .10000 +40 .10000 +10 !1" },
	{ "until there is the usual one", 1, "_60000 .61000 .9000 +10 !1" },
	{ "and used, it is gone", 1, "_5000 +15 .10000 +10 !1" },
	{ "large amounts", 1000, "+10000 !1 .10 +10 !1" },
	{ "an amount of many seconds", 7, "!71 +70 _3600000 +25200 !1" },
	{ "a high rate", RATE_MOST, "+85899345920 !9 .1 +8589934 !99" },
	{ "a higher one is no limit", RATE_MOST + 1,
	    "+18446744073709551615 +18446744073709551615" },
	{ "0 is no limit", 0, "+18446744073709551615 +1" },
	{ "-1 is no limit", -1, "+18446744073709551615 +1" },
	{ "more than there is", 1, "!18446744073709551615 +10" },
};

START_TEST(counts)
{
	const struct row *row = &rows[_i];
	const char *p = row->steps;
	struct rate r;

	rate_begin(&r, row->most);
	for (char *end; *p != '\0'; p = end + (*end == ' ')) {
		const uint64_t n = strtoull(p + 1, &end, 10);

		if (*p == '.' || *p == '_')
			rate_pass(&r, (int64_t)n, *p == '.');
		else if (rate_take(&r, n) != (*p == '+'))
			ck_abort_msg("at %s", p);
	}
}
END_TEST

/*
 * For any rate, however the time is cut: within an hour comes what an hour
 * and the room hold, less what is lost by rounding.
 */
START_TEST(holds_the_rate)
{
	static const int64_t rates[] = { 1, 3, 7, 60, 999, 1000000 };
	const int64_t piece = 1 + rates[_i] / 10;
	uint32_t seed = 6455 + (uint32_t)_i;
	int64_t ms = 0, got = 0, some = 0, want;
	struct rate r;

	rate_begin(&r, rates[_i]);
	for (; ms < 3600000; ms += some) {
		rate_pass(&r, some, true);
		while (rate_take(&r, (uint64_t)piece))
			got += piece;
		some = unit_random(&seed) % 700;
	}
	ms -= some;
	want = rates[_i] * (ms + RATE_ROOM * 1000) / 1000;
	ck_assert_int_le(got, want);
	ck_assert_int_ge(got, want - 2 * piece);
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("rate");

	UNIT_ROWS(s, counts, rows);
	unit_loop(s, "any rate", holds_the_rate, 6);
	return unit_run(s);
}
