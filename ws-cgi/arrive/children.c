/*
 * children.c - who is served, and what is left to do when a process dies.
 * Forks nothing and waits for nobody.
 */

#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "children.h"
#include "log.h"

static size_t
shared_size(const struct children *c)
{
	return (size_t)c->rows * sizeof(*c->shared);
}

static int
shared_map(struct children *c)
{
	void *map;

	if (ftruncate(c->fd, (off_t)shared_size(c)) == -1)
		return -1;
	map = mmap(NULL, shared_size(c), PROT_READ | PROT_WRITE, MAP_SHARED,
	    c->fd, 0);
	if (map == MAP_FAILED)
		return -1;
	c->shared = map;
	return 0;
}

int
children_make(struct children *c, int rows)
{
	return children_adopt(c, rows,
	    memfd_create("ws-cgi children", MFD_CLOEXEC));
}

int
children_adopt(struct children *c, int rows, int fd)
{
	*c = (struct children){ .rows = rows, .fd = fd };
	c->row = calloc((size_t)rows, sizeof(*c->row));
	if (c->row != NULL && c->fd != -1 && shared_map(c) == 0)
		return 0;
	children_leave(c);
	return -1;
}

void
children_leave(struct children *c)
{
	const int error = errno;

	free(c->row);
	c->row = NULL;
	if (c->fd != -1)
		close(c->fd);
	c->fd = -1;
	errno = error;
}

void
children_free(struct children *c)
{
	munmap(c->shared, shared_size(c));
	children_leave(c);
}

/* All bits set is no address: RFC 4291 2.7. */
static uint64_t
key_of(const struct source *from)
{
	return from->counted ? ~from->net : 0;
}

static int
count(const struct child_shared *all, int rows, uint64_t key)
{
	int n = 0;

	for (int i = 0; key != 0 && i < rows; i++)
		n += atomic_load(&all[i].source) == key;
	return n;
}

int
children_from(const struct children *c, const struct source *from)
{
	return count(c->shared, c->rows, key_of(from));
}

/*
 * Each writes before it counts, so of those that come at once the last to
 * write counts all.
 */
bool
children_claim(const struct child_place *p, const struct source *from, int max)
{
	atomic_store(&p->all[p->row].source, key_of(from));
	if (count(p->all, p->rows, key_of(from)) <= max)
		return true;
	atomic_store(&p->all[p->row].source, 0);
	return false;
}

static int
by_net(const void *a, const void *b)
{
	const uint64_t *x = a, *y = b;

	return (*x > *y) - (*x < *y);
}

/* The nets that are counted, equal ones side by side.  Returns how many. */
static int
sorted_nets(const struct children *c, uint64_t *net)
{
	uint64_t key;
	int n = 0;

	for (int i = 0; i < c->rows; i++)
		if ((key = atomic_load(&c->shared[i].source)) != 0)
			net[n++] = ~key;
	qsort(net, (size_t)n, sizeof(*net), by_net);
	return n;
}

/* Put it where it belongs among the n largest, if it does.  Returns how many are there. */
static int
rank(struct crowd *top, int n, int most, const struct crowd *crowd)
{
	int at = n < most ? n++ : most;

	for (; at > 0 && top[at - 1].count < crowd->count; at--)
		if (at < most)
			top[at] = top[at - 1];
	if (at < most)
		top[at] = *crowd;
	return n;
}

int
children_crowds(const struct children *c, struct crowd *top, int most)
{
	uint64_t *net = calloc((size_t)c->rows, sizeof(*net));
	const int all = net == NULL ? 0 : sorted_nets(c, net);
	struct crowd crowd = { .source.counted = true };
	int n = 0;

	for (int i = 0; i < all; i++) {
		crowd.source.net = net[i];
		crowd.count++;
		if (i + 1 < all && net[i + 1] == net[i])
			continue;
		n = rank(top, n, most, &crowd);
		crowd.count = 0;
	}
	free(net);
	return n;
}

int
children_room(const struct children *c)
{
	for (int i = 0; i < c->rows; i++)
		if (c->row[i].pid == 0)
			return i;
	return -1;
}

void
children_add(struct children *c, int row, pid_t pid, const struct source *from)
{
	c->row[row].pid = pid;
	if (from->counted)
		atomic_store(&c->shared[row].source, key_of(from));
	c->count++;
	c->served++;
}

static void
forget_row(struct children *c, int row)
{
	if (c->shared[row].group > 0)
		kill(-c->shared[row].group, SIGKILL);
	c->shared[row].group = 0;
	atomic_store(&c->shared[row].source, 0);
	c->row[row].pid = 0;
	c->count--;
}

/*
 * If it was killed, it could not end its program: that is done here, to the
 * whole group and at once, since nobody waits for it.
 */
void
children_forget(struct children *c, pid_t pid, int status)
{
	for (int i = 0; i < c->rows; i++)
		if (c->row[i].pid == pid)
			forget_row(c, i);
	if (WIFSIGNALED(status))
		log_line("the process %d was killed by signal %d", (int)pid,
		    WTERMSIG(status));
}

void
children_stop(const struct children *c)
{
	for (int i = 0; i < c->rows; i++)
		if (c->row[i].pid > 0)
			kill(c->row[i].pid, SIGTERM);
}
