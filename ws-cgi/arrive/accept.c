/*
 * accept.c - accept4(2), and its errors.  Refuses to know what becomes of a
 * connection.
 */

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "accept.h"
#include "clock.h"

enum { FIRST = STDERR_FILENO + 1 };

void
accept_begin(struct accept *a)
{
	*a = (struct accept){ .reserve = -1 };
}

void
accept_leave(const struct accept *a)
{
	if (a->reserve != -1)
		close(a->reserve);
}

bool
accept_ready(struct accept *a)
{
	if (clock_until(a->until) > 0)
		return false;
	if (a->reserve == -1)
		a->reserve = fcntl(STDERR_FILENO, F_DUPFD_CLOEXEC, FIRST);
	if (a->reserve == -1)
		a->until = clock_in(ACCEPT_PAUSE);
	return a->reserve != -1;
}

static void
take(int listening, struct accepted *c)
{
	socklen_t len = sizeof(c->peer);

	c->peer = (struct sockaddr_storage){ 0 };
	c->fd =
	    accept4(listening, (struct sockaddr *)&c->peer, &len, SOCK_CLOEXEC);
}

/*
 * The system cannot give us the connection, which stays in the queue and would
 * wake us at once again.  Where descriptors are what is lacking, the reserve
 * is one; it is opened again when that is possible.
 */
static void
take_failed(struct accept *a, int listening, struct accepted *c)
{
	const bool descriptors = errno == EMFILE || errno == ENFILE;

	if (!descriptors && errno != ENOBUFS && errno != ENOMEM)
		return;
	log_seldom(&a->lacking, "accept: %s", strerror(errno));
	a->until = clock_in(ACCEPT_PAUSE);
	if (!descriptors)
		return;
	accept_leave(a);
	a->reserve = -1;
	c->lacked = true;
	take(listening, c);
}

void
accept_take(struct accept *a, int listening, struct accepted *c)
{
	c->lacked = false;
	take(listening, c);
	if (c->fd == -1)
		take_failed(a, listening, c);
}

void
accept_relieved(struct accept *a)
{
	a->until = 0;
}
