/*
 * log.c - lines to standard error or to syslog.
 */

#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/time.h>
#include <syslog.h>
#include <time.h>
#include <unistd.h>

#include "clock.h"
#include "log.h"

enum {
	LINE_MAX_BYTES = 1024,
	SELDOM = 1000 /* ms */
};

static bool log_syslog;

void
log_to_syslog(void)
{
	openlog("ws-cgi", LOG_PID, LOG_DAEMON);
	log_syslog = true;
}

static size_t
log_stamp(char *line, size_t size)
{
	struct timespec now;
	struct tm tm;
	size_t n;

	clock_gettime(CLOCK_REALTIME, &now);
	gmtime_r(&now.tv_sec, &tm);
	n = strftime(line, size, "%Y-%m-%dT%H:%M:%S", &tm);
	return n +
	    (size_t)snprintf(line + n, size - n,
		".%03dZ ws-cgi[%d]: ", (int)(now.tv_nsec / 1000000),
		(int)getpid());
}

static void
log_write(const char *line, size_t n)
{
	if (write(STDERR_FILENO, line, n) == -1)
		return; /* there is nobody left to tell */
}

void
log_line(const char *format, ...)
{
	char line[LINE_MAX_BYTES];
	size_t n = log_syslog ? 0 : log_stamp(line, sizeof(line));
	va_list ap;

	va_start(ap, format);
	vsnprintf(line + n, sizeof(line) - n - 1, format, ap);
	va_end(ap);
	if (log_syslog) {
		syslog(LOG_INFO, "%s", line);
		return;
	}
	n = strlen(line);
	line[n++] = '\n';
	log_write(line, n);
}

/* The bytes escaped, a newline and a NUL behind them.  Returns their end. */
static char *
log_bytes(char *out, const uint8_t *p, size_t len)
{
	for (; len > 0; p++, len--)
		if (*p >= 0x20 && *p < 0x7f && *p != '\\')
			*out++ = (char)*p;
		else
			out += snprintf(out, 5, "\\x%02x", *p);
	*out++ = '\n';
	*out = '\0';
	return out;
}

void
log_text(const char *prefix, const void *data, size_t len)
{
	const size_t room = LINE_MAX_BYTES + strlen(prefix);
	char *line = malloc(room + 4 * len + 2), *end;
	size_t n;

	if (line == NULL)
		return;
	n = log_syslog ? 0 : log_stamp(line, room);
	n += (size_t)snprintf(line + n, room - n, "%s", prefix);
	end = log_bytes(line + n, data, len);
	if (log_syslog)
		syslog(LOG_INFO, "%s", line);
	else
		log_write(line, (size_t)(end - line));
	free(line);
}

void
log_seldom(struct log_rate *rate, const char *format, ...)
{
	char text[LINE_MAX_BYTES];
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
