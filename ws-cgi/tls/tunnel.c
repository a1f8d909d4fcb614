/*
 * tunnel.c - bytes to and fro.  Refuses to know what they mean.
 */

#include <errno.h>
#include <fcntl.h>
#include <openssl/err.h>
#include <poll.h>
#include <stdbool.h>
#include <stdio.h>
#include <sys/socket.h>

#include "clock.h"
#include "rate.h"
#include "tunnel.h"

enum {
	RECORD = 16384, /* bytes of plain text in one: RFC 8446 5.1 */
	LINGER = 2000, /* ms for the client's end, once the program's is told */
	KEY_UPDATE = 24 /* RFC 8446 4 */
};

/* What goes one way. */
struct way {
	uint8_t data[RECORD];
	size_t from, to;
	bool ended;  /* nothing more comes in */
	bool passed; /* and that was passed on */
};

struct passage {
	struct tunnel *t;
	struct way in, out; /* from and to the client */
	int wants;	    /* of the client's socket, for TLS's own sake */
	bool readable; /* the client's socket, perhaps; and the plain one */
	bool heard;
	bool gone; /* the program can take nothing more */
	enum tunnel_end end;
	int64_t until; /* a deadline for the client */
	struct rate keys;
	int64_t last; /* when the rate was told the time */
	bool flooded;
};

static bool
is_empty(const struct way *w)
{
	return w->from == w->to;
}

static int
set_nonblocking(int fd)
{
	const int flags = fcntl(fd, F_GETFL);

	return flags == -1 ? -1 : fcntl(fd, F_SETFL, flags | O_NONBLOCK);
}

/* What the library has to say of a failure. */
static void
explain(struct tunnel *t)
{
	const char *text = ERR_reason_error_string(ERR_peek_error());

	snprintf(t->why, sizeof(t->why), "%s",
	    text == NULL ? "it is no TLS" : text);
	ERR_clear_error();
}

static bool
is_cut_off(void)
{
	return ERR_GET_REASON(ERR_peek_error()) ==
	    SSL_R_UNEXPECTED_EOF_WHILE_READING;
}

/*
 * What came of a call that has returned r.  Returns what to wait for, or 0:
 * then *end tells how the connection has ended.
 */
static int
wanted(struct tunnel *t, int r, enum tunnel_end *end)
{
	switch (SSL_get_error(t->ssl, r)) {
	case SSL_ERROR_WANT_READ:
		return POLLIN;
	case SSL_ERROR_WANT_WRITE:
		return POLLOUT;
	case SSL_ERROR_ZERO_RETURN:
		*end = TUNNEL_CLOSED;
		return 0;
	case SSL_ERROR_SYSCALL:
		*end = TUNNEL_TRUNCATED;
		return 0;
	default:
		*end = is_cut_off() ? TUNNEL_TRUNCATED : TUNNEL_BROKEN;
		explain(t);
		return 0;
	}
}

/* Returns 1 when there is news, 0 when it is late, or -1. */
static int
wait_for(int fd, int events, int64_t until)
{
	struct pollfd pfd = { .fd = fd, .events = (short)events };
	int n;

	do
		n = poll(&pfd, 1, clock_until(until));
	while (n == -1 && errno == EINTR);
	return n;
}

static bool
has_begun(const SSL *ssl)
{
	return SSL_get_state(ssl) != TLS_ST_BEFORE ||
	    BIO_number_read(SSL_get_rbio(ssl)) > 0;
}

int
tunnel_open(struct tunnel *t, int64_t until)
{
	enum tunnel_end end = TUNNEL_FAILED;
	int events;
	int r, n = 1;

	if (set_nonblocking(t->client) == -1 ||
	    set_nonblocking(t->plain) == -1 ||
	    SSL_set_fd(t->ssl, t->client) != 1)
		return TUNNEL_FAILED;
	while ((r = SSL_accept(t->ssl)) != 1) {
		if ((events = wanted(t, r, &end)) == 0)
			break;
		if ((n = wait_for(t->client, events, until)) != 1)
			break;
	}
	if (r == 1)
		return 0;
	if (n != 1)
		return n == 0 ? TUNNEL_STALLED : TUNNEL_FAILED;
	if (end == TUNNEL_TRUNCATED && !has_begun(t->ssl))
		end = TUNNEL_CLOSED;
	return (int)end;
}

/*
 * KeyUpdate costs us more than who sends it: RFC 8446 4.6.3 sets no bound.
 * Empty records have one in the library.
 */
static void
on_message(int sent, int version, int type, const void *p, size_t n, SSL *ssl,
    void *arg)
{
	struct passage *g = arg;
	int64_t now;

	(void)version;
	(void)ssl;
	if (sent != 0 || type != SSL3_RT_HANDSHAKE || n == 0 ||
	    *(const uint8_t *)p != KEY_UPDATE)
		return;
	now = clock_ms();
	rate_pass(&g->keys, now - g->last, true);
	g->last = now;
	if (!rate_take(&g->keys, 1))
		g->flooded = true;
}

/* The client is heard no more, for this reason. */
static void
end_in(struct passage *g, enum tunnel_end end)
{
	g->in.ended = true;
	if (g->end == TUNNEL_CLOSED)
		g->end = end;
}

/* Nor can it be told anything. */
static void
end_both(struct passage *g, enum tunnel_end end)
{
	end_in(g, end);
	g->out = (struct way){ .ended = true, .passed = true };
}

/* From the client. */
static void
take_in(struct passage *g)
{
	struct way *w = &g->in;
	enum tunnel_end end;
	int r;

	g->readable = false;
	ERR_clear_error();
	r = SSL_read(g->t->ssl, w->data, sizeof(w->data));
	if (g->flooded) {
		end_both(g, TUNNEL_FLOODED);
	} else if (r > 0) {
		w->from = 0;
		w->to = (size_t)r;
		g->t->in += (size_t)r;
		g->readable = SSL_has_pending(g->t->ssl) == 1;
	} else if ((r = wanted(g->t, r, &end)) != 0) {
		g->wants |= r;
	} else if (end == TUNNEL_BROKEN)
		end_both(g, end);
	else
		end_in(g, end);
}

/* To the program; or nowhere, if that has ended. */
static void
pass_in(struct passage *g)
{
	struct way *w = &g->in;
	const ssize_t n = g->gone ?
	    (ssize_t)(w->to - w->from) :
	    send(g->t->plain, w->data + w->from, w->to - w->from, MSG_NOSIGNAL);

	if (n >= 0)
		w->from += (size_t)n;
	else if (errno != EAGAIN && errno != EINTR)
		g->gone = true;
}

/* From the program. */
static void
take_out(struct passage *g)
{
	struct way *w = &g->out;
	const ssize_t n = recv(g->t->plain, w->data, sizeof(w->data), 0);

	g->heard = false;
	if (n > 0) {
		w->from = 0;
		w->to = (size_t)n;
		g->until = clock_in(g->t->stall);
	} else if (n == 0 || (errno != EAGAIN && errno != EINTR)) {
		w->ended = true;
		g->gone |= n == -1;
		g->until = clock_in(g->t->stall);
	}
}

/* To the client. */
static void
pass_out(struct passage *g)
{
	struct way *w = &g->out;
	enum tunnel_end end;
	int events;
	int r;

	ERR_clear_error();
	r = SSL_write(g->t->ssl, w->data + w->from, (int)(w->to - w->from));
	if (r > 0) {
		w->from += (size_t)r;
		g->t->out += (size_t)r;
		g->until = clock_in(g->t->stall);
	} else if ((events = wanted(g->t, r, &end)) != 0)
		g->wants |= events;
	else
		end_both(g, end);
}

/* The program has nothing more to say: close_notify, and the end of TCP. */
static void
end_out(struct passage *g)
{
	enum tunnel_end end;
	int events;
	int r;

	ERR_clear_error();
	r = SSL_shutdown(g->t->ssl);
	if (r < 0 && (events = wanted(g->t, r, &end)) == POLLOUT) {
		g->wants |= events;
		return;
	}
	ERR_clear_error();
	shutdown(g->t->client, SHUT_WR);
	g->out.passed = true;
	g->until = clock_in(LINGER);
}

/* The client has; and so the program reads an end of file. */
static void
end_of_in(struct passage *g)
{
	shutdown(g->t->plain, SHUT_WR);
	g->in.passed = true;
}

/* One round of all that can be done now. */
static void
work(struct passage *g)
{
	struct way *in = &g->in, *out = &g->out;

	g->wants = 0;
	if (g->readable && is_empty(in) && !in->ended)
		take_in(g);
	if (!is_empty(in))
		pass_in(g);
	if (g->heard && is_empty(out) && !out->ended)
		take_out(g);
	if (!is_empty(out))
		pass_out(g);
	if (in->ended && is_empty(in) && !in->passed)
		end_of_in(g);
	if (out->ended && is_empty(out) && !out->passed)
		end_out(g);
}

/* Is there more of what the library has read already? */
static bool
has_more(const struct passage *g)
{
	return g->readable && is_empty(&g->in) && !g->in.ended;
}

/* Until when may the client take its time? */
static int64_t
deadline(const struct passage *g)
{
	return g->out.ended || !is_empty(&g->out) ? g->until : CLOCK_NEVER;
}

/*
 * A socket that nothing is wanted of is left out: that it has ended would be
 * news for ever.
 */
static int
wait_for_news(struct passage *g)
{
	const bool reads = is_empty(&g->in) && !g->in.ended;
	const bool hears = is_empty(&g->out) && !g->out.ended;
	const int in = g->wants | (reads ? POLLIN : 0);
	const short out =
	    (short)((hears ? POLLIN : 0) | (is_empty(&g->in) ? 0 : POLLOUT));
	struct pollfd pfd[] = {
		{ .fd = is_empty(&g->in) || in != 0 ? g->t->client : -1,
		    .events = (short)in },
		{ .fd = out != 0 ? g->t->plain : -1, .events = (short)out },
	};
	const int n = poll(pfd, 2, has_more(g) ? 0 : clock_until(deadline(g)));

	if (n == -1)
		return errno == EINTR || errno == EAGAIN ? 1 : -1;
	if (pfd[0].revents != 0)
		g->readable = true;
	g->heard = (pfd[1].revents & (POLLIN | POLLHUP | POLLERR)) != 0;
	if (g->in.ended && (pfd[0].revents & (POLLHUP | POLLERR)) != 0)
		end_both(g, TUNNEL_CLOSED);
	return n > 0 || has_more(g) ? 1 : 0;
}

static bool
is_over(const struct passage *g)
{
	return g->in.passed && g->out.passed;
}

/* Nobody took what was to be sent, or the end was not answered. */
static enum tunnel_end
be_late(const struct passage *g)
{
	return g->out.passed ? g->end : TUNNEL_STALLED;
}

enum tunnel_end
tunnel_run(struct tunnel *t, void (*told)(void *), void *arg)
{
	struct passage g = {
		.t = t,
		.readable = true,
		.end = TUNNEL_CLOSED,
		.last = clock_ms(),
	};
	int n = 1;

	rate_begin(&g.keys, TUNNEL_KEYS);
	SSL_set_msg_callback(t->ssl, on_message);
	SSL_set_msg_callback_arg(t->ssl, &g);
	for (work(&g); !is_over(&g); work(&g)) {
		told(arg);
		if ((n = wait_for_news(&g)) != 1)
			break;
	}
	if (n == -1)
		return TUNNEL_FAILED;
	return n == 0 ? be_late(&g) : g.end;
}
