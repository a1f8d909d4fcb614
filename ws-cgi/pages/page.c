/*
 * page.c - the answer to a request for a file: its head, and what of it was
 * asked for.
 */

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "page.h"
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
is_head(const struct talk *t)
{
	return strcmp(ws_method(t->ws), "HEAD") == 0;
}

/* The fields that a 304 must repeat stand in all: RFC 9110 15.4.5. */
static int
page_head(struct talk *t, const struct page *p, int status, const char *fields)
{
	char head[HEAD];

	snprintf(head, sizeof(head),
	    "Last-Modified: %s\r\n"
	    "ETag: %s\r\n"
	    "Accept-Ranges: bytes\r\n"
	    "Cache-Control: no-cache\r\n"
	    "X-Content-Type-Options: nosniff\r\n"
	    "%s",
	    p->validator.date, p->validator.tag, fields);
	return ws_answer(t->ws, status, head);
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

/*
 * One write for the head and a small file.  An array for the largest of them
 * would cost a page fault for each 4 KiB, used or not.
 */
static void
page_send_small(struct talk *t, const struct page *p, int status,
    const struct range *r)
{
	char *bytes = malloc((size_t)r->size + 1);

	if (bytes == NULL || page_read(p, r, bytes) == -1)
		ws_refuse(t->ws, 503, NULL, "this page cannot be read now");
	else if (page_content(t, p, status, r) == 0)
		ws_answer_data(t->ws, bytes, (size_t)r->size);
	free(bytes);
}

/* A large file is never held. */
static void
page_send(struct talk *t, const struct page *p, int status,
    const struct range *r)
{
	if (r->size <= SMALL)
		page_send_small(t, p, status, r);
	else if (page_content(t, p, status, r) == 0)
		ws_answer_file(t->ws, p->fd, r->first, r->size);
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
page_choose(struct talk *t, const struct page *p)
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
		if (is_head(t))
			page_content(t, p, 200, &whole);
		else
			page_get(t, p);
	}
}

void
page_answer(struct talk *t, int fd, const struct stat *st)
{
	struct page p = {
		.fd = fd,
		.size = st->st_size,
		.type = type_of(t->request.path),
	};

	validator_of(&p.validator, st);
	page_choose(t, &p);
}
