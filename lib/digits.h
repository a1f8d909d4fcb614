/*
 * digits.h - numbers as text, without stdio: a child that is forked for one
 * connection would spend more on the pages of printf(3) than on all it prints.
 */

#ifndef DIGITS_H
#define DIGITS_H

#include <stdint.h>

enum { DIGITS_MAX = 21 }; /* of a uint64_t, and a NUL */

/* Returns where in out it begins; it ends with a NUL. */
const char *digits_of(char out[DIGITS_MAX], uint64_t n);

/* With zeroes in front, and no NUL: the last width digits of n. */
void digits_fill(char *out, int width, uint64_t n);

/* "2026-11-21", without a NUL, from the days since 1970-01-01. */
void digits_date(char text[10], int64_t days);

#endif
