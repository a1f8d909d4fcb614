/*
 * range.c - "bytes=0-499", "bytes=500-" and "bytes=-500".
 */

#include <stdbool.h>
#include <string.h>

#include "ascii.h"
#include "range.h"

/*
 * Take digits from *p on; what is too large becomes the largest there is.
 * Returns -1 when there are none.
 */
static int64_t
range_number(const char **p)
{
	int64_t n = 0;

	if (**p < '0' || **p > '9')
		return -1;
	for (; **p >= '0' && **p <= '9'; (*p)++)
		n = n > INT64_MAX / 10 - 1 ? INT64_MAX / 10 - 1 :
					     n * 10 + (**p - '0');
	return n;
}

/* The last bytes of a file; of an empty one there are none to name. */
static int
range_suffix(struct range *r, int64_t length, int64_t size)
{
	if (length == 0)
		return 416;
	if (size == 0)
		return 200;
	r->size = length < size ? length : size;
	r->first = size - r->size;
	return 206;
}

int
range_read(struct range *r, const char *value, int64_t size)
{
	static const char unit[] = "bytes=";
	const char *p = value + strlen(unit);
	int64_t first, last;

	*r = (struct range){ .size = size };
	if (!ascii_same_n(value, unit, strlen(unit)))
		return 200;
	first = range_number(&p);
	if (*p++ != '-')
		return 200;
	last = range_number(&p);
	if (*p != '\0' || (first == -1 && last == -1))
		return 200;
	if (first == -1)
		return range_suffix(r, last, size);
	if (last != -1 && last < first)
		return 200;
	if (first >= size)
		return 416;
	if (last == -1 || last >= size)
		last = size - 1;
	*r = (struct range){ .first = first, .size = last - first + 1 };
	return 206;
}
