/*
 * fuzz_frame.c - a stream of frames gives the same events, code and total in
 * whatever pieces it comes, and a head that is read is the head that would be
 * written.
 */

#include <stdio.h>

#include "fuzz.h"
#include "mask.h"
#include "message.h"

#ifdef PLANTED
/* The bug: the key begins anew with each piece of a payload. */
#define mask_apply(p, n, key, at) mask_apply(p, n, key, 0)
#define message_take	   planted_take
#define message_ready	   planted_ready
#define message_code_valid planted_code_valid
#define message_close	   planted_close
#include "../../lib/message.c"
#endif

enum { CLIENT = 1, RSV = 2, SMALL = 4 }; /* flags of the input */

/* All that came, as bytes that two deliveries have in common. */
struct outcome {
	char *events;
	size_t size;
	size_t open; /* where the message begins that is not whole yet */
	size_t taken;
	int code;
};

static void
note(FILE *to, struct outcome *out, const struct message_part *part)
{
	if (part->event == MESSAGE_PART && part->first) {
		fflush(to);
		out->open = out->size;
	}
	if (part->event == MESSAGE_CONTROL || part->first)
		fprintf(to, "\n%x ", part->opcode);
	if (part->event == MESSAGE_CONTROL || part->len > 0)
		fwrite(part->data, 1, part->len, to);
	if (part->event == MESSAGE_PART && part->last) {
		putc('.', to);
		fflush(to);
		out->open = out->size;
	}
}

/*
 * In one delivery a message may fail before a part of it has been handed on,
 * in another after: what was begun and failed is left out.
 */
static struct outcome
deliver(const struct input *in, size_t pieces)
{
	struct input way = *in;
	struct message m = {
		.masked = (in->flags & CLIENT) == 0,
		.rsv = (in->flags & RSV) != 0 ? FRAME_RSV1 : 0,
		.max = (in->flags & SMALL) != 0 ? 8 : INT64_MAX,
		.max_frames = (in->flags & SMALL) != 0 ? 3 : UINT64_MAX,
	};
	struct message_part part;
	struct outcome out = { 0 };
	size_t n = 0, size;
	uint8_t *bytes = copy_of(in->p, in->n), *copy;
	ssize_t r = 0;
	FILE *to = open_memstream(&out.events, &out.size);

	must(to != NULL);
	way.pieces = pieces;
	for (size_t i = 0; n < in->n && r != -1; i++) {
		n = input_next(&way, n, i);
		do {
			size = n - out.taken;
			copy = copy_of(bytes + out.taken, size);
			r = message_take(&m, copy, size, &part);
			memcpy(bytes + out.taken, copy, size);
			must(r <= (ssize_t)size);
			if (r != -1 && part.event != MESSAGE_MORE)
				note(to, &out, &part);
			out.taken += r == -1 ? 0 : (size_t)r;
			free(copy);
		} while (r != -1 && part.event != MESSAGE_MORE &&
		    out.taken < n);
	}
	fclose(to);
	out.code = m.code;
	must((r == -1) == (m.code != 0));
	free(bytes);
	return out;
}

static void
check_stream(const struct input *in)
{
	struct outcome one = deliver(in, 0), other = deliver(in, in->pieces);
	size_t n = one.code == 0 ? one.size : one.open;

	must(one.code == other.code);
	must(one.code != 0 || one.taken == other.taken);
	must(n == (other.code == 0 ? other.size : other.open));
	must(memcmp(one.events, other.events, n) == 0);
	free(one.events);
	free(other.events);
}

static void
check_head(const struct input *in)
{
	uint8_t head[FRAME_HEAD_MAX];
	struct frame f = { 0 };
	const char *why = NULL;
	int r = frame_head(&f, in->p, in->n, &why);

	must((r == -1) == (why != NULL));
	if (r <= 0)
		return;
	must((size_t)r <= in->n && f.length <= INT64_MAX);
	must(frame_write(&f, head) == (size_t)r);
	must(memcmp(head, in->p, (size_t)r) == 0);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct input in;

	if (!input_read(&in, data, size))
		return 0;
	check_head(&in);
	check_stream(&in);
	return 0;
}
