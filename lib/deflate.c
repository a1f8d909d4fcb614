/*
 * deflate.c - zlib, kept to RFC 7692: the tail that is left out, streams that
 * end within a message, and memory for no longer than it is needed.
 */

#include <stdlib.h>
#include <sys/mman.h>

#include "deflate.h"

enum {
	ROOM = 4096,	/* bytes of output made at a time; zlib repeats a flush
			for ever in less than 7 */
	AT_BLOCK = 128, /* in data_type: a block has ended, and */
	UNUSED = 7,	/* so many bits of the last byte are behind it */
	ALIGNED = 15,	/* bits of an address that are 0 */
	SPARE = 65536 /* bytes for zlib beyond what it is said to need; what is
			   not touched costs nothing */
};

/* RFC 7692 7.2.1: an empty stored block, which ends each message. */
static const uint8_t tail[DEFLATE_TAIL] = { 0x00, 0x00, 0xff, 0xff };

static int
memory_get(struct deflate_memory *m, size_t size)
{
	void *p = mmap(NULL, size + SPARE, PROT_READ | PROT_WRITE,
	    MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	if (p == MAP_FAILED)
		return -1;
	*m = (struct deflate_memory){ .bytes = p, .size = size + SPARE };
	return 0;
}

static void
memory_give(struct deflate_memory *m)
{
	munmap(m->bytes, m->size);
	*m = (struct deflate_memory){ 0 };
}

/* As zlib asks. */
static void *
memory_take(void *memory, uInt items, uInt size)
{
	struct deflate_memory *m = memory;
	const size_t n = ((size_t)items * size + ALIGNED) & ~(size_t)ALIGNED;
	uint8_t *p = m->bytes + m->used;

	if (n > m->size - m->used)
		return NULL;
	m->used += n;
	return p;
}

static void
memory_leave(void *memory, void *p)
{
	(void)memory;
	(void)p;
}

static z_stream
stream_in(struct deflate_memory *m)
{
	return (z_stream){
		.zalloc = memory_take,
		.zfree = memory_leave,
		.opaque = m,
	};
}

void
deflate_in_begin(struct deflate_in *d, const struct pmd_way *way)
{
	*d = (struct deflate_in){ .way = *way, .empty = true };
}

static void
in_stop(struct deflate_in *d)
{
	inflateEnd(&d->z);
	memory_give(&d->memory);
	d->ready = false;
}

void
deflate_in_end(struct deflate_in *d)
{
	if (d->ready)
		in_stop(d);
	free(d->window);
	d->window = NULL;
}

/* The past, to which what comes may point.  Returns 0, or -1 without memory. */
static int
in_keep(struct deflate_in *d)
{
	uInt len = 0;

	inflateGetDictionary(&d->z, NULL, &len);
	if (len == 0)
		return 0;
	if ((d->window = malloc(len)) == NULL)
		return -1;
	inflateGetDictionary(&d->z, d->window, &len);
	d->window_len = len;
	return 0;
}

/* What has been fed, and the room for it, stay. */
static int
in_start(struct deflate_in *d)
{
	z_stream fed;

	if (d->ready)
		return Z_OK;
	if (memory_get(&d->memory, (size_t)1 << d->way.window) == -1)
		return Z_MEM_ERROR;
	fed = d->z;
	d->z = stream_in(&d->memory);
	if (inflateInit2(&d->z, -d->way.window) != Z_OK) {
		memory_give(&d->memory);
		return Z_MEM_ERROR;
	}
	d->z.next_in = fed.next_in;
	d->z.avail_in = fed.avail_in;
	d->z.next_out = fed.next_out;
	d->z.avail_out = fed.avail_out;
	d->ready = true;
	if (d->window != NULL)
		inflateSetDictionary(&d->z, d->window, (uInt)d->window_len);
	free(d->window);
	d->window = NULL;
	return Z_OK;
}

void
deflate_in_rest(struct deflate_in *d)
{
	if (!d->ready || !d->empty || (!d->way.forget && in_keep(d) == -1))
		return;
	in_stop(d);
}

void
deflate_feed(struct deflate_in *d, const uint8_t *p, size_t len, bool last)
{
	d->z.next_in = p;
	d->z.avail_in = (uInt)len;
	d->last = last;
	d->tail = false;
	if (len > 0)
		d->empty = false;
}

static enum deflate_end
in_done(struct deflate_in *d)
{
	if (!d->empty && !d->whole)
		return DEFLATE_WRONG;
	if (!d->empty && d->way.forget)
		inflateReset(&d->z);
	d->empty = true;
	return DEFLATE_DONE;
}

/* What senders leave out comes behind the last of a message. */
static void
in_tail(struct deflate_in *d)
{
	if (d->z.avail_in > 0 || !d->last || d->tail)
		return;
	d->z.next_in = tail;
	d->z.avail_in = sizeof(tail);
	d->tail = true;
}

/*
 * Until the room is full, or all that there is has been taken.  zlib may hold
 * output without there being input.  A stream may end within a message, RFC 7692
 * 7.2.3.4, and what is behind it points to what was before: the window stays,
 * and is not copied, since a message may be made of nothing but such ends.  Of
 * where a block ends zlib says nothing once more, when there was nothing to do.
 */
static int
in_fill(struct deflate_in *d)
{
	int r;

	if ((r = in_start(d)) != Z_OK)
		return r;
	do {
		in_tail(d);
		if ((r = inflate(&d->z, Z_SYNC_FLUSH)) == Z_STREAM_END)
			r = inflateResetKeep(&d->z);
		if (r == Z_OK)
			d->whole =
			    (d->z.data_type & (AT_BLOCK | UNUSED)) == AT_BLOCK;
	} while (r == Z_OK && d->z.avail_out > 0 &&
	    (d->z.avail_in > 0 || (d->last && !d->tail)));
	return r;
}

enum deflate_end
deflate_take(struct deflate_in *d, uint8_t *to, size_t size, size_t *len)
{
	*len = 0;
	if (d->empty)
		return d->last ? in_done(d) : DEFLATE_FED;
	d->z.next_out = to;
	d->z.avail_out = (uInt)size;
	switch (in_fill(d)) {
	case Z_OK:
	case Z_BUF_ERROR:
		break;
	case Z_MEM_ERROR:
		return DEFLATE_NOMEM;
	default:
		return DEFLATE_WRONG;
	}
	*len = size - d->z.avail_out;
	if (d->z.avail_out == 0)
		return DEFLATE_MORE;
	return d->last ? in_done(d) : DEFLATE_FED;
}

void
deflate_out_begin(struct deflate_out *d, const struct pmd_way *way, int level,
    int mem_level)
{
	*d = (struct deflate_out){
		.way = *way,
		.level = level,
		.mem_level = mem_level,
	};
}

static int
out_start(struct deflate_out *d)
{
	if (d->ready)
		return 0;
	if (memory_get(&d->memory,
		((size_t)4 << d->way.window) + ((size_t)512 << d->mem_level)) ==
	    -1)
		return -1;
	d->z = stream_in(&d->memory);
	if (deflateInit2(&d->z, d->level, Z_DEFLATED, -d->way.window,
		d->mem_level, Z_DEFAULT_STRATEGY) != Z_OK) {
		memory_give(&d->memory);
		return -1;
	}
	d->ready = true;
	return 0;
}

int
deflate_put(struct deflate_out *d, struct buf *to, const void *p, size_t len,
    enum deflate_flush flush)
{
	if (out_start(d) == -1)
		return -1;
	d->z.next_in = p;
	d->z.avail_in = (uInt)len;
	do {
		if ((d->z.next_out = buf_room(to, ROOM)) == NULL)
			return -1;
		d->z.avail_out = ROOM;
		deflate(&d->z,
		    flush == DEFLATE_SOME ? Z_NO_FLUSH : Z_SYNC_FLUSH);
		buf_grow(to, ROOM - d->z.avail_out);
	} while (d->z.avail_out == 0);
	if (flush != DEFLATE_END)
		return 0;
	buf_cut(to, sizeof(tail));
	if (d->way.forget)
		deflateReset(&d->z);
	return 0;
}

void
deflate_forget(struct deflate_out *d)
{
	deflateReset(&d->z);
}

void
deflate_out_rest(struct deflate_out *d)
{
	if (!d->ready)
		return;
	deflateEnd(&d->z);
	memory_give(&d->memory);
	d->ready = false;
}
