/*
 * ws_seen.c - what passes, for who wants to see it: heads of the handshake as
 * lines, and frames.  It is shown as it came; refuses to know what of it is
 * secret, and how it looks on paper.
 */

#include <string.h>

#include "conn.h"

/* A line of a head holds no control character but tabs: RFC 9110 5.5. */
static bool
is_text(const uint8_t *p, size_t n)
{
	for (; n > 0; p++, n--)
		if ((*p < 0x20 && *p != '\t') || *p == 0x7f)
			return false;
	return true;
}

/* The line at p with its end; *text is how much of it stands before CR LF. */
static size_t
line_size(const uint8_t *p, size_t n, size_t *text)
{
	const uint8_t *lf = memchr(p, '\n', n);
	size_t size = lf == NULL ? n : (size_t)(lf - p) + 1;

	*text = size;
	if (lf != NULL && lf > p && lf[-1] == '\r')
		*text -= 2;
	return size;
}

/*
 * Up to the empty line.  What is behind a line that is none of a head may be
 * anything, and is left out.
 */
void
conn_seen_head(const struct ws *ws, bool ours, const void *head, size_t n)
{
	struct ws_seen seen = { .ours = ours, .line = true };
	const uint8_t *p = head;
	bool started = false;
	size_t size;

	for (; ws->seen != NULL && n > 0; p += size, n -= size) {
		size = line_size(p, n, &seen.len);
		if (seen.len == 0 && started)
			return;
		if (seen.len == 0)
			continue;
		started = true;
		seen.data = p;
		ws->seen(ws->seen_arg, &seen);
		if (!is_text(p, seen.len))
			return;
	}
}

static void
show_frame(const struct ws *ws, bool ours, const struct frame *f,
    const uint8_t *p, size_t n)
{
	const struct ws_seen seen = {
		.ours = ours,
		.data = p,
		.len = n,
		.fin = f->fin,
		.masked = f->masked,
		.rsv = f->rsv,
		.opcode = f->opcode,
		.length = f->length,
	};

	ws->seen(ws->seen_arg, &seen);
}

static void
show_received(void *arg, const struct frame *f, const uint8_t *p, size_t n)
{
	show_frame(arg, false, f, p, n);
}

void
conn_seen_frame(const struct ws *ws, const struct frame *f,
    const uint8_t *payload)
{
	if (ws->seen != NULL)
		show_frame(ws, true, f, payload, message_shown(f));
}

void
ws_on_wire(struct ws *ws, void (*seen)(void *, const struct ws_seen *),
    void *arg)
{
	ws->seen = seen;
	ws->seen_arg = arg;
	ws->get.show = seen == NULL ? NULL : show_received;
	ws->get.show_arg = ws;
}
