/*
 * talk.c - how a conversation stands and ends.  Promises that every end has a
 * code on the wire, a line in the log and an exit status that agree; refuses
 * to know where messages go.
 */

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "arrive/client.h"
#include "buf.h"
#include "clock.h"
#include "exits.h"
#include "log.h"
#include "signals.h"
#include "talk.h"
#include "title.h"

int
talk_begin(struct talk *t, const struct ws_conf *conf, const struct arrival *a)
{
	struct ws_conf c = *conf;

	*t = (struct talk){ .arrival = a, .began = clock_ms() };
	snprintf(t->exit, sizeof(t->exit), "-");
	c.in = a->in;
	c.out = a->out;
	t->ws = ws_new(&c);
	return t->ws == NULL ? -1 : 0;
}

int
talk_open(struct talk *t, const struct names *fields)
{
	struct buf lines = { 0 };
	int r = 0;

	for (size_t i = 0; i < fields->count && r == 0; i++) {
		r = buf_add(&lines, fields->name[i], strlen(fields->name[i]));
		if (r == 0)
			r = buf_add(&lines, "\r\n", 2);
	}
	if (r == 0)
		r = buf_add(&lines, "", 1);
	r = r == 0 ? ws_accept(t->ws, t->protocol, (char *)buf_head(&lines)) :
		     talk_refuse(t, 503, "no memory");
	buf_free(&lines);
	return r;
}

int
talk_end(struct talk *t, int code, int blame, const char *format, ...)
{
	va_list ap;

	if (t->ended)
		return -1;
	t->ended = true;
	t->code = code;
	t->blame = blame;
	va_start(ap, format);
	vsnprintf(t->reason, sizeof(t->reason), format, ap);
	va_end(ap);
	return -1;
}

int
talk_end_quoted(struct talk *t, int code, const char *reason)
{
	t->quoted = !t->ended;
	return talk_end(t, code, EXIT_NOBODY, "%s", reason);
}

int
talk_refuse(struct talk *t, int status, const char *why)
{
	return ws_refuse(t->ws, status, NULL, why);
}

void
talk_close(struct talk *t)
{
	talk_title(t, "closing");
	ws_close(t->ws, t->ended ? t->code : WS_NORMAL,
	    t->ended ? t->reason : NULL);
}

/* Whose fault is a failure of the connection? */
static int
failure_blame(const struct ws_info *info)
{
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
talk_blame(const struct talk *t)
{
	const struct ws_info *info = ws_info(t->ws);

	if (t->ended)
		return t->blame;
	return info->failed != 0 ? failure_blame(info) : EXIT_NOBODY;
}

/* Who closed, and the reason that it gave. */
static void
closing_reason(const char *who, const char *reason, char *out, size_t size)
{
	char text[LOG_FIELD];

	if (reason != NULL && *reason != '\0')
		snprintf(out, size, "the %s closed: %s", who,
		    log_escape(text, sizeof(text), reason));
	else
		snprintf(out, size, "the %s closed", who);
}

static void
talk_reason(const struct talk *t, char *out, size_t size)
{
	const struct ws_info *info = ws_info(t->ws);

	if (t->quoted)
		closing_reason("program", t->reason, out, size);
	else if (t->ended)
		log_escape(out, size, t->reason);
	else if (info->failed != 0)
		log_escape(out, size, ws_error(t->ws));
	else
		closing_reason("client", info->reason, out, size);
}

/* A close code as it stands in the log: "-" for no Close frame at all. */
static const char *
code_name(int code, char buf[8])
{
	if (code == 0)
		return "-";
	snprintf(buf, 8, "%d", code);
	return buf;
}

static const char *
path_name(const struct talk *t, char *out, size_t size)
{
	const char *target = ws_target(t->ws);

	return log_escape(out, size, target == NULL ? "" : target);
}

void
talk_note(const struct talk *t, const char *what, const void *p, size_t len)
{
	char client[CLIENT_TEXT], path[LOG_FIELD];
	char prefix[sizeof(client) + sizeof(path) + 32];

	snprintf(prefix, sizeof(prefix),
	    "%s \"%s\" %s: ", client_text(t->arrival, client),
	    path_name(t, path, sizeof(path)), what);
	log_text(prefix, p, len);
}

void
talk_say(const struct talk *t, const char *text)
{
	char client[CLIENT_TEXT];

	log_line("%s %s", client_text(t->arrival, client), text);
}

int
talk_report(const struct talk *t)
{
	const struct ws_info *info = ws_info(t->ws);
	char client[CLIENT_TEXT], path[LOG_FIELD];
	char reason[TALK_REASON], received[8], sent[8];
	int64_t ms = clock_ms() - t->began;

	if (info->silent) /* a health check, or a scan */
		return talk_blame(t);
	client_text(t->arrival, client);
	path_name(t, path, sizeof(path));
	talk_reason(t, reason, sizeof(reason));
	if (info->status != 101) {
		log_line("%s \"%s\" %d %s", client, path, info->status,
		    info->failed != 0 || t->ended ? reason : "answered");
		return talk_blame(t);
	}
	log_line("%s \"%s\" proto=%s time=%" PRId64 ".%03d in=%" PRIu64
		 "/%" PRIu64 " out=%" PRIu64 "/%" PRIu64
		 " close=%s/%s exit=%s %s",
	    client, path, info->protocol == NULL ? "-" : info->protocol,
	    ms / 1000, (int)(ms % 1000), info->messages_in, info->bytes_in,
	    info->messages_out, info->bytes_out,
	    code_name(info->received, received), code_name(info->sent, sent),
	    t->exit, reason);
	return talk_blame(t);
}

void
talk_free(struct talk *t)
{
	request_free(&t->request);
	ws_free(t->ws);
}

void
talk_title(const struct talk *t, const char *state)
{
	const struct ws_info *info = ws_info(t->ws);
	char path[64];

	title_set("%s %s %s %" PRIu64 " in %" PRIu64 " out",
	    t->arrival->client.address, path_name(t, path, sizeof(path)), state,
	    info->messages_in, info->messages_out);
}

void
talk_tick(const struct talk *t)
{
	if (title_due())
		talk_title(t, "open");
}
