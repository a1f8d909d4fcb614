/*
 * program.c - one connection and one program, in one loop that never waits on
 * one side while the other could move: a slow program stops the reading of the
 * socket, a slow client stops the reading of the program, and nothing queues
 * without bound.
 */

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "child.h"
#include "clock.h"
#include "environ.h"
#include "errors.h"
#include "exits.h"
#include "format.h"
#include "program.h"
#include "signals.h"

enum {
	LATE = 100,	 /* ms: output so shortly before the end is the end's */
	LONG = 1000,	 /* ms: who runs longer might have written before */
	READ = 65536,	 /* bytes of output read at once */
	TO = 65536,	 /* encode no more messages when so much waits */
	KEEP = 262144,	 /* memory kept for the next large message */
	LINGER = 1000,	 /* ms for output after the program has ended */
	GIVE_UP = 30000, /* ms for input when the client has hung up */
	HELD = 16 << 20	 /* the largest message held whole */
};

struct program {
	struct talk *talk;
	struct child child;
	struct pipes pipes;
	struct errors errors;
	int64_t over;  /* once it has ended: until when output may follow */
	size_t owed;   /* and the bytes in the pipe that surely are its own */
	int64_t given; /* when a client that has hung up is given up, or 0 */
	int64_t last;  /* when its last words must be out, or 0: see below */
	bool told;     /* it has been told of the end */
	int64_t began; /* and when it wrote first, or 0 */
	int64_t wrote;
};

static bool
is_program(const char *path)
{
	struct stat st;

	if (access(path, X_OK) == -1 || stat(path, &st) == -1)
		return false;
	if (!S_ISREG(st.st_mode))
		errno = EACCES;
	return S_ISREG(st.st_mode);
}

char *
program_find(const char *name)
{
	const char *dir = getenv("PATH");
	char *path;
	size_t len;

	if (dir == NULL)
		dir = ENVIRON_PATH;
	if (strchr(name, '/') != NULL)
		return is_program(name) ? strdup(name) : NULL;
	for (; dir != NULL; dir = dir[len] == ':' ? dir + len + 1 : NULL) {
		len = strcspn(dir, ":");
		if (asprintf(&path, "%.*s/%s", (int)len, len == 0 ? "." : dir,
			name) == -1)
			return NULL;
		if (is_program(path))
			return path;
		free(path);
	}
	errno = ENOENT;
	return NULL;
}

static int
program_exec(struct program *p, const struct talk *t,
    const struct bridge_conf *conf)
{
	const struct child_plan plan = {
		.terminal = conf->unbuffered,
		.errors = conf->errors != STDERR_NONE,
	};
	char **envp = environ_make(t, conf);
	int r, error;

	if (envp == NULL)
		return -1;
	r = child_start(&p->child, conf->path, conf->argv, envp, &plan);
	error = errno;
	environ_free(envp);
	errno = error;
	return r;
}

/* What an administrator needs to know, and what a client may. */
static int
cannot_start(struct talk *t, const struct bridge_conf *conf, const char **why)
{
	const bool system = errno == EAGAIN || errno == ENOMEM ||
	    errno == EMFILE || errno == ENFILE;

	talk_end(t, 0, system ? EXIT_SYSTEM : EXIT_PROGRAM,
	    "the program %s could not be started: %s%s", conf->path,
	    strerror(errno),
	    errno == ENOEXEC ? " (does it begin with #! and a path?)" : "");
	*why = "the program behind this service could not be started";
	return system ? 503 : 502;
}

static uint64_t
held_limit(int64_t max_message)
{
	if (max_message == 0)
		return HELD;
	return max_message < 0 ? UINT64_MAX : (uint64_t)max_message;
}

static bool
hear_errors(void *arg, int fd)
{
	struct program *p = arg;

	return errors_take(&p->errors, fd);
}

static int
program_start(struct talk *t, const struct bridge_conf *conf, void **state,
    const char **why)
{
	struct program *p = calloc(1, sizeof(*p));

	if (p == NULL || program_exec(p, t, conf) == -1) {
		free(p);
		return cannot_start(t, conf, why);
	}
	p->talk = t;
	p->began = clock_ms();
	p->pipes.conf = conf;
	p->pipes.max = held_limit(conf->max_message);
	p->errors.talk = t;
	if (conf->errors == STDERR_CLIENT)
		p->errors.format = conf->format;
	p->child.hurries = t->arrival->cgi;
	p->child.heard = hear_errors;
	p->child.arg = p;
	if (t->arrival->group != NULL)
		*t->arrival->group = p->child.pid;
	*state = p;
	return 0;
}

/* What is lost in a pipe must not be taken for the end of it. */
static int
pipe_failed(struct talk *t, const char *what)
{
	talk_end(t, WS_INTERNAL, EXIT_SYSTEM, "cannot %s the program: %s", what,
	    strerror(errno));
	return 0;
}

/* Write what the pipe takes.  Returns as take_messages does. */
static int
give_input(struct talk *t, struct program *p)
{
	struct buf *to = &p->pipes.to;
	ssize_t n;

	if (to->len == 0 || p->child.in == -1)
		return 1;
	n = write(p->child.in, buf_head(to), to->len);
	if (n == -1 && (errno == EAGAIN || errno == EINTR))
		return 1;
	if (n == -1 && errno != EPIPE)
		return pipe_failed(t, "write to");
	if (n == -1) { /* it reads no more: what comes for it is dropped */
		child_close_in(&p->child);
		n = (ssize_t)to->len;
	}
	buf_drop(to, (size_t)n);
	buf_spare(to, KEEP);
	p->given = 0;
	return 1;
}

/*
 * Encode the messages that have come.  Returns 1 when there may be more to
 * come, or 0 when the conversation is over.
 */
static int
take_messages(struct talk *t, struct program *p, enum ws_want want)
{
	struct ws_msg m;
	int r;

	while (p->pipes.to.len < TO && (r = ws_ready(t->ws, want)) != 0) {
		if (r == 1)
			r = want == WS_PART ? ws_part(t->ws, &m) :
					      ws_recv(t->ws, &m);
		if (r != 1)
			return 0;
		if (p->child.in != -1 &&
		    p->pipes.conf->format->encode(t, &p->pipes, &m) == -1)
			return 0;
	}
	return give_input(t, p);
}

/*
 * Read output and queue its messages.  A short read is the last there is now.
 * Returns as take_messages does.
 */
static int
take_output(struct talk *t, struct program *p)
{
	uint8_t *room = buf_room(&p->pipes.from, READ);
	ssize_t n;

	if (room == NULL) {
		format_no_memory(t);
		return 0;
	}
	n = read(p->child.out, room, READ);
	if (n == -1 && errno == EIO && p->pipes.conf->unbuffered)
		n = 0; /* so ends a terminal */
	if (n == -1 && (errno == EAGAIN || errno == EINTR))
		return 1;
	if (n == -1)
		return pipe_failed(t, "read from");
	if (n > 0)
		buf_grow(&p->pipes.from, (size_t)n);
	else
		child_close_out(&p->child);
	if (n > 0 && p->wrote == 0)
		p->wrote = clock_ms();
	if (n > 0)
		p->owed -= (size_t)n < p->owed ? (size_t)n : p->owed;
	if (p->pipes.conf->format->decode(t, &p->pipes, n == 0) == -1)
		return 0;
	if (p->pipes.from.len == 0)
		p->pipes.scanned = 0;
	buf_spare(&p->pipes.from, KEEP);
	return 1;
}

static enum ws_want
wanted(const struct program *p)
{
	if (p->pipes.to.len > 0 || p->last != 0)
		return WS_NOTHING;
	return p->pipes.conf->format->streams ? WS_PART : WS_WHOLE;
}

/* For how long the next wait may last. */
static int
patience(const struct program *p)
{
	int64_t until = CLOCK_NEVER;

	if (p->child.over && p->owed == 0)
		until = p->over;
	if (p->given != 0 && p->given < until)
		until = p->given;
	if (p->last != 0 && p->last < until)
		until = p->last;
	return clock_until(until);
}

/* A client that has hung up waits for a program that does not read. */
static int
hung_up_too_long(struct talk *t, struct program *p)
{
	if (!ws_hung_up(t->ws) || p->pipes.to.len == 0)
		return 0;
	if (p->given == 0)
		p->given = clock_in(GIVE_UP);
	if (clock_until(p->given) > 0)
		return 0;
	ws_fail(t->ws, WS_ABNORMAL,
	    "the client is gone, and the program does not read");
	return 1;
}

/*
 * One wait, and the work that it brings.  Returns 1 to go on, or 0 when the
 * conversation is over.
 */
static int
program_turn(struct talk *t, struct program *p)
{
	const bool idle = ws_queued(t->ws) == 0;
	enum ws_want want = wanted(p);
	struct pollfd pfd[3] = {
		{ .fd = p->pipes.to.len > 0 ? p->child.in : -1,
		    .events = POLLOUT },
		{ .fd = idle ? p->child.out : -1, .events = POLLIN },
		{ .fd = idle ? p->child.err : -1, .events = POLLIN },
	};

	if (hung_up_too_long(t, p))
		return 0;
	switch (ws_poll(t->ws, want, pfd, 3, patience(p))) {
	case -1:
		return 0;
	case 1:
		if (take_messages(t, p, want) == 0)
			return 0;
	}
	if (t->ended)
		return 0;
	if (pfd[0].revents != 0 && give_input(t, p) == 0)
		return 0;
	if (pfd[1].revents != 0 && take_output(t, p) == 0)
		return 0;
	if (pfd[2].revents != 0)
		child_hear(&p->child);
	talk_tick(t);
	return 1;
}

/* What the program is told of, if its format knows it and it still reads. */
static const struct format_events *
events(const struct program *p)
{
	return p->child.in == -1 ? NULL : p->pipes.conf->format->events;
}

static void
tell_control(void *arg, enum ws_control type, const void *data, size_t len)
{
	struct program *p = arg;
	const struct format_events *known = events(p);

	if (known != NULL)
		known->control(p->talk, &p->pipes, type, data, len);
}

static int
tell_open(struct talk *t, struct program *p)
{
	const struct format_events *known = events(p);

	if (known == NULL)
		return 0;
	ws_on_control(t->ws, tell_control, p);
	return known->open(t, &p->pipes);
}

/* Once: behind its last words nothing more is told. */
static void
tell_close(struct talk *t, struct program *p)
{
	const struct format_events *known = events(p);

	if (!p->told && known != NULL)
		known->close(t, &p->pipes);
	p->told = true;
	ws_on_control(t->ws, NULL, NULL);
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
program_ended(struct program *p)
{
	int there = 0;

	p->over = clock_in(LINGER);
	if (p->child.out != -1 && ioctl(p->child.out, FIONREAD, &there) == 0)
		p->owed = (size_t)there;
}

/*
 * What the program has written is sent, however slow the client is.  A
 * grandchild may hold the pipe and write on: that is waited for, but not long.
 */
static bool
program_is_over(struct program *p)
{
	if (!p->child.over && signals_child && child_ended(&p->child))
		program_ended(p);
	if (!p->child.over)
		return false;
	return p->child.out == -1 ||
	    (p->owed == 0 && clock_until(p->over) == 0);
}

/*
 * The client did what it may not, and hears no answer to that; but what it
 * said before has been heard, and the program's answers to it go out first:
 * for as long as a program is left alone at its end.
 */
static void
program_last_words(struct talk *t, struct program *p)
{
	tell_close(t, p);
	p->last = clock_in(p->pipes.conf->grace);
	while (!program_is_over(p) && clock_until(p->last) != 0) {
		if (p->pipes.to.len == 0)
			child_close_in(&p->child);
		if (program_turn(t, p) == 0)
			return;
	}
}

/* Did the client break a rule, the protocol's or the format's? */
static bool
is_clients_fault(const struct talk *t)
{
	if (t->ended)
		return t->blame == EXIT_PEER;
	switch (ws_info(t->ws)->failed) {
	case WS_PROTOCOL:
	case WS_INVALID:
	case WS_TOO_BIG:
		return true;
	default:
		return false;
	}
}

static void
program_run(struct talk *t, void *state)
{
	struct program *p = state;

	if (tell_open(t, p) == -1)
		return;
	while (!program_is_over(p))
		if (program_turn(t, p) == 0) {
			if (is_clients_fault(t))
				program_last_words(t, p);
			return;
		}
	child_hear(&p->child);
	if (p->child.out == -1 ||
	    p->pipes.conf->format->decode(t, &p->pipes, true) == 0)
		program_end(t, p);
}

/*
 * Did all that it wrote come at its end?  Then it may have waited in a buffer
 * of the program's, which users see as silence.
 */
static bool
is_late(const struct program *p, int64_t end)
{
	if (p->pipes.conf->unbuffered || end - p->began < LONG)
		return false;
	return p->wrote == 0 ? p->child.late : p->wrote > end - LATE;
}

static void
give_hint(const struct talk *t)
{
	static const char hint[] =
	    "the program's whole output came only at its end: see --unbuffered";

	talk_note(t, "hint", hint, strlen(hint));
}

static void
program_finish(struct talk *t, void *state)
{
	struct program *p = state;
	int64_t end = p->child.over ? p->over - LINGER : clock_ms();

	talk_title(t, "ending its program");
	tell_close(t, p);
	p->errors.format = NULL;
	child_finish(&p->child, &p->pipes.to, p->pipes.conf->grace);
	errors_end(&p->errors);
	if (is_late(p, end))
		give_hint(t);
	child_exit(&p->child, t->exit, sizeof(t->exit));
	if (t->arrival->group != NULL)
		*t->arrival->group = 0;
	buf_free(&p->pipes.to);
	buf_free(&p->pipes.from);
	free(p);
}

const struct bridge bridge_program = {
	.name = "program",
	.help = "a program with its arguments, messages on its pipes",
	.polls = true,
	.start = program_start,
	.run = program_run,
	.finish = program_finish,
};
