/*
 * bounds.h - what --check says.
 */

#ifndef BOUNDS_H
#define BOUNDS_H

#include "options.h"

/* Say what would be served, with every bound, on standard output. */
void bounds_print(const struct options *);

#endif
