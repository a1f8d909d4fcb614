/*
 * buf.h - bytes that wait: added at the end, dropped from the front.
 *
 *	data        data + off              data + off + len    data + size
 *	 | dropped   | the bytes that wait   | room              |
 *
 * An empty buffer is all zeroes and holds no memory, or none but what it was
 * lent.
 */

#ifndef BUF_H
#define BUF_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct buf {
	uint8_t *data;
	size_t off;
	size_t len;
	size_t size;
	bool lent; /* the memory is not its own */
};

/* Let one that has none begin with this memory, which must outlive it. */
void buf_lend(struct buf *, void *memory, size_t size);

/* The first of the bytes that wait; NULL when there never were any. */
uint8_t *buf_head(const struct buf *);

/*
 * Make room for n more bytes and return where they go, or NULL when there is
 * no memory; then everything is as it was.  What is written there counts once
 * buf_grow has said so.
 */
uint8_t *buf_room(struct buf *, size_t n);
void buf_grow(struct buf *, size_t n);

/* Add a copy of n bytes.  Returns 0, or -1 when there is no memory. */
int buf_add(struct buf *, const void *p, size_t n);

/* Drop n bytes, at most buf->len, from the front. */
void buf_drop(struct buf *, size_t n);

/* Drop n bytes, at most buf->len, from the end. */
void buf_cut(struct buf *, size_t n);

/* Give the memory back if the buffer is empty and holds more than keep. */
void buf_spare(struct buf *, size_t keep);

/* Give all memory back. */
void buf_free(struct buf *);

#endif
