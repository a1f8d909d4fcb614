/*
 * fuzz_frame.c - a stream of frames gives the same events, code and total in
 * whatever pieces it comes, and a head that is read is the head that would be
 * written.
 */

#ifdef PLANTED
/* The bug: the key begins anew with each piece of a payload. */
#define message_take	   planted_take
#define message_ready	   planted_ready
#define message_cut	   planted_cut
#define message_shown	   planted_shown
#define message_code_valid planted_code_valid
#define message_close	   planted_close
#include "mask.h"
#define mask_apply(p, n, key, at) mask_apply(p, n, key, 0)
#include "../../lib/message.c"
#endif

#include "deliver.h"

static void
check_stream(const struct input *in)
{
	struct input at_once = *in;
	struct outcome one, other;

	at_once.pieces = 0;
	one = deliver(&at_once);
	other = deliver(in);
	must(one.code == other.code);
	must(one.code != 0 || one.taken == other.taken);
	must(outcome_same(&one, &other));
	must(one.code != 0 || buf_same(&one.shown, &other.shown));
	outcome_free(&one);
	outcome_free(&other);
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
