/*
 * buf.c - bytes that wait.  Grows by doubling, moves what waits to the front
 * before it asks for memory, and does not know what bytes mean.
 */

#include <stdlib.h>
#include <string.h>

#include "buf.h"

enum { BUF_FIRST = 512 };

uint8_t *
buf_head(const struct buf *b)
{
	return b->data == NULL ? NULL : b->data + b->off;
}

void
buf_lend(struct buf *b, void *memory, size_t size)
{
	*b = (struct buf){ .data = memory, .size = size, .lent = true };
}

/* All of what waits is at the front. */
static uint8_t *
buf_resize(struct buf *b, size_t size)
{
	const uint8_t *lent = b->lent ? b->data : NULL;
	uint8_t *data = realloc(b->lent ? NULL : b->data, size);

	if (data != NULL && lent != NULL)
		memcpy(data, lent, b->len);
	return data;
}

static int
buf_enlarge(struct buf *b, size_t need)
{
	size_t size = b->size == 0 ? BUF_FIRST : b->size;
	uint8_t *data;

	while (size < need) {
		if (size > SIZE_MAX / 2)
			return -1;
		size *= 2;
	}
	if ((data = buf_resize(b, size)) == NULL)
		return -1;
	b->data = data;
	b->size = size;
	b->lent = false;
	return 0;
}

uint8_t *
buf_room(struct buf *b, size_t n)
{
	if (b->data != NULL && n <= b->size - b->off - b->len)
		return b->data + b->off + b->len;
	if (b->data != NULL && b->off > 0) {
		memmove(b->data, b->data + b->off, b->len);
		b->off = 0;
	}
	if (n > SIZE_MAX - b->len)
		return NULL;
	if ((b->data == NULL || n > b->size - b->len) &&
	    buf_enlarge(b, b->len + n) == -1)
		return NULL;
	return b->data + b->len;
}

void
buf_grow(struct buf *b, size_t n)
{
	b->len += n;
}

int
buf_add(struct buf *b, const void *p, size_t n)
{
	uint8_t *room;

	if (n == 0)
		return 0;
	if ((room = buf_room(b, n)) == NULL)
		return -1;
	memcpy(room, p, n);
	b->len += n;
	return 0;
}

void
buf_drop(struct buf *b, size_t n)
{
	b->off += n;
	b->len -= n;
	if (b->len == 0)
		b->off = 0;
}

void
buf_cut(struct buf *b, size_t n)
{
	b->len -= n;
	if (b->len == 0)
		b->off = 0;
}

void
buf_spare(struct buf *b, size_t keep)
{
	if (b->len == 0 && b->size > keep)
		buf_free(b);
}

void
buf_free(struct buf *b)
{
	if (!b->lent)
		free(b->data);
	*b = (struct buf){ 0 };
}
