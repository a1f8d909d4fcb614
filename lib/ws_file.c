/*
 * ws_file.c - an answer's bytes straight from a file: they pass through no
 * memory of ours, and by no queue, which is sent first.
 */

#include <errno.h>
#include <string.h>

#include "clock.h"
#include "conn.h"

/*
 * Wait for room.  A socket may call itself full until a third of its buffer is
 * free, which for a slow peer can take long: after the wait it is tried again.
 */
static int
file_wait(struct ws *ws)
{
	if (clock_until(ws->stuck) == 0)
		return conn_gone(ws, "it takes no more bytes");
	if (wire_writable(&ws->wire, clock_until(ws->stuck)) == -1 &&
	    errno != ETIMEDOUT && errno != EINTR)
		return conn_gone(ws, strerror(errno));
	return conn_stopped(ws);
}

/* Send what goes at once, or wait until some may. */
static int
file_give(struct ws *ws, int fd, off_t *at, int64_t len)
{
	ssize_t n = wire_give_file(&ws->wire, fd, at, (size_t)len);

	if (n == 0)
		return conn_fail(ws, WS_INTERNAL,
		    "the file has become shorter");
	if (n == -1 && (errno == EAGAIN || errno == EINTR))
		return file_wait(ws);
	if (n == -1)
		return conn_gone(ws, strerror(errno));
	ws->stuck = clock_in(ws->conf.write);
	return 0;
}

int
ws_answer_file(struct ws *ws, int fd, int64_t at, int64_t len)
{
	const int64_t end = at + len;
	off_t next = at;

	if (conn_failed(ws) || conn_flush(ws) == -1)
		return -1;
	if (wire_unblock(&ws->wire) == -1)
		return conn_fail(ws, WS_INTERNAL, "fcntl: %s", strerror(errno));
	ws->stuck = clock_in(ws->conf.write);
	while (next < end)
		if (file_give(ws, fd, &next, end - next) == -1)
			return -1;
	ws->stuck = 0;
	return 0;
}
