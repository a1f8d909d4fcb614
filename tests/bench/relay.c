/*
 * relay.c - the limit of a bridge to a program: a connection and two pipes in a
 * process that polls, and never waits on one side while the other could move.
 *
 *	relay PORT|PATH program [argument ...]
 */

#include "limit.h"

enum { SIZE = 65536 };

struct way {
	int from, to;
	size_t len, at;
	char *bytes;
};

/* Returns 0 at the end of what it reads from. */
static int
move(struct way *w, int readable)
{
	ssize_t n;

	if (readable && (n = read(w->from, w->bytes, SIZE)) <= 0)
		return 0;
	w->len = readable ? (size_t)n : w->len;
	if (w->len == 0 || (n = write(w->to, w->bytes + w->at, w->len)) == -1)
		return 1;
	w->len -= (size_t)n;
	w->at = w->len > 0 ? w->at + (size_t)n : 0;
	return 1;
}

static void
relay(struct way way[2])
{
	struct pollfd pfd[2];

	do
		for (int i = 0; i < 2; i++) {
			pfd[i].fd = way[i].len > 0 ? way[i].to : way[i].from;
			pfd[i].events = way[i].len > 0 ? POLLOUT : POLLIN;
		}
	while (poll(pfd, 2, -1) != -1 &&
	    (pfd[0].revents == 0 || move(&way[0], way[0].len == 0)) &&
	    (pfd[1].revents == 0 || move(&way[1], way[1].len == 0)));
}

static void
serve(int fd, char *argv[])
{
	static char in[SIZE], out[SIZE];
	struct way way[2] = { { .from = fd, .bytes = in },
		{ .to = fd, .bytes = out } };

	limit_program(argv, &way[0].to, &way[1].from);
	fcntl(fd, F_SETFL, O_NONBLOCK);
	fcntl(way[0].to, F_SETFL, O_NONBLOCK);
	relay(way);
	close(way[0].to);
	close(way[1].from);
	wait(NULL);
}

int
main(int argc, char *argv[])
{
	const int s = limit_listen(argc > 2 ? argv[1] : "?");
	int fd;

	while ((fd = limit_accept(s)) != -1) {
		if (fork() == 0) {
			close(s);
			serve(fd, argv + 2);
			_exit(0);
		}
		close(fd);
	}
}
