/*
 * worker.h - one connection, from its arrival to its log line.
 */

#ifndef WORKER_H
#define WORKER_H

#include "options.h"

/* Serve it.  Returns the exit status. */
int worker_run(const struct options *, struct arrival *);

/* Refuse whatever is asked for there. */
void worker_refuse(struct arrival *, int status, const char *why);

#endif
