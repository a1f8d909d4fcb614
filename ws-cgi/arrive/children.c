/*
 * children.c - who is served, and what is left to do when a process dies.
 * Forks nothing and waits for nobody.
 */

#include <assert.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "children.h"
#include "log.h"

static size_t
table_size(const struct children *c)
{
	return (size_t)c->rows * sizeof(*c->row);
}

static size_t
shared_size(const struct children *c)
{
	return sizeof(*c->shared) + (size_t)c->rows * sizeof(c->shared->row[0]);
}

static void *
map(size_t size, int flags, int fd)
{
	void *p = mmap(NULL, size, PROT_READ | PROT_WRITE, flags, fd, 0);

	return p == MAP_FAILED ? NULL : p;
}

int
children_make(struct children *c, int rows)
{
	return children_adopt(c, rows,
	    memfd_create("ws-cgi children", MFD_CLOEXEC));
}

/*
 * What a child does not see costs no fork, and no page of it has to be copied
 * when a row is written after one.
 */
int
children_adopt(struct children *c, int rows, int fd)
{
	*c = (struct children){ .rows = rows, .fd = fd };
	if (fd == -1 || ftruncate(fd, (off_t)shared_size(c)) == -1)
		return -1;
	c->row = map(table_size(c), MAP_PRIVATE | MAP_ANONYMOUS, -1);
	c->shared = map(shared_size(c), MAP_SHARED, fd);
	if (c->row == NULL || c->shared == NULL)
		return -1;
	return madvise(c->row, table_size(c), MADV_DONTFORK);
}

void
children_free(struct children *c)
{
	munmap(c->row, table_size(c));
	munmap(c->shared, shared_size(c));
	children_leave(c);
}

void
children_leave(const struct children *c)
{
	close(c->fd);
}

/* Rows. */

/* Where the rows with pids of the same hash begin. */
static int *
chain(struct children *c, pid_t pid)
{
	return &c->row[pid % c->rows].first;
}

static void
push(struct children *c, int *list, int row)
{
	c->row[row].next = *list;
	*list = row + 1;
}

static void
free_row(struct children *c, int row)
{
	c->row[row].pid = 0;
	push(c, &c->free, row);
}

void
children_copied(struct children *c, int rows)
{
	c->used = rows;
	for (int i = 0; i < rows; i++)
		c->row[i].first = 0;
	for (int i = rows - 1; i >= 0; i--)
		if (c->row[i].pid == 0) {
			free_row(c, i);
		} else {
			push(c, chain(c, c->row[i].pid), i);
			c->count++;
		}
}

int
children_room(const struct children *c)
{
	if (c->free != 0)
		return c->free - 1;
	return c->used < c->rows ? c->used : -1;
}

/* Take the row of this process out of its chain.  Returns it, or -1. */
static int
take_out(struct children *c, pid_t pid)
{
	int *link = chain(c, pid);
	int row;

	while (*link != 0 && c->row[*link - 1].pid != pid)
		link = &c->row[*link - 1].next;
	if ((row = *link - 1) != -1)
		*link = c->row[row].next;
	return row;
}

/* Keys. */

/* All bits set is no address: RFC 4291 2.7. */
uint64_t
children_key(const struct source *from)
{
	return from->counted ? ~from->net : 0;
}

struct source
children_source(uint64_t key)
{
	return (struct source){ .counted = key != 0, .net = ~key };
}

/* Of keys that differ in a few bits, as neighbours do: Knuth, TAOCP 6.4. */
static _Atomic int *
crowd_of(struct children_shared *s, uint64_t key)
{
	return &s->crowd[key * 0x9e3779b97f4a7c15U >> 52];
}

static_assert(CHILDREN_HASHES == 1 << (64 - 52), "a hash is 12 bits");

static int
count(const struct children_shared *s, int rows, enum child_key what,
    uint64_t key)
{
	int n = 0;

	for (int i = 0; i < rows; i++)
		n += atomic_load(&s->row[i].key[what]) == key;
	return n;
}

/* A crowd of one hash may be of several keys: then they are counted. */
static bool
is_within(struct children_shared *s, int rows, enum child_key what,
    uint64_t key, int max)
{
	return atomic_load(crowd_of(s, key)) <= max ||
	    count(s, rows, what, key) <= max;
}

bool
children_may_add(const struct children *c, const struct source *from, int max)
{
	return !from->counted ||
	    is_within(c->shared, c->rows, CHILD_SOURCE, children_key(from),
		max - 1);
}

/* In this order, a process that dies in between leaves a crowd too large. */
static void
count_in(struct children_shared *s, int row, enum child_key what, uint64_t key)
{
	atomic_fetch_add(crowd_of(s, key), 1);
	atomic_store(&s->row[row].key[what], key);
}

static void
count_out(struct children_shared *s, int row, enum child_key what)
{
	const uint64_t key = atomic_exchange(&s->row[row].key[what], 0);

	if (key != 0)
		atomic_fetch_sub(crowd_of(s, key), 1);
}

/*
 * Each writes before it counts, so of those that come at once the last to
 * write counts all.
 */
bool
children_claim(const struct child_place *p, enum child_key what, uint64_t key,
    int max)
{
	count_in(p->shared, p->row, what, key);
	if (is_within(p->shared, p->rows, what, key, max))
		return true;
	count_out(p->shared, p->row, what);
	return false;
}

void
children_tell(const struct child_place *p, enum child_deed deed)
{
	_Atomic int *told = &p->shared->row[p->row].deed;

	if (atomic_load(told) != DEED_EXEMPT)
		atomic_store(told, (int)deed);
}

void
children_other(const struct child_place *p, pid_t pid)
{
	atomic_store(&p->shared->row[p->row].other, pid);
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
		if ((key = atomic_load(&c->shared->row[i].key[CHILD_SOURCE])) !=
		    0)
			net[n++] = ~key;
	qsort(net, (size_t)n, sizeof(*net), by_net);
	return n;
}

/*
 * Put it where it belongs among the n largest, if it does.  Returns how many
 * are there.
 */
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

void
children_prepare(struct children *c, int row, bool exempt)
{
	const int deed = exempt ? DEED_EXEMPT : DEED_NOTHING;

	if (atomic_load(&c->shared->row[row].deed) != deed)
		atomic_store(&c->shared->row[row].deed, deed);
}

void
children_add(struct children *c, int row, pid_t pid, const struct source *from)
{
	if (row == c->used)
		c->used++;
	else
		c->free = c->row[row].next;
	c->row[row].pid = pid;
	push(c, chain(c, pid), row);
	if (from->counted)
		count_in(c->shared, row, CHILD_SOURCE, children_key(from));
	c->count++;
	c->served++;
}

static bool
has_row(struct children *c, pid_t pid)
{
	int link = *chain(c, pid);

	while (link != 0 && c->row[link - 1].pid != pid)
		link = c->row[link - 1].next;
	return link != 0;
}

/*
 * The other one has become our child when its parent ended; its own end, if it
 * was killed, is what counts.  But who has been taken over may name anybody.
 * Returns whether the row is its own now.
 */
static bool
outlives(struct children *c, int row, int *status)
{
	const pid_t other = atomic_exchange(&c->shared->row[row].other, 0);
	int its;

	switch (other > 0 && !has_row(c, other) ?
		waitpid(other, &its, WNOHANG) :
		-1) {
	case -1:
		return false;
	case 0:
		c->row[row].pid = other;
		push(c, chain(c, other), row);
		return true;
	default:
		if (WIFSIGNALED(its))
			*status = its;
		return false;
	}
}

/* What was there, but not once more. */
static struct child_end
end_of_row(struct children *c, int row)
{
	struct child_shared *s = &c->shared->row[row];
	const struct child_end end = {
		.source = atomic_load(&s->key[CHILD_SOURCE]),
		.deed = (enum child_deed)atomic_load(&s->deed),
	};

	if (end.deed != DEED_EXEMPT)
		atomic_store(&s->deed, DEED_NOTHING);
	return end;
}

static void
forget_row(struct children *c, int row)
{
	struct child_shared *s = &c->shared->row[row];

	if (s->group > 0)
		kill(-s->group, SIGKILL);
	s->group = 0;
	for (int what = 0; what < CHILD_KEYS; what++)
		if (atomic_load(&s->key[what]) != 0)
			count_out(c->shared, row, (enum child_key)what);
	free_row(c, row);
	c->count--;
}

/*
 * If it was killed, it could not end its program: that is done here, to the
 * whole group and at once, since nobody waits for it.  Of who has no row, as
 * what programs leave behind that speak with ws-tls(8), nothing is said.
 */
struct child_end
children_forget(struct children *c, pid_t pid, int status)
{
	const int row = take_out(c, pid);
	struct child_end end = { 0 };

	if (row != -1) {
		end = end_of_row(c, row);
		if (!outlives(c, row, &status))
			forget_row(c, row);
	}
	if (row != -1 && WIFSIGNALED(status))
		log_line("the process %d was killed by signal %d", (int)pid,
		    WTERMSIG(status));
	end.status = status;
	return end;
}

void
children_stop(const struct children *c)
{
	for (int i = 0; i < c->used; i++)
		if (c->row[i].pid > 0)
			kill(c->row[i].pid, SIGTERM);
}
