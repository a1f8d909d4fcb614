/*
 * test_conn_close.c - proves the closing handshake of RFC 6455 7: from either
 * side and from both at once, each code, in bounded time; and that nothing
 * sent before it is lost to a reset.
 */

#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "peer.h"
#include "script.h"
#include "unit.h"

#define X41 "12345678901234567890123456789012345678901"

static const struct closing {
	const char *name;
	int code;
	const char *reason;
	const char *said; /* by the peer, before */
	const char *want;
	int received;
	int r;
} closings[] = {
	{ "1000 bye", 1000, "bye", "&close(1000)", "close(1000 bye)", 1000, 0 },
	{ "without a code", 0, NULL, "&close()", "close()", 1005, 0 },
	{ "a reason without a code", 0, "lost", "&close()", "close()", 1005,
	    0 },
	{ "a reason of 123 bytes", 1000, X41 X41 X41, "&close()",
	    "close(1000 " X41 X41 X41 ")", 1005, 0 },
	{ "a longer reason is cut", 1000, X41 X41 X41 "456", "&close()",
	    "close(1000 " X41 X41 X41 ")", 1005, 0 },
	{ "but not in a character", 1000, X41 X41 X41 "\xc3\xa9", "&close()",
	    "close(1000 " X41 X41 X41 ")", 1005, 0 },
	{ "nor in a long one", 1000,
	    X41 X41 "123456789012345678901234567890123456789\xf0\x9f\x98\x80",
	    "&close()",
	    "close(1000 " X41 X41 "123456789012345678901234567890123456789)",
	    1005, 0 },
	{ "another code comes back", 4000, NULL, "&close(4001 no)",
	    "close(4000)", 4001, 0 },
	/* RFC 6455 5.5.1: frames before the peer's Close are no error. */
	{ "messages before it are dropped", 1000, NULL,
	    "&t(a) &b-(b) &ping(c) &+(d) &close(1001)", "close(1000)", 1001,
	    0 },
	{ "frames after it are not read", 1000, NULL, "&close(1000) {ffffffff}",
	    "close(1000)", 1000, 0 },
	/* What is no Close does not become one. */
	{ "the peer breaks a rule instead", 1000, NULL, "t(a)", "close(1000)",
	    0, -1 },
	{ "a wrong code comes back", 1000, NULL, "&close(1005)", "close(1000)",
	    0, -1 },
	{ "the peer leaves instead", 1000, NULL, "", "close(1000)", 0, -1 },
};

START_TEST(closes_first)
{
	const struct closing *row = &closings[_i / WAYS];
	struct ws_conf conf = { 0 };
	struct peer p;
	struct ws *ws;
	size_t n;
	uint8_t *in = peer_asks(row->said, &n);
	char *got;

	peer_chunk = peer_way(_i);
	peer_open(&p, PEER_UNIX);
	p.shut = true;
	peer_start(&p, in, n);
	conf.in = p.ours;
	ck_assert_ptr_nonnull(ws = ws_new(&conf));
	ck_assert_int_eq(ws_accept(ws, NULL, NULL), 0);
	ck_assert_int_eq(ws_close(ws, row->code, row->reason), row->r);
	ck_assert_int_eq(ws_info(ws)->received, row->received);
	ck_assert_int_eq(ws_info(ws)->sent,
	    row->code == 0 ? WS_NO_CODE : row->code);
	ck_assert_int_eq(ws_send(ws, WS_TEXT, "a", 1), -1);
	ws_free(ws);
	peer_finish(&p);
	got = peer_frames(&p);
	ck_assert_str_eq(got, row->want);
	ck_assert_int_eq(p.error, 0);
	free(got);
	free(in);
	peer_free(&p);
}
END_TEST

/* RFC 6455 7.4.1: these MUST NOT be set as a status code in a Close frame. */
static const struct unsendable {
	const char *name;
	int code;
} unsendables[] = {
	{ "999", 999 },
	{ "1004", 1004 },
	{ "1005: no code was there", WS_NO_CODE },
	{ "1006: no Close was there", WS_ABNORMAL },
	{ "1015", 1015 },
	{ "2999", 2999 },
	{ "5000", 5000 },
	{ "66536: 1000 and 65536", 66536 },
};

static bool
may_be_sent(int code)
{
	return (code >= 1000 && code <= 1003) ||
	    (code >= 1007 && code <= 1014) || (code >= 3000 && code <= 4999);
}

/* Whatever a caller passes on, what goes out may go out. */
START_TEST(sends_no_reserved_code)
{
	struct peer p;
	struct ws *ws =
	    peer_server(&p, (struct ws_conf){ .close = 20, .linger = 20 });
	char *got;
	int code;

	ws_close(ws, unsendables[_i].code, NULL);
	got = peer_heard(&p);
	if (strcmp(got, "close()") != 0 && got[0] != '\0') {
		ck_assert_int_eq(sscanf(got, "close(%d", &code), 1);
		ck_assert_msg(may_be_sent(code), "%s", got);
	}
	free(got);
	peer_end(&p, ws);
}
END_TEST

static const struct echo {
	const char *name;
	const char *said;
	const char *want;
	int received; /* or the failure's code */
	const char *reason;
} echoes[] = {
	{ "empty", "&close()", "close()", WS_NO_CODE, "" },
	{ "1000", "&close(1000)", "close(1000)", 1000, "" },
	{ "1001 with a reason", "&close(1001 away)", "close(1001 away)", 1001,
	    "away" },
	{ "1012, registered later", "&close(1012)", "close(1012)", 1012, "" },
	{ "3000", "&close(3000 Go away!)", "close(3000 Go away!)", 3000,
	    "Go away!" },
	{ "4999", "&close(4999)", "close(4999)", 4999, "" },
	{ "a reason of 123 bytes", "&close(1000 " X41 X41 X41 ")",
	    "close(1000 " X41 X41 X41 ")", 1000, X41 X41 X41 },
	{ "a second close is not answered", "&close(1000) &close(1001)",
	    "close(1000)", 1000, "" },
	{ "a ping after it is not answered", "&close() &ping(a)", "close()",
	    WS_NO_CODE, "" },
	{ "half a code", "{8881 00000000 03}",
	    "close(1002 a Close frame holds half a code)", -1002, NULL },
	{ "1005", "&close(1005)",
	    "close(1002 a Close frame holds a code that may not be sent)",
	    -1002, NULL },
	{ "1016", "&close(1016)",
	    "close(1002 a Close frame holds a code that may not be sent)",
	    -1002, NULL },
	{ "a reason that is not UTF-8", "&close(1000 a\\ff)",
	    "close(1007 a Close frame's reason is not UTF-8)", -1007, NULL },
};

START_TEST(answers_a_close)
{
	const struct echo *row = &echoes[_i / WAYS];
	struct ws_conf conf = { 0 };
	struct ws_msg msg;
	struct peer p;
	struct ws *ws;
	size_t n;
	uint8_t *in = peer_asks(row->said, &n);
	char *got;
	int r = row->received < 0 ? -1 : 0;

	peer_chunk = peer_way(_i);
	peer_open(&p, PEER_UNIX);
	p.shut = true;
	peer_start(&p, in, n);
	conf.in = p.ours;
	ck_assert_ptr_nonnull(ws = ws_new(&conf));
	ck_assert_int_eq(ws_accept(ws, NULL, NULL), 0);
	ck_assert_int_eq(ws_recv(ws, &msg), r);
	ck_assert_int_eq(ws_recv(ws, &msg), r);
	/* The code is the peer's: ours comes too late. */
	ck_assert_int_eq(ws_close(ws, WS_POLICY, "late"), r);
	ck_assert_int_eq(ws_info(ws)->received, r == 0 ? row->received : 0);
	ck_assert_int_eq(ws_info(ws)->failed, r == 0 ? 0 : -row->received);
	ck_assert_pstr_eq(ws_info(ws)->reason, row->reason);
	ws_free(ws);
	peer_finish(&p);
	got = peer_frames(&p);
	ck_assert_str_eq(got, row->want);
	ck_assert_int_eq(p.error, 0);
	free(got);
	free(in);
	peer_free(&p);
}
END_TEST

/* Both sides close at once: each takes the other's Close for the answer. */
struct closer {
	struct ws *ws;
	int r;
};

static void *
closer_run(void *arg)
{
	struct closer *c = arg;

	c->r = ws_close(c->ws, 4001, "server");
	return NULL;
}

static void *
accept_run(void *arg)
{
	struct closer *c = arg;

	c->r = ws_accept(c->ws, NULL, NULL) == 0 ? ws_flush(c->ws) : -1;
	return NULL;
}

START_TEST(both_close_at_once)
{
	struct ws_conf conf = { 0 };
	struct closer c;
	struct peer p;
	struct ws *client;
	pthread_t thread;

	peer_chunk = peer_way(_i);
	peer_open(&p, PEER_UNIX);
	conf.in = p.ours;
	ck_assert_ptr_nonnull(c.ws = ws_new(&conf));
	conf.in = p.fd;
	ck_assert_ptr_nonnull(client = ws_new(&conf));
	ck_assert_int_eq(pthread_create(&thread, NULL, accept_run, &c), 0);
	ck_assert_int_eq(ws_connect(client, "a", "/", NULL, NULL), 0);
	ck_assert_int_eq(pthread_join(thread, NULL), 0);
	ck_assert_int_eq(c.r, 0);

	ck_assert_int_eq(pthread_create(&thread, NULL, closer_run, &c), 0);
	ck_assert_int_eq(ws_close(client, 4002, "client"), 0);
	ck_assert_int_eq(pthread_join(thread, NULL), 0);
	ck_assert_int_eq(c.r, 0);
	ck_assert_int_eq(ws_info(client)->received, 4001);
	ck_assert_str_eq(ws_info(client)->reason, "server");
	ck_assert_int_eq(ws_info(c.ws)->received, 4002);
	ws_free(client);
	peer_end(&p, c.ws);
}
END_TEST

/* A peer that sends for ever, but no Close, does not put off the end. */
START_TEST(traffic_does_not_put_it_off)
{
	struct peer p;
	struct ws *ws =
	    peer_server(&p, (struct ws_conf){ .close = 150, .linger = 100 });
	size_t n;
	uint8_t *in = script_bytes("&t(*1000)", &n);
	int64_t from = peer_ms(), took;

	p.pause = 10;
	peer_start(&p, in, n);
	ck_assert_int_eq(ws_close(ws, WS_NORMAL, NULL), -1);
	took = peer_ms() - from;
	ck_assert_int_ge(took, 250);
	ck_assert_int_lt(took, 1500);
	ws_free(ws);
	peer_finish(&p);
	free(in);
	peer_free(&p);
}
END_TEST

/*
 * The peer has closed, but does not end its stream: who has sent no more is
 * not waited for, and who has only so long.
 */
static const struct silence {
	const char *name, *said;
	int64_t least;
} silences[] = {
	{ "nothing behind the Close", "&close(1000)", 0 },
	{ "something behind the Close", "&close(1000) &t(more)", 500 },
};

START_TEST(lingers_no_longer_than_it_may)
{
	const struct silence *row = &silences[_i];
	struct ws_msg msg;
	struct peer p;
	struct ws *ws = peer_server(&p, (struct ws_conf){ .linger = 500 });
	int64_t from, took;

	peer_say(&p, row->said);
	ck_assert_int_eq(ws_recv(ws, &msg), 0);
	from = peer_ms();
	ck_assert_int_eq(ws_close(ws, WS_NORMAL, NULL), 0);
	took = peer_ms() - from;
	ck_assert_int_ge(took, row->least);
	ck_assert_int_lt(took, row->least == 0 ? 900 : 5000);
	peer_end(&p, ws);
}
END_TEST

/* The peer is gone, so there is nobody to wait for. */
START_TEST(waits_for_nobody)
{
	struct ws_msg msg;
	struct peer p;
	struct ws *ws = peer_server(&p, (struct ws_conf){ 0 });
	int64_t from = peer_ms();

	close(p.fd);
	p.fd = -1;
	ck_assert_int_eq(ws_recv(ws, &msg), -1);
	ck_assert_int_eq(ws_info(ws)->failed, WS_ABNORMAL);
	ck_assert_int_eq(ws_close(ws, WS_NORMAL, NULL), -1);
	ck_assert_int_lt(peer_ms() - from, 900);
	peer_end(&p, ws);
}
END_TEST

/*
 * 200 kB are queued, the peer reads slowly and has sent what nobody reads:
 * every byte and the Close arrive, and then the end of the stream, no reset.
 */
static const struct lingering {
	const char *name;
	enum peer_kind kind;
	const char *said; /* behind some messages */
	int r;
	const char *want; /* behind the payload's frames */
} lingerings[] = {
	{ "Unix, the peer closes", PEER_UNIX, "&close(1000)", 0,
	    "close(1000)" },
	{ "TCP, the peer closes", PEER_TCP, "&close(1000)", 0, "close(1000)" },
	{ "TCP, the peer breaks a rule", PEER_TCP, "{8380 00000000} &b(*60000)",
	    -1, "close(1002 a frame has a reserved opcode)" },
	{ "TCP, the peer goes on", PEER_TCP, "&b(*60000) &b(*60000)", -1,
	    "close(1000)" },
};

START_TEST(loses_nothing)
{
	const struct lingering *row = &lingerings[_i];
	static const char frames[] =
	    "b-(*65536) +-(*65536) +-(*65536) +(*3392) ";
	static char text[200000];
	struct ws_conf conf = { .close = 400, .linger = 200 };
	struct ws_msg msg;
	struct peer p;
	struct ws *ws;
	size_t n;
	uint8_t *in = peer_asks(row->said, &n);
	char *got;

	peer_open(&p, row->kind);
	p.slow = 3;
	peer_start(&p, in, n);
	conf.in = p.ours;
	memset(text, 'x', sizeof(text));
	ck_assert_ptr_nonnull(ws = ws_new(&conf));
	ck_assert_int_eq(ws_accept(ws, NULL, NULL), 0);
	ck_assert_int_eq(ws_queue(ws, WS_BINARY, text, sizeof(text)), 0);
	if (strncmp(row->said, "{83", 3) == 0)
		ck_assert_int_eq(ws_recv(ws, &msg), -1);
	ck_assert_int_eq(ws_close(ws, WS_NORMAL, NULL), row->r);
	ws_free(ws);
	peer_finish(&p);
	ck_assert_int_eq(p.error, 0);
	got = peer_frames(&p);
	ck_assert_mem_eq(got, frames, strlen(frames));
	ck_assert_str_eq(got + strlen(frames), row->want);
	free(got);
	free(in);
	peer_free(&p);
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("conn_close");

	UNIT_ROWS_EACH(s, closes_first, closings, WAYS);
	UNIT_ROWS_EACH(s, answers_a_close, echoes, WAYS);
	UNIT_ROWS(s, sends_no_reserved_code, unsendables);
	UNIT_ROWS(s, loses_nothing, lingerings);
	unit_loop(s, "both at once", both_close_at_once, 10 * WAYS);
	unit_test(s, "traffic", traffic_does_not_put_it_off);
	UNIT_ROWS(s, lingers_no_longer_than_it_may, silences);
	unit_test(s, "nobody", waits_for_nobody);
	return unit_run(s);
}
