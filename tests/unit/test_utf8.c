/*
 * test_utf8.c - proves utf8.h against the set of all encodings, made by
 * encoding every code point of RFC 3629, and not against another decoder.
 *
 * Covered are all strings of one, two and three bytes, and of four bytes all
 * those that are still the beginning of one character after three; alone, and
 * within a text, which is looked at sixteen bytes at a time, and in blocks of
 * 64, by vectors.  What can go wrong elsewhere is carrying state, and for that
 * texts are split at every two points, and long ones, good and damaged,
 * anywhere.
 */

#include <stdlib.h>
#include <string.h>

#include "unit.h"
#include "utf8.h"

/* Bit sets over strings of 1, 2, 3 bytes, and of 4 from F0 00 00 00 on. */
enum { BEGINS, IS, SETS };
static uint8_t *sets[SETS][4];
static const size_t set_bits[4] = { 1 << 8, 1 << 16, 1 << 24, 5 << 24 };

static size_t
set_index(const uint8_t *p, size_t n)
{
	size_t index = n == 4 ? p[0] - 0xf0U : p[0];

	for (size_t i = 1; i < n; i++)
		index = index << 8 | p[i];
	return index;
}

static bool
set_has(int set, const uint8_t *p, size_t n)
{
	size_t i;

	if (n == 4 && (p[0] < 0xf0 || p[0] > 0xf4))
		return false;
	i = set_index(p, n);
	return sets[set][n - 1][i / 8] >> i % 8 & 1;
}

static void
set_add(int set, const uint8_t *p, size_t n)
{
	size_t i = set_index(p, n);

	sets[set][n - 1][i / 8] |= (uint8_t)(1 << i % 8);
}

/* RFC 3629 3. */
static size_t
encode(uint32_t c, uint8_t p[4])
{
	size_t n = c < 0x80 ? 1 : c < 0x800 ? 2 : c < 0x10000 ? 3 : 4;
	const uint8_t first[] = { 0, 0xc0, 0xe0, 0xf0 };

	for (size_t i = n - 1; i > 0; i--, c >>= 6)
		p[i] = (uint8_t)(0x80 | (c & 0x3f));
	p[0] = (uint8_t)(first[n - 1] | c);
	return n;
}

static void
sets_make(void)
{
	uint8_t p[4];
	size_t n;

	for (int set = 0; set < SETS; set++)
		for (int i = 0; i < 4; i++) {
			sets[set][i] = calloc(1, set_bits[i] / 8);
			ck_assert_ptr_nonnull(sets[set][i]);
		}
	for (uint32_t c = 0; c <= 0x10ffff; c++) {
		if (c >= 0xd800 && c <= 0xdfff)
			continue;
		n = encode(c, p);
		set_add(IS, p, n);
		for (size_t i = 1; i <= n; i++)
			set_add(BEGINS, p, i);
	}
}

static void
sets_free(void)
{
	for (int set = 0; set < SETS; set++)
		for (int i = 0; i < 4; i++)
			free(sets[set][i]);
}

/* What utf8_feed should return, and whether the text is whole then. */
static size_t
expected(const uint8_t *p, size_t n, bool *whole)
{
	size_t i = 0, k;

	*whole = true;
	while (i < n) {
		for (k = 1; i + k <= n; k++) {
			if (!set_has(BEGINS, p + i, k))
				return i + k - 1;
			if (set_has(IS, p + i, k))
				break;
		}
		if (i + k > n)
			*whole = false;
		i += k;
	}
	return n;
}

/* The string begins at p + ascii, and before it is nothing but ASCII. */
static void
compare(const uint8_t *p, size_t n, size_t ascii)
{
	const uint8_t *s = p + ascii;
	struct utf8 u = { 0 };
	bool whole;
	size_t want = ascii + expected(s, n - ascii, &whole);
	size_t got = utf8_feed(&u, p, n);

	n -= ascii;
	if (got != want || (got == ascii + n && utf8_whole(&u) != whole))
		ck_abort_msg("%02x %02x %02x %02x: %zu good, want %zu", s[0],
		    n > 1 ? s[1] : 0, n > 2 ? s[2] : 0, n > 3 ? s[3] : 0, got,
		    want);
}

static const struct strings {
	const char *name;
	size_t n;
	uint32_t first, last; /* of strings, read as numbers */
	size_t before, after; /* bytes of ASCII */
} strings[] = {
	{ "all of one byte", 1, 0, 0xff, 0, 0 },
	{ "all of two bytes", 2, 0, 0xffff, 0, 0 },
	{ "all of three bytes", 3, 0, 0xffffff, 0, 0 },
	{ "of four bytes from F0 00 00", 4, 0xf0000000, 0xf4ffffff, 0, 0 },
	{ "one byte in a text", 1, 0, 0xff, 16, 15 },
	{ "two bytes, one a turn", 2, 0, 0xffff, 15, 15 },
	{ "two bytes that end a turn", 2, 0, 0xffff, 14, 16 },
	{ "three bytes, two in a turn", 3, 0xe00000, 0xefffff, 14, 15 },
	{ "three bytes that end a turn", 3, 0xe00000, 0xefffff, 13, 16 },
	{ "four bytes, two in a turn", 4, 0xf0000000, 0xf4ffffff, 14, 14 },
	{ "one byte in a block", 1, 0, 0xff, 64, 63 },
	{ "two bytes over halves of a vector", 2, 0, 0xffff, 64 + 15, 47 },
	{ "two bytes over vectors", 2, 0, 0xffff, 64 + 31, 31 },
	{ "two bytes over blocks", 2, 0, 0xffff, 127, 63 },
	{ "two bytes that end a block", 2, 0, 0xffff, 126, 0 },
	{ "three bytes over vectors", 3, 0xe00000, 0xefffff, 64 + 30, 31 },
	{ "three bytes over blocks", 3, 0xe00000, 0xefffff, 126, 63 },
	{ "three bytes that end a block", 3, 0xed0000, 0xedffff, 125, 0 },
	{ "four bytes over blocks", 4, 0xf0000000, 0xf4ffffff, 127, 61 },
};

START_TEST(equals_the_set)
{
	const struct strings *row = &strings[_i];
	uint8_t text[192], *p = text + row->before;

	memset(text, 'x', sizeof(text));
	sets_make();
	for (uint64_t v = row->first; v <= row->last; v++) {
		for (size_t i = 0; i < row->n; i++)
			p[i] = (uint8_t)(v >> 8 * (row->n - 1 - i));
		if (row->n == 4 && p[3] == 0 && !set_has(BEGINS, p, 3))
			v += 0xff;
		else
			compare(text, row->before + row->n + row->after,
			    row->before);
	}
	sets_free();
}
END_TEST

static const struct text {
	const char *name;
	const char *p;
	size_t good; /* bytes; 0 for all */
} texts[] = {
	{ "empty", "", 0 },
	{ "all lengths", "a\xc2\x80\xe0\xa0\x80\xf0\x90\x80\x80z", 0 },
	{ "last of all lengths", "\x7f\xdf\xbf\xef\xbf\xbf\xf4\x8f\xbf\xbf",
	    0 },
	{ "no characters are valid", "\xef\xbf\xbe\xef\xbf\xbf\xf0\x9f\xbf\xbe",
	    0 },
	{ "a byte order mark is data", "\xef\xbb\xbfx", 0 },
	{ "around surrogates", "\xed\x9f\xbf\xee\x80\x80", 0 },
	{ "surrogate: Autobahn 6.4", /* wrong at byte 12, not later */
	    "\xce\xba\xe1\xbd\xb9\xcf\x83\xce\xbc\xce\xb5\xed\xa0\x80"
	    "edited",
	    12 },
	{ "over 10FFFF: Autobahn 6.4",
	    "\xce\xba\xe1\xbd\xb9\xcf\x83\xce\xbc\xce\xb5\xf4\x90\x80\x80"
	    "edited",
	    12 },
	{ "overlong slash", "abc\xc0\xaf", 3 },
	{ "overlong in three", "abc\xe0\x9f\xbf", 4 },
	{ "overlong in four", "abc\xf0\x8f\xbf\xbf", 4 },
	{ "continuation alone", "abc\x80", 3 },
	{ "cut by ASCII", "abc\xe2\x82xyz", 5 },
	{ "cut by a beginning", "abc\xe2\x82\xe2\x82\xac", 5 },
	{ "five bytes long", "abc\xf8\x88\x80\x80\x80", 3 },
	{ "FF", "abc\xff", 3 },
};

/* Whatever the two splits, the first wrong byte is the same. */
START_TEST(splits_anywhere)
{
	const struct text *row = &texts[_i];
	const uint8_t *p = (const uint8_t *)row->p;
	size_t n = strlen(row->p), want = row->good == 0 ? n : row->good;
	size_t cuts[4] = { 0, 0, 0, n }, good, size;

	for (cuts[1] = 0; cuts[1] <= n; cuts[1]++)
		for (cuts[2] = cuts[1]; cuts[2] <= n; cuts[2]++) {
			struct utf8 u = { 0 };

			good = 0;
			for (int i = 0; i < 3 && good == cuts[i]; i++) {
				size = cuts[i + 1] - cuts[i];
				good += utf8_feed(&u, p + cuts[i], size);
			}
			ck_assert_uint_eq(good, want);
			ck_assert(good < n || utf8_whole(&u));
		}
}
END_TEST

/*
 * A text of n bytes or a few more, in runs of characters that are like long;
 * some are longer than a few blocks.
 */
static size_t
fill(uint8_t *p, size_t n, uint32_t *seed)
{
	static const uint32_t ends[] = { 0x80, 0x800, 0xd800, 0x110000 };
	size_t i = 0;
	uint32_t c, end, run;

	while (i < n) {
		end = ends[unit_random(seed) % COUNT(ends)];
		run = unit_random(seed) % (unit_random(seed) % 8 ? 40 : 400);
		for (; run > 0 && i < n; run--) {
			c = unit_random(seed) % end;
			if (c < 0xd800 || c > 0xdfff)
				i += encode(c, p + i);
		}
	}
	return i;
}

static const struct lengths {
	const char *name;
	uint32_t most; /* bytes of a text */
	int turns;
} lengths[] = {
	{ "of some turns", 250, 20000 },
	{ "of some blocks", 1200, 20000 },
};

/* In whatever pieces, the first wrong byte of a text is found. */
START_TEST(finds_damage_in_pieces)
{
	const struct lengths *row = &lengths[_i];
	uint8_t p[1210];
	uint32_t seed = 1;
	bool whole;

	sets_make();
	for (int turn = 0; turn < row->turns; turn++) {
		size_t n = fill(p, unit_random(&seed) % row->most, &seed);
		size_t want, good = 0, from = 0, to;
		struct utf8 u = { 0 };

		if (n > 0 && turn % 2 == 0)
			p[unit_random(&seed) % n] = (uint8_t)unit_random(&seed);
		want = expected(p, n, &whole);
		for (; from < n && good == from; from = to) {
			to = from + unit_random(&seed) % (n - from + 1);
			good += utf8_feed(&u, p + from, to - from);
		}
		ck_assert_uint_eq(good, want);
		ck_assert(good < n || utf8_whole(&u) == whole);
	}
	sets_free();
}
END_TEST

/* ASCII is passed over by words: a wrong byte is seen at every distance. */
START_TEST(sees_every_distance)
{
	uint8_t p[256];

	for (size_t from = 0; from < 9; from++)
		for (size_t at = from; at < sizeof(p); at++) {
			struct utf8 u = { 0 };

			memset(p, 'x', sizeof(p));
			p[at] = 0x80;
			if (utf8_feed(&u, p + from, sizeof(p) - from) !=
			    at - from)
				ck_abort_msg("from %zu, wrong at %zu", from,
				    at);
		}
}
END_TEST

/* The longest beginning that fits and ends between two characters. */
START_TEST(cuts_between_characters)
{
	static const char text[] = "a\xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80"
				   "zz\xf0\x9f\x98\x80\xe2\x82\xac\xc3\xa9";
	const uint8_t *p = (const uint8_t *)text;

	for (size_t n = 0; n < sizeof(text); n++)
		for (size_t max = 0; max < sizeof(text) + 3; max++) {
			size_t want = n < max ? n : max;
			size_t got = utf8_cut(p, n, max);

			/* A cut is between two where 10xxxxxx does not follow. */
			while ((p[want] & 0xc0) == 0x80)
				want--;
			if (got != want)
				ck_abort_msg("%zu bytes, at most %zu: %zu", n,
				    max, got);
		}
}
END_TEST

START_TEST(cuts_what_is_no_text)
{
	uint8_t p[6];
	uint32_t seed = 5;

	for (int turn = 0; turn < 100000; turn++) {
		size_t max = unit_random(&seed) % 8, cut;

		for (size_t i = 0; i < sizeof(p); i++)
			p[i] = (uint8_t)(unit_random(&seed) | 0x80);
		cut = utf8_cut(p, sizeof(p), max);
		if (cut > max || cut > sizeof(p))
			ck_abort_msg("at most %zu: %zu", max, cut);
	}
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("utf8");

	UNIT_ROWS(s, equals_the_set, strings);
	UNIT_ROWS(s, splits_anywhere, texts);
	UNIT_ROWS(s, finds_damage_in_pieces, lengths);
	unit_test(s, "ASCII before", sees_every_distance);
	unit_test(s, "cut", cuts_between_characters);
	unit_test(s, "cut of other bytes", cuts_what_is_no_text);
	return unit_run(s);
}
