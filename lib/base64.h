/*
 * base64.h - bytes as text: RFC 4648 4.
 */

#ifndef BASE64_H
#define BASE64_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

/* The size of n bytes as base64, its final NUL included. */
#define BASE64_SIZE(n) (((n) + 2) / 3 * 4 + 1)

/* Write n bytes as base64, NUL included, to out of BASE64_SIZE(n). */
void base64_encode(char *out, const uint8_t *p, size_t n);

/*
 * Is text the base64 of n bytes?  The bits that are left over in the last
 * digit may have any value, as in the example key of RFC 6455 4.1.
 */
bool base64_is(const char *text, size_t n);

/*
 * Write the bytes that len digits of text stand for to out, which may be text
 * itself.  Returns how many they are, or -1 when it is no base64 with all its
 * padding, or has bits left over: RFC 4648 3.5.
 */
ssize_t base64_decode(uint8_t *out, const uint8_t *text, size_t len);

#endif
