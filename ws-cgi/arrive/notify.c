/*
 * notify.c - words to the service manager.  That it does not hear them is no
 * reason not to serve.
 */

#include <errno.h>
#include <inttypes.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "clock.h"
#include "log.h"
#include "notify.h"

/* A path, or an abstract name, whose first byte is written as @. */
static int
find_manager(struct notify *n, const char *name)
{
	const size_t len = strlen(name);

	n->to.sun_family = AF_UNIX;
	if (len >= sizeof(n->to.sun_path) || (*name != '/' && *name != '@')) {
		errno = EINVAL;
		return -1;
	}
	memcpy(n->to.sun_path, name, len);
	if (*name == '@')
		n->to.sun_path[0] = '\0';
	n->size = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + len);
	n->fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	return n->fd == -1 ? -1 : 0;
}

/* Half of the time after which we would be taken for dead, in ms, or -1. */
static int
watchdog_time(void)
{
	const char *usec = getenv("WATCHDOG_USEC");
	const char *pid = getenv("WATCHDOG_PID");
	const char *error;
	long long n;

	if (usec == NULL || (pid != NULL && strtoll(pid, NULL, 10) != getpid()))
		return -1;
	n = strtonum(usec, 2000, LLONG_MAX, &error) / 2000;
	return error != NULL || n > INT_MAX ? -1 : (int)n;
}

void
notify_begin(struct notify *n)
{
	const char *name = getenv("NOTIFY_SOCKET");

	*n = (struct notify){ .fd = -1, .every = -1, .next = CLOCK_NEVER };
	if (name == NULL)
		return;
	if (find_manager(n, name) == -1) {
		log_line("cannot notify %s: %s", name, strerror(errno));
		return;
	}
	n->every = watchdog_time();
	n->next = clock_in(n->every);
}

void
notify_leave(const struct notify *n)
{
	if (n->fd != -1)
		close(n->fd);
}

static void
tell(const struct notify *n, const char *text)
{
	if (n->fd != -1)
		sendto(n->fd, text, strlen(text), MSG_NOSIGNAL,
		    (const struct sockaddr *)&n->to, n->size);
}

void
notify_ready(const struct notify *n)
{
	tell(n, "READY=1");
}

void
notify_reloading(const struct notify *n)
{
	char text[64];

	snprintf(text, sizeof(text), "RELOADING=1\nMONOTONIC_USEC=%" PRId64,
	    clock_ms() * 1000);
	tell(n, text);
}

void
notify_stopping(const struct notify *n)
{
	tell(n, "STOPPING=1");
}

void
notify_alive(struct notify *n)
{
	if (clock_until(n->next) != 0)
		return;
	tell(n, "WATCHDOG=1");
	n->next = clock_in(n->every);
}
