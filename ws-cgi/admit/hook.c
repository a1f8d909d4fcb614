/*
 * hook.c - from a request to a verdict.  Promises that what a hook does, and
 * whatever becomes of it, lets nobody in but a verdict that does.
 */

#include <errno.h>
#include <poll.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "aside.h"
#include "bridge/environ.h"
#include "bridge/errors.h"
#include "bridge/launch.h"
#include "buf.h"
#include "clock.h"
#include "digits.h"
#include "exits.h"
#include "hook.h"
#include "signals.h"
#include "verdict.h"

enum {
	TROUBLE = 100,	/* from this exit status on it has not decided */
	TEMPORARY = 111 /* now: it may, later; so say qmail and its kin */
};

/* It lasts, and so does what it points into. */
static ASIDE struct verdict verdict;

struct hook {
	struct talk *talk;
	const struct command *command;
	const struct hook_terms *terms;
	struct child child;
	struct errors errors;
	struct buf said;
	int64_t until;
};

/* How it ends: by itself, or by us. */
enum end { END_OWN, END_LATE, END_LEFT, END_STOPPED, END_LONG, END_MEMORY };

/* Refusals. */

static int
refuse(struct hook *h, int status)
{
	return ws_refuse(h->talk->ws, status,
	    status == 503 ? "Retry-After: 5\r\n" : NULL,
	    "this service cannot tell now whether you may come in");
}

/* The log is told what the hook did; it is its fault. */
static int __attribute__((format(printf, 3, 4)))
fault(struct hook *h, int status, const char *format, ...)
{
	char text[TALK_REASON];
	va_list ap;

	va_start(ap, format);
	vsnprintf(text, sizeof(text), format, ap);
	va_end(ap);
	talk_end(h->talk, WS_ABNORMAL, EXIT_PROGRAM, "the hook %s %s",
	    h->command->path, text);
	return refuse(h, status);
}

/* At the start. */

static bool
hear_errors(void *arg, int fd)
{
	return errors_take(arg, fd);
}

static int
hook_exec(struct hook *h, const struct bridge_conf *conf, const char **what)
{
	const struct plumbing_plan plan = { .mute = true, .errors = true };
	struct environ memory = { 0 };
	char **envp;
	int r, error;

	*what = "environment";
	envp =
	    environ_ask(&memory, h->talk, &conf->allow, h->terms->credentials);
	if (envp == NULL)
		return -1;
	r = launch(&h->child, conf, conf->hook, envp, &plan, what);
	error = errno;
	environ_free(&memory);
	errno = error;
	return r;
}

/* Whoever looks after us ends its group with us. */
static void
tell_group(const struct hook *h, pid_t group)
{
	if (h->talk->arrival->group != NULL)
		*h->talk->arrival->group = group;
}

/* Within the time of all of the handshake, and of what TLS has left of it. */
static int64_t
hook_until(const struct hook *h)
{
	const int64_t own = clock_in(h->terms->timeout);
	const int64_t left = h->talk->arrival->until;
	int64_t all = h->terms->handshake < 0 ?
	    CLOCK_NEVER :
	    h->talk->began + h->terms->handshake;

	if (left != 0 && left < all)
		all = left;
	return own < all ? own : all;
}

/* Returns 0, or -1 after the refusal. */
static int
hook_start(struct hook *h, const struct bridge_conf *conf)
{
	const char *what;

	talk_title(h->talk, "asking a hook");
	errors_begin(&h->errors, h->talk);
	h->until = hook_until(h);
	if (hook_exec(h, conf, &what) == -1)
		return refuse(h,
		    launch_failed(h->talk, "the hook", h->command, what));
	h->child.heard = hear_errors;
	h->child.arg = &h->errors;
	tell_group(h, h->child.pid);
	return 0;
}

/* While it runs. */

/*
 * A client that wants a page may have ended its side, RFC 9112 9.6, but hears
 * the answer.
 */
static void
hook_poll(const struct hook *h, struct pollfd pfd[3])
{
	const int ms = clock_until(h->until);
	const struct timespec ts = clock_span(ms < 0 ? 0 : ms);
	const struct arrival *a = h->talk->arrival;

	pfd[0] = (struct pollfd){
		.fd = h->terms->upgrade ? a->in : a->out,
		.events = h->terms->upgrade ? POLLRDHUP : 0,
	};
	pfd[1] = (struct pollfd){ .fd = h->child.out, .events = POLLIN };
	pfd[2] = (struct pollfd){ .fd = h->child.err, .events = POLLIN };
	if (ppoll(pfd, 3, ms < 0 ? NULL : &ts, &signals_open) <= 0)
		pfd[0].revents = pfd[1].revents = pfd[2].revents = 0;
	signals_answer();
}

/* Read some.  Returns 1, or 0 where there is nothing now, or no more. */
static int
hook_take(struct hook *h, enum end *end)
{
	uint8_t *room = buf_room(&h->said, VERDICT_SIZE + 2);
	ssize_t n;

	if (room == NULL) {
		*end = END_MEMORY;
		return 0;
	}
	n = read(h->child.out, room, VERDICT_SIZE + 1);
	if (n == 0 || (n == -1 && errno != EAGAIN && errno != EINTR))
		child_close_out(&h->child);
	if (n <= 0)
		return 0;
	buf_grow(&h->said, (size_t)n);
	if (h->said.len > VERDICT_SIZE)
		*end = END_LONG;
	return *end == END_OWN;
}

static enum end
hook_turn(struct hook *h)
{
	enum end end = END_OWN;
	struct pollfd pfd[3];

	if (signals_stop > 0)
		return END_STOPPED;
	if (clock_until(h->until) == 0)
		return END_LATE;
	hook_poll(h, pfd);
	if (pfd[0].revents != 0)
		return END_LEFT;
	if (pfd[1].revents != 0)
		hook_take(h, &end);
	if (pfd[2].revents != 0)
		child_hear(&h->child);
	return end;
}

/* What it wrote counts, and not what others write who hold its pipe. */
static enum end
hook_run(struct hook *h)
{
	enum end end = END_OWN;

	while (end == END_OWN && !child_ended(&h->child))
		end = hook_turn(h);
	while (end == END_OWN && h->child.out != -1 && hook_take(h, &end) == 1)
		;
	child_kill(&h->child);
	errors_end(&h->errors);
	tell_group(h, 0);
	return end;
}

/* What it comes to. */

/* Lines of the answer, each with its CR LF. */
static int
add_line(struct buf *lines, const char *name, const char *value)
{
	return buf_add(lines, name, strlen(name)) == -1 ||
		buf_add(lines, value, strlen(value)) == -1 ||
		buf_add(lines, "\r\n", 2) == -1 ?
	    -1 :
	    0;
}

static int
add_fields(struct buf *lines, const struct verdict *v, bool body)
{
	char length[DIGITS_MAX];
	int r = 0;

	for (size_t i = 0; i < v->fields && r == 0; i++)
		r = add_line(lines, v->field[i], "");
	if (body && r == 0 && verdict_field(v, "Content-Type") == NULL)
		r = add_line(lines,
		    "Content-Type: ", "text/plain; charset=utf-8");
	if (body && r == 0 &&
	    verdict_field(v, "X-Content-Type-Options") == NULL)
		r = add_line(lines, "X-Content-Type-Options: ", "nosniff");
	if (body && r == 0)
		r = add_line(lines,
		    "Content-Length: ", digits_of(length, v->size));
	return r == 0 ? buf_add(lines, "", 1) : -1;
}

/* RFC 9110 9.3.2: the answer to HEAD is a head. */
static int
send_body(struct talk *t, const struct verdict *v, const char *lines)
{
	if (ws_answer(t->ws, v->status, lines) == 0 &&
	    strcmp(ws_method(t->ws), "HEAD") != 0)
		ws_answer_data(t->ws, v->body, v->size);
	return -1;
}

/* The hook's own answer, or ours where it has none. */
static int
hook_refuses(struct talk *t, const struct verdict *v)
{
	const bool body =
	    v->size > 0 || verdict_field(v, "Content-Type") != NULL;
	struct buf lines = { 0 };
	const char *text;

	talk_end(t, WS_ABNORMAL, EXIT_PEER, "the hook does not let it in");
	if (add_fields(&lines, v, body) == -1) {
		ws_refuse(t->ws, 503, NULL, "no memory");
		buf_free(&lines);
		return -1;
	}
	text = (const char *)buf_head(&lines);
	if (body)
		send_body(t, v, text);
	else
		ws_refuse(t->ws, v->status, text,
		    "this service does not let you in");
	buf_free(&lines);
	return -1;
}

static int
hook_accepts(struct hook *h, const struct verdict *v)
{
	struct talk *t = h->talk;

	if (v->protocol == NULL)
		return 0;
	if (h->terms->upgrade)
		t->protocol =
		    admit_chosen(h->terms->policy, t->ws, v->protocol);
	if (h->terms->upgrade && t->protocol != NULL)
		return 0;
	t->verdict = NULL;
	return fault(h, 502, "chose a subprotocol that is not offered");
}

/* It has ended, and all that it said is there. */
static int
hook_read(struct hook *h)
{
	const int exit = WEXITSTATUS(h->child.status);
	char *text = (char *)buf_room(&h->said, 1);
	const char *why;
	int line;

	if (text == NULL)
		return refuse(h, 503);
	text = (char *)buf_head(&h->said);
	if (verdict_read(&verdict, text, h->said.len, exit != 0, &line, &why) ==
	    0) {
		h->talk->verdict = &verdict;
		return verdict.status != 0 ? hook_refuses(h->talk, &verdict) :
					     hook_accepts(h, &verdict);
	}
	if (line > 0)
		return fault(h, 502, "said, in line %d: %s", line, why);
	return fault(h, 502, "said: %s", why);
}

static int
hook_ended(struct hook *h)
{
	char how[TALK_EXIT];
	const int status = h->child.status;

	child_exit(&h->child, how, sizeof(how));
	if (!WIFEXITED(status))
		return fault(h, 502, "was killed by %s", how);
	if (WEXITSTATUS(status) >= TROUBLE)
		return fault(h, WEXITSTATUS(status) == TEMPORARY ? 503 : 502,
		    "exited with status %s", how);
	return hook_read(h);
}

static int
hook_judge(struct hook *h, enum end end)
{
	switch (end) {
	case END_OWN:
		return hook_ended(h);
	case END_LATE:
		return fault(h, 504, "took too long");
	case END_LEFT:
		return ws_fail(h->talk->ws, WS_ABNORMAL,
		    "it left within the handshake");
	case END_STOPPED:
		return talk_refuse(h->talk, 503, "the service stops");
	case END_LONG:
		return fault(h, 502, "said more than 16384 bytes");
	case END_MEMORY:
	default:
		return refuse(h, 503);
	}
}

int
hook_ask(struct talk *t, const struct bridge_conf *conf,
    const struct hook_terms *terms)
{
	struct hook h = {
		.talk = t,
		.command = &conf->commands.command[conf->hook],
		.terms = terms,
	};
	const char *value;

	if (terms->credentials &&
	    request_count(t->ws, "Authorization", &value) > 1)
		return talk_refuse(t, 400,
		    "there is more than one Authorization");
	if (hook_start(&h, conf) == -1)
		return -1;
	return hook_judge(&h, hook_run(&h));
}
