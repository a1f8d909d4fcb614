/*
 * spawn.c - from us to a program.  What happens in between runs on our memory,
 * with our signals blocked: system calls only.
 */

#include <errno.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "resource.h"
#include "signals.h"
#include "spawn.h"

static const char no_parent[] = "its parent";

/* Returns the name of what failed, with errno. */
static const char *
take_descriptors(const int fd[3])
{
	for (int i = STDIN_FILENO; i <= STDERR_FILENO; i++)
		if (dup2(fd[i], i) == -1)
			return "dup2";
	closefrom(STDERR_FILENO + 1);
	return NULL;
}

static const char *
take_limits(const struct spawn_limits *l)
{
	for (size_t i = 0; i < l->count; i++) {
		const struct rlimit r = { l->limit[i].value,
			l->limit[i].value };

		if (setrlimit(RESOURCE(l->limit[i].resource), &r) == -1)
			return "setrlimit";
	}
	return NULL;
}

/* If we died before prctl took hold, nobody is there to be told. */
static const char *
become(const struct spawn *s, pid_t parent)
{
	const char *failed;
	sigset_t none;

	signals_default();
	setsid();
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	errno = ESRCH;
	if (getppid() != parent)
		return no_parent;
	if (s->dir != NULL && chdir(s->dir) == -1)
		return s->dir;
	if ((failed = take_descriptors(s->fd)) != NULL ||
	    (failed = take_limits(&s->limits)) != NULL)
		return failed;
	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
	execve(s->path, s->argv, s->envp);
	return s->path;
}

pid_t
spawn(const struct spawn *s, const char **what)
{
	const char *volatile failed = NULL;
	volatile int error = 0;
	const pid_t parent = getpid();
	sigset_t all, before;
	pid_t pid;

	signals_learn();
	sigfillset(&all);
	sigprocmask(SIG_SETMASK, &all, &before);
	if ((pid = vfork()) == 0) {
		/* It makes system calls alone; its answer in our memory is why
		 * this is no fork.  NOLINTBEGIN(clang-analyzer-unix.Vfork) */
		failed = become(s, parent);
		error = errno;
		_exit(127);
		/* NOLINTEND(clang-analyzer-unix.Vfork) */
	}
	if (pid == -1) {
		failed = s->path;
		error = errno;
	}
	sigprocmask(SIG_SETMASK, &before, NULL);
	if (pid > 0 && failed != NULL)
		waitpid(pid, NULL, 0);
	*what = failed;
	errno = error;
	return failed == NULL ? pid : -1;
}
