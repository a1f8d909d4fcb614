/*
 * fork.h - a process for a connection, if one can be afforded.
 */

#ifndef FORK_H
#define FORK_H

#include "listener.h"

/*
 * Start a child for what was accepted from this socket, or turn it away.  It
 * is closed here.  Returns true in the child, with its arrival.
 */
bool fork_child(struct listener *, const struct accepted *, int socket,
    struct arrival *);

/* Show in the title how many there are: if that is not shown, and when due. */
void fork_title(struct listener *);

/* Add to the title how many there are. */
void fork_counts(struct listener *);

#endif
