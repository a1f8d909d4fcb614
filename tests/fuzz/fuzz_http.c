/*
 * fuzz_http.c - a request head gives the same result in whatever pieces it
 * comes; what is read from it holds nothing that another reader could take
 * for the end of a line; and a handshake that is let through is answered with
 * what a client accepts.
 */

#include <stdio.h>

#include "fuzz.h"
#include "handshake.h"
#include "http.h"

#ifdef PLANTED
/* The bug: where a line began is forgotten when the head is not whole. */
static long
planted_end(struct http_scan *s, const uint8_t *p, size_t n, int *status,
    const char **why)
{
	long r = http_end(s, p, n, status, why);

	if (r == 0)
		s->line = s->seen;
	return r;
}
#define http_end planted_end
#endif

struct result {
	long size;
	int status;
};

static struct result
in_pieces(const struct input *in)
{
	struct http_scan scan = { 0 };
	struct result r = { 0 };
	const char *why = NULL;
	uint8_t *copy;
	size_t n = 0;

	for (size_t i = 0; n < in->n && r.size == 0; i++) {
		n = input_next(in, n, i);
		copy = copy_of(in->p, n);
		r.size = http_end(&scan, copy, n, &r.status, &why);
		free(copy);
	}
	must((r.size == -1) == (r.status != 0) &&
	    (r.size == -1) == (why != NULL));
	must(r.size <= HTTP_HEAD_MAX && scan.seen <= HTTP_HEAD_MAX);
	return r;
}

static bool
is_clean(const char *p)
{
	return strpbrk(p, "\r\n") == NULL;
}

static void
check_fields(const struct http *h)
{
	must(h->fields <= HTTP_FIELDS_MAX);
	for (size_t i = 0; i < h->fields; i++) {
		const char *name = http_field_name(h, i);

		must(http_is_token(name, strlen(name)));
		must(is_clean(http_field_value(h, i)));
		must(http_count(h, name) > 0);
	}
}

/* Written out and read again, it is the same request. */
static void
check_again(const struct http *h)
{
	struct http again;
	const char *why;
	char *text;
	size_t size;
	FILE *to = open_memstream(&text, &size);

	must(to != NULL);
	fprintf(to, "%s %s HTTP/%d.%d\r\n", h->method, h->target,
	    h->version / 10, h->version % 10);
	for (size_t i = 0; i < h->fields; i++)
		fprintf(to, "%s:%s\r\n", http_field_name(h, i),
		    http_field_value(h, i));
	fputs("\r\n", to);
	fclose(to);
	must(http_request(&again, text, &why) == 0);
	must(strcmp(again.method, h->method) == 0);
	must(strcmp(again.target, h->target) == 0);
	must(again.fields == h->fields);
	for (size_t i = 0; i < h->fields; i++)
		must(strcmp(http_field_value(&again, i),
			 http_field_value(h, i)) == 0);
	must(handshake_check(&again, &why) == handshake_check(h, &why));
	free(text);
}

/* RFC 6455 4.2.2 answers what 4.1 asks. */
static void
check_accepted(const struct http *h)
{
	struct handshake_request asked = { .host = "",
		.target = "/",
		.extensions = "" };
	const char *protocol, *why = NULL;
	struct http answer;
	struct buf b = { 0 };

	must(http_count(h, "Host") == 1);
	must(strlen(http_value(h, "Sec-WebSocket-Key")) < HANDSHAKE_KEY);
	strcpy(asked.key, http_value(h, "Sec-WebSocket-Key"));
	must(handshake_accept(&b, HANDSHAKE_HTTP, h, NULL, "", "") == 0 &&
	    buf_add(&b, "", 1) == 0);
	must(http_response(&answer, (char *)buf_head(&b), &why) == 0);
	must(handshake_verify(&asked, &answer, &protocol, &why) == 0);
	buf_free(&b);
}

static void
check_head(const uint8_t *p, size_t n)
{
	char *head = malloc(n + 1);
	const char *why = NULL;
	struct http h;

	must(head != NULL);
	memcpy(head, p, n);
	head[n] = '\0';
	if (http_request(&h, head, &why) == 0) {
		must(is_clean(h.method) && is_clean(h.target));
		check_fields(&h);
		check_again(&h);
		if (handshake_check(&h, &why) == 101)
			check_accepted(&h);
	}
	memcpy(head, p, n);
	if (http_response(&h, head, &why) == 0)
		check_fields(&h);
	free(head);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct input in, at_once;
	struct result one, other;

	if (!input_read(&in, data, size))
		return 0;
	at_once = in;
	at_once.pieces = 0;
	one = in_pieces(&at_once);
	other = in_pieces(&in);
	must(one.size == other.size && one.status == other.status);
	if (one.size > 0)
		check_head(in.p, (size_t)one.size);
	return 0;
}
