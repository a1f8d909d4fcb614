/*
 * restart.c - what is handed to the next program, and how.  It is a file in
 * memory, whose descriptor stands in the environment: a head, and then the
 * rows of the table of children.
 */

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/auxv.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "clock.h"
#include "exits.h"
#include "log.h"
#include "restart.h"
#include "sink.h"

#define VARIABLE  "WS_CGI_RESTART"
#define REHEARSAL " rehearsal"

enum {
	REHEARSED = 42,	  /* a status that other programs do not end with */
	PATIENCE = 10000, /* ms for a rehearsal */
	ROW = sizeof(struct child_row) + sizeof(struct child_shared)
};

/* Another format gets another number: the rehearsal then fails. */
static const char magic[16] = "ws-cgi restart 9";

struct head {
	char magic[sizeof(magic)];
	char program[PATH_MAX];
	int socket[SOCKETS_MAX];
	bool scgi[SOCKETS_MAX];
	int redirect[SOCKETS_MAX];
	int sockets;
	int shared; /* the children's memory */
	int dir;    /* the program's, or -1 */
	int rows;
	size_t row; /* bytes, of the table and of what is shared */
	uint64_t served, refused;
};

int
restart_init(struct restart *r, char *const argv[])
{
	/* The kernel keeps the path, where argv[0] is anybody's word; as a
	 * number.  NOLINTNEXTLINE(performance-no-int-to-ptr) */
	const char *path = (const char *)getauxval(AT_EXECFN);

	*r = (struct restart){ .argv = argv, .dir = -1, .file = -1 };
	r->program = strdup(path == NULL ? argv[0] : path);
	return r->program == NULL ? -1 : 0;
}

/* It is held already if an earlier self has done so. */
int
restart_hold(struct restart *r)
{
	const size_t len = (size_t)(basename(r->program) - r->program);
	char *name;

	if (r->dir != -1)
		return 0;
	if (asprintf(&name, "%.*s.", (int)len, r->program) == -1)
		return -1;
	r->dir = open(name, O_PATH | O_DIRECTORY | O_CLOEXEC);
	free(name);
	return r->dir == -1 ? -1 : 0;
}

static int
open_program(const struct restart *r)
{
	if (r->dir == -1)
		return open(r->program, O_PATH | O_CLOEXEC);
	return openat(r->dir, basename(r->program), O_PATH | O_CLOEXEC);
}

/* Taking. */

static int
unusable(void)
{
	log_line("%s is not what a listener of this kind has left", VARIABLE);
	return -1;
}

/* The descriptors were passed on; from here they are ours alone. */
static bool
is_usable(const struct head *h)
{
	if (memcmp(h->magic, magic, sizeof(magic)) != 0 || h->sockets < 1 ||
	    h->sockets > SOCKETS_MAX || h->rows < 1 || h->row != ROW ||
	    memchr(h->program, '\0', sizeof(h->program)) == NULL)
		return false;
	for (int i = 0; i < h->sockets; i++)
		if (fcntl(h->socket[i], F_SETFD, FD_CLOEXEC) == -1)
			return false;
	if (h->dir != -1 && fcntl(h->dir, F_SETFD, FD_CLOEXEC) == -1)
		return false;
	return fcntl(h->shared, F_SETFD, FD_CLOEXEC) == 0;
}

static int
take_children(struct children *c, const struct head *h, int fd, int rows)
{
	const size_t size = (size_t)h->rows * sizeof(*c->row);

	if (children_adopt(c, rows > h->rows ? rows : h->rows, h->shared) == -1)
		return -1;
	if (pread(fd, c->row, size, sizeof(*h)) != (ssize_t)size)
		return -1;
	children_copied(c, h->rows);
	c->served = h->served;
	c->refused = h->refused;
	return 0;
}

static int
take_state(struct restart *r, struct sockets *s, struct children *c, int rows,
    int fd)
{
	struct head h;
	char *program;

	if (pread(fd, &h, sizeof(h), 0) != sizeof(h) || !is_usable(&h) ||
	    take_children(c, &h, fd, rows) == -1)
		return unusable();
	if ((program = strdup(h.program)) == NULL)
		return unusable();
	free(r->program);
	r->program = program;
	r->dir = h.dir;
	for (int i = 0; i < h.sockets; i++)
		if (sockets_add(s, h.socket[i], h.scgi[i], h.redirect[i]) == -1)
			return -1;
	close(fd);
	return 1;
}

int
restart_take(struct restart *r, struct sockets *s, struct children *c, int rows)
{
	const char *text = getenv(VARIABLE);
	char *end;
	long fd;
	int taken;

	if (text == NULL)
		return 0;
	fd = strtol(text, &end, 10);
	if (fd <= STDERR_FILENO || fd > INT_MAX)
		return unusable();
	taken = take_state(r, s, c, rows, (int)fd);
	if (taken == 1 && strcmp(end, REHEARSAL) == 0)
		_exit(REHEARSED);
	unsetenv(VARIABLE);
	/* Executed by descriptor, we are named by its number. */
	if (taken == 1)
		prctl(PR_SET_NAME, basename(r->program));
	return taken;
}

/* Leaving. */

static bool
write_state(int fd, const struct restart *r, const struct sockets *s,
    const struct children *c)
{
	const size_t size = (size_t)c->rows * sizeof(*c->row);
	struct head h = {
		.sockets = s->count,
		.shared = c->fd,
		.dir = r->dir,
		.rows = c->rows,
		.row = ROW,
		.served = c->served,
		.refused = c->refused,
	};

	memcpy(h.magic, magic, sizeof(magic));
	memcpy(h.socket, s->fd, sizeof(h.socket));
	memcpy(h.scgi, s->scgi, sizeof(h.scgi));
	memcpy(h.redirect, s->redirect, sizeof(h.redirect));
	if (strlen(r->program) >= sizeof(h.program)) {
		errno = ENAMETOOLONG;
		return false;
	}
	memcpy(h.program, r->program, strlen(r->program));
	return write(fd, &h, sizeof(h)) == sizeof(h) &&
	    write(fd, c->row, size) == (ssize_t)size;
}

/* Descriptors are closed by exec (FD_CLOEXEC), or are passed on (0). */
static void
set_flags(const struct restart *r, const struct sockets *s,
    const struct children *c, int flags)
{
	if (r->dir != -1)
		fcntl(r->dir, F_SETFD, flags);
	if (r->pass != 0)
		fcntl(r->pass, F_SETFD, flags);
	for (int i = 0; i < s->count; i++)
		fcntl(s->fd[i], F_SETFD, flags);
	fcntl(c->fd, F_SETFD, flags);
	sink_pass(flags == 0);
}

/* Returns the file, or -1.  No child could do it: it does not see the rows. */
static int
save_state(const struct restart *r, const struct sockets *s,
    const struct children *c)
{
	const int fd = memfd_create("ws-cgi restart", 0);
	int error;

	if (fd == -1 || write_state(fd, r, s, c))
		return fd;
	error = errno;
	close(fd);
	errno = error;
	return -1;
}

/* Returns only if it fails, with all as it was. */
static void
become(const struct restart *r, const struct sockets *s,
    const struct children *c, int state, const char *how)
{
	char text[32];
	int error;

	snprintf(text, sizeof(text), "%d%s", state, how);
	if (setenv(VARIABLE, text, 1) == 0) {
		set_flags(r, s, c, 0);
		fexecve(r->file, r->argv, environ);
	}
	error = errno;
	set_flags(r, s, c, FD_CLOEXEC);
	unsetenv(VARIABLE);
	errno = error;
}

static void
go_on(struct restart *r, const char *why)
{
	log_line("no restart: %s: %s", r->program, why);
	if (r->file != -1)
		close(r->file);
	r->file = -1;
	r->rehearsal = 0;
	r->proven = false;
}

/* As fork(2). */
static pid_t
rehearse(const struct restart *r, const struct sockets *s,
    const struct children *c)
{
	const int state = save_state(r, s, c);
	const pid_t pid = state == -1 ? -1 : fork();
	const int error = errno;

	if (pid == 0) {
		become(r, s, c, state, REHEARSAL);
		log_line("cannot execute %s: %s", r->program, strerror(errno));
		_exit(EXIT_SYSTEM);
	}
	if (state != -1)
		close(state);
	errno = error;
	return pid;
}

void
restart_try(struct restart *r, const struct sockets *s,
    const struct children *c)
{
	r->file = open_program(r);
	r->rehearsal = r->file == -1 ? -1 : rehearse(r, s, c);
	if (r->rehearsal == -1)
		go_on(r, strerror(errno));
	else
		r->until = clock_in(PATIENCE);
}

bool
restart_tried(struct restart *r, pid_t pid, int status)
{
	char why[64];

	if (pid != r->rehearsal)
		return false;
	r->rehearsal = 0;
	r->proven = WIFEXITED(status) && WEXITSTATUS(status) == REHEARSED;
	if (r->proven)
		return true;
	snprintf(why, sizeof(why), "it ended with %s %d when it was tried",
	    WIFEXITED(status) ? "status" : "signal",
	    WIFEXITED(status) ? WEXITSTATUS(status) : WTERMSIG(status));
	go_on(r, why);
	return true;
}

void
restart_forget(struct restart *r, const char *why)
{
	if (r->rehearsal > 0) {
		kill(r->rehearsal, SIGKILL);
		waitpid(r->rehearsal, NULL, 0);
	}
	go_on(r, why);
}

void
restart_go(struct restart *r, const struct sockets *s, const struct children *c)
{
	const int state = save_state(r, s, c);
	int error;

	if (state != -1)
		become(r, s, c, state, "");
	error = errno;
	if (state != -1)
		close(state);
	go_on(r, strerror(error));
}

void
restart_leave(const struct restart *r)
{
	if (r->dir != -1)
		close(r->dir);
	if (r->file != -1)
		close(r->file);
}
