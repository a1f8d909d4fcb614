/*
 * fuzz_conn.c - a server that echoes, on a socket: whatever pieces a client's
 * frames come in, compressed or not, the messages are the same, so is the end,
 * and what is sent back is, inflated by zlib alone, what was handed out.
 */

#ifdef PLANTED
/* The bug: what is inflated may end inside a character. */
#include "../../lib/utf8.h"
#define utf8_whole(u) ((void)(u), true)
#include "../../lib/ws_deflate.c"
#undef utf8_whole
#endif

#include <stdio.h>
#include <sys/socket.h>
#include <unistd.h>

#include "conn.h"
#include "fuzz.h"

enum {
	SHORT = 1,   /* flags: messages are of at most 1000 bytes */
	PARTS = 2,   /* they are taken and sent in parts */
	LEAST = 4,   /* short ones are compressed, too */
	FORGET = 8,  /* each stands alone */
	WINDOW = 16, /* and, above, the window's bits beyond 9 */
	LONGEST = 65536
};

static const char request[] =
    "GET / HTTP/1.1\r\nHost: a\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
    "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"
    "Sec-WebSocket-Version: 13\r\n"
    "Sec-WebSocket-Extensions: permessage-deflate\r\n\r\n";

struct talk {
	int fd; /* the client's end */
	struct ws *ws;
	bool parts;
	struct buf said;  /* messages handed out: type, size and bytes */
	struct buf whole; /* one that is handed out in parts */
	struct buf heard; /* by the client */
	int code;	  /* of the failure */
};

static void
hear(struct talk *t)
{
	uint8_t *room;
	ssize_t n;

	do {
		room = buf_room(&t->heard, LONGEST);
		must(room != NULL);
		n = recv(t->fd, room, LONGEST, MSG_DONTWAIT);
		if (n > 0)
			buf_grow(&t->heard, (size_t)n);
	} while (n > 0);
}

static void
note(struct buf *to, enum ws_type type, const void *p, size_t n)
{
	const uint8_t kind = (uint8_t)type;
	bool whole;

	if (type == WS_TEXT)
		must(text_good(p, n, &whole) == n && whole);
	must(buf_add(to, &kind, 1) == 0);
	must(buf_add(to, &n, sizeof(n)) == 0);
	must(buf_add(to, p, n) == 0);
}

/* Only whole messages count: what is said of others may depend on pieces. */
static void
take(struct talk *t, const struct ws_msg *msg)
{
	must(buf_add(&t->whole, msg->data, msg->len) == 0);
	must(t->whole.len <= LONGEST);
	if (t->parts)
		ws_send_part(t->ws, msg->type, msg->data, msg->len, msg->last);
	else
		ws_send(t->ws, msg->type, msg->data, msg->len);
	hear(t);
	if (!msg->last)
		return;
	note(&t->said, msg->type, buf_head(&t->whole), t->whole.len);
	buf_drop(&t->whole, t->whole.len);
}

static int
fetch(struct talk *t)
{
	struct ws_msg msg;
	const int r = t->parts ? ws_part(t->ws, &msg) : ws_recv(t->ws, &msg);

	if (r == 1)
		take(t, &msg);
	return r;
}

static void
deliver(struct talk *t, const struct input *in)
{
	const enum ws_want want = t->parts ? WS_PART : WS_WHOLE;
	size_t at = 0, next;
	int r = 0;

	for (size_t i = 0; at < in->n && r != -1; i++, at = next) {
		next = input_next(in, at, i);
		must(send(t->fd, in->p + at, next - at, 0) ==
		    (ssize_t)(next - at));
		while ((r = ws_poll(t->ws, want, NULL, 0, 0)) == 1)
			if ((r = fetch(t)) != 1)
				break;
		hear(t);
		if (ws_info(t->ws)->received != 0)
			break;
	}
	shutdown(t->fd, SHUT_WR);
	if (r != -1 && ws_info(t->ws)->received == 0)
		while (fetch(t) == 1)
			;
}

static struct talk
hold(const struct input *in)
{
	static _Alignas(16) uint8_t memory[WS_MEMORY];
	const struct ws_deflate terms = {
		.window = 9 + in->flags / WINDOW % 8,
		.least = (in->flags & LEAST) != 0 ? 1 : 0,
		.forget = (in->flags & FORGET) != 0,
	};
	struct ws_conf conf = {
		.max_message = (in->flags & SHORT) != 0 ? 1000 : LONGEST,
		.max_fragments = 100,
		.memory = memory,
		.memory_size = sizeof(memory),
		.deflate = &terms,
	};
	struct talk t = { .parts = (in->flags & PARTS) != 0 };
	int fd[2];

	must(socketpair(AF_UNIX, SOCK_STREAM, 0, fd) == 0);
	t.fd = fd[0];
	conf.in = conf.out = fd[1];
	must((t.ws = ws_new(&conf)) != NULL);
	must(ws_unread(t.ws, request, strlen(request)) == 0);
	must(ws_accept(t.ws, NULL, NULL) == 0 && ws_info(t.ws)->deflate);
	deliver(&t, in);
	t.code = ws_info(t.ws)->failed;
	hear(&t);
	ws_close(t.ws, 0, NULL);
	hear(&t);
	ws_free(t.ws);
	close(fd[1]);
	close(fd[0]);
	return t;
}

/* The client: it hears a server's frames, and nothing behind a Close. */
struct client {
	z_stream z;
	bool forget;	 /* what is before a message is nothing to it */
	uint8_t opcode;	 /* of the message that is open, or 0 */
	bool compressed; /* it is */
	bool closed;
	struct buf frames; /* its payload */
	struct buf said;   /* all messages */
	struct buf text;   /* of one */
};

static void
client_inflate(struct client *c)
{
	int r;

	if (c->forget)
		must(inflateReset(&c->z) == Z_OK);
	must(buf_add(&c->frames, "\0\0\xff\xff", 4) == 0);
	c->z.next_in = buf_head(&c->frames);
	c->z.avail_in = (uInt)c->frames.len;
	do {
		must((c->z.next_out = buf_room(&c->text, LONGEST)) != NULL);
		c->z.avail_out = LONGEST;
		r = inflate(&c->z, Z_SYNC_FLUSH);
		must(r == Z_OK || r == Z_BUF_ERROR);
		buf_grow(&c->text, LONGEST - c->z.avail_out);
	} while (c->z.avail_out == 0);
	must(c->z.avail_in == 0 && (c->z.data_type & (128 | 7)) == 128);
}

static void
client_message(struct client *c)
{
	struct buf *text = &c->frames;

	if (c->compressed) {
		client_inflate(c);
		text = &c->text;
	}
	note(&c->said, c->opcode == FRAME_TEXT ? WS_TEXT : WS_BINARY,
	    buf_head(text), text->len);
	buf_drop(&c->frames, c->frames.len);
	buf_drop(&c->text, c->text.len);
	c->opcode = 0;
}

static void
client_frame(struct client *c, const struct frame *f, const uint8_t *p)
{
	must(!f->masked && !c->closed);
	if (f->opcode >= FRAME_CLOSE) {
		must(f->fin && f->rsv == 0 && f->length <= FRAME_CONTROL_MAX);
		c->closed = f->opcode == FRAME_CLOSE;
		return;
	}
	must((f->opcode == FRAME_CONTINUATION) == (c->opcode != 0));
	must(f->rsv == 0 || (f->rsv == FRAME_RSV1 && c->opcode == 0));
	must(f->length <= LONGEST);
	if (c->opcode == 0) {
		c->opcode = f->opcode;
		c->compressed = f->rsv != 0;
	}
	must(buf_add(&c->frames, p, (size_t)f->length) == 0);
	if (f->fin)
		client_message(c);
}

static void
client_reads(struct client *c, const uint8_t *p, size_t n)
{
	const char *why;
	struct frame f;
	int size;

	for (; n > 0; p += f.length, n -= f.length) {
		size = frame_head(&f, p, n, &why);
		must(size > 0 && f.length <= n - (size_t)size);
		p += size;
		n -= (size_t)size;
		client_frame(c, &f, p);
	}
}

static bool
same(const struct buf *a, const struct buf *b)
{
	return a->len == b->len &&
	    (a->len == 0 || memcmp(buf_head(a), buf_head(b), a->len) == 0);
}

/* In parts, a message may have begun that never came to its end. */
static void
check_heard(const struct talk *t)
{
	const uint8_t *head = buf_head(&t->heard), *end;
	struct client c = { 0 };

	must(head != NULL);
	end = memmem(head, t->heard.len, "\r\n\r\n", 4);
	must(end != NULL);
	end += 4;
	c.forget = memmem(head, (size_t)(end - head),
		       "server_no_context_takeover", 26) != NULL;
	must(inflateInit2(&c.z, -15) == Z_OK);
	client_reads(&c, end, t->heard.len - (size_t)(end - head));
	must(same(&c.said, &t->said));
	must(c.closed || t->code == WS_ABNORMAL);
	inflateEnd(&c.z);
	buf_free(&c.frames);
	buf_free(&c.text);
	buf_free(&c.said);
}

static void
talk_free(struct talk *t)
{
	buf_free(&t->said);
	buf_free(&t->whole);
	buf_free(&t->heard);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct talk pieces, whole;
	struct input in;

	if (!input_read(&in, data, size))
		return 0;
	pieces = hold(&in);
	check_heard(&pieces);
	in.pieces = 0;
	in.flags ^= PARTS;
	whole = hold(&in);
	check_heard(&whole);
	must(same(&pieces.said, &whole.said));
	must(pieces.code == whole.code);
	talk_free(&pieces);
	talk_free(&whole);
	return 0;
}
