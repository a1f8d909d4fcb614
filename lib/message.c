/*
 * message.c - from frames to messages.  Promises that what it hands on is a
 * sequence of messages that RFC 6455 allows, checked at the first byte that
 * tells; refuses to know where the bytes come from and where messages go.
 */

#include <string.h>

#include "mask.h"
#include "message.h"

enum {
	PROTOCOL_ERROR = 1002, /* RFC 6455 7.4.1 */
	INVALID_DATA = 1007,
	TOO_BIG = 1009,
	NO_CODE = 1005
};

size_t
message_shown(const struct frame *f)
{
	const size_t max =
	    frame_is_control(f) ? FRAME_CONTROL_MAX : MESSAGE_SHOWN;

	return f->length < max ? (size_t)f->length : max;
}

/* Show the frame, once, with what is here of its payload. */
static void
message_show(struct message *m)
{
	const size_t max = message_shown(&m->frame);

	if (m->show == NULL || m->shown)
		return;
	m->shown = true;
	m->show(m->show_arg, &m->frame, m->first,
	    m->at < max ? (size_t)m->at : max);
}

/* A frame that breaks a rule is shown as far as it is here. */
static int
message_fail(struct message *m, int code, const char *why)
{
	m->code = code;
	m->why = why;
	message_show(m);
	return -1;
}

/* Keep what stands first in a payload, n bytes of which are at p. */
static void
message_keep(struct message *m, const uint8_t *p, size_t n)
{
	const size_t max = message_shown(&m->frame);
	size_t room = m->at < max ? max - (size_t)m->at : 0;

	if (n > room)
		n = room;
	if (n > 0)
		memcpy(m->first + m->at, p, n);
}

/* The frame at p will never be taken: make ready to show it. */
static void
message_peek(struct message *m, const uint8_t *p, size_t size)
{
	size_t head = frame_peek(&m->frame, p, size);
	size_t n = message_shown(&m->frame);

	m->shown = false;
	m->at = 0;
	if (head == 0)
		return;
	if (n > size - head)
		n = size - head;
	message_keep(m, p + head, n);
	if (m->frame.masked)
		mask_apply(m->first, n, m->frame.key, 0);
	m->at = n;
}

void
message_cut(struct message *m, const uint8_t *p, size_t size)
{
	if (m->code != 0 || (!m->in_frame && size == 0))
		return;
	if (!m->in_frame)
		message_peek(m, p, size);
	message_show(m);
}

/*
 * RFC 6455 5.4: which frame may come now, and RFC 6455 5.2: with which bits.
 * Of its head this many bytes are known.
 */
static const char *
message_wrong(const struct message *m, const struct frame *f, size_t known)
{
	uint8_t rsv = 0;

	if (known > 1 && f->masked != m->masked)
		return m->masked ? "a frame from the client is not masked" :
				   "a frame from the server is masked";
	if (f->opcode == FRAME_TEXT || f->opcode == FRAME_BINARY)
		rsv = m->rsv;
	if ((f->rsv & ~rsv) != 0)
		return "a frame has a reserved bit set";
	if (frame_is_control(f))
		return NULL;
	if (f->opcode == FRAME_CONTINUATION && m->opcode == 0)
		return "a continuation frame continues no message";
	if (f->opcode != FRAME_CONTINUATION && m->opcode != 0)
		return "a message begins inside a fragmented one";
	return NULL;
}

/*
 * Read a head, and check as much of it as is there.  Returns as frame_head
 * does.
 */
static int
message_head(struct message *m, const uint8_t *p, size_t size)
{
	const char *why = NULL;
	int head = frame_head(&m->frame, p, size, &why);

	if (head != -1 && size > 0)
		why = message_wrong(m, &m->frame, size);
	if (why == NULL)
		return head;
	message_peek(m, p, size);
	return message_fail(m, PROTOCOL_ERROR, why);
}

/*
 * What may come of the message.  If it is compressed, who inflates it compares
 * with the limit; what cannot be compressed has become longer, by an eighth at
 * most, see deflateBound in zlib.h.
 */
static uint64_t
message_room(const struct message *m)
{
	const uint64_t longer = m->rsv_seen == 0 ? 0 : m->max / 8 + 64;
	const uint64_t most =
	    m->max > UINT64_MAX - longer ? UINT64_MAX : m->max + longer;

	return most - m->have;
}

/* A head has come: open the message that it begins. */
static int
message_begin(struct message *m)
{
	const struct frame *f = &m->frame;

	m->in_frame = true;
	m->shown = false;
	m->at = 0;
	if (frame_is_control(f))
		return 0;
	if (f->opcode != FRAME_CONTINUATION) {
		m->opcode = f->opcode;
		m->rsv_seen = f->rsv;
		m->have = 0;
		m->frames = 0;
		m->begun = false;
		m->utf8 = (struct utf8){ 0 };
	}
	if (f->length > m->max_frame)
		return message_fail(m, TOO_BIG, "a frame is too large");
	if (f->length > message_room(m))
		return message_fail(m, TOO_BIG, "a message is too large");
	if (++m->frames > m->max_frames)
		return message_fail(m, TOO_BIG,
		    "a message has too many frames");
	return 0;
}

static void
message_end(struct message *m)
{
	m->in_frame = false;
	if (frame_is_control(&m->frame))
		return;
	m->have += m->frame.length;
	if (m->frame.fin)
		m->opcode = 0;
}

/* Control frames are gathered: they are short, and may lie between parts. */
static void
message_control(struct message *m, struct message_part *part)
{
	if (m->at < m->frame.length)
		return;
	part->event = MESSAGE_CONTROL;
	part->opcode = m->frame.opcode;
	part->data = m->first;
	part->len = (size_t)m->frame.length;
	message_end(m);
}

static int
message_check(struct message *m, const struct message_part *part)
{
	if (m->opcode != FRAME_TEXT || m->rsv_seen != 0)
		return 0;
	if (m->ascii && utf8_whole(&m->utf8))
		return 0;
	if (utf8_feed(&m->utf8, part->data, part->len) < part->len)
		return message_fail(m, INVALID_DATA, "a text is not UTF-8");
	if (part->last && !utf8_whole(&m->utf8))
		return message_fail(m, INVALID_DATA,
		    "a text ends inside a UTF-8 character");
	return 0;
}

static int
message_data(struct message *m, const uint8_t *p, size_t n,
    struct message_part *part)
{
	bool whole = m->at == m->frame.length;

	if (n == 0 && !(whole && m->frame.fin)) {
		if (whole)
			message_end(m);
		return 0;
	}
	part->event = MESSAGE_PART;
	part->opcode = m->opcode;
	part->first = !m->begun;
	part->last = whole && m->frame.fin;
	part->data = p;
	part->len = n;
	if (message_check(m, part) == -1)
		return -1;
	m->begun = true;
	if (whole)
		message_end(m);
	return 0;
}

static int
message_payload(struct message *m, uint8_t *p, size_t n,
    struct message_part *part)
{
	m->ascii = m->frame.masked && mask_apply(p, n, m->frame.key, m->at);
	if (frame_is_control(&m->frame) || m->show != NULL)
		message_keep(m, p, n);
	m->at += n;
	if (m->show != NULL && m->at >= message_shown(&m->frame))
		message_show(m);
	if (!frame_is_control(&m->frame))
		return message_data(m, p, n, part);
	message_control(m, part);
	return 0;
}

ssize_t
message_take(struct message *m, uint8_t *p, size_t size,
    struct message_part *part)
{
	size_t taken = 0, n;
	int head;

	*part = (struct message_part){ .event = MESSAGE_MORE };
	while (part->event == MESSAGE_MORE) {
		if (!m->in_frame) {
			head = message_head(m, p + taken, size - taken);
			if (head <= 0)
				return head == -1 ? -1 : (ssize_t)taken;
			taken += (size_t)head;
			if (message_begin(m) == -1)
				return -1;
		}
		n = size - taken;
		if (n > m->frame.length - m->at)
			n = (size_t)(m->frame.length - m->at);
		if (n == 0 && m->at < m->frame.length)
			return (ssize_t)taken;
		if (message_payload(m, p + taken, n, part) == -1)
			return -1;
		taken += n;
	}
	return (ssize_t)taken;
}

bool
message_ready(const struct message *m, const uint8_t *p, size_t size)
{
	struct frame f = m->frame;
	uint64_t left = m->in_frame ? f.length - m->at : 0;
	bool in_frame = m->in_frame;
	const char *why;
	int head;

	for (;;) {
		if (in_frame && left > size)
			return false;
		if (in_frame && (f.fin || frame_is_control(&f)))
			return true;
		p += in_frame ? left : 0;
		size -= in_frame ? (size_t)left : 0;
		head = frame_head(&f, p, size, &why);
		if (head <= 0)
			return head == -1;
		p += head;
		size -= (size_t)head;
		left = f.length;
		in_frame = true;
	}
}

bool
message_code_valid(unsigned int code)
{
	return (code >= 1000 && code <= 1003) ||
	    (code >= 1007 && code <= 1014) || (code >= 3000 && code <= 4999);
}

int
message_close(struct message *m, const uint8_t *p, size_t len)
{
	struct utf8 u = { 0 };
	unsigned int code;

	if (len == 0)
		return NO_CODE;
	if (len == 1)
		return message_fail(m, PROTOCOL_ERROR,
		    "a Close frame holds half a code");
	code = (unsigned int)p[0] << 8 | p[1];
	if (!message_code_valid(code))
		return message_fail(m, PROTOCOL_ERROR,
		    "a Close frame holds a code that may not be sent");
	if (utf8_feed(&u, p + 2, len - 2) < len - 2 || !utf8_whole(&u))
		return message_fail(m, INVALID_DATA,
		    "a Close frame's reason is not UTF-8");
	return (int)code;
}
