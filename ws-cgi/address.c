/*
 * address.c - ADDRESS to listening sockets.
 */

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <pwd.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "address.h"
#include "aside.h"
#include "endpoint.h"

enum {
	BACKLOG = 1024,
	LISTENING = SOCK_CLOEXEC | SOCK_NONBLOCK /* a client may be gone again
						    when we come to accept */
};

static EARLY char address_error[256];

static int __attribute__((format(printf, 2, 3)))
wrong(const char **why, const char *format, ...)
{
	va_list ap;

	va_start(ap, format);
	vsnprintf(address_error, sizeof(address_error), format, ap);
	va_end(ap);
	*why = address_error;
	return -1;
}

static int
parse_port(struct address *a, const char *text, const char **why)
{
	const char *error;
	long long port = strtonum(text, 0, 65535, &error);

	if (error != NULL || *text < '0' || *text > '9')
		return wrong(why, "'%s' is no port from 0 to 65535", text);
	snprintf(a->port, sizeof(a->port), "%lld", port);
	return 0;
}

static int
parse_mode(struct address *a, const char *value, const char **why)
{
	char *end;
	unsigned long mode = strtoul(value, &end, 8);

	if (*value == '\0' || *end != '\0' || mode > 0777)
		return wrong(why, "mode '%s' is not octal like 0660", value);
	a->mode = (mode_t)mode;
	return 0;
}

static int
parse_owner(struct address *a, const char *value, const char **why)
{
	const struct passwd *pw = getpwnam(value);

	if (pw == NULL)
		return wrong(why, "there is no user '%s'", value);
	a->owner = pw->pw_uid;
	return 0;
}

static int
parse_group(struct address *a, const char *value, const char **why)
{
	const struct group *gr = getgrnam(value);

	if (gr == NULL)
		return wrong(why, "there is no group '%s'", value);
	a->group = gr->gr_gid;
	return 0;
}

static const struct attribute {
	const char *name;
	int (*parse)(struct address *, const char *value, const char **why);
} attributes[] = {
	{ "mode=", parse_mode },
	{ "owner=", parse_owner },
	{ "group=", parse_group },
};

static int
parse_attribute(struct address *a, const char *text, const char **why)
{
	const size_t n = sizeof(attributes) / sizeof(attributes[0]);

	for (size_t i = 0; i < n; i++) {
		size_t len = strlen(attributes[i].name);

		if (strncmp(text, attributes[i].name, len) == 0)
			return attributes[i].parse(a, text + len, why);
	}
	return wrong(why, "'%s' is not mode=, owner= or group=", text);
}

static int
parse_unix(struct address *a, const char *text, const char **why)
{
	const struct sockaddr_un *un = NULL;
	char *rest, *item;

	if ((a->path = strdup(text)) == NULL)
		return wrong(why, "no memory");
	rest = a->path;
	strsep(&rest, ",");
	if (*a->path == '\0' || strlen(a->path) >= sizeof(un->sun_path))
		return wrong(why, "a Unix socket's path has 1 to %zu bytes",
		    sizeof(un->sun_path) - 1);
	while ((item = strsep(&rest, ",")) != NULL)
		if (parse_attribute(a, item, why) == -1)
			return -1;
	return 0;
}

/* HOST:PORT, with brackets round a host that has colons of its own. */
static int
parse_tcp(struct address *a, const char *text, const char **why)
{
	const char *colon = strrchr(text, ':');
	const char *host = text;
	size_t len = colon == NULL ? 0 : (size_t)(colon - text);

	if (colon == NULL ||
	    (len == strlen("localhost") &&
		strncmp(text, "localhost", len) == 0)) {
		a->host = strdup("");
	} else if (len > 0) {
		if (*host == '[' && host[len - 1] == ']') {
			host++;
			len -= 2;
		} else if (memchr(host, ':', len) != NULL) {
			return wrong(why, "IPv6 has brackets: [::1]:8080");
		}
		a->host = strndup(host, len);
	}
	if (a->host == NULL && len > 0)
		return wrong(why, "no memory");
	return parse_port(a, colon == NULL ? text : colon + 1, why);
}

int
address_parse(struct address *a, const char *text, const char **why)
{
	*a = (struct address){
		.text = text,
		.mode = 0660,
		.owner = (uid_t)-1,
		.group = (gid_t)-1,
	};
	if (strcmp(text, "systemd") == 0) {
		a->passed = true;
		return 0;
	}
	if (strncmp(text, "unix:", 5) == 0)
		return parse_unix(a, text + 5, why);
	return parse_tcp(a, text, why);
}

/* A socket that nobody listens on any more may be replaced. */
static int
unlink_stale(const struct sockaddr_un *un)
{
	const struct sockaddr *sa = (const struct sockaddr *)un;
	struct stat st;
	int fd, r = -1;

	if (lstat(un->sun_path, &st) == -1)
		return errno == ENOENT ? 0 : -1;
	if (!S_ISSOCK(st.st_mode)) {
		errno = EEXIST;
		return -1;
	}
	if ((fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0)) == -1)
		return -1;
	if (connect(fd, sa, sizeof(*un)) == 0)
		errno = EADDRINUSE;
	else if (errno == ECONNREFUSED)
		r = unlink(un->sun_path);
	close(fd);
	return r;
}

static int
give_rights(const struct address *a)
{
	if ((a->owner != (uid_t)-1 || a->group != (gid_t)-1) &&
	    lchown(a->path, a->owner, a->group) == -1)
		return -1;
	return chmod(a->path, a->mode);
}

/* It is made with no rights at all, which are given when all else is right. */
static int
bind_unix(int fd, const struct address *a, const struct sockaddr_un *un)
{
	mode_t mask = umask(0777);
	int r = bind(fd, (const struct sockaddr *)un, sizeof(*un));
	int error;

	umask(mask);
	if (r == -1)
		return -1;
	if (give_rights(a) == 0 && listen(fd, BACKLOG) == 0)
		return 0;
	error = errno;
	unlink(a->path);
	errno = error;
	return -1;
}

static int
listen_unix(const struct address *a, int fds[], const char **why)
{
	struct sockaddr_un un = { .sun_family = AF_UNIX };
	int fd;

	snprintf(un.sun_path, sizeof(un.sun_path), "%s", a->path);
	if ((fd = socket(AF_UNIX, SOCK_STREAM | LISTENING, 0)) == -1)
		return wrong(why, "socket: %s", strerror(errno));
	if (unlink_stale(&un) == -1 || bind_unix(fd, a, &un) == -1) {
		wrong(why, "%s: %s", a->path, strerror(errno));
		close(fd);
		return -1;
	}
	fds[0] = fd;
	return 1;
}

/* Options that accepted sockets inherit, so that they cost nothing there. */
static int
inherited_options(int fd)
{
	const int on = 1;

	if (setsockopt(fd, SOL_SOCKET, SO_KEEPALIVE, &on, sizeof(on)) == -1)
		return -1;
	return setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
}

static int
listen_options(int fd, int family)
{
	const int on = 1;

	if (family == AF_INET6 &&
	    setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &on, sizeof(on)) == -1)
		return -1;
	if (setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on)) == -1)
		return -1;
	return inherited_options(fd);
}

static int
listen_tcp(const struct addrinfo *ai)
{
	int fd =
	    socket(ai->ai_family, ai->ai_socktype | LISTENING, ai->ai_protocol);
	int error;

	if (fd == -1)
		return -1;
	if (listen_options(fd, ai->ai_family) == 0 &&
	    bind(fd, ai->ai_addr, ai->ai_addrlen) == 0 &&
	    listen(fd, BACKLOG) == 0)
		return fd;
	error = errno;
	close(fd);
	errno = error;
	return -1;
}

/* The port of a socket, in the network's order; 0 if it cannot be told. */
static in_port_t
socket_port(int fd)
{
	struct sockaddr_storage ss = { 0 };
	socklen_t len = sizeof(ss);
	struct endpoint e;

	if (getsockname(fd, (struct sockaddr *)&ss, &len) == -1)
		return 0;
	endpoint_name(&e, &ss);
	return htons((in_port_t)strtoul(e.port, NULL, 10));
}

/* With port 0 the first socket's port is the port of all. */
static void
same_port(int first, struct sockaddr *sa)
{
	if (sa->sa_family == AF_INET6)
		((struct sockaddr_in6 *)(void *)sa)->sin6_port =
		    socket_port(first);
	else
		((struct sockaddr_in *)(void *)sa)->sin_port =
		    socket_port(first);
}

/* A machine without IPv6 lacks those addresses of a name, and no more. */
static bool
is_absent(const struct addrinfo *ai)
{
	return ai->ai_family == AF_INET6 &&
	    (errno == EADDRNOTAVAIL || errno == EAFNOSUPPORT);
}

static int
listen_all(const struct address *a, const struct addrinfo *ai, int fd[],
    const char **why)
{
	int n = 0;

	for (; ai != NULL && n < ADDRESS_SOCKETS; ai = ai->ai_next) {
		if (n > 0)
			same_port(fd[0], ai->ai_addr);
		if ((fd[n] = listen_tcp(ai)) != -1) {
			n++;
			continue;
		}
		wrong(why, "%s: %s", a->text, strerror(errno));
		if (is_absent(ai))
			continue;
		while (n > 0)
			close(fd[--n]);
		return -1;
	}
	return n > 0 ? n : -1;
}

int
address_listen(const struct address *a, int fd[ADDRESS_SOCKETS],
    const char **why)
{
	const struct addrinfo hints = {
		.ai_flags = a->host == NULL ? AI_PASSIVE : 0,
		.ai_socktype = SOCK_STREAM,
	};
	const char *host = a->host;
	struct addrinfo *ai;
	int error, n;

	if (a->path != NULL)
		return listen_unix(a, fd, why);
	if (host != NULL && *host == '\0')
		host = NULL;
	if ((error = getaddrinfo(host, a->port, &hints, &ai)) != 0)
		return wrong(why, "%s: %s", a->text, gai_strerror(error));
	n = listen_all(a, ai, fd, why);
	freeaddrinfo(ai);
	return n;
}

static int
get_option(int fd, int option)
{
	socklen_t len = sizeof(int);
	int value = 0;

	return getsockopt(fd, SOL_SOCKET, option, &value, &len) == -1 ? -1 :
									value;
}

int
address_adopt(int fd, const char **why)
{
	if (get_option(fd, SO_ACCEPTCONN) != 1 ||
	    get_option(fd, SO_TYPE) != SOCK_STREAM)
		return wrong(why, "descriptor %d is no listening stream socket",
		    fd);
	if (fcntl(fd, F_SETFD, FD_CLOEXEC) == -1 ||
	    fcntl(fd, F_SETFL, O_NONBLOCK) == -1 ||
	    (get_option(fd, SO_DOMAIN) != AF_UNIX &&
		inherited_options(fd) == -1))
		return wrong(why, "descriptor %d: %s", fd, strerror(errno));
	return 0;
}
