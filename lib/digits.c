/*
 * digits.c - decimal digits, and the calendar of ISO 8601.
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

/* Years begin in March here, so that a leap day is the last of its year. */
void
digits_date(char text[10], int64_t days)
{
	const int64_t day = days + 719468; /* since 0000-03-01 */
	const int64_t era = day / 146097, of_era = day % 146097;
	const int64_t year =
	    (of_era - of_era / 1460 + of_era / 36524 - of_era / 146096) / 365;
	const int64_t of_year = of_era - (365 * year + year / 4 - year / 100);
	const int64_t month = (5 * of_year + 2) / 153;

	text[4] = text[7] = '-';
	digits_fill(text, 4, (uint64_t)(era * 400 + year + (month > 9)));
	digits_fill(text + 5, 2, (uint64_t)((month + 2) % 12 + 1));
	digits_fill(text + 8, 2,
	    (uint64_t)(of_year - (153 * month + 2) / 5 + 1));
}
