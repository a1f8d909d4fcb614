/*
 * clean.c - what a parent may have left, and nobody wants.  Limits, niceness
 * and umask are left alone: an administrator sets them on purpose.
 */

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "arrive.h"
#include "signals.h"
#include "sink.h"

/* Else a file that is opened would get the number of one of them. */
static void
open_missing(void)
{
	for (int fd = STDIN_FILENO; fd <= STDERR_FILENO; fd++)
		if (fcntl(fd, F_GETFD) == -1)
			open("/dev/null",
			    fd == STDIN_FILENO ? O_RDONLY : O_WRONLY);
}

static bool
is_same_socket(int fd, const struct stat *err)
{
	struct stat st;

	return fstat(fd, &st) == 0 && st.st_dev == err->st_dev &&
	    st.st_ino == err->st_ino;
}

/*
 * inetd makes descriptor 2 the connection as well; what is logged there would
 * reach the client as if it were frames.
 */
static void
free_standard_error(void)
{
	struct stat err;
	int fd;

	if (fstat(STDERR_FILENO, &err) == -1 || !S_ISSOCK(err.st_mode) ||
	    (!is_same_socket(STDIN_FILENO, &err) &&
		!is_same_socket(STDOUT_FILENO, &err)))
		return;
	sink_syslog();
	if ((fd = open("/dev/null", O_WRONLY | O_CLOEXEC)) == -1) {
		close(STDERR_FILENO);
		return;
	}
	dup2(fd, STDERR_FILENO);
	close(fd);
}

void
arrive_clean(void)
{
	alarm(0);
	signals_early();
	open_missing();
	free_standard_error();
}

void
arrive_free(struct arrival *a)
{
	buf_free(&a->early);
}
