/*
 * message.h - from frames to messages: RFC 6455 5.4 to 5.6, and 8.1.
 *
 *	bytes ──► message_take ──► part  part  part(last)     of one message
 *	                    └────► ping, pong, close          at any point
 *
 * It is given bytes, in any pieces, and hands on what they hold as it comes:
 * no message is gathered here, so one of any size passes.  Nothing here waits
 * or allocates, and no descriptor or HTTP is known.
 *
 * Who wants to see the frames themselves is shown each of them, in its turn.
 *
 * Units	Sizes are bytes of payload.
 */

#ifndef MESSAGE_H
#define MESSAGE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "frame.h"
#include "utf8.h"

enum message_event {
	MESSAGE_MORE,	/* nothing yet: more bytes are wanted */
	MESSAGE_PART,	/* some of a message */
	MESSAGE_CONTROL /* a whole control frame: its opcode says which */
};

enum { MESSAGE_SHOWN = 32 }; /* bytes of a data frame that are shown */

struct message_part {
	enum message_event event;
	uint8_t opcode;	     /* FRAME_TEXT, _BINARY, or the control frame's */
	bool first, last;    /* of its message */
	const uint8_t *data; /* good until the next message_take */
	size_t len;	     /* may be 0 */
};

/* The receiving side.  Set the first seven, and leave the rest zero. */
struct message {
	bool masked;	     /* frames come masked: the peer is a client */
	uint8_t rsv;	     /* bits an extension uses in a first frame */
	uint64_t max;	     /* the largest message let through; if it is
				compressed, see who inflates it */
	uint64_t max_frame;  /* the longest data frame */
	uint64_t max_frames; /* the most frames of one message */

	/* Shown each frame and what stands first in its payload; or NULL. */
	void (*show)(void *, const struct frame *, const uint8_t *, size_t);
	void *show_arg;

	int code;	 /* what went wrong: the close code for it */
	const char *why; /* and a sentence about the peer */

	struct frame frame;
	uint64_t at;	  /* bytes of the frame's payload already taken */
	uint64_t have;	  /* bytes of the message in earlier frames */
	uint64_t frames;  /* of the message, the present one included */
	bool in_frame;	  /* the head is read, the payload not all */
	uint8_t opcode;	  /* of the message that is open, or 0 */
	bool begun;	  /* a part of it has been handed out */
	uint8_t rsv_seen; /* the bits of the message's first frame */
	bool ascii;	  /* the bytes taken last are, as unmasking saw */
	struct utf8 utf8;
	bool shown;			  /* the frame has been */
	uint8_t first[FRAME_CONTROL_MAX]; /* in the payload: all of a control
					     frame's, and what is shown */
};

/*
 * Take what can be taken at once from the size bytes at p, unmasking them in
 * place, and say in *part what it was.  Returns how many bytes were taken;
 * with MESSAGE_MORE all that is left must come again, with more behind it.
 * Returns -1 when the peer broke a rule: code and why tell, and the end is
 * final.
 */
ssize_t message_take(struct message *, uint8_t *p, size_t size,
    struct message_part *part);

/*
 * Is there, in size bytes at p, something whole to take: the end of a
 * message, a control frame, or an error?  Takes nothing.
 */
bool message_ready(const struct message *, const uint8_t *p, size_t size);

/*
 * No more bytes come than the size at p: show what there is of a frame that is
 * not whole.
 */
void message_cut(struct message *, const uint8_t *p, size_t size);

/* How much of a frame's payload is shown: all, or MESSAGE_SHOWN of data. */
size_t message_shown(const struct frame *);

/*
 * May this code stand in a Close frame?  RFC 6455 7.4, with the codes that
 * IANA has registered since: 1012, 1013 and 1014.
 */
bool message_code_valid(unsigned int code);

/*
 * Read the payload of a Close frame.  Returns its code, 1005 when it is empty
 * (RFC 6455 7.1.5), or -1 with the failure told as by message_take.
 */
int message_close(struct message *, const uint8_t *p, size_t len);

#endif
