/*
 * program.c - a program for a connection: how it starts, when it is over, and
 * what that means for the client and the log.  Refuses to know what passes
 * between the two.
 */

#include <errno.h>
#include <string.h>
#include <sys/ioctl.h>

#include "aside.h"
#include "child.h"
#include "clock.h"
#include "environ.h"
#include "errors.h"
#include "exits.h"
#include "flow.h"
#include "format.h"
#include "launch.h"
#include "program.h"
#include "signals.h"

enum {
	LATE = 100,   /* ms: output so shortly before the end is the end's */
	LONG = 1000,  /* ms: who runs longer might have written before */
	LINGER = 1000 /* ms for output after the program has ended */
};

struct program {
	struct child child;
	struct flow flow;
	struct errors errors;
	int64_t began;
	int64_t ended; /* or 0 */
	uint64_t due;  /* bytes of output that by then were surely its own */
	int64_t last;  /* when its last words must be out, or 0 */
	struct flow_memory memory;
};

/* The one of this process.  A short talk touches its first page alone. */
static ASIDE struct program program;

static int
program_exec(struct program *p, const struct talk *t,
    const struct bridge_conf *conf, const char **what)
{
	const struct plumbing_plan plan = {
		.terminal = conf->unbuffered,
		.errors = conf->errors != STDERR_NONE,
	};
	struct environ memory;
	char **envp;
	int r, error;

	*what = "environment";
	environ_lend(&memory, p->memory.from, sizeof(p->memory.from));
	if ((envp = environ_make(&memory, t, conf)) == NULL)
		return -1;
	r = launch(&p->child, conf, conf->program, envp, &plan, what);
	error = errno;
	environ_free(&memory);
	errno = error;
	return r;
}

/* What an administrator needs to know, and what a client may. */
static int
cannot_start(struct talk *t, const struct bridge_conf *conf, const char *what,
    const char **why)
{
	*why = "the program behind this service could not be started";
	return launch_failed(t, "the program",
	    &conf->commands.command[conf->program], what);
}

static bool
hear_errors(void *arg, int fd)
{
	return errors_take(arg, fd);
}

static int
program_start(struct talk *t, const struct bridge_conf *conf, void **state,
    const char **why)
{
	struct program *p = &program;
	const char *what;

	if (program_exec(p, t, conf, &what) == -1)
		return cannot_start(t, conf, what, why);
	p->began = clock_ms();
	flow_begin(&p->flow, t, &p->child, conf, &p->memory);
	errors_begin(&p->errors, t);
	if (conf->errors == STDERR_CLIENT)
		p->errors.format = conf->format;
	p->child.hurries = t->arrival->cgi;
	p->child.heard = hear_errors;
	p->child.arg = &p->errors;
	t->group = p->child.pid;
	if (t->arrival->group != NULL)
		*t->arrival->group = t->group;
	*state = p;
	return 0;
}

static void
program_ended(struct program *p)
{
	int there = 0;

	p->ended = clock_ms();
	p->due = p->flow.taken;
	if (p->child.out != -1 && ioctl(p->child.out, FIONREAD, &there) == 0)
		p->due += (uint64_t)there;
}

/*
 * Once the program has ended and its output has been read, when to read no
 * more: a grandchild may hold the pipe and write on, which is waited for, but
 * not long.
 */
static int64_t
output_end(const struct program *p)
{
	if (p->ended == 0 || p->flow.taken < p->due)
		return CLOCK_NEVER;
	return p->ended + LINGER;
}

/* What the program has written is sent, however slow the client is. */
static bool
program_is_over(struct program *p)
{
	if (p->ended == 0 && signals_child && child_ended(&p->child))
		program_ended(p);
	if (p->ended == 0)
		return false;
	return p->child.out == -1 || clock_until(output_end(p)) == 0;
}

/* One turn, with an end.  Returns as flow_turn does. */
static int
program_turn(struct program *p, int64_t until)
{
	const int64_t end = output_end(p);

	return flow_turn(&p->flow, end < until ? end : until);
}

/*
 * The client did what it may not, and hears no answer to that; or it ended its
 * side of the stream.  But what it said before has been heard, and the
 * program's answers to it go out first: for as long as a program is left alone
 * at its end.
 */
static void
program_last_words(struct program *p)
{
	const struct pipes *pipes = &p->flow.pipes;

	flow_close(&p->flow);
	p->last = clock_in(pipes->conf->grace);
	while (!program_is_over(p) && clock_until(p->last) != 0 &&
	    signals_stop == 0) {
		if (pipes->to.len == 0)
			child_close_in(&p->child);
		if (program_turn(p, p->last) == 0)
			return;
	}
}

/*
 * Did the client break a rule, the protocol's, the format's or a limit of ours,
 * or end without a Close?
 */
static bool
is_clients_fault(const struct talk *t)
{
	if (t->ended)
		return t->blame == EXIT_PEER;
	switch (ws_info(t->ws)->failed) {
	case WS_PROTOCOL:
	case WS_INVALID:
	case WS_TOO_BIG:
	case WS_ABNORMAL:
		return true;
	case WS_POLICY:
		return !ws_info(t->ws)->expired;
	default:
		return false;
	}
}

/* The program is over and its output has been sent: now the client hears. */
static void
program_end(struct talk *t, const struct program *p)
{
	char exit[TALK_EXIT];

	child_exit(&p->child, exit, sizeof(exit));
	if (strcmp(exit, "0") == 0)
		talk_end(t, WS_NORMAL, EXIT_NOBODY, "done");
	else if (exit[0] == 'S' || exit[0] == 's')
		talk_end(t, WS_INTERNAL, EXIT_PROGRAM,
		    "the program was killed by %s", exit);
	else
		talk_end(t, WS_INTERNAL, EXIT_PROGRAM,
		    "the program exited with status %s", exit);
}

static void
program_run(struct talk *t, void *state)
{
	struct program *p = state;

	if (flow_open(&p->flow) == -1)
		return;
	while (!program_is_over(p))
		if (program_turn(p, CLOCK_NEVER) == 0) {
			if (is_clients_fault(t))
				program_last_words(p);
			return;
		}
	child_hear(&p->child);
	if (flow_last(&p->flow) == 0)
		program_end(t, p);
}

/*
 * Did all that it wrote come at its end?  Then it may have waited in a buffer
 * of the program's, which users see as silence.
 */
static bool
is_late(const struct program *p)
{
	if (p->flow.pipes.conf->unbuffered || p->ended - p->began < LONG)
		return false;
	return p->flow.taken == 0 ? p->child.late :
				    p->flow.wrote > p->ended - LATE;
}

static void
give_hint(const struct talk *t)
{
	static const char hint[] =
	    "the program's whole output came only at its end: see --unbuffered";

	talk_note(t, "hint", hint, strlen(hint));
}

/* The time that a program is left alone begins with the end of its input. */
static int
grace_left(const struct program *p)
{
	return p->last != 0 && p->child.in == -1 ? clock_until(p->last) :
						   p->flow.pipes.conf->grace;
}

static void
program_finish(struct talk *t, void *state)
{
	struct program *p = state;
	struct pipes *pipes = &p->flow.pipes;

	if (p->ended == 0)
		p->ended = clock_ms();
	talk_title(t, "ending its program");
	flow_close(&p->flow);
	p->errors.format = NULL;
	child_finish(&p->child, &pipes->to, grace_left(p));
	errors_end(&p->errors);
	if (is_late(p))
		give_hint(t);
	child_exit(&p->child, t->exit, sizeof(t->exit));
	if (t->arrival->group != NULL)
		*t->arrival->group = 0;
	flow_free(&p->flow);
}

const struct bridge bridge_program = {
	.name = "program",
	.help = "a program with its arguments, messages on its pipes",
	.polls = true,
	.start = program_start,
	.run = program_run,
	.finish = program_finish,
};
