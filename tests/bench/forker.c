/*
 * forker.c - the least that a process for each connection costs: fork, answer
 * one GET with a file, wait for the client's end.  It checks nothing; it is
 * measured, and serves nobody.
 *
 *	forker DIRECTORY
 */

#include <arpa/inet.h>
#include <err.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/sendfile.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

static void
answer(int connection)
{
	char bytes[4096], *path = bytes + strlen("GET /");
	struct stat st;
	int fd, n;

	if ((n = (int)read(connection, bytes, sizeof(bytes) - 1)) <= 0)
		err(1, "read");
	bytes[n] = '\0';
	path[strcspn(path, " ")] = '\0';
	if ((fd = open(path, O_RDONLY)) == -1 || fstat(fd, &st) == -1)
		err(1, "no page");
	n = snprintf(bytes, sizeof(bytes),
	    "HTTP/1.1 200 OK\r\nContent-Length: %ld\r\n\r\n", (long)st.st_size);
	if (send(connection, bytes, (size_t)n, MSG_MORE) != n)
		err(1, "send");
	while (sendfile(connection, fd, NULL, (size_t)st.st_size) > 0)
		continue;
	if (shutdown(connection, SHUT_WR) == -1)
		err(1, "shutdown");
	while (read(connection, bytes, sizeof(bytes)) > 0)
		continue;
}

/* Only to wake accept. */
static void
on_child(int sig)
{
	(void)sig;
}

int
main(int argc, char *argv[])
{
	const struct sigaction sa = { .sa_handler = on_child };
	struct sockaddr_in at = { .sin_family = AF_INET,
		.sin_addr = { htonl(INADDR_LOOPBACK) } };
	socklen_t len = sizeof(at);
	int s = socket(AF_INET, SOCK_STREAM, 0), fd;

	if (argc != 2 || chdir(argv[1]) == -1 || s == -1 ||
	    bind(s, (struct sockaddr *)&at, len) == -1 ||
	    listen(s, SOMAXCONN) == -1 ||
	    getsockname(s, (struct sockaddr *)&at, &len) == -1 ||
	    sigaction(SIGCHLD, &sa, NULL) == -1)
		err(1, "cannot begin");
	warnx("listening on 127.0.0.1:%d", ntohs(at.sin_port));
	for (;;) {
		if ((fd = accept(s, NULL, NULL)) != -1 && fork() == 0) {
			answer(fd);
			return 0;
		}
		close(fd);
		while (waitpid(-1, NULL, WNOHANG) > 0)
			continue;
	}
}
