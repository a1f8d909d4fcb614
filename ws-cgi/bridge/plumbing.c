/*
 * plumbing.c - the descriptors between us and a program: pipes or a terminal,
 * out of the way of 0, 1 and 2.  Refuses to know the program.
 */

#include <fcntl.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <termios.h>
#include <unistd.h>

#include "plumbing.h"

void
plumbing_close(struct plumbing *p)
{
	for (int i = 0; i < 2; i++) {
		if (p->in[i] != -1)
			close(p->in[i]);
		if (p->out[i] != -1)
			close(p->out[i]);
		if (p->err[i] != -1)
			close(p->err[i]);
	}
}

/* A descriptor under 3 would be in the way of the program's own. */
static int
move_above(int *fd)
{
	int high;

	if (*fd > STDERR_FILENO)
		return 0;
	if ((high = fcntl(*fd, F_DUPFD_CLOEXEC, STDERR_FILENO + 1)) == -1)
		return -1;
	close(*fd);
	*fd = high;
	return 0;
}

static int
pipe_above(int fd[2])
{
	if (pipe2(fd, O_CLOEXEC) == -1) {
		fd[0] = fd[1] = -1;
		return -1;
	}
	return move_above(&fd[0]) == -1 ? -1 : move_above(&fd[1]);
}

/* Standard error: a pipe, or nowhere. */
static int
errors_open(struct plumbing *p, bool errors)
{
	if (errors)
		return pipe_above(p->err) == -1 ?
		    -1 :
		    fcntl(p->err[0], F_SETFL, O_NONBLOCK);
	p->err[1] = open("/dev/null", O_WRONLY | O_CLOEXEC);
	return p->err[1] == -1 ? -1 : move_above(&p->err[1]);
}

/*
 * A terminal that changes no byte: its own end to read from, and the
 * program's.  It becomes nobody's controlling terminal.
 */
static int
terminal_above(int fd[2])
{
	const int flags = O_RDWR | O_NOCTTY | O_CLOEXEC;
	struct termios raw;

	if ((fd[0] = posix_openpt(flags)) == -1 || unlockpt(fd[0]) == -1 ||
	    (fd[1] = ioctl(fd[0], TIOCGPTPEER, flags)) == -1 ||
	    tcgetattr(fd[1], &raw) == -1)
		return -1;
	cfmakeraw(&raw);
	if (tcsetattr(fd[1], TCSANOW, &raw) == -1 || move_above(&fd[0]) == -1)
		return -1;
	return move_above(&fd[1]);
}

int
plumbing_open(struct plumbing *p, const struct plumbing_plan *plan)
{
	*p = (struct plumbing){
		.in = { -1, -1 },
		.out = { -1, -1 },
		.err = { -1, -1 },
	};
	if (pipe_above(p->in) == 0 &&
	    (plan->terminal ? terminal_above(p->out) : pipe_above(p->out)) ==
		0 &&
	    errors_open(p, plan->errors) == 0 &&
	    fcntl(p->in[1], F_SETFL, O_NONBLOCK) == 0 &&
	    fcntl(p->out[0], F_SETFL, O_NONBLOCK) == 0)
		return 0;
	plumbing_close(p);
	return -1;
}
