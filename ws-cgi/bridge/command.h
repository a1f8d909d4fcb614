/*
 * command.h - the programs that may be started, by number.  They are found
 * before anything is served, so that one which is not there is an error of the
 * command line.
 */

#ifndef COMMAND_H
#define COMMAND_H

#include <stddef.h>

enum { COMMAND_NONE = -1 };

struct command {
	const char *path;
	char *const *argv; /* NULL at the end */
};

struct commands {
	struct command *command;
	size_t count;
};

/*
 * Find a program, see which.h, and add it.  Returns its number, or COMMAND_NONE
 * with errno.
 */
int command_add(struct commands *, char *const argv[]);

/*
 * Cut a text into words, at spaces and tabs; nothing quotes these.  Returns the
 * words, NULL at the end, in memory of the caller's, or NULL with errno.
 */
char **command_words(const char *text);

#endif
