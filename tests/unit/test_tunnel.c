/*
 * test_tunnel.c - proves that a tunnel carries what both sides say, ends as they
 * end, and knows how that was.  The tunnel runs in a thread of its own, between
 * a client with OpenSSL and a program that is a socket of the test's.
 */

#include <errno.h>
#include <fcntl.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <openssl/x509.h>
#include <pthread.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "clock.h"
#include "tls/tunnel.h"
#include "unit.h"

enum { SOON = 300, LONG = 5000, MUCH = 1 << 20 /* ms, bytes */ };

static struct {
	struct tunnel t;
	SSL_CTX *server_ctx, *client_ctx;
	SSL *ssl;	     /* the client's */
	int client, program; /* sockets */
	pthread_t thread;
	int until;  /* ms for the handshake */
	int opened; /* what tunnel_open has returned */
	enum tunnel_end end;
	void (*between)(SSL *); /* the handshake and the rest, or NULL */
} own;

static void
told(void *arg)
{
	(void)arg;
}

/* As a process of ws-tls: what it has is closed when it ends. */
static void *
play_tunnel(void *arg)
{
	(void)arg;
	own.opened = tunnel_open(&own.t, clock_in(own.until));
	if (own.opened == 0 && own.between != NULL)
		own.between(own.t.ssl);
	if (own.opened == 0)
		own.end = tunnel_run(&own.t, told, NULL);
	close(own.t.client);
	close(own.t.plain);
	return NULL;
}

static void
sign_oneself(SSL_CTX *ctx)
{
	EVP_PKEY *key = EVP_EC_gen("P-256");
	X509 *cert = X509_new();

	ck_assert(key != NULL && cert != NULL);
	ASN1_INTEGER_set(X509_get_serialNumber(cert), 1);
	X509_gmtime_adj(X509_getm_notBefore(cert), 0);
	X509_gmtime_adj(X509_getm_notAfter(cert), 3600);
	X509_set_pubkey(cert, key);
	ck_assert_int_ne(X509_sign(cert, key, EVP_sha256()), 0);
	ck_assert_int_eq(SSL_CTX_use_certificate(ctx, cert), 1);
	ck_assert_int_eq(SSL_CTX_use_PrivateKey(ctx, key), 1);
	X509_free(cert);
	EVP_PKEY_free(key);
}

static const int versions[] = { TLS1_2_VERSION, TLS1_3_VERSION };

static void
make_contexts(int version)
{
	own.server_ctx = SSL_CTX_new(TLS_server_method());
	own.client_ctx = SSL_CTX_new(TLS_client_method());
	sign_oneself(own.server_ctx);
	SSL_CTX_set_mode(own.server_ctx,
	    SSL_MODE_ENABLE_PARTIAL_WRITE |
		SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
	SSL_CTX_set_options(own.server_ctx, SSL_OP_NO_RENEGOTIATION);
	SSL_CTX_set_read_ahead(own.server_ctx, 1);
	SSL_CTX_set_min_proto_version(own.client_ctx, version);
	SSL_CTX_set_max_proto_version(own.client_ctx, version);
	own.t.ssl = SSL_new(own.server_ctx);
	own.ssl = SSL_new(own.client_ctx);
}

/* Before the first byte. */
static void
begin(int version, int until, int stall)
{
	int outer[2], inner[2];

	signal(SIGPIPE, SIG_IGN);
	memset(&own, 0, sizeof(own));
	own.until = until;
	ck_assert_int_eq(socketpair(AF_UNIX, SOCK_STREAM, 0, outer), 0);
	ck_assert_int_eq(socketpair(AF_UNIX, SOCK_STREAM, 0, inner), 0);
	make_contexts(version);
	own.client = outer[0];
	own.t.client = outer[1];
	own.program = inner[0];
	own.t.plain = inner[1];
	own.t.stall = stall;
	SSL_set_fd(own.ssl, own.client);
}

static void
start(void)
{
	ck_assert_int_eq(pthread_create(&own.thread, NULL, play_tunnel, NULL),
	    0);
}

static void
connect_client(void)
{
	start();
	ck_assert_int_eq(SSL_connect(own.ssl), 1);
}

/* Wait for the end, which has to be this one. */
static void
finish(int opened, enum tunnel_end end)
{
	pthread_join(own.thread, NULL);
	ck_assert_int_eq(own.opened, opened);
	if (opened == 0)
		ck_assert_int_eq(own.end, end);
	SSL_free(own.ssl);
	SSL_free(own.t.ssl);
	SSL_CTX_free(own.server_ctx);
	SSL_CTX_free(own.client_ctx);
	close(own.client);
	close(own.program);
}

static void
read_exactly(int fd, size_t size)
{
	static char room[65536];
	ssize_t n;

	for (; size > 0; size -= (size_t)n) {
		n = read(fd, room, size < sizeof(room) ? size : sizeof(room));
		ck_assert_int_gt(n, 0);
	}
}

static int
cpu_ms(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &ts);
	return (int)(ts.tv_sec * 1000 + ts.tv_nsec / 1000000);
}

/* Ends of conversations. */

START_TEST(talks_and_ends)
{
	char room[10];

	begin(versions[_i], LONG, LONG);
	connect_client();
	ck_assert_int_eq(SSL_write(own.ssl, "hello", 5), 5);
	read_exactly(own.program, 5);
	ck_assert_int_eq(write(own.program, "bye", 3), 3);
	ck_assert_int_eq(SSL_read(own.ssl, room, sizeof(room)), 3);
	SSL_shutdown(own.ssl);
	ck_assert_int_eq(read(own.program, room, 1), 0);
	ck_assert_int_eq(write(own.program, "more", 4), 4);
	shutdown(own.program, SHUT_WR);
	ck_assert_int_eq(SSL_read(own.ssl, room, sizeof(room)), 4);
	ck_assert_int_eq(SSL_read(own.ssl, room, sizeof(room)), 0);
	ck_assert_int_eq(SSL_get_shutdown(own.ssl) & SSL_RECEIVED_SHUTDOWN,
	    SSL_RECEIVED_SHUTDOWN);
	ck_assert_int_eq(read(own.client, room, 1), 0);
	finish(0, TUNNEL_CLOSED);
	ck_assert_int_eq((int)own.t.in, 5);
	ck_assert_int_eq((int)own.t.out, 7);
}
END_TEST

START_TEST(is_cut_off)
{
	char room[10];

	begin(versions[_i], LONG, LONG);
	connect_client();
	ck_assert_int_eq(SSL_write(own.ssl, "hello", 5), 5);
	read_exactly(own.program, 5);
	shutdown(own.client, SHUT_WR);
	ck_assert_int_eq(read(own.program, room, 1), 0);
	close(own.program);
	own.program = dup(own.client);
	finish(0, TUNNEL_TRUNCATED);
}
END_TEST

START_TEST(is_broken)
{
	static const char junk[] = "\x17\3\3\0\x20"
				   "0123456789abcdef0123456789abcdef";
	char room[10];

	begin(versions[_i], LONG, LONG);
	connect_client();
	ck_assert_int_eq(SSL_write(own.ssl, "hello", 5), 5);
	ck_assert_int_gt((int)write(own.client, junk, sizeof(junk) - 1), 0);
	read_exactly(own.program, 5);
	ck_assert_int_eq(read(own.program, room, 1), 0);
	finish(0, TUNNEL_BROKEN);
	ck_assert_str_eq(own.t.why, "decryption failed or bad record mac");
}
END_TEST

/* The client reads nothing; and goes on sending all the while. */
START_TEST(is_stalled)
{
	static char much[MUCH];
	int64_t began;

	begin(versions[_i], LONG, SOON);
	connect_client();
	fcntl(own.program, F_SETFL, O_NONBLOCK);
	fcntl(own.client, F_SETFL, O_NONBLOCK);
	began = clock_ms();
	while (clock_ms() < began + LONG) {
		if (write(own.program, much, sizeof(much)) == -1 &&
		    errno == EPIPE)
			break;
		if (SSL_write(own.ssl, "x", 1) != 1)
			break;
		while (read(own.program, much, sizeof(much)) > 0)
			;
	}
	ck_assert_int_lt((int)(clock_ms() - began), LONG / 2);
	finish(0, TUNNEL_STALLED);
}
END_TEST

/* The program has ended; the client neither ends nor stops. */
START_TEST(lingers)
{
	const int64_t began = clock_ms();

	begin(versions[_i], LONG, LONG);
	connect_client();
	ck_assert_int_eq(SSL_write(own.ssl, "x", 1), 1);
	read_exactly(own.program, 1);
	close(own.program);
	own.program = dup(own.client);
	while (clock_ms() < began + LONG && SSL_write(own.ssl, "x", 1) == 1)
		usleep(100);
	finish(0, TUNNEL_CLOSED);
	ck_assert_int_lt((int)(clock_ms() - began), LONG * 3 / 4);
	ck_assert_int_gt((int)(clock_ms() - began), 1000);
}
END_TEST

/* The client has ended and gone; the program is slow, and gets it all. */
START_TEST(keeps_what_came)
{
	static char much[16384];
	const int small = 4096;
	int cpu;

	begin(versions[_i], LONG, LONG);
	setsockopt(own.t.plain, SOL_SOCKET, SO_SNDBUF, &small, sizeof(small));
	connect_client();
	ck_assert_int_eq(SSL_write(own.ssl, much, 15000), 15000);
	ck_assert_int_eq(SSL_write(own.ssl, much, 100), 100);
	SSL_shutdown(own.ssl);
	close(own.client);
	own.client = dup(own.program);
	cpu = cpu_ms();
	usleep(SOON * 1000);
	ck_assert_int_lt(cpu_ms() - cpu, SOON / 5);
	read_exactly(own.program, 15100);
	ck_assert_int_eq(read(own.program, much, 1), 0);
	finish(0, TUNNEL_CLOSED);
}
END_TEST

/* Half a megabyte each way, each side at the pace of its own. */
START_TEST(carries_much)
{
	static char much[MUCH];
	size_t came = 0;
	int n;

	begin(versions[_i], LONG, LONG);
	connect_client();
	fcntl(own.program, F_SETFL, O_NONBLOCK);
	for (size_t sent = 0; sent < MUCH; sent += 16384) {
		ck_assert_int_eq(SSL_write(own.ssl, much, 16384), 16384);
		while ((n = (int)read(own.program, much, sizeof(much))) > 0)
			came += (size_t)n;
	}
	fcntl(own.program, F_SETFL, 0);
	read_exactly(own.program, MUCH - came);
	SSL_shutdown(own.ssl);
	close(own.program);
	own.program = dup(own.client);
	finish(0, TUNNEL_CLOSED);
	ck_assert_int_eq((int)own.t.in, MUCH);
}
END_TEST

/* Handshakes. */

static const struct opening {
	const char *name, *said;
	bool ends;
	int opened;
} openings[] = {
	{ "nothing", "", false, TUNNEL_STALLED },
	{ "a byte", "\x16", false, TUNNEL_STALLED },
	{ "the end", "", true, TUNNEL_CLOSED },
	{ "a byte, and the end", "\x16", true, TUNNEL_TRUNCATED },
	{ "http", "GET / HTTP/1.1\r\n\r\n", false, TUNNEL_BROKEN },
	{ "noise", "\xff\xff\xff\xff\xff\xff\xff\xff", false, TUNNEL_BROKEN },
};

START_TEST(does_not_open)
{
	const struct opening *o = &openings[_i];

	begin(TLS1_3_VERSION, SOON, LONG);
	start();
	ck_assert_int_eq(write(own.client, o->said, strlen(o->said)),
	    (ssize_t)strlen(o->said));
	if (o->ends)
		shutdown(own.client, SHUT_WR);
	finish(o->opened, TUNNEL_CLOSED);
	ck_assert(own.opened != TUNNEL_BROKEN || *own.t.why != '\0');
}
END_TEST

/* Nobody is there to serve it any more. */
START_TEST(is_abandoned)
{
	begin(TLS1_3_VERSION, LONG, LONG);
	start();
	close(own.program);
	own.program = dup(own.client);
	finish(TUNNEL_FAILED, TUNNEL_CLOSED);
}
END_TEST

START_TEST(is_refused)
{
	begin(TLS1_2_VERSION, LONG, LONG);
	SSL_set_min_proto_version(own.t.ssl, TLS1_3_VERSION);
	start();
	ck_assert_int_ne(SSL_connect(own.ssl), 1);
	finish(TUNNEL_REFUSED, TUNNEL_CLOSED);
	ck_assert_ptr_nonnull(strstr(own.t.why, "unsupported protocol"));
}
END_TEST

/* Changes of keys: what a second allows, and ten seconds' at once; or more. */
START_TEST(changes_keys)
{
	const int many = _i == 0 ? TUNNEL_KEYS : 100000;
	int cpu, n = 0;

	begin(TLS1_3_VERSION, LONG, LONG);
	connect_client();
	cpu = cpu_ms();
	while (n < many && SSL_key_update(own.ssl, SSL_KEY_UPDATE_REQUESTED) &&
	    SSL_do_handshake(own.ssl) == 1)
		n++;
	if (_i == 0) {
		ck_assert_int_eq(SSL_write(own.ssl, "x", 1), 1);
		read_exactly(own.program, 1);
		SSL_shutdown(own.ssl);
		close(own.program);
		own.program = dup(own.client);
	}
	finish(0, _i == 0 ? TUNNEL_CLOSED : TUNNEL_FLOODED);
	ck_assert_int_lt(cpu_ms() - cpu, 1500);
	ck_assert_int_lt(n, 20000);
}
END_TEST

/*
 * Reads that want room, and writes that want input: as the library may, which
 * here hears it from what it reads by.
 */
static _Atomic int refusals, tries;

static int
refuse_read(BIO *b, char *p, int n)
{
	int r;

	BIO_clear_retry_flags(b);
	tries++;
	if (refusals > 0) {
		refusals--;
		BIO_set_retry_write(b);
		return -1;
	}
	r = (int)recv(own.t.client, p, (size_t)n, 0);
	if (r == -1 && errno == EAGAIN)
		BIO_set_retry_read(b);
	return r;
}

static int
refuse_write(BIO *b, const char *p, int n)
{
	BIO_clear_retry_flags(b);
	tries++;
	if (refusals > 0) {
		refusals--;
		BIO_set_retry_read(b);
		return -1;
	}
	return (int)send(own.t.client, p, (size_t)n, MSG_NOSIGNAL);
}

static long
control(BIO *b, int what, long n, void *p)
{
	(void)b;
	(void)n;
	(void)p;
	return what == BIO_CTRL_FLUSH;
}

static BIO *
make_bio(void)
{
	static BIO_METHOD *method;
	BIO *b;

	if (method == NULL) {
		method = BIO_meth_new(BIO_TYPE_SOURCE_SINK, "refuses");
		BIO_meth_set_read(method, refuse_read);
		BIO_meth_set_write(method, refuse_write);
		BIO_meth_set_ctrl(method, control);
	}
	b = BIO_new(method);
	BIO_set_init(b, 1);
	return b;
}

static void
wants_room(SSL *ssl)
{
	refusals = tries = 0;
	SSL_set0_rbio(ssl, make_bio());
}

static void
wants_input(SSL *ssl)
{
	refusals = 1;
	tries = 0;
	SSL_set0_wbio(ssl, make_bio());
}

/* The client's socket is full, and has input that is not to be read yet. */
START_TEST(reads_when_there_is_room)
{
	static char much[MUCH];
	int cpu;

	begin(TLS1_2_VERSION, LONG, LONG);
	own.between = wants_room;
	connect_client();
	fcntl(own.program, F_SETFL, O_NONBLOCK);
	while (write(own.program, much, sizeof(much)) > 0)
		usleep(10000);
	refusals = 3;
	tries = 0;
	ck_assert_int_eq(SSL_write(own.ssl, "hello", 5), 5);
	cpu = cpu_ms();
	usleep(SOON * 1000);
	ck_assert_int_lt(cpu_ms() - cpu, SOON / 5);
	ck_assert_int_eq(tries, 1);
	fcntl(own.program, F_SETFL, 0);
	shutdown(own.client, SHUT_RDWR);
	finish(0, TUNNEL_TRUNCATED);
}
END_TEST

START_TEST(writes_when_there_is_input)
{
	char room[10];

	begin(TLS1_2_VERSION, LONG, LONG);
	own.between = wants_input;
	connect_client();
	ck_assert_int_eq(write(own.program, "bye", 3), 3);
	usleep(SOON * 1000);
	ck_assert_int_eq(tries, 1);
	ck_assert_int_eq(SSL_write(own.ssl, "x", 1), 1);
	ck_assert_int_eq(SSL_read(own.ssl, room, sizeof(room)), 3);
	read_exactly(own.program, 1);
	SSL_shutdown(own.ssl);
	close(own.program);
	own.program = dup(own.client);
	finish(0, TUNNEL_CLOSED);
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("tunnel");
	const int n = COUNT(versions);

	unit_loop(s, "talks", talks_and_ends, n);
	unit_loop(s, "cut off", is_cut_off, n);
	unit_loop(s, "broken", is_broken, n);
	unit_loop(s, "stalled", is_stalled, n);
	unit_loop(s, "lingers", lingers, n);
	unit_loop(s, "kept", keeps_what_came, n);
	unit_loop(s, "much", carries_much, n);
	UNIT_ROWS(s, does_not_open, openings);
	unit_test(s, "abandoned", is_abandoned);
	unit_test(s, "refused", is_refused);
	unit_loop(s, "changes keys", changes_keys, 2);
	unit_test(s, "wants room", reads_when_there_is_room);
	unit_test(s, "wants input", writes_when_there_is_input);
	return unit_run(s);
}
