/*
 * base64.h - bytes as text: RFC 4648 4.
 */

#ifndef BASE64_H
#define BASE64_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* The size of n bytes as base64, its final NUL included. */
#define BASE64_SIZE(n) (((n) + 2) / 3 * 4 + 1)

/* Write n bytes as base64, NUL included, to out of BASE64_SIZE(n). */
void base64_encode(char *out, const uint8_t *p, size_t n);

/*
 * Is text the base64 of n bytes?  The bits that are left over in the last
 * digit may have any value, as in the example key of RFC 6455 4.1.
 */
bool base64_is(const char *text, size_t n);

#endif
