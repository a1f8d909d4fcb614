/*
 * fuzz_utf8.c - utf8_feed finds the first wrong byte that decoding finds, in
 * whatever pieces the text comes, by blocks as byte by byte, and utf8_cut never
 * cuts a character.
 */

#include "fuzz.h"
#include "utf8.h"

#ifdef PLANTED
/* The bug: ASCII is passed over by words, even inside a character. */
static size_t
planted_feed(struct utf8 *u, const uint8_t *p, size_t n)
{
	const uint64_t high = 0x8080808080808080U;
	uint64_t word;
	size_t i = 0;

	for (; n - i >= sizeof(word); i += sizeof(word)) {
		memcpy(&word, p + i, sizeof(word));
		if ((word & high) != 0)
			break;
	}
	return i + utf8_feed(u, p + i, n - i);
}
#define utf8_feed planted_feed
#endif

static void
feed(const struct input *in)
{
	struct utf8 u = { 0 };
	size_t good = 0, from = 0, to;
	uint8_t *copy;
	bool whole;
	size_t want = text_good(in->p, in->n, &whole);

	for (size_t i = 0; from < in->n && good == from; i++, from = to) {
		to = input_next(in, from, i);
		copy = copy_of(in->p + from, to - from);
		good += utf8_feed(&u, copy, to - from);
		free(copy);
	}
	must(good == want);
	must(good < in->n || utf8_whole(&u) == whole);
}

/* The input over and over, so that it lies anywhere in blocks. */
static void
feed_blocks(const struct input *in)
{
	struct utf8 by_block = { 0 }, by_byte = { 0 };
	const size_t n = in->n == 0 ? 0 : in->n + 256;
	uint8_t *p = malloc(n + 1);
	size_t good = 0;

	must(p != NULL);
	for (size_t i = 0; i < n; i++)
		p[i] = in->p[i % in->n];
	while (good < n && utf8_feed(&by_byte, p + good, 1) == 1)
		good++;
	must(utf8_feed(&by_block, p, n) == good);
	must(good < n || utf8_whole(&by_block) == utf8_whole(&by_byte));
	free(p);
}

static void
cut(const struct input *in)
{
	uint8_t *copy = copy_of(in->p, in->n);
	size_t max = in->flags, most = in->n < max ? in->n : max;
	size_t got = utf8_cut(copy, in->n, max);
	bool whole;

	must(got <= most);
	if (text_good(copy, most, &whole) == most) {
		must(most - got <= 3);
		must((got == most) == whole);
		must(text_good(copy, got, &whole) == got && whole);
	}
	free(copy);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct input in;

	if (!input_read(&in, data, size))
		return 0;
	feed(&in);
	feed_blocks(&in);
	cut(&in);
	return 0;
}
