/*
 * fork.c - who is served by a child, who is turned away, and what the child
 * keeps.  Holds no connection open that a child serves.
 */

#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "client.h"
#include "clock.h"
#include "fork.h"
#include "log.h"
#include "title.h"

void
fork_counts(struct listener *l)
{
	title_words("listening, ");
	title_number((uint64_t)l->children.count);
	title_words(" of ");
	title_number((uint64_t)l->what->max);
	title_words(" connections");
	l->stale = false;
}

void
fork_title(struct listener *l)
{
	if (!l->stale || clock_until(title_when()) > 0)
		return;
	fork_counts(l);
	title_show();
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

/*
 * What the child keeps of all this is its own connection.  Memory stays as it
 * is: to give it back would copy pages of it.
 */
static void
become_child(struct listener *l)
{
	sockets_leave(l->sockets);
	shed_close(l->shed);
	accept_end(&l->accept);
	close(l->signals);
	children_leave(&l->children);
	restart_leave(&l->restart);
	notify_end(&l->notify);
}

/* As the listener knows it, from whom the child has it. */
static void
describe(struct arrival *a, const struct listener *l, const struct accepted *c,
    int socket)
{
	*a = (struct arrival){
		.in = c->fd,
		.out = c->fd,
		.local = l->sockets->local[socket],
		.listened = true,
		.scgi = l->sockets->scgi[socket],
	};
	address_name(&a->peer, &c->peer);
	if (!a->local.local && !a->local.loopback)
		name_interface(&a->local, c->fd);
}

static void
give_row(struct arrival *a, const struct children *c, int row)
{
	a->place = (struct child_place){ c->shared, c->rows, row };
	a->group = &c->shared->row[row].group;
}

/* Who speaks for others is not one source; see client.h. */
static void
find_source(struct source *source, const struct listener *l,
    const struct accepted *c, const struct arrival *a)
{
	address_source(source, &c->peer);
	if (a->scgi || client_is_proxy(l->what->trust, &a->peer))
		source->counted = false;
}

/* May a child be started for who comes from there?  If not, the log says so. */
static bool
is_affordable(struct listener *l, const struct source *source,
    const struct endpoint *peer)
{
	const int max = l->what->max, max_source = l->what->max_source;

	if (l->children.count >= max)
		log_seldom(&l->full, "%s is turned away: %d connections in all",
		    peer->address, max);
	else if (!children_may_add(&l->children, source, max_source))
		log_seldom(&l->full,
		    "%s is turned away: %d connections from there",
		    peer->address, max_source);
	else
		return true;
	return false;
}

static void
turn_away(struct listener *l, int fd)
{
	l->children.refused++;
	shed_add(l->shed, fd);
}

bool
fork_child(struct listener *l, const struct accepted *c, int socket,
    struct arrival *a)
{
	const int row = children_room(&l->children);
	struct source source;
	pid_t pid;

	describe(a, l, c, socket);
	find_source(&source, l, c, a);
	a->counted = source.counted;
	if (c->lacked || !is_affordable(l, &source, &a->peer)) {
		turn_away(l, c->fd);
		return false;
	}
	switch (pid = fork()) {
	case -1:
		log_seldom(&l->lacking, "fork: %s", strerror(errno));
		turn_away(l, c->fd);
		return false;
	case 0:
		become_child(l);
		give_row(a, &l->children, row);
		return true;
	default:
		children_add(&l->children, row, pid, &source);
		l->stale = true;
		close(c->fd);
		return false;
	}
}
