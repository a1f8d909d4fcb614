/*
 * shim_syslog.c - LD_PRELOAD: what goes to syslog(3) is added, a line each, to
 * the file that SHIM_SYSLOG names, which is as large as it will ever be: how
 * many bytes, as a size_t, and then these.  It is mapped from the start, since a
 * process may have given up the right to open it.
 */

#define _GNU_SOURCE
#include <sys/mman.h>
#include <sys/stat.h>

#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { LINE = 4096 };

static struct lines {
	size_t used;
	char text[];
} * lines;

static size_t room;

void syslog(int, const char *, ...);
void __syslog_chk(int, int, const char *, ...);

__attribute__((constructor)) static void
map_lines(void)
{
	const char *path = getenv("SHIM_SYSLOG");
	const int fd = path == NULL ? -1 : open(path, O_RDWR | O_CLOEXEC);
	struct stat st;
	void *p;

	if (fd == -1)
		return;
	if (fstat(fd, &st) == -1 || (size_t)st.st_size <= sizeof(*lines))
		abort();
	p = mmap(NULL, (size_t)st.st_size, PROT_READ | PROT_WRITE, MAP_SHARED,
	    fd, 0);
	if (p == MAP_FAILED)
		abort();
	lines = p;
	room = (size_t)st.st_size - sizeof(*lines);
	close(fd);
}

static void
add(const char *format, va_list ap)
{
	char line[LINE];
	size_t len, at;

	if (lines == NULL)
		return;
	vsnprintf(line, sizeof(line) - 1, format, ap);
	len = strlen(line);
	line[len++] = '\n';
	at = __atomic_fetch_add(&lines->used, len, __ATOMIC_SEQ_CST);
	if (at + len > room)
		abort();
	memcpy(lines->text + at, line, len);
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
