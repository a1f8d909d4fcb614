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

static void
on_stop(int sig)
{
	if (sig != SIGALRM)
		signals_stop++;
	if (signals_repeat)
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

static void
handle_all(int how)
{
	sigset_t ours;

	handle(SIGTERM, on_stop);
	handle(SIGINT, on_stop);
	handle(SIGHUP, on_stop);
	handle(SIGALRM, on_stop);
	handle(SIGCHLD, on_child);
	handle(SIGPIPE, SIG_IGN);
	sigemptyset(&signals_open);
	sigemptyset(&ours);
	sigaddset(&ours, SIGTERM);
	sigaddset(&ours, SIGINT);
	sigaddset(&ours, SIGHUP);
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
signals_restart_on_hangup(void)
{
	handle(SIGHUP, on_restart);
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
