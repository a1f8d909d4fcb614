/*
 * report.c - how a conversation is seen from outside: its line in the log, so
 * far or at its end, what others say within it, and the title.  One table says
 * of what a line is made, in text and in JSON.
 */

#include <stdlib.h>
#include <string.h>

#include "arrive/client.h"
#include "clock.h"
#include "exits.h"
#include "log.h"
#include "signals.h"
#include "talk.h"
#include "title.h"

/* Whose fault is a failure of the connection? */
static int
failure_blame(const struct ws_info *info)
{
	if (info->expired)
		return EXIT_NOBODY;
	switch (info->failed) {
	case WS_GOING_AWAY:
		return EXIT_NOBODY;
	case WS_INTERNAL:
		return EXIT_SYSTEM;
	default:
		break;
	}
	if (info->status == 503)
		return signals_stop > 0 ? EXIT_NOBODY : EXIT_SYSTEM;
	return EXIT_PEER;
}

/* What talk_end has said comes first: it knows more than the connection. */
static int
blame(const struct talk *t)
{
	const struct ws_info *info = ws_info(t->ws);

	if (t->ended)
		return t->blame;
	return info->failed != 0 ? failure_blame(info) : EXIT_NOBODY;
}

static bool
is_refused(const struct talk *t)
{
	return t->ended || ws_info(t->ws)->failed != 0;
}

/* What a line is about. */
struct report {
	const struct talk *talk;
	bool over;
	char client[CLIENT_TEXT];
};

/* Values. */

static struct log_value
nothing(void)
{
	return (struct log_value){ .kind = LOG_NOTHING };
}

static struct log_value
number(uint64_t n)
{
	return (struct log_value){ .kind = LOG_NUMBER, .number = n };
}

/* Words of ours, and a text that may be anybody's. */
static struct log_value
text(const char *words, const char *p, size_t room)
{
	return (struct log_value){
		.kind = LOG_TEXT,
		.words = words,
		.text = p,
		.len = strlen(p),
		.room = room,
	};
}

static struct log_value
text_or_nothing(const char *p)
{
	return p == NULL ? nothing() : text(NULL, p, LOG_FIELD);
}

static struct log_value
client(const struct report *r)
{
	return text(NULL, r->client, sizeof(r->client));
}

static struct log_value
address(const struct report *r)
{
	return text(NULL, r->talk->arrival->client.address, LOG_FIELD);
}

static struct log_value
port(const struct report *r)
{
	const char *digits = r->talk->arrival->client.port;

	return *digits == '\0' ? nothing() : number(strtoull(digits, NULL, 10));
}

static struct log_value
via(const struct report *r)
{
	const struct arrival *a = r->talk->arrival;

	return text_or_nothing(client_is_named(a) ? a->peer.address : NULL);
}

static struct log_value
host(const struct report *r)
{
	return text_or_nothing(ws_header(r->talk->ws, "Host"));
}

static struct log_value
path(const struct report *r)
{
	const char *target = ws_target(r->talk->ws);
	struct log_value v = { .kind = LOG_QUOTED };

	if (target == NULL)
		return v;
	v = text(NULL, target, LOG_FIELD);
	v.kind = LOG_QUOTED;
	return v;
}

/* It may be anything, and hold spaces: in text it stands in quotes. */
static struct log_value
user_text(const struct report *r)
{
	const char *name = client_user(r->talk->arrival);

	return (struct log_value){
		.kind = name == NULL ? LOG_TEXT : LOG_QUOTED,
		.words = name == NULL ? NULL : " user=",
		.text = name,
		.room = LOG_FIELD,
	};
}

static struct log_value
user(const struct report *r)
{
	return text_or_nothing(client_user(r->talk->arrival));
}

static struct log_value
origin(const struct report *r)
{
	return text_or_nothing(ws_header(r->talk->ws, "Origin"));
}

static struct log_value
protocol(const struct report *r)
{
	return text_or_nothing(ws_info(r->talk->ws)->protocol);
}

static struct log_value
status(const struct report *r)
{
	return number((uint64_t)ws_info(r->talk->ws)->status);
}

static struct log_value
seconds(const struct report *r)
{
	return (struct log_value){
		.kind = LOG_SECONDS,
		.number = (uint64_t)(clock_ms() - r->talk->began),
	};
}

static struct log_value
messages_in(const struct report *r)
{
	return number(ws_info(r->talk->ws)->messages_in);
}

static struct log_value
bytes_in(const struct report *r)
{
	return number(ws_info(r->talk->ws)->bytes_in);
}

static struct log_value
messages_out(const struct report *r)
{
	return number(ws_info(r->talk->ws)->messages_out);
}

static struct log_value
bytes_out(const struct report *r)
{
	return number(ws_info(r->talk->ws)->bytes_out);
}

/* A close code; none for no Close frame at all. */
static struct log_value
code(int n)
{
	return n == 0 ? nothing() : number((uint64_t)n);
}

static struct log_value
received(const struct report *r)
{
	return code(ws_info(r->talk->ws)->received);
}

static struct log_value
sent(const struct report *r)
{
	return code(ws_info(r->talk->ws)->sent);
}

static struct log_value
exited(const struct report *r)
{
	const char *how = r->talk->exit;

	return text_or_nothing(strcmp(how, "-") == 0 ? NULL : how);
}

static struct log_value
blamed(const struct report *r)
{
	if (!r->over)
		return nothing();
	switch (blame(r->talk)) {
	case EXIT_NOBODY:
		return text(NULL, "nobody", LOG_FIELD);
	case EXIT_PEER:
		return text(NULL, "peer", LOG_FIELD);
	case EXIT_PROGRAM:
		return text(NULL, "program", LOG_FIELD);
	default:
		return text(NULL, "system", LOG_FIELD);
	}
}

/* Who closed, and the reason that it gave. */
static struct log_value
closing(const char *without, const char *with, const char *reason)
{
	if (reason == NULL || *reason == '\0')
		return text(NULL, without, LOG_FIELD);
	return text(with, reason, LOG_FIELD);
}

static struct log_value
reason(const struct report *r)
{
	const struct talk *t = r->talk;
	const struct ws_info *info = ws_info(t->ws);

	if (!r->over)
		return text("so far: ", t->state, LOG_FIELD);
	if (t->quoted)
		return closing("the program closed",
		    "the program closed: ", t->reason);
	if (t->ended)
		return text(NULL, t->reason, TALK_REASON);
	if (info->failed != 0)
		return text(NULL, ws_error(t->ws), TALK_REASON);
	if (info->status != 101)
		return text(NULL, "answered", LOG_FIELD);
	return closing("the client closed",
	    "the client closed: ", info->reason);
}

/* Lines. */

enum { SAID = 4, NOTED = 5 }; /* rows, the first, of lines within it */

static const struct field {
	const char *name;    /* in JSON, or NULL */
	const char *opened;  /* before it in the text of a conversation, */
	const char *refused; /* or of a request that did not become one */
	struct log_value (*value)(const struct report *);
} fields[] = {
	{ NULL, "", "", client },
	{ "address", NULL, NULL, address },
	{ "port", NULL, NULL, port },
	{ "via", NULL, NULL, via },
	{ "path", " ", " ", path },
	{ NULL, "", "", user_text },
	{ "user", NULL, NULL, user },
	{ "host", NULL, NULL, host },
	{ "origin", NULL, NULL, origin },
	{ "protocol", " proto=", NULL, protocol },
	{ "status", NULL, " ", status },
	{ "seconds", " time=", NULL, seconds },
	{ "messages_in", " in=", NULL, messages_in },
	{ "bytes_in", "/", NULL, bytes_in },
	{ "messages_out", " out=", NULL, messages_out },
	{ "bytes_out", "/", NULL, bytes_out },
	{ "received", " close=", NULL, received },
	{ "sent", "/", NULL, sent },
	{ "exit", " exit=", NULL, exited },
	{ "blame", NULL, NULL, blamed },
	{ "reason", " ", " ", reason },
};

enum { FIELDS = sizeof(fields) / sizeof(fields[0]) };

static void
report_begin(struct report *r, const struct talk *t, bool over)
{
	*r = (struct report){ .talk = t, .over = over };
	client_text(t->arrival, r->client);
}

static void
report_fields(const struct report *r, bool opened, int n)
{
	for (const struct field *f = fields; f < fields + n; f++) {
		const char *before = opened ? f->opened : f->refused;
		struct log_value value;

		if (!log_has(f->name, before))
			continue;
		value = f->value(r);
		log_field(f->name, before, &value);
	}
}

int
talk_report(const struct talk *t)
{
	const bool opened = ws_info(t->ws)->status == 101;
	struct report r;

	if (ws_info(t->ws)->silent || t->quiet) /* a health check, or a scan */
		return blame(t);
	report_begin(&r, t, true);
	log_begin(opened ? "closed" : is_refused(t) ? "refused" : "answered");
	report_fields(&r, opened, FIELDS);
	log_end();
	return blame(t);
}

void
talk_figures(void *talk)
{
	struct talk *t = talk;
	struct report r;

	talk_title(t, t->state);
	report_begin(&r, t, false);
	log_begin("figures");
	report_fields(&r, true, FIELDS);
	log_end();
}

void
talk_note(const struct talk *t, const char *what, const void *p, size_t len)
{
	const struct log_value v = { .kind = LOG_TEXT, .text = p, .len = len };
	const struct log_value name = text(NULL, what, LOG_FIELD);
	struct report r;

	report_begin(&r, t, false);
	log_begin(what);
	report_fields(&r, true, NOTED);
	log_field(NULL, " ", &name);
	log_field("text", ": ", &v);
	log_end();
}

void
talk_say(const struct talk *t, const char *words)
{
	const struct log_value v = text(words, "", LOG_FIELD);
	struct report r;

	report_begin(&r, t, false);
	log_begin("trace");
	report_fields(&r, true, SAID);
	log_field("text", " ", &v);
	log_end();
}

/* The title. */

void
talk_title(struct talk *t, const char *state)
{
	const struct ws_info *info = ws_info(t->ws);
	const char *target = ws_target(t->ws);
	const char *who = client_user(t->arrival);
	char name[64];

	t->state = state;
	title_words(log_escape(name, sizeof(name), who == NULL ? "" : who));
	title_words(who == NULL ? "" : "@");
	title_words(t->arrival->client.address);
	title_words(" ");
	title_words(
	    log_escape(name, sizeof(name), target == NULL ? "" : target));
	title_words(" ");
	title_words(state);
	title_words(" ");
	title_number(info->messages_in);
	title_words(" in ");
	title_number(info->messages_out);
	title_words(" out");
	title_show();
}

void
talk_tick(struct talk *t)
{
	if (title_due()) {
		signals_let_in();
		talk_title(t, "open");
	}
	signals_answer();
}
