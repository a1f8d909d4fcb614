/*
 * listen.c - the life of a listener, from its sockets to its last child.
 * Promises to interpret no byte from the network, and not to end before it is
 * told to; refuses to know what is served.
 */

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "arrive.h"
#include "aside.h"
#include "clock.h"
#include "deeds.h"
#include "exits.h"
#include "figures.h"
#include "fork.h"
#include "listener.h"
#include "log.h"
#include "name.h"
#include "pidfile.h"
#include "signals.h"
#include "title.h"
#include "version.h"

enum { FEW = 8 }; /* descriptors that are polled, mostly: fewer than these */

static void
judge(struct listener *l, pid_t pid, int status)
{
	const struct child_end end = children_forget(&l->children, pid, status);

	deeds_judge(l, &end);
}

/* Orphans among them.  What a child gave back may be what was lacking. */
static void
reap(struct listener *l)
{
	pid_t pid;
	int status;

	l->ended = false;
	while ((pid = waitpid(-1, &status, WNOHANG)) > 0 ||
	    (pid == -1 && errno == EINTR))
		if (pid > 0 && !restart_tried(&l->restart, pid, status))
			judge(l, pid, status);
	accept_relieved(&l->accept);
	l->stale = true;
}

/* Returns true in a child. */
static bool
accept_all(struct listener *l, struct arrival *a)
{
	struct accepted c;

	for (int i = 0; i < l->sockets->count; i++) {
		if ((l->heard >> i & 1) == 0)
			continue;
		accept_take(&l->accept, l->sockets->fd[i], &c);
		if (c.fd != -1 && fork_child(l, &c, i, a))
			return true;
	}
	return false;
}

/*
 * A signal that comes during a rehearsal means a file that is newer than the
 * one that is tried: it is left to the next program, which has it pending.  Who
 * is turned away just now is let go first, if there is an end to them.
 */
static void
restart(struct listener *l)
{
	struct restart *r = &l->restart;

	if (r->proven) {
		if (l->shed->count > 0 && clock_until(r->until) > 0)
			return;
		if (signals_restart)
			raise(SIGHUP);
		restart_go(r, l->sockets, &l->children);
	} else if (r->rehearsal > 0) {
		if (clock_until(r->until) == 0)
			restart_forget(r, "it takes too long when it is tried");
	} else if (signals_restart) {
		signals_restart = 0;
		l->reloading = true;
		notify_reloading(&l->notify);
		restart_try(r, l->sockets, &l->children);
	}
	if (l->reloading && r->file == -1) { /* it has failed */
		l->reloading = false;
		notify_ready(&l->notify);
	}
}

static void
stop_accepting(struct listener *l)
{
	if (l->restart.rehearsal > 0)
		restart_forget(&l->restart, "the service stops");
	notify_stopping(&l->notify);
	sockets_close(l->sockets);
	sockets_remove(l->what);
	l->stop_at = clock_in(l->what->stop_timeout);
	if (l->children.count > 0)
		log_event("stopping", "stopping: %d conversations may end",
		    l->children.count);
}

/* The first signal stops accepting, further ones end conversations. */
static void
stop(struct listener *l)
{
	if (l->stops == 0)
		stop_accepting(l);
	if (signals_stop > 1)
		children_stop(&l->children);
	l->stops = signals_stop;
}

/* Conversations that have not ended by now are ended. */
static void
stop_late(struct listener *l)
{
	log_event("stopping", "stopping: %d conversations must end",
	    l->children.count);
	children_stop(&l->children);
	l->stop_at = CLOCK_NEVER;
}

static int64_t
next_deadline(const struct listener *l, bool accepting)
{
	int64_t next = shed_until(l->shed);

	if (l->notify.next < next)
		next = l->notify.next;
	if (l->stop_at < next)
		next = l->stop_at;
	if (l->restart.rehearsal > 0 && l->restart.until < next)
		next = l->restart.until;
	if (!accepting && l->accept.until < next)
		next = l->accept.until;
	if (l->stale && title_when() < next)
		next = title_when();
	return next;
}

/* Returns with revents that are true, whatever became of the waiting. */
static void
poll_all(struct pollfd *pfd, int n, int ms)
{
	int ready = poll(pfd, (nfds_t)n, ms);

	if (ready == -1 && errno == ENOMEM)
		poll(NULL, 0, ACCEPT_PAUSE);
	for (int i = 0; ready <= 0 && i < n; i++)
		pfd[i].revents = 0;
}

/*
 * The sockets come first, the shed behind them, and the signals last: a child
 * that ended before somebody came has been seen.
 */
static void
wait_for_news(struct listener *l)
{
	const bool accepting =
	    l->sockets->count > 0 && accept_ready(&l->accept);
	const int sockets = l->sockets->count, n = sockets + l->shed->count;
	static ASIDE struct pollfd many[SOCKETS_MAX + SHED_MAX + 1];
	struct pollfd few[FEW], *pfd = n < FEW ? few : many, *signals = pfd + n;

	for (int i = 0; i < sockets; i++)
		pfd[i] = (struct pollfd){
			.fd = accepting ? l->sockets->fd[i] : -1,
			.events = POLLIN,
		};
	shed_prepare(l->shed, pfd + sockets);
	*signals = (struct pollfd){ .fd = l->signals, .events = POLLIN };
	poll_all(pfd, n + 1,
	    clock_until(next_deadline(l, accepting || sockets == 0)));
	l->heard = 0;
	for (int i = 0; i < sockets; i++)
		l->heard |= (uint64_t)(pfd[i].revents != 0) << i;
	shed_work(l->shed, pfd + sockets);
	if (signals->revents != 0)
		l->ended = signals_fetch(l->signals);
}

static int
listen_end(struct listener *l)
{
	log_event("stopped", "stopped");
	if (l->what->pidfile != NULL)
		pidfile_end(l->what->pidfile);
	shed_close(l->shed);
	accept_leave(&l->accept);
	close(l->signals);
	children_free(&l->children);
	restart_leave(&l->restart);
	notify_leave(&l->notify);
	return EXIT_NOBODY;
}

/* Returns true in a child, and false when the listener is to end. */
static bool
listen_loop(struct listener *l, struct arrival *a)
{
	while (l->stops == 0 || l->children.count > 0) {
		wait_for_news(l);
		signals_answer();
		if (l->ended)
			reap(l);
		if (signals_stop > l->stops)
			stop(l);
		if (l->stops == 0)
			restart(l);
		notify_alive(&l->notify);
		fork_title(l);
		if (clock_until(l->stop_at) == 0 && l->children.count > 0)
			stop_late(l);
		if (accept_all(l, a))
			return true;
	}
	return false;
}

static int
cannot(const char *what)
{
	log_line("cannot %s: %s", what, strerror(errno));
	return EXIT_SYSTEM;
}

static void
remove_files(const struct listener *l)
{
	sockets_remove(l->what);
	if (l->what->pidfile != NULL)
		pidfile_end(l->what->pidfile);
}

/* The program is found in its directory, wherever the root is by then. */
static int
drop(struct listener *l)
{
	const struct rights *r = l->what->rights;

	if (r == NULL)
		return 0;
	if (r->root != NULL && restart_hold(&l->restart) == -1)
		return cannot("open the program's directory");
	return rights_drop(r);
}

/*
 * The last that may fail, the rights at the end: without them no file can be
 * removed.  Returns 0, or an exit status after having said what is wrong.
 */
static int
settle(struct listener *l)
{
	int status;

	if ((l->signals = signals_descriptor()) == -1)
		status = cannot("wait for signals");
	else
		status = drop(l);
	if (status != 0)
		remove_files(l);
	return status;
}

/*
 * Says where it listens when all is there that others look for, and with the
 * rights of those who will write to the log: if it is out of reach by then, it
 * is said here, and not by each child.  Returns 0, or an exit status after
 * having said what is wrong.
 */
static int
begin_anew(struct listener *l)
{
	const char *pidfile = l->what->pidfile;
	int status;

	if ((status = sockets_open(l->sockets, l->what)) != 0)
		return status;
	if (children_make(&l->children, l->what->limits->all) == -1)
		return cannot("make a table of children");
	if (pidfile != NULL && pidfile_begin(pidfile) == -1)
		return cannot("write the pidfile");
	if ((status = settle(l)) == 0)
		sockets_tell(l->sockets);
	return status;
}

/*
 * What a process has started, and left, is ours: by that the table knows whom
 * it may end, and no zombie stays where init waits for nobody.
 */
static void
take_in_orphans(void)
{
	if (prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0) == -1)
		log_line("if a process is killed, its program may stay: "
			 "PR_SET_CHILD_SUBREAPER: %s",
		    strerror(errno));
}

/* A child may have ended while there was nobody to see it. */
static int
begin_again(struct listener *l)
{
	reap(l);
	log_event("restarted", "restarted: %s %s, %d conversations go on",
	    program_name, WS_CGI_VERSION, l->children.count);
	return settle(l);
}

static int
listen_begin(struct listener *l)
{
	int status;

	if (restart_init(&l->restart, l->what->argv) == -1)
		return cannot("begin");
	l->restart.pass = l->what->pass;
	switch (restart_take(&l->restart, l->sockets, &l->children,
	    l->what->limits->all)) {
	case 0:
		status = begin_anew(l);
		break;
	case 1:
		status = begin_again(l);
		break;
	default:
		status = EXIT_COMMAND_LINE;
	}
	if (status != 0)
		return status;
	take_in_orphans();
	signals_learn();
	signals_on_figures(figures_tell, l);
	notify_begin(&l->notify);
	notify_ready(&l->notify);
	l->stale = true;
	fork_title(l);
	return 0;
}

/*
 * What it writes for each connection lies with what each child writes, and what
 * is seldom written apart: see listener.h.
 */
int
arrive_listen(const struct listening *what, struct arrival *a, bool *over)
{
	static struct listener l;
	static ASIDE struct {
		struct sockets sockets;
		struct shed shed;
	} aside;
	int status;

	l.sockets = &aside.sockets;
	l.shed = &aside.shed;
	l.what = what;
	l.stop_at = CLOCK_NEVER;
	*over = true;
	accept_begin(&l.accept);
	signals_when_polling();
	if (!isatty(STDERR_FILENO))
		signals_restart_on_hangup();
	if ((status = listen_begin(&l)) != 0) {
		restart_leave(&l.restart);
		return status;
	}
	*over = !listen_loop(&l, a);
	return *over ? listen_end(&l) : 0;
}
