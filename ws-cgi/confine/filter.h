/*
 * filter.h - a seccomp(2) filter, made of a table of system calls: a program
 * for the kernel that looks a number up by halves.
 *
 *	  2 write  allow
 *	 72 fcntl  allow if argument 1 is F_GETFL
 *	 72 fcntl  allow if argument 1 is F_SETFL
 *	257 openat refuse
 *	           and what is not in the table kills the process
 *
 * Nothing here asks the system for anything.
 */

#ifndef FILTER_H
#define FILTER_H

#include <linux/filter.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Of an argument, counted from 0, the low 32 bits. */
struct filter_test {
	enum {
		FILTER_NONE,
		FILTER_IS,    /* they are the value */
		FILTER_LACKS, /* none of the value's bits is set in them */
		FILTER_AMONG  /* no bits but the value's are */
	} how;
	uint32_t argument, value;
};

enum { FILTER_TESTS = 2 };

struct filter_rule {
	uint32_t call; /* its number */
	bool refuse;   /* with EACCES, which a library can live with */
	struct filter_test when[FILTER_TESTS]; /* all must hold */
};

enum { FILTER_MAX = 128 }; /* instructions */

/*
 * Make the program for this architecture, AUDIT_ARCH_.  The list of rules is
 * sorted here; of those for the same call the first whose tests hold counts.
 * Returns where in out it begins; it ends with out, and there is none if it
 * begins there, too: then the rules are too many.
 */
size_t filter_make(struct sock_filter out[FILTER_MAX], uint32_t arch,
    const struct filter_rule **, size_t rules);

#endif
