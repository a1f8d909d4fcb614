/*
 * monitor.c - numbers in, descriptors out.  Each question brings the socket
 * that it is answered on: so who was killed while it asked leaves no answer
 * for the next.
 */

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include "exits.h"
#include "monitor.h"
#include "title.h"

#define VARIABLE "WS_TLS_MONITOR"

static int reached = -1;

int
monitor_add(struct monitor *m, const char *path)
{
	const char **longer;

	longer = reallocarray(m->path, m->count + 1, sizeof(*longer));
	if (longer == NULL)
		return -1;
	longer[m->count++] = path;
	m->path = longer;
	return 0;
}

/* A number, and a descriptor or -1.  Returns 0, or -1 with errno. */
static int
say(int to, int32_t number, int fd)
{
	char room[CMSG_SPACE(sizeof(int))] = { 0 };
	struct iovec v = { &number, sizeof(number) };
	struct msghdr m = { .msg_iov = &v, .msg_iovlen = 1 };
	struct cmsghdr *c;
	ssize_t n;

	if (fd != -1) {
		m.msg_control = room;
		m.msg_controllen = sizeof(room);
		c = CMSG_FIRSTHDR(&m);
		c->cmsg_level = SOL_SOCKET;
		c->cmsg_type = SCM_RIGHTS;
		c->cmsg_len = CMSG_LEN(sizeof(fd));
		memcpy(CMSG_DATA(c), &fd, sizeof(fd));
	}
	do
		n = sendmsg(to, &m, MSG_NOSIGNAL);
	while (n == -1 && errno == EINTR);
	return n == -1 ? -1 : 0;
}

/* The same.  Returns 0, or -1 with errno, which is 0 if nobody is there. */
static int
hear(int from, int32_t *number, int *fd)
{
	char room[CMSG_SPACE(sizeof(int))] = { 0 };
	struct iovec v = { number, sizeof(*number) };
	struct msghdr m = {
		.msg_iov = &v,
		.msg_iovlen = 1,
		.msg_control = room,
		.msg_controllen = sizeof(room),
	};
	struct cmsghdr *c;
	ssize_t n;

	*number = 0;
	*fd = -1;
	do
		n = recvmsg(from, &m, MSG_CMSG_CLOEXEC);
	while (n == -1 && errno == EINTR);
	if (n != (ssize_t)sizeof(*number)) {
		errno = n == -1 ? errno : 0;
		return -1;
	}
	c = CMSG_FIRSTHDR(&m);
	if (c != NULL && c->cmsg_level == SOL_SOCKET &&
	    c->cmsg_type == SCM_RIGHTS && c->cmsg_len == CMSG_LEN(sizeof(*fd)))
		memcpy(fd, CMSG_DATA(c), sizeof(*fd));
	return 0;
}

/* What is no file keeps nobody waiting; the one who asks looks at it. */
static int
open_file(const char *path)
{
	return open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
}

static void
answer(const struct monitor *m, int32_t number, int to)
{
	int fd;

	if (to == -1)
		return;
	errno = EINVAL;
	fd = number >= 0 && (size_t)number < m->count ?
	    open_file(m->path[number]) :
	    -1;
	say(to, fd == -1 ? errno : 0, fd);
	if (fd != -1)
		close(fd);
	close(to);
}

/* It ends when nobody can ask any more, and by no signal that others get. */
static void __attribute__((noreturn)) serve(const struct monitor *m, int from)
{
	enum { HERE = STDERR_FILENO + 1 };
	int32_t number;
	int to;

	if (from != HERE && dup2(from, HERE) == -1)
		_exit(EXIT_SYSTEM);
	closefrom(HERE + 1); /* what systemd has passed is the listener's */
	signal(SIGHUP, SIG_IGN);
	signal(SIGINT, SIG_IGN);
	signal(SIGTERM, SIG_IGN);
	prctl(PR_SET_DUMPABLE, 0, 0, 0, 0);
	prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
	title_words("monitor, opens files of keys");
	title_show();
	while (hear(HERE, &number, &to) == 0)
		answer(m, number, to);
	_exit(0);
}

/* The descriptor that an earlier self has left, or -1. */
static int
find(void)
{
	const char *text = getenv(VARIABLE), *error;
	int fd;

	if (text == NULL)
		return -1;
	fd = (int)strtonum(text, STDERR_FILENO + 1, 65535, &error);
	if (error != NULL || fcntl(fd, F_SETFD, FD_CLOEXEC) == -1)
		return -1;
	return fd;
}

static int
start(const struct monitor *m)
{
	char text[16];
	int fd[2];

	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, fd) == -1)
		return -1;
	switch (fork()) {
	case -1:
		close(fd[0]);
		close(fd[1]);
		return -1;
	case 0:
		close(fd[0]);
		serve(m, fd[1]);
	default:
		close(fd[1]);
	}
	snprintf(text, sizeof(text), "%d", fd[0]);
	return setenv(VARIABLE, text, 1) == -1 ? -1 : fd[0];
}

int
monitor_begin(const struct monitor *m)
{
	if ((reached = find()) == -1)
		reached = start(m);
	return reached;
}

/* Returns a descriptor, or -1 with errno; the monitor may be gone. */
static int
hear_answer(int from)
{
	int32_t why = 0;
	int fd;

	if (hear(from, &why, &fd) == 0 && fd != -1)
		return fd;
	if (why != 0)
		errno = why;
	else if (errno == 0)
		errno = EPIPE;
	return -1;
}

int
monitor_descriptor(void)
{
	return reached == -1 ? 0 : reached;
}

static int
ask(int32_t number)
{
	int fd[2], got, error;

	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, fd) == -1)
		return -1;
	got = say(reached, number, fd[1]);
	error = errno;
	close(fd[1]);
	if (got == 0) {
		got = hear_answer(fd[0]);
		error = errno;
	}
	close(fd[0]);
	errno = error;
	return got;
}

int
monitor_open(const struct monitor *m, const char *path)
{
	for (size_t i = 0; reached != -1 && i < m->count; i++)
		if (strcmp(m->path[i], path) == 0)
			return ask((int32_t)i);
	return open_file(path);
}

void
monitor_leave(void)
{
	if (reached != -1)
		close(reached);
	reached = -1;
	unsetenv(VARIABLE);
}
