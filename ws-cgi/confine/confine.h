/*
 * confine.h - what a worker gives up: for good, and as soon as it can.
 *
 *	confine_begin ──► the head is read, the bridge starts ──► confine_rest
 *	no new rights                                             limits, files,
 *	no dump                                                   system calls
 *
 * A program that is started in between gets no limit and no filter of these; it
 * keeps that it gains no rights by set-user-ID files, unless they are allowed.
 */

#ifndef CONFINE_H
#define CONFINE_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "sink.h"

enum { CONFINE_DESCRIPTORS = 32 }; /* at most; a worker has a dozen */

struct confine {
	bool off;	/* only test builds have an option for that */
	bool set_user;	/* programs may be set-user-ID */
	int64_t memory; /* bytes of address space; -1: no limit, 0: enough */
	int cpu;	/* ms of processor time, or -1 */
};

/* What a worker still has to do. */
struct confine_needs {
	struct sink_needs log; /* for its line */
	const char *www; /* the directory that it reads one file of, or NULL */
	pid_t group;	 /* the processes that it sends signals to, or 0 */
};

/* Returns 0, or -1 after having said what is wrong. */
int confine_begin(const struct confine *);

/*
 * What the kernel does not know is left out.  Returns 0, or -1 after having
 * said what is wrong: then this process is to serve nobody.
 */
int confine_rest(const struct confine *, const struct confine_needs *);

/* What there is of it in this kernel, in words, for --check. */
const char *confine_kernel(char *text, size_t size);

#endif
