/*
 * test_conn_seen.c - proves what ws_on_wire shows: each frame once, both ways,
 * in its order and as it came, in any pieces; breaches and frames that are cut
 * off with what came of them; and the lines of heads up to where they end.
 */

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "peer.h"
#include "unit.h"

enum { LONG = 8 };

/* What was seen, as one reads it. */
struct notes {
	FILE *to;
	char *text;
	size_t size;
};

static void
note_bytes(FILE *to, const uint8_t *p, size_t n)
{
	size_t same = 0;

	while (same < n && p[same] == 'x')
		same++;
	if (same == n && n > LONG) {
		fprintf(to, "*%zu", n);
		return;
	}
	for (size_t i = 0; i < n; i++)
		fprintf(to, p[i] < 0x20 || p[i] > 0x7e ? "\\%02x" : "%c", p[i]);
}

/* Of fields that are others in each run, the names. */
static size_t
lasting(const char *line, size_t n)
{
	static const char *const names[] = { "Date:", "Sec-WebSocket-Key:",
		"Sec-WebSocket-Accept:" };

	for (size_t i = 0; i < COUNT(names); i++)
		if (n > strlen(names[i]) &&
		    memcmp(line, names[i], strlen(names[i])) == 0)
			return strlen(names[i]);
	return n;
}

/* First byte, mask and length. */
static void
note_head(FILE *to, const struct ws_seen *seen)
{
	fprintf(to, "%02x%c",
	    (seen->fin ? 0x80u : 0) | (unsigned)seen->rsv << 4 | seen->opcode,
	    seen->masked ? 'm' : '.');
	if (seen->length == WS_UNKNOWN)
		putc('?', to);
	else
		fprintf(to, "%" PRIu64, seen->length);
}

/* "< GET / HTTP/1.1|", and "<81m5(hello) ". */
static void
note(void *arg, const struct ws_seen *seen)
{
	FILE *to = ((struct notes *)arg)->to;

	putc(seen->ours ? '>' : '<', to);
	if (seen->line) {
		putc(' ', to);
		note_bytes(to, seen->data, lasting(seen->data, seen->len));
		putc('|', to);
		return;
	}
	note_head(to, seen);
	putc('(', to);
	note_bytes(to, seen->data, seen->len);
	fputs(") ", to);
}

static void
notes_open(struct notes *n)
{
	ck_assert_ptr_nonnull(n->to = open_memstream(&n->text, &n->size));
}

static void
notes_compare(struct notes *n, const char *want)
{
	ck_assert_int_eq(fclose(n->to), 0);
	ck_assert_str_eq(n->text, want);
	free(n->text);
}

/* Answer each message with itself, by the call that hands out parts or not. */
static void
echo(struct ws *ws, bool parts)
{
	struct ws_msg msg;

	if (parts)
		while (ws_part(ws, &msg) == 1)
			ws_send_part(ws, msg.type, msg.data, msg.len, msg.last);
	else
		while (ws_recv(ws, &msg) == 1)
			ws_send(ws, msg.type, msg.data, msg.len);
	ws_close(ws, 0, NULL);
}

static void
see(const char *in, const char *want, size_t chunk, bool parts)
{
	const struct ws_conf conf = { .max_message = 100000, .linger = 20 };
	struct notes n;
	struct peer p;
	struct ws *ws = peer_server(&p, conf);

	notes_open(&n);
	ws_on_wire(ws, note, &n);
	peer_say(&p, in);
	ck_assert_int_eq(shutdown(p.fd, SHUT_WR), 0);
	peer_chunk = chunk;
	echo(ws, parts);
	peer_end(&p, ws);
	notes_compare(&n, want);
}

static const struct frames {
	const char *name;
	const char *in;
	const char *want;
} frames[] = {
	{ "in their order", "&t(hello) &ping(hi) &b(\\00) &close(1000 bye)",
	    "<81m5(hello) >81.5(hello) <89m2(hi) >8a.2(hi) <82m1(\\00) "
	    ">82.1(\\00) <88m5(\\03\\e8bye) >88.5(\\03\\e8bye) " },
	{ "empty", "&t() &pong() &close()",
	    "<81m0() >81.0() <8am0() <88m0() >88.0() " },
	{ "fragments", "&t-(a) &ping() &+-() &+(b) &close()",
	    "<01m1(a) <89m0() >8a.0() <00m0() <80m1(b) >81.2(ab) <88m0() "
	    ">88.0() " },
	{ "32 bytes of many", "&b(*31) &b(*32) &b(*33) &b(*126) &close()",
	    "<82m31(*31) >82.31(*31) <82m32(*32) >82.32(*32) <82m33(*32) "
	    ">82.33(*32) <82m126(*32) >82.126(*32) <88m0() >88.0() " },
	{ "all of a Ping", "&ping(*125) &close()",
	    "<89m125(*125) >8a.125(*125) <88m0() >88.0() " },
	{ "none behind the Close", "&close() &t(a) {83}", "<88m0() >88.0() " },
	{ "cut off in the payload", "&t(a) {8285 00000000 6162}",
	    "<81m1(a) >81.1(a) <82m5(ab) " },
	{ "cut off in a long payload",
	    "{82fe 0100 00000000 6161616161616161 6161616161616161"
	    " 6161616161616161 6161616161616161 61}",
	    "<82m256(aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa) " },
	{ "cut off in the mask", "{8185 0000}", "<81m5() " },
	{ "cut off in the length", "{81fe 01}", "<81m?() " },
	{ "cut off after a byte", "&ping() {81}", "<89m0() >8a.0() <81.?() " },
};

START_TEST(shows_frames)
{
	const struct frames *row = &frames[_i / WAYS];

	see(row->in, row->want, peer_way(_i), false);
}
END_TEST

/* A part is handed on, and answered, before its frame is whole. */
START_TEST(shows_frames_of_parts)
{
	see("&t-(ab) &+(c) &close()",
	    "<01m2(ab) >01.2(ab) <80m1(c) >80.1(c) <88m0() >88.0() ", 0, true);
	see("&t(ab) &close()", ">01.1(a) <81m2(ab) >80.1(b) <88m0() >88.0() ",
	    1, true);
}
END_TEST

START_TEST(shows_frames_that_were_cut)
{
	see("&t(*70000) &close()",
	    "<81m70000(*32) >01.65536(*32) >80.4464(*32) <88m0() >88.0() ", 0,
	    false);
}
END_TEST

/* Seen before the Close that fails them; slow: when it came byte by byte. */
static const struct breach {
	const char *name;
	const char *in;
	const char *whole;
	const char *slow;
	int code;
	const char *why;
} breaches[] = {
	{ "a reserved opcode", "&t(a) {8385 00000000 68656c6c6f}",
	    "<81m1(a) >81.1(a) <83m5(hello) ", "<81m1(a) >81.1(a) <83.?() ",
	    WS_PROTOCOL, "a frame has a reserved opcode" },
	{ "no mask", "t(hello)", "<81.5(hello) ", "<81.5() ", WS_PROTOCOL,
	    "a frame from the client is not masked" },
	{ "a length not minimal", "{81fe 0005 01010101 6160636265}",
	    "<81m5(`abcd) ", "<81m5() ", WS_PROTOCOL,
	    "a frame's length is not in its shortest form" },
	{ "a length with its top bit", "{82ff fffffffffffffffe 00000000 61}",
	    "<82m18446744073709551614(a) ", "<82m18446744073709551614() ",
	    WS_PROTOCOL, "a frame's length has its top bit set" },
	{ "reserved bits", "{d181 00000000 61}", "<d1m1(a) ", "<d1.?() ",
	    WS_PROTOCOL, "a frame has a reserved bit set" },
	{ "a fragmented Ping", "{0981 00000000 61}", "<09m1(a) ", "<09.?() ",
	    WS_PROTOCOL, "a control frame is fragmented" },
	{ "a long Ping", "&ping(*126)", "<89m126(*125) ", "<89m?() ",
	    WS_PROTOCOL, "a control frame has over 125 bytes" },
	{ "nothing to continue", "&+(ab)", "<80m2(ab) ", "<80.?() ",
	    WS_PROTOCOL, "a continuation frame continues no message" },
	{ "too large", "{82ff 0000000000100000 00000000} &t(a)",
	    "<82m1048576() ", "<82m1048576() ", WS_TOO_BIG,
	    "a message is too large" },
	{ "no UTF-8", "&t(a\\ffb)", "<81m3(a\\ffb) ", "<81m3(a\\ff) ",
	    WS_INVALID, "a text is not UTF-8" },
	{ "no UTF-8, late", "&t-(*40) &+(\\ff)", "<01m40(*32) <80m1(\\ff) ",
	    "<01m40(*32) <80m1(\\ff) ", WS_INVALID, "a text is not UTF-8" },
	{ "a code that may not be sent", "&close(1005)", "<88m2(\\03\\ed) ",
	    "<88m2(\\03\\ed) ", WS_PROTOCOL,
	    "a Close frame holds a code that may not be sent" },
};

START_TEST(shows_breaches)
{
	const struct breach *row = &breaches[_i / 2];
	char want[400];

	snprintf(want, sizeof(want), "%s>88.%zu(\\%02x\\%02x%s) ",
	    _i % 2 == 0 ? row->whole : row->slow, 2 + strlen(row->why),
	    (unsigned)row->code >> 8, (unsigned)row->code & 0xff, row->why);
	see(row->in, want, (size_t)(_i % 2), false);
}
END_TEST

/* Neither earlier, when too little is here, nor only when all is. */
START_TEST(shows_at_once)
{
	struct ws_msg msg;
	struct notes n;
	struct peer p;
	struct ws *ws = peer_server(&p, (struct ws_conf){ .max_message = -1 });

	notes_open(&n);
	ws_on_wire(ws, note, &n);
	peer_say(&p,
	    "{82ff 4000000000000000 00000000} {6162636461626364"
	    "6162636461626364 6162636461626364 61626364616263}");
	ck_assert_int_eq(ws_part(ws, &msg), 1);
	ck_assert_int_eq(fflush(n.to), 0);
	ck_assert_str_eq(n.text, "");
	peer_say(&p, "{64 65}");
	ck_assert_int_eq(ws_part(ws, &msg), 1);
	ws_on_wire(ws, NULL, NULL);
	ck_assert_int_eq(ws_ping(ws, "a", 1), 0);
	peer_end(&p, ws);
	notes_compare(&n,
	    "<82m4611686018427387904(abcdabcdabcdabcdabcdabcdabcdabcd) ");
}
END_TEST

/* A client's payload is shown as it is before it is masked. */
START_TEST(shows_frames_of_a_client)
{
	struct ws_msg msg;
	struct notes n;
	struct peer p;
	struct ws *ws = peer_client(&p, (struct ws_conf){ .linger = 20 });

	notes_open(&n);
	ws_on_wire(ws, note, &n);
	peer_say(&p, "t(hi) close(1001)");
	ck_assert_int_eq(ws_send(ws, WS_TEXT, "hello", 5), 0);
	ck_assert_int_eq(ws_recv(ws, &msg), 1);
	ck_assert_int_eq(ws_recv(ws, &msg), 0);
	peer_end(&p, ws);
	notes_compare(&n,
	    ">81m5(hello) <81.2(hi) <88.2(\\03\\e9) >88m2(\\03\\e9) ");
}
END_TEST

#define GET "GET /a HTTP/1.1\r\nHost: b\r\n"
#define CLOSE                                                                  \
	"> Date:|> Connection: close|> Sec-WebSocket-Version: 13|"             \
	"> Content-Type: text/plain; charset=utf-8|"                           \
	"> X-Content-Type-Options: nosniff|"

static const struct head {
	const char *name;
	const char *in; /* then the end of the stream */
	size_t size;	/* or 0: it is a string */
	const char *want;
} heads[] = {
	{ "a refusal", "\r\n" GET "Content-Length: 1\r\n\r\nSecret: 1\r\n", 0,
	    "< GET /a HTTP/1.1|< Host: b|< Content-Length: 1|"
	    "> HTTP/1.1 400 Bad Request|" CLOSE "> Content-Length: 41|" },
	{ "a bare LF", "GET / HTTP/1.1\r\nHost: b\nA: b\r\n\r\n", 0,
	    "< GET / HTTP/1.1|< Host: b\\0a|"
	    "> HTTP/1.1 400 Bad Request|" CLOSE "> Content-Length: 43|" },
	{ "a NUL", "GET /\0b\r\nA: b\r\n\r\n", 18,
	    "< GET /\\00b|"
	    "> HTTP/1.1 400 Bad Request|" CLOSE "> Content-Length: 21|" },
	{ "no request", "hello\r\nyou\r\n\r\n", 0,
	    "< hello|< you|"
	    "> HTTP/1.1 400 Bad Request|" CLOSE "> Content-Length: 47|" },
	{ "TLS", "\x16\x03\x01", 0,
	    "< \\16\\03\\01|"
	    "> HTTP/1.1 400 Bad Request|" CLOSE "> Content-Length: 29|" },
	{ "half of one", "GET / HTTP/1.1\r\nHost: b\r\nUpgr", 0,
	    "< GET / HTTP/1.1|< Host: b|< Upgr|" },
	{ "nothing", "", 0, "" },
};

static void
see_head(const struct head *row, size_t chunk)
{
	struct ws_conf conf = { .linger = 20 };
	size_t size = row->size > 0 ? row->size : strlen(row->in);
	struct notes n;
	struct peer p;
	struct ws *ws;

	peer_chunk = chunk;
	peer_open(&p, PEER_UNIX);
	conf.in = p.ours;
	ck_assert_int_eq(write(p.fd, row->in, size), (ssize_t)size);
	ck_assert_int_eq(shutdown(p.fd, SHUT_WR), 0);
	ck_assert_ptr_nonnull(ws = ws_new(&conf));
	notes_open(&n);
	ws_on_wire(ws, note, &n);
	ck_assert_int_eq(ws_accept(ws, NULL, NULL), -1);
	ck_assert_int_eq(ws_close(ws, 0, NULL), -1);
	peer_end(&p, ws);
	notes_compare(&n, row->want);
}

START_TEST(shows_heads)
{
	see_head(&heads[_i], 0);
}
END_TEST

START_TEST(shows_answers)
{
	struct ws_conf conf = { .linger = 20 };
	struct notes n;
	struct peer p;
	struct ws *ws;

	peer_chunk = 1;
	peer_open(&p, PEER_UNIX);
	conf.in = p.ours;
	ck_assert_int_eq(write(p.fd, GET "\r\n", sizeof(GET) + 1),
	    sizeof(GET) + 1);
	ck_assert_ptr_nonnull(ws = ws_new(&conf));
	notes_open(&n);
	ws_on_wire(ws, note, &n);
	ck_assert_int_eq(ws_request(ws), 0);
	ck_assert_int_eq(ws_answer(ws, 200, "A: b\r\n"), 0);
	ck_assert_int_eq(ws_answer_data(ws, "C: d\r\n", 6), 0);
	ws_close(ws, 0, NULL);
	peer_end(&p, ws);
	notes_compare(&n,
	    "< GET /a HTTP/1.1|< Host: b|"
	    "> HTTP/1.1 200 OK|> Date:|> Connection: close|> A: b|");
}
END_TEST

/* What others have read: what came behind the head is none of it. */
START_TEST(shows_what_was_given)
{
	char **vars = unit_split("REQUEST_METHOD=GET|REQUEST_URI=/a|"
				 "SERVER_PROTOCOL=HTTP/1.1|HTTP_COOKIE=a");
	struct ws_conf conf = { .linger = 20 };
	struct notes n;
	struct peer p;
	struct ws *ws;

	peer_open(&p, PEER_UNIX);
	conf.in = p.ours;
	ck_assert_ptr_nonnull(ws = ws_new(&conf));
	notes_open(&n);
	ws_on_wire(ws, note, &n);
	ck_assert_int_eq(ws_unread(ws, "A: b\r\n", 6), 0);
	ck_assert_int_eq(ws_cgi(ws, vars, WS_PARSED), 0);
	ck_assert_int_eq(ws_request(ws), -1);
	shutdown(p.fd, SHUT_WR);
	ws_close(ws, 0, NULL);
	peer_end(&p, ws);
	free(vars);
	notes_compare(&n,
	    "< GET /a HTTP/1.1|< Cookie: a|> Status: 400 Bad Request|"
	    "> Sec-WebSocket-Version: 13|"
	    "> Content-Type: text/plain; charset=utf-8|"
	    "> X-Content-Type-Options: nosniff|> Content-Length: 36|");
}
END_TEST

/* Both sides see the same handshake, each from where it stands. */
static void *
accept_seen(void *arg)
{
	struct ws *ws = arg;

	ws_accept(ws, "chat", "A: b\r\n");
	return NULL;
}

START_TEST(shows_handshakes)
{
	static const char asked[] =
	    "GET /c HTTP/1.1|> Host: h|> Upgrade: websocket|"
	    "> Connection: Upgrade|> Sec-WebSocket-Key:|"
	    "> Sec-WebSocket-Version: 13|> Sec-WebSocket-Protocol: chat|";
	static const char answered[] =
	    "HTTP/1.1 101 Switching Protocols|< Upgrade: websocket|"
	    "< Connection: Upgrade|< Sec-WebSocket-Accept:|"
	    "< Sec-WebSocket-Protocol: chat|< A: b|";
	struct ws_conf conf = { 0 };
	struct notes mine, its;
	struct ws *client, *server;
	struct peer p;
	pthread_t thread;
	char want[800];

	peer_chunk = peer_way(_i);
	peer_open(&p, PEER_UNIX);
	conf.in = p.fd;
	ck_assert_ptr_nonnull(client = ws_new(&conf));
	conf.in = p.ours;
	ck_assert_ptr_nonnull(server = ws_new(&conf));
	notes_open(&mine);
	notes_open(&its);
	ws_on_wire(client, note, &mine);
	ws_on_wire(server, note, &its);
	ck_assert_int_eq(pthread_create(&thread, NULL, accept_seen, server), 0);
	ck_assert_int_eq(ws_connect(client, "h", "/c", "chat", NULL), 0);
	ck_assert_int_eq(pthread_join(thread, NULL), 0);
	snprintf(want, sizeof(want), "> %s< %s", asked, answered);
	notes_compare(&mine, want);
	for (char *c = want; *c != '\0'; c++)
		*c = *c == '<' ? '>' : *c == '>' ? '<' : *c;
	notes_compare(&its, want);
	ws_free(client);
	peer_end(&p, server);
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("conn_seen");

	UNIT_ROWS_EACH(s, shows_frames, frames, WAYS);
	UNIT_ROWS_EACH(s, shows_breaches, breaches, 2);
	UNIT_ROWS(s, shows_heads, heads);
	unit_test(s, "parts", shows_frames_of_parts);
	unit_test(s, "cut", shows_frames_that_were_cut);
	unit_test(s, "at once", shows_at_once);
	unit_test(s, "a client", shows_frames_of_a_client);
	unit_test(s, "answers", shows_answers);
	unit_test(s, "given", shows_what_was_given);
	unit_loop(s, "handshakes", shows_handshakes, WAYS);
	return unit_run(s);
}
