/*
 * range.h - the part of a file that is asked for: RFC 9110 14.
 */

#ifndef RANGE_H
#define RANGE_H

#include <stdint.h>

struct range {
	int64_t first; /* byte, from 0 on */
	int64_t size;  /* bytes */
};

/*
 * Read the value of a Range field for a file of this size.  Returns 206 with
 * the part in *r, 416 when the file has no such part, or 200 with the whole in
 * *r: for other units, for what is no range, and for several at once, since a
 * server may ignore the field (14.2).
 */
int range_read(struct range *r, const char *value, int64_t size);

#endif
