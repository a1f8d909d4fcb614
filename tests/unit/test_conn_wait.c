/*
 * test_conn_wait.c - proves that no call waits longer than it should: silent
 * and dead peers, peers that do not read, signals, a service that stops; that
 * ws_poll waits for all at once; and that nothing queues without bound.
 */

#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/time.h>
#include <unistd.h>

#include "clock.h"
#include "peer.h"
#include "script.h"
#include "unit.h"

static volatile sig_atomic_t signals, stop;

static void
on_alarm(int sig)
{
	(void)sig;
	signals++;
}

static void
on_stop(int sig)
{
	(void)sig;
	stop = 1;
}

/* Send SIGALRM each ms, or, if it is 0, no more. */
static void
alarm_each(int ms, void (*handler)(int))
{
	const struct timeval tv = { .tv_usec = ms * 1000 };
	const struct itimerval it = { .it_interval = tv, .it_value = tv };
	struct sigaction sa = { .sa_handler = handler };

	ck_assert_int_eq(sigaction(SIGALRM, &sa, NULL), 0);
	ck_assert_int_eq(setitimer(ITIMER_REAL, &it, NULL), 0);
}

/* The two ways of waiting for a message. */
static int
wait_recv(struct ws *ws)
{
	struct ws_msg msg;

	return ws_recv(ws, &msg);
}

static int
wait_poll(struct ws *ws)
{
	int r;

	do
		r = ws_poll(ws, WS_WHOLE, NULL, 0, -1);
	while (r == 0);
	return r;
}

static const struct waiting {
	const char *name;
	int (*wait)(struct ws *);
} waitings[] = { { "in ws_recv", wait_recv }, { "in ws_poll", wait_poll } };

static void
check_heard(const struct peer *p, const char *want)
{
	char *got = peer_heard(p);

	ck_assert_str_eq(got, want);
	free(got);
}

/* One Ping after silence, and after more of it the end. */
START_TEST(pings_then_gives_up)
{
	struct peer p;
	struct ws *ws =
	    peer_server(&p, (struct ws_conf){ .ping = 60, .pong = 80 });
	int64_t from = peer_ms(), took;

	ck_assert_int_eq(waitings[_i].wait(ws), -1);
	took = peer_ms() - from;
	ck_assert_int_ge(took, 139);
	ck_assert_int_lt(took, 9000);
	ck_assert_int_eq(ws_info(ws)->failed, WS_ABNORMAL);
	check_heard(&p, "ping()");
	ck_assert_int_eq(ws_close(ws, 0, NULL), -1);
	check_heard(&p, "");
	peer_end(&p, ws);
}
END_TEST

/* Signals that end waiting early put nothing off. */
START_TEST(pings_in_spite_of_signals)
{
	struct peer p;
	struct ws *ws =
	    peer_server(&p, (struct ws_conf){ .ping = 60, .pong = 80 });
	int64_t from = peer_ms();

	alarm_each(10, on_alarm);
	/* Should it not end by itself, a message does it. */
	p.pause = 300;
	peer_start(&p, "\x81\x80\0\0\0\0", 6);
	ck_assert_int_eq(waitings[_i].wait(ws), -1);
	alarm_each(0, SIG_DFL);
	ck_assert_int_lt(peer_ms() - from, 1500);
	ck_assert_int_gt(signals, 5);
	ws_free(ws);
	peer_finish(&p);
	peer_free(&p);
}
END_TEST

/* Nor does one that comes late, when most of the silence is over. */
START_TEST(pings_in_time_after_a_signal)
{
	const struct itimerval once = { .it_value = { .tv_usec = 700000 } };
	struct sigaction sa = { .sa_handler = on_alarm };
	struct peer p;
	struct ws *ws =
	    peer_server(&p, (struct ws_conf){ .ping = 1000, .pong = 1 });
	int64_t from = peer_ms();

	ck_assert_int_eq(sigaction(SIGALRM, &sa, NULL), 0);
	ck_assert_int_eq(setitimer(ITIMER_REAL, &once, NULL), 0);
	ck_assert_int_eq(waitings[_i].wait(ws), -1);
	ck_assert_int_lt(peer_ms() - from, 1600);
	check_heard(&p, "ping()");
	peer_end(&p, ws);
}
END_TEST

static int
wait_send(struct ws *ws)
{
	static char text[4 << 20];

	return ws_send(ws, WS_BINARY, text, sizeof(text));
}

static int
wait_close(struct ws *ws)
{
	return ws_close(ws, WS_NORMAL, NULL);
}

static const struct waiting all_waitings[] = {
	{ "in ws_recv", wait_recv },
	{ "in ws_poll", wait_poll },
	{ "in ws_send", wait_send },
	{ "in ws_close", wait_close },
};

static void
count(void *arg)
{
	++*(int *)arg;
}

/* Whoever asked hears of each signal, and the wait goes on. */
START_TEST(tells_of_signals)
{
	struct ws_conf conf = { .ping = 300, .pong = 1, .write = 300 };
	struct peer p;
	struct ws *ws;
	int told = 0;
	int64_t from;

	conf.close = conf.linger = 300;
	ws = peer_server(&p, conf);
	ws_on_signal(ws, count, &told);
	from = peer_ms();
	alarm_each(10, on_alarm);
	ck_assert_int_eq(all_waitings[_i].wait(ws), -1);
	alarm_each(0, SIG_DFL);
	ck_assert_int_ge(peer_ms() - from, 299);
	ck_assert_int_gt(told, 0);
	ck_assert_int_le(told, signals);
	peer_end(&p, ws);
}
END_TEST

/* Any byte is life: a frame that comes slowly is no silence. */
START_TEST(slow_bytes_are_life)
{
	struct peer p;
	struct ws *ws =
	    peer_server(&p, (struct ws_conf){ .ping = 1500, .pong = 50 });
	size_t n;
	uint8_t *frame = script_bytes("&t(*20)", &n);
	int64_t from = peer_ms();

	p.pause = 100;
	peer_start(&p, frame, n);
	ck_assert_int_eq(waitings[_i].wait(ws), 1);
	ck_assert_int_gt(peer_ms() - from, 2000);
	ws_free(ws);
	peer_finish(&p);
	ck_assert_uint_eq(p.n, 0);
	free(frame);
	peer_free(&p);
}
END_TEST

/* A Pong is there, and we come late to look: that is no dead peer. */
START_TEST(sees_a_pong_that_waits)
{
	struct peer p;
	struct ws *ws =
	    peer_server(&p, (struct ws_conf){ .ping = 40, .pong = 60 });

	for (int i = 0; i < 3; i++) {
		peer_sends = 0;
		while (peer_sends == 0)
			ck_assert_int_eq(ws_poll(ws, WS_WHOLE, NULL, 0, 5), 0);
		check_heard(&p, "ping()");
		peer_say(&p, "&pong()");
		poll(NULL, 0, 100);
	}
	peer_say(&p, "&t(alive)");
	ck_assert_int_eq(waitings[_i].wait(ws), 1);
	peer_end(&p, ws);
}
END_TEST

/* A peer that takes nothing is given up, and one that takes little is not. */
START_TEST(gives_up_a_stalled_write)
{
	static char text[4 << 20];
	struct peer p;
	struct ws *ws = peer_server(&p, (struct ws_conf){ .write = 100 });
	int64_t from = peer_ms(), took;

	memset(text, 'x', sizeof(text));
	ck_assert_int_eq(ws_send(ws, WS_TEXT, text, sizeof(text)), -1);
	took = peer_ms() - from;
	ck_assert_int_ge(took, 100);
	ck_assert_int_lt(took, 9000);
	ck_assert_int_eq(ws_info(ws)->failed, WS_ABNORMAL);
	from = peer_ms();
	ck_assert_int_eq(ws_close(ws, WS_NORMAL, NULL), -1);
	ck_assert_int_lt(peer_ms() - from, 1000);
	peer_end(&p, ws);
}
END_TEST

START_TEST(waits_for_a_slow_reader)
{
	static char text[600000];
	struct peer p;
	struct ws *ws = peer_server(&p, (struct ws_conf){ .write = 400 });
	int64_t from = peer_ms();

	memset(text, 'x', sizeof(text));
	p.slow = 15; /* for each 8 KiB: longer than the time limit in all */
	peer_start(&p, "", 0);
	ck_assert_int_eq(ws_send(ws, WS_TEXT, text, sizeof(text)), 0);
	ck_assert_int_gt(peer_ms() - from, 400);
	ws_free(ws);
	peer_finish(&p);
	ck_assert_uint_gt(p.n, sizeof(text));
	peer_free(&p);
}
END_TEST

/* While it polls, too: the queue does not move, and that ends it. */
START_TEST(gives_up_a_stalled_queue)
{
	static char text[1 << 20];
	const enum ws_want wants[] = { WS_NOTHING, WS_WHOLE, WS_PART };
	struct peer p;
	struct ws *ws = peer_server(&p, (struct ws_conf){ .write = 100 });
	int64_t from = peer_ms();
	int r;

	ck_assert_int_eq(ws_queue(ws, WS_BINARY, text, sizeof(text)), 0);
	do
		r = ws_poll(ws, wants[_i], NULL, 0, 1000);
	while (r == 0 && peer_ms() - from < 2000);
	ck_assert_int_eq(r, -1);
	ck_assert_int_ge(peer_ms() - from, 100);
	ck_assert_int_eq(ws_info(ws)->failed, WS_ABNORMAL);
	peer_end(&p, ws);
}
END_TEST

/* A masked Ping.  Returns its bytes. */
static size_t
ping_bytes(uint8_t *out, const uint8_t *payload, size_t len)
{
	out[0] = 0x89;
	out[1] = (uint8_t)(0x80 | len);
	memset(out + 2, 0, 4);
	memcpy(out + 6, payload, len);
	return 6 + len;
}

static const struct flood {
	const char *name;
	size_t len; /* of a Ping */
	int at_once;
	int times;
} floods[] = {
	{ "a flood of long pings", 125, 6, 20000 },
	{ "a million pings", 0, 2000, 500 },
};

/*
 * A flood of Pings from a peer that reads no Pong: at most 64 KiB of Pongs and
 * one more frame wait, however many come.
 */
START_TEST(a_flood_of_pings_queues_little)
{
	const struct flood *row = &floods[_i];
	struct peer p;
	struct ws *ws = peer_server(&p, (struct ws_conf){ .ping_rate = -1 });
	size_t most = 0, n = 0;
	uint8_t pings[12000], payload[125] = { 0 };

	for (int i = 0; i < row->at_once; i++)
		n += ping_bytes(pings + n, payload, row->len);
	for (int i = 0; i < row->times; i++) {
		ck_assert_int_eq(write(p.fd, pings, n), (ssize_t)n);
		if (ws_poll(ws, WS_WHOLE, NULL, 0, 0) != 0)
			ck_abort_msg("%s", ws_error(ws));
		most = ws_queued(ws) > most ? ws_queued(ws) : most;
	}
	ck_assert_uint_gt(most, 65535);
	ck_assert_uint_le(most, 65536 + 127);
	peer_end(&p, ws);
}
END_TEST

/* The last of them is answered once the peer reads: RFC 6455 5.5.3. */
START_TEST(answers_the_last_ping)
{
	struct peer p;
	struct ws *ws = peer_server(&p, (struct ws_conf){ 0 });
	static char text[400000];
	size_t n;
	char *got;

	ck_assert_int_eq(ws_queue(ws, WS_BINARY, text, sizeof(text)), 0);
	peer_say(&p, "&ping(1) &ping(2) &ping(3)");
	ck_assert_int_eq(ws_poll(ws, WS_WHOLE, NULL, 0, 10), 0);
	for (int i = 0; i < 20; i++) {
		got = peer_heard(&p);
		n = strlen(got);
		if (n > 8 && strcmp(got + n - 7, "pong(3)") == 0)
			i = 100;
		free(got);
		ck_assert_int_eq(ws_poll(ws, WS_WHOLE, NULL, 0, 10), 0);
	}
	ck_assert_uint_eq(ws_queued(ws), 0);
	check_heard(&p, "");
	peer_end(&p, ws);
}
END_TEST

static const struct polling {
	const char *name;
	const char *said; /* by the peer */
	bool news;	  /* on the descriptor */
	enum ws_want want;
	int r;
} pollings[] = {
	{ "nothing, until the time is over", "", false, WS_WHOLE, 0 },
	{ "a message", "&t(a)", false, WS_WHOLE, 1 },
	{ "part of a message", "&t-(a)", false, WS_PART, 1 },
	{ "part of a message is not the whole", "&t-(a)", false, WS_WHOLE, 0 },
	{ "a close", "&close()", false, WS_WHOLE, 1 },
	{ "a ping is no message", "&ping()", false, WS_WHOLE, 0 },
	{ "news", "", true, WS_WHOLE, 0 },
	{ "news, nothing wanted", "&t(a)", true, WS_NOTHING, 0 },
	{ "a message, nothing wanted", "&t(a)", false, WS_NOTHING, 0 },
	{ "a message and news", "&t(a)", true, WS_WHOLE, 1 },
};

/* 1: what is wanted is here, and revents are 0; 0: look at revents. */
START_TEST(polls)
{
	const struct polling *row = &pollings[_i];
	struct peer p;
	struct ws *ws = peer_server(&p, (struct ws_conf){ 0 });
	struct ws_msg msg;
	struct pollfd pfd[2];
	int fd[2], r;
	int64_t from;

	ck_assert_int_eq(pipe(fd), 0);
	for (int i = 0; i < 2; i++)
		pfd[i] = (struct pollfd){ .fd = fd[0],
			.events = POLLIN,
			.revents = POLLERR };
	pfd[1].fd = -1;
	if (row->news)
		ck_assert_int_eq(write(fd[1], "x", 1), 1);
	peer_say(&p, row->said);
	do {
		from = peer_ms();
		peer_sends = 0;
		r = ws_poll(ws, row->want, pfd, 2, 50);
	} while (r == 0 && peer_sends > 0);
	ck_assert_int_eq(r, row->r);
	ck_assert_int_eq(pfd[1].revents, 0);
	ck_assert_int_eq(pfd[0].revents, row->news ? POLLIN : 0);
	if (r == 0 && !row->news)
		ck_assert_int_ge(peer_ms() - from, 50);
	ck_assert_int_eq(ws_ready(ws, row->want), row->r);
	if (row->want == WS_WHOLE && row->r == 1)
		ck_assert_int_eq(ws_recv(ws, &msg), row->said[1] == 't');
	close(fd[0]);
	close(fd[1]);
	peer_end(&p, ws);
}
END_TEST

/* A signal ends the wait, and the queue's end does. */
START_TEST(polls_for_signals_and_the_queue)
{
	struct peer p;
	struct ws *ws = peer_server(&p, (struct ws_conf){ 0 });
	int64_t from = peer_ms();

	ck_assert_int_eq(ws_queue(ws, WS_TEXT, "a", 1), 0);
	ck_assert_uint_eq(ws_queued(ws), 3);
	ck_assert_int_eq(ws_poll(ws, WS_WHOLE, NULL, 0, -1), 0);
	ck_assert_uint_eq(ws_queued(ws), 0);
	check_heard(&p, "t(a)");
	alarm_each(20, on_alarm);
	ck_assert_int_eq(ws_poll(ws, WS_WHOLE, NULL, 0, 2000), 0);
	alarm_each(0, SIG_DFL);
	ck_assert_int_lt(peer_ms() - from, 1500);
	peer_end(&p, ws);
}
END_TEST

/* Who wants nothing still learns, once, that the peer has left. */
START_TEST(tells_of_a_hang_up)
{
	struct peer p;
	struct ws *ws = peer_server(&p, (struct ws_conf){ 0 });
	int64_t from;

	ck_assert(!ws_hung_up(ws));
	close(p.fd);
	p.fd = -1;
	ck_assert_int_eq(ws_poll(ws, WS_NOTHING, NULL, 0, 2000), 0);
	ck_assert(ws_hung_up(ws));
	from = peer_ms();
	ck_assert_int_eq(ws_poll(ws, WS_NOTHING, NULL, 0, 50), 0);
	ck_assert_int_ge(peer_ms() - from, 50);
	peer_end(&p, ws);
}
END_TEST

START_TEST(polls_no_more_than_it_can)
{
	struct pollfd pfd[WS_POLL_MAX + 1];
	struct peer p;
	struct ws *ws = peer_server(&p, (struct ws_conf){ 0 });

	for (int i = 0; i <= WS_POLL_MAX; i++)
		pfd[i] = (struct pollfd){ .fd = -1 };
	ck_assert_int_eq(ws_poll(ws, WS_WHOLE, pfd, WS_POLL_MAX, 0), 0);
	ck_assert_int_eq(ws_poll(ws, WS_WHOLE, pfd, WS_POLL_MAX + 1, 0), -1);
	peer_end(&p, ws);
}
END_TEST

static struct ws *
stoppable(struct peer *p)
{
	stop = 0;
	return peer_server(p,
	    (struct ws_conf){ .stop = &stop,
		.write = 500,
		.close = 20,
		.linger = 20 });
}

/* A signal within the wait; its handler says that the service stops. */
START_TEST(stops)
{
	struct peer p;
	struct ws *ws = stoppable(&p);

	alarm_each(50, on_stop);
	ck_assert_int_eq(waitings[_i].wait(ws), -1);
	alarm_each(0, SIG_DFL);
	ck_assert_int_eq(ws_info(ws)->failed, WS_GOING_AWAY);
	ck_assert_int_eq(ws_close(ws, WS_NORMAL, NULL), -1);
	check_heard(&p, "close(1001 stopped)");
	peer_end(&p, ws);
}
END_TEST

/* And one that came just before a write that has to wait. */
START_TEST(stops_before_a_stalled_write)
{
	static char text[4 << 20];
	struct peer p;
	struct ws *ws = stoppable(&p);

	stop = 1;
	ck_assert_int_eq(ws_send(ws, WS_BINARY, text, sizeof(text)), -1);
	ck_assert_int_eq(ws_info(ws)->failed, WS_GOING_AWAY);
	peer_end(&p, ws);
}
END_TEST

/* Who has to end soon does, whatever is queued. */
START_TEST(ends_within_its_bound)
{
	static char text[4 << 20];
	struct peer p;
	struct ws *ws;
	int64_t began;

	stop = 0;
	ws = peer_server(&p,
	    (struct ws_conf){ .stop = &stop,
		.write = 30000,
		.close = 30000,
		.linger = 30000,
		.stopped = 50 });
	while (ws_queued(ws) == 0)
		ck_assert_int_eq(ws_queue(ws, WS_BINARY, text, sizeof(text)),
		    0);
	stop = 1;
	began = clock_ms();
	ck_assert_int_eq(ws_close(ws, WS_NORMAL, NULL), -1);
	ck_assert_int_ge(clock_ms() - began, 40);
	ck_assert_int_lt(clock_ms() - began, 1000);
	peer_end(&p, ws);
}
END_TEST

START_TEST(sends_no_long_ping)
{
	const char data[126] = "";
	struct peer p;
	struct ws *ws =
	    peer_server(&p, (struct ws_conf){ .close = 20, .linger = 20 });

	ck_assert_int_eq(ws_ping(ws, data, 125), 0);
	free(peer_heard(&p));
	ck_assert_int_eq(ws_ping(ws, data, 126), -1);
	ck_assert_int_eq(ws_info(ws)->failed, WS_INTERNAL);
	ck_assert_str_eq(ws_error(ws), "a Ping of over 125 bytes");
	check_heard(&p, "");
	peer_end(&p, ws);
}
END_TEST

START_TEST(the_first_failure_stands)
{
	struct ws_msg msg;
	struct peer p;
	struct ws *ws =
	    peer_server(&p, (struct ws_conf){ .close = 20, .linger = 20 });

	peer_say(&p, "&t(a)");
	ck_assert_ptr_null(ws_error(ws));
	ck_assert_int_eq(ws_fail(ws, WS_POLICY, "no %s here", "dogs"), -1);
	ck_assert_int_eq(ws_fail(ws, WS_INTERNAL, "later"), -1);
	ck_assert_int_eq(ws_recv(ws, &msg), -1);
	ck_assert_int_eq(ws_part(ws, &msg), -1);
	ck_assert_int_eq(ws_send(ws, WS_TEXT, "a", 1), -1);
	ck_assert_int_eq(ws_queue(ws, WS_TEXT, "a", 1), -1);
	ck_assert_int_eq(ws_ping(ws, NULL, 0), -1);
	ck_assert_int_eq(ws_poll(ws, WS_WHOLE, NULL, 0, 0), -1);
	ck_assert_int_eq(ws_ready(ws, WS_PART), -1);
	ck_assert_str_eq(ws_error(ws), "no dogs here");
	ck_assert_int_eq(ws_close(ws, WS_NORMAL, "well"), -1);
	check_heard(&p, "close(1008 no dogs here)");
	peer_end(&p, ws);
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("conn_wait");

	UNIT_ROWS(s, pings_then_gives_up, waitings);
	UNIT_ROWS(s, pings_in_spite_of_signals, waitings);
	UNIT_ROWS(s, pings_in_time_after_a_signal, waitings);
	UNIT_ROWS(s, tells_of_signals, all_waitings);
	UNIT_ROWS(s, slow_bytes_are_life, waitings);
	UNIT_ROWS(s, sees_a_pong_that_waits, waitings);
	UNIT_ROWS(s, stops, waitings);
	UNIT_ROWS(s, polls, pollings);
	unit_test(s, "a bound when stopped", ends_within_its_bound);
	unit_test(s, "a stalled write", gives_up_a_stalled_write);
	unit_loop(s, "a stalled queue", gives_up_a_stalled_queue, 3);
	unit_test(s, "a slow reader", waits_for_a_slow_reader);
	UNIT_ROWS(s, a_flood_of_pings_queues_little, floods);
	unit_test(s, "the last ping", answers_the_last_ping);
	unit_test(s, "signals and the queue", polls_for_signals_and_the_queue);
	unit_test(s, "a hang-up", tells_of_a_hang_up);
	unit_test(s, "too many descriptors", polls_no_more_than_it_can);
	unit_test(s, "stop before a write", stops_before_a_stalled_write);
	unit_test(s, "a long Ping", sends_no_long_ping);
	unit_test(s, "failures", the_first_failure_stands);
	return unit_run(s);
}
