/*
 * test_base64.c - proves base64.h against the vectors of RFC 4648 10 and an
 * encoder that works bit by bit, that decoding undoes it, and that keys are told from other text as
 * RFC 6455 4.2.1 wants it.
 */

#include <string.h>

#include "base64.h"
#include "unit.h"

static const struct encoding {
	const char *name; /* of the row, and what is encoded */
	const char *want;
} encodings[] = {
	{ "", "" },
	{ "f", "Zg==" },
	{ "fo", "Zm8=" },
	{ "foo", "Zm9v" },
	{ "foob", "Zm9vYg==" },
	{ "fooba", "Zm9vYmE=" },
	{ "foobar", "Zm9vYmFy" },
	{ "the sample nonce", "dGhlIHNhbXBsZSBub25jZQ==" },
	{ "\xfb\xff\xbf", "+/+/" },
};

START_TEST(encodes)
{
	const struct encoding *row = &encodings[_i];
	char out[64];

	base64_encode(out, (const uint8_t *)row->name, strlen(row->name));
	ck_assert_str_eq(out, row->want);
	ck_assert_uint_eq(strlen(out) + 1, BASE64_SIZE(strlen(row->name)));
	ck_assert(base64_is(out, strlen(row->name)));
}
END_TEST

static char
digit(unsigned v)
{
	return (char)(v < 26 ? 'A' + v :
		v < 52	     ? 'a' + v - 26 :
		v < 62	     ? '0' + v - 52 :
		v == 62	     ? '+' :
			       '/');
}

static void
encode_bitwise(char *out, const uint8_t *p, size_t n)
{
	size_t bits = n * 8, i;

	for (i = 0; i < (bits + 5) / 6; i++) {
		unsigned v = 0;

		for (size_t bit = i * 6; bit < i * 6 + 6; bit++)
			v = v << 1 |
			    (bit < bits && (p[bit / 8] >> (7 - bit % 8) & 1));
		out[i] = digit(v);
	}
	while (i % 4 != 0)
		out[i++] = '=';
	out[i] = '\0';
}

START_TEST(equals_bitwise)
{
	uint8_t bytes[300];
	char got[BASE64_SIZE(sizeof(bytes))], want[sizeof(got)];
	uint32_t seed = 99;

	for (size_t i = 0; i < sizeof(bytes); i++)
		bytes[i] = (uint8_t)unit_random(&seed);
	for (size_t n = 0; n <= sizeof(bytes); n++) {
		memset(got, '#', sizeof(got));
		base64_encode(got, bytes, n);
		encode_bitwise(want, bytes, n);
		ck_assert_str_eq(got, want);
		ck_assert(base64_is(got, n));
		ck_assert_int_eq(base64_decode((uint8_t *)got, (uint8_t *)want,
				     strlen(want)),
		    (ssize_t)n);
		ck_assert_mem_eq(got, bytes, n);
		memcpy(got, want, sizeof(got));
		ck_assert(!base64_is(got, n + 1));
		ck_assert(n == 0 || !base64_is(got, n - 1));
	}
}
END_TEST

static const struct decoding {
	const char *name; /* and the text that is decoded */
	ssize_t want;	  /* bytes, or -1 */
} decodings[] = {
	{ "", 0 },
	{ "Zg==", 1 },
	{ "Zm8=", 2 },
	{ "Zm9v", 3 },
	{ "+/+/", 3 },
	{ "Zh==", -1 }, /* bits are left over */
	{ "Zm9=", -1 },
	{ "Zg", -1 },
	{ "Zg=", -1 },
	{ "Zg===", -1 },
	{ "====", -1 },
	{ "Z===", -1 },
	{ "Zg==Zg==", -1 },
	{ "Zg=v", -1 },
	{ "Zm 9", -1 },
	{ "Zm9v\n", -1 },
	{ "Zm-_", -1 }, /* the URL alphabet */
	{ "Zm9\xc3", -1 },
};

START_TEST(decodes)
{
	const struct decoding *row = &decodings[_i];
	uint8_t out[64];
	char again[64];

	ck_assert_int_eq(base64_decode(out, (const uint8_t *)row->name,
			     strlen(row->name)),
	    row->want);
	if (row->want == -1)
		return;
	base64_encode(again, out, (size_t)row->want);
	ck_assert_str_eq(again, row->name);
}
END_TEST

static const struct key {
	const char *name; /* and the text that may be 16 bytes */
	bool want;
} texts[] = {
	{ "dGhlIHNhbXBsZSBub25jZQ==", true }, /* RFC 6455 1.3 */
	{ "AQIDBAUGBwgJCgsMDQ4PEC==", true }, /* 4.1: bits are left over */
	{ "AQIDBAUGBwgJCgsMDQ4PEA==", true },
	{ "x3JJHMbDL1EzLkh9GBhXDw==", true },
	{ "+/+/+/+/+/+/+/+/+/+/+w==", true },
	{ "", false },
	{ "dGhlIHNhbXBsZSBub25jZQ=", false },
	{ "dGhlIHNhbXBsZSBub25jZQ", false },
	{ "dGhlIHNhbXBsZSBub25jZQ===", false },
	{ "dGhlIHNhbXBsZSBub25jZTEy", false }, /* 18 bytes */
	{ "dGhlIHNhbXBsZSBub25jZTE=", false }, /* 17 bytes */
	{ "dGhlIHNhbXBsZSBub25=ZQ==", false },
	{ "dGhlIHNhbXBsZSBub25jZ===", false },
	{ "dGhlIHNhbXBsZSBub25j====", false },
	{ "dGhlIHNhbXBsZSBub25jZQ=A", false },
	{ "dGhlIHNhbXBsZSBub2-jZQ==", false }, /* the URL alphabet */
	{ "dGhlIHNhbXBsZSBub2_jZQ==", false },
	{ "dGhlIHNhbXBsZSBub2 jZQ==", false },
	{ "\xc3\xa9GhlIHNhbXBsZSBub25jZQ", false },
	{ "========================", false },
};

START_TEST(tells_keys)
{
	ck_assert(base64_is(texts[_i].name, 16) == texts[_i].want);
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("base64");

	UNIT_ROWS(s, encodes, encodings);
	UNIT_ROWS(s, decodes, decodings);
	UNIT_ROWS(s, tells_keys, texts);
	unit_test(s, "lengths 0 to 300", equals_bitwise);
	return unit_run(s);
}
