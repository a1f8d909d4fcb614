/*
 * log.h - what happened, one event a line, for a person and for grep; or, each
 * line being one JSON object, for programs.
 *
 *	2026-11-21T10:11:12.345Z ws-cgi[4711]: listening on 127.0.0.1:8080
 *
 *	{"time":"2026-11-21T10:11:12.345Z","pid":4711,"event":"listening",
 *	 "text":"listening on 127.0.0.1:8080"}
 *
 * A line is at most 1 KiB, unless a text in it is whole, and leaves in one
 * write(2), see sink.h.
 */

#ifndef LOG_H
#define LOG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { LOG_FIELD = 256 }; /* room for one escaped value */

/*
 * Where lines go, before there are any: "stderr" or NULL, "syslog", or a file;
 * and in which form.  Returns 0, or -1 after having said what is wrong with the
 * file.
 */
int log_to(const char *where, bool json);

/* A line in words; in JSON its event is "note", or the one that is given. */
void log_line(const char *format, ...) __attribute__((format(printf, 1, 2)));
void log_event(const char *event, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

/*
 * A line that is made of fields.  Each has a name in JSON, and in text what
 * stands before it; NULL: there it does not stand.
 *
 *	log_begin("closed");
 *	log_field("protocol", " proto=", &value);
 *	log_end();
 */
enum log_kind {
	LOG_NOTHING, /* "-", null */
	LOG_NUMBER,
	LOG_SECONDS, /* from ms */
	LOG_TEXT,    /* escaped; in JSON bytes that are not UTF-8 are U+FFFD */
	LOG_QUOTED   /* it, in quotes; and nothing, if text is NULL */
};

struct log_value {
	enum log_kind kind;
	uint64_t number;
	const char *words; /* before the text, safe; or NULL */
	const char *text;
	size_t len;  /* of text */
	size_t room; /* for the text, cut to that, at most LOG_ROOM; 0: whole */
};

enum { LOG_ROOM = 512 };

void log_begin(const char *event);
bool log_has(const char *name, const char *before); /* does it stand there? */
void log_field(const char *name, const char *before, const struct log_value *);
void log_end(void);

/*
 * log_line for what may come often: at most a line a second, the next one says
 * how many were left out.  The log_rate begins as zeroes.
 */
struct log_rate {
	int64_t next;
	int left_out;
};

void log_seldom(struct log_rate *, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

/*
 * Write text to out of size bytes so that no byte of it can forge or spoil a
 * line: printable ASCII stays, but for " and \; the rest becomes \xhh.  What
 * does not fit is cut and ends in "...".  Returns out.
 */
const char *log_escape(char *out, size_t size, const char *text);

#endif
