/*
 * handshake.c - what turns HTTP into a WebSocket.  Knows the rules of RFC 6455
 * 4; refuses to know who may come, which is for others to decide.
 */

#include <sha1.h>
#include <string.h>

#include "ascii.h"
#include "base64.h"
#include "digits.h"
#include "extension.h"
#include "handshake.h"

enum { PROTOCOLS_MAX = 64 }; /* fewer may be offered: each costs a search */

static const char handshake_guid[] = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11";

void
handshake_answer(char out[HANDSHAKE_ACCEPT], const char *key)
{
	uint8_t digest[SHA1_DIGEST_LENGTH];
	SHA1_CTX sha1;

	SHA1Init(&sha1);
	SHA1Update(&sha1, (const uint8_t *)key, strlen(key));
	SHA1Update(&sha1, (const uint8_t *)handshake_guid,
	    strlen(handshake_guid));
	SHA1Final(digest, &sha1);
	base64_encode(out, digest, sizeof(digest));
}

static bool
has_body(const struct http *h)
{
	const char *length = http_value(h, "Content-Length");

	return http_count(h, "Transfer-Encoding") > 0 ||
	    http_count(h, "Content-Length") > 1 ||
	    (length != NULL && strcmp(length, "0") != 0);
}

/* RFC 9110 4.2.1: an URI without a host is none. */
static bool
has_host(const char *target)
{
	const char *host = strstr(target, "//");

	return host != NULL && strcspn(host + 2, "/?") > 0;
}

static bool
has_target(const struct http *h)
{
	if (strchr(h->target, '#') != NULL)
		return false;
	if (h->target[0] == '/')
		return true;
	return (ascii_same_n(h->target, "http://", 7) ||
		   ascii_same_n(h->target, "https://", 8)) &&
	    has_host(h->target);
}

/* An element of a list. */
struct word {
	const char *text;
	size_t len;
};

static bool
is_among(const struct word *words, size_t n, const struct word *w)
{
	for (size_t i = 0; i < n; i++)
		if (words[i].len == w->len &&
		    memcmp(words[i].text, w->text, w->len) == 0)
			return true;
	return false;
}

/* The list is gone through once: between two elements may be many commas. */
static bool
are_different_tokens(const struct http *h)
{
	struct http_list l = { .http = h, .name = "Sec-WebSocket-Protocol" };
	struct word word[PROTOCOLS_MAX], *w = word;

	for (size_t n = 0; http_list_next(&l, &w->text, &w->len); w++)
		if (!http_is_token(w->text, w->len) || is_among(word, n, w) ||
		    ++n == PROTOCOLS_MAX)
			return false;
	return w > word;
}

/* RFC 6455 4.1, 10.: the elements are tokens, and none comes twice. */
static bool
has_protocols(const struct http *h)
{
	return http_count(h, "Sec-WebSocket-Protocol") == 0 ||
	    are_different_tokens(h);
}

static bool
has_extensions(const struct http *h)
{
	struct http_list l = { .http = h, .name = "Sec-WebSocket-Extensions" };
	struct extension x;
	const char *item;
	size_t len;

	while (http_list_next(&l, &item, &len))
		if (extension_parse(&x, item, len) == -1)
			return false;
	return true;
}

static bool
has_key(const struct http *h)
{
	return http_count(h, "Sec-WebSocket-Key") == 1 &&
	    base64_is(http_value(h, "Sec-WebSocket-Key"), HANDSHAKE_NONCE);
}

static bool
has_version(const struct http *h)
{
	const char *version = http_value(h, "Sec-WebSocket-Version");

	return version != NULL && strcmp(version, "13") == 0;
}

static bool
is_http_1(const struct http *h)
{
	return h->version == 10 || h->version == 11;
}

/* RFC 9110 7.8: in HTTP/1.0 there is no Upgrade. */
static bool
is_http_1_1(const struct http *h)
{
	return h->version == 11;
}

static bool
is_get(const struct http *h)
{
	return strcmp(h->method, "GET") == 0;
}

/* HTTP/1.0 knows none: RFC 9112 3.2. */
static bool
has_one_host(const struct http *h)
{
	const size_t n = http_count(h, "Host");

	return n == 1 || (n == 0 && h->version == 10);
}

static bool
has_one_origin(const struct http *h)
{
	return http_count(h, "Origin") <= 1;
}

static bool
has_no_body(const struct http *h)
{
	return !has_body(h);
}

static bool
has_one_version(const struct http *h)
{
	return http_count(h, "Sec-WebSocket-Version") <= 1;
}

static bool
has_connection(const struct http *h)
{
	return http_list_has(h, "Connection", "upgrade");
}

/* Rules for any request, and for handshakes, in the order of checking. */
struct handshake_rule {
	bool (*holds)(const struct http *);
	int status;
	const char *why;
};

static const struct handshake_rule request_rules[] = {
	{ is_http_1, 505, "this speaks HTTP/1.1 and 1.0 alone" },
	{ has_target, 400, "the request target is not a path" },
	{ has_one_host, 400, "there is not exactly one Host field" },
	{ has_no_body, 400, "the request has a body, or says so twice" },
	{ NULL, 0, NULL },
};

static const struct handshake_rule handshake_rules[] = {
	{ is_http_1_1, 426,
	    "a WebSocket is opened in HTTP/1.1, and this is HTTP/1.0; what is "
	    "in front must speak HTTP/1.1" },
	{ is_get, 405, "a WebSocket is opened with GET" },
	{ has_connection, 426, "the Connection field does not say upgrade" },
	{ has_one_version, 400,
	    "there is more than one Sec-WebSocket-Version field" },
	{ has_version, 426, "the WebSocket version is not 13" },
	{ has_key, 400,
	    "there is not exactly one Sec-WebSocket-Key with the base64 of "
	    "16 bytes" },
	{ has_one_origin, 400, "there is more than one Origin field" },
	{ has_protocols, 400,
	    "Sec-WebSocket-Protocol is not a list of different tokens, fewer "
	    "than 64" },
	{ has_extensions, 400, "Sec-WebSocket-Extensions is malformed" },
	{ NULL, 0, NULL },
};

static int
handshake_rule(const struct handshake_rule *rule, const struct http *h,
    const char **why)
{
	for (; rule->holds != NULL; rule++)
		if (!rule->holds(h)) {
			*why = rule->why;
			return rule->status;
		}
	return 0;
}

int
handshake_check(const struct http *h, const char **why)
{
	int status = handshake_rule(request_rules, h, why);

	if (status != 0)
		return status;
	if (!http_list_has(h, "Upgrade", "websocket"))
		return 0;
	status = handshake_rule(handshake_rules, h, why);
	return status != 0 ? status : 101;
}

static bool
is_on(struct http_list *l, const char *protocol)
{
	const char *item;
	size_t len;

	while (http_list_next(l, &item, &len))
		if (len == strlen(protocol) && memcmp(item, protocol, len) == 0)
			return true;
	return false;
}

bool
handshake_offers(const struct http *h, const char *protocol)
{
	struct http_list l = { .http = h, .name = "Sec-WebSocket-Protocol" };

	return is_on(&l, protocol);
}

/* Lines, added one after another; a failure to add one sticks. */
struct lines {
	struct buf *to;
	int failed;
};

static void
lines_add(struct lines *l, const char *text)
{
	if (buf_add(l->to, text, strlen(text)) == -1)
		l->failed = -1;
}

static void
lines_field(struct lines *l, const char *name, const char *value)
{
	lines_add(l, name);
	lines_add(l, ": ");
	lines_add(l, value);
	lines_add(l, "\r\n");
}

/* RFC 9110 15; in a CGI answer it is RFC 3875 6.3.3. */
static void
lines_status(struct lines *l, enum handshake_form form, int status)
{
	char number[DIGITS_MAX];

	lines_add(l, form == HANDSHAKE_CGI ? "Status: " : "HTTP/1.1 ");
	lines_add(l, digits_of(number, (uint64_t)status));
	lines_add(l, " ");
	lines_add(l, http_phrase(status));
	lines_add(l, "\r\n");
}

int
handshake_accept(struct buf *out, enum handshake_form form,
    const struct http *h, const char *protocol, const char *extensions,
    const char *fields)
{
	struct lines l = { .to = out };
	char answer[HANDSHAKE_ACCEPT];

	handshake_answer(answer, http_value(h, "Sec-WebSocket-Key"));
	lines_status(&l, form, 101);
	lines_field(&l, "Upgrade", "websocket");
	lines_field(&l, "Connection", "Upgrade");
	lines_field(&l, "Sec-WebSocket-Accept", answer);
	if (protocol != NULL)
		lines_field(&l, "Sec-WebSocket-Protocol", protocol);
	if (*extensions != '\0')
		lines_field(&l, "Sec-WebSocket-Extensions", extensions);
	lines_add(&l, fields);
	lines_add(&l, "\r\n");
	return l.failed;
}

/* What RFC 9110 and RFC 6455 4.4 want beside these statuses. */
static const char *
status_fields(int status)
{
	switch (status) {
	case 400:
		return "Sec-WebSocket-Version: 13\r\n";
	case 405:
		return "Allow: GET\r\n";
	case 426:
		return "Upgrade: websocket\r\nSec-WebSocket-Version: 13\r\n";
	default:
		return "";
	}
}

static const char *
connection_field(int status)
{
	return status == 426 ? "Connection: close, Upgrade\r\n" :
			       "Connection: close\r\n";
}

/* When, and what becomes of the connection, is a web server's to say. */
static void
lines_reply(struct lines *l, const struct handshake_reply *r)
{
	char date[HTTP_DATE];

	lines_status(l, r->form, r->status);
	if (r->form == HANDSHAKE_HTTP) {
		http_date(date, r->date);
		lines_field(l, "Date", date);
		lines_add(l, connection_field(r->status));
	}
	lines_add(l, status_fields(r->status));
	lines_add(l, r->fields);
}

int
handshake_head(struct buf *out, const struct handshake_reply *r)
{
	struct lines l = { .to = out };

	lines_reply(&l, r);
	lines_add(&l, "\r\n");
	return l.failed;
}

int
handshake_refuse(struct buf *out, const struct handshake_reply *r,
    const char *why, bool body)
{
	struct lines l = { .to = out };
	char length[DIGITS_MAX];

	lines_reply(&l, r);
	lines_field(&l, "Content-Type", "text/plain; charset=utf-8");
	lines_field(&l, "X-Content-Type-Options", "nosniff");
	lines_field(&l, "Content-Length", digits_of(length, strlen(why) + 1));
	lines_add(&l, "\r\n");
	lines_add(&l, body ? why : "");
	lines_add(&l, body ? "\n" : "");
	return l.failed;
}

int
handshake_request(struct buf *out, struct handshake_request *r,
    const uint8_t nonce[HANDSHAKE_NONCE])
{
	struct lines l = { .to = out };

	base64_encode(r->key, nonce, HANDSHAKE_NONCE);
	lines_add(&l, "GET ");
	lines_add(&l, r->target);
	lines_add(&l, " HTTP/1.1\r\n");
	lines_field(&l, "Host", r->host);
	lines_field(&l, "Upgrade", "websocket");
	lines_field(&l, "Connection", "Upgrade");
	lines_field(&l, "Sec-WebSocket-Key", r->key);
	lines_field(&l, "Sec-WebSocket-Version", "13");
	if (r->origin != NULL)
		lines_field(&l, "Origin", r->origin);
	if (r->protocols != NULL)
		lines_field(&l, "Sec-WebSocket-Protocol", r->protocols);
	if (*r->extensions != '\0')
		lines_field(&l, "Sec-WebSocket-Extensions", r->extensions);
	lines_add(&l, "\r\n");
	return l.failed;
}

static bool
asked_for(const char *protocols, const char *chosen)
{
	struct http_list l = { .rest = protocols };

	return is_on(&l, chosen);
}

int
handshake_verify(const struct handshake_request *r, const struct http *h,
    const char **protocol, const char **why)
{
	const char *accept = http_value(h, "Sec-WebSocket-Accept");
	const char *upgrade = http_value(h, "Upgrade");
	char want[HANDSHAKE_ACCEPT];

	handshake_answer(want, r->key);
	*protocol = http_value(h, "Sec-WebSocket-Protocol");
	*why = NULL;
	if (h->status != 101)
		*why = "the server did not answer 101";
	else if (upgrade == NULL || !ascii_same(upgrade, "websocket"))
		*why = "the server's Upgrade field is not websocket";
	else if (!has_connection(h))
		*why = "the server's Connection field does not say upgrade";
	else if (accept == NULL || strcmp(accept, want) != 0)
		*why = "the server's Sec-WebSocket-Accept is wrong";
	else if (*r->extensions == '\0' &&
	    http_count(h, "Sec-WebSocket-Extensions") > 0)
		*why = "the server chose an extension that was not offered";
	else if (http_count(h, "Sec-WebSocket-Protocol") > 1 ||
	    (*protocol != NULL && !asked_for(r->protocols, *protocol)))
		*why = "the server chose a subprotocol that was not offered";
	return *why == NULL ? 0 : -1;
}
