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
	RECORD = 16384,	   /* bytes of plain text in one: RFC 8446 5.1 */
	ROOM = 2 * RECORD, /* a message's head makes it two, often */
	LINGER = 2000, /* ms for the client's end, once the program's is told */
	PATIENCE = 1000, /* ms for it to read why it is refused */
	READS = 64,	 /* of what it sends meanwhile */
	KEY_UPDATE = 24	 /* RFC 8446 4 */
};

/* What goes one way. */
struct way {
	uint8_t data[ROOM];
	size_t from, to;
	bool ended;  /* nothing more comes in */
	bool passed; /* and that was passed on */
};

/*
 * A call that can do nothing now waits for an event of its own socket: for
 * TLS's sake a read may wait for room, and a write for what is to be read.  It
 * is 0 as long as the call may be tried.
 */
struct passage {
	struct tunnel *t;
	struct way in, out; /* from and to the client */
	int read, write;    /* events that these wait for, with the client */
	int take, give;	    /* and with the program */
	bool deaf;	    /* the program, which takes nothing more, */
	bool gone;	    /* nor says anything new */
	enum tunnel_end end;
	uint64_t answered; /* bytes that had come when out was passed */
	int64_t until;	   /* a deadline for the client */
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

/* What the library has to say of a failure: the last cause is of TLS. */
static void
explain(struct tunnel *t)
{
	const char *text = ERR_reason_error_string(ERR_peek_last_error());

	snprintf(t->why, sizeof(t->why), "%s",
	    text == NULL ? "it is no TLS" : text);
	ERR_clear_error();
}

/*
 * Who wants what we have not, or does not like our certificate and says so by
 * an alert, has broken no rule.
 */
static enum tunnel_end
failure(void)
{
	static const int unlike[] = { SSL_R_NO_SHARED_CIPHER,
		SSL_R_UNSUPPORTED_PROTOCOL, SSL_R_VERSION_TOO_LOW,
		SSL_R_NO_APPLICATION_PROTOCOL, SSL_R_NO_SHARED_GROUPS,
		SSL_R_NO_SUITABLE_KEY_SHARE,
		SSL_R_NO_SUITABLE_SIGNATURE_ALGORITHM,
		SSL_R_NO_SHARED_SIGNATURE_ALGORITHMS,
		SSL_R_PEER_DID_NOT_RETURN_A_CERTIFICATE,
		SSL_R_CERTIFICATE_VERIFY_FAILED };
	const int reason = ERR_GET_REASON(ERR_peek_last_error());

	if (reason == SSL_R_UNEXPECTED_EOF_WHILE_READING)
		return TUNNEL_TRUNCATED;
	if (reason == ERR_R_MALLOC_FAILURE) {
		errno = ENOMEM;
		return TUNNEL_FAILED;
	}
	for (size_t i = 0; i < sizeof(unlike) / sizeof(unlike[0]); i++)
		if (reason == unlike[i])
			return TUNNEL_REFUSED;
	return reason >= SSL_AD_REASON_OFFSET ? TUNNEL_REFUSED : TUNNEL_BROKEN;
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
		*end = failure();
		explain(t);
		return 0;
	}
}

/*
 * Returns 1 when there is news, 0 when it is late, or -1.  Nobody waits for the
 * handshake any more if the other end of the plain socket is closed.
 */
static int
wait_for(const struct tunnel *t, int events, int64_t until)
{
	struct pollfd pfd[] = {
		{ .fd = t->client, .events = (short)events },
		{ .fd = t->plain },
	};
	int n;

	do
		n = poll(pfd, 2, clock_until(until));
	while (n == -1 && errno == EINTR);
	if (n > 0 && pfd[1].revents != 0) {
		errno = EPIPE;
		return -1;
	}
	return n > 0 ? 1 : n;
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
		if ((n = wait_for(t, events, until)) != 1)
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
 * The peer is to learn why: a socket that is closed while input waits in it
 * sends a reset, which can overtake an alert.
 */
void
tunnel_close(const struct tunnel *t)
{
	const int64_t until = clock_in(PATIENCE);
	struct pollfd pfd = { .fd = t->client, .events = POLLIN };
	char nothing[RECORD];

	shutdown(t->client, SHUT_WR);
	for (int i = 0; i < READS && poll(&pfd, 1, clock_until(until)) > 0; i++)
		if (recv(t->client, nothing, sizeof(nothing), 0) <= 0)
			break;
}

/*
 * KeyUpdate costs us more than who sends it: RFC 8446 4.6.3 sets no bound.
 * Empty records have one in the library, which else would go on with what comes
 * as long as that is nothing for us.
 */
static void
on_message(int sent, int version, int type, const void *p, size_t n, SSL *ssl,
    void *arg)
{
	struct passage *g = arg;
	int64_t now;

	(void)version;
	if (sent != 0 || type != SSL3_RT_HANDSHAKE || n == 0 ||
	    *(const uint8_t *)p != KEY_UPDATE)
		return;
	now = clock_ms();
	rate_pass(&g->keys, now - g->last, true);
	g->last = now;
	if (rate_take(&g->keys, 1))
		return;
	g->flooded = true;
	SSL_clear_mode(ssl, SSL_MODE_AUTO_RETRY);
}

/*
 * The client is heard no more, for this reason.  Many do not answer close_notify
 * with theirs: who has said nothing since, or would not be heard, is not cut
 * off.
 */
static void
end_in(struct passage *g, enum tunnel_end end)
{
	g->in.ended = true;
	if (end == TUNNEL_TRUNCATED && g->out.passed &&
	    (g->gone || g->t->in == g->answered))
		end = TUNNEL_CLOSED;
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

/* The program has ended, and what it has said last may take so long. */
static void
lose_program(struct passage *g)
{
	if (g->gone)
		return;
	g->gone = g->deaf = true;
	g->until = clock_in(g->out.passed ? LINGER : g->t->stall);
}

/* From the client, a record. */
static void
take_record(struct passage *g)
{
	struct way *w = &g->in;
	enum tunnel_end end;
	int r;

	ERR_clear_error();
	r = SSL_read(g->t->ssl, w->data + w->to, RECORD);
	if (g->flooded) {
		end_both(g, TUNNEL_FLOODED);
	} else if (r > 0) {
		w->to += (size_t)r;
		g->t->in += (size_t)r;
		g->read = SSL_has_pending(g->t->ssl) == 1 ? 0 : POLLIN;
		g->give = 0;
	} else if ((g->read = wanted(g->t, r, &end)) != 0)
		return;
	else if (end == TUNNEL_CLOSED || end == TUNNEL_TRUNCATED)
		end_in(g, end);
	else
		end_both(g, end);
}

/* And those behind it that have come together with it. */
static void
take_in(struct passage *g)
{
	struct way *w = &g->in;

	w->from = w->to = 0;
	do
		take_record(g);
	while (g->read == 0 && !w->ended && w->to <= ROOM - RECORD);
}

/* To the program; or nowhere, if that has ended. */
static void
pass_in(struct passage *g)
{
	struct way *w = &g->in;
	const ssize_t n = g->deaf ?
	    (ssize_t)(w->to - w->from) :
	    send(g->t->plain, w->data + w->from, w->to - w->from, MSG_NOSIGNAL);

	if (n >= 0)
		w->from += (size_t)n;
	else if (errno == EAGAIN)
		g->give = POLLOUT;
	else if (errno != EINTR)
		g->deaf = true;
}

/* From the program. */
static void
take_out(struct passage *g)
{
	struct way *w = &g->out;
	const ssize_t n = recv(g->t->plain, w->data, sizeof(w->data), 0);

	g->take = POLLIN;
	if (n == -1 && (errno == EAGAIN || errno == EINTR))
		return;
	if (n > 0) {
		w->from = 0;
		w->to = (size_t)n;
	} else
		w->ended = true;
	if (n == -1)
		lose_program(g);
	g->write = 0;
	if (!g->gone)
		g->until = clock_in(g->t->stall);
}

/*
 * To the client, a record.  Of a program that has ended a super-server keeps no
 * count, so what it has left is not to take for ever, in however small steps.
 */
static void
pass_out(struct passage *g)
{
	struct way *w = &g->out;
	enum tunnel_end end;
	int r;

	ERR_clear_error();
	r = SSL_write(g->t->ssl, w->data + w->from, (int)(w->to - w->from));
	if (r > 0) {
		w->from += (size_t)r;
		g->t->out += (size_t)r;
		if (!g->gone)
			g->until = clock_in(g->t->stall);
	} else if ((g->write = wanted(g->t, r, &end)) == 0)
		end_both(g, end);
}

/* The program has nothing more to say: close_notify, and the end of TCP. */
static void
end_out(struct passage *g)
{
	enum tunnel_end end;
	int r;

	ERR_clear_error();
	r = SSL_shutdown(g->t->ssl);
	if (r < 0 && wanted(g->t, r, &end) == POLLOUT) {
		g->write = POLLOUT;
		return;
	}
	ERR_clear_error();
	shutdown(g->t->client, SHUT_WR);
	g->out.passed = true;
	g->answered = g->t->in;
	g->until = clock_in(LINGER);
}

/* The client has; and so the program reads an end of file. */
static void
end_of_in(struct passage *g)
{
	shutdown(g->t->plain, SHUT_WR);
	g->in.passed = true;
}

static bool
may_read(const struct passage *g)
{
	return is_empty(&g->in) && !g->in.ended;
}

static bool
may_take(const struct passage *g)
{
	return is_empty(&g->out) && !g->out.ended;
}

/* Is there anything to be said, if only the end? */
static bool
must_write(const struct passage *g)
{
	return !is_empty(&g->out) || (g->out.ended && !g->out.passed);
}

/* One round of all that can be done now. */
static void
work(struct passage *g)
{
	if (may_read(g) && g->read == 0)
		take_in(g);
	if (!is_empty(&g->in) && (g->deaf || g->give == 0))
		pass_in(g);
	if (may_take(g) && g->take == 0)
		take_out(g);
	while (!is_empty(&g->out) && g->write == 0)
		pass_out(g);
	if (g->in.ended && is_empty(&g->in) && !g->in.passed)
		end_of_in(g);
	if (g->out.ended && !g->out.passed && g->write == 0 &&
	    is_empty(&g->out))
		end_out(g);
}

/* Is there more to do at once? */
static bool
is_busy(const struct passage *g)
{
	return (may_read(g) && g->read == 0) || (may_take(g) && g->take == 0) ||
	    (must_write(g) && g->write == 0) ||
	    (!is_empty(&g->in) && (g->deaf || g->give == 0));
}

/*
 * Until when may the client take its time?  Where the program only says no
 * more, and still listens, the client may talk on.
 */
static int64_t
deadline(const struct passage *g)
{
	return must_write(g) || (g->out.passed && g->gone) ? g->until :
							     CLOCK_NEVER;
}

/*
 * What is waited for.  A socket that nothing is wanted of is left out if its
 * end is known, or is not to be known yet: that would be news for ever.
 */
static void
prepare(const struct passage *g, struct pollfd pfd[2])
{
	const int client =
	    (may_read(g) ? g->read : 0) | (must_write(g) ? g->write : 0);
	const int plain =
	    (may_take(g) ? g->take : 0) | (is_empty(&g->in) ? 0 : g->give);

	pfd[0] = (struct pollfd){
		.fd = client != 0 || (g->in.ended && !g->out.passed) ?
		    g->t->client :
		    -1,
		.events = (short)client,
	};
	pfd[1] = (struct pollfd){
		.fd = g->gone && !may_take(g) ? -1 : g->t->plain,
		.events = (short)plain,
	};
}

/* Whatever has happened to a socket, the calls that wait for it may tell. */
static void
learn(struct passage *g, int client, int plain)
{
	const int bad = POLLHUP | POLLERR;

	if ((client & (g->read | bad)) != 0)
		g->read = 0;
	if ((client & (g->write | bad)) != 0)
		g->write = 0;
	if ((plain & (g->take | bad)) != 0)
		g->take = 0;
	if ((plain & (g->give | bad)) != 0)
		g->give = 0;
	if ((plain & bad) != 0)
		lose_program(g);
	if (g->in.ended && (client & bad) != 0)
		end_both(g, TUNNEL_CLOSED);
}

/* Returns 1, 0 when it is late, whatever else there is; or -1. */
static int
wait_for_news(struct passage *g)
{
	const int left = clock_until(deadline(g));
	struct pollfd pfd[2];
	int n;

	if (left == 0)
		return 0;
	prepare(g, pfd);
	n = poll(pfd, 2, is_busy(g) ? 0 : left);
	if (n == -1)
		return errno == EINTR || errno == EAGAIN ? 1 : -1;
	learn(g, pfd[0].revents, pfd[1].revents);
	return 1;
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
		.take = POLLIN,
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
	SSL_set_msg_callback(t->ssl, NULL);
	if (n == -1)
		return TUNNEL_FAILED;
	return n == 0 ? be_late(&g) : g.end;
}
