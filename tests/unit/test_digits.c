/*
 * test_digits.c - proves digits.h against printf(3), and its calendar against
 * gmtime_r(3), each day of six centuries.
 */

#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "digits.h"
#include "unit.h"

static const uint64_t numbers[] = { 0, 1, 9, 10, 99, 100, 65535, 4294967295,
	4294967296, UINT64_MAX - 1, UINT64_MAX };

START_TEST(equals_printf)
{
	char want[DIGITS_MAX], got[DIGITS_MAX];

	snprintf(want, sizeof(want), "%" PRIu64, numbers[_i]);
	ck_assert_str_eq(digits_of(got, numbers[_i]), want);
}
END_TEST

static const struct filled {
	const char *name; /* and what comes of it */
	uint64_t n;
	int width;
} fills[] = {
	{ "007", 7, 3 },
	{ "123", 123, 3 },
	{ "234", 1234, 3 },
	{ "00", 0, 2 },
	{ "", 5, 0 },
};

START_TEST(fills_up)
{
	const struct filled *row = &fills[_i];
	char got[8] = "......";

	digits_fill(got, row->width, row->n);
	ck_assert_mem_eq(got, row->name, strlen(row->name));
	ck_assert_str_eq(got + row->width, &"......"[row->width]);
}
END_TEST

START_TEST(equals_gmtime)
{
	char want[16], got[11] = "";
	struct tm tm;

	for (time_t day = 0; day < 600 * 365; day++) {
		const time_t when = day * 86400;

		gmtime_r(&when, &tm);
		strftime(want, sizeof(want), "%Y-%m-%d", &tm);
		digits_date(got, day);
		ck_assert_str_eq(got, want);
	}
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("digits");

	unit_loop(s, "a number", equals_printf, COUNT(numbers));
	UNIT_ROWS(s, fills_up, fills);
	unit_test(s, "each day of six centuries", equals_gmtime);
	return unit_run(s);
}
