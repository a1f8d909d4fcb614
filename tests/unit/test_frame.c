/*
 * test_frame.c - proves that frame.h reads and writes the heads of RFC 6455
 * 5.2, with the byte examples of 5.7, and refuses what 5.2 and 5.5 forbid as
 * soon as the bytes say so.
 */

#include <string.h>

#include "frame.h"
#include "unit.h"

#define KEY "37fa213d"

static const struct example {
	const char *name;
	bool fin;
	uint8_t opcode;
	uint64_t length;
	const char *bytes;  /* of the head, unmasked */
	const char *masked; /* the same from a client, without the key */
} examples[] = {
	{ "text Hello", true, FRAME_TEXT, 5, "8105", "8185" },
	{ "text Hel, unfinished", false, FRAME_TEXT, 3, "0103", "0183" },
	{ "continuation lo", true, FRAME_CONTINUATION, 2, "8002", "8082" },
	{ "continuation, unfinished", false, FRAME_CONTINUATION, 2, "0002",
	    "0082" },
	{ "empty text", true, FRAME_TEXT, 0, "8100", "8180" },
	{ "ping Hello", true, FRAME_PING, 5, "8905", "8985" },
	{ "pong Hello", true, FRAME_PONG, 5, "8a05", "8a85" },
	{ "close, empty", true, FRAME_CLOSE, 0, "8800", "8880" },
	{ "close with a code", true, FRAME_CLOSE, 2, "8802", "8882" },
	{ "close 3000 Go away!", true, FRAME_CLOSE, 10, "880a", "888a" },
	{ "ping of 125", true, FRAME_PING, 125, "897d", "89fd" },
	{ "binary of 125", true, FRAME_BINARY, 125, "827d", "82fd" },
	{ "binary of 126", true, FRAME_BINARY, 126, "827e007e", "82fe007e" },
	{ "binary of 127", true, FRAME_BINARY, 127, "827e007f", "82fe007f" },
	{ "binary of 256", true, FRAME_BINARY, 256, "827e0100", "82fe0100" },
	{ "binary of 65535", true, FRAME_BINARY, 65535, "827effff",
	    "82feffff" },
	{ "binary of 65536", true, FRAME_BINARY, 65536, "827f0000000000010000",
	    "82ff0000000000010000" },
	{ "binary of 2^31 - 1", true, FRAME_BINARY, INT32_MAX,
	    "827f000000007fffffff", "82ff000000007fffffff" },
	{ "binary of 2^31 + 1", true, FRAME_BINARY, (1ULL << 31) + 1,
	    "827f0000000080000001", "82ff0000000080000001" },
	{ "binary of 2^32 - 1", true, FRAME_BINARY, UINT32_MAX,
	    "827f00000000ffffffff", "82ff00000000ffffffff" },
	{ "binary of 2^32 + 1", true, FRAME_BINARY, (1ULL << 32) + 1,
	    "827f0000000100000001", "82ff0000000100000001" },
	{ "binary of 2^63 - 1", true, FRAME_BINARY, INT64_MAX,
	    "827f7fffffffffffffff", "82ff7fffffffffffffff" },
};

static size_t
example_bytes(const struct example *row, bool masked, uint8_t *out)
{
	size_t n = unit_hex(out, masked ? row->masked : row->bytes);

	return masked ? n + unit_hex(out + n, KEY) : n;
}

/* _i is row * 2 + masked. */
START_TEST(reads)
{
	const struct example *row = &examples[_i / 2];
	bool masked = _i % 2 != 0;
	uint8_t bytes[32] = { 0 }, key[4];
	size_t n = example_bytes(row, masked, bytes);
	const char *why = NULL;
	struct frame f = { 0 };

	for (size_t size = 0; size < n; size++) {
		ck_assert_int_eq(frame_head(&f, bytes, size, &why), 0);
		ck_assert_uint_eq(frame_peek(&f, bytes, size), 0);
		ck_assert(f.fin == (size > 0 && row->fin));
		ck_assert(f.masked == (size > 1 && masked));
		ck_assert_uint_eq(f.length,
		    size < n - (masked ? sizeof(key) : 0) ? FRAME_UNKNOWN :
							    row->length);
	}
	for (size_t size = n; size < sizeof(bytes); size++) {
		memset(&f, 0xa5, sizeof(f));
		ck_assert_int_eq(frame_head(&f, bytes, size, &why), (int)n);
		ck_assert(f.fin == row->fin);
		ck_assert_uint_eq(f.rsv, 0);
		ck_assert_uint_eq(f.opcode, row->opcode);
		ck_assert_uint_eq(f.length, row->length);
		ck_assert(f.masked == masked);
		unit_hex(key, KEY);
		ck_assert(!masked || memcmp(f.key, key, sizeof(key)) == 0);
		ck_assert(frame_is_control(&f) == (row->opcode >= FRAME_CLOSE));
	}
}
END_TEST

START_TEST(writes)
{
	const struct example *row = &examples[_i / 2];
	struct frame f = {
		.fin = row->fin,
		.opcode = row->opcode,
		.masked = _i % 2 != 0,
		.length = row->length,
	};
	uint8_t got[FRAME_HEAD_MAX], want[32];
	size_t n = example_bytes(row, f.masked, want);

	unit_hex(f.key, KEY);
	ck_assert_uint_eq(frame_write(&f, got), n);
	ck_assert_mem_eq(got, want, n);
}
END_TEST

static const struct wrong {
	const char *name;
	const char *bytes;
	size_t at; /* so many bytes tell */
} wrongs[] = {
	{ "reserved opcode 3", "8300", 1 },
	{ "reserved opcode 7", "8700", 1 },
	{ "reserved opcode B", "8b00", 1 },
	{ "reserved opcode F, unfinished", "0f00", 1 },
	{ "fragmented close", "0800", 1 },
	{ "fragmented ping", "0900", 1 },
	{ "fragmented pong", "0a00", 1 },
	{ "ping of 126", "897e007e", 2 },
	{ "ping of 5 in two bytes", "897e0005", 2 },
	{ "close of 126, masked", "88fe007e" KEY, 2 },
	{ "pong of 65536", "8a7f0000000000010000", 2 },
	{ "0 in two bytes", "827e0000", 4 },
	{ "124 in two bytes", "817e007c", 4 },
	{ "125 in two bytes, masked", "81fe007d" KEY, 4 },
	{ "5 in eight bytes", "817f0000000000000005", 10 },
	{ "126 in eight bytes", "817f000000000000007e", 10 },
	{ "65535 in eight bytes, masked", "82ff000000000000ffff" KEY, 10 },
	{ "2^63", "827f8000000000000000", 10 },
	{ "2^63 + 1, masked", "82ff8000000000000001" KEY, 10 },
	{ "2^64 - 1", "827fffffffffffffffff", 10 },
	{ "2^64 - 1, masked", "82ffffffffffffffffff" KEY, 10 },
};

START_TEST(refuses)
{
	const struct wrong *row = &wrongs[_i];
	const char *why = NULL;
	struct frame f = { 0 };
	uint8_t bytes[32];
	size_t n = unit_hex(bytes, row->bytes);

	for (size_t size = 0; size <= n; size++) {
		why = NULL;
		ck_assert_int_eq(frame_head(&f, bytes, size, &why),
		    size < row->at ? 0 : -1);
		ck_assert(size < row->at || why != NULL);
	}
}
END_TEST

/* What the first two bytes alone decide, as RFC 6455 5.2 and 5.5 say it. */
static int
decided(unsigned first, unsigned second)
{
	unsigned opcode = first & 0xf, len7 = second & 0x7f;

	if (opcode > 10 || (opcode > 2 && opcode < 8))
		return -1;
	if (opcode >= 8 && ((first & 0x80) == 0 || len7 > 125))
		return -1;
	return len7 > 125 || (second & 0x80) != 0 ? 0 : 2;
}

START_TEST(knows_every_beginning)
{
	for (unsigned v = 0; v < 65536; v++) {
		const uint8_t p[2] = { (uint8_t)(v >> 8), (uint8_t)v };
		struct frame f = { 0 };
		const char *why;

		if (frame_head(&f, p, 2, &why) != decided(p[0], p[1]))
			ck_abort_msg("%02x %02x", p[0], p[1]);
	}
}
END_TEST

static const uint64_t lengths[] = { 0, 1, 125, 126, 127, 65535, 65536,
	INT32_MAX, (1ULL << 31) + 1, UINT32_MAX, (1ULL << 32) + 1, INT64_MAX };

/* Returns whether f comes back from its bytes as it went. */
static bool
comes_back(struct frame f)
{
	uint8_t bytes[FRAME_HEAD_MAX];
	size_t n = frame_write(&f, bytes);
	const char *why;
	struct frame g = { 0 };

	if (frame_head(&g, bytes, n, &why) != (int)n)
		return false;
	return f.fin == g.fin && f.rsv == g.rsv && f.opcode == g.opcode &&
	    f.masked == g.masked && f.length == g.length &&
	    memcmp(f.key, g.key, sizeof(f.key)) == 0;
}

START_TEST(writes_what_it_reads)
{
	for (unsigned v = 0; v < 32; v++)
		for (uint8_t opcode = 0; opcode <= FRAME_BINARY; opcode++)
			for (size_t i = 0; i < COUNT(lengths); i++) {
				struct frame f = {
					.fin = (v & 8) != 0,
					.rsv = v & 7,
					.opcode = opcode,
					.masked = (v & 16) != 0,
					.length = lengths[i],
				};

				if (f.masked)
					unit_hex(f.key, KEY);
				ck_assert(comes_back(f));
			}
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("frame");

	UNIT_ROWS_EACH(s, reads, examples, 2);
	UNIT_ROWS_EACH(s, writes, examples, 2);
	UNIT_ROWS(s, refuses, wrongs);
	unit_test(s, "all first two bytes", knows_every_beginning);
	unit_test(s, "round trips", writes_what_it_reads);
	return unit_run(s);
}
