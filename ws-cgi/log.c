/*
 * log.c - lines, in text or in JSON.  There is one in the making at a time, in
 * memory that is kept for the next, so that there is some when it is short.
 */

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "buf.h"
#include "clock.h"
#include "digits.h"
#include "flat.h"
#include "log.h"
#include "name.h"
#include "sink.h"
#include "utf8.h"

enum {
	WORDS = 960,   /* bytes of a line in words */
	FIRST = 512,   /* memory for a line that is there in any case */
	KEEP = 4096,   /* memory kept for the next line */
	SELDOM = 1000, /* ms */
	STAMP = sizeof("0000-00-00T00:00:00.000Z")
};

static bool in_json;
static struct buf line;
static bool lost; /* there was no memory for all of it */

int
log_to(const char *where, bool json)
{
	in_json = json;
	if (where == NULL || strcmp(where, "stderr") == 0)
		return 0;
	if (strcmp(where, "syslog") == 0) {
		sink_syslog();
		return 0;
	}
	if (sink_file(where) == 0)
		return 0;
	log_line("--log %s: %s", where, strerror(errno));
	return -1;
}

static void
put(const void *p, size_t n)
{
	static uint8_t memory[FIRST];

	if (buf_head(&line) == NULL)
		buf_lend(&line, memory, sizeof(memory));
	if (buf_add(&line, p, n) == -1)
		lost = true;
}

static void
put_words(const char *words)
{
	put(words, strlen(words));
}

static void
put_number(uint64_t n)
{
	char out[DIGITS_MAX];

	put_words(digits_of(out, n));
}

/* RFC 3339.  A look at time zones, as in gmtime_r(3), is of no use here. */
static const char *
stamp(char text[STAMP])
{
	struct timespec now;
	uint64_t second;

	clock_gettime(CLOCK_REALTIME, &now);
	second = (uint64_t)now.tv_sec % 86400;
	memcpy(text, "0000-00-00T00:00:00.000Z", STAMP);
	digits_date(text, now.tv_sec / 86400);
	digits_fill(text + 11, 2, second / 3600);
	digits_fill(text + 14, 2, second / 60 % 60);
	digits_fill(text + 17, 2, second % 60);
	digits_fill(text + 20, 3, (uint64_t)now.tv_nsec / 1000000);
	return text;
}

void
log_begin(const char *event)
{
	char now[STAMP];

	if (!in_json && sink_stamps())
		return;
	put_words(in_json ? "{\"time\":\"" : "");
	put_words(stamp(now));
	put_words(in_json ? "\",\"pid\":" : " ");
	put_words(in_json ? "" : program_name);
	put_words(in_json ? "" : "[");
	put_number((uint64_t)getpid());
	put_words(in_json ? ",\"event\":\"" : "]: ");
	put_words(in_json ? event : "");
	put_words(in_json ? "\"" : "");
}

/* All but printable ASCII, and backslashes, become \xhh. */
static void
put_escaped(const char *p, size_t len)
{
	char escape[5];

	for (; len > 0; p++, len--) {
		unsigned char c = (unsigned char)*p;

		if (c >= 0x20 && c < 0x7f && c != '\\') {
			put(p, 1);
			continue;
		}
		snprintf(escape, sizeof(escape), "\\x%02x", c);
		put(escape, 4);
	}
}

/* As a person reads it. */
static void
put_text(const struct log_value *v)
{
	char out[LOG_ROOM];
	const char *quote = v->kind == LOG_QUOTED ? "\"" : "";

	put_words(v->words == NULL ? "" : v->words);
	put_words(quote);
	if (v->room == 0)
		put_escaped(v->text, v->len);
	else if (v->text != NULL)
		put_words(log_escape(out, v->room, v->text));
	put_words(quote);
}

/* As RFC 8259 has strings; what is cut ends in "...", as in text. */
static void
put_string(const struct log_value *v)
{
	char out[WORDS];
	size_t len;

	if (v->text == NULL) {
		put_words("null");
		return;
	}
	if (v->room == 0) {
		lost |= flat_write(&line, v->text, v->len) == -1;
		return;
	}
	len = v->len <= v->room ?
	    v->len :
	    utf8_cut((const uint8_t *)v->text, v->len, v->room);
	snprintf(out, sizeof(out), "%s%.*s%s", v->words == NULL ? "" : v->words,
	    (int)len, v->text, len < v->len ? "..." : "");
	lost |= flat_write(&line, out, strlen(out)) == -1;
}

static void
put_value(const struct log_value *v)
{
	char part[] = ".000";

	switch (v->kind) {
	case LOG_NOTHING:
		put_words(in_json ? "null" : "-");
		return;
	case LOG_NUMBER:
		put_number(v->number);
		return;
	case LOG_SECONDS:
		put_number(v->number / 1000);
		digits_fill(part + 1, 3, v->number);
		put_words(part);
		return;
	case LOG_TEXT:
	case LOG_QUOTED:
		if (in_json)
			put_string(v);
		else
			put_text(v);
	}
}

bool
log_has(const char *name, const char *before)
{
	return (in_json ? name : before) != NULL;
}

void
log_field(const char *name, const char *before, const struct log_value *v)
{
	if (!log_has(name, before))
		return;
	put_words(in_json ? ",\"" : before);
	put_words(in_json ? name : "");
	put_words(in_json ? "\":" : "");
	put_value(v);
}

/* There is no memory; this much is on the stack. */
static void
say_lost(void)
{
	static const char why[] = "no memory for a line";
	char now[STAMP], text[256];

	if (in_json)
		snprintf(text, sizeof(text),
		    "{\"time\":\"%s\",\"pid\":%d,\"event\":\"note\","
		    "\"text\":\"%s\"}\n",
		    stamp(now), (int)getpid(), why);
	else
		snprintf(text, sizeof(text), "%s %s[%d]: %s\n", stamp(now),
		    program_name, (int)getpid(), why);
	sink_write(text, strlen(text));
}

void
log_end(void)
{
	const char *failed = NULL;
	int error;

	put(in_json ? "}\n" : "\n", in_json ? 2 : 1);
	if (lost)
		say_lost();
	else
		failed = sink_write((char *)buf_head(&line), line.len);
	error = errno;
	lost = false;
	buf_drop(&line, line.len);
	buf_spare(&line, KEEP);
	if (failed != NULL)
		log_line("the log %s: %s", failed, strerror(error));
}

/* Words of ours, which stay as they are. */
static void __attribute__((format(printf, 2, 0)))
log_words(const char *event, const char *format, va_list ap)
{
	char text[WORDS];
	const struct log_value v = {
		.kind = LOG_TEXT,
		.words = text,
		.text = "",
		.room = LOG_FIELD,
	};

	vsnprintf(text, sizeof(text), format, ap);
	log_begin(event);
	log_field("text", "", &v);
	log_end();
}

void
log_event(const char *event, const char *format, ...)
{
	va_list ap;

	va_start(ap, format);
	log_words(event, format, ap);
	va_end(ap);
}

void
log_line(const char *format, ...)
{
	va_list ap;

	va_start(ap, format);
	log_words("note", format, ap);
	va_end(ap);
}

void
log_seldom(struct log_rate *rate, const char *format, ...)
{
	char text[WORDS];
	va_list ap;

	if (clock_until(rate->next) > 0) {
		rate->left_out++;
		return;
	}
	va_start(ap, format);
	vsnprintf(text, sizeof(text), format, ap);
	va_end(ap);
	if (rate->left_out > 0)
		log_line("%s (and %d more like it before)", text,
		    rate->left_out);
	else
		log_line("%s", text);
	*rate = (struct log_rate){ .next = clock_in(SELDOM) };
}

const char *
log_escape(char *out, size_t size, const char *text)
{
	const char *end = "...";
	size_t n = 0, step;

	for (; *text != '\0'; text++) {
		unsigned char c = (unsigned char)*text;
		bool plain = c >= 0x20 && c < 0x7f && c != '"' && c != '\\';

		step = plain ? 1 : 4;
		if (n + step + strlen(end) >= size)
			break;
		if (plain)
			out[n] = (char)c;
		else
			snprintf(out + n, 5, "\\x%02x", c);
		n += step;
	}
	memcpy(out + n, *text == '\0' ? "" : end, *text == '\0' ? 1 : 4);
	return out;
}
