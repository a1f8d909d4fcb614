/*
 * frame.h - the head of one frame, to and from bytes: RFC 6455 5.2.
 *
 *	 0 1 2 3 4 5 6 7   0 1 2 3 4 5 6 7
 *	+-+-----+-------+ +-+-------------+------------------+---------+
 *	|F| rsv |opcode | |M| length or.. | 0, 2 or 8 bytes  | mask, 4 |
 *	+-+-----+-------+ +-+-------------+------------------+---------+
 *
 * Nothing here waits, allocates or remembers.
 */

#ifndef FRAME_H
#define FRAME_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum frame_opcode {
	FRAME_CONTINUATION = 0x0,
	FRAME_TEXT = 0x1,
	FRAME_BINARY = 0x2,
	FRAME_CLOSE = 0x8,
	FRAME_PING = 0x9,
	FRAME_PONG = 0xa
};

enum frame_rsv { FRAME_RSV1 = 0x4, FRAME_RSV2 = 0x2, FRAME_RSV3 = 0x1 };

#define FRAME_UNKNOWN UINT64_MAX /* a length that has not come */

enum {
	FRAME_HEAD_MAX = 14,	/* bytes of the longest head */
	FRAME_CONTROL_MAX = 125 /* payload of a control frame, RFC 6455 5.5 */
};

struct frame {
	bool fin;
	uint8_t rsv; /* a sum of enum frame_rsv */
	uint8_t opcode;
	bool masked;
	uint8_t key[4];	 /* if masked */
	uint64_t length; /* bytes of payload */
};

/* Is it a control frame?  RFC 6455 5.5. */
bool frame_is_control(const struct frame *);

/*
 * Read the head at p, of which size bytes are there.  Returns how many it
 * took, 0 when there is not all of it yet, or -1 with *why set (a string
 * that lasts) when no more bytes could mend it: as early as that is known.
 */
int frame_head(struct frame *, const uint8_t *p, size_t size, const char **why);

/*
 * The same of as much as is there, and without judging it, for those who show
 * it.  What is not there is 0, and length FRAME_UNKNOWN.  Returns how many
 * bytes the head took, or 0.
 */
size_t frame_peek(struct frame *, const uint8_t *p, size_t size);

/* Write the head to out, of FRAME_HEAD_MAX bytes.  Returns how many it took. */
size_t frame_write(const struct frame *, uint8_t *out);

#endif
