/*
 * worker.h - one connection, from its arrival to its log line.
 */

#ifndef WORKER_H
#define WORKER_H

#include "options.h"

/* Serve it.  Returns the exit status. */
int worker_run(const struct options *, const struct arrival *);

#endif
