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
	title_number((uint64_t)l->what->limits->all);
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
	endpoint_name(local, &ss);
	local->loopback = loopback; /* of the listener: see admit.c */
}

/*
 * What the child keeps of all this is its own connection.  Memory stays as it
 * is: to write to it, or give it back, would copy pages of it.
 */
static void
become_child(const struct listener *l)
{
	sockets_leave(l->sockets);
	shed_close(l->shed);
	accept_leave(&l->accept);
	close(l->signals);
	children_leave(&l->children);
	restart_leave(&l->restart);
	notify_leave(&l->notify);
}

/* A connection, as the listener knows it. */
struct known {
	const struct accepted *accepted;
	int socket; /* that it came by */
	struct endpoint peer;
	struct source source;
	bool exempt; /* from penalties, as a peer */
	int row;     /* of the child */
};

static void
describe(struct arrival *a, const struct listener *l, const struct known *k)
{
	const struct children *c = &l->children;
	const int fd = k->accepted->fd;

	*a = (struct arrival){
		.in = fd,
		.out = fd,
		.peer = k->peer,
		.local = l->sockets->local[k->socket],
		.listened = true,
		.scgi = l->sockets->scgi[k->socket],
		.redirect = l->sockets->redirect[k->socket],
		.counted = k->source.counted,
		.place = { c->shared, c->rows, k->row },
		.group = &c->shared->row[k->row].group,
	};
	if (!a->local.local && !a->local.loopback)
		name_interface(&a->local, fd);
}

/* Who speaks for others is not one source; see client.h. */
static void
find_source(struct known *k, const struct listener *l)
{
	endpoint_source(&k->source, &k->accepted->peer, &l->what->limits->bits);
	if (l->sockets->scgi[k->socket] ||
	    client_is_proxy(l->what->trust, &k->peer))
		k->source.counted = false;
	k->exempt = k->source.counted &&
	    penalties_exempt(&l->what->limits->penalties, &k->peer);
}

/* May a child be started for who comes from there?  If not, the log says so. */
static bool
is_affordable(struct listener *l, const struct known *k)
{
	const struct limits *limits = l->what->limits;
	const char *address = k->peer.address;

	if (l->children.count >= limits->all)
		log_seldom(&l->full, "%s is turned away: %d connections in all",
		    address, limits->all);
	else if (!children_may_add(&l->children, &k->source, limits->source))
		log_seldom(&l->full,
		    "%s is turned away: %d connections from there", address,
		    limits->source);
	else
		return true;
	return false;
}

/* May anybody from there be let in just now?  Likewise. */
static bool
is_welcome(struct listener *l, const struct known *k)
{
	struct penalties *p = &l->children.shared->penalties;
	const uint64_t key = children_key(&k->source);
	const int rate = l->what->limits->rate;
	const int64_t left = k->exempt ? 0 : penalties_left(p, key);

	if (left > 0)
		log_seldom(&l->full,
		    "%s is turned away: it is penalised for %d s more",
		    k->peer.address, (int)((left + 999) / 1000));
	else if (!penalties_rate(p, key, rate))
		log_seldom(&l->full,
		    "%s is turned away: over %d new connections a second from "
		    "there",
		    k->peer.address, rate);
	else
		return true;
	return false;
}

static void
turn_away(struct listener *l, int fd, int socket)
{
	const bool tls = l->what->tls && l->sockets->redirect[socket] == 0;

	l->children.refused++;
	shed_add(l->shed, fd, tls);
}

/* What it writes before the fork is on the stack, of which both copy a page. */
bool
fork_child(struct listener *l, const struct accepted *c, int socket,
    struct arrival *a)
{
	struct known k = {
		.accepted = c,
		.socket = socket,
		.row = children_room(&l->children),
	};
	pid_t pid;

	endpoint_name(&k.peer, &c->peer);
	find_source(&k, l);
	if (c->lacked || !is_affordable(l, &k) || !is_welcome(l, &k)) {
		turn_away(l, c->fd, socket);
		return false;
	}
	children_prepare(&l->children, k.row, k.exempt);
	switch (pid = fork()) {
	case -1:
		log_seldom(&l->lacking, "fork: %s", strerror(errno));
		turn_away(l, c->fd, socket);
		return false;
	case 0:
		become_child(l);
		describe(a, l, &k);
		return true;
	default:
		children_add(&l->children, k.row, pid, &k.source);
		l->stale = true;
		close(c->fd);
		return false;
	}
}
