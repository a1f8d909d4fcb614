/*
 * bare.c - the limit of an echo: a process for each connection, and one read
 * and one write for what has come.
 *
 *	bare PORT|PATH
 */

#include "limit.h"

static void
echo(int fd)
{
	static char bytes[65536];
	ssize_t n;

	while ((n = recv(fd, bytes, sizeof(bytes), 0)) > 0)
		if (send(fd, bytes, (size_t)n, 0) != n)
			err(1, "send");
}

int
main(int argc, char *argv[])
{
	const int s = limit_listen(argc == 2 ? argv[1] : "?");
	int fd;

	for (;;) {
		fd = limit_accept(s);
		if (fork() == 0) {
			close(s);
			echo(fd);
			_exit(0);
		}
		close(fd);
	}
}
