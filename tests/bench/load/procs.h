/*
 * procs.h - what a server has used: a process, all that descend from it, and
 * those of them that have ended and been waited for.  See proc(5).
 */

#ifndef PROCS_H
#define PROCS_H

#include <stdint.h>
#include <sys/types.h>

/*
 * User and system time in ns.  Of processes that live it is exact, of those
 * that have ended it is exact to a clock tick (10 ms) for each that waited.
 */
int64_t procs_cpu(pid_t root);

#endif
