/*
 * launch.c - from a number to a process.  Refuses to know what it is for.
 */

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "exits.h"
#include "launch.h"
#include "log.h"

/* If there is one. */
static struct keeper keeper;

static struct spawn
spawn_of(const struct bridge_conf *conf, int which)
{
	return (struct spawn){
		.which = which,
		.path = conf->commands.command[which].path,
		.argv = conf->commands.command[which].argv,
		.dir = conf->dir,
		.limits = conf->limits,
	};
}

/* All of them, in memory that goes with the process. */
static int
plan(struct keeper_plan *p, const struct bridge_conf *conf)
{
	const size_t n = conf->commands.count;

	*p = (struct keeper_plan){ .count = (int)n, .first = conf->hook };
	if ((p->program = calloc(n, sizeof(*p->program))) == NULL)
		return -1;
	for (size_t i = 0; i < n; i++)
		p->program[i] = spawn_of(conf, (int)i);
	return 0;
}

int
launch_prepare(const struct bridge_conf *conf)
{
	struct keeper_plan p;

	if (conf->commands.count == 0 || !keeper_wanted(&conf->keep))
		return 0;
	if (plan(&p, conf) == 0 && keeper_begin(&keeper, &conf->keep, &p) == 0)
		return 0;
	log_line("no process for a program: %s", strerror(errno));
	return -1;
}

/* Was there nothing to start, or could it not be, it is still there. */
void
launch_release(void)
{
	if (keeper.pid != 0)
		keeper_end(&keeper);
}

int
launch(struct child *c, const struct bridge_conf *conf, int which,
    char *const envp[], const struct plumbing_plan *pipes, const char **what)
{
	struct spawn s = spawn_of(conf, which);

	s.envp = envp;
	return child_start(c, keeper.pid == 0 ? NULL : &keeper, &s, pipes,
	    what);
}

int
launch_failed(struct talk *t, const char *who, const struct command *c,
    const char *what)
{
	const bool itself = strcmp(what, c->path) == 0;
	const bool system = errno == EAGAIN || errno == ENOMEM ||
	    errno == EMFILE || errno == ENFILE;

	talk_end(t, 0, system ? EXIT_SYSTEM : EXIT_PROGRAM,
	    "%s %s could not be started: %s%s%s%s", who, c->path,
	    itself ? "" : what, itself ? "" : ": ", strerror(errno),
	    errno == ENOEXEC ? " (does it begin with #! and a path?)" : "");
	return system ? 503 : 502;
}
