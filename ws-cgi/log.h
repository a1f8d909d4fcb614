/*
 * log.h - what happened, one event a line, for a person and for grep.
 *
 *	2026-11-21T10:11:12.345Z ws-cgi[4711]: listening on 127.0.0.1:8080
 *
 * A line is at most 1 KiB, unless log_text says it, and leaves in one write(2), on standard error, or
 * through syslog(3) where standard error is the connection itself.
 */

#ifndef LOG_H
#define LOG_H

#include <stddef.h>
#include <stdint.h>

enum { LOG_FIELD = 256 }; /* room for one escaped value */

/* Log through syslog from now on. */
void log_to_syslog(void);

void log_line(const char *format, ...) __attribute__((format(printf, 1, 2)));

/*
 * A line of any length: the prefix, which is safe, and len bytes in which all
 * but printable ASCII, and backslashes, become \xhh.
 */
void log_text(const char *prefix, const void *data, size_t len);

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
