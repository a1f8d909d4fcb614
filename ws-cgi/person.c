/*
 * person.c - tells persons from clients by what descriptors 1 and 2 are.
 */

#include <stdarg.h>
#include <stdio.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "arrive/webserver.h"
#include "log.h"
#include "name.h"
#include "person.h"

enum { TEXT = 1024 };

/* There arrive_clean leaves a standard error that was the client, or none. */
static bool
is_nowhere(int fd)
{
	struct stat st, null;

	return fstat(fd, &st) == 0 && stat("/dev/null", &null) == 0 &&
	    S_ISCHR(st.st_mode) && st.st_rdev == null.st_rdev;
}

void
person_told(const char *format, ...)
{
	char text[TEXT];
	va_list ap;

	va_start(ap, format);
	vsnprintf(text, sizeof(text), format, ap);
	va_end(ap);
	if (is_nowhere(STDERR_FILENO))
		log_line("%s", text);
	else
		fprintf(stderr, "%s: %s\n", program_name, text);
}

/* sshd too makes descriptor 1 a Unix socket, but 2 is another one then. */
bool
person_reads(void)
{
	struct sockaddr_storage ss = { 0 };
	socklen_t len = sizeof(ss);

	if (webserver_is_there())
		return false;
	if (getsockname(STDOUT_FILENO, (struct sockaddr *)&ss, &len) == -1)
		return true;
	return ss.ss_family == AF_UNIX && !is_nowhere(STDERR_FILENO);
}
