/*
 * flow.c - messages to a program and from it, in turns that never wait on one
 * side while the other could move: a slow program stops the reading of the
 * socket, a slow client stops the reading of the program, and nothing queues
 * without bound.  Refuses to know what a message looks like on a pipe, and
 * what becomes of the program.
 */

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <string.h>
#include <unistd.h>

#include "clock.h"
#include "exits.h"
#include "flow.h"

enum {
	TO = 65536,	/* encode no more messages when so much waits */
	WIDE = 131072,	/* bytes that a pipe takes, once it was too narrow */
	KEEP = 131072,	/* memory of a buffer that is always kept */
	SPARE = 1000,	/* ms after which more is given back */
	GIVE_UP = 30000 /* ms for input when the client has hung up */
};

static uint64_t
held_limit(int64_t max_message)
{
	return max_message < 0 ? UINT64_MAX : (uint64_t)max_message;
}

void
flow_begin(struct flow *f, struct talk *t, struct child *c,
    const struct bridge_conf *conf, struct flow_memory *memory)
{
	*f = (struct flow){
		.talk = t,
		.child = c,
		.pipes = { .conf = conf, .max = held_limit(conf->max_message) },
	};
	buf_lend(&f->pipes.to, memory->to, sizeof(memory->to));
	buf_lend(&f->pipes.from, memory->from, sizeof(memory->from));
}

void
flow_free(struct flow *f)
{
	buf_free(&f->pipes.to);
	buf_free(&f->pipes.from);
}

/* What the program is told of, if its format knows it and it still reads. */
static const struct format_events *
events(const struct flow *f)
{
	return f->child->in == -1 ? NULL : f->pipes.conf->format->events;
}

static void
tell_control(void *arg, enum ws_control type, const void *data, size_t len)
{
	struct flow *f = arg;
	const struct format_events *known = events(f);

	if (known != NULL)
		known->control(f->talk, &f->pipes, type, data, len);
}

int
flow_open(struct flow *f)
{
	const struct format_events *known = events(f);

	if (known == NULL)
		return 0;
	ws_on_control(f->talk->ws, tell_control, f);
	return known->open(f->talk, &f->pipes);
}

void
flow_close(struct flow *f)
{
	const struct format_events *known = events(f);

	buf_cut(&f->pipes.to, f->pipes.open);
	f->pipes.open = 0;
	if (!f->told && known != NULL)
		known->close(f->talk, &f->pipes);
	f->told = true;
	ws_on_control(f->talk->ws, NULL, NULL);
}

/* What is lost in a pipe must not be taken for the end of it. */
static int
pipe_failed(const struct flow *f, const char *what)
{
	talk_end(f->talk, WS_INTERNAL, EXIT_SYSTEM, "cannot %s the program: %s",
	    what, strerror(errno));
	return 0;
}

/* How many bytes the program may have. */
static size_t
waiting(const struct flow *f)
{
	return f->pipes.to.len - f->pipes.open;
}

/* What a large message has needed is kept a while, for the next one. */
static void
flow_rest(struct flow *f, const struct buf *b)
{
	if (b->len == 0 && b->size > KEEP && f->spare == 0)
		f->spare = clock_in(SPARE);
}

static void
flow_spare(struct flow *f)
{
	if (f->spare == 0 || clock_until(f->spare) > 0)
		return;
	buf_spare(&f->pipes.to, KEEP);
	buf_spare(&f->pipes.from, KEEP);
	f->spare = 0;
}

/*
 * A line of 64 KiB and its newline would pass in two turns of everybody.  Not
 * all pipes are wide, as a user may have only so many pages in pipes: pipe(7).
 */
static void
flow_widen(struct flow *f)
{
#ifdef F_SETPIPE_SZ
	if (!f->wide) {
		fcntl(f->child->in, F_SETPIPE_SZ, WIDE);
		fcntl(f->child->out, F_SETPIPE_SZ, WIDE);
	}
#endif
	f->wide = true;
}

/* Write what the pipe takes.  Returns as flow_turn does. */
static int
give_input(struct flow *f)
{
	struct buf *to = &f->pipes.to;
	ssize_t n;

	if (waiting(f) == 0 || f->child->in == -1)
		return 1;
	n = write(f->child->in, buf_head(to), waiting(f));
	if (n > 0 && (size_t)n < waiting(f))
		flow_widen(f);
	if (n == -1 && (errno == EAGAIN || errno == EINTR))
		return 1;
	if (n == -1 && errno != EPIPE)
		return pipe_failed(f, "write to");
	if (n == -1) { /* it reads no more: what comes for it is dropped */
		child_close_in(f->child);
		f->pipes.open = 0;
		n = (ssize_t)to->len;
	}
	buf_drop(to, (size_t)n);
	flow_rest(f, to);
	f->given = 0;
	return 1;
}

/* Encode the messages that have come.  Returns as flow_turn does. */
static int
take_messages(struct flow *f, enum ws_want want)
{
	struct ws *ws = f->talk->ws;
	struct ws_msg m;
	int r;

	while (waiting(f) < TO && (r = ws_ready(ws, want)) != 0) {
		if (r == 1)
			r = want == WS_PART ? ws_part(ws, &m) : ws_recv(ws, &m);
		if (r != 1)
			return 0;
		if (f->child->in != -1 &&
		    f->pipes.conf->format->encode(f->talk, &f->pipes, &m) == -1)
			return 0;
	}
	return give_input(f);
}

/* Returns as read(2) does. */
static ssize_t
read_output(struct flow *f, uint8_t *room)
{
	ssize_t n = read(f->child->out, room, FLOW_READ);

	if (n == -1 && errno == EIO && f->pipes.conf->unbuffered)
		n = 0; /* so ends a terminal */
	if (n == 0)
		child_close_out(f->child);
	if (n <= 0)
		return n;
	if (f->taken == 0)
		f->wrote = clock_ms();
	f->taken += (uint64_t)n;
	buf_grow(&f->pipes.from, (size_t)n);
	return n;
}

/*
 * Read output and queue its messages.  A short read is the last there is now.
 * Returns as flow_turn does.
 */
static int
take_output(struct flow *f)
{
	struct buf *from = &f->pipes.from;
	uint8_t *room = buf_room(from, FLOW_READ);
	ssize_t n;

	if (room == NULL) {
		format_no_memory(f->talk);
		return 0;
	}
	n = read_output(f, room);
	if (n == -1 && (errno == EAGAIN || errno == EINTR))
		return 1;
	if (n == -1)
		return pipe_failed(f, "read from");
	if (f->pipes.conf->format->decode(f->talk, &f->pipes, n == 0) == -1)
		return 0;
	if (from->len == 0)
		f->pipes.scanned = 0;
	flow_rest(f, from);
	return 1;
}

int
flow_last(struct flow *f)
{
	if (f->child->out == -1)
		return 0;
	return f->pipes.conf->format->decode(f->talk, &f->pipes, true);
}

static enum ws_want
wanted(const struct flow *f)
{
	const struct format *format = f->pipes.conf->format;

	if (waiting(f) > 0 || f->told)
		return WS_NOTHING;
	return format->streams || format->parts ? WS_PART : WS_WHOLE;
}

/* A client that has hung up waits for a program that does not read. */
static int
hung_up_too_long(struct flow *f)
{
	struct ws *ws = f->talk->ws;

	if (!ws_hung_up(ws) || waiting(f) == 0)
		return 0;
	if (f->given == 0)
		f->given = clock_in(GIVE_UP);
	if (clock_until(f->given) > 0)
		return 0;
	ws_fail(ws, WS_ABNORMAL,
	    "the client is gone, and the program does not read");
	return 1;
}

/* The wait.  Returns as ws_poll does. */
static int
flow_poll(struct flow *f, enum ws_want want, struct pollfd pfd[3],
    int64_t until)
{
	const struct child *c = f->child;
	const bool idle = ws_queued(f->talk->ws) == 0;

	pfd[0] = (struct pollfd){
		.fd = waiting(f) > 0 ? c->in : -1,
		.events = POLLOUT,
	};
	pfd[1] = (struct pollfd){ .fd = idle ? c->out : -1, .events = POLLIN };
	pfd[2] = (struct pollfd){ .fd = idle ? c->err : -1, .events = POLLIN };
	if (f->given != 0 && f->given < until)
		until = f->given;
	if (f->spare != 0 && f->spare < until)
		until = f->spare;
	return ws_poll(f->talk->ws, want, pfd, 3, clock_until(until));
}

int
flow_turn(struct flow *f, int64_t until)
{
	const enum ws_want want = wanted(f);
	struct pollfd pfd[3];
	int r;

	if (hung_up_too_long(f) || (r = flow_poll(f, want, pfd, until)) == -1)
		return 0;
	if (r == 1 && take_messages(f, want) == 0)
		return 0;
	if (f->talk->ended)
		return 0;
	if (pfd[0].revents != 0 && give_input(f) == 0)
		return 0;
	if (pfd[1].revents != 0 && take_output(f) == 0)
		return 0;
	if (pfd[2].revents != 0)
		child_hear(f->child);
	flow_spare(f);
	talk_tick(f->talk);
	return f->talk->ended ? 0 : 1;
}
