/*
 * inherited.c - a connection that somebody else has accepted: on descriptor 0,
 * as inetd, xinetd, tcpserver, s6-tcpserver and systemd (Accept=yes,
 * StandardInput=socket) hand it over, on 3, as systemd does without
 * StandardInput=socket, or where the command line says.
 */

#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "arrive.h"
#include "exits.h"
#include "log.h"
#include "sink.h"
#include "superserver.h"
#include "tls.h"
#include "webserver.h"

enum {
	PASSED = STDERR_FILENO + 1, /* SD_LISTEN_FDS_START */
	UNREAD = 65536 /* the most that may have been read behind a request */
};

static int __attribute__((format(printf, 1, 2)))
complain(const char *format, ...)
{
	char text[256];
	va_list ap;

	va_start(ap, format);
	vsnprintf(text, sizeof(text), format, ap);
	va_end(ap);
	log_line("%s", text);
	return EXIT_COMMAND_LINE;
}

/* What it is, or what is wanted where the system does not say. */
static int
option_of(int fd, int option, int wanted)
{
	socklen_t len = sizeof(int);
	int value = wanted;

	return getsockopt(fd, SOL_SOCKET, option, &value, &len) == 0 ? value :
								       wanted;
}

static int
take_socket(struct arrival *a, int fd)
{
	struct sockaddr_storage ss = { 0 };
	socklen_t len = sizeof(ss);
	const int on = 1;

	if (option_of(fd, SO_ACCEPTCONN, 0) == 1)
		return complain("descriptor %d is a listening socket: let "
				"inetd accept (nowait; systemd: Accept=yes), "
				"or use --listen",
		    fd);
	if (option_of(fd, SO_TYPE, SOCK_STREAM) != SOCK_STREAM)
		return complain("descriptor %d is not a stream socket: a "
				"WebSocket needs TCP or a Unix stream",
		    fd);
	if (getpeername(fd, (struct sockaddr *)&ss, &len) == -1) {
		log_line("descriptor %d: the client is gone: %s", fd,
		    strerror(errno));
		return EXIT_PEER;
	}
	endpoint_name(&a->peer, &ss);
	len = sizeof(ss);
	if (getsockname(fd, (struct sockaddr *)&ss, &len) == 0)
		endpoint_name(&a->local, &ss);
	if (!a->peer.local) /* no harm if it fails: it is a matter of speed */
		setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
	superserver_name(a);
	return 0;
}

static int
take_pipe(struct arrival *a)
{
	snprintf(a->peer.address, sizeof(a->peer.address), "pipe");
	a->peer.local = a->local.local = true;
	superserver_name(a);
	return 0;
}

/* One socket makes the way in and the way out. */
static int
take(struct arrival *a)
{
	struct stat st;

	if (fstat(a->in, &st) == -1)
		return complain("descriptor %d: %s", a->in, strerror(errno));
	if (S_ISSOCK(st.st_mode))
		return take_socket(a, a->in);
	if (S_ISFIFO(st.st_mode))
		return take_pipe(a);
	return complain("descriptor %d is neither a socket nor a pipe: start "
			"this from inetd, or with --listen ADDRESS",
	    a->in);
}

static bool
is_socket(int fd)
{
	struct stat st;

	return fstat(fd, &st) == 0 && S_ISSOCK(st.st_mode);
}

/* Has systemd passed one connection, and nothing on descriptor 0? */
static bool
is_passed(void)
{
	const char *fds = getenv("LISTEN_FDS"), *pid = getenv("LISTEN_PID");

	return fds != NULL && pid != NULL && strcmp(fds, "1") == 0 &&
	    strtoll(pid, NULL, 10) == getpid() && !is_socket(STDIN_FILENO);
}

int
arrive_inherited(struct arrival *a)
{
	const int fd = is_passed() ? PASSED : STDIN_FILENO;
	int status;

	sink_closefrom(fd == PASSED ? PASSED + 1 : PASSED);
	*a = (struct arrival){
		.in = fd,
		.out =
		    fd == STDIN_FILENO && !is_socket(fd) ? STDOUT_FILENO : fd,
	};
	status = take(a);
	tls_take(a);
	return status;
}

/* It may be anything that can be read to its end. */
static int
take_unread(struct arrival *a, int fd)
{
	uint8_t *room;
	ssize_t n;

	if (fd == -1)
		return 0;
	do {
		if ((room = buf_room(&a->early, UNREAD)) == NULL)
			return complain("--preread-fd: no memory");
		if ((n = read(fd, room, UNREAD)) > 0)
			buf_grow(&a->early, (size_t)n);
	} while (
	    a->early.len <= UNREAD && (n > 0 || (n == -1 && errno == EINTR)));
	close(fd);
	if (n == -1)
		return complain("--preread-fd: %s", strerror(errno));
	if (n > 0)
		return complain("--preread-fd: over %d bytes", UNREAD);
	return 0;
}

/* What an application has open is its own affair: a listener, for example. */
static void
close_others(const struct given *g)
{
	int last = g->in > g->out ? g->in : g->out;

	if (g->unread > last)
		last = g->unread;
	for (int fd = STDERR_FILENO + 1; fd < last; fd++)
		if (fd != g->in && fd != g->out && fd != g->unread &&
		    !sink_holds(fd))
			close(fd);
	sink_closefrom(last < STDERR_FILENO ? STDERR_FILENO + 1 : last + 1);
}

int
arrive_given(struct arrival *a, const struct given *g)
{
	int status;

	*a = (struct arrival){
		.in = g->in,
		.out = g->out,
	};
	if (fcntl(a->out, F_GETFD) == -1)
		return complain("descriptor %d: %s", a->out, strerror(errno));
	arrive_errors(a->in, a->out);
	close_others(g);
	if (a->in == a->out && !is_socket(a->in))
		return complain("descriptor %d is no socket: --in and --out "
				"are for pipes",
		    a->in);
	if ((status = take(a)) == 0)
		status = take_unread(a, g->unread);
	if (status == 0 && webserver_is_there())
		webserver_take(a, environ);
	return status;
}
