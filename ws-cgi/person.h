/*
 * person.h - who typed the command line, or wrote it down for an inetd.
 */

#ifndef PERSON_H
#define PERSON_H

#include <stdbool.h>

/*
 * What is wrong with it, on standard error; or in the log, where a client has
 * been there, or nobody.
 */
void person_told(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* Is what we print for a person?  A client takes it for an answer. */
bool person_reads(void);

#endif
