/*
 * tls.c - a client of WebSockets by TLS, for tls.py.
 *
 *	tls PORT full N		N connections, one after the other
 *	tls PORT resumed N	the same, each but the first resumes a session
 *	tls PORT echo N SIZE	N messages of SIZE bytes, on one connection
 *	tls PORT idle N		N connections that say nothing
 *
 * It makes ready, says so on standard output, waits for a line, does its work,
 * says how many sessions were resumed, and ends with its input.  What it offers
 * is the same for all servers; what comes back is compared.
 */

#include <arpa/inet.h>
#include <err.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

enum {
	WARM = 20,	 /* connections before those that count */
	WARM_ECHO = 200, /* and messages */
	LARGEST = 65535,
	HEAD = 8, /* of a frame with a mask and 2 bytes of length */
	WORST = 1 /* exit status */
};

static SSL_CTX *ctx;
static SSL_SESSION *session; /* the latest, if sessions are resumed */
static bool resumes;
static int port, resumed;

static void
fail(const char *what)
{
	ERR_print_errors_fp(stderr);
	errx(WORST, "%s failed", what);
}

/* A ticket has come. */
static int
keep(SSL *ssl, SSL_SESSION *s)
{
	(void)ssl;
	if (!resumes)
		return 0;
	SSL_SESSION_free(session);
	session = s;
	return 1;
}

static void
begin(void)
{
	if ((ctx = SSL_CTX_new(TLS_client_method())) == NULL ||
	    SSL_CTX_set_min_proto_version(ctx, TLS1_3_VERSION) != 1 ||
	    SSL_CTX_set_ciphersuites(ctx, "TLS_AES_256_GCM_SHA384") != 1 ||
	    SSL_CTX_set1_groups_list(ctx, "X25519") != 1)
		fail("OpenSSL");
	SSL_CTX_set_session_cache_mode(ctx,
	    SSL_SESS_CACHE_CLIENT | SSL_SESS_CACHE_NO_INTERNAL);
	SSL_CTX_sess_set_new_cb(ctx, keep);
}

static int
connected(void)
{
	struct sockaddr_in to = {
		.sin_family = AF_INET,
		.sin_port = htons((uint16_t)port),
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK),
	};
	const int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	const int on = 1;

	if (fd == -1 ||
	    connect(fd, (const struct sockaddr *)&to, sizeof(to)) == -1 ||
	    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on)) == -1)
		err(WORST, "connect");
	return fd;
}

static void
say(SSL *ssl, const void *p, size_t n)
{
	size_t done;

	if (SSL_write_ex(ssl, p, n, &done) != 1 || done != n)
		fail("a write");
}

/* All of n bytes. */
static void
hear(SSL *ssl, uint8_t *p, size_t n)
{
	for (size_t done; n > 0; p += done, n -= done)
		if (SSL_read_ex(ssl, p, n, &done) != 1)
			fail("a read");
}

static void
upgrade(SSL *ssl)
{
	static const char end[] = "\r\n\r\n";
	char text[256];
	size_t at = 0;
	uint8_t c;

	snprintf(text, sizeof(text),
	    "GET / HTTP/1.1\r\nHost: 127.0.0.1\r\nUpgrade: websocket\r\n"
	    "Connection: Upgrade\r\nSec-WebSocket-Version: 13\r\n"
	    "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n");
	say(ssl, text, strlen(text));
	hear(ssl, (uint8_t *)text, 12);
	if (memcmp(text, "HTTP/1.1 101", 12) != 0)
		fail("the handshake");
	while (at < strlen(end)) {
		hear(ssl, &c, 1);
		at = c == end[at] ? at + 1 : c == end[0];
	}
}

static SSL *
open_one(void)
{
	SSL *ssl = SSL_new(ctx);

	if (ssl == NULL || SSL_set_fd(ssl, connected()) != 1 ||
	    (session != NULL && SSL_set_session(ssl, session) != 1) ||
	    SSL_connect(ssl) != 1)
		fail("TLS");
	resumed += SSL_session_reused(ssl);
	upgrade(ssl);
	return ssl;
}

/* Close, and its answer; then close_notify, or the end without it. */
static void
close_one(SSL *ssl)
{
	static const uint8_t ours[] = { 0x88, 0x82, 0, 0, 0, 0, 3, 0xe8 };
	uint8_t theirs[4], c;
	size_t n;
	const int fd = SSL_get_fd(ssl);

	say(ssl, ours, sizeof(ours));
	hear(ssl, theirs, sizeof(theirs));
	if (theirs[0] != 0x88 || theirs[3] != 0xe8)
		fail("the Close");
	if (SSL_read_ex(ssl, &c, 1, &n) == 1)
		fail("the end");
	SSL_shutdown(ssl);
	SSL_free(ssl);
	close(fd);
}

static void
connections(long n)
{
	for (; n > 0; n--)
		close_one(open_one());
}

/* A text message of n bytes, in frames of less than 64 KiB. */
static void
hear_message(SSL *ssl, uint8_t *p, size_t n)
{
	uint8_t head[4] = { 0 };
	uint8_t opcode = 1;
	size_t size;

	for (; (head[0] & 0x80) == 0; p += size, n -= size, opcode = 0) {
		hear(ssl, head, 2);
		if ((head[0] & 0x7f) != opcode || head[1] > 126)
			fail("a frame");
		if ((size = head[1]) == 126) {
			hear(ssl, head + 2, 2);
			size = (size_t)head[2] << 8 | head[3];
		}
		if (size > n)
			fail("a message");
		hear(ssl, p, size);
	}
	if (n > 0)
		fail("a message");
}

/* One text message, each another. */
static void
echo(SSL *ssl, uint32_t number, size_t size)
{
	static uint8_t out[HEAD + LARGEST], in[LARGEST];
	const bool is_short = size < 126;
	uint8_t *p = out + (is_short ? 2 : 0);
	char text[16];

	memset(out + HEAD, 'x', size);
	snprintf(text, sizeof(text), "%08x", number);
	memcpy(out + HEAD, text, 8);
	p[0] = 0x81;
	p[1] = (uint8_t)(0x80 | (is_short ? size : 126));
	if (!is_short) {
		p[2] = (uint8_t)(size >> 8);
		p[3] = (uint8_t)size;
	}
	say(ssl, p, (size_t)(out + HEAD + size - p));
	hear_message(ssl, in, size);
	if (memcmp(in, out + HEAD, size) != 0)
		fail("an echo");
}

static void
wait_for_line(const char *text)
{
	int c;

	printf("%s %d\n", text, resumed);
	fflush(stdout);
	while ((c = getchar()) != EOF && c != '\n')
		continue;
}

static void
run_connections(long n)
{
	connections(WARM);
	resumed = 0;
	wait_for_line("ready");
	connections(n);
	wait_for_line("done");
}

static void
run_echo(long n, size_t size)
{
	SSL *ssl = open_one();

	for (uint32_t i = 0; i < WARM_ECHO; i++)
		echo(ssl, i, size);
	wait_for_line("ready");
	for (uint32_t i = 0; i < (uint32_t)n; i++)
		echo(ssl, i, size);
	wait_for_line("done");
	close_one(ssl);
}

/* They end with this process. */
static void
run_idle(long n)
{
	connections(WARM);
	wait_for_line("ready");
	for (; n > 0; n--)
		open_one();
	wait_for_line("done");
}

int
main(int argc, char *argv[])
{
	const char *what = argc < 4 ? "" : argv[2];
	const size_t size = argc < 5 ? 0 : (size_t)atol(argv[4]);

	if (argc < 4 || size > LARGEST)
		errx(WORST, "usage: tls PORT full|resumed|echo|idle N [SIZE]");
	port = atoi(argv[1]);
	resumes = strcmp(what, "resumed") == 0;
	begin();
	if (strcmp(what, "echo") == 0 && size >= 8)
		run_echo(atol(argv[3]), size);
	else if (strcmp(what, "idle") == 0)
		run_idle(atol(argv[3]));
	else
		run_connections(atol(argv[3]));
	return 0;
}
