/*
 * launch.h - who starts the programs of a connection: we, or a keeper, which
 * knows beforehand what it may start.
 *
 *	launch_prepare (before the request) -> launch, by number
 *	               -> launch_release (when all is over)
 *
 * There is one keeper in a process, for the hook and then for what is behind.
 */

#ifndef LAUNCH_H
#define LAUNCH_H

#include "bridge.h"
#include "child.h"

/*
 * Before a byte is read, with all rights that we have.  Returns 0, or -1 after
 * having said what is wrong.
 */
int launch_prepare(const struct bridge_conf *);

/* Start one of the programs with these variables.  As child_start. */
int launch(struct child *, const struct bridge_conf *, int which,
    char *const envp[], const struct plumbing_plan *, const char **what);

/* Whether anything was started or not: no keeper is left. */
void launch_release(void);

/*
 * It could not be started, and errno says why: "the program", or who else it
 * is, for the log.  Returns the HTTP status.
 */
int launch_failed(struct talk *, const char *who, const struct command *,
    const char *what);

#endif
