/*
 * fuzz_scgi.c - what scgi_read lets through is what a second reader finds
 * there, and no byte behind it is taken; and the head that is made of it ends
 * where its last line does, so that no value breaks out of its own.
 */

#include <stdio.h>
#include <sys/socket.h>
#include <unistd.h>

#include "arrive/scgi.h"
#include "cgi.h"
#include "clock.h"
#include "fuzz.h"
#include "http.h"

enum { PATIENCE = 5000 /* ms; nothing is waited for */ };

#ifdef PLANTED
/* The bug: what follows the comma is thought to be a line's end. */
static int
planted_read(struct scgi *s, int fd, int64_t until, const char **why)
{
	int status = scgi_read(s, fd, until, why);
	char end;

	if (status == 0)
		(void)!recv(fd, &end, 1, MSG_DONTWAIT);
	return status;
}
#define scgi_read planted_read
#endif

/* Bytes that can be read, and then the end. */
static int
said(const uint8_t *p, size_t n)
{
	int fd[2];

	must(socketpair(AF_UNIX, SOCK_STREAM, 0, fd) == 0);
	must(n == 0 || send(fd[0], p, n, 0) == (ssize_t)n);
	close(fd[0]);
	return fd[1];
}

static size_t
count_rest(int fd)
{
	static char bytes[65536];
	size_t rest = 0;
	ssize_t n;

	while ((n = recv(fd, bytes, sizeof(bytes), 0)) > 0)
		rest += (size_t)n;
	must(n == 0);
	return rest;
}

/* One string of what was said, at the front of a variable or behind its "=". */
static const uint8_t *
compare(const uint8_t *p, const char *text, size_t len)
{
	must(strlen((const char *)p) == len && memcmp(p, text, len) == 0);
	return p + len + 1;
}

/* Returns the bytes up to the end of the comma. */
static size_t
second_reads(const struct scgi *s, const uint8_t *p, size_t n)
{
	char *colon;
	const size_t size = strtoul((const char *)p, &colon, 10);
	const uint8_t *text = (const uint8_t *)colon + 1, *end = text + size;

	must(*colon == ':' && size <= SCGI_MAX && end < p + n && *end == ',');
	must(end[-1] == '\0');
	text = compare(text, "CONTENT_LENGTH", 14);
	text += strlen((const char *)text) + 1;
	for (char **v = s->vars; *v != NULL; v++) {
		const size_t name = strcspn(*v, "=");

		must(name > 0 && (*v)[name] == '=');
		text = compare(text, *v, name);
		text = compare(text, *v + name + 1, strlen(*v + name + 1));
	}
	must(text == end);
	return (size_t)(end + 1 - p);
}

static void
check_head(const struct scgi *s)
{
	struct http_scan scan = { 0 };
	struct buf head = { 0 };
	const char *why = NULL;
	int status = cgi_head(&head, s->vars, &why);
	struct http h;
	long size;

	must(status == 0 || status == 400);
	must(status == 0 || why != NULL);
	if (status == 0) {
		size =
		    http_end(&scan, buf_head(&head), head.len, &status, &why);
		must(size == -1 || (size_t)size == head.len);
		must(buf_add(&head, "", 1) == 0);
		if (size > 0 &&
		    http_request(&h, (char *)buf_head(&head), &why) == 0)
			must(strpbrk(h.target, " \r\n") == NULL);
	}
	buf_free(&head);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const char *why = NULL;
	struct input in;
	struct scgi s;
	int fd, status;

	if (!input_read(&in, data, size))
		return 0;
	fd = said(in.p, in.n);
	status = scgi_read(&s, fd, clock_in(PATIENCE), &why);
	must(status == 0 || status == -1 || status == 400);
	must(status == 0 || why != NULL);
	if (status == 0) {
		uint8_t *text = copy_of(in.p, in.n);

		must(count_rest(fd) == in.n - second_reads(&s, text, in.n));
		check_head(&s);
		free(text);
	}
	scgi_free(&s);
	close(fd);
	return 0;
}
