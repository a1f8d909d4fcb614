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

void
errors_begin(struct errors *e, struct talk *t)
{
	*e = (struct errors){ .talk = t };
	buf_lend(&e->line, e->some, sizeof(e->some));
}

/* Returns what read(2) does, or 1 where there is nothing now. */
static ssize_t
read_some(struct errors *e, int fd, size_t most)
{
	uint8_t *room = buf_room(&e->line, most);
	ssize_t n;

	if (room == NULL) {
		format_no_memory(e->talk);
		return 0;
	}
	n = read(fd, room, most);
	if (n == -1 && (errno == EAGAIN || errno == EINTR))
		return 1;
	if (n > 0)
		buf_grow(&e->line, (size_t)n);
	return n;
}

/* Few bytes come mostly; where there are more, all that a pipe holds. */
bool
errors_take(struct errors *e, int fd)
{
	ssize_t n = read_some(e, fd, sizeof(e->some));

	if (n == sizeof(e->some))
		n = read_some(e, fd, ERRORS_LONGEST);
	errors_lines(e);
	buf_spare(&e->line, sizeof(e->some));
	return n > 0;
}

void
errors_end(struct errors *e)
{
	if (e->line.len > 0)
		errors_tell(e, buf_head(&e->line), e->line.len, false);
	buf_free(&e->line);
}
