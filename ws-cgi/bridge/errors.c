/*
 * errors.c - standard error, line by line.  A line is held until it is whole,
 * or as long as any may be; what the client can't be told is in the log.
 */

#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "errors.h"
#include "format.h"

/* more: the line goes on in the next piece. */
static void
errors_tell(struct errors *e, const uint8_t *p, size_t len, bool more)
{
	if (e->format != NULL && e->format->error(e->talk, p, len) == 0)
		return;
	talk_note(e->talk, more ? "stderr..." : "stderr", p, len);
}

static void
errors_lines(struct errors *e)
{
	const uint8_t *head, *newline;
	size_t len;
	bool more;

	while (e->line.len > 0) {
		head = buf_head(&e->line);
		newline = memchr(head, '\n', e->line.len);
		len = newline == NULL ? e->line.len : (size_t)(newline - head);
		if (newline == NULL && len <= ERRORS_LONGEST)
			return;
		more = len > ERRORS_LONGEST;
		if (more)
			len = ERRORS_LONGEST;
		errors_tell(e, head, len, more);
		buf_drop(&e->line, more ? len : len + 1);
	}
}

bool
errors_take(struct errors *e, int fd)
{
	uint8_t *room = buf_room(&e->line, ERRORS_LONGEST);
	ssize_t n;

	if (room == NULL) {
		format_no_memory(e->talk);
		return false;
	}
	n = read(fd, room, ERRORS_LONGEST);
	if (n == -1)
		return errno == EAGAIN || errno == EINTR;
	buf_grow(&e->line, (size_t)n);
	errors_lines(e);
	buf_spare(&e->line, 0);
	return n > 0;
}

void
errors_end(struct errors *e)
{
	if (e->line.len > 0)
		errors_tell(e, buf_head(&e->line), e->line.len, false);
	buf_free(&e->line);
}
