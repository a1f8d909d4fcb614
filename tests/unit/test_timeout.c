/*
 * test_timeout.c - proves that the time limit of a busy connection's waits,
 * which a descriptor keeps, is as exact as that of the others.
 */

#include <poll.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <unistd.h>

#include "peer.h"
#include "unit.h"

static int
wait_poll(struct ws *ws)
{
	int r;

	do
		r = ws_poll(ws, WS_WHOLE, NULL, 0, -1);
	while (r == 0);
	return r;
}

static void
check_heard(const struct peer *p, const char *want)
{
	char *got = peer_heard(p);

	ck_assert_str_eq(got, want);
	free(got);
}

enum { BUSY = 100 }; /* messages, for which a descriptor keeps the time */

static void
exchange(struct peer *p, struct ws *ws)
{
	struct ws_msg msg;

	peer_say(p, "&t(busy)");
	ck_assert_int_eq(wait_poll(ws), 1);
	ck_assert_int_eq(ws_recv(ws, &msg), 1);
}

static int
lowest_free(void)
{
	const int fd = dup(STDIN_FILENO);

	close(fd);
	return fd;
}

/* Allow so many descriptors.  Returns how many were allowed. */
static rlim_t
allow_descriptors(rlim_t n)
{
	struct rlimit limit;
	rlim_t before;

	ck_assert_int_eq(getrlimit(RLIMIT_NOFILE, &limit), 0);
	before = limit.rlim_cur;
	limit.rlim_cur = n;
	ck_assert_int_eq(setrlimit(RLIMIT_NOFILE, &limit), 0);
	return before;
}

/*
 * Many messages, and a descriptor keeps the time, if there is one: no wait is
 * longer or shorter by that, and it is given back in silence.
 */
START_TEST(is_in_time_after_many_messages)
{
	struct peer p;
	struct ws *ws =
	    peer_server(&p, (struct ws_conf){ .ping = 300, .pong = 80 });
	const int before = lowest_free();
	rlim_t allowed = 0;
	int64_t from;

	if (_i == 1)
		allowed = allow_descriptors((rlim_t)before);
	for (int i = 0; i < BUSY; i++)
		exchange(&p, ws);
	if (_i == 0)
		ck_assert_int_eq(lowest_free(), before + 1);
	from = peer_ms();
	ck_assert_int_eq(ws_poll(ws, WS_WHOLE, NULL, 0, 50), 0);
	ck_assert_int_ge(peer_ms() - from, 50);
	ck_assert_int_lt(peer_ms() - from, 700);
	for (; peer_ms() - from < 1000; poll(NULL, 0, 1))
		exchange(&p, ws);
	check_heard(&p, "");
	from = peer_ms();
	exchange(&p, ws);
	ck_assert_int_eq(wait_poll(ws), -1);
	ck_assert_int_ge(peer_ms() - from, 379);
	ck_assert_int_lt(peer_ms() - from, 5000);
	check_heard(&p, "ping()");
	if (_i == 0)
		ck_assert_int_eq(lowest_free(), before);
	else
		allow_descriptors(allowed);
	peer_end(&p, ws);
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("timeout");

	unit_loop(s, "many messages", is_in_time_after_many_messages, 2);
	return unit_run(s);
}
