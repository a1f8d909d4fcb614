/*
 * test_conn_given.c - proves that a request which others have read is as good
 * as one on the wire: the bytes behind it are frames, wherever they were cut,
 * and the answer is of the form that was asked for.
 */

#include <stdlib.h>
#include <string.h>

#include "peer.h"
#include "script.h"
#include "unit.h"

#define FRAMES	"&t(hello) &ping(x) &b(\\00\\ff) &close(1000 bye)"
#define ECHOED	"t(hello) pong(x) b(\\00\\ff) close(1000 bye)"
#define ANSWER	"Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n"
#define UPGRADE "Upgrade: websocket\r\nConnection: Upgrade\r\n"
#define ASK                                                                    \
	"REQUEST_METHOD=GET|SERVER_PROTOCOL=HTTP/1.1|REQUEST_URI=/|"           \
	"HTTP_HOST=a|HTTP_CONNECTION=Upgrade|HTTP_SEC_WEBSOCKET_VERSION=13|"   \
	"HTTP_SEC_WEBSOCKET_KEY=dGhlIHNhbXBsZSBub25jZQ=="
#define HANDSHAKE ASK "|HTTP_UPGRADE=websocket"

static struct ws *
server(struct peer *p)
{
	const struct ws_conf conf = { .in = p->ours };
	struct ws *ws = ws_new(&conf);

	ck_assert_ptr_nonnull(ws);
	return ws;
}

static void
echo(struct ws *ws)
{
	struct ws_msg msg;

	while (ws_recv(ws, &msg) == 1)
		ck_assert_int_eq(ws_send(ws, msg.type, msg.data, msg.len), 0);
	ws_close(ws, 0, NULL);
	ck_assert_ptr_null(ws_error(ws));
	ck_assert_int_eq(ws_info(ws)->received, 1000);
	ws_free(ws);
}

/* The first _i bytes of the frames were read together with the request. */
START_TEST(takes_what_was_read)
{
	size_t n;
	uint8_t *frames = script_bytes(FRAMES, &n);
	const size_t cut = (size_t)_i < n ? (size_t)_i : n;
	char **vars = unit_split(HANDSHAKE);
	struct peer p;
	struct ws *ws;
	char *heard;

	peer_open(&p, PEER_UNIX);
	p.shut = true;
	peer_start(&p, frames + cut, n - cut);
	ws = server(&p);
	ck_assert_int_eq(ws_unread(ws, frames, cut), 0);
	ck_assert_int_eq(ws_cgi(ws, vars, WS_RAW), 0);
	ck_assert_int_eq(ws_accept(ws, NULL, NULL), 0);
	echo(ws);
	peer_finish(&p);
	heard = peer_frames(&p);
	ck_assert_str_eq(heard, ECHOED);
	free(heard);
	free(frames);
	free(vars);
	peer_free(&p);
}
END_TEST

static const struct row {
	const char *name;
	const char *vars;
	enum ws_server who;
	int status;
	const char *want; /* how the answer begins */
} rows[] = {
	{ "101, HTTP", HANDSHAKE, WS_RAW, 101,
	    "HTTP/1.1 101 Switching Protocols\r\n" UPGRADE ANSWER },
	{ "101, CGI", HANDSHAKE, WS_PARSED, 101,
	    "Status: 101 Switching Protocols\r\n" UPGRADE ANSWER },
	{ "no handshake, HTTP", ASK, WS_RAW, 426,
	    "HTTP/1.1 426 Upgrade Required\r\nDate: " },
	{ "no handshake, CGI", ASK, WS_PARSED, 426,
	    "Status: 426 Upgrade Required\r\nUpgrade: websocket\r\n"
	    "Sec-WebSocket-Version: 13\r\nContent-Type: " },
	{ "a body", HANDSHAKE "|CONTENT_LENGTH=5", WS_PARSED, 400,
	    "Status: 400 Bad Request\r\nSec-WebSocket-Version: 13\r\n" },
	{ "a line break", HANDSHAKE "|HTTP_X=a\r\nb", WS_PARSED, 400,
	    "Status: 400 Bad Request\r\nSec-WebSocket-Version: 13\r\n" },
};

START_TEST(answers)
{
	const struct row *row = &rows[_i];
	char **vars = unit_split(row->vars);
	struct peer p;
	struct ws *ws;
	int r;

	peer_open(&p, PEER_UNIX);
	p.shut = true;
	peer_start(&p, "", 0);
	ws = server(&p);
	r = ws_cgi(ws, vars, row->who);
	ck_assert_int_eq(ws_accept(ws, NULL, NULL),
	    row->status == 101 ? 0 : -1);
	ck_assert(r == 0 || row->status == 400);
	ck_assert_int_eq(ws_info(ws)->status, row->status);
	ws_close(ws, 0, NULL);
	ws_free(ws);
	peer_finish(&p);
	ck_assert_ptr_nonnull(p.in);
	ck_assert_msg(strncmp((char *)p.in, row->want, strlen(row->want)) == 0,
	    "%s", (char *)p.in);
	ck_assert(row->who == WS_RAW ||
	    strstr((char *)p.in, "Connection: close") == NULL);
	free(vars);
	peer_free(&p);
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("conn_given");

	unit_loop(s, "frames, cut at each byte", takes_what_was_read, 60);
	UNIT_ROWS(s, answers, rows);
	return unit_run(s);
}
