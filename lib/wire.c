/*
 * wire.c - bytes to and from the peer.  In the steady state a read is one
 * system call: the time limit is the socket's own (SO_RCVTIMEO), set anew only
 * when it changes.  Refuses to know what the bytes mean.
 */

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <sys/sendfile.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/uio.h>
#include <unistd.h>

#include "clock.h"
#include "wire.h"

static int
fd_unblock(int fd)
{
	int flags = fcntl(fd, F_GETFL);

	if (flags == -1)
		return -1;
	return fcntl(fd, F_SETFL, flags | O_NONBLOCK);
}

/* A socket needs no flag, since each call on it can say that it won't wait. */
static int
take_side(int fd, bool *is_socket)
{
	socklen_t len = sizeof(int);
	int type;

	*is_socket = getsockopt(fd, SOL_SOCKET, SO_TYPE, &type, &len) == 0;
	return *is_socket ? 0 : fd_unblock(fd);
}

int
wire_open(struct wire *w, int in, int out)
{
	*w = (struct wire){ .in = in, .out = out, .armed = -1 };
	if (take_side(in, &w->hears) == -1)
		return -1;
	if (out == -1)
		w->out = w->hears ? in : STDOUT_FILENO;
	w->tells = w->hears;
	return w->out == in ? 0 : take_side(w->out, &w->tells);
}

void
wire_woken(const struct wire *w)
{
	const int error = errno;

	if (w->woken != NULL)
		w->woken(w->woken_arg);
	errno = error;
}

static int
wire_wait(const struct wire *w, int fd, short events, int ms)
{
	struct pollfd pfd = { .fd = fd, .events = events };
	const struct timespec ts = clock_span(ms);

	switch (ppoll(&pfd, 1, ms < 0 ? NULL : &ts, w->sigmask)) {
	case -1:
		if (errno == EINTR)
			wire_woken(w);
		return -1;
	case 0:
		errno = ETIMEDOUT;
		return -1;
	default:
		return 0;
	}
}

/* Let reads of the socket give up after ms. */
static int
wire_arm(struct wire *w, int ms)
{
	struct timeval tv = { 0 };

	if (w->armed == ms)
		return 0;
	if (ms > 0) {
		tv.tv_sec = ms / 1000;
		tv.tv_usec = ms % 1000 * 1000L;
	}
	if (setsockopt(w->in, SOL_SOCKET, SO_RCVTIMEO, &tv, sizeof(tv)) == -1)
		return -1;
	w->armed = ms;
	return 0;
}

/*
 * A read of the socket gave up.  That is the end of its time, unless whoever
 * had it before us made it non-blocking: then the time begins now.
 */
static bool
wire_waited(const struct wire *w)
{
	const int flags = fcntl(w->in, F_GETFL);

	return flags != -1 && (flags & O_NONBLOCK) == 0;
}

ssize_t
wire_read(struct wire *w, void *buf, size_t size, int ms)
{
	int64_t until;
	ssize_t n;

	if (ms == 0)
		return wire_take(w, buf, size);
	if (w->hears && w->sigmask == NULL && wire_arm(w, ms) == 0) {
		n = recv(w->in, buf, size, 0);
		if (n == -1 && errno == EINTR)
			wire_woken(w);
		if (n != -1 || errno != EAGAIN)
			return n;
		if (wire_waited(w)) {
			errno = ETIMEDOUT;
			return -1;
		}
	}
	until = clock_in(ms);
	for (;;) {
		if (wire_wait(w, w->in, POLLIN, clock_until(until)) == -1)
			return -1;
		n = wire_take(w, buf, size);
		if (n != -1 || errno != EAGAIN)
			return n;
	}
}

ssize_t
wire_take(struct wire *w, void *buf, size_t size)
{
	if (w->hears)
		return recv(w->in, buf, size, MSG_DONTWAIT);
	return read(w->in, buf, size);
}

ssize_t
wire_give(struct wire *w, const void *buf, size_t size)
{
	if (w->tells)
		return send(w->out, buf, size, MSG_DONTWAIT | MSG_NOSIGNAL);
	return write(w->out, buf, size);
}

/* writev(2) reads what an iovec points at, which cannot be said in its type. */
static struct iovec
piece(const void *p, size_t n)
{
	union {
		const void *given;
		void *said;
	} at = { .given = p };

	return (struct iovec){ .iov_base = at.said, .iov_len = n };
}

ssize_t
wire_give_both(struct wire *w, const void *p, size_t n, const void *q, size_t m)
{
	struct iovec iov[2] = { piece(p, n), piece(q, m) };
	const struct msghdr msg = { .msg_iov = iov, .msg_iovlen = 2 };

	if (w->tells)
		return sendmsg(w->out, &msg, MSG_DONTWAIT | MSG_NOSIGNAL);
	return writev(w->out, iov, 2);
}

/* sendfile(2) has no flag for a single call that does not wait. */
int
wire_unblock(struct wire *w)
{
	return fd_unblock(w->out);
}

ssize_t
wire_give_file(struct wire *w, int fd, off_t *at, size_t size)
{
	return sendfile(w->out, fd, at, size);
}

int
wire_writable(struct wire *w, int ms)
{
	return wire_wait(w, w->out, POLLOUT, ms);
}

void
wire_shut(struct wire *w)
{
	if (w->tells)
		shutdown(w->out, SHUT_WR);
}
