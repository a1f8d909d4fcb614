/*
 * talk.c - how a conversation begins and ends.  Promises that every end has a
 * code on the wire, a line in the log and an exit status that agree; refuses
 * to know where messages go.
 */

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "admit/verdict.h"
#include "buf.h"
#include "clock.h"
#include "exits.h"
#include "signals.h"
#include "talk.h"

static void
woken(void *arg)
{
	(void)arg;
	signals_answer();
}

int
talk_begin(struct talk *t, const struct ws_conf *conf, const struct arrival *a)
{
	struct ws_conf c = *conf;

	*t = (struct talk){
		.arrival = a,
		.began = clock_ms(),
		.state = "handshake",
		.exit = "-",
	};
	c.in = a->in;
	c.out = a->out;
	t->ws = ws_new(&c);
	if (t->ws == NULL)
		return -1;
	ws_on_signal(t->ws, woken, NULL);
	signals_on_figures(talk_figures, t);
	return 0;
}

static int
add_lines(struct buf *lines, const char *const *field, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (buf_add(lines, field[i], strlen(field[i])) == -1 ||
		    buf_add(lines, "\r\n", 2) == -1)
			return -1;
	return 0;
}

int
talk_open(struct talk *t, const struct names *fields)
{
	const struct verdict *v = t->verdict;
	struct buf lines = { 0 };
	int r = add_lines(&lines, fields->name, fields->count);

	if (r == 0 && v != NULL)
		r = add_lines(&lines, v->field, v->fields);
	if (r == 0 && lines.len > 0)
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
