/*
 * peer.c - the other side of a connection under test.
 */

#include <arpa/inet.h>
#include <check.h>
#include <errno.h>
#include <netinet/in.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "peer.h"
#include "script.h"

size_t peer_chunk;
int peer_sends;

const char peer_request[] = "GET /chat HTTP/1.1\r\n"
			    "Host: example.org\r\n"
			    "Upgrade: websocket\r\n"
			    "Connection: Upgrade\r\n"
			    "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"
			    "Sec-WebSocket-Version: 13\r\n"
			    "\r\n";

static size_t
chunk(size_t n)
{
	return peer_chunk > 0 && n > peer_chunk ? peer_chunk : n;
}

/* These three stand before those of libc. */
ssize_t
recv(int fd, void *p, size_t n, int flags)
{
	return syscall(SYS_recvfrom, fd, p, chunk(n), flags, NULL, NULL);
}

ssize_t
send(int fd, const void *p, size_t n, int flags)
{
	peer_sends++;
	return syscall(SYS_sendto, fd, p, chunk(n), flags, NULL, 0);
}

ssize_t
sendmsg(int fd, const struct msghdr *msg, int flags)
{
	const struct iovec *iov = msg->msg_iov;

	if (peer_chunk == 0) {
		peer_sends++;
		return syscall(SYS_sendmsg, fd, msg, flags);
	}
	while (iov->iov_len == 0)
		iov++;
	return send(fd, iov->iov_base, iov->iov_len, flags);
}

size_t
peer_way(int i)
{
	static const size_t chunks[WAYS] = { 0, 1, 7 };

	return chunks[i % WAYS];
}

int64_t
peer_ms(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (int64_t)ts.tv_sec * 1000 + ts.tv_nsec / 1000000;
}

static void
open_tcp(int fd[2])
{
	struct sockaddr_in sin = { .sin_family = AF_INET };
	socklen_t size = sizeof(sin);
	int listener = socket(AF_INET, SOCK_STREAM, 0);

	sin.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	ck_assert_int_eq(bind(listener, (struct sockaddr *)&sin, size), 0);
	ck_assert_int_eq(listen(listener, 1), 0);
	ck_assert_int_eq(getsockname(listener, (struct sockaddr *)&sin, &size),
	    0);
	fd[0] = socket(AF_INET, SOCK_STREAM, 0);
	ck_assert_int_eq(connect(fd[0], (struct sockaddr *)&sin, size), 0);
	fd[1] = accept(listener, NULL, NULL);
	ck_assert_int_ge(fd[1], 0);
	close(listener);
}

void
peer_open(struct peer *p, enum peer_kind kind)
{
	int fd[2];

	if (kind == PEER_TCP)
		open_tcp(fd);
	else
		ck_assert_int_eq(socketpair(AF_UNIX, SOCK_STREAM, 0, fd), 0);
	*p = (struct peer){ .fd = fd[0], .ours = fd[1] };
}

/* Send some of the array.  Returns false when no more can be sent. */
static bool
give(struct peer *p)
{
	size_t n = p->pause > 0 && p->left > 0 ? 1 : p->left;
	ssize_t r = syscall(SYS_sendto, p->fd, p->to_send, n,
	    MSG_DONTWAIT | MSG_NOSIGNAL, NULL, 0);

	if (r == -1)
		return errno == EAGAIN;
	p->to_send += r;
	p->left -= (size_t)r;
	if (p->left == 0 && p->shut)
		shutdown(p->fd, SHUT_WR);
	return p->left > 0;
}

/* Gather what there is.  Returns false at the end of the stream. */
static bool
gather(struct peer *p)
{
	enum { SIZE = 8192 };
	ssize_t r;

	p->in = realloc(p->in, p->n + SIZE + 1);
	if (p->in == NULL)
		abort();
	if (p->slow > 0)
		poll(NULL, 0, p->slow);
	r = read(p->fd, p->in + p->n, SIZE);
	if (r == -1)
		p->error = errno;
	p->n += r > 0 ? (size_t)r : 0;
	p->in[p->n] = '\0';
	return r > 0;
}

static void *
run(void *arg)
{
	struct peer *p = arg;
	struct pollfd pfd = { .fd = p->fd };
	bool sending = p->left > 0 || p->shut;
	sigset_t all;
	int n;

	sigfillset(&all); /* signals are for the library */
	pthread_sigmask(SIG_BLOCK, &all, NULL);
	for (;;) {
		pfd.events =
		    sending && p->pause == 0 ? POLLIN | POLLOUT : POLLIN;
		n = poll(&pfd, 1, sending && p->pause > 0 ? p->pause : -1);
		if ((pfd.revents & (POLLIN | POLLHUP)) != 0 && !gather(p))
			return NULL;
		if (n == 0 || (pfd.revents & POLLOUT) != 0)
			sending = give(p);
	}
}

void
peer_start(struct peer *p, const void *data, size_t n)
{
	p->to_send = data;
	p->left = n;
	ck_assert_int_eq(pthread_create(&p->thread, NULL, run, p), 0);
}

void
peer_finish(struct peer *p)
{
	close(p->ours);
	ck_assert_int_eq(pthread_join(p->thread, NULL), 0);
}

void
peer_free(struct peer *p)
{
	close(p->fd);
	free(p->in);
}

uint8_t *
peer_asks(const char *script, size_t *n)
{
	const size_t head = sizeof(peer_request) - 1;
	uint8_t *frames = script_bytes(script, n);
	uint8_t *all = malloc(head + *n + 1);

	ck_assert_ptr_nonnull(all);
	memcpy(all, peer_request, head);
	memcpy(all + head, frames, *n + 1);
	*n += head;
	free(frames);
	return all;
}

char *
peer_frames(const struct peer *p)
{
	const char *end = strstr((char *)p->in, "\r\n\r\n");
	size_t head;

	ck_assert_ptr_nonnull(end);
	ck_assert_mem_eq(p->in, "HTTP/1.1 101 ", 13);
	head = (size_t)(end + 4 - (char *)p->in);
	return script_text(p->in + head, p->n - head);
}

struct ws *
peer_server(struct peer *p, struct ws_conf conf)
{
	const size_t n = sizeof(peer_request) - 1;
	char head[1024];
	struct ws *ws;

	peer_chunk = 0;
	peer_open(p, PEER_UNIX);
	conf.in = p->ours;
	ck_assert_int_eq(write(p->fd, peer_request, n), (ssize_t)n);
	ck_assert_ptr_nonnull(ws = ws_new(&conf));
	ck_assert_int_eq(ws_accept(ws, NULL, NULL), 0);
	ck_assert_int_eq(ws_flush(ws), 0);
	ck_assert_int_gt(read(p->fd, head, sizeof(head)), 0);
	return ws;
}

static void *
accept_client(void *arg)
{
	const struct peer *p = arg;
	const struct ws_conf conf = { .in = p->fd };
	struct ws *ws = ws_new(&conf);

	if (ws_accept(ws, NULL, NULL) == 0)
		ws_flush(ws);
	ws_free(ws);
	return NULL;
}

struct ws *
peer_client(struct peer *p, struct ws_conf conf)
{
	pthread_t thread;
	struct ws *ws;

	peer_chunk = 0;
	peer_open(p, PEER_UNIX);
	conf.in = p->ours;
	ck_assert_ptr_nonnull(ws = ws_new(&conf));
	ck_assert_int_eq(pthread_create(&thread, NULL, accept_client, p), 0);
	ck_assert_int_eq(ws_connect(ws, "example.org", "/", NULL, NULL), 0);
	ck_assert_int_eq(pthread_join(thread, NULL), 0);
	return ws;
}

void
peer_say(const struct peer *p, const char *script)
{
	size_t n;
	uint8_t *bytes = script_bytes(script, &n);

	ck_assert_int_eq(write(p->fd, bytes, n), (ssize_t)n);
	free(bytes);
}

char *
peer_heard(const struct peer *p)
{
	static uint8_t bytes[1 << 20];
	size_t n = 0;
	ssize_t r;

	do {
		r = syscall(SYS_recvfrom, p->fd, bytes + n, sizeof(bytes) - n,
		    MSG_DONTWAIT, NULL, NULL);
		n += r > 0 ? (size_t)r : 0;
	} while (r > 0);
	return script_text(bytes, n);
}

void
peer_end(struct peer *p, struct ws *ws)
{
	ws_free(ws);
	close(p->ours);
	peer_free(p);
}
