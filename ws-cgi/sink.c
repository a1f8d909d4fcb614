/*
 * sink.c - a line to where its reader looks.  Promises that no process dies of
 * a file that is full or gone, and that a line which does not get there gets
 * somewhere; refuses to know what lines say.
 */

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <syslog.h>
#include <time.h>
#include <unistd.h>

#include "name.h"
#include "signals.h"
#include "sink.h"

#define VARIABLE "WS_CGI_LOG"

static bool to_syslog;

static struct {
	const char *path; /* or NULL */
	int fd;
	dev_t device; /* of what is open */
	ino_t inode;
	bool torn;    /* its last line has no end */
	bool failing; /* and that has been told */
} file = { .fd = -1 };

void
sink_syslog(void)
{
	openlog(program_name, LOG_PID, LOG_DAEMON);
	to_syslog = true;
}

bool
sink_stamps(void)
{
	return to_syslog && file.path == NULL;
}

/* From now on this is the file.  A torn line, if any, is not in it. */
static int
use(int fd)
{
	struct stat st;

	if (fstat(fd, &st) == -1)
		return -1;
	if (file.fd != -1)
		close(file.fd);
	file.fd = fd;
	file.device = st.st_dev;
	file.inode = st.st_ino;
	file.torn = false;
	return 0;
}

static int
open_anew(void)
{
	const int flags = O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC |
	    O_NOFOLLOW | O_NOCTTY | O_NONBLOCK;
	const int fd = open(file.path, flags, 0640);

	if (fd == -1)
		return -1;
	if (use(fd) == 0)
		return 0;
	close(fd);
	return -1;
}

/* What an earlier self has left open.  Returns 0, or -1 if there is nothing. */
static int
use_passed(void)
{
	const char *text = getenv(VARIABLE), *error;
	int fd;

	if (text == NULL)
		return -1;
	fd = (int)strtonum(text, STDERR_FILENO + 1, INT_MAX, &error);
	unsetenv(VARIABLE);
	if (error != NULL || fcntl(fd, F_SETFD, FD_CLOEXEC) == -1)
		return -1;
	return use(fd);
}

/* Past RLIMIT_FSIZE a write is to fail, not to kill. */
int
sink_file(const char *path)
{
	signal(SIGXFSZ, SIG_IGN);
	file.path = path;
	if (use_passed() == 0 || open_anew() == 0)
		return 0;
	file.path = NULL;
	return -1;
}

static bool
is_current(void)
{
	struct stat st;

	return lstat(file.path, &st) == 0 && st.st_dev == file.device &&
	    st.st_ino == file.inode;
}

/* Returns 0, or -1 with errno when not all could be written. */
static int
write_all(int fd, const char *p, size_t len, size_t *written)
{
	ssize_t n;

	for (*written = 0; *written < len; *written += (size_t)n) {
		n = write(fd, p + *written, len - *written);
		if (n == -1 && errno == EINTR && signals_stop == 0)
			n = 0;
		if (n == -1)
			return -1;
	}
	return 0;
}

static int
write_file(const char *line, size_t len)
{
	size_t written;

	if (file.torn && write_all(file.fd, "\n", 1, &written) == -1)
		return -1;
	file.torn = false;
	if (write_all(file.fd, line, len, &written) == 0)
		return 0;
	file.torn = written > 0;
	return -1;
}

/* If that fails too, there is nobody left to tell. */
static void
write_elsewhere(const char *line, size_t len)
{
	size_t written;

	if (to_syslog)
		syslog(LOG_INFO, "%.*s", (int)len - 1, line);
	else
		write_all(STDERR_FILENO, line, len, &written);
}

const char *
sink_write(const char *line, size_t len)
{
	const bool told = file.failing;
	int error = 0;

	if (file.path == NULL) {
		write_elsewhere(line, len);
		return NULL;
	}
	if (!is_current() && open_anew() == -1)
		error = errno;
	if (write_file(line, len) == -1) {
		error = errno;
		write_elsewhere(line, len);
	}
	file.failing = error != 0;
	errno = error;
	return error != 0 && !told ? file.path : NULL;
}

/* The connection to syslog is made again when it is wanted. */
void
sink_closefrom(int first)
{
	if (to_syslog) {
		closelog();
		sink_syslog();
	}
	for (int fd = first; fd < file.fd; fd++)
		close(fd);
	closefrom(file.fd < first ? first : file.fd + 1);
}

bool
sink_holds(int fd)
{
	return file.path != NULL && fd == file.fd;
}

/* syslog(3) stamps lines with local time, for which it reads a file. */
void
sink_settle(struct sink_needs *needs)
{
	struct stat st;

	if (to_syslog)
		tzset();
	needs->path = file.path;
	needs->file = file.path != NULL ||
	    (fstat(STDERR_FILENO, &st) == 0 && S_ISREG(st.st_mode));
	needs->syslog = to_syslog;
}

void
sink_pass(bool on)
{
	char text[16];

	if (file.path == NULL)
		return;
	fcntl(file.fd, F_SETFD, on ? 0 : FD_CLOEXEC);
	snprintf(text, sizeof(text), "%d", file.fd);
	if (!on || setenv(VARIABLE, text, 1) == -1)
		unsetenv(VARIABLE);
}
