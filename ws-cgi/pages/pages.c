/*
 * pages.c - which file, if any, a request is for.  Knows no other way to one
 * than file_open.
 */

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "console.h"
#include "file.h"
#include "page.h"
#include "pages.h"

static bool
is_method(const struct talk *t, const char *method)
{
	return strcmp(ws_method(t->ws), method) == 0;
}

/* RFC 9110 15.4.2: a directory without its slash would break its links. */
static void
pages_redirect(struct talk *t)
{
	const char *uri = t->request.uri;
	size_t len = strcspn(uri, "?");
	char *location;

	if (asprintf(&location, "Location: %.*s/%s\r\n", (int)len, uri,
		uri + len) == -1) {
		ws_refuse(t->ws, 503, NULL, "no memory");
		return;
	}
	ws_refuse(t->ws, 301, location, "this directory is at its name and /");
	free(location);
}

static void
pages_refuse(struct talk *t, int error)
{
	if (error == EMFILE || error == ENFILE || error == ENOMEM)
		ws_refuse(t->ws, 503, NULL, "too busy to open this page");
	else if (error == EACCES)
		ws_refuse(t->ws, 403, NULL, "this page may not be read");
	else
		ws_refuse(t->ws, 404, NULL, "there is no such page");
}

static bool
is_directory_path(const char *path)
{
	return path[strlen(path) - 1] == '/';
}

/* What is open is a page, a directory, or nothing for others to see. */
static void
pages_opened(struct talk *t, int fd)
{
	const char *path = t->request.path;
	struct stat st;

	if (fstat(fd, &st) == -1)
		pages_refuse(t, errno);
	else if (S_ISDIR(st.st_mode) && !is_directory_path(path))
		pages_redirect(t);
	else if (!S_ISREG(st.st_mode))
		pages_refuse(t, ENOENT);
	else
		page_answer(t, fd, &st);
}

static int
pages_open(const char *dir, const char *path)
{
	if (dir != NULL)
		return file_open(dir, path);
	errno = ENOENT;
	return -1;
}

void
pages_serve(struct talk *t, const char *dir, bool console)
{
	const char *path = t->request.path;
	int fd;

	if (!is_method(t, "GET") && !is_method(t, "HEAD")) {
		/* beside the GET that every 405 names */
		ws_refuse(t->ws, 405, "Allow: HEAD\r\n",
		    "pages are read with GET or HEAD");
		return;
	}
	if ((fd = pages_open(dir, path)) != -1) {
		pages_opened(t, fd);
		close(fd);
	} else if (console && errno == ENOENT && strcmp(path, "/") == 0)
		console_answer(t);
	else
		pages_refuse(t, errno);
}
