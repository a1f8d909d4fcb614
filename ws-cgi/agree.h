/*
 * agree.h - what of the command line goes together.
 *
 * Results	True; else *status is what to exit with, and all has been said.
 */

#ifndef AGREE_H
#define AGREE_H

#include "options.h"

/* Once the options are read; and then what is served. */
bool agree_options(struct options *, int *status);
bool agree_bridge(struct options *, int *status);

/* Are all who come only sent away, so that nothing is served? */
bool agree_redirects(const struct options *);

#endif
