/*
 * unit.h - what all unit tests share: rows run by Check under their names.
 *
 * A table of cases is an array of structs whose first member is the name.
 * Each row becomes a Check case of its own, so that a failure reads
 * "test_http.c:97:F:two Hosts:refuses:4: ...".  After each test as many
 * descriptors must be open as before it.
 */

#ifndef UNIT_H
#define UNIT_H

#include <check.h>
#include <stddef.h>
#include <stdint.h>

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))

/* Run the test for each row: _i is its index. */
#define UNIT_ROWS(suite, test, rows) UNIT_ROWS_EACH(suite, test, rows, 1)

/* The same with each row in so many ways: _i is row * ways + way. */
#define UNIT_ROWS_EACH(suite, test, rows, ways)                                \
	unit_rows(suite, test, (rows), COUNT(rows), sizeof((rows)[0]), ways)

void unit_rows(Suite *, const TTest *, const void *rows, size_t n, size_t size,
    int ways);

/* A test that is a case by itself; and one that runs n times, by _i. */
void unit_test(Suite *, const char *name, const TTest *);
void unit_loop(Suite *, const char *name, const TTest *, int n);

/* Run and report.  Returns the exit status: 0 when all has passed. */
int unit_run(Suite *);

/* The next of a sequence of numbers that looks random; it starts at *state. */
uint32_t unit_random(uint32_t *state);

/* Bytes from hex digits, spaces ignored.  Returns how many. */
size_t unit_hex(uint8_t *out, const char *hex);

/* Strings from a text with | between them, of none none, and NULL.  One free. */
char **unit_split(const char *text);

#endif
