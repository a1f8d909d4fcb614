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
	{ "pings between fragments",
	    "&t-(a) &ping(1) &+-(b) &ping(2) &+(c) "
	    "&close()",
	    "pong(1) pong(2) t(abc) close()", 0, 0, 0 },
	{ "a ping of 125 bytes", "&ping(*125) &close()", "pong(*125) close()",
	    0, 0, 0 },
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

	int r;

	/* Who only sends, to one who sends as much, blocks for ever. */
	ck_assert_int_eq(ws_queue(ws, type, data, n), 0);
	do
		r = ws_poll(ws, WS_WHOLE, NULL, 0, -1);
	while (r == 0);
	ck_assert_int_eq(r, 1);
	ck_assert_int_eq(ws_recv(ws, &msg), 1);
	ck_assert_int_eq(msg.type, type);
	ck_assert(msg.first && msg.last);
	ck_assert_uint_eq(msg.len, n);
	ck_assert(n == 0 || memcmp(msg.data, data, n) == 0);
}

START_TEST(both_sides)
{
	int (*const echoes[])(
	    struct ws *) = { echo_whole, echo_parts, echo_polled };
	size_t n = sizes[_i / 9].n;
	struct echoer e = { .echo = echoes[_i % 9 / 3] };
	struct ws_conf conf = { .ping = -1, .write = 5000 };
	struct peer p;
	struct ws *ws;
	pthread_t thread;
	char *data = malloc(n + 1);

	ck_assert_ptr_nonnull(data);
	for (size_t i = 0; i < n; i++)
		data[i] = (char)('a' + i % 23);
	/* Byte by byte the long ones would take too long. */
	peer_chunk = n > 65000 ? peer_way(_i) * 1000 : peer_way(_i);
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

/* The client's frames are masked, each with a new key: RFC 6455 5.3. */
START_TEST(masks_with_new_keys)
{
	enum { N = 2000, SIZE = 7 };
	static uint8_t frames[N * SIZE];
	struct peer p;
	struct ws *ws = peer_client(&p, (struct ws_conf){ 0 });
	int same = 0;

	for (int i = 0; i < N; i++)
		ck_assert_int_eq(ws_queue(ws, WS_TEXT, "a", 1), 0);
	ck_assert_int_eq(ws_flush(ws), 0);
	ck_assert_int_eq(recv(p.fd, frames, sizeof(frames), MSG_WAITALL),
	    sizeof(frames));
	for (int i = 0; i < N; i++) {
		const uint8_t *f = frames + i * SIZE;

		ck_assert(f[0] == 0x81 && f[1] == 0x81 && (f[6] ^ f[2]) == 'a');
		for (int j = 0; j < i; j++)
			same += memcmp(f + 2, frames + j * SIZE + 2, 4) == 0;
	}
	/* Among 2^32, two of 2000 are the same once in 2000 runs. */
	ck_assert_int_le(same, 1);
	peer_end(&p, ws);
}
END_TEST

/* RFC 6455 5.1: the server's frames are not masked. */
START_TEST(client_refuses_masked)
{
	struct ws_msg msg;
	struct peer p;
	struct ws *ws = peer_client(&p, (struct ws_conf){ .linger = 20 });
	char *got;

	peer_say(&p, "t(a) &t(b)");
	ck_assert_int_eq(ws_recv(ws, &msg), 1);
	ck_assert_int_eq(ws_recv(ws, &msg), -1);
	ck_assert_int_eq(ws_info(ws)->failed, WS_PROTOCOL);
	ws_close(ws, 0, NULL);
	got = peer_heard(&p);
	ck_assert_str_eq(got, "&close(1002 a frame from the server is masked)");
	free(got);
	peer_end(&p, ws);
}
END_TEST

/* The pong is there before the message goes on: RFC 6455 5.5.2. */
START_TEST(answers_pings_at_once)
{
	struct ws_msg msg;
	struct peer p;
	struct ws *ws = peer_server(&p, (struct ws_conf){ 0 });
	char *got;

	peer_say(&p, "&t-(a) &ping(now)");
	while (ws_poll(ws, WS_WHOLE, NULL, 0, 20) == 0 && ws_queued(ws) > 0)
		;
	got = peer_heard(&p);
	ck_assert_str_eq(got, "pong(now)");
	free(got);
	peer_say(&p, "&+(b)");
	ck_assert_int_eq(ws_recv(ws, &msg), 1);
	ck_assert_uint_eq(msg.len, 2);
	peer_end(&p, ws);
}
END_TEST

/* All that one read brings is worked off, and all it causes is one write. */
START_TEST(answers_in_one_write)
{
	struct ws_msg msg;
	struct peer p;
	struct ws *ws = peer_server(&p, (struct ws_conf){ 0 });
	char *got;

	peer_say(&p, "&ping(1) &t(a) &t-(b) &ping(2) &+(c) &b(d) &ping(3)");
	peer_sends = 0;
	for (int i = 0; i < 3; i++) {
		ck_assert_int_eq(ws_recv(ws, &msg), 1);
		ck_assert_int_eq(ws_send(ws, msg.type, msg.data, msg.len), 0);
	}
	ck_assert_int_eq(ws_poll(ws, WS_WHOLE, NULL, 0, 0), 0);
	ck_assert_int_eq(peer_sends, 1);
	got = peer_heard(&p);
	ck_assert_str_eq(got, "pong(1) t(a) pong(2) t(bc) b(d) pong(3)");
	free(got);
	peer_end(&p, ws);
}
END_TEST

static void
note_control(void *arg, enum ws_control type, const void *data, size_t len)
{
	char *notes = arg;

	sprintf(notes + strlen(notes), "%s(%.*s) ",
	    type == WS_PING ? "ping" : "pong", (int)len, (const char *)data);
}

/* Each in its turn: before the message that it came before. */
START_TEST(tells_of_control_frames)
{
	char notes[200] = "", *got;
	struct ws_msg msg;
	struct peer p;
	struct ws *ws = peer_server(&p, (struct ws_conf){ 0 });

	ws_on_control(ws, note_control, notes);
	peer_say(&p, "&ping(1) &t-(a) &pong(2) &+(b) &pong() &t(c)");
	ck_assert_int_eq(ws_recv(ws, &msg), 1);
	ck_assert_str_eq(notes, "ping(1) pong(2) ");
	ck_assert_int_eq(ws_recv(ws, &msg), 1);
	ck_assert_str_eq(notes, "ping(1) pong(2) pong() ");
	ws_on_control(ws, NULL, NULL);
	peer_say(&p, "&ping(3) &t(d)");
	ck_assert_int_eq(ws_recv(ws, &msg), 1);
	ck_assert_str_eq(notes, "ping(1) pong(2) pong() ");
	ck_assert_int_eq(ws_queue_ping(ws, "4", 1), 0);
	ck_assert_uint_gt(ws_queued(ws), 0);
	ck_assert_int_eq(ws_flush(ws), 0);
	got = peer_heard(&p);
	ck_assert_str_eq(got, "pong(1) pong(3) ping(4)");
	free(got);
	peer_end(&p, ws);
}
END_TEST

/* Without anything more that has come, a message leaves in its call. */
START_TEST(sends_at_once)
{
	struct peer p;
	struct ws *ws = peer_server(&p, (struct ws_conf){ 0 });
	char *got;

	ck_assert_int_eq(ws_send(ws, WS_TEXT, NULL, 0), 0);
	ck_assert_int_eq(ws_send(ws, WS_BINARY, "\0", 1), 0);
	ck_assert_int_eq(ws_ping(ws, "hi", 2), 0);
	ck_assert_int_eq(ws_ping(ws, NULL, 0), 0);
	got = peer_heard(&p);
	ck_assert_str_eq(got, "t() b(\\00) ping(hi) ping()");
	free(got);
	peer_end(&p, ws);
}
END_TEST

static char *
long_text(size_t n)
{
	char *text = malloc(n);

	ck_assert_ptr_nonnull(text);
	memset(text, 'x', n);
	return text;
}

static const struct cutting {
	const char *name;
	size_t n;
	const char *want;
} cuttings[] = {
	{ "65536 in one frame", 65536, "t(*65536)" },
	{ "65537 in two", 65537, "t-(*65536) +(x)" },
	{ "150000 in three", 150000, "t-(*65536) +-(*65536) +(*18928)" },
};

START_TEST(cuts_into_frames)
{
	const struct cutting *row = &cuttings[_i];
	struct peer p;
	struct ws *ws = peer_server(&p, (struct ws_conf){ 0 });
	char *text = long_text(row->n), *got;

	ck_assert_int_eq(ws_send(ws, WS_TEXT, text, row->n), 0);
	got = peer_heard(&p);
	ck_assert_str_eq(got, row->want);
	free(got);
	free(text);
	peer_end(&p, ws);
}
END_TEST

/* Small parts that are queued wait for more of their message. */
START_TEST(gathers_small_parts)
{
	struct peer p;
	struct ws *ws = peer_server(&p, (struct ws_conf){ 0 });
	char *got;

	for (int i = 0; i < 100; i++)
		ck_assert_int_eq(ws_queue_part(ws, WS_TEXT, "x", 1, false), 0);
	ck_assert_int_eq(ws_queue_part(ws, WS_BINARY, NULL, 0, true), 0);
	ck_assert_int_eq(ws_queue_part(ws, WS_BINARY, "b", 1, false), 0);
	ck_assert_int_eq(ws_flush(ws), 0);
	ck_assert_int_eq(ws_ping(ws, "p", 1), 0);
	ck_assert_int_eq(ws_send_part(ws, WS_BINARY, "c", 1, false), 0);
	ck_assert_int_eq(ws_send_part(ws, WS_BINARY, "d", 1, true), 0);
	ck_assert_uint_eq(ws_info(ws)->messages_out, 2);
	ck_assert_uint_eq(ws_info(ws)->bytes_out, 103);
	got = peer_heard(&p);
	ck_assert_str_eq(got, "t(*100) b-(b) ping(p) +-(c) +(d)");
	free(got);
	peer_end(&p, ws);
}
END_TEST

static const struct text {
	const char *name;
	const char *parts[3];
	const char *want;
	bool good;
} texts[] = {
	{ "a character over parts", { "\xe2", "\x82", "\xac" },
	    "t-(\\e2) +-(\\82) +(\\ac) b(d) close(1000)", true },
	{ "a wrong byte", { "a", "b\xff", "c" },
	    "t-(a) close(1011 text to be sent is not UTF-8 at byte 1)", false },
	{ "the end inside a character", { "a", "b", "\xe2\x82" },
	    "t-(a) +-(b) close(1011 text to be sent ends inside a UTF-8 "
	    "character)",
	    false },
};

START_TEST(checks_text_it_sends)
{
	const struct text *row = &texts[_i];
	struct peer p;
	struct ws *ws =
	    peer_server(&p, (struct ws_conf){ .close = 20, .linger = 20 });
	char *got;
	int r = 0;

	for (int i = 0; i < 3 && r == 0; i++)
		r = ws_send_part(ws, WS_TEXT, row->parts[i],
		    strlen(row->parts[i]), i == 2);
	ck_assert_int_eq(r, row->good ? 0 : -1);
	ck_assert_int_eq(ws_info(ws)->failed, row->good ? 0 : WS_INTERNAL);
	ck_assert_int_eq(ws_send(ws, WS_BINARY, "d", 1), r);
	ws_close(ws, WS_NORMAL, NULL);
	got = peer_heard(&p);
	ck_assert_str_eq(got, row->want);
	free(got);
	peer_end(&p, ws);
}
END_TEST

/* What comes of a long message is handed on before its end is there. */
START_TEST(streams)
{
	struct ws_msg msg;
	struct peer p;
	struct ws *ws = peer_server(&p, (struct ws_conf){ .max_message = -1 });

	peer_say(&p, "{02ff 4000000000000000 00000000} {616263}");
	ck_assert_int_eq(ws_part(ws, &msg), 1);
	ck_assert(msg.first && !msg.last && msg.len == 3);
	peer_say(&p, "{64}");
	ck_assert_int_eq(ws_part(ws, &msg), 1);
	ck_assert(!msg.first && !msg.last && msg.len == 1);
	ck_assert_mem_eq(msg.data, "d", 1);
	peer_end(&p, ws);
}
END_TEST

/* Two pipes do as well as a socket. */
START_TEST(talks_over_pipes)
{
	int in[2], out[2];
	struct ws_conf conf = { .linger = 20 };
	struct ws *ws;
	size_t n;
	uint8_t *bytes = peer_asks("&t(a) &ping(b) &close(1000)", &n);
	char response[1024], *got, *end;
	ssize_t size;

	ck_assert_int_eq(pipe(in), 0);
	ck_assert_int_eq(pipe(out), 0);
	ck_assert_int_eq(write(in[1], bytes, n), (ssize_t)n);
	close(in[1]);
	conf.in = in[0];
	conf.out = out[1];
	ck_assert_ptr_nonnull(ws = ws_new(&conf));
	ck_assert_int_eq(ws_accept(ws, NULL, NULL), 0);
	ck_assert_int_eq(echo_whole(ws), 0);
	ck_assert_int_eq(ws_close(ws, 0, NULL), 0);
	ws_free(ws);
	size = read(out[0], response, sizeof(response) - 1);
	ck_assert_int_gt(size, 0);
	response[size] = '\0';
	ck_assert_ptr_nonnull(end = strstr(response, "\r\n\r\n"));
	got = script_text((uint8_t *)end + 4,
	    (size_t)(response + size - end) - 4);
	ck_assert_str_eq(got, "t(a) pong(b) close(1000)");
	free(got);
	free(bytes);
	close(in[0]);
	close(out[0]);
	close(out[1]);
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("conn_talk");

	UNIT_ROWS_EACH(s, talks_whole, talks, WAYS);
	UNIT_ROWS_EACH(s, talks_polled, talks, WAYS);
	UNIT_ROWS_EACH(s, both_sides, sizes, 9);
	UNIT_ROWS(s, cuts_into_frames, cuttings);
	UNIT_ROWS(s, checks_text_it_sends, texts);
	unit_test(s, "keys", masks_with_new_keys);
	unit_test(s, "masked by a server", client_refuses_masked);
	unit_test(s, "pings at once", answers_pings_at_once);
	unit_test(s, "one write", answers_in_one_write);
	unit_test(s, "sent at once", sends_at_once);
	unit_test(s, "control frames", tells_of_control_frames);
	unit_test(s, "small parts", gathers_small_parts);
	unit_test(s, "streams", streams);
	unit_test(s, "pipes", talks_over_pipes);
	return unit_run(s);
}
