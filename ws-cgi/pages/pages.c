/*
 * pages.c - the answer to a request for a file: its head, and what of it was
 * asked for.  Knows no other way to a file than file_open.
 */

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "console.h"
#include "file.h"
#include "http.h"
#include "pages.h"
#include "range.h"
#include "type.h"
#include "validator.h"

enum {
	SMALL = 65536, /* bytes that are sent together with the head */
	HEAD = 1024,
	FIELD = 128
};

struct page {
	int fd;
	int64_t size;
	const char *type;
	struct validator validator;
};

static bool
is_method(const struct talk *t, const char *method)
{
	return strcmp(ws_method(t->ws), method) == 0;
}

/* The fields that a 304 must repeat stand in all: RFC 9110 15.4.5. */
static int
page_head(struct talk *t, const struct page *p, int status, const char *fields)
{
	char head[HEAD], now[VALIDATOR_DATE];
	int n;

	validator_date(now, time(NULL));
	n = snprintf(head, sizeof(head),
	    "HTTP/1.1 %d %s\r\n"
	    "Connection: close\r\n"
	    "Date: %s\r\n"
	    "Last-Modified: %s\r\n"
	    "ETag: %s\r\n"
	    "Accept-Ranges: bytes\r\n"
	    "Cache-Control: no-cache\r\n"
	    "X-Content-Type-Options: nosniff\r\n"
	    "%s\r\n",
	    status, http_phrase(status), now, p->validator.date,
	    p->validator.tag, fields);
	return ws_answer(t->ws, status, head, (size_t)n);
}

/* The head of a file, or of a part of it. */
static int
page_content(struct talk *t, const struct page *p, int status,
    const struct range *r)
{
	char fields[2 * FIELD];
	int n;

	n = snprintf(fields, sizeof(fields),
	    "Content-Type: %s\r\n"
	    "Content-Length: %" PRId64 "\r\n",
	    p->type, r->size);
	if (status == 206)
		snprintf(fields + n, sizeof(fields) - (size_t)n,
		    "Content-Range: bytes %" PRId64 "-%" PRId64 "/%" PRId64
		    "\r\n",
		    r->first, r->first + r->size - 1, p->size);
	return page_head(t, p, status, fields);
}

/* Read a part that fits into memory.  Returns 0, or -1 if it is not there. */
static int
page_read(const struct page *p, const struct range *r, char *bytes)
{
	int64_t have = 0;
	ssize_t n;

	while (have < r->size) {
		n = pread(p->fd, bytes + have, (size_t)(r->size - have),
		    r->first + have);
		if (n == -1 && errno == EINTR)
			continue;
		if (n <= 0)
			return -1;
		have += n;
	}
	return 0;
}

/* One write for the head and a small file; a large one is never held. */
static void
page_send(struct talk *t, const struct page *p, int status,
    const struct range *r)
{
	char bytes[SMALL];

	if (r->size > SMALL) {
		if (page_content(t, p, status, r) == 0)
			ws_answer_file(t->ws, p->fd, r->first, r->size);
		return;
	}
	if (page_read(p, r, bytes) == -1)
		ws_refuse(t->ws, 503, NULL, "this page cannot be read now");
	else if (page_content(t, p, status, r) == 0)
		ws_answer(t->ws, status, bytes, (size_t)r->size);
}

/* RFC 9110 14.2: a part is what GET may ask for, and not HEAD. */
static void
page_get(struct talk *t, const struct page *p)
{
	const char *range = ws_header(t->ws, "Range");
	struct range r = { .size = p->size };
	char field[FIELD];
	int status = 200;

	if (range != NULL && validator_range(&p->validator, t->ws))
		status = range_read(&r, range, p->size);
	if (status != 416) {
		page_send(t, p, status, &r);
		return;
	}
	snprintf(field, sizeof(field), "Content-Range: bytes */%" PRId64 "\r\n",
	    p->size);
	ws_refuse(t->ws, 416, field, "this page has no such part");
}

static void
page_answer(struct talk *t, const struct page *p)
{
	const struct range whole = { .size = p->size };

	switch (validator_check(&p->validator, t->ws)) {
	case 304:
		page_head(t, p, 304, "");
		break;
	case 412:
		ws_refuse(t->ws, 412, NULL, "this page is another one now");
		break;
	default:
		if (is_method(t, "HEAD"))
			page_content(t, p, 200, &whole);
		else
			page_get(t, p);
	}
}

/* RFC 9110 15.4.2: a directory without its slash would break its links. */
static void
page_redirect(struct talk *t)
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
page_refuse(struct talk *t, int error)
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
page_opened(struct talk *t, int fd)
{
	const char *path = t->request.path;
	struct stat st;
	struct page p;

	if (fstat(fd, &st) == -1)
		page_refuse(t, errno);
	else if (S_ISDIR(st.st_mode) && !is_directory_path(path))
		page_redirect(t);
	else if (!S_ISREG(st.st_mode))
		page_refuse(t, ENOENT);
	else {
		p = (struct page){ .fd = fd,
			.size = st.st_size,
			.type = type_of(path) };
		validator_of(&p.validator, &st);
		page_answer(t, &p);
	}
}

static int
page_open(const char *dir, const char *path)
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
	if ((fd = page_open(dir, path)) != -1) {
		page_opened(t, fd);
		close(fd);
	} else if (console && errno == ENOENT && strcmp(path, "/") == 0)
		console_answer(t);
	else
		page_refuse(t, errno);
}
