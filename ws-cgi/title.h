/*
 * title.h - what ps(1) shows of a process.
 *
 *	ws-cgi: 192.0.2.7 /chat open 12 in 40 out
 *
 * Written at changes of state, and at most once a second otherwise; it is
 * memory that ps reads, and costs no system call.
 */

#ifndef TITLE_H
#define TITLE_H

#include <stdbool.h>

/* The words of argv are moved out of the way, and argv says where to. */
void title_begin(int argc, char *argv[]);
void title_set(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* Is a second over since the last title_set? */
bool title_due(void);

#endif
