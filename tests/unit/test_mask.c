/*
 * test_mask.c - proves that masking by words is masking by bytes, RFC 6455
 * 5.3, at every alignment, offset and short length, and touches nothing else;
 * and that it sees whether all was ASCII.
 */

#include <stdlib.h>
#include <string.h>

#include "mask.h"
#include "unit.h"

enum { ALIGNMENTS = 17, GUARD = 8, LENGTHS = 200 };

static const struct row {
	const char *name;
	uint8_t key[4];
} keys[] = {
	{ "the RFC's key", { 0x37, 0xfa, 0x21, 0x3d } },
	{ "zero is legal", { 0, 0, 0, 0 } },
	{ "one byte set", { 0, 0, 0, 0x80 } },
	{ "all different", { 1, 2, 4, 8 } },
	{ "all ones", { 0xff, 0xff, 0xff, 0xff } },
};

static const uint64_t offsets[] = { 0, 1, 2, 3, 4, 5, 6, 7, 65535,
	(uint64_t)UINT32_MAX, (uint64_t)UINT32_MAX + 2, INT64_MAX };

static const size_t large[] = { 4095, 4096, 65535, 65536, 65537, 1000003 };

static void
compare(const uint8_t key[4], uint8_t *memory, size_t align, size_t len,
    uint64_t at)
{
	uint8_t *p = memory + GUARD + align;
	uint32_t seed = 7;

	for (uint8_t *b = memory; b < p + len + GUARD; b++)
		*b = (uint8_t)unit_random(&seed);
	mask_apply(p, len, key, at);
	seed = 7;
	for (uint8_t *b = memory; b < p + len + GUARD; b++) {
		uint8_t want = (uint8_t)unit_random(&seed);

		if (b >= p && b < p + len)
			want ^= key[(at + (uint64_t)(b - p)) % 4];
		if (*b != want)
			ck_abort_msg("align %zu length %zu at %ju: byte %td",
			    align, len, (uintmax_t)at, b - p);
	}
}

START_TEST(equals_bytewise)
{
	const size_t most = 1000003 + ALIGNMENTS + 2 * GUARD;
	const uint8_t *key = keys[_i].key;
	uint8_t *memory = malloc(most);

	ck_assert_ptr_nonnull(memory);
	for (size_t align = 0; align < ALIGNMENTS; align++)
		for (size_t o = 0; o < COUNT(offsets); o++)
			for (size_t len = 0; len <= LENGTHS; len++)
				compare(key, memory, align, len, offsets[o]);
	for (size_t i = 0; i < COUNT(large); i++)
		for (size_t align = 0; align < 9; align += 3)
			compare(key, memory, align, large[i], i);
	free(memory);
}
END_TEST

/* In pieces of any sizes the key goes on where it stopped. */
START_TEST(goes_on_in_pieces)
{
	uint8_t pieces[LENGTHS] = { 0 }, whole[LENGTHS] = { 0 };
	const uint8_t *key = keys[_i].key;

	mask_apply(whole, LENGTHS, key, 0);
	for (size_t cut = 0; cut <= LENGTHS; cut++) {
		memset(pieces, 0, sizeof(pieces));
		mask_apply(pieces, cut, key, 0);
		mask_apply(pieces + cut, LENGTHS - cut, key, cut);
		ck_assert_mem_eq(pieces, whole, LENGTHS);
	}
}
END_TEST

START_TEST(masks_hello_as_the_rfc_does)
{
	uint8_t hello[] = { 'H', 'e', 'l', 'l', 'o' };
	const uint8_t want[] = { 0x7f, 0x9f, 0x4d, 0x51, 0x58 };

	mask_apply(hello, sizeof(hello), keys[0].key, 0);
	ck_assert_mem_eq(hello, want, sizeof(want));
}
END_TEST

/* One byte of each length that is not ASCII is seen, wherever it stands. */
START_TEST(sees_what_is_not_ascii)
{
	const uint8_t *key = keys[_i].key;
	uint8_t p[LENGTHS];

	for (size_t len = 0; len <= LENGTHS; len++)
		for (size_t at = 0; at <= len; at++) {
			memset(p, 0x7f, len);
			if (at < len)
				p[at] = 0x80;
			mask_apply(p, len, key, len);
			if (mask_apply(p, len, key, len) != (at == len))
				ck_abort_msg("length %zu: byte %zu", len, at);
		}
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("mask");

	UNIT_ROWS(s, equals_bytewise, keys);
	UNIT_ROWS(s, goes_on_in_pieces, keys);
	UNIT_ROWS(s, sees_what_is_not_ascii, keys);
	unit_test(s, "RFC 6455 5.7", masks_hello_as_the_rfc_does);
	return unit_run(s);
}
