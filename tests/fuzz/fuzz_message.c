/*
 * fuzz_message.c - joining what message_take hands on, in whatever pieces it
 * came, gives the messages that a simple reader of whole streams finds, and
 * fails with its code: RFC 6455 5.1 to 5.5 and 8.1 written down twice.
 */

#ifdef PLANTED
/* The bug: text is checked by pieces, and not as a whole. */
#define message_take	   planted_take
#define message_ready	   planted_ready
#define message_cut	   planted_cut
#define message_shown	   planted_shown
#define message_code_valid planted_code_valid
#define message_close	   planted_close
#include "utf8.h"
#define utf8_feed(u, p, n) (*(u) = (struct utf8){ 0 }, utf8_feed(u, p, n))
#include "../../lib/message.c"
#endif

#include "deliver.h"

/* The simple reader. */
struct reader {
	const struct input *in;
	size_t at;
	uint8_t opcode; /* of the message that is open, or 0 */
	uint64_t frames;
	struct buf message;
};

struct head {
	bool fin, masked;
	uint8_t rsv, opcode, len7;
	uint64_t length;
	uint8_t key[4];
};

/* Returns false when the head is not all there. */
static bool
read_head(struct reader *r, struct head *h)
{
	const uint8_t *p = r->in->p + r->at;
	size_t left = r->in->n - r->at, bytes;

	if (left < 2)
		return false;
	h->fin = p[0] >> 7;
	h->rsv = p[0] >> 4 & 7;
	h->opcode = p[0] & 15;
	h->masked = p[1] >> 7;
	h->len7 = p[1] & 127;
	bytes = h->len7 == 126 ? 2 : h->len7 == 127 ? 8 : 0;
	if (left < 2 + bytes + (h->masked ? 4 : 0))
		return false;
	h->length = bytes == 0 ? h->len7 : 0;
	for (size_t i = 0; i < bytes; i++)
		h->length = h->length << 8 | p[2 + i];
	memset(h->key, 0, sizeof(h->key));
	if (h->masked)
		memcpy(h->key, p + 2 + bytes, 4);
	r->at += 2 + bytes + (h->masked ? 4 : 0);
	return true;
}

static int
head_code(const struct reader *r, const struct head *h)
{
	static const bool known[16] = { [0] = true,
		[1] = true,
		[2] = true,
		[8] = true,
		[9] = true,
		[10] = true };
	bool server = (r->in->flags & CLIENT) == 0, control = h->opcode > 7;

	if (!known[h->opcode] || h->rsv != 0 || h->masked != server)
		return 1002;
	if (control)
		return h->fin && h->len7 < 126 ? 0 : 1002;
	if ((h->len7 == 126 && h->length < 126) ||
	    (h->len7 == 127 && h->length < 65536) || h->length > INT64_MAX)
		return 1002;
	if ((h->opcode == 0) != (r->opcode != 0))
		return 1002;
	if (h->length > limit_size(r->in) - r->message.len)
		return 1009;
	return r->frames + 1 > limit_frames(r->in) ? 1009 : 0;
}

/* Add the payload as far as it is there.  Returns false if not all is. */
static bool
read_payload(struct reader *r, const struct head *h, struct buf *to)
{
	uint64_t i;
	uint8_t c;

	for (i = 0; i < h->length && r->at < r->in->n; i++) {
		c = r->in->p[r->at++] ^ h->key[i % 4];
		must(buf_add(to, &c, 1) == 0);
	}
	return i == h->length;
}

static int
text_code(const struct reader *r, bool last)
{
	bool whole;

	if (r->opcode != FRAME_TEXT)
		return 0;
	if (text_good(buf_head(&r->message), r->message.len, &whole) <
	    r->message.len)
		return 1007;
	return last && !whole ? 1007 : 0;
}

static bool
read_control(struct reader *r, const struct head *h, struct outcome *out)
{
	struct buf payload = { 0 };
	bool all = read_payload(r, h, &payload);

	if (all)
		outcome_add(out, h->opcode, buf_head(&payload), payload.len);
	buf_free(&payload);
	return all;
}

static bool
read_data(struct reader *r, const struct head *h, struct outcome *out)
{
	bool all;

	if (h->opcode != 0)
		r->opcode = h->opcode;
	r->frames++;
	all = read_payload(r, h, &r->message);
	out->code = text_code(r, all && h->fin);
	if (out->code != 0 || !all)
		return false;
	if (h->fin) {
		outcome_add(out, r->opcode, buf_head(&r->message),
		    r->message.len);
		buf_drop(&r->message, r->message.len);
		r->opcode = 0;
		r->frames = 0;
	}
	return true;
}

static struct outcome
read_simply(const struct input *in)
{
	struct reader r = { .in = in };
	struct outcome out = { 0 };
	struct head h;
	bool more = true;

	while (more && r.at < in->n) {
		if (!read_head(&r, &h)) {
			out.cut = true;
			break;
		}
		if ((out.code = head_code(&r, &h)) != 0)
			break;
		more = h.opcode > 7 ? read_control(&r, &h, &out) :
				      read_data(&r, &h, &out);
	}
	buf_free(&r.message);
	return out;
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct outcome want, got;
	struct input in;

	if (!input_read(&in, data, size))
		return 0;
	in.flags &= (uint8_t)~RSV;
	want = read_simply(&in);
	got = deliver(&in);
	/* A part of a head may be enough to tell. */
	must(got.code == want.code || (want.cut && got.code == 1002));
	must(outcome_same(&got, &want));
	outcome_free(&want);
	outcome_free(&got);
	return 0;
}
