/*
 * deflate.h - the bytes of compressed messages: RFC 7692 7.2, by zlib.
 *
 *	payload ──► deflate_feed ──► deflate_take ──► message   in: the peer's
 *	message ──► deflate_put ──► payload                      out: ours
 *
 * zlib's memory is asked for by the first message that needs it, and what can
 * be given back between two messages is, by deflate_in_rest and _out_rest: to
 * the system, by munmap(2), not to malloc(3).  Nothing here waits, and no frame
 * is known.
 *
 * Memory	out: (1 << window + 2) + (1 << memory + 9) bytes and 6 KiB; in:
 *		1 << window and 7 KiB, and between messages the window alone.
 */

#ifndef DEFLATE_H
#define DEFLATE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#define ZLIB_CONST /* and what it reads is */
#include <zlib.h>

#include "buf.h"
#include "pmd.h"

/* Where zlib has its memory: it takes of it, and gives back all at once. */
struct deflate_memory {
	uint8_t *bytes;
	size_t size, used;
};

struct deflate_in {
	struct pmd_way way;
	z_stream z;
	struct deflate_memory memory;
	bool ready;	   /* zlib has its memory */
	uint8_t *window;   /* what it would need of the past; or NULL */
	size_t window_len; /* its bytes */
	bool last;	   /* what has been fed ends a message */
	bool tail;	   /* and so has the tail that senders leave out */
	bool empty;	   /* of the message nothing has come yet */
	bool whole;	   /* a block has ended with the last byte */
};

/* Why there are no more bytes. */
enum deflate_end {
	DEFLATE_MORE,  /* there are: call again */
	DEFLATE_FED,   /* all that has been fed is out: feed more */
	DEFLATE_DONE,  /* the message is over */
	DEFLATE_WRONG, /* this was not compressed by RFC 1951 */
	DEFLATE_NOMEM  /* no memory */
};

void deflate_in_begin(struct deflate_in *, const struct pmd_way *);

/* More of a message, which stays where it is until DEFLATE_FED or _DONE. */
void deflate_feed(struct deflate_in *, const uint8_t *p, size_t len, bool last);

/*
 * Take at most size bytes of the message, and say how many they are in *len.
 * No more than these are ever held: a bomb costs what its receiver allows.
 */
enum deflate_end deflate_take(struct deflate_in *, uint8_t *to, size_t size,
    size_t *len);

/*
 * Give memory back, between two messages.  Without memory for what must be
 * kept, all is kept.
 */
void deflate_in_rest(struct deflate_in *);
void deflate_in_end(struct deflate_in *);

struct deflate_out {
	struct pmd_way way;
	int level;     /* 1 to 9, as zlib has them */
	int mem_level; /* likewise */
	z_stream z;
	struct deflate_memory memory;
	bool ready;
};

void deflate_out_begin(struct deflate_out *, const struct pmd_way *, int level,
    int mem_level);

/* What is to be there of the message when deflate_put returns. */
enum deflate_flush {
	DEFLATE_SOME, /* what zlib hands out by itself, */
	DEFLATE_ALL,  /* all so far, and behind it the tail, */
	DEFLATE_END   /* all of it, without the tail */
};

enum { DEFLATE_TAIL = 4 }; /* bytes of it */

/*
 * Add these bytes, compressed, to what waits.  What has been sent of it must
 * not be the tail: more of the message may make it the end.  A message is not
 * empty.  Returns 0, or -1 without memory.
 */
int deflate_put(struct deflate_out *, struct buf *to, const void *p, size_t len,
    enum deflate_flush);

/* A message is not sent so: the past is forgotten. */
void deflate_forget(struct deflate_out *);

/* Between two messages; the past is forgotten, too. */
void deflate_out_rest(struct deflate_out *);

#endif
