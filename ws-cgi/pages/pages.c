/*
 * pages.c - plain files.  A path is walked name by name from the directory on,
 * each opened below the one before, so that neither dots nor links nor a race
 * with either lead out of it.
 */

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "http.h"
#include "pages.h"

enum { CHUNK = 65536 };

static const struct page_type {
	const char *suffix;
	const char *type;
} page_types[] = {
	{ ".html", "text/html; charset=utf-8" },
	{ ".js", "text/javascript; charset=utf-8" },
	{ ".mjs", "text/javascript; charset=utf-8" },
	{ ".css", "text/css; charset=utf-8" },
	{ ".txt", "text/plain; charset=utf-8" },
	{ ".json", "application/json" },
	{ ".svg", "image/svg+xml" },
	{ ".png", "image/png" },
	{ ".jpg", "image/jpeg" },
	{ ".jpeg", "image/jpeg" },
	{ ".gif", "image/gif" },
	{ ".webp", "image/webp" },
	{ ".ico", "image/x-icon" },
	{ ".wasm", "application/wasm" },
	{ ".pdf", "application/pdf" },
};

static const char *
page_type(const char *path)
{
	const size_t n = sizeof(page_types) / sizeof(page_types[0]);
	const char *suffix = strrchr(path, '.');

	for (size_t i = 0; suffix != NULL && i < n; i++)
		if (strcmp(suffix, page_types[i].suffix) == 0)
			return page_types[i].type;
	return "application/octet-stream";
}

static int
page_step(int dir, const char *name, bool last)
{
	const int how = O_RDONLY | O_NOFOLLOW | O_CLOEXEC | O_NONBLOCK;

	if (*name == '.') {
		errno = ENOENT;
		return -1;
	}
	return openat(dir, name, last ? how : how | O_DIRECTORY);
}

/* Open a path whose names are separated by single slashes. */
static int
page_walk(const char *dir, char *path)
{
	int fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	char *name, *rest = path;
	int next;

	while (fd != -1 && (name = strsep(&rest, "/")) != NULL) {
		next = page_step(fd, *name == '\0' ? "." : name, rest == NULL);
		close(fd);
		fd = next;
	}
	return fd;
}

/* A directory's page is index.html. */
static int
page_open(const char *dir, const char *path)
{
	size_t len = strlen(path);
	char *name;
	int fd;

	if (asprintf(&name, "%s%s", path + 1,
		path[len - 1] == '/' ? "index.html" : "") == -1)
		return -1;
	fd = page_walk(dir, name);
	free(name);
	return fd;
}

static void
page_send(struct talk *t, int fd, off_t size)
{
	char bytes[CHUNK];
	ssize_t n;

	while (size > 0) {
		n = read(fd, bytes,
		    size < CHUNK ? (size_t)size : sizeof(bytes));
		if (n == -1 && errno == EINTR)
			continue;
		if (n <= 0) /* cut short under our hands: the length tells */
			return;
		if (ws_answer(t->ws, 200, bytes, (size_t)n) == -1)
			return;
		size -= n;
	}
}

static void
page_answer(struct talk *t, int fd, const struct stat *st)
{
	const char *path = t->request.path;
	char head[512];
	int n;

	n = snprintf(head, sizeof(head),
	    "HTTP/1.1 200 OK\r\n"
	    "Connection: close\r\n"
	    "Content-Type: %s\r\n"
	    "Content-Length: %lld\r\n"
	    "Cache-Control: no-cache\r\n"
	    "X-Content-Type-Options: nosniff\r\n"
	    "\r\n",
	    page_type(path[strlen(path) - 1] == '/' ? ".html" : path),
	    (long long)st->st_size);
	if (ws_answer(t->ws, 200, head, (size_t)n) == -1)
		return;
	if (strcmp(ws_method(t->ws), "HEAD") != 0)
		page_send(t, fd, st->st_size);
}

/* RFC 9110 15.4.2: a directory without its slash would break its links. */
static void
page_redirect(struct talk *t)
{
	char *location;
	size_t len = strcspn(t->request.uri, "?");

	if (asprintf(&location, "Location: %.*s/\r\n", (int)len,
		t->request.uri) == -1) {
		ws_refuse(t->ws, 503, NULL, "no memory");
		return;
	}
	ws_refuse(t->ws, 301, location, "this directory is at its name and /");
	free(location);
}

static void
page_refuse(struct talk *t, int error)
{
	if (error == EMFILE || error == ENFILE || error == ENOMEM)
		ws_refuse(t->ws, 503, NULL, "too busy to open this page");
	else if (error == EACCES)
		ws_refuse(t->ws, 403, NULL, "this page may not be read");
	else
		ws_refuse(t->ws, 404, NULL, "there is no such page");
}

void
pages_serve(struct talk *t, const char *dir)
{
	const char *method = ws_method(t->ws);
	struct stat st;
	int fd;

	if (strcmp(method, "GET") != 0 && strcmp(method, "HEAD") != 0) {
		ws_refuse(t->ws, 405, NULL, "pages are read with GET or HEAD");
		return;
	}
	if ((fd = page_open(dir, t->request.path)) == -1) {
		page_refuse(t, errno);
		return;
	}
	if (fstat(fd, &st) == -1)
		page_refuse(t, errno);
	else if (S_ISDIR(st.st_mode))
		page_redirect(t);
	else if (!S_ISREG(st.st_mode))
		page_refuse(t, ENOENT);
	else
		page_answer(t, fd, &st);
	close(fd);
}
