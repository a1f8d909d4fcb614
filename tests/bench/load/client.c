/*
 * client.c - the life of one connection of the load.
 */

#include <err.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/uio.h>
#include <time.h>
#include <unistd.h>

#include "client.h"

enum { READ = 262144, BATCH = 32, FIN = 0x80, MASKED = 0x80 };
enum { CONTINUATION = 0, TEXT = 1, BINARY = 2, CLOSE = 8 };

/* One key and one nonce serve: nothing here is a secret.  RFC 6455 1.3. */
static const uint8_t key[4] = { 0x37, 0xfa, 0x21, 0x3d };
static const char nonce[] = "dGhlIHNhbXBsZSBub25jZQ==";
static const char answer[] = "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=";

struct told told;

int64_t
now_ns(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return ts.tv_sec * (int64_t)1000000000 + ts.tv_nsec;
}

void
plan_message(struct plan *p, const char *text)
{
	if (text != NULL)
		p->size = strlen(text);
	p->plain = malloc(p->size + 1);
	p->masked = malloc(p->size + 1);
	if (p->plain == NULL || p->masked == NULL)
		err(1, "no memory for a message");
	for (size_t i = 0; i < p->size; i++) {
		p->plain[i] =
		    text != NULL ? (uint8_t)text[i] : (uint8_t)('a' + i % 23);
		p->masked[i] = p->plain[i] ^ key[i % 4];
	}
}

/* The number of a message, as its first bytes. */
static size_t
number(const struct plan *p, uint64_t n, uint8_t *to)
{
	static const char digits[] = "0123456789abcdef";

	if (p->expect != EXPECT_ECHO || p->size < SEQUENCE)
		return 0;
	for (size_t i = SEQUENCE; i > 0; n >>= 4)
		to[--i] = (uint8_t)digits[n & 0xf];
	return SEQUENCE;
}

/* A port is chosen when the other end is known: see ip(7). */
static void
take_source(int fd, const struct plan *p, int n)
{
	const int yes = 1;
	struct sockaddr_in from = {
		.sin_family = AF_INET,
		.sin_addr = { htonl(
		    INADDR_LOOPBACK + 1 + (uint32_t)(n % p->sources)) },
	};

	if (setsockopt(fd, IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, &yes,
		sizeof(yes)) == -1 ||
	    bind(fd, (struct sockaddr *)&from, sizeof(from)) == -1)
		err(1, "bind");
}

void
client_dial(struct client *c, const struct plan *p, int n)
{
	int64_t *times = c->times;

	*c = (struct client){ .plan = p, .times = times, .begun = now_ns() };
	if (times == NULL && p->expect == EXPECT_ECHO &&
	    (c->times = calloc(p->window, sizeof(*c->times))) == NULL)
		err(1, "no memory for a client");
	c->fd = socket(p->to.ss_family, SOCK_STREAM | SOCK_NONBLOCK, 0);
	if (c->fd == -1)
		err(1, "socket");
	if (p->sources > 0 && p->to.ss_family == AF_INET)
		take_source(c->fd, p, n);
	while (
	    connect(c->fd, (const struct sockaddr *)&p->to, p->to_len) == -1 &&
	    errno != EINPROGRESS) {
		if (errno != EAGAIN) /* a Unix socket's queue is full */
			err(1, "connect");
		usleep(1000);
	}
	c->full = true;
}

/* The server is wrong, and what it has used is not worth telling. */
static void
wrong(const struct client *c, const char *what)
{
	errx(1, "message %ju, byte %zu: %s", (uintmax_t)c->heard, c->at, what);
}

static void
shake(struct client *c)
{
	char request[512];
	const int n = snprintf(request, sizeof(request),
	    "GET %s HTTP/1.1\r\nHost: %s\r\nUpgrade: websocket\r\n"
	    "Connection: Upgrade\r\nSec-WebSocket-Version: 13\r\n"
	    "Sec-WebSocket-Key: %s\r\n\r\n",
	    c->plan->path, c->plan->host, nonce);

	c->full = false;
	c->state = c->plan->raw ? TALKING : SHAKING;
	if (!c->plan->raw && send(c->fd, request, (size_t)n, 0) != n)
		err(1, "send");
}

/* Takes the response; returns how many of the bytes at p were of it. */
static size_t
shaken(struct client *c, const uint8_t *p, size_t n)
{
	size_t i = 0;

	while (i < n && c->state == SHAKING) {
		if (c->head_len == sizeof(c->text) - 1)
			c->head_len--; /* what fits is enough to see */
		c->text[c->head_len++] = (char)p[i++];
		c->text[c->head_len] = '\0';
		if (c->head_len >= 4 &&
		    strcmp(c->text + c->head_len - 4, "\r\n\r\n") == 0)
			c->state = TALKING;
	}
	if (c->state == SHAKING)
		return i;
	if (strncmp(c->text, "HTTP/1.1 101 ", 13) != 0)
		errx(1, "the server refused: %.*s", (int)strcspn(c->text, "\r"),
		    c->text);
	if (strstr(c->text, answer) == NULL)
		errx(1, "no Sec-WebSocket-Accept of ours");
	hist_add(&told.shakes, (uint64_t)(now_ns() - c->begun));
	c->head_len = 0;
	return i;
}

/* What a message must be, from byte at on, n bytes of which are at p. */
static void
compare(const struct client *c, const uint8_t *p, size_t n)
{
	uint8_t first[SEQUENCE];
	const size_t numbered = number(c->plan, c->heard, first);
	size_t at = c->at;

	if (n > c->plan->size - at)
		wrong(c, "it is too long");
	for (; n > 0 && at < numbered; at++, p++, n--)
		if (*p != first[at])
			wrong(c, "it is another one");
	if (memcmp(p, c->plan->plain + at, n) != 0)
		wrong(c, "it has changed");
}

static void
take_payload(struct client *c, const uint8_t *p, size_t n)
{
	if (c->plan->expect == EXPECT_NUMBER) {
		if (c->at + n >= sizeof(c->text))
			wrong(c, "it is no number");
		memcpy(c->text + c->at, p, n);
		c->text[c->at + n] = '\0';
	} else {
		compare(c, p, n);
	}
	c->at += n;
	told.bytes += n;
}

/* A message has come. */
static void
take_end(struct client *c)
{
	const struct plan *p = c->plan;

	if (p->expect == EXPECT_NUMBER) {
		if (strtoull(c->text, NULL, 10) != c->sent)
			wrong(c, "it is another number than were sent");
	} else if (c->at != p->size) {
		wrong(c, "it is too short");
	}
	if (p->expect == EXPECT_ECHO)
		hist_add(&told.waits,
		    (uint64_t)(now_ns() - c->times[c->heard % p->window]));
	told.messages++;
	c->heard++;
	c->at = 0;
}

/* A message is as long as those that were sent; a number is a line. */
static size_t
take_stream(struct client *c, const uint8_t *p, size_t n)
{
	const bool line = c->plan->expect == EXPECT_NUMBER;
	const uint8_t *end = line ? memchr(p, '\n', n) : NULL;

	if (end != NULL)
		n = (size_t)(end - p) + 1;
	else if (!line && n > c->plan->size - c->at)
		n = c->plan->size - c->at;
	take_payload(c, p, n);
	if (end != NULL || (!line && c->at == c->plan->size))
		take_end(c);
	return n;
}

static size_t
head_size(const struct client *c)
{
	if (c->head_len < 2)
		return 2;
	return c->head[1] == 127 ? 10 : c->head[1] == 126 ? 4 : 2;
}

static void
take_head(struct client *c)
{
	const uint8_t opcode = c->head[0] & 0xf;

	c->left = c->head[1];
	if (c->head_len > 2)
		c->left = 0;
	for (size_t i = 2; i < c->head_len; i++)
		c->left = c->left << 8 | c->head[i];
	if (opcode > BINARY && opcode < CLOSE)
		wrong(c, "its frame has no meaning");
	if ((c->head[0] & 0x70) != 0 || c->head[1] > 127)
		wrong(c, "its frame has bits that it must not have");
	c->in_frame = true;
}

/* The whole frame is here. */
static void
take_frame(struct client *c)
{
	const uint8_t opcode = c->head[0] & 0xf;

	c->in_frame = false;
	c->head_len = 0;
	if (opcode == CLOSE) {
		if (c->state != CLOSING)
			wrong(c, "the server closes");
		c->state = OVER;
	} else if (opcode < CLOSE && (c->head[0] & FIN) != 0 &&
	    !c->plan->stream) {
		take_end(c);
	}
}

/* Of the payload of a message.  Returns how many of n bytes it took. */
static size_t
take_data(struct client *c, const uint8_t *p, size_t n)
{
	if (c->plan->stream)
		return take_stream(c, p, n);
	take_payload(c, p, n);
	return n;
}

/* Of a frame.  Returns how many of n bytes at p it took. */
static size_t
take_framed(struct client *c, const uint8_t *p, size_t n)
{
	if (!c->in_frame) {
		n = 1;
		c->head[c->head_len++] = *p;
		if (c->head_len == head_size(c))
			take_head(c);
	} else {
		if (n > c->left)
			n = (size_t)c->left;
		if ((c->head[0] & 0xf) >= CLOSE)
			c->left -= n;
		else
			c->left -= n = take_data(c, p, n);
	}
	if (c->in_frame && c->left == 0)
		take_frame(c);
	return n;
}

static size_t
take(struct client *c, const uint8_t *p, size_t n)
{
	if (c->state == SHAKING)
		return shaken(c, p, n);
	return c->plan->raw ? take_stream(c, p, n) : take_framed(c, p, n);
}

static void
hear(struct client *c)
{
	static uint8_t bytes[READ];
	ssize_t n = recv(c->fd, bytes, sizeof(bytes), 0);
	size_t at = 0;

	if (n == -1 && errno == EAGAIN)
		return;
	if (n == -1)
		err(1, "recv, after %ju messages", (uintmax_t)c->heard);
	if (n == 0) {
		if (c->state != OVER && !(c->plan->raw && c->state == CLOSING))
			wrong(c, "the server is gone");
		close(c->fd);
		c->fd = -1;
		c->state = OVER;
	}
	while (at < (size_t)n)
		at += take(c, bytes + at, (size_t)n - at);
}

/* RFC 6455 5.2: the head, with the key. */
static size_t
frame_head(uint8_t *p, uint8_t opcode, size_t size)
{
	const size_t extended = size > 65535 ? 8 : size > 125 ? 2 : 0;
	size_t n = 2;

	p[0] = FIN | opcode;
	p[1] = (uint8_t)(MASKED |
	    (extended == 8	  ? 127 :
		    extended == 2 ? 126 :
				    size));
	for (size_t i = extended; i > 0; i--)
		p[n++] = (uint8_t)(size >> (i - 1) * 8);
	memcpy(p + n, key, sizeof(key));
	return n + sizeof(key);
}

/* The frame of a message, as two pieces.  Returns its size. */
static size_t
frame(const struct plan *p, uint64_t n, uint8_t first[HEAD + SEQUENCE],
    struct iovec iov[2])
{
	const uint8_t type = p->binary ? BINARY : TEXT;
	const size_t head = p->raw ? 0 : frame_head(first, type, p->size);
	const size_t numbered = number(p, n, first + head);

	for (size_t i = 0; !p->raw && i < numbered; i++)
		first[head + i] ^= key[i % 4];
	iov[0] = (struct iovec){ first, head + numbered };
	iov[1] = (struct iovec){ (p->raw ? p->plain : p->masked) + numbered,
		p->size - numbered };
	return head + p->size;
}

static void
skip(struct iovec iov[2], size_t n)
{
	for (int i = 0; i < 2; i++) {
		const size_t less = n < iov[i].iov_len ? n : iov[i].iov_len;

		iov[i].iov_base = (uint8_t *)iov[i].iov_base + less;
		iov[i].iov_len -= less;
		n -= less;
	}
}

static uint64_t
may_send(const struct client *c)
{
	const struct plan *p = c->plan;
	uint64_t most = p->limit;

	if (p->expect == EXPECT_ECHO && most > c->heard + p->window)
		most = c->heard + p->window;
	if (most > c->sent)
		return most - c->sent;
	return c->sent_at > 0; /* what is begun is ended */
}

/* Returns true if more could be sent. */
static bool
say_batch(struct client *c)
{
	const uint64_t all = may_send(c);
	const size_t n = all < BATCH ? (size_t)all : BATCH;
	uint8_t first[BATCH][HEAD + SEQUENCE];
	struct iovec iov[BATCH * 2];
	size_t size = 0;
	ssize_t gone;
	int64_t now;

	if (n == 0)
		return false;
	for (size_t i = 0; i < n; i++)
		size = frame(c->plan, c->sent + i, first[i], iov + 2 * i);
	skip(iov, c->sent_at);
	now = now_ns();
	gone = writev(c->fd, iov, (int)n * 2);
	if (gone == -1 && errno != EAGAIN)
		err(1, "send, after %ju messages", (uintmax_t)c->sent);
	c->full = gone == -1;
	if (c->full)
		return false;
	gone += (ssize_t)c->sent_at;
	for (; (size_t)gone >= size; gone -= (ssize_t)size) {
		if (c->times != NULL)
			c->times[c->sent % c->plan->window] = now;
		c->sent++;
	}
	c->sent_at = (size_t)gone;
	return true;
}

/* 1000 and no reason: RFC 6455 5.5.1. */
static void
say_close(struct client *c)
{
	uint8_t bytes[HEAD + 2];
	size_t n = frame_head(bytes, CLOSE, 2);

	bytes[n++] = 0x03 ^ key[0];
	bytes[n++] = 0xe8 ^ key[1];
	c->state = CLOSING;
	if (c->plan->raw)
		shutdown(c->fd, SHUT_WR);
	else if (send(c->fd, bytes, n, 0) != (ssize_t)n)
		err(1, "send");
}

void
client_work(struct client *c, bool readable)
{
	if (c->state == DIALING)
		shake(c);
	if (readable)
		hear(c);
	if (c->state != TALKING)
		return;
	while (say_batch(c))
		continue;
	if (c->plan->close && c->sent >= c->plan->limit && c->sent_at == 0 &&
	    (c->plan->expect != EXPECT_ECHO || c->heard == c->sent))
		say_close(c);
}
