/*
 * super.c - the limit of inetd: a program for each connection, with the
 * connection as descriptors 0 and 1.
 *
 *	super PORT|PATH program [argument ...]
 */

#include "limit.h"

int
main(int argc, char *argv[])
{
	const int s = limit_listen(argc > 2 ? argv[1] : "?");
	int fd;

	for (;;) {
		fd = limit_accept(s);
		switch (vfork()) {
		case -1:
			err(1, "vfork");
		case 0:
			dup2(fd, 0);
			dup2(fd, 1);
			close(fd);
			close(s);
			execv(argv[2], argv + 2);
			_exit(127);
		default:
			close(fd);
		}
	}
}
