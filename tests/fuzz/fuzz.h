/*
 * fuzz.h - what the fuzz targets share: how an input says in which pieces its
 * bytes are delivered, and UTF-8 judged in another way than utf8.h does it.
 *
 *	| flags | n | n sizes of pieces | the bytes delivered ... |
 *
 * The sizes are used in turn, again and again; 0 stands for all the rest.
 */

#ifndef FUZZ_H
#define FUZZ_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

enum { PIECES_MAX = 8 };

struct input {
	uint8_t flags;
	size_t pieces;
	const uint8_t *piece;
	const uint8_t *p; /* the bytes delivered */
	size_t n;
};

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Stop, so that the fuzzer keeps the input. */
static inline void
must(bool holds)
{
	if (!holds)
		abort();
}

static inline bool
input_read(struct input *in, const uint8_t *data, size_t size)
{
	if (size < 2 || data[1] > PIECES_MAX || size < 2U + data[1])
		return false;
	in->flags = data[0];
	in->pieces = data[1];
	in->piece = data + 2;
	in->p = data + 2 + in->pieces;
	in->n = size - 2 - in->pieces;
	return true;
}

/* How much has been delivered after the next piece, the i-th. */
static inline size_t
input_next(const struct input *in, size_t delivered, size_t i)
{
	size_t size = in->pieces == 0 ? 0 : in->piece[i % in->pieces];

	if (size == 0 || size > in->n - delivered)
		return in->n;
	return delivered + size;
}

/* A copy that stands alone, so that a look beyond it is seen. */
static inline uint8_t *
copy_of(const uint8_t *p, size_t n)
{
	uint8_t *copy = malloc(n == 0 ? 1 : n);

	must(copy != NULL);
	if (n > 0)
		memcpy(copy, p, n);
	return copy;
}

/* RFC 3629 3: how many bytes a character has by its first; 0 for none. */
static inline size_t
character_size(uint8_t first)
{
	return first < 0x80 ? 1 :
	    first < 0xc0    ? 0 :
	    first < 0xe0    ? 2 :
	    first < 0xf0    ? 3 :
	    first < 0xf8    ? 4 :
			      0;
}

static inline bool
character_is(const uint8_t *p, size_t size)
{
	static const uint32_t least[] = { 0, 0, 0x80, 0x800, 0x10000 };
	uint32_t c = size == 1 ? p[0] : p[0] & (0x7fU >> size);

	for (size_t i = 1; i < size; i++) {
		if ((p[i] & 0xc0) != 0x80)
			return false;
		c = c << 6 | (p[i] & 0x3f);
	}
	return c >= least[size] && c <= 0x10ffff && (c < 0xd800 || c > 0xdfff);
}

/*
 * Do n bytes begin a character of that size?  What may follow is one range,
 * so they do if they do when filled up with the least or the greatest bytes.
 */
static inline bool
character_begins(const uint8_t *p, size_t n, size_t size)
{
	uint8_t low[4], high[4];

	memset(low, 0x80, sizeof(low));
	memset(high, 0xbf, sizeof(high));
	memcpy(low, p, n);
	memcpy(high, p, n);
	return character_is(low, size) || character_is(high, size);
}

/* How many bytes are good, as utf8_feed has it, and is the text whole then? */
static inline size_t
text_good(const uint8_t *p, size_t n, bool *whole)
{
	size_t i = 0, k, size;

	*whole = true;
	while (i < n) {
		if ((size = character_size(p[i])) == 0)
			return i;
		for (k = 1; k <= size && i + k <= n; k++)
			if (!character_begins(p + i, k, size))
				return i + k - 1;
		*whole = i + size <= n;
		i += size;
	}
	return n;
}

#endif
