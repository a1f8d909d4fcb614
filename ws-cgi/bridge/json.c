/*
 * json.c - one event is one line with a JSON object, both ways.  The program
 * hears of everything, the request and the client's Close included, and may
 * close with a code of its own.  Nothing of a message is lost.
 */

#include <stdio.h>
#include <string.h>

#include "base64.h"
#include "environ.h"
#include "exits.h"
#include "flat.h"
#include "format.h"
#include "message.h"

enum {
	CONTROL_MAX = 125, /* bytes of a Ping, RFC 6455 5.5 */
	REASON_MAX = 123,  /* and of a Close, behind its code */
	LONGEST = 6,	   /* bytes that one may be written as: \u0000 */
	AROUND = 4096	   /* bytes of a line beside its data */
};

static int
add(struct pipes *p, const char *text)
{
	return buf_add(&p->to, text, strlen(text));
}

static int
add_base64(struct pipes *p, const void *data, size_t len)
{
	const size_t size = BASE64_SIZE(len);
	uint8_t *room = buf_room(&p->to, size);

	if (room == NULL || add(p, "\"") == -1)
		return -1;
	base64_encode((char *)buf_room(&p->to, size), data, len);
	buf_grow(&p->to, size - 1);
	return add(p, "\"");
}

/* An event with data; binary: in base64. */
static int
add_event(struct talk *t, struct pipes *p, const char *event, bool binary,
    const void *data, size_t len)
{
	if (add(p, "{\"event\":\"") == -1 || add(p, event) == -1 ||
	    add(p, "\",\"data\":") == -1 ||
	    (binary ? add_base64(p, data, len) :
		      flat_write(&p->to, data, len)) == -1 ||
	    add(p, "}\n") == -1)
		return format_no_memory(t);
	return 0;
}

static int
json_encode(struct talk *t, struct pipes *p, const struct ws_msg *m)
{
	bool binary = m->type == WS_BINARY;

	return add_event(t, p, binary ? "binary" : "text", binary, m->data,
	    m->len);
}

static int
json_control(struct talk *t, struct pipes *p, enum ws_control type,
    const void *data, size_t len)
{
	return add_event(t, p, type == WS_PING ? "ping" : "pong", true, data,
	    len);
}

/* ",NAME":"value" of NAME=value. */
static int
add_variable(struct pipes *p, const char *variable)
{
	const char *value = strchr(variable, '=') + 1;

	if (add(p, ",") == -1 ||
	    flat_write(&p->to, variable, (size_t)(value - variable) - 1) ==
		-1 ||
	    add(p, ":") == -1)
		return -1;
	return flat_write(&p->to, value, strlen(value));
}

/* The request, in the words of ws-environ(7). */
static int
json_open(struct talk *t, struct pipes *p)
{
	struct environ memory = { 0 };
	char **variables = environ_request(&memory, t);
	int r = variables == NULL ? -1 : add(p, "{\"event\":\"open\"");

	for (char **v = variables; r == 0 && *v != NULL; v++)
		r = add_variable(p, *v);
	environ_free(&memory);
	return r == -1 || add(p, "}\n") == -1 ? format_no_memory(t) : 0;
}

/* The client's last word; or that there was none, and why. */
static int
json_close(struct talk *t, struct pipes *p)
{
	const struct ws_info *info = ws_info(t->ws);
	const char *reason = info->reason;
	char code[32];

	if (info->received != 0)
		snprintf(code, sizeof(code), "close\",\"code\":%d",
		    info->received);
	else
		snprintf(code, sizeof(code), "gone\"");
	if (info->received == 0)
		reason = ws_error(t->ws) != NULL ? ws_error(t->ws) : t->reason;
	if (add(p, "{\"event\":\"") == -1 || add(p, code) == -1 ||
	    add(p, ",\"reason\":") == -1 ||
	    flat_write(&p->to, reason, strlen(reason)) == -1 ||
	    add(p, "}\n") == -1)
		return format_no_memory(t);
	return 0;
}

static int
malformed(struct talk *t, const char *why)
{
	return talk_end(t, WS_INTERNAL, EXIT_PROGRAM,
	    "the program wrote wrong JSON: %s", why);
}

/* The text of a member, or "" if it is not there and need not be. */
static int
text_of(struct talk *t, const struct flat *f, const char *name, bool needed,
    struct flat_text *text)
{
	const struct flat_member *m = flat_find(f, name);

	*text = (struct flat_text){ 0 };
	if (m == NULL)
		return needed ? malformed(t, "the event has no data") : 0;
	if (m->kind != FLAT_STRING)
		return malformed(t, "the data or reason is no string");
	*text = m->value;
	return 0;
}

static int
send_data(struct talk *t, const struct pipes *p, enum ws_type type,
    const struct flat_text *data)
{
	if (data->len > p->max)
		return format_too_big(t, p, "message");
	return ws_queue(t->ws, type, data->p, data->len);
}

static int
take_text(struct talk *t, struct pipes *p, const struct flat *f)
{
	struct flat_text data;

	if (text_of(t, f, "data", true, &data) == -1)
		return -1;
	return send_data(t, p, WS_TEXT, &data);
}

/* Data in base64, decoded where it stands. */
static int
binary_of(struct talk *t, const struct flat *f, bool needed,
    struct flat_text *data)
{
	ssize_t len;

	if (text_of(t, f, "data", needed, data) == -1)
		return -1;
	if ((len = base64_decode(data->p, data->p, data->len)) == -1)
		return malformed(t, "the data is no base64");
	data->len = (size_t)len;
	return 0;
}

static int
take_binary(struct talk *t, struct pipes *p, const struct flat *f)
{
	struct flat_text data;

	if (binary_of(t, f, true, &data) == -1)
		return -1;
	return send_data(t, p, WS_BINARY, &data);
}

static int
take_ping(struct talk *t, struct pipes *p, const struct flat *f)
{
	struct flat_text data;

	(void)p;
	if (binary_of(t, f, false, &data) == -1)
		return -1;
	if (data.len > CONTROL_MAX)
		return malformed(t, "a ping holds over 125 bytes");
	return ws_queue_ping(t->ws, data.p, data.len);
}

/* What an endpoint may send, RFC 6455 7.4; 1010 is the client's alone. */
static int
code_of(struct talk *t, const struct flat *f, int *code)
{
	const struct flat_member *m = flat_find(f, "code");
	unsigned int n = 0;

	*code = WS_NORMAL;
	if (m == NULL)
		return 0;
	if (m->kind != FLAT_NUMBER || m->value.len != 4)
		return malformed(t, "a code is no number of four digits");
	for (size_t i = 0; i < m->value.len; i++) {
		if (m->value.p[i] < '0' || m->value.p[i] > '9')
			return malformed(t, "a code is no whole number");
		n = n * 10 + (unsigned int)(m->value.p[i] - '0');
	}
	if (!message_code_valid(n) || n == 1010)
		return malformed(t, "a code is one that may not be sent");
	*code = (int)n;
	return 0;
}

static int
take_close(struct talk *t, struct pipes *p, const struct flat *f)
{
	struct flat_text reason;
	char text[REASON_MAX + 1];
	int code;

	(void)p;
	if (code_of(t, f, &code) == -1 ||
	    text_of(t, f, "reason", false, &reason) == -1)
		return -1;
	if (reason.len > REASON_MAX)
		return malformed(t, "a reason has over 123 bytes");
	if (reason.len > 0 && memchr(reason.p, '\0', reason.len) != NULL)
		return malformed(t, "a reason holds a NUL");
	if (reason.len > 0)
		memcpy(text, reason.p, reason.len);
	text[reason.len] = '\0';
	return talk_end_quoted(t, code, text);
}

/* What a program may say, and the members beside "event". */
static const struct kind {
	const char *name;
	const char *member[2];
	int (*take)(struct talk *, struct pipes *, const struct flat *);
} kinds[] = {
	{ "text", { "data", NULL }, take_text },
	{ "binary", { "data", NULL }, take_binary },
	{ "ping", { "data", NULL }, take_ping },
	{ "close", { "code", "reason" }, take_close },
};

static const struct kind *
kind_of(const struct flat *f)
{
	const struct flat_member *event = flat_find(f, "event");

	if (event == NULL || event->kind != FLAT_STRING)
		return NULL;
	for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++)
		if (flat_is(&event->value, kinds[i].name))
			return &kinds[i];
	return NULL;
}

/* Nothing that stands in an event is passed over. */
static bool
is_known(const struct kind *kind, const struct flat_text *name)
{
	if (flat_is(name, "event"))
		return true;
	for (size_t i = 0; i < 2; i++)
		if (kind->member[i] != NULL && flat_is(name, kind->member[i]))
			return true;
	return false;
}

static int
take_event(struct talk *t, struct pipes *p, uint8_t *line, size_t len)
{
	const struct kind *kind;
	struct flat f;
	const char *why;

	if (flat_read(&f, line, len, &why) == -1)
		return malformed(t, why);
	if ((kind = kind_of(&f)) == NULL)
		return malformed(t,
		    "the event is not text, binary, ping or close");
	for (size_t i = 0; i < f.members; i++)
		if (!is_known(kind, &f.member[i].name))
			return malformed(t,
			    "the event has a member of another name");
	return kind->take(t, p, &f);
}

static uint64_t
line_max(const struct pipes *p)
{
	if (p->max > (UINT64_MAX - AROUND) / LONGEST)
		return UINT64_MAX;
	return p->max * LONGEST + AROUND;
}

static int
json_decode(struct talk *t, struct pipes *p, bool end)
{
	return format_each(t, p, end, line_max(p), take_event);
}

static int
json_error(struct talk *t, const uint8_t *line, size_t len)
{
	static const char head[] = "{\"event\":\"stderr\",\"data\":";
	struct buf text = { 0 };
	int r;

	if (buf_add(&text, head, strlen(head)) == 0 &&
	    flat_write(&text, line, len) == 0 && buf_add(&text, "}", 1) == 0)
		r = ws_queue(t->ws, WS_TEXT, buf_head(&text), text.len);
	else
		r = format_no_memory(t);
	buf_free(&text);
	return r;
}

static const struct format_events json_events = {
	.open = json_open,
	.control = json_control,
	.close = json_close,
};

const struct format format_json = {
	.name = "json",
	.help = "{\"event\":\"text\",\"data\":\"hello\"}, a line; other events "
		"too",
	.separator = &format_newline,
	.events = &json_events,
	.encode = json_encode,
	.decode = json_decode,
	.error = json_error,
};
