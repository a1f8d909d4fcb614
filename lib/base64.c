/*
 * base64.c - bytes as text, as the handshake wants it.
 */

#include <string.h>

#include "base64.h"

static const char base64_digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
				    "abcdefghijklmnopqrstuvwxyz0123456789+/";

void
base64_encode(char *out, const uint8_t *p, size_t n)
{
	for (; n > 0; p += 3, out += 4) {
		uint32_t w = (uint32_t)p[0] << 16;

		if (n > 1)
			w |= (uint32_t)p[1] << 8;
		if (n > 2)
			w |= p[2];
		out[0] = base64_digits[w >> 18];
		out[1] = base64_digits[w >> 12 & 63];
		out[2] = base64_digits[w >> 6 & 63];
		out[3] = base64_digits[w & 63];
		if (n < 3)
			out[3] = '=';
		if (n < 2)
			out[2] = '=';
		n -= n < 3 ? n : 3;
	}
	*out = '\0';
}

bool
base64_is(const char *text, size_t n)
{
	size_t digits = (n * 8 + 5) / 6;
	size_t size = (n + 2) / 3 * 4;

	if (strlen(text) != size || strspn(text, base64_digits) != digits)
		return false;
	return strspn(text + digits, "=") == size - digits;
}
