/*
 * fork.c - who is served by a child, who is turned away, and what the child
 * keeps.  Holds no connection open that a child serves.
 */

#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "client.h"
#include "fork.h"
#include "log.h"
#include "title.h"

void
fork_title(const struct listener *l)
{
	title_set("listening, %d of %d connections", l->children.count,
	    l->what->max);
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
become_child(struct listener *l, int row, const struct accepted *c, int socket,
    struct arrival *a)
{
	struct child_shared *all = l->children.shared;

	*a = (struct arrival){
		.in = c->fd,
		.out = c->fd,
		.local = l->sockets.local[socket],
		.listened = true,
		.scgi = l->sockets.scgi[socket],
		.place = { .all = all, .rows = l->children.rows, .row = row },
		.group = &all[row].group,
	};
	address_name(&a->peer, &c->peer);
	if (!a->local.local && !a->local.loopback)
		name_interface(&a->local, c->fd);
	sockets_close(&l->sockets);
	shed_close(&l->shed);
	accept_end(&l->accept);
	children_leave(&l->children);
	restart_leave(&l->restart);
	notify_end(&l->notify);
}

/* Who speaks for others is not one source; see client.h. */
static void
find_source(struct source *source, const struct listener *l,
    const struct accepted *c, int socket)
{
	struct endpoint peer;

	address_source(source, &c->peer);
	address_name(&peer, &c->peer);
	if (l->sockets.scgi[socket] || client_is_proxy(l->what->trust, &peer))
		source->counted = false;
}

/* May a child be started for who comes from there?  If not, the log says so. */
static bool
is_affordable(struct listener *l, const struct source *source,
    const struct sockaddr_storage *ss)
{
	struct endpoint peer;

	if (l->children.count < l->what->max &&
	    children_from(&l->children, source) < l->what->max_source)
		return true;
	address_name(&peer, ss);
	if (l->children.count >= l->what->max)
		log_seldom(&l->full, "%s is turned away: %d connections in all",
		    peer.address, l->what->max);
	else
		log_seldom(&l->full,
		    "%s is turned away: %d connections from there",
		    peer.address, l->what->max_source);
	return false;
}

static void
turn_away(struct listener *l, int fd)
{
	l->children.refused++;
	shed_add(&l->shed, fd);
}

bool
fork_child(struct listener *l, const struct accepted *c, int socket,
    struct arrival *a)
{
	const int row = children_room(&l->children);
	struct source source;
	pid_t pid;

	find_source(&source, l, c, socket);
	if (c->lacked || !is_affordable(l, &source, &c->peer)) {
		turn_away(l, c->fd);
		return false;
	}
	switch (pid = fork()) {
	case -1:
		log_seldom(&l->lacking, "fork: %s", strerror(errno));
		turn_away(l, c->fd);
		return false;
	case 0:
		become_child(l, row, c, socket, a);
		a->counted = source.counted;
		return true;
	default:
		children_add(&l->children, row, pid, &source);
		fork_title(l);
		close(c->fd);
		return false;
	}
}
