/*
 * sockets.c - opens what is listened on, and says where that is.
 */

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/un.h>
#include <unistd.h>

#include "exits.h"
#include "log.h"
#include "sink.h"
#include "sockets.h"

enum { FIRST = STDERR_FILENO + 1 }; /* descriptor that may be passed to us */

int
sockets_add(struct sockets *s, int fd, bool scgi, int redirect)
{
	struct sockaddr_storage ss = { 0 };
	socklen_t len = sizeof(ss);

	if (getsockname(fd, (struct sockaddr *)&ss, &len) == -1) {
		log_line("cannot listen: getsockname: %s", strerror(errno));
		return -1;
	}
	endpoint_name(&s->local[s->count], &ss);
	s->scgi[s->count] = scgi;
	s->redirect[s->count] = redirect;
	s->fd[s->count++] = fd;
	return 0;
}

/* An abstract name, unix(7), is written with @ for its first byte. */
static void
say_path(int fd)
{
	struct sockaddr_un un = { 0 };
	socklen_t len = sizeof(un);

	getsockname(fd, (struct sockaddr *)&un, &len);
	if (un.sun_path[0] == '\0')
		un.sun_path[0] = '@';
	log_event("listening", "listening on unix:%.*s",
	    (int)sizeof(un.sun_path), un.sun_path);
}

static void
say_socket(int fd, const struct endpoint *e)
{
	if (e->local)
		say_path(fd);
	else
		log_event("listening",
		    strchr(e->address, ':') == NULL ? "listening on %s:%s" :
						      "listening on [%s]:%s",
		    e->address, e->port);
}

static int
add_all(struct sockets *s, const int fd[], int n, const struct address *a)
{
	for (int i = 0; i < n; i++)
		if (sockets_add(s, fd[i], a->scgi, a->redirect) == -1)
			return EXIT_SYSTEM;
	return 0;
}

/* How many sockets systemd has left: sd_listen_fds(3). */
static int
count_passed(void)
{
	const char *fds = getenv("LISTEN_FDS"), *pid = getenv("LISTEN_PID");

	if (fds == NULL || pid == NULL || strtoll(pid, NULL, 10) != getpid())
		return 0;
	return (int)strtonum(fds, 0, SOCKETS_MAX, NULL);
}

static int
open_passed(struct sockets *s, const struct address *a)
{
	const int n = count_passed();
	const char *why;
	int fd[SOCKETS_MAX];

	if (n == 0 || s->count + n > SOCKETS_MAX) {
		log_line("systemd has passed no sockets, or too many: "
			 "LISTEN_FDS, LISTEN_PID");
		return EXIT_COMMAND_LINE;
	}
	for (int i = 0; i < n; i++) {
		fd[i] = FIRST + i;
		if (address_adopt(fd[i], &why) == -1) {
			log_line("cannot listen: %s", why);
			return EXIT_COMMAND_LINE;
		}
	}
	unsetenv("LISTEN_PID");
	unsetenv("LISTEN_FDS");
	unsetenv("LISTEN_FDNAMES");
	return add_all(s, fd, n, a);
}

static int
open_address(struct sockets *s, const struct address *a)
{
	int fd[ADDRESS_SOCKETS], n;
	const char *why;

	if (a->passed)
		return open_passed(s, a);
	if (s->count + ADDRESS_SOCKETS > SOCKETS_MAX) {
		log_line("too many addresses to listen on");
		return EXIT_COMMAND_LINE;
	}
	n = address_listen(a, fd, &why);
	if (n == -1) {
		log_line("cannot listen: %s", why);
		return EXIT_SYSTEM;
	}
	return add_all(s, fd, n, a);
}

/* What came along and is not wanted could be held open for days. */
static void
close_others(const struct listening *what)
{
	int first = FIRST;

	for (size_t i = 0; i < what->addresses; i++)
		if (what->address[i].passed)
			first = FIRST + count_passed();
	for (; first < what->pass; first++)
		if (!sink_holds(first))
			close(first);
	sink_closefrom(what->pass < first ? first : what->pass + 1);
}

int
sockets_open(struct sockets *s, const struct listening *what)
{
	int status = 0;

	close_others(what);
	for (size_t i = 0; status == 0 && i < what->addresses; i++)
		status = open_address(s, &what->address[i]);
	return status;
}

void
sockets_tell(const struct sockets *s)
{
	for (int i = 0; i < s->count; i++)
		say_socket(s->fd[i], &s->local[i]);
}

void
sockets_leave(const struct sockets *s)
{
	for (int i = 0; i < s->count; i++)
		close(s->fd[i]);
}

void
sockets_close(struct sockets *s)
{
	sockets_leave(s);
	s->count = 0;
}

void
sockets_remove(const struct listening *what)
{
	for (size_t i = 0; i < what->addresses; i++)
		if (what->address[i].path != NULL)
			unlink(what->address[i].path);
}
