/*
 * file.c - a path is opened by the kernel in one step that never leaves the
 * directory nor follows a link: openat2(2).  Where there is none, it is walked
 * name by name, each opened below the one before, which comes to the same.
 */

#include <errno.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "file.h"

/* A fifo or a device must not hold us, nor become our terminal. */
enum { HOW = O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY };

/* The names that are served: of a path without its first slash. */
static bool
are_plain(const char *path)
{
	const char *name = path;
	size_t len;

	for (;; name += len + 1) {
		len = strcspn(name, "/");
		if (len == 0 || *name == '.')
			return false;
		for (size_t i = 0; i < len; i++)
			if ((unsigned char)name[i] < ' ' || name[i] == '\\' ||
			    name[i] == 0x7f)
				return false;
		if (name[len] == '\0')
			return true;
	}
}

static int
file_walk(int dir, char *path)
{
	char *name, *rest = path;
	int fd = dir, next;

	while (fd != -1 && (name = strsep(&rest, "/")) != NULL) {
		next = openat(fd, name,
		    HOW | O_NOFOLLOW | (rest == NULL ? 0 : O_DIRECTORY));
		if (fd != dir)
			close(fd);
		fd = next;
	}
	return fd;
}

/*
 * A kernel before 5.6 says ENOSYS, and a filter of system calls that is as old
 * says EPERM, which openat2 itself has no reason for here.
 */
static int
file_below(int dir, char *path)
{
	const struct open_how how = {
		.flags = HOW,
		.resolve = RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS |
		    RESOLVE_NO_MAGICLINKS,
	};
	long fd = syscall(SYS_openat2, dir, path, &how, sizeof(how));

	if (fd == -1 && (errno == ENOSYS || errno == EPERM))
		return file_walk(dir, path);
	return (int)fd;
}

int
file_open(const char *dir, const char *path)
{
	const size_t len = strlen(path);
	char *name;
	int top, fd = -1, error;

	if (asprintf(&name, "%s%s", path + 1,
		path[len - 1] == '/' ? "index.html" : "") == -1)
		return -1;
	if (!are_plain(name))
		errno = ENOENT;
	else if ((top = open(dir, O_PATH | O_DIRECTORY | O_CLOEXEC)) != -1) {
		fd = file_below(top, name);
		error = errno;
		close(top);
		errno = error;
	}
	error = errno;
	free(name);
	errno = error;
	return fd;
}
