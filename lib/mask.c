/*
 * mask.c - masking by words of eight bytes, four words a turn.  That is faster
 * than the memory of large payloads, so nothing is chosen by CPU here.
 */

#include <string.h>

#include "mask.h"

static uint64_t
mask_word(const uint8_t key[4], uint64_t at)
{
	uint8_t turned[8];
	uint64_t word;

	for (size_t i = 0; i < sizeof(turned); i++)
		turned[i] = key[(at + i) & 3];
	memcpy(&word, turned, sizeof(word));
	return word;
}

void
mask_apply(uint8_t *p, size_t len, const uint8_t key[4], uint64_t at)
{
	uint64_t word = mask_word(key, at);
	uint64_t w[4];

	for (; len >= sizeof(w); p += sizeof(w), len -= sizeof(w)) {
		memcpy(w, p, sizeof(w));
		w[0] ^= word;
		w[1] ^= word;
		w[2] ^= word;
		w[3] ^= word;
		memcpy(p, w, sizeof(w));
	}
	for (; len >= sizeof(*w); p += sizeof(*w), len -= sizeof(*w)) {
		memcpy(w, p, sizeof(*w));
		w[0] ^= word;
		memcpy(p, w, sizeof(*w));
	}
	for (size_t i = 0; i < len; i++)
		p[i] ^= key[(at + i) & 3];
}
