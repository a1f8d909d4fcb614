/*
 * mask.c - masking by words of eight bytes, four words a turn.  That is as fast
 * as memory, so nothing is chosen by CPU here.
 */

#include <string.h>

#include "mask.h"

static uint64_t
mask_word(uint8_t *p, uint64_t word)
{
	uint64_t w;

	memcpy(&w, p, sizeof(w));
	w ^= word;
	memcpy(p, &w, sizeof(w));
	return w;
}

/* What was seen is kept apart so that compilers may take two words at once. */
bool
mask_apply(uint8_t *p, size_t len, const uint8_t key[4], uint64_t at)
{
	uint64_t word, even = 0, odd = 0;
	uint32_t half;

	for (; (at & 3) != 0 && len > 0; at++, len--)
		odd |= *p++ ^= key[at & 3];
	memcpy(&half, key, sizeof(half));
	word = (uint64_t)half << 32 | half;
	for (; len >= 32; p += 32, len -= 32) {
		even |= mask_word(p, word);
		odd |= mask_word(p + 8, word);
		even |= mask_word(p + 16, word);
		odd |= mask_word(p + 24, word);
	}
	for (; len >= 8; p += 8, len -= 8)
		even |= mask_word(p, word);
	for (size_t i = 0; i < len; i++)
		odd |= p[i] ^= key[i & 3];
	return ((even | odd) & 0x8080808080808080U) == 0;
}
