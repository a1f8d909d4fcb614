/*
 * test_utf8_wide.c - proves that vectors are used where the processor has them,
 * which no result of utf8.h tells, and that blocks are good when, and only when,
 * utf8.h says so of their bytes one by one.
 */

#include <string.h>

#include "unit.h"
#include "utf8.h"
#include "utf8_wide.h"

enum { BLOCKS = 3, SIZE = BLOCKS * UTF8_WIDE, LONG = 1 << 15 };

static bool
has_vectors(void)
{
#ifdef __x86_64__
	return __builtin_cpu_supports("avx2");
#else
	return false;
#endif
}

static void
repeat(uint8_t *p, size_t n, const char *text)
{
	const size_t len = strlen(text);

	for (size_t i = 0; i < n; i++)
		p[i] = (uint8_t)text[i % len];
}

/* How much is good byte by byte, and where its last whole character ends. */
static size_t
good_bytes(const uint8_t *p, size_t n, size_t *whole)
{
	struct utf8 u = { 0 };
	size_t i;

	*whole = 0;
	for (i = 0; i < n && utf8_feed(&u, p + i, 1) == 1; i++)
		if (utf8_whole(&u))
			*whole = i + 1;
	return i;
}

/* All good blocks are taken, but for a character that they end inside. */
static void
compare(const uint8_t *p, size_t n)
{
	size_t whole, good = good_bytes(p, n, &whole);
	const size_t blocks = has_vectors() ? good - good % UTF8_WIDE : 0;
	const size_t got = utf8_wide(p, n);

	ck_assert_uint_le(got, good);
	ck_assert_uint_ge(got + 3, blocks);
	good_bytes(p, got, &whole);
	ck_assert_uint_eq(got, whole);
}

static const struct text {
	const char *name, *p;
} texts[] = {
	{ "ASCII", "x" },
	{ "an accent here and there", "accents h\xc3\xa9r\xc3\xa9" },
	{ "two bytes a letter", "\xd0\x96" },
	{ "three bytes a letter", "\xe6\x97\xa5" },
	{ "four bytes a letter", "\xf0\x9f\x98\x80" },
	{ "all lengths", "a\xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80" },
	{ "last of all lengths",
	    "\x7f\xdf\xbf\xed\x9f\xbf\xef\xbf\xbf\xf4\x8f\xbf\xbf" },
	{ "first of all lengths",
	    "\xc2\x80\xe0\xa0\x80\xee\x80\x80\xf0\x90\x80\x80" },
};

/* The text is long at first, as processors that are asked late are then. */
START_TEST(takes_what_is_good)
{
	static uint8_t p[LONG];

	repeat(p, sizeof(p), texts[_i].p);
	compare(p, sizeof(p));
	for (size_t n = 0; n <= SIZE; n++)
		compare(p, n);
}
END_TEST

/* Any byte anywhere, in the midst of each kind of text. */
START_TEST(stops_at_what_is_not)
{
	static uint8_t p[LONG];
	uint8_t was;

	repeat(p, sizeof(p), texts[_i].p);
	compare(p, sizeof(p));
	for (size_t i = 0; i < SIZE; i++) {
		was = p[i];
		for (int c = 0; c < 256; c++) {
			p[i] = (uint8_t)c;
			compare(p, SIZE);
		}
		p[i] = was;
	}
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("utf8_wide");

	UNIT_ROWS(s, takes_what_is_good, texts);
	UNIT_ROWS(s, stops_at_what_is_not, texts);
	return unit_run(s);
}
