/*
 * bridge.h - where messages go: the door that all bridges use.
 *
 *	bridge_find -> start (before the 101) -> run
 *	            -> (the connection closes) -> finish
 *
 * A new bridge is one new file and one new row in table.c.
 */

#ifndef BRIDGE_H
#define BRIDGE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "command.h"
#include "keeper.h"
#include "spawn.h"
#include "talk/talk.h"

struct format;

enum newline_policy {
	NEWLINE_REFUSE,
	NEWLINE_ESCAPE,
	NEWLINE_SPLIT,
	NEWLINE_SPACE
};

enum bad_text_policy { BAD_TEXT_CLOSE, BAD_TEXT_REPLACE, BAD_TEXT_BINARY };

enum stderr_policy { STDERR_LOG, STDERR_CLIENT, STDERR_NONE };

struct bridge_conf {
	struct commands commands; /* all that may be started */
	int program;		  /* which of them is behind, or COMMAND_NONE */
	int hook; /* and which is asked before, or COMMAND_NONE */
	const struct format *format;
	enum newline_policy newline;
	enum bad_text_policy bad_text;
	enum stderr_policy errors;
	struct names allow;  /* variables to inherit: NAME or PREFIX_* */
	bool unbuffered;     /* its standard output is a terminal */
	bool text;	     /* raw: what the program writes is text */
	int64_t max_message; /* bytes; -1: no limit; 0: the bridge's own */
	int grace;	     /* ms from the end of its input to SIGHUP */
	const char *dir;     /* where the program begins, or NULL */
	struct spawn_limits limits;
	struct keep keep;
};

struct bridge {
	const char *name; /* "echo:", as it stands on the command line */
	const char *help;
	bool streams; /* messages need no bound */
	bool polls;   /* it waits for more than the connection */

	/* Get ready.  Returns 0, or the HTTP status of a refusal and *why. */
	int (*start)(struct talk *, const struct bridge_conf *, void **state,
	    const char **why);

	/* Move messages until the conversation is to end. */
	void (*run)(struct talk *, void *state);

	/* Leave nothing behind.  The connection is closed by now. */
	void (*finish)(struct talk *, void *state);
};

/*
 * The bridge that an operand names, or the program's if it names none.
 * Returns NULL when it is "word:" but no bridge.
 */
const struct bridge *bridge_find(const char *operand);

/* The bridges' names and helps, for --help; NULL at the end. */
const struct bridge *bridge_at(size_t i);

#endif
