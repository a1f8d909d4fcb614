/*
 * limit.h - what the programs that show the limit share: a process for each
 * connection, on a socket with the options that ws-cgi sets.  They check
 * nothing; they are measured, and serve nobody.
 */

#include <arpa/inet.h>
#include <err.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

/* Only to wake accept. */
static void
on_child(int sig)
{
	(void)sig;
}

static int
limit_listen(const char *address)
{
	const struct sigaction sa = { .sa_handler = on_child };
	struct sockaddr_in in = { .sin_family = AF_INET,
		.sin_port = htons((in_port_t)atoi(address)),
		.sin_addr = { htonl(INADDR_LOOPBACK) } };
	struct sockaddr_un un = { .sun_family = AF_UNIX };
	const int unix = strchr(address, '/') != NULL, yes = 1;
	const int s = socket(unix ? AF_UNIX : AF_INET, SOCK_STREAM, 0);

	strncpy(un.sun_path, address, sizeof(un.sun_path) - 1);
	if (s == -1 ||
	    setsockopt(s, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof(yes)) == -1 ||
	    bind(s, unix ? (struct sockaddr *)&un : (struct sockaddr *)&in,
		unix ? sizeof(un) : sizeof(in)) == -1 ||
	    listen(s, SOMAXCONN) == -1 || sigaction(SIGCHLD, &sa, NULL) == -1)
		err(1, "%s", address);
	if (!unix) /* connections have it from here */
		setsockopt(s, IPPROTO_TCP, TCP_NODELAY, &yes, sizeof(yes));
	return s;
}

/* The next connection. */
static int
limit_accept(int s)
{
	int fd;

	for (;;) {
		while (waitpid(-1, NULL, WNOHANG) > 0)
			continue;
		if ((fd = accept(s, NULL, NULL)) != -1)
			return fd;
		if (errno != EINTR)
			err(1, "accept");
	}
}

/* A program on two pipes: the end to write to, and the one to read from. */
static inline void
limit_program(char *argv[], int *to, int *from)
{
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
	*to = in[1];
	*from = out[0];
}
