/*
 * clean.c - what a parent may have left, and nobody wants.  Limits, niceness
 * and umask are left alone: an administrator sets them on purpose.
 */

#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "arrive.h"
#include "signals.h"
#include "sink.h"
#include "webserver.h"

/*
 * Else a file that is opened would get the number of one of them.  Where there
 * is nobody to read errors, syslog does.
 */
static void
open_missing(void)
{
	for (int fd = STDIN_FILENO; fd <= STDERR_FILENO; fd++) {
		if (fcntl(fd, F_GETFD) != -1)
			continue;
		open("/dev/null", fd == STDIN_FILENO ? O_RDONLY : O_WRONLY);
		if (fd == STDERR_FILENO)
			sink_syslog();
	}
}

static bool
is_same(int fd, const struct stat *err)
{
	struct stat st;

	return fstat(fd, &st) == 0 && st.st_dev == err->st_dev &&
	    st.st_ino == err->st_ino;
}

/* Persons too have a pipe for 1 and 2 alike: "2>&1 | less". */
static bool
may_reach_client(const struct stat *err)
{
	return S_ISSOCK(err->st_mode) ||
	    (S_ISFIFO(err->st_mode) && webserver_is_there());
}

/*
 * inetd makes descriptor 2 the connection as well, and mini-httpd makes it the
 * pipe of the answer; what is logged there would reach the client as if it
 * were frames.
 */
void
arrive_errors(int in, int out)
{
	struct stat err;
	int fd;

	if (fstat(STDERR_FILENO, &err) == -1 || !may_reach_client(&err) ||
	    (!is_same(in, &err) && !is_same(out, &err)))
		return;
	sink_syslog();
	if ((fd = open("/dev/null", O_WRONLY | O_CLOEXEC)) == -1) {
		close(STDERR_FILENO);
		return;
	}
	dup2(fd, STDERR_FILENO);
	close(fd);
}

/* Most names differ in their first letters, and strncmp(3) costs a call. */
static bool
is_same_name(const char *a, const char *b)
{
	for (; *a == *b && *a != '=' && *a != '\0'; a++)
		b++;
	return *a == *b;
}

static bool
is_repeated(const char *variable, char *const *end)
{
	for (char *const *v = environ; v != end; v++)
		if (is_same_name(*v, variable))
			return true;
	return false;
}

/*
 * Some web servers name a field's lines one by one.  The first counts, as for
 * getenv(3); a program that makes a table of them might find another.
 */
static void
forget_repeated(void)
{
	char **end = environ;

	for (char **v = environ; *v != NULL; v++)
		if (!is_repeated(*v, end))
			*end++ = *v;
	*end = NULL;
}

void
arrive_clean(void)
{
	alarm(0);
	signals_early();
	forget_repeated();
	open_missing();
	arrive_errors(STDIN_FILENO, STDOUT_FILENO);
}
