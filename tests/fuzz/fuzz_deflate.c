/*
 * fuzz_deflate.c - bytes that are to be inflated, and bytes that are deflated
 * and inflated again: whatever the pieces and the room for what comes, the
 * messages are those that zlib makes of them all at once.  No more is written
 * than there is room for, and no more memory is held than is promised.
 *
 *	| what zlib is to do | size, 2 bytes | message | size | message ...
 */

#ifdef PLANTED
/* The bug: what was before the end of a stream is forgotten. */
#define ZLIB_CONST
#include <zlib.h>
#define inflateResetKeep inflateReset
#include "../../lib/deflate.c"
#endif

#include "deflate.h"
#include "fuzz.h"

enum {
	BACK = 1,   /* flags: the bytes are deflated first */
	FORGET = 2, /* each message stands alone */
	REST = 4,   /* memory is given back between two messages */
	SMALL = 8,  /* there is room for a byte at a time */
	WINDOW = 16 /* and, above, the window's bits beyond 8 */
};

enum {
	MOST = 65536,	    /* bytes of a message */
	AT_ONCE = 16384,    /* as on a connection */
	FENCE = 0xa5,	    /* behind the room */
	BEYOND = 128 * 1024 /* beyond the window: zlib's state, and what is
			      never touched */
};

struct bytes {
	const uint8_t *p;
	size_t n;
};

/* The next message of the input.  Returns false when there is none. */
static bool
next_message(struct bytes *all, struct bytes *message)
{
	size_t size;

	if (all->n < 2)
		return false;
	size = (size_t)all->p[0] << 8 | all->p[1];
	if (size > all->n - 2)
		size = all->n - 2;
	*message = (struct bytes){ all->p + 2, size };
	all->p += 2 + size;
	all->n -= 2 + size;
	return true;
}

/* How messages came to be, each as its end and its size, and bytes. */
struct outcome {
	struct buf text;
	bool wrong, large;
};

/* One step: no more than the room, and the limit as on a connection. */
static enum deflate_end
take(struct deflate_in *d, size_t most, struct buf *to)
{
	const size_t left = MOST - to->len;
	const size_t size = left < most ? left + 1 : most;
	uint8_t *room = buf_room(to, size + 1);
	enum deflate_end end;
	size_t len;

	must(room != NULL);
	room[size] = FENCE;
	end = deflate_take(d, room, size, &len);
	must(len <= size && room[size] == FENCE);
	must(end != DEFLATE_MORE || len == size);
	must(end != DEFLATE_NOMEM);
	buf_grow(to, len);
	return end;
}

/* Returns DEFLATE_MORE for a message that is over the limit. */
static enum deflate_end
inflate_one(struct deflate_in *d, const struct bytes *m, const struct input *in,
    size_t most, struct buf *to)
{
	struct input cut = *in;
	enum deflate_end end;
	size_t at = 0, next, i = 0;

	cut.n = m->n;
	do {
		uint8_t *copy;

		next = input_next(&cut, at, i++);
		copy = copy_of(m->p + at, next - at);
		deflate_feed(d, copy, next - at, next == m->n);
		at = next;
		do
			end = take(d, most, to);
		while (end == DEFLATE_MORE && to->len <= MOST);
		free(copy);
	} while (end == DEFLATE_FED && at < m->n);
	must(end != DEFLATE_FED);
	return end;
}

static void
check_memory(const struct deflate_in *d, bool rested)
{
	const size_t window = (size_t)1 << d->way.window;

	must(d->memory.size <= window + BEYOND);
	must(d->memory.used <= d->memory.size);
	must(d->window == NULL || d->window_len <= window);
	if (rested)
		must(!d->ready && d->memory.bytes == NULL);
	if (rested && d->way.forget)
		must(d->window == NULL);
}

static void
note(struct outcome *out, const struct buf *text)
{
	must(buf_add(&out->text, &text->len, sizeof(text->len)) == 0);
	must(buf_add(&out->text, buf_head(text), text->len) == 0);
}

/* All messages up to the first that is wrong, or too large. */
static struct outcome
inflate_all(struct bytes all, const struct input *in, const struct pmd_way *way,
    size_t most)
{
	struct outcome out = { 0 };
	struct deflate_in d;
	struct bytes m;

	deflate_in_begin(&d, way);
	while (!out.wrong && !out.large && next_message(&all, &m)) {
		struct buf text = { 0 };
		enum deflate_end end = inflate_one(&d, &m, in, most, &text);

		out.large = text.len > MOST;
		out.wrong = !out.large && end != DEFLATE_DONE;
		if (end == DEFLATE_DONE)
			note(&out, &text);
		buf_free(&text);
		if (end == DEFLATE_DONE && (in->flags & REST) != 0)
			deflate_in_rest(&d);
		check_memory(&d,
		    end == DEFLATE_DONE && (in->flags & REST) != 0);
	}
	deflate_in_end(&d);
	must(d.memory.bytes == NULL && d.window == NULL);
	return out;
}

static bool
outcome_same(const struct outcome *a, const struct outcome *b)
{
	return a->wrong == b->wrong && a->large == b->large &&
	    a->text.len == b->text.len &&
	    (a->text.len == 0 ||
		memcmp(buf_head(&a->text), buf_head(&b->text), a->text.len) ==
		    0);
}

/* The second reader: the payload and its tail in one buffer, to another. */
struct reader {
	z_stream z;
	uint8_t text[MOST + 1];
	uint8_t past[32768]; /* the last of what was before */
	uInt known;	     /* bytes of it */
};

static void
remember(struct reader *r, size_t from, size_t to)
{
	const size_t most = sizeof(r->past);
	size_t n = to - from, keep;

	if (n > most) {
		from += n - most;
		n = most;
	}
	keep = r->known + n > most ? most - n : r->known;
	memmove(r->past, r->past + r->known - keep, keep);
	memcpy(r->past + keep, r->text + from, n);
	r->known = (uInt)(keep + n);
}

static void
restart(struct reader *r)
{
	must(inflateReset(&r->z) == Z_OK);
	if (r->known > 0)
		must(inflateSetDictionary(&r->z, r->past, r->known) == Z_OK);
}

/* Is the payload a message?  Then len is its size, over MOST at most by one. */
static bool
second_inflates(struct reader *r, uint8_t *payload, size_t n, size_t *len)
{
	size_t from = 0;
	int e;

	memcpy(payload + n, "\0\0\xff\xff", 4);
	restart(r);
	r->z.next_in = payload;
	r->z.avail_in = (uInt)n + 4;
	r->z.next_out = r->text;
	r->z.avail_out = sizeof(r->text);
	while ((e = inflate(&r->z, Z_SYNC_FLUSH)) == Z_STREAM_END) {
		*len = sizeof(r->text) - r->z.avail_out;
		remember(r, from, *len);
		from = *len;
		restart(r);
	}
	*len = sizeof(r->text) - r->z.avail_out;
	remember(r, from, *len);
	if (*len > MOST)
		return true;
	return (e == Z_OK || e == Z_BUF_ERROR) && r->z.avail_in == 0 &&
	    (r->z.data_type & (128 | 7)) == 128;
}

static struct outcome
read_simply(struct bytes all, bool forget)
{
	static struct reader r;
	struct outcome out = { 0 };
	struct bytes m;
	size_t len;

	r.z = (z_stream){ 0 };
	r.known = 0;
	must(inflateInit2(&r.z, -15) == Z_OK);
	while (!out.wrong && !out.large && next_message(&all, &m)) {
		uint8_t *payload = malloc(m.n + 4);
		struct buf text = { 0 };

		must(payload != NULL);
		memcpy(payload, m.p, m.n);
		if (forget)
			r.known = 0;
		len = 0;
		if (m.n > 0)
			out.wrong = !second_inflates(&r, payload, m.n, &len);
		out.large = !out.wrong && len > MOST;
		must(buf_add(&text, r.text, len) == 0);
		if (!out.wrong && !out.large)
			note(&out, &text);
		buf_free(&text);
		free(payload);
	}
	inflateEnd(&r.z);
	return out;
}

/*
 * A peer that points back further than its window is told so, or is not where
 * what it points to is still in the room: then zlib does not mind.
 */
static void
inflates(struct bytes all, const struct input *in, const struct pmd_way *way)
{
	const size_t most = (in->flags & SMALL) != 0 ? 1 : AT_ONCE;
	struct outcome got = inflate_all(all, in, way, most);
	struct outcome want = read_simply(all, way->forget);

	if (way->window == PMD_FARTHEST || !got.wrong)
		must(outcome_same(&got, &want));
	buf_free(&got.text);
	buf_free(&want.text);
}

/* As a connection sends it: in parts, of which some must arrive at once. */
static void
deflate_one(struct deflate_out *d, const struct bytes *m,
    const struct input *in, struct buf *to)
{
	struct buf part = { 0 };
	struct input cut = *in;
	size_t at = 0, next, i = 0;

	cut.n = m->n;
	for (; at < m->n; at = next, i++) {
		next = input_next(&cut, at, i);
		must(deflate_put(d, &part, m->p + at, next - at,
			 next == m->n	? DEFLATE_END :
			     i % 3 == 2 ? DEFLATE_ALL :
					  DEFLATE_SOME) == 0);
		if (next == m->n || i % 3 != 2)
			continue;
		must(
		    buf_add(to, buf_head(&part), part.len - DEFLATE_TAIL) == 0);
		buf_drop(&part, part.len - DEFLATE_TAIL);
	}
	must(buf_add(to, buf_head(&part), part.len) == 0);
	buf_free(&part);
}

/* Is it a message that is sent so?  Then what comes of it is the same. */
static void
back_one(struct deflate_out *out, struct deflate_in *d, const struct bytes *m,
    const struct input *in)
{
	struct buf payload = { 0 }, text = { 0 };
	struct bytes p;

	deflate_one(out, m, in, &payload);
	if (in->pieces == 0 && payload.len >= m->n) {
		deflate_forget(out);
	} else {
		p = (struct bytes){ buf_head(&payload), payload.len };
		must(inflate_one(d, &p, in,
			 (in->flags & SMALL) != 0 ? 1 : AT_ONCE,
			 &text) == DEFLATE_DONE);
		must(text.len == m->n &&
		    memcmp(buf_head(&text), m->p, m->n) == 0);
	}
	buf_free(&payload);
	buf_free(&text);
}

static void
there_and_back(struct bytes all, const struct input *in, uint8_t how,
    struct pmd_way *way)
{
	struct deflate_out out;
	struct deflate_in d;
	struct bytes m;

	if (way->window == PMD_NEAREST) /* no compressor has it */
		way->window = PMD_FARTHEST;
	deflate_out_begin(&out, way, 1 + how % 9, 1 + how / 9 % 9);
	deflate_in_begin(&d, way);
	while (next_message(&all, &m)) {
		if (m.n == 0)
			continue;
		back_one(&out, &d, &m, in);
		if ((in->flags & REST) != 0) {
			deflate_out_rest(&out);
			deflate_in_rest(&d);
		}
		check_memory(&d, (in->flags & REST) != 0);
	}
	deflate_out_rest(&out);
	deflate_in_end(&d);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct pmd_way way;
	struct bytes all;
	struct input in;

	if (!input_read(&in, data, size) || in.n == 0)
		return 0;
	way = (struct pmd_way){
		.window = PMD_NEAREST + in.flags / WINDOW % 8,
		.forget = (in.flags & FORGET) != 0,
	};
	all = (struct bytes){ in.p + 1, in.n - 1 };
	if ((in.flags & BACK) != 0)
		there_and_back(all, &in, *in.p, &way);
	else
		inflates(all, &in, &way);
	return 0;
}
