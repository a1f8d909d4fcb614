/*
 * ascii.h - text whose letters' case is no difference, as RFC 9110 and 3986
 * have it.  The likes of strcasecmp(3) ask the locale what a letter is.
 */

#ifndef ASCII_H
#define ASCII_H

#include <stdbool.h>
#include <stddef.h>

bool ascii_same(const char *a, const char *b);

/* The same of n bytes; what ends before is another text. */
bool ascii_same_n(const char *a, const char *b, size_t n);

/* A number of digits alone, or -1 if it is none, or over max; "" is 0. */
int ascii_number(const char *, int max);

#endif
