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
on_restart(int sig)
{
	(void)sig;
	signals_restart = 1;
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
}

void
signals_early(void)
{
	handle(SIGUSR1, on_figures);
}

static void
handle_all(int how)
{
	sigset_t ours;

	handle(SIGTERM, on_stop);
	handle(SIGINT, on_stop);
	handle(SIGHUP, on_stop);
	handle(SIGUSR1, on_figures);
	handle(SIGALRM, on_alarm);
	handle(SIGCHLD, on_child);
	handle(SIGPIPE, SIG_IGN);
	sigemptyset(&signals_open);
	sigemptyset(&ours);
	sigaddset(&ours, SIGTERM);
	sigaddset(&ours, SIGINT);
	sigaddset(&ours, SIGHUP);
	sigaddset(&ours, SIGUSR1);
	sigaddset(&ours, SIGALRM);
	sigaddset(&ours, SIGCHLD);
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
	sigset_t before;

	if (signals_repeat)
		return;
	sigprocmask(SIG_SETMASK, &signals_open, &before);
	sigprocmask(SIG_SETMASK, &before, NULL);
}

void
signals_restart_on_hangup(void)
{
	handle(SIGHUP, on_restart);
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
