/*
 * ascii.c - letters and digits, in no locale.
 */

#include "ascii.h"

static int
lower(char c)
{
	return c >= 'A' && c <= 'Z' ? c - 'A' + 'a' : c;
}

bool
ascii_same(const char *a, const char *b)
{
	for (; lower(*a) == lower(*b); a++, b++)
		if (*a == '\0')
			return true;
	return false;
}

bool
ascii_same_n(const char *a, const char *b, size_t n)
{
	for (; n > 0; a++, b++, n--)
		if (*a == '\0' || lower(*a) != lower(*b))
			return false;
	return true;
}

int
ascii_number(const char *p, int max)
{
	long n = 0;

	for (; *p >= '0' && *p <= '9' && n <= max; p++)
		n = n * 10 + *p - '0';
	return *p == '\0' && n <= max ? (int)n : -1;
}
