/*
 * keeper.c - both sides of it.  The keeper's own knows no message, no format
 * and no client, and its only input is a worker that may have been taken over.
 */

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "clock.h"
#include "exits.h"
#include "keeper.h"
#include "signals.h"
#include "title.h"

enum {
	LOOK = 20,	/* ms between looks at who is left */
	MOST = 1 << 20, /* bytes of an environment */
	FDS = 3,
	CONTROL = 3 /* where the keeper has its end */
};

/* The order to start, with the descriptors; the environment comes behind. */
struct order {
	size_t size;
	int which;
};

/* What came of it. */
struct outcome {
	int error; /* or 0 */
	char what[64];
};

/* Both sides: all of it, whatever interrupts.  Returns false at the end. */

static bool
send_all(int fd, const void *p, size_t size)
{
	const char *at = p;
	ssize_t n;

	while (size > 0) {
		n = send(fd, at, size, MSG_NOSIGNAL);
		if (n == -1 && errno != EINTR)
			return false;
		if (n == -1)
			continue;
		at += n;
		size -= (size_t)n;
	}
	return true;
}

static bool
recv_all(int fd, void *p, size_t size)
{
	char *at = p;
	ssize_t n;

	while (size > 0) {
		n = recv(fd, at, size, 0);
		if (n == 0 || (n == -1 && errno != EINTR))
			return false;
		if (n == -1)
			continue;
		at += n;
		size -= (size_t)n;
	}
	return true;
}

union room {
	struct cmsghdr head;
	char bytes[CMSG_SPACE(FDS * sizeof(int))];
};

static bool
send_order(int socket, struct order o, const int fd[FDS])
{
	struct iovec iov = { &o, sizeof(o) };
	union room room = { .bytes = { 0 } };
	struct msghdr msg = {
		.msg_iov = &iov,
		.msg_iovlen = 1,
		.msg_control = &room,
		.msg_controllen = sizeof(room),
	};
	struct cmsghdr *c = CMSG_FIRSTHDR(&msg);
	ssize_t n;

	c->cmsg_level = SOL_SOCKET;
	c->cmsg_type = SCM_RIGHTS;
	c->cmsg_len = CMSG_LEN(FDS * sizeof(int));
	memcpy(CMSG_DATA(c), fd, FDS * sizeof(int));
	do
		n = sendmsg(socket, &msg, MSG_NOSIGNAL);
	while (n == -1 && errno == EINTR);
	return n == sizeof(o);
}

/* The keeper's side. */

struct kept {
	const struct keep *how;
	const struct keeper_plan *plan;
	bool asking;   /* it is the first one's turn */
	pid_t program; /* and its group */
	bool over;     /* the program has ended */
	int status;    /* and so */
	bool alone;    /* nobody that could be waited for is left */
	bool init;     /* of a PID namespace: who is in it dies with us */
};

static bool
recv_order(struct order *o, int fd[FDS])
{
	struct iovec iov = { o, sizeof(*o) };
	union room room;
	struct msghdr msg = {
		.msg_iov = &iov,
		.msg_iovlen = 1,
		.msg_control = &room,
		.msg_controllen = sizeof(room),
	};
	struct cmsghdr *c;
	ssize_t n;

	do
		n = recvmsg(CONTROL, &msg, MSG_CMSG_CLOEXEC);
	while (n == -1 && errno == EINTR);
	if (n != sizeof(*o) || (c = CMSG_FIRSTHDR(&msg)) == NULL ||
	    c->cmsg_type != SCM_RIGHTS ||
	    c->cmsg_len != CMSG_LEN(FDS * sizeof(int)))
		return false;
	memcpy(fd, CMSG_DATA(c), FDS * sizeof(int));
	return o->size <= MOST;
}

/* A list of what stands one behind another, each with a NUL at its end. */
static char **
list_of(char *text, size_t size)
{
	size_t n = 0, at = 0;
	char **list;

	for (size_t i = 0; i < size; i++)
		n += text[i] == '\0';
	if ((list = calloc(n + 1, sizeof(*list))) == NULL)
		return NULL;
	for (char *p = text; at < n; p += strlen(p) + 1)
		list[at++] = p;
	return list;
}

/* Returns false when the worker is gone. */
static bool
recv_text(char *text, size_t size)
{
	text[size] = '\0';
	return recv_all(CONTROL, text, size);
}

/*
 * With the environment that comes behind the order, which may hold secrets of
 * the client's: they do not stay.  Returns 0, or an errno and *what has failed.
 */
static int
kept_spawn(struct kept *k, struct spawn *s, size_t size, const char **what)
{
	char *text = malloc(size + 1), **envp = NULL;
	int error = ENOMEM;

	*what = "memory";
	if (text != NULL && recv_text(text, size))
		envp = list_of(text, size);
	if (envp != NULL) {
		s->envp = envp;
		k->program = spawn(s, what);
		error = k->program == -1 ? errno : 0;
	}
	if (text != NULL)
		explicit_bzero(text, size);
	free(envp);
	free(text);
	return error;
}

static bool
kept_may(const struct kept *k, int which)
{
	return which >= 0 && which < k->plan->count &&
	    (which == k->plan->first) == k->asking;
}

/* Returns false when the worker is gone, or no order came. */
static bool
kept_start(struct kept *k)
{
	struct outcome out = { 0 };
	const char *what;
	struct order o = { .size = 0 };
	struct spawn *s;
	int fd[FDS];

	if (!recv_order(&o, fd) || !kept_may(k, o.which))
		return false;
	s = &k->plan->program[o.which];
	memcpy(s->fd, fd, sizeof(fd));
	k->over = k->alone = false;
	out.error = kept_spawn(k, s, o.size, &what);
	if (what != NULL)
		strlcpy(out.what, what, sizeof(out.what));
	for (int i = 0; i < FDS; i++)
		close(fd[i]);
	return send_all(CONTROL, &out, sizeof(out)) && out.error == 0;
}

static void
kept_tell(const struct kept *k)
{
	send_all(CONTROL, &k->status, sizeof(k->status));
}

static void
kept_reap(struct kept *k)
{
	pid_t pid;
	int status;

	while ((pid = waitpid(-1, &status, WNOHANG)) > 0)
		if (pid == k->program) {
			k->over = true;
			k->status = status;
			if (!k->asking)
				kept_tell(k);
		}
	k->alone = pid == -1 && errno == ECHILD;
}

static bool
kept_is_over(const struct kept *k)
{
	if (!k->over)
		return false;
	if (k->how->contain)
		return k->alone;
	return kill(-k->program, 0) == -1 && errno == ESRCH;
}

/* Children that came to us when their parents died, and are of other groups. */
static void
signal_children(int sig)
{
	char path[64], pid[16];
	FILE *f;

	snprintf(path, sizeof(path), "/proc/self/task/%d/children",
	    (int)getpid());
	if ((f = fopen(path, "re")) == NULL)
		return;
	while (fscanf(f, "%15s", pid) == 1)
		kill((pid_t)strtol(pid, NULL, 10), sig);
	fclose(f);
}

static void
kept_signal(const struct kept *k, int sig)
{
	kill(-k->program, sig);
	if (!k->how->contain)
		return;
	if (k->init)
		kill(-1, sig);
	else
		signal_children(sig);
}

/* Who forks on while it is killed is killed again. */
static void
kept_kill(struct kept *k)
{
	while (!kept_is_over(k)) {
		kept_signal(k, SIGKILL);
		poll(NULL, 0, LOOK);
		kept_reap(k);
	}
}

static void
kept_wait(const struct kept *k, struct pollfd *pfd)
{
	const struct timespec look = clock_span(LOOK);
	sigset_t mask;

	sigfillset(&mask);
	sigdelset(&mask, SIGCHLD);
	*pfd = (struct pollfd){ .fd = CONTROL, .events = POLLIN };
	if (ppoll(pfd, 1, k->over ? &look : NULL, &mask) <= 0)
		pfd->revents = 0;
}

/* Returns false when the worker is gone, and so are they. */
static bool
kept_run(struct kept *k)
{
	struct pollfd pfd;
	unsigned char sig;

	for (kept_reap(k); !kept_is_over(k); kept_reap(k)) {
		if (k->asking && k->over) {
			kept_kill(k);
			break;
		}
		kept_wait(k, &pfd);
		if (pfd.revents == 0)
			continue;
		if (!recv_all(CONTROL, &sig, sizeof(sig))) {
			kept_kill(k);
			return false;
		}
		kept_signal(k, sig);
	}
	return true;
}

static void
kept_serve(struct kept *k)
{
	k->asking = k->plan->first != -1;
	if (k->asking) {
		if (!kept_start(k) || !kept_run(k))
			return;
		kept_tell(k);
		k->asking = false;
	}
	if (kept_start(k))
		kept_run(k);
}

/*
 * Nothing of the connection is ours: it would stay open with us.  Nor is the
 * log, from here on.
 */
static bool
kept_let_go(int fd)
{
	if (dup2(STDERR_FILENO, STDIN_FILENO) == -1 ||
	    dup2(STDERR_FILENO, STDOUT_FILENO) == -1 ||
	    (fd != CONTROL && dup2(fd, CONTROL) == -1))
		return false;
	closefrom(CONTROL + 1);
	return fcntl(CONTROL, F_SETFD, FD_CLOEXEC) == 0;
}

static void __attribute__((noreturn))
kept_live(const struct keep *how, int fd, const struct keeper_plan *plan)
{
	struct kept k = { .how = how, .plan = plan, .init = getpid() == 1 };
	sigset_t all;

	sigfillset(&all);
	sigprocmask(SIG_SETMASK, &all, NULL);
	title_words("keeping a program");
	title_show();
	prctl(PR_SET_CHILD_SUBREAPER, 1);
	if (rights_drop(&how->user) != 0 || !kept_let_go(fd))
		_exit(EXIT_SYSTEM);
	kept_serve(&k);
	_exit(EXIT_NOBODY);
}

/* The worker's side. */

bool
keeper_wanted(const struct keep *k)
{
	return k->contain || k->user.user != NULL;
}

/* News is announced as that of a child is. */
static int
announce(int fd)
{
	if (fcntl(fd, F_SETOWN, getpid()) == -1 ||
	    fcntl(fd, F_SETSIG, SIGCHLD) == -1)
		return -1;
	return fcntl(fd, F_SETFL, O_ASYNC);
}

/*
 * Where we may, the keeper is the first of a PID namespace: who is in it ends
 * with it, whatever it is.
 */
int
keeper_begin(struct keeper *k, const struct keep *how,
    const struct keeper_plan *plan)
{
	int fd[2], error;

	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fd) == -1)
		return -1;
	if (how->contain)
		unshare(CLONE_NEWPID);
	if ((k->pid = fork()) == 0)
		kept_live(how, fd[1], plan);
	close(fd[1]);
	k->fd = fd[0];
	if (k->pid != -1 && announce(fd[0]) == 0)
		return 0;
	error = errno;
	keeper_end(k);
	errno = error;
	return -1;
}

static bool
send_environment(int fd, char *const envp[])
{
	bool sent = true;

	for (; *envp != NULL && sent; envp++)
		sent = send_all(fd, *envp, strlen(*envp) + 1);
	return sent;
}

static size_t
size_of(char *const envp[])
{
	size_t size = 0;

	for (; *envp != NULL; envp++)
		size += strlen(*envp) + 1;
	return size;
}

int
keeper_start(const struct keeper *k, const struct spawn *s, const char **what)
{
	static struct outcome out;
	const struct order o = { size_of(s->envp), s->which };

	*what = "its keeper";
	if (!send_order(k->fd, o, s->fd) || !send_environment(k->fd, s->envp) ||
	    !recv_all(k->fd, &out, sizeof(out))) {
		errno = ECHILD;
		return -1;
	}
	out.what[sizeof(out.what) - 1] = '\0';
	*what = out.what;
	errno = out.error;
	return out.error == 0 ? 0 : -1;
}

enum keeper_news
keeper_hear(const struct keeper *k, int *status)
{
	ssize_t n;

	do
		n = recv(k->fd, status, sizeof(*status), MSG_DONTWAIT);
	while (n == -1 && errno == EINTR);
	if (n == sizeof(*status))
		return KEEPER_ENDED;
	return n == -1 && errno == EAGAIN ? KEEPER_NONE : KEEPER_OVER;
}

void
keeper_signal(const struct keeper *k, int sig)
{
	const unsigned char byte = (unsigned char)sig;

	send_all(k->fd, &byte, sizeof(byte));
}

void
keeper_end(struct keeper *k)
{
	close(k->fd);
	while (k->pid > 0 && waitpid(k->pid, NULL, 0) == -1 && errno == EINTR)
		;
	k->pid = 0;
}
