/*
 * shed.c - turning away at little cost.  The stream is closed in order: a
 * socket that is closed while input waits in it sends a reset, which can
 * overtake the answer.
 */

#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "aside.h"
#include "clock.h"
#include "shed.h"

enum {
	PATIENCE = 1000, /* ms for each */
	PIECE = 65536,	 /* bytes thrown away by one call */
	READS = 16	 /* such calls: who sends more is no lost browser */
};

static const char answer[] = "HTTP/1.1 503 Service Unavailable\r\n"
			     "Content-Type: text/plain; charset=utf-8\r\n"
			     "Content-Length: 32\r\n"
			     "Retry-After: 5\r\n"
			     "Connection: close\r\n"
			     "\r\n"
			     "all places are taken, try again\n";

/* Fatal, internal_error, in a record of its own: RFC 8446 5.1, 6. */
static const char alert[] = { 0x15, 3, 3, 0, 2, 2, 80 };

void
shed_add(struct shed *s, int fd, bool tls)
{
	const size_t size = tls ? sizeof(alert) : sizeof(answer) - 1;

	if (s->count == SHED_MAX ||
	    send(fd, tls ? alert : answer, size, MSG_NOSIGNAL | MSG_DONTWAIT) !=
		(ssize_t)size ||
	    shutdown(fd, SHUT_WR) == -1) {
		close(fd);
		return;
	}
	s->at[s->count].fd = fd;
	s->at[s->count].reads = READS;
	s->at[s->count++].until = clock_in(PATIENCE);
}

void
shed_prepare(const struct shed *s, struct pollfd *pfd)
{
	for (int i = 0; i < s->count; i++)
		pfd[i] = (struct pollfd){ .fd = s->at[i].fd, .events = POLLIN };
}

int64_t
shed_until(const struct shed *s)
{
	int64_t first = CLOCK_NEVER;

	for (int i = 0; i < s->count; i++)
		if (s->at[i].until < first)
			first = s->at[i].until;
	return first;
}

/*
 * Returns false at the end of the stream.  The kernel copies nothing from TCP
 * for MSG_TRUNC, tcp(7); a Unix socket does not know it and fills the buffer,
 * which is kept from what each child copies.
 */
static bool
throw_away(int fd)
{
	static ASIDE char nothing[PIECE];
	ssize_t n =
	    recv(fd, nothing, sizeof(nothing), MSG_TRUNC | MSG_DONTWAIT);

	return n > 0 || (n == -1 && (errno == EAGAIN || errno == EINTR));
}

void
shed_work(struct shed *s, const struct pollfd *pfd)
{
	for (int i = s->count - 1; i >= 0; i--) {
		bool stays = clock_until(s->at[i].until) > 0;

		if (stays && pfd[i].revents != 0)
			stays = s->at[i].reads-- > 0 && throw_away(s->at[i].fd);
		if (stays)
			continue;
		close(s->at[i].fd);
		s->at[i] = s->at[--s->count];
	}
}

void
shed_close(struct shed *s)
{
	while (s->count > 0)
		close(s->at[--s->count].fd);
}
