/*
 * utf8_all.c - every string of four bytes: does utf8.h take of it what the
 * grammar of RFC 3629, section 4, does?
 *
 *	./utf8_all 0 128	those that begin with 0x00 to 0x7f
 *
 * Prints how many strings were compared, and how many of them are text.
 */

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "utf8.h"

/* What the grammar wants next; TAIL is 80 to BF. */
enum state { START, TAIL1, TAIL2, TAIL3, E0, ED, F0, F4, WRONG, STATES };

static const struct rule {
	enum state from;
	int first, last; /* byte */
	enum state to;
} rules[] = {
	{ START, 0x00, 0x7f, START },
	{ START, 0xc2, 0xdf, TAIL1 },
	{ START, 0xe0, 0xe0, E0 },
	{ START, 0xe1, 0xec, TAIL2 },
	{ START, 0xed, 0xed, ED },
	{ START, 0xee, 0xef, TAIL2 },
	{ START, 0xf0, 0xf0, F0 },
	{ START, 0xf1, 0xf3, TAIL3 },
	{ START, 0xf4, 0xf4, F4 },
	{ TAIL1, 0x80, 0xbf, START },
	{ TAIL2, 0x80, 0xbf, TAIL1 },
	{ TAIL3, 0x80, 0xbf, TAIL2 },
	{ E0, 0xa0, 0xbf, TAIL1 },
	{ ED, 0x80, 0x9f, TAIL1 },
	{ F0, 0x90, 0xbf, TAIL2 },
	{ F4, 0x80, 0x8f, TAIL2 },
};

static unsigned char next[STATES][256];

static void
make_table(void)
{
	for (int s = 0; s < STATES; s++)
		for (int byte = 0; byte < 256; byte++)
			next[s][byte] = WRONG;
	for (size_t i = 0; i < sizeof(rules) / sizeof(rules[0]); i++)
		for (int b = rules[i].first; b <= rules[i].last; b++)
			next[rules[i].from][b] = (unsigned char)rules[i].to;
}

static void
differs(const uint8_t *p)
{
	printf("differs: %02x %02x %02x %02x\n", p[0], p[1], p[2], p[3]);
	exit(1);
}

/* The strings that begin with these three bytes.  Returns how many are text. */
static uint64_t
compare(uint8_t p[4])
{
	unsigned char s = START;
	uint64_t texts = 0;
	size_t good = 0;

	for (size_t i = 0; i < 3; i++) {
		s = next[s][p[i]];
		good += s != WRONG;
	}
	for (int last = 0; last < 256; last++) {
		const unsigned char end = next[s][last];
		const size_t want = good + (end != WRONG);
		struct utf8 u = { 0 };

		p[3] = (uint8_t)last;
		if (utf8_feed(&u, p, 4) != want ||
		    (want == 4 && utf8_whole(&u) != (end == START)))
			differs(p);
		texts += end == START;
	}
	return texts;
}

int
main(int argc, char *argv[])
{
	const uint32_t begin = argc == 3 ? (uint32_t)atoi(argv[1]) << 16 : 0;
	const uint32_t end = argc == 3 ? (uint32_t)atoi(argv[2]) << 16 : 0;
	uint64_t texts = 0;
	uint8_t p[4];

	make_table();
	for (uint32_t v = begin; v < end; v++) {
		p[0] = (uint8_t)(v >> 16);
		p[1] = (uint8_t)(v >> 8);
		p[2] = (uint8_t)v;
		texts += compare(p);
	}
	printf("%" PRIu64 " %" PRIu64 "\n", (uint64_t)(end - begin) << 8,
	    texts);
	return 0;
}
