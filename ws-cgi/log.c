/*
 * log.c - lines, in text or in JSON.  There is one in the making at a time, in
 * memory that is kept for the next, so that there is some when it is short.
 */

#include <errno.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

#include "buf.h"
#include "clock.h"
#include "flat.h"
#include "log.h"
#include "sink.h"
#include "utf8.h"

enum {
	WORDS = 960,   /* bytes of a line in words */
	KEEP = 4096,   /* memory kept for the next line */
	SELDOM = 1000, /* ms */
	STAMP = 32
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
	if (strcmp(where, "syslog") != 0)
		return sink_file(where);
	sink_syslog();
	return 0;
}

static void
put(const void *p, size_t n)
{
	if (buf_add(&line, p, n) == -1)
		lost = true;
}

static void __attribute__((format(printf, 1, 2))) print(const char *format, ...)
{
	char text[WORDS];
	va_list ap;

	va_start(ap, format);
	vsnprintf(text, sizeof(text), format, ap);
	va_end(ap);
	put(text, strlen(text));
}

/* RFC 3339. */
static const char *
stamp(char text[STAMP])
{
	struct timespec now;
	struct tm tm;
	size_t n;

	clock_gettime(CLOCK_REALTIME, &now);
	gmtime_r(&now.tv_sec, &tm);
	n = strftime(text, STAMP, "%Y-%m-%dT%H:%M:%S", &tm);
	snprintf(text + n, STAMP - n, ".%03dZ", (int)(now.tv_nsec / 1000000));
	return text;
}

void
log_begin(const char *event)
{
	char now[STAMP];

	if (in_json)
		print("{\"time\":\"%s\",\"pid\":%d,\"event\":\"%s\"",
		    stamp(now), (int)getpid(), event);
	else if (!sink_stamps())
		print("%s ws-cgi[%d]: ", stamp(now), (int)getpid());
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

	print("%s%s", v->words == NULL ? "" : v->words, quote);
	if (v->room == 0)
		put_escaped(v->text, v->len);
	else if (v->text != NULL)
		print("%s", log_escape(out, v->room, v->text));
	print("%s", quote);
}

/* As RFC 8259 has strings; what is cut ends in "...", as in text. */
static void
put_string(const struct log_value *v)
{
	char out[WORDS];
	size_t len;

	if (v->text == NULL) {
		print("null");
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
	switch (v->kind) {
	case LOG_NOTHING:
		print("%s", in_json ? "null" : "-");
		return;
	case LOG_NUMBER:
		print("%" PRIu64, v->number);
		return;
	case LOG_SECONDS:
		print("%" PRIu64 ".%03d", v->number / 1000,
		    (int)(v->number % 1000));
		return;
	case LOG_TEXT:
	case LOG_QUOTED:
		if (in_json)
			put_string(v);
		else
			put_text(v);
	}
}

void
log_field(const char *name, const char *before, const struct log_value *v)
{
	if (in_json && name != NULL)
		print(",\"%s\":", name);
	else if (!in_json && before != NULL)
		print("%s", before);
	else
		return;
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
		snprintf(text, sizeof(text), "%s ws-cgi[%d]: %s\n", stamp(now),
		    (int)getpid(), why);
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
	snprintf(out + n, size - n, "%s", *text == '\0' ? "" : end);
	return out;
}
