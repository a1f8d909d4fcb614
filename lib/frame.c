/*
 * frame.c - the head of one frame.  Promises that a head it lets through is
 * one that RFC 6455 5.2 and 5.5 allow by itself; refuses to know of messages,
 * of extensions and of which side we are.
 */

#include <string.h>

#include "frame.h"

enum { FIN = 0x80, MASK = 0x80, LENGTH = 0x7f };

/* What RFC 6455 5.2 gives no meaning to, and 5.5 forbids. */
static const char *
frame_wrong(const struct frame *f, uint8_t len7)
{
	switch (f->opcode) {
	case FRAME_CONTINUATION:
	case FRAME_TEXT:
	case FRAME_BINARY:
		return NULL;
	case FRAME_CLOSE:
	case FRAME_PING:
	case FRAME_PONG:
		if (!f->fin)
			return "a control frame is fragmented";
		if (len7 > FRAME_CONTROL_MAX)
			return "a control frame has over 125 bytes";
		return NULL;
	default:
		return "a frame has a reserved opcode";
	}
}

static uint64_t
frame_number(const uint8_t *p, size_t n)
{
	uint64_t v = 0;

	for (size_t i = 0; i < n; i++)
		v = v << 8 | p[i];
	return v;
}

static const char *
frame_length_wrong(uint64_t length, size_t bytes)
{
	if (bytes == 8 && length >> 63 != 0)
		return "a frame's length has its top bit set";
	if ((bytes == 2 && length <= FRAME_CONTROL_MAX) ||
	    (bytes == 8 && length <= UINT16_MAX))
		return "a frame's length is not in its shortest form";
	return NULL;
}

bool
frame_is_control(const struct frame *f)
{
	return (f->opcode & 0x8) != 0;
}

/* How many bytes of length follow these seven bits. */
static size_t
frame_extended(uint8_t len7)
{
	return len7 == 127 ? 8 : len7 == 126 ? 2 : 0;
}

size_t
frame_peek(struct frame *f, const uint8_t *p, size_t size)
{
	size_t extended, head;

	*f = (struct frame){ .length = FRAME_UNKNOWN };
	if (size == 0)
		return 0;
	f->fin = (p[0] & FIN) != 0;
	f->rsv = p[0] >> 4 & 0x7;
	f->opcode = p[0] & 0xf;
	if (size == 1)
		return 0;
	f->masked = (p[1] & MASK) != 0;
	extended = frame_extended(p[1] & LENGTH);
	if (size < 2 + extended)
		return 0;
	f->length =
	    extended > 0 ? frame_number(p + 2, extended) : p[1] & LENGTH;
	head = 2 + extended + (f->masked ? sizeof(f->key) : 0);
	if (size < head)
		return 0;
	if (f->masked)
		memcpy(f->key, p + 2 + extended, sizeof(f->key));
	return head;
}

int
frame_head(struct frame *f, const uint8_t *p, size_t size, const char **why)
{
	size_t head = frame_peek(f, p, size);
	uint8_t len7 = size > 1 ? p[1] & LENGTH : 0;

	if (size == 0)
		return 0;
	if ((*why = frame_wrong(f, len7)) != NULL)
		return -1;
	if (size >= 2 + frame_extended(len7) &&
	    (*why = frame_length_wrong(f->length, frame_extended(len7))) !=
		NULL)
		return -1;
	return (int)head;
}

size_t
frame_write(const struct frame *f, uint8_t *out)
{
	size_t extended = f->length > UINT16_MAX ? 8 :
	    f->length > FRAME_CONTROL_MAX	 ? 2 :
						   0;
	uint8_t len7 = extended == 8 ? 127 :
	    extended == 2	     ? 126 :
				       (uint8_t)f->length;
	size_t n = 2;

	out[0] = (uint8_t)((f->fin ? FIN : 0) | f->rsv << 4 | f->opcode);
	out[1] = (uint8_t)((f->masked ? MASK : 0) | len7);
	for (size_t i = extended; i > 0; i--)
		out[n++] = (uint8_t)(f->length >> (i - 1) * 8);
	if (f->masked) {
		memcpy(out + n, f->key, sizeof(f->key));
		n += sizeof(f->key);
	}
	return n;
}
