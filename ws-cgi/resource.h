/*
 * resource.h - a number as getrlimit(2) and setrlimit(2) want it: glibc has an
 * enum of its own for it, where others have an int.
 */

#ifndef RESOURCE_H
#define RESOURCE_H

#include <sys/resource.h>

#ifdef __GLIBC__
#define RESOURCE(n) ((__rlimit_resource_t)(n))
#else
#define RESOURCE(n) (n)
#endif

#endif
