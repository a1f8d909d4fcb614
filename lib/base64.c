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

static int
base64_value(uint8_t digit)
{
	if (digit >= 'A' && digit <= 'Z')
		return digit - 'A';
	if (digit >= 'a' && digit <= 'z')
		return digit - 'a' + 26;
	if (digit >= '0' && digit <= '9')
		return digit - '0' + 52;
	return digit == '+' ? 62 : digit == '/' ? 63 : -1;
}

bool
base64_is(const char *text, size_t n)
{
	const size_t digits = (n * 8 + 5) / 6;
	const size_t size = (n + 2) / 3 * 4;
	size_t i = 0;

	while (i < digits && base64_value((uint8_t)text[i]) != -1)
		i++;
	while (i >= digits && i < size && text[i] == '=')
		i++;
	return i == size && text[i] == '\0';
}

/*
 * One group of four.  Returns the bytes that came of it: 3, or 2 or 1 where it
 * is padded, or -1.
 */
static int
base64_group(uint8_t *out, const uint8_t text[4])
{
	const int n = text[3] != '=' ? 3 : text[2] != '=' ? 2 : 1;
	uint32_t w = 0;
	int value;

	for (int i = 0; i <= n; i++) {
		if ((value = base64_value(text[i])) == -1)
			return -1;
		w |= (uint32_t)value << (18 - 6 * i);
	}
	if ((w & 0xffffffU >> 8 * n) != 0)
		return -1;
	for (int i = 0; i < n; i++)
		out[i] = (uint8_t)(w >> (16 - 8 * i));
	return n;
}

ssize_t
base64_decode(uint8_t *out, const uint8_t *text, size_t len)
{
	ssize_t size = 0;
	int n = 3;

	if (len % 4 != 0)
		return -1;
	for (; len > 0; text += 4, len -= 4) {
		if (n < 3 || (n = base64_group(out + size, text)) == -1)
			return -1;
		size += n;
	}
	return size;
}
