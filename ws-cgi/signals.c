/*
 * signals.c - flags set by handlers that do nothing else.
 */

#include <stdio.h>
#include <string.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include "signals.h"

enum {
	AGAIN = 1,  /* s between alarms that repeat a signal */
	PENDING = 4 /* signals taken at a time */
};

volatile sig_atomic_t signals_stop;
volatile sig_atomic_t signals_restart;
volatile sig_atomic_t signals_child;
sigset_t signals_open;

static volatile sig_atomic_t signals_repeat;
static volatile sig_atomic_t signals_hangup; /* restarts, and does not stop */
static sigset_t ours, ignored;
static volatile sig_atomic_t signals_figures; /* SIGUSR1, not yet answered */
static void (*figures_tell)(void *);
static void *figures_arg;

static void
on_stop(void)
{
	signals_stop++;
	if (signals_repeat)
		alarm(AGAIN);
}

static void
on_figures(void)
{
	signals_figures = 1;
	if (signals_repeat)
		alarm(AGAIN);
}

static void
on_alarm(void)
{
	if (signals_repeat && (signals_stop > 0 || signals_figures))
		alarm(AGAIN);
}

static void
on_hangup(void)
{
	if (signals_hangup)
		signals_restart = 1;
	else
		on_stop();
}

static void
on_signal(int sig)
{
	switch (sig) {
	case SIGCHLD:
		signals_child = 1;
		break;
	case SIGUSR1:
		on_figures();
		break;
	case SIGALRM:
		on_alarm();
		break;
	case SIGHUP:
		on_hangup();
		break;
	default:
		on_stop();
	}
}

static void
handle(int sig)
{
	struct sigaction sa = { .sa_handler = on_signal };

	sigfillset(&sa.sa_mask);
	sigaction(sig, &sa, NULL);
	sigaddset(&ours, sig);
}

void
signals_early(void)
{
	handle(SIGUSR1);
}

void
signals_stop_at(int sig)
{
	handle(sig);
}

/* A listener's child has its handlers from there, and does it no second time. */
static void
handle_all(int how)
{
	static bool handled;

	if (!handled) {
		handle(SIGTERM);
		handle(SIGINT);
		handle(SIGHUP);
		handle(SIGUSR1);
		handle(SIGALRM);
		handle(SIGCHLD);
		signal(SIGPIPE, SIG_IGN);
		sigemptyset(&signals_open);
		handled = true;
	}
	signals_hangup = 0;
	sigprocmask(how, &ours, NULL);
}

void
signals_when_polling(void)
{
	signals_repeat = 0;
	handle_all(SIG_BLOCK);
}

void
signals_always(void)
{
	signals_repeat = 1;
	handle_all(SIG_UNBLOCK);
}

int
signals_descriptor(void)
{
	return signalfd(-1, &ours, SFD_NONBLOCK | SFD_CLOEXEC);
}

bool
signals_fetch(int fd)
{
	struct signalfd_siginfo info[PENDING];
	const ssize_t n = read(fd, info, sizeof(info));
	bool child = false;

	for (ssize_t i = 0; i < n / (ssize_t)sizeof(*info); i++)
		if (info[i].ssi_signo == SIGCHLD)
			child = true;
		else
			on_signal((int)info[i].ssi_signo);
	return child;
}

void
signals_let_in(void)
{
	sigset_t before;

	if (signals_repeat)
		return;
	sigprocmask(SIG_SETMASK, &signals_open, &before);
	sigprocmask(SIG_SETMASK, &before, NULL);
}

void
signals_restart_on_hangup(void)
{
	signals_hangup = 1;
}

void
signals_on_figures(void (*tell)(void *), void *arg)
{
	figures_tell = tell;
	figures_arg = arg;
}

void
signals_answer(void)
{
	if (!signals_figures || figures_tell == NULL)
		return;
	signals_figures = 0;
	figures_tell(figures_arg);
}

void
signals_learn(void)
{
	static bool learned;
	struct sigaction sa;

	for (int sig = 1; !learned && sig < NSIG; sig++)
		if (sigaction(sig, NULL, &sa) == 0 && sa.sa_handler == SIG_IGN)
			sigaddset(&ignored, sig);
	learned = true;
}

/* Those with a handler are reset by execve(2). */
void
signals_default(void)
{
	for (int sig = 1; sig < NSIG; sig++)
		if (sigismember(&ignored, sig) == 1)
			signal(sig, SIG_DFL);
}

const char *
signals_name(int sig, char *buf, size_t size)
{
	const char *name = sigabbrev_np(sig);

	if (name != NULL)
		snprintf(buf, size, "SIG%s", name);
	else
		snprintf(buf, size, "signal %d", sig);
	return buf;
}
