/*
 * test_deflate.c - proves that compressed messages are those of RFC 7692 7.2,
 * both ways: its examples, streams that end within a message, messages that
 * point to earlier ones, all windows, any pieces, and memory given back between
 * any two.
 */

#include <stdlib.h>
#include <string.h>

#include "deflate.h"
#include "unit.h"

enum { FENCE = 0xa5, LARGEST = 200000 };

/* Ways to be fed and to take, in bytes. */
static const struct {
	size_t piece, room;
} ways[] = { { 1, 1 }, { 1, 4096 }, { 2, 3 }, { 3, 7 }, { 5, 1 },
	{ LARGEST, 1 }, { LARGEST, 4 }, { LARGEST, 100 }, { LARGEST, 65536 } };

static size_t
nearer(size_t a, size_t b)
{
	return a < b ? a : b;
}

/*
 * A message from its payload, into out.  Never more than the room is written,
 * and what has been fed lasts until it is said to be used up.
 */
static enum deflate_end
whole(struct deflate_in *d, const uint8_t *p, size_t n, size_t piece,
    size_t most, struct buf *out)
{
	enum deflate_end end = DEFLATE_FED;
	size_t at = 0, len, size;
	uint8_t *room;

	do {
		len = nearer(n - at, piece);
		deflate_feed(d, p == NULL ? NULL : p + at, len, at + len == n);
		at += len;
		do {
			room = buf_room(out, most + 1);
			ck_assert_ptr_nonnull(room);
			room[most] = FENCE;
			end = deflate_take(d, room, most, &size);
			ck_assert_uint_eq(room[most], FENCE);
			ck_assert_uint_le(size, most);
			buf_grow(out, size);
		} while (end == DEFLATE_MORE);
	} while (end == DEFLATE_FED && at < n);
	return end;
}

/* Messages one after another, in hex, and what they are; a "-" is wrong. */
static const struct row {
	const char *name;
	bool forget;
	const char *payloads;
	const char *texts;
} rows[] = {
	{ "RFC 7692 7.2.3.1", false, "f248cdc9c90700", "Hello" },
	{ "7.2.3.2, with context", false, "f248cdc9c90700|f200110000",
	    "Hello|Hello" },
	{ "7.2.3.3, a stored block", false, "000500faff48656c6c6f00", "Hello" },
	{ "7.2.3.4, BFINAL", false, "f348cdc9c9070000", "Hello" },
	{ "7.2.3.5, two blocks", false, "f248050000 00ffffcac9c90700",
	    "Hello" },
	{ "7.2.3.6, empty", false, "00|f248cdc9c90700|00|f200110000",
	    "|Hello||Hello" },
	{ "empty, of a fixed block", false, "0200|f248cdc9c90700", "|Hello" },
	{ "no bytes at all", false, "|f248cdc9c90700||f200110000",
	    "|Hello||Hello" },
	{ "BFINAL, and what follows points back", false,
	    "f348cdc9c9070000|f200110000", "Hello|Hello" },
	{ "BFINAL of a stored block", false,
	    "010500faff48656c6c6f00|f200110000", "Hello|Hello" },
	{ "BFINAL in the middle", false, "f348cdc9c90700f200110000",
	    "HelloHello" },
	{ "BFINAL twice", false, "f348cdc9c90700f348cdc9c9070000",
	    "HelloHello" },
	{ "no context, and none needed", true, "f248cdc9c90700|f248cdc9c90700",
	    "Hello|Hello" },
	{ "no context: BFINAL points back in its message", true,
	    "f348cdc9c90700f200110000|f248cdc9c90700", "HelloHello|Hello" },
	{ "no context, but one is wanted", true, "f248cdc9c90700|f200110000",
	    "Hello|-" },
	{ "an unknown block", false, "07", "-" },
	{ "nothing but an end", false, "f248cd", "-" },
	{ "a stored block that is cut", false, "000500faff4865", "-" },
	{ "a length that is not confirmed", false, "000500fbff48656c6c6f00",
	    "-" },
	{ "before all that came", false, "f200110000", "-" },
	{ "BFINAL without the byte behind it", false, "f348cdc9c90700|00",
	    "-" },
};

static void
check_row(const struct row *row, size_t way, bool rest)
{
	const struct pmd_way terms = { .window = 15, .forget = row->forget };
	char **payload = unit_split(row->payloads);
	char **text = unit_split(row->texts);
	struct deflate_in d;
	uint8_t bytes[64];

	deflate_in_begin(&d, &terms);
	for (size_t i = 0; text[i] != NULL; i++) {
		struct buf out = { 0 };
		const size_t n = unit_hex(bytes, payload[i]);
		enum deflate_end end =
		    whole(&d, bytes, n, ways[way].piece, ways[way].room, &out);

		if (strcmp(text[i], "-") == 0) {
			ck_assert_int_eq(end, DEFLATE_WRONG);
		} else {
			ck_assert_int_eq(end, DEFLATE_DONE);
			ck_assert_uint_eq(out.len, strlen(text[i]));
			ck_assert(out.len == 0 ||
			    memcmp(buf_head(&out), text[i], out.len) == 0);
		}
		buf_free(&out);
		if (rest)
			deflate_in_rest(&d);
	}
	deflate_in_end(&d);
	free(payload);
	free(text);
}

/*
 * A stored block may go on into the tail.  Then the room may be full when there
 * is nothing left to inflate.
 */
START_TEST(tail_is_content)
{
	static const uint8_t payload[] = { 0, 5, 0, 0xfa, 0xff, 'x' };
	static const uint8_t text[] = { 'x', 0, 0, 0xff, 0xff };
	const struct pmd_way terms = { .window = 15 };

	for (size_t way = 0; way < COUNT(ways); way++) {
		struct buf out = { 0 };
		struct deflate_in d;

		deflate_in_begin(&d, &terms);
		ck_assert_int_eq(whole(&d, payload, sizeof(payload),
				     ways[way].piece, ways[way].room, &out),
		    DEFLATE_DONE);
		ck_assert_uint_eq(out.len, sizeof(text));
		ck_assert(memcmp(buf_head(&out), text, sizeof(text)) == 0);
		buf_free(&out);
		deflate_in_end(&d);
	}
}
END_TEST

START_TEST(inflates)
{
	for (size_t way = 0; way < COUNT(ways); way++) {
		check_row(&rows[_i], way, false);
		check_row(&rows[_i], way, true);
	}
}
END_TEST

/* A message of nothing but streams that end, and of one with something in it. */
START_TEST(ends_often)
{
	enum { ENDS = 200000 };
	const struct pmd_way way = { .window = 15 };
	uint8_t bytes[16], *p = malloc(2 * ENDS + sizeof(bytes));
	const size_t n = unit_hex(bytes, "f248cdc9c90700");
	struct buf out = { 0 };
	struct deflate_in d;

	ck_assert_ptr_nonnull(p);
	for (size_t i = 0; i < ENDS; i++)
		memcpy(p + 2 * i, "\x03\x00", 2);
	memcpy(p + 2 * ENDS, bytes, n);
	deflate_in_begin(&d, &way);
	ck_assert_int_eq(whole(&d, p, 2 * ENDS + n, LARGEST, 100, &out),
	    DEFLATE_DONE);
	ck_assert_uint_eq(out.len, 5);
	ck_assert_mem_eq(buf_head(&out), "Hello", 5);
	ck_assert_uint_lt(d.memory.used, 64 << 10);
	deflate_in_end(&d);
	buf_free(&out);
	free(p);
}
END_TEST

/* Words, zeroes or noise. */
static void
invent(uint8_t *p, size_t n, int kind, uint32_t *seed)
{
	static const uint8_t words[] = "the words of it ";

	for (size_t i = 0; i < n; i++)
		p[i] = kind == 0 || unit_random(seed) % 16 == 0 ?
		    (uint8_t)kind :
		    kind == 1 ? (uint8_t)unit_random(seed) :
				words[i % 16];
}

/* Send a message in so many pieces, flushing behind some, and take it. */
static void
pass(struct deflate_out *out, struct deflate_in *in, const uint8_t *p, size_t n,
    uint32_t *seed)
{
	struct buf wire = { 0 }, got = { 0 };
	size_t at = 0, len;

	while (at < n) {
		len = nearer(n - at, 1 + unit_random(seed) % 70000);
		ck_assert_int_eq(deflate_put(out, &wire, p + at, len,
				     unit_random(seed) % 2 == 0 ? DEFLATE_SOME :
								  DEFLATE_ALL),
		    0);
		at += len;
	}
	ck_assert_int_eq(deflate_put(out, &wire, NULL, 0, DEFLATE_END), 0);
	ck_assert_int_eq(whole(in, buf_head(&wire), wire.len,
			     1 + unit_random(seed) % 9000,
			     1 + unit_random(seed) % 9000, &got),
	    DEFLATE_DONE);
	ck_assert_uint_eq(got.len, n);
	ck_assert(memcmp(buf_head(&got), p, n) == 0);
	buf_free(&wire);
	buf_free(&got);
}

/* _i is a window, of 9 to 15 bits, with and without context. */
START_TEST(passes)
{
	const struct pmd_way way = { .window = 9 + _i / 2, .forget = _i % 2 };
	uint8_t *p = malloc(LARGEST);
	struct deflate_out out;
	struct deflate_in in;
	uint32_t seed = 1;

	ck_assert_ptr_nonnull(p);
	for (int memory = 1; memory <= 9; memory += 4) {
		deflate_in_begin(&in, &way);
		deflate_out_begin(&out, &way, memory, memory);
		for (int i = 0; i < 60; i++) {
			const size_t n = 1 +
			    unit_random(&seed) % (i % 10 == 0 ? LARGEST : 5000);

			invent(p, n, i % 3, &seed);
			pass(&out, &in, p, n, &seed);
			if (i % 7 == 0)
				deflate_in_rest(&in);
			if (i % 11 == 0)
				deflate_out_rest(&out);
		}
		deflate_in_end(&in);
		deflate_out_rest(&out);
	}
	free(p);
}
END_TEST

static void
check_put(struct deflate_out *out, const char *text, const char *want)
{
	struct buf wire = { 0 };
	uint8_t bytes[64];
	const size_t n = unit_hex(bytes, want);

	ck_assert_int_eq(deflate_put(out, &wire, text, strlen(text),
			     DEFLATE_END),
	    0);
	ck_assert_uint_eq(wire.len, n);
	ck_assert(memcmp(buf_head(&wire), bytes, n) == 0);
	buf_free(&wire);
}

/* The octets of RFC 7692 7.2.3.1 and 7.2.3.2. */
START_TEST(deflates)
{
	const struct pmd_way keep = { .window = 15 };
	const struct pmd_way forget = { .window = 15, .forget = true };
	struct deflate_out out;

	deflate_out_begin(&out, &keep, 6, 8);
	check_put(&out, "Hello", "f248cdc9c90700");
	check_put(&out, "Hello", "f200110000");
	deflate_forget(&out);
	check_put(&out, "Hello", "f248cdc9c90700");
	check_put(&out, "Hello", "f200110000");
	deflate_out_rest(&out);
	check_put(&out, "Hello", "f248cdc9c90700");
	deflate_out_rest(&out);
	deflate_out_begin(&out, &forget, 6, 8);
	check_put(&out, "Hello", "f248cdc9c90700");
	check_put(&out, "Hello", "f248cdc9c90700");
	deflate_out_rest(&out);
}
END_TEST

/* Whatever fills the room for output exactly, there is an end, and it is right. */
START_TEST(fits_exactly)
{
	const struct pmd_way way = { .window = 12 };
	uint8_t p[8300];
	struct deflate_out out;
	struct deflate_in in;
	uint32_t seed = 7;

	deflate_in_begin(&in, &way);
	deflate_out_begin(&out, &way, 6, 5);
	for (size_t n = 4000; n < sizeof(p); n += n == 4200 ? 3900 : 1) {
		invent(p, n, 1, &seed);
		pass(&out, &in, p, n, &seed);
	}
	deflate_in_end(&in);
	deflate_out_rest(&out);
}
END_TEST

/* 64 MiB of zeroes are made a few bytes at a time, as they are asked for. */
START_TEST(a_bomb_is_slow)
{
	static uint8_t zeroes[1 << 20];
	const struct pmd_way way = { .window = 15 };
	struct buf wire = { 0 };
	struct deflate_out out;
	struct deflate_in in;
	uint8_t room[100];
	size_t len;

	deflate_out_begin(&out, &way, 9, 8);
	for (int i = 0; i < 64; i++)
		ck_assert_int_eq(deflate_put(&out, &wire, zeroes,
				     sizeof(zeroes),
				     i == 63 ? DEFLATE_END : DEFLATE_SOME),
		    0);
	ck_assert_uint_lt(wire.len, 70000);
	deflate_in_begin(&in, &way);
	deflate_feed(&in, buf_head(&wire), wire.len, true);
	for (int i = 0; i < 1000; i++) {
		ck_assert_int_eq(deflate_take(&in, room, sizeof(room), &len),
		    DEFLATE_MORE);
		ck_assert_uint_eq(len, sizeof(room));
	}
	ck_assert_uint_lt(in.z.total_out, 200000);
	deflate_in_end(&in);
	deflate_out_rest(&out);
	buf_free(&wire);
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("deflate");

	UNIT_ROWS(s, inflates, rows);
	unit_test(s, "a block of the tail", tail_is_content);
	unit_loop(s, "windows and pieces", passes, 14);
	unit_test(s, "the RFC's octets", deflates);
	unit_test(s, "exact fits", fits_exactly);
	unit_test(s, "a bomb", a_bomb_is_slow);
	unit_test(s, "many ends", ends_often);
	return unit_run(s);
}
