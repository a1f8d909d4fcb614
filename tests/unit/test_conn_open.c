/*
 * test_conn_open.c - proves the handshake as programs on both sides see it:
 * what is accepted and what refused, with the whole response; frames that come
 * with the head; one deadline; subprotocols; all in pieces of any size.
 */

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "peer.h"
#include "script.h"
#include "unit.h"

static struct ws *
server(const struct peer *p, struct ws_conf conf)
{
	struct ws *ws;

	conf.in = p->ours;
	ws = ws_new(&conf);
	ck_assert_ptr_nonnull(ws);
	return ws;
}

/* A response that is not 101 is whole, and says that nothing comes after it. */
static void
check_refusal(const struct peer *p, int status)
{
	const char *in = (const char *)p->in, *length, *body;
	char line[32];

	ck_assert_ptr_nonnull(in);
	snprintf(line, sizeof(line), "HTTP/1.1 %d ", status);
	ck_assert_msg(strncmp(in, line, strlen(line)) == 0, "%s", in);
	ck_assert_ptr_nonnull(strstr(in, "\r\nConnection: close"));
	length = strstr(in, "\r\nContent-Length: ");
	body = strstr(in, "\r\n\r\n");
	ck_assert(length != NULL && body != NULL && length < body);
	ck_assert_uint_eq(strtoul(length + 18, NULL, 10), strlen(body + 4));
	ck_assert_uint_gt(strlen(body + 4), 1);
	ck_assert(status != 426 ||
	    strstr(in, "\r\nSec-WebSocket-Version: 13\r\n") != NULL);
	ck_assert_uint_eq(strlen(in), p->n);
	ck_assert_int_eq(p->error, 0);
}

#define HEAD(fields) "GET / HTTP/1.1\r\n" fields "\r\n"
#define HOST	     "Host: a\r\n"
#define ASK	     "Upgrade: websocket\r\nConnection: Upgrade\r\n"
#define KEY	     "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"
#define VERSION	     "Sec-WebSocket-Version: 13\r\n"

static const struct refusal {
	const char *name;
	const char *in;
	int status; /* 0 when there is nobody to answer */
} refusals[] = {
	{ "plain GET", HEAD(HOST), 426 },
	{ "no Host", HEAD(ASK KEY VERSION), 400 },
	{ "no Connection", HEAD(HOST "Upgrade: websocket\r\n" KEY VERSION),
	    426 },
	{ "no key", HEAD(HOST ASK VERSION), 400 },
	{ "version 8", HEAD(HOST ASK KEY "Sec-WebSocket-Version: 8\r\n"), 426 },
	{ "POST", "POST / HTTP/1.1\r\n" HOST ASK KEY VERSION "\r\n", 405 },
	{ "HTTP/1.0", "GET / HTTP/1.0\r\n" HOST ASK KEY VERSION "\r\n", 426 },
	{ "a body", HEAD(HOST ASK KEY VERSION "Content-Length: 3\r\n") "abc",
	    400 },
	{ "no HTTP", "\x81\x85\x37\xfa\x21\x3d\r\n\r\n\r\n", 400 },
	{ "LF alone", "GET / HTTP/1.1\n", 400 },
	{ "TLS", "\x16\x03\x01\x02\x01", 400 },
	{ "a second request is not read", HEAD(HOST) HEAD(HOST ASK KEY VERSION),
	    426 },
	{ "frames behind it are not read",
	    HEAD(HOST ASK KEY) "\x81\x80\x01\x02\x03\x04", 426 },
	{ "nothing", "", 0 },
	{ "half a head", "GET / HTTP/1.1\r\nHo", 0 },
};

START_TEST(refuses)
{
	const struct refusal *row = &refusals[_i / WAYS];
	struct peer p;
	struct ws *ws;

	peer_chunk = peer_way(_i);
	peer_open(&p, PEER_UNIX);
	p.shut = true;
	peer_start(&p, row->in, strlen(row->in));
	ws = server(&p, (struct ws_conf){ 0 });
	ck_assert_int_eq(ws_accept(ws, NULL, NULL), -1);
	ck_assert_int_eq(ws_info(ws)->status, row->status);
	ck_assert_int_eq(ws_info(ws)->failed, WS_ABNORMAL);
	ck_assert_ptr_nonnull(ws_error(ws));
	ck_assert_int_eq(ws_send(ws, WS_TEXT, "a", 1), -1);
	ck_assert_int_eq(ws_close(ws, WS_NORMAL, NULL), -1);
	ws_free(ws);
	peer_finish(&p);
	if (row->status != 0)
		check_refusal(&p, row->status);
	else
		ck_assert_uint_eq(p.n, 0);
	peer_free(&p);
}
END_TEST

static const struct size {
	const char *name;
	const char *begin;
	size_t fill; /* bytes of x after it */
	int status;
} sizes[] = {
	{ "an endless request line", "GET /", 20000, 414 },
	{ "an endless field", "GET / HTTP/1.1\r\nA: ", 20000, 431 },
};

START_TEST(refuses_what_is_long)
{
	const struct size *row = &sizes[_i / WAYS];
	static char in[30000];
	size_t n = strlen(row->begin) + row->fill;
	struct peer p;
	struct ws *ws;

	memset(in, 'x', sizeof(in));
	memcpy(in, row->begin, strlen(row->begin));
	peer_chunk = peer_way(_i);
	peer_open(&p, PEER_UNIX);
	peer_start(&p, in, n);
	ws = server(&p, (struct ws_conf){ .linger = 50 });
	ck_assert_int_eq(ws_accept(ws, NULL, NULL), -1);
	ws_close(ws, 0, NULL);
	ws_free(ws);
	peer_finish(&p);
	check_refusal(&p, row->status);
	peer_free(&p);
}
END_TEST

/* A NUL in the head; strings cannot have it in a row. */
START_TEST(refuses_nul)
{
	static const char in[] = "GET /\0 HTTP/1.1\r\n\r\n";
	struct peer p;
	struct ws *ws;

	peer_open(&p, PEER_UNIX);
	p.shut = true;
	peer_start(&p, in, sizeof(in) - 1);
	ws = server(&p, (struct ws_conf){ 0 });
	ck_assert_int_eq(ws_request(ws), -1);
	ws_close(ws, 0, NULL);
	ws_free(ws);
	peer_finish(&p);
	check_refusal(&p, 400);
	peer_free(&p);
}
END_TEST

/* Frames in the same piece as the head, and in every other. */
START_TEST(keeps_early_frames)
{
	struct ws_msg msg;
	struct peer p;
	struct ws *ws;
	size_t n;
	uint8_t *in = peer_asks("&t(early) &close(1000)", &n);
	char *got;

	peer_chunk = (size_t)_i;
	peer_open(&p, PEER_UNIX);
	p.shut = true;
	peer_start(&p, in, n);
	ws = server(&p, (struct ws_conf){ 0 });
	ck_assert_int_eq(ws_accept(ws, NULL, "X-Extra: 1\r\n"), 0);
	ck_assert_int_eq(ws_recv(ws, &msg), 1);
	ck_assert_uint_eq(msg.len, 5);
	ck_assert_mem_eq(msg.data, "early", 5);
	ck_assert_int_eq(ws_recv(ws, &msg), 0);
	ck_assert_int_eq(ws_close(ws, 0, NULL), 0);
	ws_free(ws);
	peer_finish(&p);
	got = peer_frames(&p);
	ck_assert_str_eq(got, "close(1000)");
	ck_assert_ptr_nonnull(strstr((char *)p.in, "\r\nX-Extra: 1\r\n\r\n"));
	ck_assert_ptr_nonnull(strstr((char *)p.in,
	    "\r\nSec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n"));
	free(got);
	free(in);
	peer_free(&p);
}
END_TEST

/* Bytes that trickle in do not put the deadline off: 408, in time. */
START_TEST(keeps_the_deadline)
{
	struct peer p;
	struct ws *ws;
	int64_t from = peer_ms(), took;

	peer_open(&p, PEER_UNIX);
	p.pause = 20;
	peer_start(&p, peer_request, strlen(peer_request));
	ws = server(&p, (struct ws_conf){ .handshake = 200, .linger = 20 });
	ck_assert_int_eq(ws_accept(ws, NULL, NULL), -1);
	took = peer_ms() - from;
	ws_close(ws, 0, NULL);
	ws_free(ws);
	peer_finish(&p);
	check_refusal(&p, 408);
	ck_assert_int_ge(took, 200);
	ck_assert_int_lt(took, 1000);
	peer_free(&p);
}
END_TEST

START_TEST(stops_within_the_handshake)
{
	static const volatile sig_atomic_t stop = 1;
	struct peer p;
	struct ws *ws;

	peer_open(&p, PEER_UNIX);
	p.shut = true;
	peer_start(&p, "GET / HT", 8);
	ws = server(&p, (struct ws_conf){ .stop = &stop });
	ck_assert_int_eq(ws_accept(ws, NULL, NULL), -1);
	ws_close(ws, 0, NULL);
	ws_free(ws);
	peer_finish(&p);
	check_refusal(&p, 503);
	peer_free(&p);
}
END_TEST

static const char plain[] = HEAD(HOST "X-A: b\r\n");

/* A request for something else: what was asked is told, and can be answered. */
START_TEST(answers_other_requests)
{
	const char *value = NULL;
	struct peer p;
	struct ws *ws;

	peer_chunk = peer_way(_i);
	peer_open(&p, PEER_UNIX);
	p.shut = true;
	peer_start(&p, plain, sizeof(plain) - 1);
	ws = server(&p, (struct ws_conf){ 0 });
	ck_assert_ptr_null(ws_method(ws));
	ck_assert_ptr_null(ws_header(ws, "Host"));
	ck_assert_int_eq(ws_request(ws), 0);
	ck_assert_str_eq(ws_method(ws), "GET");
	ck_assert_str_eq(ws_target(ws), "/");
	ck_assert_str_eq(ws_header(ws, "host"), "a");
	ck_assert_ptr_null(ws_header(ws, "Origin"));
	ck_assert_uint_eq(ws_headers(ws), 2);
	ck_assert_str_eq(ws_header_at(ws, 1, &value), "X-A");
	ck_assert_str_eq(value, "b");
	ck_assert_ptr_null(ws_header_at(ws, 2, &value));
	ck_assert_int_eq(ws_answer(ws, 200, "Content-Length: 4\r\n"), 0);
	ck_assert_int_eq(ws_answer_data(ws, "pa", 2), 0);
	ck_assert_int_eq(ws_answer_data(ws, "ge", 2), 0);
	ws_close(ws, 0, NULL);
	ck_assert_int_eq(ws_info(ws)->status, 200);
	ws_free(ws);
	peer_finish(&p);
	ck_assert_int_eq(strncmp((char *)p.in, "HTTP/1.1 200 OK\r\nDate: ", 23),
	    0);
	ck_assert_ptr_nonnull(strstr((char *)p.in,
	    " GMT\r\nConnection: close\r\nContent-Length: 4\r\n\r\npage"));
	peer_free(&p);
}
END_TEST

/* It cannot be accepted, though, whether or not it was looked at before. */
START_TEST(accepts_no_other_request)
{
	struct peer p;
	struct ws *ws;

	peer_open(&p, PEER_UNIX);
	p.shut = true;
	peer_start(&p, plain, sizeof(plain) - 1);
	ws = server(&p, (struct ws_conf){ 0 });
	ck_assert_int_eq(ws_request(ws), 0);
	ck_assert_int_eq(ws_accept(ws, NULL, NULL), -1);
	ws_close(ws, 0, NULL);
	ws_free(ws);
	peer_finish(&p);
	check_refusal(&p, 426);
	peer_free(&p);
}
END_TEST

START_TEST(refuses_for_others)
{
	struct peer p;
	struct ws *ws;

	peer_open(&p, PEER_UNIX);
	p.shut = true;
	peer_start(&p, peer_request, strlen(peer_request));
	ws = server(&p, (struct ws_conf){ 0 });
	ck_assert_int_eq(ws_request(ws), 1);
	ck_assert_int_eq(ws_refuse(ws, 403, "X-Why: a\r\n", "not you"), -1);
	ck_assert_int_eq(ws_accept(ws, NULL, NULL), -1);
	ck_assert_int_eq(ws_close(ws, 0, NULL), -1);
	ck_assert_str_eq(ws_error(ws), "not you");
	ws_free(ws);
	peer_finish(&p);
	check_refusal(&p, 403);
	ck_assert_ptr_nonnull(strstr((char *)p.in, "\r\nX-Why: a\r\n"));
	ck_assert_ptr_nonnull(strstr((char *)p.in, "\r\n\r\nnot you\n"));
	peer_free(&p);
}
END_TEST

START_TEST(refuses_with_any_status)
{
	struct peer p;
	struct ws *ws;

	peer_open(&p, PEER_UNIX);
	p.shut = true;
	peer_start(&p, peer_request, strlen(peer_request));
	ws = server(&p, (struct ws_conf){ 0 });
	ck_assert_int_eq(ws_refuse(ws, 499, NULL, "no name"), -1);
	ws_close(ws, 0, NULL);
	ws_free(ws);
	peer_finish(&p);
	check_refusal(&p, 499);
	peer_free(&p);
}
END_TEST

START_TEST(fails_once)
{
	char *const no_variables[] = { NULL };
	struct peer p;
	struct ws *ws;

	peer_open(&p, PEER_UNIX);
	p.shut = true;
	peer_start(&p, peer_request, strlen(peer_request));
	ws = server(&p, (struct ws_conf){ 0 });
	ck_assert_int_eq(ws_refuse(ws, 403, NULL, "not you"), -1);
	ck_assert_int_eq(ws_refuse(ws, 404, NULL, "later"), -1);
	ck_assert_int_eq(ws_request(ws), -1);
	ck_assert_ptr_null(ws_choose(ws, NULL, 0));
	ck_assert_int_eq(ws_accept(ws, NULL, NULL), -1);
	ck_assert_int_eq(ws_answer(ws, 200, NULL), -1);
	ck_assert_int_eq(ws_answer_data(ws, "a", 1), -1);
	ck_assert_int_eq(ws_answer_file(ws, -1, 0, 1), -1);
	ck_assert_int_eq(ws_connect(ws, "a", "/", NULL, NULL), -1);
	ck_assert_int_eq(ws_unread(ws, "a", 1), -1);
	ck_assert_int_eq(ws_cgi(ws, no_variables, 0), -1);
	ck_assert_int_eq(ws_flush(ws), -1);
	ck_assert_str_eq(ws_error(ws), "not you");
	ck_assert_int_eq(ws_close(ws, 0, NULL), -1);
	ws_free(ws);
	peer_finish(&p);
	check_refusal(&p, 403);
	peer_free(&p);
}
END_TEST

static const struct choice {
	const char *name;
	const char *offer; /* NULL for none */
	const char *ours[3];
	const char *want;
} choices[] = {
	{ "the client's order counts", "b, a", { "a", "b" }, "b" },
	{ "the first of all", "x, y", { NULL }, "x" },
	{ "none in common", "a, b", { "c" }, NULL },
	{ "none offered", NULL, { "a" }, NULL },
	{ "none offered, any would do", NULL, { NULL }, NULL },
	{ "case counts", "CHAT, chat", { "chat" }, "chat" },
	{ "a beginning is not it", "chatter, chat", { "chat" }, "chat" },
};

/* Both sides are ours: what the server chooses, the client is told. */
struct both {
	const struct choice *row;
	struct peer p;
	int accepted;
	bool right;
};

static void *
choose(void *arg)
{
	struct both *b = arg;
	struct ws *ws = server(&b->p, (struct ws_conf){ 0 });
	const char *chosen;
	size_t n = 0;

	while (n < COUNT(b->row->ours) && b->row->ours[n] != NULL)
		n++;
	chosen = ws_choose(ws, b->row->ours, n);
	b->right = b->row->want == NULL ?
	    chosen == NULL :
	    chosen != NULL && strcmp(chosen, b->row->want) == 0;
	b->accepted = ws_accept(ws, chosen, NULL);
	ws_close(ws, WS_NORMAL, NULL);
	ws_free(ws);
	return NULL;
}

START_TEST(chooses)
{
	struct both b = { .row = &choices[_i / WAYS] };
	struct ws_conf conf = { 0 };
	pthread_t thread;
	struct ws *ws;

	peer_chunk = peer_way(_i);
	peer_open(&b.p, PEER_UNIX);
	conf.in = b.p.fd;
	ck_assert_ptr_nonnull(ws = ws_new(&conf));
	ck_assert_int_eq(pthread_create(&thread, NULL, choose, &b), 0);
	ck_assert_int_eq(ws_connect(ws, "example.org", "/", b.row->offer, NULL),
	    0);
	ck_assert_int_eq(ws_info(ws)->status, 101);
	ck_assert_pstr_eq(ws_info(ws)->protocol, b.row->want);
	ck_assert_int_eq(ws_close(ws, WS_NORMAL, NULL), 0);
	ck_assert_int_eq(pthread_join(thread, NULL), 0);
	ck_assert_int_eq(b.accepted, 0);
	ck_assert(b.right);
	ws_free(ws);
	close(b.p.ours);
	peer_free(&b.p);
}
END_TEST

static const struct answer {
	const char *name;
	const char *in;
	int status;
	const char *error; /* a part of it */
} answers[] = {
	{ "404", "HTTP/1.1 404 Not Found\r\n\r\n", 404, "(404)" },
	{ "200", "HTTP/1.1 200 OK\r\nUpgrade: websocket\r\n\r\n", 200, "101" },
	{ "301", "HTTP/1.1 301 Moved\r\nLocation: /\r\n\r\n", 301, "(301)" },
	{ "a key's answer that is wrong",
	    "HTTP/1.1 101 X\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
	    "Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n\r\n",
	    101, "Accept" },
	{ "no HTTP", "SSH-2.0-OpenSSH_9.2p1 Debian-2\r\n\r\n", 0, "HTTP" },
	{ "a folded field", "HTTP/1.1 101 X\r\nA: b\r\n c\r\n\r\n", 0,
	    "folded" },
	{ "half a head", "HTTP/1.1 101 Switch", 0, "left" },
	{ "nothing", "", 0, "no handshake" },
	{ "TLS", "\x16\x03\x01\x02", 0, "TLS" },
};

START_TEST(client_refuses)
{
	const struct answer *row = &answers[_i / WAYS];
	struct ws_conf conf = { 0 };
	struct peer p;
	struct ws *ws;

	peer_chunk = peer_way(_i);
	peer_open(&p, PEER_UNIX);
	p.shut = true;
	peer_start(&p, row->in, strlen(row->in));
	conf.in = p.ours;
	ck_assert_ptr_nonnull(ws = ws_new(&conf));
	ck_assert_int_eq(ws_connect(ws, "a", "/", NULL, NULL), -1);
	ck_assert_int_eq(ws_info(ws)->status, row->status);
	ck_assert_int_eq(ws_info(ws)->failed, WS_ABNORMAL);
	ck_assert_msg(strstr(ws_error(ws), row->error) != NULL, "%s",
	    ws_error(ws));
	ck_assert_int_eq(ws_close(ws, WS_NORMAL, NULL), -1);
	ws_free(ws);
	peer_finish(&p);
	peer_free(&p);
}
END_TEST

/* A server that answers with extensions of its own. */
static const struct answered {
	const char *name;
	const char *field;
	const char *error;
} answereds[] = {
	{ "one that was not offered", "Sec-WebSocket-Extensions: x\r\n",
	    "chose an extension that was not offered" },
	{ "no list", "Sec-WebSocket-Extensions: permessage-deflate; a=\r\n",
	    "are no such list" },
	{ "two of them",
	    "Sec-WebSocket-Extensions: permessage-deflate, "
	    "permessage-deflate\r\n",
	    "chose an extension twice" },
	{ "in two fields",
	    "Sec-WebSocket-Extensions: permessage-deflate\r\n"
	    "Sec-WebSocket-Extensions: permessage-deflate\r\n",
	    "chose an extension twice" },
	{ "a parameter that there is not",
	    "Sec-WebSocket-Extensions: permessage-deflate; a\r\n",
	    "are no such terms" },
	{ "a window that is too large",
	    "Sec-WebSocket-Extensions: permessage-deflate; "
	    "server_max_window_bits=16\r\n",
	    "are no such terms" },
};

struct wilful {
	const char *field;
	struct peer p;
};

static void *
answer_wilfully(void *arg)
{
	struct wilful *w = arg;
	struct ws *ws = server(&w->p, (struct ws_conf){ 0 });

	ws_accept(ws, NULL, w->field);
	ws_close(ws, WS_NORMAL, NULL);
	ws_free(ws);
	return NULL;
}

START_TEST(client_takes_no_other_extension)
{
	const struct answered *row = &answereds[_i / WAYS];
	const struct ws_deflate deflate = { .window = 15 };
	struct wilful w = { .field = row->field };
	struct ws_conf conf = { .deflate = &deflate };
	pthread_t thread;
	struct ws *ws;

	peer_chunk = peer_way(_i);
	peer_open(&w.p, PEER_UNIX);
	conf.in = w.p.fd;
	ck_assert_ptr_nonnull(ws = ws_new(&conf));
	ck_assert_int_eq(pthread_create(&thread, NULL, answer_wilfully, &w), 0);
	ck_assert_int_eq(ws_connect(ws, "a", "/", NULL, NULL), -1);
	ck_assert_int_eq(ws_info(ws)->status, 101);
	ck_assert_msg(strstr(ws_error(ws), row->error) != NULL, "%s",
	    ws_error(ws));
	ck_assert_int_eq(ws_close(ws, WS_NORMAL, NULL), -1);
	ck_assert_int_eq(pthread_join(thread, NULL), 0);
	ws_free(ws);
	close(w.p.ours);
	peer_free(&w.p);
}
END_TEST

START_TEST(client_asks_nobody)
{
	struct ws_conf conf = { 0 };
	struct peer p;
	struct ws *ws;

	peer_open(&p, PEER_UNIX);
	close(p.fd);
	conf.in = p.ours;
	ck_assert_ptr_nonnull(ws = ws_new(&conf));
	ck_assert_int_eq(ws_connect(ws, "a", "/", NULL, NULL), -1);
	ck_assert_int_eq(ws_info(ws)->failed, WS_ABNORMAL);
	ck_assert_str_eq(ws_error(ws), "the server is gone: Broken pipe");
	ws_free(ws);
	close(p.ours);
}
END_TEST

START_TEST(needs_a_descriptor)
{
	const struct ws_conf conf = { .in = 12345 };

	ck_assert_ptr_null(ws_new(&conf));
	ck_assert_int_eq(errno, EBADF);
	ws_free(NULL);
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("conn_open");

	UNIT_ROWS_EACH(s, refuses, refusals, WAYS);
	UNIT_ROWS_EACH(s, refuses_what_is_long, sizes, WAYS);
	unit_loop(s, "frames with the head, in pieces of any size",
	    keeps_early_frames, 250);
	UNIT_ROWS_EACH(s, chooses, choices, WAYS);
	UNIT_ROWS_EACH(s, client_refuses, answers, WAYS);
	UNIT_ROWS_EACH(s, client_takes_no_other_extension, answereds, WAYS);
	unit_test(s, "NUL", refuses_nul);
	unit_test(s, "the deadline", keeps_the_deadline);
	unit_test(s, "stop", stops_within_the_handshake);
	unit_loop(s, "another request", answers_other_requests, WAYS);
	unit_test(s, "another request is not accepted",
	    accepts_no_other_request);
	unit_test(s, "403", refuses_for_others);
	unit_test(s, "a status without a phrase", refuses_with_any_status);
	unit_test(s, "after a refusal", fails_once);
	unit_test(s, "no server", client_asks_nobody);
	unit_test(s, "no descriptor", needs_a_descriptor);
	return unit_run(s);
}
