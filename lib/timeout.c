/*
 * timeout.c - a limit for many waits.  Refuses to know what is waited for.
 */

#include <unistd.h>
#ifdef __linux__
#include <sys/timerfd.h>
#endif

#include "clock.h"
#include "timeout.h"

enum { MANY = 64 }; /* waits that pay for a descriptor */

void
timeout_begin(struct timeout *t)
{
	*t = (struct timeout){ .fd = -1, .at = CLOCK_NEVER };
}

void
timeout_end(struct timeout *t)
{
	if (t->fd != -1)
		close(t->fd);
	timeout_begin(t);
}

#ifdef __linux__
static int
timeout_open(void)
{
	return timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK | TFD_CLOEXEC);
}

/* Set anew, it is not readable until then. */
static int
timeout_set(int fd, int64_t until)
{
	const struct itimerspec when = {
		.it_value = { .tv_sec = until / 1000,
		    .tv_nsec = until % 1000 * 1000000L },
	};

	return timerfd_settime(fd, TFD_TIMER_ABSTIME, &when, NULL);
}
#else
static int
timeout_open(void)
{
	return -1;
}

static int
timeout_set(int fd, int64_t until)
{
	(void)fd;
	(void)until;
	return -1;
}
#endif

int
timeout_fd(struct timeout *t, int64_t until)
{
	if (until == CLOCK_NEVER || t->waits < MANY)
		return -1;
	if (t->fd == -1 && (t->fd = timeout_open()) == -1) {
		t->waits = 0;
		return -1;
	}
	if (t->at > until && timeout_set(t->fd, until) == -1) {
		timeout_end(t);
		return -1;
	}
	if (t->at > until)
		t->at = until;
	return t->fd;
}

void
timeout_over(struct timeout *t, int64_t until, bool news)
{
	if (news && t->waits < MANY)
		t->waits++;
	if (news)
		return;
	if (clock_until(until) == 0)
		timeout_end(t);
	t->at = CLOCK_NEVER;
}
