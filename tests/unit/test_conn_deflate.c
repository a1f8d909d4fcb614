/*
 * test_conn_deflate.c - proves that both sides of a connection compress and
 * inflate for each other on all terms, whole messages and parts of them, and
 * that a quiet connection gives memory back and goes on.
 */

#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "peer.h"
#include "unit.h"

enum { MESSAGES = 40, LARGEST = 200000, PIECES = 5 };

static const struct ws_deflate terms[] = {
	{ 0 },
	{ .window = 15, .memory = 9, .level = 9 },
	{ .window = 9, .memory = 1, .level = 1 },
	{ .forget = true },
	{ .window = 9, .forget = true, .least = 1 },
};

static size_t
invent(uint8_t *p, int i, uint32_t *seed)
{
	const size_t n = unit_random(seed) % (i % 8 == 0 ? LARGEST : 3000);

	for (size_t at = 0; at < n; at++) {
		const uint32_t noise = i % 4 == 3 ? unit_random(seed) : 0;

		p[at] = (uint8_t)('a' + noise + at % (size_t)(i + 2));
	}
	return n;
}

/* Some are sent whole, and some in parts that arrive before the next is sent. */
static void
send_some(struct ws *ws, const uint8_t *p, size_t n, int i)
{
	const size_t piece = n / PIECES;

	if (i % 3 != 0) {
		ck_assert_int_eq(ws_send(ws, WS_BINARY, p, n), 0);
		return;
	}
	for (int k = 0; k < PIECES; k++)
		ck_assert_int_eq(ws_send_part(ws, WS_BINARY,
				     p + (size_t)k * piece, piece, false),
		    0);
	ck_assert_int_eq(ws_send_part(ws, WS_BINARY, p + PIECES * piece,
			     n - PIECES * piece, true),
	    0);
}

static int
client(int fd, const struct ws_deflate *deflate)
{
	const struct ws_conf conf = { .in = fd, .out = fd, .deflate = deflate };
	struct ws *ws = ws_new(&conf);
	uint8_t *p = malloc(LARGEST);
	struct ws_msg msg;
	uint32_t seed = 3;

	ck_assert_ptr_nonnull(ws);
	ck_assert_ptr_nonnull(p);
	ck_assert_int_eq(ws_connect(ws, "a", "/", NULL, NULL), 0);
	ck_assert(ws_info(ws)->deflate);
	for (int i = 0; i < MESSAGES; i++) {
		const size_t n = invent(p, i, &seed);

		send_some(ws, p, n, i);
		ck_assert_int_eq(ws_recv(ws, &msg), 1);
		ck_assert_uint_eq(msg.len, n);
		ck_assert(n == 0 || memcmp(msg.data, p, n) == 0);
	}
	ck_assert_uint_eq(ws_info(ws)->bytes_in, ws_info(ws)->bytes_out);
	ck_assert_int_eq(ws_close(ws, WS_NORMAL, NULL), 0);
	ws_free(ws);
	free(p);
	return 0;
}

static void
server(int fd, const struct ws_deflate *deflate)
{
	const struct ws_conf conf = { .in = fd, .out = fd, .deflate = deflate };
	struct ws *ws = ws_new(&conf);
	struct ws_msg msg;
	int r, i = 0;

	ck_assert_ptr_nonnull(ws);
	ck_assert_int_eq(ws_accept(ws, NULL, NULL), 0);
	ck_assert(ws_info(ws)->deflate);
	while ((r = ws_recv(ws, &msg)) == 1)
		send_some(ws, msg.data, msg.len, i++);
	ck_assert_int_eq(r, 0);
	ck_assert_int_eq(i, MESSAGES);
	ck_assert_int_eq(ws_close(ws, 0, NULL), 0);
	ws_free(ws);
}

/* _i is the server's terms and the client's. */
START_TEST(talk)
{
	const int n = (int)COUNT(terms);
	int fd[2], status;
	pid_t pid;

	ck_assert_int_eq(socketpair(AF_UNIX, SOCK_STREAM, 0, fd), 0);
	if ((pid = fork()) == 0) {
		close(fd[0]);
		_exit(client(fd[1], &terms[_i / n]));
	}
	close(fd[1]);
	server(fd[0], &terms[_i % n]);
	ck_assert_int_eq(waitpid(pid, &status, 0), pid);
	ck_assert_int_eq(status, 0);
	close(fd[0]);
}
END_TEST

static const char asking[] =
    "GET / HTTP/1.1\r\nHost: a\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
    "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"
    "Sec-WebSocket-Version: 13\r\n"
    "Sec-WebSocket-Extensions: permessage-deflate\r\n\r\n";

/* "Hello" on a fresh window, and on one where it has been: RFC 7692 7.2.3. */
static const char hello[] = "\xc1\x87\0\0\0\0\xf2\x48\xcd\xc9\xc9\x07\x00";
static const char again[] = "\xc1\x85\0\0\0\0\xf2\x00\x11\x00\x00";

static void
expect(struct ws *ws, const char *text)
{
	struct ws_msg msg;

	ck_assert_int_eq(ws_recv(ws, &msg), 1);
	ck_assert_uint_eq(msg.len, strlen(text));
	ck_assert_int_eq(memcmp(msg.data, text, msg.len), 0);
}

/* Bytes that the process has of the system. */
static size_t
memory(void)
{
	FILE *f = fopen("/proc/self/statm", "r");
	size_t pages = 0;

	ck_assert_ptr_nonnull(f);
	ck_assert_int_eq(fscanf(f, "%zu", &pages), 1);
	fclose(f);
	return pages * (size_t)sysconf(_SC_PAGESIZE);
}

/*
 * Memory for compression goes when it is quiet, but for what has been said:
 * that is less by far.  What follows points back to it.  While a message is
 * open, and when all has been given back, waits are as long as they are to be.
 */
START_TEST(gives_back)
{
	const struct ws_deflate all = { .window = 15, .memory = 8 };
	size_t before, during;
	int fd[2];
	struct ws *ws;
	int64_t from;
	char text[3000];

	memset(text, 'x', sizeof(text));
	ck_assert_int_eq(socketpair(AF_UNIX, SOCK_STREAM, 0, fd), 0);
	ck_assert_int_eq(write(fd[1], asking, strlen(asking)),
	    (ssize_t)strlen(asking));
	ws = ws_new(
	    &(struct ws_conf){ .in = fd[0], .out = fd[0], .deflate = &all });
	ck_assert_int_eq(ws_accept(ws, NULL, NULL), 0);
	before = memory();
	ck_assert_int_eq(write(fd[1], hello, sizeof(hello) - 1),
	    sizeof(hello) - 1);
	expect(ws, "Hello");
	ck_assert_int_eq(ws_send(ws, WS_TEXT, text, sizeof(text)), 0);
	during = memory();
	ck_assert_uint_gt(during, before + 200000);
	ck_assert_int_eq(ws_poll(ws, WS_WHOLE, NULL, 0, 1500), 0);
	ck_assert_uint_lt(memory(), during - 200000);
	from = peer_ms();
	ck_assert_int_eq(ws_poll(ws, WS_WHOLE, NULL, 0, 100), 0);
	ck_assert_int_ge(peer_ms() - from, 100);
	ck_assert_int_eq(write(fd[1], again, sizeof(again) - 1),
	    sizeof(again) - 1);
	expect(ws, "Hello");
	/* The first half of a message, and silence. */
	ck_assert_int_eq(write(fd[1], "\x41\x83\0\0\0\0\xf2\x00\x11", 9), 9);
	ck_assert_int_eq(ws_poll(ws, WS_WHOLE, NULL, 0, 1500), 0);
	ck_assert_int_eq(write(fd[1], "\x80\x82\0\0\0\0\x00\x00", 8), 8);
	expect(ws, "Hello");
	ws_free(ws);
	close(fd[0]);
	close(fd[1]);
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("conn_deflate");
	const int n = (int)COUNT(terms);

	unit_loop(s, "terms", talk, n * n);
	unit_test(s, "memory", gives_back);
	return unit_run(s);
}
