/*
 * which.c - where a program is: a path, and nothing of it is started.
 */

#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "which.h"

static bool
is_program(const char *path)
{
	struct stat st;

	if (access(path, X_OK) == -1 || stat(path, &st) == -1)
		return false;
	if (!S_ISREG(st.st_mode))
		errno = EACCES;
	return S_ISREG(st.st_mode);
}

char *
which_program(const char *name)
{
	const char *dir = getenv("PATH");
	char *path;
	size_t len;

	if (dir == NULL)
		dir = WHICH_PATH;
	if (strchr(name, '/') != NULL)
		return is_program(name) ? strdup(name) : NULL;
	for (; dir != NULL; dir = dir[len] == ':' ? dir + len + 1 : NULL) {
		len = strcspn(dir, ":");
		if (asprintf(&path, "%.*s/%s", len == 0 ? 1 : (int)len,
			len == 0 ? "." : dir, name) == -1)
			return NULL;
		if (is_program(path))
			return path;
		free(path);
	}
	errno = ENOENT;
	return NULL;
}
