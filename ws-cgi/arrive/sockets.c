/*
 * sockets.c - opens what is listened on, and says where that is.
 */

#include <string.h>
#include <unistd.h>

#include "exits.h"
#include "log.h"
#include "sockets.h"

void
sockets_add(struct sockets *s, int fd)
{
	struct sockaddr_storage ss = { 0 };
	socklen_t len = sizeof(ss);

	getsockname(fd, (struct sockaddr *)&ss, &len);
	address_name(&s->local[s->count], &ss);
	s->fd[s->count++] = fd;
}

static void
say_socket(const struct endpoint *e, const struct address *a)
{
	if (e->local)
		log_line("listening on unix:%s", a->path);
	else
		log_line(strchr(e->address, ':') == NULL ?
			"listening on %s:%s" :
			"listening on [%s]:%s",
		    e->address, e->port);
}

static int
open_address(struct sockets *s, const struct address *a)
{
	int fd[ADDRESS_SOCKETS], n;
	const char *why;

	if (s->count + ADDRESS_SOCKETS > SOCKETS_MAX) {
		log_line("too many addresses to listen on");
		return EXIT_COMMAND_LINE;
	}
	n = address_listen(a, fd, &why);
	if (n == -1) {
		log_line("cannot listen: %s", why);
		return EXIT_SYSTEM;
	}
	for (int i = 0; i < n; i++) {
		sockets_add(s, fd[i]);
		say_socket(&s->local[s->count - 1], a);
	}
	return 0;
}

int
sockets_open(struct sockets *s, const struct listening *what)
{
	int status = 0;

	for (size_t i = 0; status == 0 && i < what->addresses; i++)
		status = open_address(s, &what->address[i]);
	return status;
}

void
sockets_close(struct sockets *s)
{
	while (s->count > 0)
		close(s->fd[--s->count]);
}

void
sockets_remove(const struct listening *what)
{
	for (size_t i = 0; i < what->addresses; i++)
		if (what->address[i].path != NULL)
			unlink(what->address[i].path);
}
