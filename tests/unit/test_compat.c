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

/* FIPS 180-4, the examples of it that NIST has published, and two blocks. */
static const struct {
	const char *name, *text, *want;
} digests[] = {
	{ "nothing", "",
	    "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b85"
	    "5" },
	{ "three bytes", "abc",
	    "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015a"
	    "d" },
	{ "56 bytes",
	    "abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq",
	    "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c"
	    "1" },
};

START_TEST(digests_as_sha256)
{
	uint8_t want[SHA256_DIGEST_LENGTH], got[SHA256_DIGEST_LENGTH];
	const char *text = digests[_i].text;
	SHA2_CTX c;

	unit_hex(want, digests[_i].want);
	SHA256Init(&c);
	SHA256Update(&c, (const uint8_t *)text, strlen(text));
	SHA256Final(got, &c);
	ck_assert_mem_eq(got, want, sizeof(want));
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("compat");

	unit_test(s, "memchr", finds_the_first);
	UNIT_ROWS(s, digests_as_sha256, digests);
	return unit_run(s);
}
