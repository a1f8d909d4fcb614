/*
 * bytes.c - how fast bytes are copied, unmasked and checked to be UTF-8, and
 * the bar that each is to meet: so many GB/s, or 0.7 of memcpy where that is
 * less.
 *
 * Each turn is over a text of its own, in pieces of one size, as the processor
 * would learn a text that comes again: mixed text goes at twice the
 * speed then.  It lies in the cache, where recv(2) would have left it.  GB/s
 * are 10^9 bytes per second of CPU time.  Columns have a tab between them.
 */

#include <err.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "mask.h"
#include "message.h"
#include "utf8.h"
#include "utf8_wide.h"

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))

enum { TURNS = 31, LEAST = 1 << 19, MOST = 1 << 20 };

static const size_t sizes[] = { 64, 1024, 4096, 65536, MOST };

struct text {
	unsigned int of[4]; /* per mille of its words have 1, 2, 3, 4 bytes
			       a letter */
	uint32_t letters;   /* the most in a word; of 1, there are no spaces */
	size_t damaged;	    /* bytes at the end of each piece */
};

static const struct text ascii = { { 1000 }, 8, 0 };
static const struct text words = { { 990, 6, 3, 1 }, 8, 0 };
static const struct text letters = { { 978, 16, 4, 2 }, 1, 0 };
static const struct text damaged = { { 990, 6, 3, 1 }, 8, 1 };
static const struct text two = { { 0, 1000 }, 8, 0 };
static const struct text three = { { 0, 0, 1000 }, 8, 0 };
static const struct text four = { { 0, 0, 0, 1000 }, 8, 0 };
static const struct text mixed = { { 250, 250, 250, 250 }, 8, 0 };

static struct {
	size_t size, n; /* bytes of a piece, and pieces */
	size_t head;	/* bytes of a frame's head before each */
	uint8_t bytes[2 * MOST], copy[MOST];
} pieces;

static const uint8_t key[4] = { 0x37, 0xfa, 0x21, 0x3d };

/* Each goes through the pieces, and returns how many bytes were good. */

static size_t
copy(void)
{
	static void *(*volatile by)(void *, const void *, size_t) = memcpy;
	const uint8_t *p = pieces.bytes + pieces.head;

	for (size_t i = 0; i < pieces.n; i++) {
		by(pieces.copy, p, pieces.size);
		p += pieces.size + pieces.head;
	}
	return pieces.n * pieces.size;
}

static size_t
unmask(void)
{
	uint8_t *p = pieces.bytes + pieces.head;

	for (size_t i = 0; i < pieces.n; i++) {
		mask_apply(p, pieces.size, key, 0);
		p += pieces.size + pieces.head;
	}
	return pieces.n * pieces.size;
}

static size_t
check(void)
{
	const uint8_t *p = pieces.bytes + pieces.head;
	size_t good = 0;

	for (size_t i = 0; i < pieces.n; i++) {
		struct utf8 u = { 0 };

		good += utf8_feed(&u, p, pieces.size);
		p += pieces.size + pieces.head;
	}
	return good;
}

/* The same in parts that are too short for vectors. */
static size_t
check_narrow(void)
{
	const uint8_t *p = pieces.bytes + pieces.head;
	size_t good = 0, n;

	for (size_t i = 0; i < pieces.n; i++) {
		struct utf8 u = { 0 };

		for (size_t at = 0; at < pieces.size; at += n) {
			n = pieces.size - at;
			n = n < UTF8_WIDE ? n : UTF8_WIDE - 1;
			good += utf8_feed(&u, p + at, n);
		}
		p += pieces.size + pieces.head;
	}
	return good;
}

static size_t
take(void)
{
	struct message m = { .masked = true,
		.max = MOST,
		.max_frame = MOST,
		.max_frames = 1 };
	struct message_part part;
	uint8_t *p = pieces.bytes;
	size_t good = 0;
	ssize_t n;

	for (size_t i = 0; i < pieces.n; i++) {
		n = message_take(&m, p, pieces.size + pieces.head, &part);
		if (n == -1)
			errx(1, "%s", m.why);
		good += part.len;
		p += n;
	}
	return good;
}

static const struct row {
	const char *name;
	size_t (*turn)(void);
	const struct text *text;
	double bar; /* GB/s; 0 for none */
} rows[] = {
	{ "memcpy", copy, &ascii, 0 },
	{ "unmask", unmask, &ascii, 15 },
	{ "UTF-8: ASCII", check, &ascii, 10 },
	{ "UTF-8: one word in 100 is not", check, &words, 10 },
	{ "UTF-8: one byte in 20 is not", check, &letters, 10 },
	{ "UTF-8: wrong at its end", check, &damaged, 0 },
	{ "UTF-8: 2 bytes a letter", check, &two, 1 },
	{ "UTF-8: 3 bytes a letter", check, &three, 1 },
	{ "UTF-8: 4 bytes a letter", check, &four, 1 },
	{ "UTF-8: 1 to 4 bytes a letter", check, &mixed, 1 },
	{ "UTF-8: the same, no vectors", check_narrow, &mixed, 1 },
	{ "message: ASCII", take, &ascii, 0 },
	{ "message: one word in 100 is not", take, &words, 0 },
	{ "message: one byte in 20 is not", take, &letters, 0 },
	{ "message: 1 to 4 bytes a letter", take, &mixed, 0 },
};

static double rates[COUNT(rows)][COUNT(sizes)][TURNS];

static uint32_t
random_below(uint32_t n)
{
	static uint64_t state = 1;

	state = state * 6364136223846793005U + 1442695040888963407U;
	return (uint32_t)((state >> 32) * n >> 32);
}

/* RFC 3629 3. */
static void
letter_put(uint8_t *p, size_t bytes)
{
	static const struct {
		uint32_t first, n;
		uint8_t lead;
	} scripts[] = {
		{ 'a', 26, 0 },
		{ 0xc0, 0x3a0, 0xc0 },	  /* accented, Greek, Cyrillic */
		{ 0x900, 0xcea0, 0xe0 },  /* Devanagari to Hangul */
		{ 0x1f300, 0x350, 0xf0 }, /* emoji */
	};
	uint32_t c =
	    scripts[bytes - 1].first + random_below(scripts[bytes - 1].n);

	for (size_t i = bytes - 1; i > 0; i--, c >>= 6)
		p[i] = (uint8_t)(0x80 | (c & 0x3f));
	p[0] = (uint8_t)(scripts[bytes - 1].lead | c);
}

/* A word, with the space behind it.  Returns how many bytes it took. */
static size_t
word_put(const struct text *text, uint8_t *p, size_t room)
{
	uint32_t of = random_below(1000), n = 1 + random_below(text->letters);
	size_t bytes = 1, i = 0;

	for (; of >= text->of[bytes - 1]; bytes++)
		of -= text->of[bytes - 1];
	for (; n > 0 && room - i >= bytes; n--, i += bytes)
		letter_put(p + i, bytes);
	if (i < room && (text->letters > 1 || i == 0))
		p[i++] = ' ';
	return i;
}

static void
pieces_lay(const struct row *row, size_t size)
{
	struct frame f = { .fin = true,
		.opcode = FRAME_TEXT,
		.masked = true,
		.length = size };
	uint8_t *p = pieces.bytes;

	memset(pieces.copy, 0, size); /* into the cache */
	memcpy(f.key, key, sizeof(key));
	pieces.size = size;
	pieces.n = size < LEAST ? LEAST / size : 1;
	for (size_t i = 0; i < pieces.n; i++) {
		p += pieces.head = frame_write(&f, p);
		for (size_t n = 0; n < size;)
			n += word_put(row->text, p + n, size - n);
		memset(p + size - row->text->damaged, 0xff, row->text->damaged);
		if (row->turn == take)
			mask_apply(p, size, key, 0);
		p += size;
	}
}

static double
seconds(void)
{
	struct timespec t;

	if (clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t) == -1)
		err(1, "clock_gettime");
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

/* What looking at the clock adds to a time. */
static double
clock_cost(void)
{
	double least = 1, begun, took;

	for (int i = 0; i < 1000; i++) {
		begun = seconds();
		took = seconds() - begun;
		if (took < least)
			least = took;
	}
	return least;
}

static double
rate(const struct row *row, size_t size)
{
	static double cost;
	double begun, took;
	size_t good;

	if (cost == 0)
		cost = clock_cost();
	pieces_lay(row, size);
	begun = seconds();
	good = row->turn();
	took = seconds() - begun - cost;
	if (good != pieces.n * (size - row->text->damaged))
		errx(1, "%s, %zu bytes: wrong", row->name, size);
	return (double)good / took / 1e9;
}

static int
compare(const void *a, const void *b)
{
	const double *x = a, *y = b;

	return (*x > *y) - (*x < *y);
}

static void
print(size_t r, size_t s)
{
	double median = rates[r][s][TURNS / 2], best = rates[r][s][TURNS - 1];
	double bar = rates[0][s][TURNS / 2] * 0.7;

	printf("%-32s\t%7zu\t%6.2f\t%6.2f", rows[r].name, sizes[s], median,
	    best);
	if (bar > rows[r].bar)
		bar = rows[r].bar;
	if (bar > 0)
		printf("\t%5.1f\t%s\n", bar, median >= bar ? "yes" : "no");
	else
		printf("\t    -\t-\n");
}

int
main(void)
{
	for (int turn = 0; turn < TURNS; turn++)
		for (size_t r = 0; r < COUNT(rows); r++)
			for (size_t s = 0; s < COUNT(sizes); s++)
				rates[r][s][turn] = rate(&rows[r], sizes[s]);
	for (size_t r = 0; r < COUNT(rows); r++)
		for (size_t s = 0; s < COUNT(sizes); s++)
			qsort(rates[r][s], TURNS, sizeof(double), compare);

	printf("%-32s\t%7s\t%6s\t%6s\t%5s\t%s\n", "GB/s", "bytes", "median",
	    "best", "bar", "met");
	for (size_t r = 0; r < COUNT(rows); r++)
		for (size_t s = 0; s < COUNT(sizes); s++)
			print(r, s);
	return 0;
}
