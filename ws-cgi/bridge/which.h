/*
 * which.h - where a program is.
 */

#ifndef WHICH_H
#define WHICH_H

/* The PATH where there is none. */
#define WHICH_PATH "/usr/local/bin:/usr/bin:/bin"

/*
 * Find a program as a shell would: with a slash as it is, else along PATH.
 * Returns its path, in memory of the caller's, or NULL with errno.
 */
char *which_program(const char *name);

#endif
