/*
 * digits.c - decimal digits.
 */

#include "digits.h"

const char *
digits_of(char out[DIGITS_MAX], uint64_t n)
{
	int at = DIGITS_MAX - 1;

	out[at] = '\0';
	do
		out[--at] = (char)('0' + n % 10);
	while ((n /= 10) > 0);
	return &out[at];
}

void
digits_fill(char *out, int width, uint64_t n)
{
	while (width-- > 0) {
		out[width] = (char)('0' + n % 10);
		n /= 10;
	}
}
