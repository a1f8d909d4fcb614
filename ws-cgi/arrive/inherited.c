/*
 * inherited.c - a connection on descriptor 0, as inetd, xinetd, tcpserver,
 * s6-tcpserver and systemd (Accept=yes, StandardInput=socket) hand it over.
 */

#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "arrive.h"
#include "exits.h"
#include "log.h"

static int
complain(const char *what, const char *how)
{
	log_line("%s: %s", what, how);
	return EXIT_COMMAND_LINE;
}

/*
 * inetd makes descriptor 2 the connection as well; what is logged there would
 * reach the client as if it were frames.
 */
static void
free_standard_error(void)
{
	struct stat in, err;
	int fd;

	if (fstat(STDIN_FILENO, &in) == -1)
		return;
	if (fstat(STDERR_FILENO, &err) == 0 &&
	    (in.st_dev != err.st_dev || in.st_ino != err.st_ino))
		return;
	log_to_syslog();
	if ((fd = open("/dev/null", O_WRONLY)) == -1)
		return;
	dup2(fd, STDERR_FILENO);
	if (fd != STDERR_FILENO)
		close(fd);
}

static int
check_socket(struct arrival *a)
{
	struct sockaddr_storage ss = { 0 };
	socklen_t len = sizeof(int);
	int value = 0;
	const int on = 1;

	if (getsockopt(STDIN_FILENO, SOL_SOCKET, SO_ACCEPTCONN, &value, &len) ==
		0 &&
	    value != 0)
		return complain("descriptor 0 is a listening socket",
		    "let inetd accept (nowait; systemd: Accept=yes), or use "
		    "--listen");
	len = sizeof(value);
	if (getsockopt(STDIN_FILENO, SOL_SOCKET, SO_TYPE, &value, &len) == 0 &&
	    value != SOCK_STREAM)
		return complain("descriptor 0 is not a stream socket",
		    "a WebSocket needs TCP or a Unix stream");
	len = sizeof(ss);
	if (getpeername(STDIN_FILENO, (struct sockaddr *)&ss, &len) == -1) {
		log_line("descriptor 0: the client is gone: %s",
		    strerror(errno));
		return EXIT_PEER;
	}
	address_name(&a->peer, &ss);
	len = sizeof(ss);
	if (getsockname(STDIN_FILENO, (struct sockaddr *)&ss, &len) == 0)
		address_name(&a->local, &ss);
	if (!a->peer.local) /* no harm if it fails: it is a matter of speed */
		setsockopt(STDIN_FILENO, IPPROTO_TCP, TCP_NODELAY, &on,
		    sizeof(on));
	return 0;
}

int
arrive_inherited(struct arrival *a)
{
	struct stat st;

	closefrom(STDERR_FILENO + 1);
	*a = (struct arrival){ .in = STDIN_FILENO, .out = STDIN_FILENO };
	if (fstat(STDIN_FILENO, &st) == -1)
		return complain("descriptor 0", strerror(errno));
	if (S_ISSOCK(st.st_mode)) {
		free_standard_error();
		return check_socket(a);
	}
	if (!S_ISFIFO(st.st_mode))
		return complain("descriptor 0 is neither a socket nor a pipe",
		    "start this from inetd, or with --listen ADDRESS");
	a->out = STDOUT_FILENO;
	snprintf(a->peer.address, sizeof(a->peer.address), "pipe");
	a->peer.local = a->local.local = true;
	return 0;
}
