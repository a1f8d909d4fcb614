/*
 * child.c - one program, from its start to the last of its process group.  Knows
 * signals and patience; refuses to know what the bytes mean.
 */

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "child.h"
#include "clock.h"
#include "signals.h"

enum {
	LOOK =
	    20, /* ms between looks at a group that is not ours to wait for */
	SOON = 10,   /* ms for its end, before we look at anything else */
	REST = 1000, /* ms without progress for input that is not taken */
	HURRY = 80   /* ms instead of each of these, where there is no time */
};

/* What is sent to the group, and how long it is waited for afterwards. */
static const struct rung {
	int signal;
	int patience; /* ms */
} ladder[] = {
	{ SIGHUP, 1000 },
	{ SIGTERM, 3000 },
	{ SIGKILL, 1000 },
};

/* Returns 0, or -1 with errno and what has failed. */
static int
child_spawn(struct child *c, const struct spawn *s, const char **what)
{
	if (c->keeper != NULL)
		return keeper_start(c->keeper, s, what);
	c->pid = spawn(s, what);
	return c->pid == -1 ? -1 : 0;
}

int
child_start(struct child *c, struct keeper *keeper, struct spawn *s,
    const struct plumbing_plan *plan, const char **what)
{
	struct plumbing p;

	*c = (struct child){ .keeper = keeper, .in = -1, .out = -1, .err = -1 };
	*what = "pipe";
	if (plumbing_open(&p, plan) == -1)
		return -1;
	s->fd[0] = p.in[0];
	s->fd[1] = p.out[1];
	s->fd[2] = p.err[1];
	if (child_spawn(c, s, what) == -1) {
		int error = errno;

		plumbing_close(&p);
		errno = error;
		return -1;
	}
	close(p.in[0]);
	close(p.out[1]);
	close(p.err[1]);
	c->in = p.in[1];
	c->out = p.out[0];
	c->err = p.err[0];
	return 0;
}

static pid_t
child_wait(struct child *c, int options)
{
	pid_t pid;

	do
		pid = waitpid(c->pid, &c->status, options);
	while (pid == -1 && errno == EINTR);
	return pid;
}

/* A keeper that dies takes all with it. */
static void
child_hear_keeper(struct child *c)
{
	switch (keeper_hear(c->keeper, &c->status)) {
	case KEEPER_NONE:
		return;
	case KEEPER_ENDED:
		break;
	case KEEPER_OVER:
		c->gone = true;
		if (!c->over)
			c->status = SIGKILL;
	}
	c->over = true;
}

bool
child_ended(struct child *c)
{
	signals_child = 0;
	if (c->keeper != NULL)
		child_hear_keeper(c);
	else if (!c->over && child_wait(c, WNOHANG) == c->pid)
		c->over = true;
	return c->over;
}

const char *
child_exit(const struct child *c, char *buf, size_t size)
{
	if (WIFSIGNALED(c->status))
		return signals_name(WTERMSIG(c->status), buf, size);
	snprintf(buf, size, "%d", WEXITSTATUS(c->status));
	return buf;
}

static void
close_end(int *fd)
{
	if (*fd != -1)
		close(*fd);
	*fd = -1;
}

void
child_close_in(struct child *c)
{
	close_end(&c->in);
}

void
child_close_out(struct child *c)
{
	close_end(&c->out);
}

void
child_hear(struct child *c)
{
	if (c->err != -1 && !c->heard(c->arg, c->err))
		close_end(&c->err);
}

/* Is anybody of the group left?  Itself not yet waited for counts. */
static bool
group_is_there(struct child *c)
{
	child_ended(c);
	if (c->keeper != NULL)
		return !c->gone;
	return !c->over || kill(-c->pid, 0) == 0;
}

static void
child_signal(const struct child *c, int sig)
{
	if (c->keeper != NULL)
		keeper_signal(c->keeper, sig);
	else
		kill(-c->pid, sig);
}

/* Output that nobody will see is read, lest the program hang in writing it. */
static void
read_away(struct child *c)
{
	char bytes[4096];
	ssize_t n = read(c->out, bytes, sizeof(bytes));

	if (n > 0)
		c->late = true;
	if (n == 0 || (n == -1 && errno != EAGAIN && errno != EINTR))
		child_close_out(c);
}

/* Returns true when some of the rest could be written. */
static bool
write_rest(struct child *c, struct buf *rest)
{
	ssize_t n = write(c->in, buf_head(rest), rest->len);

	if (n == -1 && (errno == EAGAIN || errno == EINTR))
		return false;
	if (n == -1)
		n = (ssize_t)rest->len; /* the program has closed its input */
	buf_drop(rest, (size_t)n);
	return true;
}

/* Wait for at most ms, or for something to do. */
static void
finish_wait(const struct child *c, const struct buf *rest, int ms,
    struct pollfd pfd[3])
{
	/* Only the program itself is announced by a signal. */
	int most = c->over && (ms < 0 || ms > LOOK) ? LOOK : ms;
	const struct timespec ts = clock_span(most < 0 ? 0 : most);

	pfd[0] = (struct pollfd){ .fd = c->out, .events = POLLIN };
	pfd[1] = (struct pollfd){
		.fd = rest->len > 0 ? c->in : -1,
		.events = POLLOUT,
	};
	pfd[2] = (struct pollfd){ .fd = c->err, .events = POLLIN };
	if (ppoll(pfd, 3, most < 0 ? NULL : &ts, &signals_open) <= 0)
		pfd[0].revents = pfd[1].revents = pfd[2].revents = 0;
	signals_answer();
}

/* Who started us wants us to end, and kills us soon if we do not. */
static bool
is_hurried(const struct child *c)
{
	return c->hurries && signals_stop > 0;
}

static int64_t
hurry(const struct child *c, int64_t until)
{
	return is_hurried(c) && clock_until(until) > HURRY ? clock_in(HURRY) :
							     until;
}

/*
 * Let the group be for ms.  Returns true when nobody is left.  While there is
 * a rest of input that is being taken, the time does not count, unless there
 * is none.
 */
static bool
group_ends_within(struct child *c, struct buf *rest, int ms)
{
	int64_t until = clock_in(ms);
	struct pollfd pfd[3];

	while (group_is_there(c)) {
		until = hurry(c, until);
		if (clock_until(until) == 0)
			return false;
		finish_wait(c, rest, clock_until(until), pfd);
		if (pfd[0].revents != 0)
			read_away(c);
		if (pfd[2].revents != 0)
			child_hear(c);
		if (pfd[1].revents != 0 && write_rest(c, rest) &&
		    !is_hurried(c))
			until = clock_in(ms);
		if (rest->len == 0 && c->in != -1) {
			child_close_in(c);
			until = clock_in(ms);
		}
	}
	return true;
}

/*
 * It has been killed and must end, when the kernel lets it; the dead of its
 * group may stay for ever, where nobody reaps orphans.
 */
static void
await_program(struct child *c)
{
	if (c->keeper != NULL)
		keeper_end(c->keeper);
	else if (!c->over)
		child_wait(c, 0);
	c->over = true;
}

/* A keeper does it at its end; and before it says that one has ended which was
 * to be asked first. */
void
child_kill(struct child *c)
{
	if (c->keeper == NULL)
		child_signal(c, SIGKILL);
	if (!c->over)
		await_program(c);
	child_hear(c);
	close_end(&c->err);
	child_close_in(c);
	child_close_out(c);
}

/*
 * Most programs end as soon as their input does.  Each end that they close on
 * the way would wake us for nothing.
 */
static void
await_soon(struct child *c)
{
	const struct timespec ts = clock_span(SOON);

	if (!child_ended(c))
		ppoll(NULL, 0, &ts, &signals_open);
}

/* Has it said anything since it was last heard? */
static void
read_last(struct child *c)
{
	if (c->out != -1)
		read_away(c);
	child_close_out(c);
}

void
child_finish(struct child *c, struct buf *rest, int grace)
{
	const size_t n = sizeof(ladder) / sizeof(ladder[0]);
	bool gone = false;

	if (rest->len == 0 || c->in == -1) {
		child_close_in(c);
		await_soon(c);
	} else {
		gone = group_ends_within(c, rest, REST);
	}
	buf_drop(rest, rest->len);
	child_close_in(c);
	if (!gone && !child_ended(c))
		gone = group_ends_within(c, rest, grace);
	for (size_t i = 0; i < n && !gone && group_is_there(c); i++) {
		child_signal(c, ladder[i].signal);
		gone = group_ends_within(c, rest, ladder[i].patience);
	}
	await_program(c);
	child_hear(c);
	close_end(&c->err);
	read_last(c);
}
