/*
 * relay.c - the limit of a bridge to a program: bytes between a connection and
 * two pipes, in one process that polls, and never waits on one side while the
 * other could move.
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
	static char bytes[2][SIZE];
	struct way way[2];
	int in[2], out[2];

	if (pipe2(in, O_CLOEXEC) == -1 || pipe2(out, O_CLOEXEC) == -1)
		err(1, "pipe2");
	if (vfork() == 0) {
		dup2(in[0], 0);
		dup2(out[1], 1);
		execvp(argv[0], argv);
		_exit(127);
	}
	close(in[0]);
	close(out[1]);
	fcntl(fd, F_SETFL, O_NONBLOCK);
	fcntl(in[1], F_SETFL, O_NONBLOCK);
	way[0] = (struct way){ fd, in[1], 0, 0, bytes[0] };
	way[1] = (struct way){ out[0], fd, 0, 0, bytes[1] };
	relay(way);
	close(in[1]);
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
