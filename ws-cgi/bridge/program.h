/*
 * program.h - the bridge to a program on pipes: messages to its standard input
 * and from its standard output, in a format.
 */

#ifndef PROGRAM_H
#define PROGRAM_H

#include "bridge.h"

extern const struct bridge bridge_program;

/*
 * Find a program as a shell would: with a slash as it is, else along PATH.
 * Returns its path, in memory of the caller's, or NULL with errno.
 */
char *program_find(const char *name);

#endif
