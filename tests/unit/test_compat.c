/*
 * test_compat.c - proves that what stands in for calls of the C library in
 * the static build does what they do.
 */

#include "../../lib/compat/compat.c"
#undef memchr
#include "unit.h"

enum { SIZE = 300 };

/* Each place of the byte, behind each beginning, and the byte is there twice. */
START_TEST(finds_the_first)
{
	uint8_t bytes[SIZE];

	for (size_t at = 0; at < SIZE; at++) {
		memset(bytes, 'x', sizeof(bytes));
		bytes[at] = bytes[SIZE - 1] = 0xff;
		for (size_t from = 0; from < 80; from++)
			for (size_t n = 0; n <= SIZE - from; n++)
				ck_assert_ptr_eq(compat_memchr(bytes + from, -1,
						     n),
				    memchr(bytes + from, -1, n));
	}
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("compat");

	unit_test(s, "memchr", finds_the_first);
	return unit_run(s);
}
