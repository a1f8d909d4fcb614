/*
 * trace.c - what passes, as lines for a person.  Promises that no byte of the
 * peer's can forge or spoil a line, and that what lets somebody in is not in
 * the log; refuses to judge what it shows.
 */

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "ascii.h"
#include "trace.h"

enum {
	TRACE_LINE = 800,  /* bytes: log_line has room for them */
	PROTOCOL_LONG = 24 /* few subprotocols have more, but tokens have */
};

/* A line as it grows; what does not fit is cut. */
struct text {
	char s[TRACE_LINE];
	size_t n;
};

static void __attribute__((format(printf, 2, 3)))
text_add(struct text *t, const char *format, ...)
{
	va_list ap;
	int n;

	va_start(ap, format);
	n = vsnprintf(t->s + t->n, sizeof(t->s) - t->n, format, ap);
	va_end(ap);
	if (n > 0 && (size_t)n < sizeof(t->s) - t->n)
		t->n += (size_t)n;
}

/* Printable ASCII but for backslashes and quote stays; the rest is \xhh. */
static void
text_bytes(struct text *t, const void *data, size_t n, int quote)
{
	const uint8_t *p = data;
	const size_t spare = sizeof("\\xhh\"...");

	for (; n > 0 && t->n + spare < sizeof(t->s); p++, n--)
		if (*p >= 0x20 && *p < 0x7f && *p != '\\' && *p != quote)
			text_add(t, "%c", *p);
		else
			text_add(t, "\\x%02x", *p);
	if (n > 0)
		text_add(t, "...");
}

/* Do these words, a field's name or a subprotocol, speak of a secret? */
static bool
is_secret(const char *p, size_t n)
{
	static const char *const words[] = { "auth", "bearer", "cookie",
		"token", "secret", "password", "api-key", "apikey" };

	for (size_t w = 0; w < sizeof(words) / sizeof(words[0]); w++)
		for (size_t i = 0; i + strlen(words[w]) <= n; i++)
			if (ascii_same_n(p + i, words[w], strlen(words[w])))
				return true;
	return false;
}

static bool
is_space(char c)
{
	return c == ' ' || c == '\t';
}

static size_t
spaces(const char *p, size_t n)
{
	size_t i = 0;

	while (i < n && is_space(p[i]))
		i++;
	return i;
}

/*
 * How much of a list of subprotocols may be shown.  A browser can add no other
 * field, so some services have tokens there: it ends before one.
 */
static size_t
list_shown(const char *p, size_t n)
{
	const char *comma;
	size_t at, len;

	for (at = 0; at < n; at += len + 1) {
		at += spaces(p + at, n - at);
		comma = memchr(p + at, ',', n - at);
		len = comma == NULL ? n - at : (size_t)(comma - p) - at;
		if (len > PROTOCOL_LONG || is_secret(p + at, len))
			return at;
	}
	return n;
}

/* The size of a field's name, or 0 for a line that is no field. */
static size_t
field_name(const char *p, size_t n)
{
	const char *colon = memchr(p, ':', n);
	size_t len = colon == NULL ? 0 : (size_t)(colon - p);

	while (len > 0 && is_space(p[len - 1]))
		len--;
	return memchr(p, ' ', len) == NULL ? len : 0;
}

/* How much of a line may be shown.  A folded one goes on with some value. */
static size_t
line_shown(const char *p, size_t n)
{
	static const char protocol[] = "Sec-WebSocket-Protocol";
	size_t name = field_name(p, n), value;

	if (n == 0 || is_space(*p))
		return 0;
	if (name == 0)
		return n;
	value = (size_t)((const char *)memchr(p, ':', n) - p) + 1;
	value += spaces(p + value, n - value);
	if (is_secret(p, name))
		return value;
	if (name == strlen(protocol) && ascii_same_n(p, protocol, name))
		return value + list_shown(p + value, n - value);
	return n;
}

static bool
is_control(char c)
{
	return ((unsigned char)c < 0x20 && c != '\t') || c == 0x7f;
}

/* Up to the end of the first control characters: the rest may be anything. */
static size_t
line_text(const char *p, size_t n)
{
	size_t i = 0;

	while (i < n && !is_control(p[i]))
		i++;
	while (i < n && is_control(p[i]))
		i++;
	return i;
}

static void
trace_line(struct text *t, const char *p, size_t n)
{
	size_t shown = line_shown(p, n), text = line_text(p, n);

	text_bytes(t, p, text < shown ? text : shown, '\0');
	if (text < shown)
		text_add(t, "...");
	else if (shown < n)
		text_add(t, "(%zu bytes)", n - shown);
}

/* RFC 6455 5.2. */
static void
trace_head(struct text *t, const struct ws_seen *f)
{
	static const char *const names[16] = { "continuation", "text",
		"binary", [8] = "close", "ping", "pong" };
	static const char *const rsv[8] = { "", " rsv3", " rsv2", " rsv2 rsv3",
		" rsv1", " rsv1 rsv3", " rsv1 rsv2", " rsv1 rsv2 rsv3" };

	if (names[f->opcode] != NULL)
		text_add(t, "%s", names[f->opcode]);
	else
		text_add(t, "opcode 0x%x", f->opcode);
	text_add(t, "%s%s%s", f->fin ? " fin" : "", rsv[f->rsv],
	    f->masked ? " mask" : "");
}

static void
trace_frame(struct text *t, const struct ws_seen *f)
{
	const uint8_t *p = f->data;
	size_t n = f->len;

	trace_head(t, f);
	if (f->length == WS_UNKNOWN) {
		text_add(t, "...");
		return;
	}
	text_add(t, " %" PRIu64, f->length);
	if (f->opcode == 8 && n >= 2) {
		text_add(t, " %u", (unsigned)p[0] << 8 | p[1]);
		p += 2;
		n -= 2;
	}
	text_add(t, " \"");
	text_bytes(t, p, n, '"');
	text_add(t, f->len < f->length ? "\"..." : "\"");
}

static void
trace_seen(void *arg, const struct ws_seen *seen)
{
	const struct talk *talk = arg;
	struct text t = { .n = 0 };

	text_add(&t, seen->ours ? "> " : "< ");
	if (seen->line)
		trace_line(&t, seen->data, seen->len);
	else
		trace_frame(&t, seen);
	talk_say(talk, t.s);
}

void
trace_begin(struct talk *t)
{
	ws_on_wire(t->ws, trace_seen, t);
}
