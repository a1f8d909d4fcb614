/*
 * ws_poll.c - wait for the connection and for descriptors of the caller's at
 * once, in one ppoll(2), without ever waiting in a read or a write.
 */

#include <errno.h>
#include <poll.h>
#include <string.h>

#include "clock.h"
#include "conn.h"

int
ws_ready(struct ws *ws, enum ws_want want)
{
	int r;

	if (want == WS_NOTHING && !ws->gone)
		return 0;
	if (conn_failed(ws))
		return -1;
	if (ws->ready)
		return 1;
	r = want == WS_WHOLE ? conn_message(ws, &ws->msg) :
			       conn_part(ws, &ws->msg);
	ws->ready = r == 1;
	return r == CONN_END ? 1 : r;
}

static int64_t
earlier(int64_t a, int64_t b)
{
	return a < b ? a : b;
}

/* When the wait is over even if nothing happens. */
static int64_t
poll_until(const struct ws *ws, enum ws_want want, int64_t until)
{
	if (want != WS_NOTHING)
		until = earlier(until, earlier(conn_due(ws), conn_rest(ws)));
	if (ws->stuck != 0)
		until = earlier(until, ws->stuck);
	return earlier(until, conn_limit(ws));
}

/*
 * The connection's two entries, behind the caller's.  Who wants nothing is
 * told of a hang-up, once: that state would end every later wait at once.  A
 * way out of its own tells when nobody reads it any more.
 */
static void
poll_fill(const struct ws *ws, enum ws_want want, struct pollfd *mine)
{
	mine[0] = (struct pollfd){
		.fd = want == WS_NOTHING && ws->hup ? -1 : ws->wire.in,
		.events = want == WS_NOTHING ? POLLRDHUP : POLLIN,
	};
	mine[1] = (struct pollfd){
		.fd = ws->out.len > 0 || ws->wire.out != ws->wire.in ?
		    ws->wire.out :
		    -1,
		.events = ws->out.len > 0 ? POLLOUT : 0,
	};
}

/* Nothing came: has the peer been silent for too long by now? */
static int
poll_silence(struct ws *ws, enum ws_want want)
{
	if (want == WS_NOTHING || clock_until(conn_due(ws)) != 0)
		return 0;
	return conn_silent(ws);
}

static bool
poll_unread(const struct ws *ws, const struct pollfd *out)
{
	return ws->out.len == 0 && (out->revents & (POLLERR | POLLHUP)) != 0;
}

/*
 * ppoll(2), until then; the last entry is for the time limit.  Returns what it
 * does, without that entry.
 */
static int
poll_wait(struct ws *ws, struct pollfd *all, nfds_t n, int64_t until)
{
	const int ms = clock_until(until);
	const struct timespec ts = clock_span(ms < 0 ? 0 : ms);
	const int fd = ms == 0 ? -1 : timeout_fd(&ws->timeout, until);
	int news;

	all[n - 1] = (struct pollfd){ .fd = fd, .events = POLLIN };
	news = ppoll(all, n, fd != -1 || ms < 0 ? NULL : &ts, ws->conf.sigmask);
	if (news > 0 && all[n - 1].revents != 0)
		news--;
	if (news != -1)
		timeout_over(&ws->timeout, until, news > 0);
	return news;
}

/*
 * Returns 0 when the caller is to hear of it, 1 to go on, or -1.  Bytes that
 * wait are read before silence is judged, however late we come to look.
 */
static int
poll_once(struct ws *ws, enum ws_want want, struct pollfd *pfd, nfds_t n,
    int64_t until)
{
	struct pollfd all[WS_POLL_MAX + 3];
	int news;

	if (n > 0)
		memcpy(all, pfd, n * sizeof(*pfd));
	poll_fill(ws, want, all + n);
	news = poll_wait(ws, all, n + 3, poll_until(ws, want, until));
	if (news == -1 && errno == EINTR)
		wire_woken(&ws->wire);
	if (want == WS_NOTHING) /* who does not listen can't complain */
		ws->heard = ws->busy = clock_ms();
	else
		conn_looked(ws, news > 0 && all[n].revents != 0);
	if (news == -1 && errno != EINTR)
		return conn_fail(ws, WS_INTERNAL, "poll: %s", strerror(errno));
	if (news < 1 && want != WS_NOTHING)
		conn_spare(ws);
	if (news < 1 || all[n].revents == 0)
		if (poll_silence(ws, want) == -1)
			return -1;
	if (news < 1)
		return news == -1 || clock_until(until) == 0 ? 0 : 1;
	for (nfds_t i = 0; i < n; i++)
		pfd[i].revents = all[i].revents;
	if (all[n].revents != 0 && want == WS_NOTHING)
		ws->hup = true;
	else if (all[n].revents != 0 && conn_take(ws) == -1)
		return -1;
	if (poll_unread(ws, &all[n + 1]))
		return conn_gone(ws, "it reads no more");
	for (nfds_t i = 0; i < n; i++)
		if (pfd[i].revents != 0)
			return 0;
	return all[n].revents != 0 && want == WS_NOTHING ? 0 : 1;
}

/* Send what goes.  Returns 1 when that has emptied the queue. */
static int
poll_push(struct ws *ws)
{
	size_t before = ws->out.len;

	if (before == 0)
		return 0;
	if (conn_push(ws) == -1)
		return -1;
	return ws->out.len == 0;
}

int
ws_poll(struct ws *ws, enum ws_want want, struct pollfd *pfd, nfds_t n, int ms)
{
	int64_t until = clock_in(ms);
	int r;

	if (n > WS_POLL_MAX)
		return conn_fail(ws, WS_INTERNAL,
		    "too many descriptors to poll");
	for (nfds_t i = 0; i < n; i++)
		pfd[i].revents = 0;
	for (;;) {
		if (conn_stopped(ws) == -1)
			return -1;
		if ((r = ws_ready(ws, want)) != 0)
			return r;
		if (conn_limits(ws) == -1)
			return -1;
		if ((r = poll_push(ws)) != 0)
			return r == -1 ? -1 : 0;
		if ((r = poll_once(ws, want, pfd, n, until)) != 1)
			return r == -1 ? -1 : ws_ready(ws, want);
	}
}

void
ws_on_signal(struct ws *ws, void (*woken)(void *), void *arg)
{
	ws->wire.woken = woken;
	ws->wire.woken_arg = arg;
}
