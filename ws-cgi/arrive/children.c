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
groups_size(const struct children *c)
{
	return (size_t)c->rows * sizeof(*c->group);
}

static int
groups_map(struct children *c)
{
	void *map;

	if (ftruncate(c->fd, (off_t)groups_size(c)) == -1)
		return -1;
	map = mmap(NULL, groups_size(c), PROT_READ | PROT_WRITE, MAP_SHARED,
	    c->fd, 0);
	if (map == MAP_FAILED)
		return -1;
	c->group = map;
	return 0;
}

int
children_make(struct children *c, int rows)
{
	return children_adopt(c, rows,
	    memfd_create("ws-cgi groups", MFD_CLOEXEC));
}

int
children_adopt(struct children *c, int rows, int fd)
{
	*c = (struct children){ .rows = rows, .fd = fd };
	c->row = calloc((size_t)rows, sizeof(*c->row));
	if (c->row != NULL && c->fd != -1 && groups_map(c) == 0)
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
	munmap(c->group, groups_size(c));
	children_leave(c);
}

int
children_from(const struct children *c, const struct source *from)
{
	int n = 0;

	for (int i = 0; from->counted && i < c->rows; i++)
		n += c->row[i].pid != 0 && c->row[i].source.counted &&
		    c->row[i].source.net == from->net;
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
	c->row[row] = (struct child_row){ .pid = pid, .source = *from };
	c->count++;
}

static void
forget_row(struct children *c, int row)
{
	if (c->group[row] > 0)
		kill(-c->group[row], SIGKILL);
	c->group[row] = 0;
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
