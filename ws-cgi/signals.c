/*
 * signals.c - flags set by handlers that do nothing else.
 */

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "signals.h"

enum { AGAIN = 1 }; /* s between alarms that repeat a signal */

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
on_stop(int sig)
{
	(void)sig;
	signals_stop++;
	if (signals_repeat)
		alarm(AGAIN);
}

static void
on_figures(int sig)
{
	(void)sig;
	signals_figures = 1;
	if (signals_repeat)
		alarm(AGAIN);
}

static void
on_alarm(int sig)
{
	(void)sig;
	if (signals_repeat && (signals_stop > 0 || signals_figures))
		alarm(AGAIN);
}

static void
on_hangup(int sig)
{
	if (signals_hangup)
		signals_restart = 1;
	else
		on_stop(sig);
}

static void
on_child(int sig)
{
	(void)sig;
	signals_child = 1;
}

static void
handle(int sig, void (*handler)(int))
{
	struct sigaction sa = { .sa_handler = handler };

	sigfillset(&sa.sa_mask);
	sigaction(sig, &sa, NULL);
	if (handler != SIG_IGN)
		sigaddset(&ours, sig);
}

void
signals_early(void)
{
	handle(SIGUSR1, on_figures);
}

/* A listener's child has its handlers from there, and does it no second time. */
static void
handle_all(int how)
{
	static bool handled;

	if (!handled) {
		handle(SIGTERM, on_stop);
		handle(SIGINT, on_stop);
		handle(SIGHUP, on_hangup);
		handle(SIGUSR1, on_figures);
		handle(SIGALRM, on_alarm);
		handle(SIGCHLD, on_child);
		handle(SIGPIPE, SIG_IGN);
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

void
signals_let_in(void)
{
	sigset_t before, pending;

	if (signals_repeat || sigpending(&pending) == -1 ||
	    sigandset(&pending, &pending, &ours) == -1 ||
	    sigisemptyset(&pending))
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
