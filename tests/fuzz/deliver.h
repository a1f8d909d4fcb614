/*
 * deliver.h - a stream of frames delivered in pieces, and what came of it: each
 * message, joined, and each control frame.  A message that fails is left out,
 * whatever parts of it were handed on before.  And each frame, as it is shown.
 */

#ifndef DELIVER_H
#define DELIVER_H

#include "buf.h"
#include "fuzz.h"
#include "message.h"

enum { CLIENT = 1, RSV = 2, SMALL = 4 }; /* flags of the input */

struct outcome {
	struct buf events; /* of each: opcode, size and payload */
	struct buf shown;  /* of each frame: head, size and bytes shown */
	int code;
	size_t taken;
	bool cut; /* the stream ends inside a head */
};

static inline uint64_t
limit_size(const struct input *in)
{
	return (in->flags & SMALL) != 0 ? 8 : 1 << 20;
}

static inline uint64_t
limit_frames(const struct input *in)
{
	return (in->flags & SMALL) != 0 ? 3 : 1000;
}

static inline void
outcome_add(struct outcome *out, uint8_t opcode, const uint8_t *p, size_t n)
{
	must(buf_add(&out->events, &opcode, 1) == 0);
	must(buf_add(&out->events, &n, sizeof(n)) == 0);
	must(buf_add(&out->events, p, n) == 0);
}

static inline void
outcome_note(struct outcome *out, struct buf *whole,
    const struct message_part *part)
{
	if (part->event == MESSAGE_CONTROL)
		outcome_add(out, part->opcode, part->data, part->len);
	if (part->event != MESSAGE_PART)
		return;
	must(buf_add(whole, part->data, part->len) == 0);
	if (!part->last)
		return;
	outcome_add(out, part->opcode, buf_head(whole), whole->len);
	buf_drop(whole, whole->len);
}

static inline void
outcome_show(void *arg, const struct frame *f, const uint8_t *p, size_t n)
{
	struct outcome *out = arg;
	uint8_t head[FRAME_HEAD_MAX];
	size_t size = frame_write(f, head);

	must(n <= message_shown(f));
	must(buf_add(&out->shown, head, size) == 0);
	must(buf_add(&out->shown, &n, sizeof(n)) == 0);
	must(buf_add(&out->shown, p, n) == 0);
}

/* Take what can be taken of what waits, a copy of which stands alone. */
static inline int
deliver_piece(struct message *m, struct buf *wait, struct buf *whole,
    struct outcome *out)
{
	struct message_part part = { .event = MESSAGE_PART };
	uint8_t *copy;
	ssize_t taken = 0;

	while (taken != -1 && part.event != MESSAGE_MORE && wait->len > 0) {
		copy = copy_of(buf_head(wait), wait->len);
		taken = message_take(m, copy, wait->len, &part);
		memcpy(buf_head(wait), copy, wait->len);
		if (taken != -1) {
			must((size_t)taken <= wait->len);
			outcome_note(out, whole, &part);
			buf_drop(wait, (size_t)taken);
			out->taken += (size_t)taken;
		}
		free(copy);
	}
	must((taken == -1) == (m->code != 0));
	return taken == -1 ? -1 : 0;
}

static inline struct outcome
deliver(const struct input *in)
{
	struct message m = {
		.masked = (in->flags & CLIENT) == 0,
		.rsv = (in->flags & RSV) != 0 ? FRAME_RSV1 : 0,
		.max = limit_size(in),
		.max_frame = UINT64_MAX,
		.max_frames = limit_frames(in),
		.show = outcome_show,
	};
	struct buf wait = { 0 }, whole = { 0 };
	struct outcome out = { 0 };
	size_t n = 0, to;

	m.show_arg = &out;
	for (size_t i = 0; n < in->n; i++, n = to) {
		to = input_next(in, n, i);
		must(buf_add(&wait, in->p + n, to - n) == 0);
		if (deliver_piece(&m, &wait, &whole, &out) == -1)
			break;
	}
	message_cut(&m, buf_head(&wait), wait.len);
	out.code = m.code;
	buf_free(&wait);
	buf_free(&whole);
	return out;
}

static inline void
outcome_free(struct outcome *out)
{
	buf_free(&out->events);
	buf_free(&out->shown);
}

static inline bool
buf_same(const struct buf *a, const struct buf *b)
{
	if (a->len != b->len)
		return false;
	return a->len == 0 || memcmp(buf_head(a), buf_head(b), a->len) == 0;
}

static inline bool
outcome_same(const struct outcome *a, const struct outcome *b)
{
	return buf_same(&a->events, &b->events);
}

#endif
