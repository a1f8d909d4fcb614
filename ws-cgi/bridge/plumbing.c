/*
 * plumbing.c - the descriptors between us and a program: pipes or a terminal.
 * They are above 2, since arrive_clean leaves none below free.  Refuses to know
 * the program.
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

static int
pipe_open(int fd[2])
{
	if (pipe2(fd, O_CLOEXEC) == 0)
		return 0;
	fd[0] = fd[1] = -1;
	return -1;
}

/* Nowhere. */
static int
null_open(int *fd, int how)
{
	*fd = open("/dev/null", how | O_CLOEXEC);
	return *fd == -1 ? -1 : 0;
}

/* Standard input. */
static int
input_open(struct plumbing *p, bool mute)
{
	if (mute)
		return null_open(&p->in[0], O_RDONLY);
	return pipe_open(p->in) == -1 ? -1 :
					fcntl(p->in[1], F_SETFL, O_NONBLOCK);
}

/* Standard error. */
static int
errors_open(struct plumbing *p, bool errors)
{
	if (!errors)
		return null_open(&p->err[1], O_WRONLY);
	return pipe_open(p->err) == -1 ? -1 :
					 fcntl(p->err[0], F_SETFL, O_NONBLOCK);
}

/*
 * A terminal that changes no byte: its own end to read from, and the
 * program's.  It becomes nobody's controlling terminal.
 */
static int
terminal_open(int fd[2])
{
	const int flags = O_RDWR | O_NOCTTY | O_CLOEXEC;
	struct termios raw;

	if ((fd[0] = posix_openpt(flags)) == -1 || unlockpt(fd[0]) == -1 ||
	    (fd[1] = ioctl(fd[0], TIOCGPTPEER, flags)) == -1 ||
	    tcgetattr(fd[1], &raw) == -1)
		return -1;
	cfmakeraw(&raw);
	return tcsetattr(fd[1], TCSANOW, &raw);
}

int
plumbing_open(struct plumbing *p, const struct plumbing_plan *plan)
{
	*p = (struct plumbing){
		.in = { -1, -1 },
		.out = { -1, -1 },
		.err = { -1, -1 },
	};
	if (input_open(p, plan->mute) == 0 &&
	    (plan->terminal ? terminal_open(p->out) : pipe_open(p->out)) == 0 &&
	    errors_open(p, plan->errors) == 0 &&
	    fcntl(p->out[0], F_SETFL, O_NONBLOCK) == 0)
		return 0;
	plumbing_close(p);
	return -1;
}
