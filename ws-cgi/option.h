/*
 * option.h - the options of a program as one table, from which parsing and
 * --help come.
 *
 *	{ 'l', "listen", "ADDRESS", "listen there ...", value_address,
 *	    offsetof(struct options, listen) },
 *
 * A row without a function informs, and nothing else is done: "help", or else
 * the version.
 */

#ifndef OPTION_H
#define OPTION_H

#include <stdbool.h>
#include <stddef.h>

struct option_row {
	char letter; /* or 0 */
	const char *name;
	const char *arg; /* what --help calls it; NULL: there is none */
	const char *help;
	int (*set)(void *target, const char *arg, const char **why);
	size_t target; /* in what the rows are for */
};

enum { OPTION_ROWS = 128 }; /* at most */

struct option_table {
	const struct option_row *rows;
	size_t count;
	void (*help)(void);
	void (*version)(void);
	/* An option was given, with its argument or NULL; or nobody asks.
	 * Returns 0, or -1: no memory. */
	int (*seen)(const char *name, const char *arg);
};

/*
 * Set what the rows say in what they are for, up to the first operand, at
 * optind.  Returns true; else *status is what to exit with, and all has been
 * said.
 */
bool option_read(const struct option_table *, void *what, int argc,
    char *argv[], int *status);

/* The rows, for --help. */
void option_print(const struct option_table *);

/* What is wrong has been said.  Returns false, with the status for it. */
bool option_wrong(int *status);

/*
 * What a client would take for an answer is not printed.  Returns true where a
 * person reads what this option prints; else as option_read.
 */
bool option_is_read(const char *name, int *status);

#endif
