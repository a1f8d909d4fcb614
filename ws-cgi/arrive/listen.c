/*
 * listen.c - a listener that forks.  Promises to read no byte from the
 * network, to hold no connection open, and not to end before it is told to;
 * refuses to know what is served.
 */

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "arrive.h"
#include "clock.h"
#include "exits.h"
#include "log.h"
#include "signals.h"
#include "title.h"

enum {
	SOCKETS_MAX = 64,
	PAUSE = 100 /* ms without accepting, after a failure to serve */
};

struct listener {
	const struct listening *what;
	struct pollfd socket[SOCKETS_MAX];
	struct endpoint local[SOCKETS_MAX];
	nfds_t sockets;
	pid_t *child; /* what->max process ids, 0 where there is none */
	pid_t *group; /* their programs' process groups, in shared memory */
	int children;
	int64_t paused; /* until then */
	int stops;	/* signals acted on */
};

static int
add_socket(struct listener *l, int fd, const struct address *a)
{
	struct sockaddr_storage ss = { 0 };
	socklen_t len = sizeof(ss);
	struct endpoint *e = &l->local[l->sockets];

	if (getsockname(fd, (struct sockaddr *)&ss, &len) == -1) {
		log_line("cannot listen: getsockname: %s", strerror(errno));
		return EXIT_SYSTEM;
	}
	address_name(e, &ss);
	l->socket[l->sockets++] = (struct pollfd){ .fd = fd, .events = POLLIN };
	if (e->local)
		log_line("listening on unix:%s", a->path);
	else
		log_line(strchr(e->address, ':') == NULL ?
			"listening on %s:%s" :
			"listening on [%s]:%s",
		    e->address, e->port);
	return 0;
}

static int
open_sockets(struct listener *l)
{
	int fd[ADDRESS_SOCKETS], n, status;
	const char *why;

	for (size_t i = 0; i < l->what->addresses; i++) {
		if (l->sockets + ADDRESS_SOCKETS > SOCKETS_MAX) {
			log_line("too many addresses to listen on");
			return EXIT_COMMAND_LINE;
		}
		n = address_listen(&l->what->address[i], fd, &why);
		if (n == -1) {
			log_line("cannot listen: %s", why);
			return EXIT_SYSTEM;
		}
		for (int k = 0; k < n; k++)
			if ((status = add_socket(l, fd[k],
				 &l->what->address[i])) != 0)
				return status;
	}
	return 0;
}

static void
close_sockets(struct listener *l, bool remove)
{
	for (nfds_t i = 0; i < l->sockets; i++)
		close(l->socket[i].fd);
	l->sockets = 0;
	for (size_t i = 0; remove && i < l->what->addresses; i++)
		if (l->what->address[i].path != NULL)
			unlink(l->what->address[i].path);
}

static int
make_tables(struct listener *l)
{
	size_t max = (size_t)l->what->max;

	l->child = calloc(max, sizeof(*l->child));
	l->group = mmap(NULL, max * sizeof(*l->group), PROT_READ | PROT_WRITE,
	    MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (l->child != NULL && l->group != MAP_FAILED)
		return 0;
	log_line("no memory for the table of children");
	free(l->child);
	return EXIT_SYSTEM;
}

/*
 * A child is gone.  If it was killed, it could not end its program: that is
 * done here, to the whole group and at once, since nobody waits for it.
 */
static void
forget_child(struct listener *l, pid_t pid, int status)
{
	for (int i = 0; i < l->what->max; i++) {
		if (l->child[i] != pid)
			continue;
		if (l->group[i] > 0)
			kill(-l->group[i], SIGKILL);
		l->child[i] = l->group[i] = 0;
		l->children--;
		break;
	}
	if (WIFSIGNALED(status))
		log_line("the process %d was killed by signal %d", (int)pid,
		    WTERMSIG(status));
}

static void
show_children(const struct listener *l)
{
	title_set("listening, %d of %d connections", l->children, l->what->max);
}

static void
reap(struct listener *l)
{
	pid_t pid;
	int status;

	signals_child = 0;
	while ((pid = waitpid(-1, &status, WNOHANG)) > 0 ||
	    (pid == -1 && errno == EINTR))
		if (pid > 0)
			forget_child(l, pid, status);
	show_children(l);
}

static int
free_entry(const struct listener *l)
{
	int i = 0;

	while (l->child[i] != 0)
		i++;
	return i;
}

/* Who listens on all interfaces learns from the connection which it is. */
static void
name_interface(struct endpoint *local, int fd)
{
	struct sockaddr_storage ss = { 0 };
	socklen_t len = sizeof(ss);
	const bool loopback = local->loopback;

	if (getsockname(fd, (struct sockaddr *)&ss, &len) == -1)
		return;
	address_name(local, &ss);
	local->loopback = loopback; /* of the listener: see admit.c */
}

/* What the child keeps of all this is its own connection. */
static void
become_child(struct listener *l, int entry, int fd, nfds_t socket,
    const struct sockaddr_storage *ss, struct arrival *a)
{
	*a = (struct arrival){
		.in = fd,
		.out = fd,
		.local = l->local[socket],
		.listened = true,
		.group = &l->group[entry],
	};
	address_name(&a->peer, ss);
	if (!a->local.local && !a->local.loopback)
		name_interface(&a->local, fd);
	close_sockets(l, false);
	free(l->child);
}

/* Something that is short now may be there again soon. */
static void
pause_accepting(struct listener *l, const char *what)
{
	log_line("%s: %s; no new connections for %d ms", what, strerror(errno),
	    PAUSE);
	l->paused = clock_in(PAUSE);
}

/* Returns true in the child. */
static bool
accept_one(struct listener *l, nfds_t socket, struct arrival *a)
{
	struct sockaddr_storage ss = { 0 };
	socklen_t len = sizeof(ss);
	int entry = free_entry(l);
	int fd;

	fd = accept4(l->socket[socket].fd, (struct sockaddr *)&ss, &len,
	    SOCK_CLOEXEC);
	if (fd == -1) {
		if (errno == EMFILE || errno == ENFILE || errno == ENOBUFS ||
		    errno == ENOMEM)
			pause_accepting(l, "accept");
		return false;
	}
	switch (l->child[entry] = fork()) {
	case -1:
		l->child[entry] = 0;
		pause_accepting(l, "fork");
		break;
	case 0:
		become_child(l, entry, fd, socket, &ss, a);
		return true;
	default:
		l->children++;
		show_children(l);
	}
	close(fd);
	return false;
}

/* Returns true in a child. */
static bool
accept_all(struct listener *l, struct arrival *a)
{
	for (nfds_t i = 0; i < l->sockets; i++)
		if (l->socket[i].revents != 0 && l->children < l->what->max &&
		    accept_one(l, i, a))
			return true;
	return false;
}

static void
stop_children(const struct listener *l)
{
	for (int i = 0; i < l->what->max; i++)
		if (l->child[i] > 0)
			kill(l->child[i], SIGTERM);
}

/* The first signal stops accepting, further ones end conversations. */
static void
stop(struct listener *l)
{
	if (l->stops == 0)
		close_sockets(l, true);
	if (l->stops == 0 && l->children > 0)
		log_line("stopping: %d conversations may end", l->children);
	if (signals_stop > 1)
		stop_children(l);
	l->stops = signals_stop;
}

static bool
is_full(const struct listener *l)
{
	return l->children == l->what->max || clock_until(l->paused) > 0;
}

static void
wait_for_news(struct listener *l)
{
	nfds_t n = is_full(l) ? 0 : l->sockets;
	int ms = clock_until(l->paused);
	struct timespec ts = clock_span(ms);

	for (nfds_t i = 0; i < l->sockets; i++)
		l->socket[i].revents = 0;
	ppoll(l->socket, n, ms > 0 ? &ts : NULL, &signals_open);
}

static int
listen_end(struct listener *l)
{
	log_line("stopped");
	munmap(l->group, (size_t)l->what->max * sizeof(*l->group));
	free(l->child);
	return EXIT_NOBODY;
}

/* Returns true in a child, and false when the listener is to end. */
static bool
listen_loop(struct listener *l, struct arrival *a)
{
	while (l->stops == 0 || l->children > 0) {
		wait_for_news(l);
		if (signals_child)
			reap(l);
		if (signals_stop > l->stops)
			stop(l);
		if (accept_all(l, a))
			return true;
	}
	return false;
}

int
arrive_listen(const struct listening *what, struct arrival *a, bool *over)
{
	struct listener l = { .what = what };
	int status;

	*over = true;
	signals_when_polling();
	if ((status = open_sockets(&l)) != 0 || (status = make_tables(&l)) != 0)
		return status;
	show_children(&l);
	*over = !listen_loop(&l, a);
	return *over ? listen_end(&l) : 0;
}
