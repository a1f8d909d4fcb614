/*
 * pidfile.c - written beside its place, and then moved there.
 */

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "pidfile.h"

static int
write_pid(const char *path)
{
	const int flags = O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC;
	int fd = open(path, flags, 0644), n;

	if (fd == -1)
		return -1;
	n = dprintf(fd, "%d\n", (int)getpid());
	return close(fd) == -1 || n < 0 ? -1 : 0;
}

int
pidfile_begin(const char *path)
{
	char new[PATH_MAX];
	int n = snprintf(new, sizeof(new), "%s.%d", path, (int)getpid());

	if (n < 0 || n >= (int)sizeof(new)) {
		errno = ENAMETOOLONG;
		return -1;
	}
	unlink(new); /* of another process, long ago */
	if (write_pid(new) == 0 && rename(new, path) == 0)
		return 0;
	n = errno;
	unlink(new);
	errno = n;
	return -1;
}

void
pidfile_end(const char *path)
{
	char text[16] = { 0 };
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	ssize_t n;

	if (fd == -1)
		return;
	n = read(fd, text, sizeof(text) - 1);
	close(fd);
	if (n > 0 && strtol(text, NULL, 10) == getpid())
		unlink(path);
}
