/*
 * utf8.c - checks UTF-8 by an automaton that never branches on a byte, so that
 * all scripts are equally fast.  ASCII is passed over by words, and what vectors
 * find good by blocks.
 *
 * A byte has a row, which holds the state after it for each state before it.  A
 * state is the place of its own field in every row: a step is a shift.
 */

#include <string.h>

#include "utf8.h"
#include "utf8_wide.h"

/* What is to come; and where that has its field, in bits. */
enum state {
	NOTHING = 0, /* good: rows have 0 here, so it stays wrong */
	FIRST = 6,   /* byte of a character */
	ONE = 12,    /* more byte of 80 to BF */
	TWO = 18,    /* of them */
	THREE = 24,
	AFTER_E0 = 30, /* two more, and not every byte may be next */
	AFTER_ED = 36,
	AFTER_F0 = 42, /* three more, likewise */
	AFTER_F4 = 48,
	STATE = 63 /* the bits of a field */
};

#define STEP(before, after) ((uint64_t)(after) << (before))
#define LEAD(after)	    STEP(FIRST, after)
#define TAIL		    (STEP(ONE, FIRST) | STEP(TWO, ONE) | STEP(THREE, TWO))

#define X2(row)	 row, row
#define X4(row)	 X2(row), X2(row)
#define X8(row)	 X4(row), X4(row)
#define X16(row) X8(row), X8(row)
#define X32(row) X16(row), X16(row)
#define X64(row) X32(row), X32(row)

/* RFC 3629 4, the ABNF.  Rows that are not here are of NOTHING. */
static const uint64_t utf8_rows[256] = {
	[0x00] = X64(LEAD(FIRST)),
	[0x40] = X64(LEAD(FIRST)),
	[0x80] = X16(TAIL | STEP(AFTER_ED, ONE) | STEP(AFTER_F4, TWO)),
	[0x90] = X16(TAIL | STEP(AFTER_ED, ONE) | STEP(AFTER_F0, TWO)),
	[0xa0] = X32(TAIL | STEP(AFTER_E0, ONE) | STEP(AFTER_F0, TWO)),
	[0xc2] = X2(LEAD(ONE)),
	[0xc4] = X4(LEAD(ONE)),
	[0xc8] = X8(LEAD(ONE)),
	[0xd0] = X16(LEAD(ONE)),
	[0xe0] = LEAD(AFTER_E0),
	[0xe1] = X4(LEAD(TWO)),
	[0xe5] = X8(LEAD(TWO)),
	[0xed] = LEAD(AFTER_ED),
	[0xee] = X2(LEAD(TWO)),
	[0xf0] = LEAD(AFTER_F0),
	[0xf1] = X2(LEAD(THREE)),
	[0xf3] = LEAD(THREE),
	[0xf4] = LEAD(AFTER_F4),
};

enum { TURN = 16 }; /* bytes that are looked at together */

/* The next state; above it stands the rest of the row. */
static uint64_t
utf8_step(uint64_t state, uint8_t c)
{
	return utf8_rows[c] >> (state & STATE);
}

/* The state after a turn.  Four steps are written out, as -O2 does not. */
static uint64_t
utf8_turn(uint64_t state, const uint8_t *p)
{
	for (size_t i = 0; i < TURN; i += 4) {
		state = utf8_step(state, p[i]);
		state = utf8_step(state, p[i + 1]);
		state = utf8_step(state, p[i + 2]);
		state = utf8_step(state, p[i + 3]);
	}
	return state & STATE;
}

/* Where, from i on, turns of nothing but ASCII end. */
static size_t
utf8_ascii(const uint8_t *p, size_t i, size_t n)
{
	uint64_t a, b;

	for (; n - i >= TURN; i += TURN) {
		memcpy(&a, p + i, sizeof(a));
		memcpy(&b, p + i + sizeof(a), sizeof(b));
		if (((a | b) & 0x8080808080808080U) != 0)
			break;
	}
	return i;
}

/* Where turns that are good end, and in which state; what ends them is left. */
static size_t
utf8_turns(uint64_t *state, const uint8_t *p, size_t n)
{
	size_t i = 0, ascii;
	uint64_t next;

	for (;; i += TURN, *state = next) {
		ascii = utf8_ascii(p, i, n);
		if (ascii > i && *state != FIRST)
			return i;
		i = ascii;
		if (n - i < TURN)
			return i;
		next = utf8_turn(*state, p + i);
		if (next == NOTHING)
			return i;
	}
}

/* A text that has not begun is all zeroes: they stand for FIRST. */
static size_t
utf8_bytes(struct utf8 *u, const uint8_t *p, size_t n)
{
	uint64_t state = u->inside ^ (uint64_t)FIRST;

	for (size_t i = utf8_turns(&state, p, n); i < n; i++) {
		state = utf8_step(state, p[i]) & STATE;
		if (state == NOTHING)
			return i;
	}
	u->inside = (uint8_t)(state ^ FIRST);
	return n;
}

/* Blocks begin between two characters. */
static size_t
utf8_mixed(struct utf8 *u, const uint8_t *p, size_t n)
{
	size_t i = 0;

	for (; u->inside != 0 && n - i >= UTF8_WIDE; i++)
		if (utf8_bytes(u, p + i, 1) == 0)
			return i;
	if (n - i >= UTF8_WIDE)
		i += utf8_wide(p + i, n - i);
	return i == n ? n : i + utf8_bytes(u, p + i, n - i);
}

/* A block of ASCII in front is passed over sooner than vectors are ready. */
size_t
utf8_feed(struct utf8 *u, const uint8_t *p, size_t n)
{
	if (u->inside != 0 || n < UTF8_WIDE ||
	    utf8_ascii(p, 0, UTF8_WIDE) < UTF8_WIDE)
		return utf8_mixed(u, p, n);
	p += UTF8_WIDE;
	n -= UTF8_WIDE;
	return UTF8_WIDE + (n == 0 ? 0 : utf8_mixed(u, p, n));
}

bool
utf8_whole(const struct utf8 *u)
{
	return u->inside == 0;
}

size_t
utf8_cut(const uint8_t *p, size_t n, size_t max)
{
	size_t cut = n < max ? n : max;
	size_t back = cut;
	struct utf8 u = { 0 };

	while (back > 0 && cut - back < 3 && (p[back - 1] & 0xc0) == 0x80)
		back--;
	if (back == 0 || p[back - 1] < 0xc2)
		return cut;
	back--;
	if (utf8_feed(&u, p + back, cut - back) < cut - back)
		return cut;
	return utf8_whole(&u) ? cut : back;
}
