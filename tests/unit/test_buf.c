/*
 * test_buf.c - proves that buf.h keeps bytes in order whatever is added and
 * dropped, holds no memory when empty, and loses nothing when there is none.
 */

#include <string.h>

#include "buf.h"
#include "unit.h"

static const struct row {
	const char *name;
	size_t most; /* bytes added, or dropped, at once */
	uint32_t seed;
} mixtures[] = {
	{ "single bytes", 1, 1 },
	{ "less than a page", 1000, 2 },
	{ "about a page", 4097, 3 },
	{ "several pages", 70000, 4 },
};

/* What is added are the low bytes of a count, so any loss or swap shows. */
static uint8_t
pattern(uint32_t count)
{
	return (uint8_t)(count * 31 >> 3);
}

START_TEST(keeps_order)
{
	const struct row *row = &mixtures[_i];
	uint32_t seed = row->seed, added = 0, dropped = 0;
	size_t n, longest = 0;
	struct buf b = { 0 };
	uint8_t *room;

	for (int turn = 0; turn < 500; turn++) {
		n = unit_random(&seed) % (row->most + 1);
		room = buf_room(&b, n);
		ck_assert_ptr_nonnull(room);
		for (size_t i = 0; i < n; i++)
			room[i] = pattern(added++);
		buf_grow(&b, n);
		ck_assert_uint_eq(b.len, added - dropped);
		longest = longest > b.len ? longest : b.len;

		n = unit_random(&seed) % (row->most + 1);
		n = n < b.len ? n : b.len;
		for (size_t i = 0; i < n; i++)
			if (buf_head(&b)[i] != pattern(dropped++))
				ck_abort_msg("byte %u is lost", dropped - 1);
		buf_drop(&b, n);
	}
	ck_assert_uint_le(b.size, longest < 2048 ? 4096 : 2 * longest);
	buf_free(&b);
}
END_TEST

START_TEST(empty_holds_nothing)
{
	const struct buf zero = { 0 };
	struct buf b = { 0 };

	ck_assert_ptr_null(buf_head(&b));
	ck_assert_int_eq(buf_add(&b, NULL, 0), 0);
	ck_assert_mem_eq(&b, &zero, sizeof(b));
	ck_assert_int_eq(buf_add(&b, "abc", 3), 0);
	buf_free(&b);
	ck_assert_mem_eq(&b, &zero, sizeof(b));
}
END_TEST

START_TEST(spares_only_what_is_empty_and_large)
{
	static const uint8_t large[20000];
	struct buf b = { 0 };

	ck_assert_int_eq(buf_add(&b, large, sizeof(large)), 0);
	buf_spare(&b, 100);
	ck_assert_uint_eq(b.len, sizeof(large));
	buf_drop(&b, sizeof(large));
	buf_spare(&b, b.size);
	ck_assert_ptr_nonnull(b.data);
	buf_spare(&b, b.size - 1);
	ck_assert_ptr_null(b.data);
	ck_assert_uint_eq(b.size, 0);
}
END_TEST

static const struct impossible {
	const char *name;
	size_t n;
} impossible[] = {
	{ "more than size_t", SIZE_MAX },
	{ "size_t less what waits", SIZE_MAX - 3 },
	{ "more than doubling reaches", SIZE_MAX / 2 + 2 },
	{ "more than the address space", SIZE_MAX / 8 },
};

START_TEST(no_memory_changes_nothing)
{
	struct buf b = { 0 };

	ck_assert_int_eq(buf_add(&b, "xyabc", 5), 0);
	buf_drop(&b, 2);
	ck_assert_ptr_null(buf_room(&b, impossible[_i].n));
	ck_assert_uint_eq(b.len, 3);
	ck_assert_mem_eq(buf_head(&b), "abc", 3);
	ck_assert_int_eq(buf_add(&b, "d", 1), 0);
	ck_assert_mem_eq(buf_head(&b), "abcd", 4);
	buf_free(&b);
}
END_TEST

/* A queue that is drained as fast as it is filled stays at its first size. */
START_TEST(draining_needs_no_growth)
{
	struct buf b = { 0 };
	size_t size;

	ck_assert_int_eq(buf_add(&b, "0123456789", 10), 0);
	size = b.size;
	for (int i = 0; i < 10000; i++) {
		ck_assert_int_eq(buf_add(&b, "0123456789", 10), 0);
		buf_drop(&b, 10);
	}
	ck_assert_uint_eq(b.size, size);
	ck_assert_mem_eq(buf_head(&b), "0123456789", 10);
	buf_free(&b);
}
END_TEST

/* Lent memory is left for more, or when it is given back; and never freed. */
START_TEST(begins_with_what_it_is_lent)
{
	const struct buf zero = { 0 };
	uint8_t memory[8], more[100] = { 0 };
	struct buf b;

	buf_lend(&b, memory, sizeof(memory));
	ck_assert_uint_eq(b.len, 0);
	ck_assert_int_eq(buf_add(&b, "12345678", 8), 0);
	ck_assert_ptr_eq(buf_head(&b), memory);
	buf_drop(&b, 5);
	ck_assert_int_eq(buf_add(&b, "9abcd", 5), 0);
	ck_assert_ptr_eq(buf_head(&b), memory);
	buf_drop(&b, 1);
	ck_assert_int_eq(buf_add(&b, more, sizeof(more)), 0);
	ck_assert_ptr_ne(buf_head(&b), memory);
	ck_assert_mem_eq(buf_head(&b), "789abcd", 7);
	buf_free(&b);
	buf_lend(&b, memory, sizeof(memory));
	buf_spare(&b, sizeof(memory));
	ck_assert_ptr_eq(buf_head(&b), memory);
	ck_assert_ptr_null(buf_room(&b, SIZE_MAX / 8));
	ck_assert_ptr_eq(buf_head(&b), memory);
	buf_free(&b);
	ck_assert_mem_eq(&b, &zero, sizeof(b));
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("buf");

	UNIT_ROWS(s, keeps_order, mixtures);
	UNIT_ROWS(s, no_memory_changes_nothing, impossible);
	unit_test(s, "empty", empty_holds_nothing);
	unit_test(s, "spare", spares_only_what_is_empty_and_large);
	unit_test(s, "lent", begins_with_what_it_is_lent);
	unit_test(s, "drained", draining_needs_no_growth);
	return unit_run(s);
}
