/*
 * title.h - what ps(1) shows of a process.
 *
 *	ws-cgi: 192.0.2.7 /chat open 12 in 40 out
 *
 * Written at changes of state, and at most once a second otherwise; it is
 * memory that ps reads, and costs no system call.  It is made of words and
 * numbers, one after another, and then shown.
 */

#ifndef TITLE_H
#define TITLE_H

#include <stdbool.h>
#include <stdint.h>

/* The words of argv are moved out of the way, and argv says where to. */
void title_begin(int argc, char *argv[]);

void title_words(const char *);
void title_number(uint64_t);
void title_show(void);

/* Is a second over since the last was shown?  And when is it? */
bool title_due(void);
int64_t title_when(void);

#endif
