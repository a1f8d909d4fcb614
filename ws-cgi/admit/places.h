/*
 * places.h - is there a place for one more?
 *
 *	                 under a listener               elsewhere
 *	in all           the listener                   slots
 *	from a source    the listener, or its table     slots
 *	of a user        slots if given, or its table   slots
 *	to a path        slots if given, or its table   slots
 *
 * What the listener has counted is not counted again.  A place is held until
 * the process ends.
 *
 * Results	0, or the exit status that says whose fault it is that there is
 *		none, and in why, of PLACES_TEXT bytes, what is lacking.
 */

#ifndef PLACES_H
#define PLACES_H

#include <ws.h>

#include "arrive/arrive.h"

enum { PLACES_TEXT = 256 };

/*
 * One in all; and one from there, once it is known where that is.  To be called
 * whenever more may be known.
 */
int places_come(struct arrival *, const struct limits *, const struct trust *,
    char *why);

/* One of the user who it is, if that is known, and to this path. */
int places_enter(const struct arrival *, const struct limits *,
    const char *path, char *why);

/* At the end: what of this does the listener have to know? */
void places_leave(const struct arrival *, const struct ws_info *);

#endif
