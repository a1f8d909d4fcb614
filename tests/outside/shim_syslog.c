/*
 * shim_syslog.c - LD_PRELOAD: what goes to syslog(3) is added, a line each, to
 * the file that SHIM_SYSLOG names.
 */

#define _GNU_SOURCE
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

void syslog(int, const char *, ...);
void __syslog_chk(int, int, const char *, ...);

static void
add(const char *format, va_list ap)
{
	const char *path = getenv("SHIM_SYSLOG");
	FILE *f = path == NULL ? NULL : fopen(path, "ae");

	if (f == NULL)
		return;
	vfprintf(f, format, ap);
	fputc('\n', f);
	fclose(f);
}

void
syslog(int priority, const char *format, ...)
{
	va_list ap;

	(void)priority;
	va_start(ap, format);
	add(format, ap);
	va_end(ap);
}

void
__syslog_chk(int priority, int flag, const char *format, ...)
{
	va_list ap;

	(void)priority;
	(void)flag;
	va_start(ap, format);
	add(format, ap);
	va_end(ap);
}
