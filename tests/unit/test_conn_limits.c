/*
 * test_conn_limits.c - proves how much a peer may say, and for how long: each
 * limit is reached and just not reached, by messages of all kinds, in any
 * pieces, and by who waits in any way; and delay is held against nobody.
 *
 * The clock is the test's own: it stands, or goes, and may be put forward.
 */

#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "clock.h"
#include "peer.h"
#include "script.h"
#include "unit.h"

static struct {
	bool stands;
	int64_t ahead; /* of the time, or where it stands */
	int64_t next;  /* how long the next wait takes, while it stands */
} test_clock;

int64_t
clock_ms(void)
{
	return test_clock.ahead + (test_clock.stands ? 0 : peer_ms());
}

int64_t
clock_tick(void)
{
	return clock_ms();
}

int64_t
clock_in(int ms)
{
	return ms < 0 ? CLOCK_NEVER : clock_ms() + ms;
}

int
clock_until(int64_t when)
{
	if (when == CLOCK_NEVER)
		return -1;
	return when > clock_ms() ? (int)(when - clock_ms()) : 0;
}

/* It is asked for before a wait. */
struct timespec
clock_span(int ms)
{
	test_clock.ahead += test_clock.next;
	test_clock.next = 0;
	return (struct timespec){ .tv_sec = ms / 1000,
		.tv_nsec = ms % 1000 * 1000000L };
}

/* Rates: who reads all there is, and says it back. */

struct step {
	int64_t away;  /* ms in which we do not listen, */
	int64_t there; /* and, behind them, in which we do */
	int times;
	const char *said;
};

static const struct rated {
	const char *name;
	struct step steps[4];
	int64_t message_rate, byte_rate, ping_rate;
	int messages, pongs; /* that are answered */
	const char *why;     /* it failed, or NULL */
} rateds[] = {
	{ "ten seconds' messages at once", { { 0, 0, 20, "&t(a)" } }, 2, 0, 0,
	    20, 0, NULL },
	{ "one more", { { 0, 0, 21, "&t(a)" } }, 2, 0, 0, 20, 0,
	    "the client sends over 2 messages a second" },
	{ "messages in time",
	    { { 0, 0, 20, "&t(a)" }, { 0, 1000, 2, "&t(a)" },
		{ 0, 500, 1, "&t(a)" } },
	    2, 0, 0, 23, 0, NULL },
	{ "messages too soon",
	    { { 0, 0, 20, "&t(a)" }, { 0, 1000, 2, "&t(a)" },
		{ 0, 499, 1, "&t(a)" } },
	    2, 0, 0, 22, 0, "the client sends over 2 messages a second" },
	{ "silence makes no room", { { 0, 3600000, 11, "&t(a)" } }, 1, 0, 0, 10,
	    0, "the client sends over 1 messages a second" },
	{ "what was said while we were away",
	    { { 0, 0, 10, "&t(a)" }, { 60000, 0, 60, "&t(a)" } }, 1, 0, 0, 70,
	    0, NULL },
	{ "or comes a little later",
	    { { 0, 0, 10, "&t(a)" }, { 60000, 20000, 50, "&t(a)" } }, 1, 0, 0,
	    60, 0, NULL },
	{ "is no pretext for more",
	    { { 0, 0, 10, "&t(a)" }, { 60000, 0, 61, "&t(a)" } }, 1, 0, 0, 70,
	    0, "the client sends over 1 messages a second" },
	{ "nor much later",
	    { { 0, 0, 10, "&t(a)" }, { 60000, 0, 0, "" },
		{ 0, 70000, 11, "&t(a)" } },
	    1, 0, 0, 20, 0, "the client sends over 1 messages a second" },
	{ "fragments are no messages",
	    { { 0, 0, 10, "&t-(a) &+-() &+-(b) &ping() &+(c)" } }, 1, 0, 0, 10,
	    10, NULL },
	{ "empty messages are", { { 0, 0, 11, "&t()" } }, 1, 0, 0, 10, 0,
	    "the client sends over 1 messages a second" },
	{ "a message is counted when it begins",
	    { { 0, 0, 10, "&t(a)" }, { 0, 0, 1, "&t-(a)" } }, 1, 0, 0, 10, 0,
	    "the client sends over 1 messages a second" },

	{ "bytes at once, with their heads", { { 0, 0, 10, "&t(1234)" } }, 0,
	    10, 0, 10, 0, NULL },
	{ "a byte more", { { 0, 0, 9, "&t(1234)" }, { 0, 0, 1, "&t(12345)" } },
	    0, 10, 0, 9, 0, "the client sends over 10 bytes a second" },
	{ "bytes in time",
	    { { 0, 0, 10, "&t(1234)" }, { 0, 1000, 1, "&t(1234)" } }, 0, 10, 0,
	    11, 0, NULL },
	{ "bytes too soon",
	    { { 0, 0, 10, "&t(1234)" }, { 0, 999, 1, "&t(1234)" } }, 0, 10, 0,
	    10, 0, "the client sends over 10 bytes a second" },
	{ "bytes said while we were away",
	    { { 0, 0, 10, "&t(1234)" }, { 60000, 0, 60, "&t(1234)" } }, 0, 10,
	    0, 70, 0, NULL },
	{ "a message that is too long for the rate", { { 0, 0, 1, "&t(*95)" } },
	    0, 10, 0, 0, 0, "the client sends over 10 bytes a second" },
	{ "a message without an end",
	    { { 0, 0, 1, "{82ff 0000000000100000 00000000}" },
		{ 0, 0, 87, "{00}" } },
	    0, 10, 0, 0, 0, "the client sends over 10 bytes a second" },
	{ "which is as long as it may be",
	    { { 0, 0, 1, "{82ff 0000000000100000 00000000}" },
		{ 0, 0, 86, "{00}" } },
	    0, 10, 0, 0, 0, NULL },
	{ "empty fragments", { { 0, 0, 1, "&t-()" }, { 0, 0, 16, "&+-()" } }, 0,
	    10, 0, 0, 0, "the client sends over 10 bytes a second" },
	{ "pings are bytes", { { 0, 0, 17, "&ping()" } }, 0, 10, 0, 0, 16,
	    "the client sends over 10 bytes a second" },

	{ "pings at once", { { 0, 0, 30, "&ping()" } }, 0, 0, 3, 0, 30, NULL },
	{ "a ping more", { { 0, 0, 31, "&ping()" } }, 0, 0, 3, 0, 30,
	    "the client sends over 3 Pings a second" },
	{ "pings in time",
	    { { 0, 0, 30, "&ping()" }, { 0, 1000, 3, "&ping()" } }, 0, 0, 3, 0,
	    33, NULL },
	{ "pings in time, counted with messages",
	    { { 0, 0, 30, "&ping()" }, { 0, 1000, 3, "&ping() &t(a)" } }, 1, 0,
	    3, 3, 33, NULL },
	{ "a ping too soon",
	    { { 0, 0, 30, "&ping()" }, { 0, 1000, 4, "&ping()" } }, 0, 0, 3, 0,
	    33, "the client sends over 3 Pings a second" },
	{ "pongs are counted with them",
	    { { 0, 0, 15, "&ping() &pong()" }, { 0, 0, 1, "&pong()" } }, 0, 0,
	    3, 0, 15, "the client sends over 3 Pings a second" },
	{ "a thousand pings, by default", { { 0, 0, 1000, "&ping()" } }, 0, 0,
	    0, 0, 1000, NULL },
	{ "and one", { { 0, 0, 1001, "&ping()" } }, 0, 0, 0, 0, 1000,
	    "the client sends over 100 Pings a second" },
	{ "no limit for pings", { { 0, 0, 3000, "&ping()" } }, 0, 0, -1, 0,
	    3000, NULL },
	{ "messages are no pings", { { 0, 0, 3000, "&t(a)" } }, 0, 0, 1, 3000,
	    0, NULL },
};

static int
how_often(const char *text, const char *word)
{
	int n = 0;

	while ((text = strstr(text, word)) != NULL) {
		text += strlen(word);
		n++;
	}
	return n;
}

/* What has come of it. */
struct heard {
	int messages, pongs, closes;
};

static void
hear(const struct peer *p, struct heard *h, const char *close)
{
	char *got = peer_heard(p);

	h->messages += how_often(got, "t(");
	h->pongs += how_often(got, "pong(");
	h->closes += how_often(got, close);
	free(got);
}

/* Say back what there is.  Returns -1 when it has failed. */
static int
say_back(const struct peer *p, struct ws *ws, struct heard *h)
{
	struct ws_msg msg;
	int r, unread = 0;

	do {
		r = ws_poll(ws, WS_WHOLE, NULL, 0, 0);
		if (r == 1 && ws_recv(ws, &msg) == 1)
			ws_queue(ws, msg.type, msg.data, msg.len);
		ck_assert_int_eq(ioctl(p->ours, FIONREAD, &unread), 0);
		hear(p, h, "close(");
	} while (r == 1 || (r == 0 && (unread > 0 || ws_queued(ws) > 0)));
	return r;
}

static int
take_step(const struct peer *p, struct ws *ws, const struct step *step,
    struct heard *h)
{
	enum { MANY = 100 }; /* which the socket holds */
	int r = 0;

	test_clock.ahead += step->away;
	test_clock.next = step->there;
	for (int i = 1; i <= step->times && r == 0; i++) {
		peer_say(p, step->said);
		if (i % MANY == 0)
			r = say_back(p, ws, h);
	}
	return r == 0 ? say_back(p, ws, h) : r;
}

static struct ws *
rated_server(struct peer *p, const struct rated *row)
{
	struct ws_conf conf = { .message_rate = row->message_rate,
		.byte_rate = row->byte_rate,
		.ping_rate = row->ping_rate };
	struct ws *ws;

	test_clock.stands = true;
	test_clock.ahead = 1000000;
	conf.ping = conf.pong = -1;
	conf.close = conf.linger = 1;
	ws = peer_server(p, conf);
	return ws;
}

START_TEST(counts_what_comes)
{
	const struct rated *row = &rateds[_i / WAYS];
	struct peer p;
	struct ws *ws = rated_server(&p, row);
	char close[128] = "close(1000)";
	struct heard h = { 0 };
	int r = 0;

	peer_chunk = peer_way(_i);
	for (size_t i = 0; i < COUNT(row->steps) && r == 0; i++)
		if (row->steps[i].said != NULL)
			r = take_step(&p, ws, &row->steps[i], &h);
	ck_assert_int_eq(r, row->why == NULL ? 0 : -1);
	ck_assert_int_eq(ws_info(ws)->failed, row->why == NULL ? 0 : 1008);
	ck_assert(!ws_info(ws)->expired);
	if (row->why != NULL) {
		ck_assert_str_eq(ws_error(ws), row->why);
		snprintf(close, sizeof(close), "close(1008 %s)", row->why);
	}
	test_clock.stands = false;
	ws_close(ws, 1000, NULL);
	hear(&p, &h, close);
	ck_assert_int_eq(h.messages, row->messages);
	ck_assert_int_eq(h.pongs, row->pongs);
	ck_assert_int_eq(h.closes, 1);
	peer_end(&p, ws);
}
END_TEST

/* Pongs are free that we have asked for, and no others. */
START_TEST(pongs_that_were_asked_for)
{
	const struct rated row = { .ping_rate = 1 };
	struct heard h = { 0 };
	struct peer p;
	struct ws *ws = rated_server(&p, &row);

	for (int i = 0; i < 50; i++)
		ck_assert_int_eq(ws_queue_ping(ws, "?", 1), 0);
	for (int i = 0; i < 60; i++)
		peer_say(&p, "&pong(?)");
	ck_assert_int_eq(say_back(&p, ws, &h), 0);
	peer_say(&p, "&pong(?)");
	ck_assert_int_eq(say_back(&p, ws, &h), -1);
	ck_assert_str_eq(ws_error(ws),
	    "the client sends over 1 Pings a second");
	peer_end(&p, ws);
}
END_TEST

/* Nothing is counted behind our Close: it leads to nothing. */
START_TEST(counts_nothing_behind_a_close)
{
	const struct rated row = { .message_rate = 1,
		.byte_rate = 1,
		.ping_rate = 1 };
	struct peer p;
	struct ws *ws = rated_server(&p, &row);

	for (int i = 0; i < 50; i++)
		peer_say(&p, "&ping() &t(a)");
	peer_say(&p, "&close(1000)");
	ck_assert_int_eq(ws_close(ws, 1000, NULL), 0);
	ck_assert_int_eq(ws_info(ws)->received, 1000);
	peer_end(&p, ws);
}
END_TEST

/* A client has a server for a peer. */
START_TEST(names_the_peer)
{
	struct heard h = { 0 };
	struct peer p;
	struct ws *ws;

	test_clock.stands = true;
	ws = peer_client(&p, (struct ws_conf){ .message_rate = 1 });
	for (int i = 0; i < 30; i++)
		peer_say(&p, "t(a)");
	ck_assert_int_eq(say_back(&p, ws, &h), -1);
	ck_assert_str_eq(ws_error(ws),
	    "the server sends over 1 messages a second");
	peer_end(&p, ws);
}
END_TEST

/* Time: as it passes. */

static int
wait_recv(struct ws *ws)
{
	struct ws_msg msg;
	int r;

	while ((r = ws_recv(ws, &msg)) == 1)
		continue;
	return r;
}

static int
wait_part(struct ws *ws)
{
	struct ws_msg msg;
	int r;

	while ((r = ws_part(ws, &msg)) == 1)
		continue;
	return r;
}

static int
wait_poll(struct ws *ws)
{
	int r;

	while ((r = ws_poll(ws, WS_PART, NULL, 0, -1)) != -1)
		if (r == 1 && wait_part(ws) == 0)
			return 0;
	return r;
}

/* Something else always has news. */
static int
wait_busy(struct ws *ws)
{
	struct pollfd pfd = { .events = POLLIN };
	struct ws_msg msg;
	int fd[2], r;

	ck_assert_int_eq(pipe(fd), 0);
	ck_assert_int_eq(write(fd[1], "x", 1), 1);
	pfd.fd = fd[0];
	while ((r = ws_poll(ws, WS_WHOLE, &pfd, 1, -1)) != -1) {
		if (r == 1 && ws_recv(ws, &msg) == 0)
			break;
		poll(NULL, 0, 1);
	}
	close(fd[0]);
	close(fd[1]);
	return r == -1 ? -1 : 0;
}

static int (*const waits[])(
    struct ws *) = { wait_recv, wait_part, wait_poll, wait_busy };

enum { WAITS = COUNT(waits) };

#define DOTS "&pong() &pong() &pong() &pong() &pong() &pong() &pong() &pong() "

static const struct timed {
	const char *name;
	const char *said; /* a byte each so many ms, and its end */
	int pause;
	int session, idle, ping; /* ms */
	int failed;		 /* or 0 */
	int from;		 /* ms */
	const char *why;
} timeds[] = {
	{ "a session, in silence", "", 0, 150, 0, -1, 1008, 150,
	    "the session has lasted 0.15 s, which is the limit" },
	{ "a session, while it is talked", "&b(*900)", 5, 150, 0, -1, 1008, 150,
	    "the session has lasted 0.15 s, which is the limit" },
	{ "a session, while pings pass", DOTS DOTS DOTS, 5, 150, 0, 10, 1008,
	    150, "the session has lasted 0.15 s, which is the limit" },
	{ "a session that is shorter than idleness", "", 0, 150, 2000, -1, 1008,
	    150, "the session has lasted 0.15 s, which is the limit" },
	{ "a session that is long enough", "&t(abc) &close(1000)", 5, 9000, 0,
	    -1, 0, 0, NULL },
	{ "idle from the beginning", "", 0, 0, 150, -1, 1001, 150,
	    "idle for 0.15 s, which is the limit" },
	{ "idle after a message", "&t(abc)", 10, 0, 200, -1, 1001, 290,
	    "idle for 0.2 s, which is the limit" },
	{ "idle in spite of the peer's pings", DOTS DOTS DOTS, 5, 0, 150, -1,
	    1001, 150, "idle for 0.15 s, which is the limit" },
	{ "idle in spite of ours", "", 0, 0, 150, 10, 1001, 150,
	    "idle for 0.15 s, which is the limit" },
	{ "idle in spite of a head that comes slowly",
	    "{82ff 0000000000100000 00000000}", 30, 0, 150, -1, 1001, 150,
	    "idle for 0.15 s, which is the limit" },
	{ "parts of a message are none", "&t(*100) &close(1000)", 20, 0, 1500,
	    -1, 0, 0, NULL },
	{ "nor is a session that begins before idleness ends",
	    "&t(abc) &close(1000)", 10, 9000, 4000, -1, 0, 0, NULL },
};

/* Tests that run in one process leave the clock as it is. */
static struct ws *
timed_server(struct peer *p, struct ws_conf conf)
{
	test_clock.stands = false;
	return peer_server(p, conf);
}

static struct ws_conf
timed_conf(const struct timed *row)
{
	struct ws_conf conf = { .session = row->session, .idle = row->idle };

	conf.ping = row->ping;
	conf.pong = -1;
	conf.close = conf.linger = 20;
	return conf;
}

START_TEST(ends_in_time)
{
	const struct timed *row = &timeds[_i / WAITS];
	struct peer p;
	struct ws *ws = timed_server(&p, timed_conf(row));
	size_t n;
	uint8_t *bytes = script_bytes(row->said, &n);
	int64_t from = peer_ms(), took;

	p.pause = row->pause;
	peer_start(&p, bytes, n);
	ck_assert_int_eq(waits[_i % WAITS](ws), row->failed == 0 ? 0 : -1);
	took = peer_ms() - from;
	ck_assert_int_ge(took, row->from - 1);
	ck_assert_int_lt(took, row->from + 5000);
	ck_assert_int_eq(ws_info(ws)->failed, row->failed);
	ck_assert_int_eq(ws_info(ws)->expired, row->failed != 0);
	if (row->why != NULL)
		ck_assert_str_eq(ws_error(ws), row->why);
	ws_close(ws, 1000, NULL);
	ck_assert_int_eq(ws_info(ws)->sent, row->failed ? row->failed : 1000);
	ws_free(ws);
	peer_finish(&p);
	free(bytes);
	peer_free(&p);
}
END_TEST

/* What we say counts, too, also what is sent from where it lies. */
static const struct saying {
	const char *name;
	size_t n;
} sayings[] = { { "we say little", 1 }, { "we say much", 65536 } };

START_TEST(is_not_idle_that_talks)
{
	static const char bytes[65536];
	struct peer p;
	struct ws *ws =
	    timed_server(&p, (struct ws_conf){ .idle = 1000, .ping = -1 });
	int64_t from = peer_ms(), last = from;

	while (peer_ms() - from < 2000) {
		last = peer_ms();
		ck_assert_int_eq(ws_send(ws, WS_BINARY, bytes, sayings[_i].n),
		    0);
		ck_assert_int_eq(ws_poll(ws, WS_WHOLE, NULL, 0, 100), 0);
		free(peer_heard(&p));
	}
	ck_assert_int_eq(wait_poll(ws), -1);
	ck_assert_int_ge(peer_ms() - last, 1000 - 1);
	peer_end(&p, ws);
}
END_TEST

/* Pings of ours, alone, leave no such trace. */
START_TEST(is_idle_that_pings)
{
	struct peer p;
	struct ws *ws =
	    timed_server(&p, (struct ws_conf){ .idle = 300, .ping = -1 });
	int64_t from = peer_ms();
	int r = 0;

	while (r == 0 && peer_ms() - from < 3000) {
		ck_assert_int_eq(ws_queue_ping(ws, "a", 1), 0);
		r = ws_poll(ws, WS_WHOLE, NULL, 0, 20);
	}
	ck_assert_int_eq(r, -1);
	ck_assert_int_eq(ws_info(ws)->failed, WS_GOING_AWAY);
	peer_end(&p, ws);
}
END_TEST

/* Nor is one that sends what was said, to a peer that reads slowly. */
START_TEST(is_not_idle_that_sends)
{
	static char bytes[1200000];
	struct peer p;
	struct ws *ws =
	    timed_server(&p, (struct ws_conf){ .idle = 1000, .ping = -1 });
	int64_t from = peer_ms();

	p.slow = 10; /* for each 8 KiB */
	ck_assert_int_eq(ws_queue(ws, WS_BINARY, bytes, sizeof(bytes)), 0);
	peer_start(&p, "", 0);
	while (ws_queued(ws) > 0)
		if (ws_poll(ws, WS_WHOLE, NULL, 0, -1) != 0)
			ck_abort_msg("%s", ws_error(ws));
	ck_assert_int_gt(peer_ms() - from, 1100);
	ws_free(ws);
	peer_finish(&p);
	peer_free(&p);
}
END_TEST

/* Who does not listen can't say that nothing was said. */
START_TEST(is_not_idle_that_was_away)
{
	struct peer p;
	struct ws *ws =
	    timed_server(&p, (struct ws_conf){ .idle = 200, .ping = -1 });
	struct ws_msg msg;
	int64_t from;

	poll(NULL, 0, 300);
	peer_say(&p, "&t(a)");
	ck_assert_int_eq(ws_recv(ws, &msg), 1);
	from = peer_ms();
	while (peer_ms() - from < 400)
		ck_assert_int_eq(ws_poll(ws, WS_NOTHING, NULL, 0, 50), 0);
	from = peer_ms();
	ck_assert_int_eq(waits[_i](ws), -1);
	ck_assert_int_ge(peer_ms() - from, 199);
	ck_assert_int_eq(ws_info(ws)->failed, WS_GOING_AWAY);
	peer_end(&p, ws);
}
END_TEST

/* The end of a session ends waits of all kinds. */
static int
wait_send(struct ws *ws)
{
	static char bytes[4 << 20];

	return ws_send(ws, WS_BINARY, bytes, sizeof(bytes));
}

static int
wait_nothing(struct ws *ws)
{
	int r;

	do
		r = ws_poll(ws, WS_NOTHING, NULL, 0, -1);
	while (r == 0);
	return r;
}

static int (*const others[])(struct ws *) = { wait_send, wait_nothing };

START_TEST(ends_other_waits)
{
	struct peer p;
	struct ws *ws =
	    timed_server(&p, (struct ws_conf){ .session = 150, .write = 5000 });
	int64_t from = peer_ms();

	ck_assert_int_eq(others[_i](ws), -1);
	ck_assert_int_ge(peer_ms() - from, 149);
	ck_assert_int_lt(peer_ms() - from, 4000);
	ck_assert_int_eq(ws_info(ws)->failed, WS_POLICY);
	peer_end(&p, ws);
}
END_TEST

/*
 * A peer that reads slowly what was said before a limit keeps nobody for ever:
 * all has the time of a stalled write.
 */
static const struct rated keepers[] = {
	{ .name = "after a session" },
	{ .name = "after a rate", .message_rate = 1 },
};

START_TEST(is_over_soon)
{
	static char bytes[4 << 20];
	struct ws_conf conf = { .write = 300, .close = 30000 };
	struct peer p;
	struct ws *ws;
	int64_t from;

	conf.message_rate = keepers[_i].message_rate;
	conf.session = _i == 0 ? 200 : -1;
	ws = timed_server(&p, conf);
	p.slow = 50; /* for each 8 KiB: a minute, in all */
	for (int i = 0; i < 11; i++)
		peer_say(&p, "&t(a)");
	ck_assert_int_eq(ws_queue(ws, WS_BINARY, bytes, sizeof(bytes)), 0);
	peer_start(&p, "", 0);
	from = peer_ms();
	ck_assert_int_eq(wait_poll(ws), -1);
	ck_assert_int_eq(ws_close(ws, 1000, NULL), -1);
	ck_assert_int_lt(peer_ms() - from, 9000);
	ck_assert_int_eq(ws_info(ws)->failed, WS_POLICY);
	ws_free(ws);
	peer_finish(&p);
	peer_free(&p);
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("conn_limits");

	UNIT_ROWS_EACH(s, counts_what_comes, rateds, WAYS);
	unit_test(s, "pongs that were asked for", pongs_that_were_asked_for);
	unit_test(s, "behind a close", counts_nothing_behind_a_close);
	unit_test(s, "a client", names_the_peer);
	UNIT_ROWS_EACH(s, ends_in_time, timeds, WAITS);
	UNIT_ROWS(s, is_not_idle_that_talks, sayings);
	unit_test(s, "we ping", is_idle_that_pings);
	unit_test(s, "a slow reader", is_not_idle_that_sends);
	unit_loop(s, "we were away", is_not_idle_that_was_away, WAITS);
	unit_loop(s, "the end of a session", ends_other_waits, COUNT(others));
	UNIT_ROWS(s, is_over_soon, keepers);
	return unit_run(s);
}
