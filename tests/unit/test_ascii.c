/*
 * test_ascii.c - proves ascii.h on pairs of texts, and each byte with each.
 */

#include <ctype.h>
#include <limits.h>

#include "ascii.h"
#include "unit.h"

static const struct pair {
	const char *name, *other;
	size_t n;
	bool same, same_n;
} pairs[] = {
	{ "", "", 0, true, true }, { "Host", "hOST", 4, true, true },
	{ "Host", "Hos", 3, false, true }, { "Hos", "Host", 4, false, false },
	{ "Host", "Most", 4, false, false },
	{ "a-b_c", "A-B_C", 5, true, true }, { "[", "{", 1, false, false },
	{ "@", "`", 1, false, false },
	{ "k", "\xe2\x84\xaa", 1, false, false }, /* KELVIN SIGN */
};

START_TEST(compares)
{
	const struct pair *row = &pairs[_i];

	ck_assert(ascii_same(row->name, row->other) == row->same);
	ck_assert(ascii_same(row->other, row->name) == row->same);
	ck_assert(ascii_same_n(row->name, row->other, row->n) == row->same_n);
}
END_TEST

/* In the C locale, which is a test's, ctype(3) knows ASCII alone. */
START_TEST(compares_bytes)
{
	for (int a = 1; a <= UCHAR_MAX; a++)
		for (int b = 1; b <= UCHAR_MAX; b++) {
			const char x[2] = { (char)a, '\0' };
			const char y[2] = { (char)b, '\0' };

			ck_assert(
			    ascii_same(x, y) == (tolower(a) == tolower(b)));
		}
}
END_TEST

static const struct number {
	const char *name;
	int max, want;
} numbers[] = {
	{ "", 9, 0 },
	{ "0", 9, 0 },
	{ "65535", 65535, 65535 },
	{ "65536", 65535, -1 },
	{ "00080", 65535, 80 },
	{ "99999999999999999999", INT_MAX, -1 },
	{ "2147483647", INT_MAX, INT_MAX },
	{ "2147483648", INT_MAX, -1 },
	{ "-1", 9, -1 },
	{ " 1", 9, -1 },
	{ "1 ", 9, -1 },
	{ "1x", 9, -1 },
};

START_TEST(reads)
{
	const struct number *row = &numbers[_i];

	ck_assert_int_eq(ascii_number(row->name, row->max), row->want);
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("ascii");

	UNIT_ROWS(s, compares, pairs);
	unit_test(s, "each byte with each", compares_bytes);
	UNIT_ROWS(s, reads, numbers);
	return unit_run(s);
}
