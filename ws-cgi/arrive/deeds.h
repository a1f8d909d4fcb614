/*
 * deeds.h - how a connection's process has ended, and what its source gets for
 * that: penalties.h.
 */

#ifndef DEEDS_H
#define DEEDS_H

#include "listener.h"

/* Penalise it if that is due, and say so in the log if it is kept away now. */
void deeds_judge(struct listener *, const struct child_end *);

#endif
