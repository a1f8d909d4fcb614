/*
 * test_handshake.c - proves every rule of RFC 6455 4.2.1 with its HTTP status,
 * the answer to a key, that each refusal is a whole response after which the
 * connection ends, and the client's side of it all: RFC 6455 4.1.
 */

#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "handshake.h"
#include "unit.h"

static const char *const fields[] = {
	"Host: example.org",
	"Upgrade: websocket",
	"Connection: Upgrade",
	"Sec-WebSocket-Version: 13",
	"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==",
};

static const struct request {
	const char *name;
	const char *line; /* NULL for GET /chat HTTP/1.1 */
	const char *drop; /* of the fields above, or "" */
	const char *add;
	int status;
} requests[] = {
	{ "RFC 6455 1.2", NULL, "",
	    "Origin: http://example.com\r\nSec-WebSocket-Protocol: chat, "
	    "superchat\r\n",
	    101 },
	/* RFC 6455 4.2.1, 1.: the request line */
	{ "a query", "GET /a?b=c HTTP/1.1", "", "", 101 },
	{ "an absolute target", "GET http://example.org/chat HTTP/1.1", "", "",
	    101 },
	{ "an absolute https target", "GET HTTPS://example.org/ HTTP/1.1", "",
	    "", 101 },
	{ "an absolute target without a host", "GET http:///chat HTTP/1.1", "",
	    "", 400 },
	{ "an absolute target of a query", "GET https://?a HTTP/1.1", "", "",
	    400 },
	{ "POST", "POST /chat HTTP/1.1", "", "", 405 },
	{ "HEAD", "HEAD /chat HTTP/1.1", "", "", 405 },
	{ "get in lower case", "get /chat HTTP/1.1", "", "", 405 },
	{ "HTTP/1.0", "GET /chat HTTP/1.0", "", "", 426 },
	{ "HTTP/1.0 without Upgrade", "GET /chat HTTP/1.0", "Upgrade", "", 0 },
	{ "HTTP/1.0 without Host", "GET /chat HTTP/1.0", "Host", "", 426 },
	{ "HTTP/1.0 with two Hosts", "GET /chat HTTP/1.0", "",
	    "Host: example.org\r\n", 400 },
	{ "HTTP/1.2", "GET /chat HTTP/1.2", "", "", 505 },
	{ "HTTP/0.9", "GET /chat HTTP/0.9", "", "", 505 },
	{ "HTTP/2.0", "GET /chat HTTP/2.0", "", "", 505 },
	{ "target *", "GET * HTTP/1.1", "", "", 400 },
	{ "target without a slash", "GET chat HTTP/1.1", "", "", 400 },
	{ "target of CONNECT", "GET example.org:80 HTTP/1.1", "", "", 400 },
	{ "a fragment", "GET /chat#top HTTP/1.1", "", "", 400 },
	/* 2.: Host */
	{ "no Host", NULL, "Host", "", 400 },
	{ "two Hosts", NULL, "", "Host: example.org\r\n", 400 },
	/* 3.: Upgrade; without it this is a request for something else */
	{ "no Upgrade", NULL, "Upgrade", "", 0 },
	{ "Upgrade in capitals", NULL, "Upgrade", "Upgrade: WebSocket\r\n",
	    101 },
	{ "Upgrade in a list", NULL, "Upgrade", "Upgrade: h2c, websocket\r\n",
	    101 },
	{ "Upgrade over two fields", NULL, "", "Upgrade: h2c\r\n", 101 },
	{ "h2c alone", NULL, "Upgrade", "Upgrade: h2c\r\n", 0 },
	{ "websockets", NULL, "Upgrade", "Upgrade: websockets\r\n", 0 },
	{ "an empty Upgrade", NULL, "Upgrade", "Upgrade:\r\n", 0 },
	/* 4.: Connection */
	{ "no Connection", NULL, "Connection", "", 426 },
	{ "Connection as Firefox has it", NULL, "Connection",
	    "Connection: keep-alive, Upgrade\r\n", 101 },
	{ "Connection in lower case", NULL, "Connection",
	    "connection: upgrade\r\n", 101 },
	{ "Connection over two fields", NULL, "Connection",
	    "Connection: keep-alive\r\nConnection: UPGRADE\r\n", 101 },
	{ "Connection: keep-alive", NULL, "Connection",
	    "Connection: keep-alive\r\n", 426 },
	{ "Connection: upgraded", NULL, "Connection",
	    "Connection: upgraded\r\n", 426 },
	/* 5.: the key */
	{ "no key", NULL, "Sec-WebSocket-Key", "", 400 },
	{ "two keys", NULL, "",
	    "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n", 400 },
	{ "a key with bits left over", NULL, "Sec-WebSocket-Key",
	    "Sec-WebSocket-Key: AQIDBAUGBwgJCgsMDQ4PEC==\r\n", 101 },
	{ "white space around the key", NULL, "Sec-WebSocket-Key",
	    "Sec-WebSocket-Key: \t AQIDBAUGBwgJCgsMDQ4PEC== \r\n", 101 },
	{ "an empty key", NULL, "Sec-WebSocket-Key", "Sec-WebSocket-Key:\r\n",
	    400 },
	{ "a key of 17 bytes", NULL, "Sec-WebSocket-Key",
	    "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZTE=\r\n", 400 },
	{ "a key of 15 bytes", NULL, "Sec-WebSocket-Key",
	    "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25j\r\n", 400 },
	{ "a key that is no base64", NULL, "Sec-WebSocket-Key",
	    "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub2-jZQ==\r\n", 400 },
	/* 6., 4.4: the version, which 426 goes with */
	{ "no version", NULL, "Sec-WebSocket-Version", "", 426 },
	{ "version 8", NULL, "Sec-WebSocket-Version",
	    "Sec-WebSocket-Version: 8\r\n", 426 },
	{ "version 25", NULL, "Sec-WebSocket-Version",
	    "Sec-WebSocket-Version: 25\r\n", 426 },
	{ "version 013", NULL, "Sec-WebSocket-Version",
	    "Sec-WebSocket-Version: 013\r\n", 426 },
	{ "version +13", NULL, "Sec-WebSocket-Version",
	    "Sec-WebSocket-Version: +13\r\n", 426 },
	{ "version 13, 8", NULL, "Sec-WebSocket-Version",
	    "Sec-WebSocket-Version: 13, 8\r\n", 426 },
	{ "two versions", NULL, "", "Sec-WebSocket-Version: 13\r\n", 400 },
	/* 7.: Origin */
	{ "null for an Origin", NULL, "", "Origin: null\r\n", 101 },
	{ "two Origins", NULL, "", "Origin: null\r\nOrigin: null\r\n", 400 },
	/* 8.: subprotocols */
	{ "a subprotocol", NULL, "", "Sec-WebSocket-Protocol: chat\r\n", 101 },
	{ "subprotocols over two fields", NULL, "",
	    "Sec-WebSocket-Protocol: a\r\nSec-WebSocket-Protocol: b\r\n", 101 },
	{ "subprotocols differ in case", NULL, "",
	    "Sec-WebSocket-Protocol: a, A\r\n", 101 },
	{ "no subprotocol in the list", NULL, "", "Sec-WebSocket-Protocol:\r\n",
	    400 },
	{ "commas for subprotocols", NULL, "",
	    "Sec-WebSocket-Protocol: , ,\r\n", 400 },
	{ "a subprotocol twice", NULL, "",
	    "Sec-WebSocket-Protocol: a, b, a\r\n", 400 },
	{ "twice over two fields", NULL, "",
	    "Sec-WebSocket-Protocol: a\r\nSec-WebSocket-Protocol: b, a\r\n",
	    400 },
	{ "a subprotocol with a space", NULL, "",
	    "Sec-WebSocket-Protocol: a b\r\n", 400 },
	{ "a subprotocol with a slash", NULL, "",
	    "Sec-WebSocket-Protocol: a/b\r\n", 400 },
	/* 9.: extensions; those that parse are passed over */
	{ "an extension", NULL, "",
	    "Sec-WebSocket-Extensions: permessage-deflate; "
	    "client_max_window_bits\r\n",
	    101 },
	{ "two offers and a quoted value", NULL, "",
	    "Sec-WebSocket-Extensions: a; b=\"10\", a\r\n", 101 },
	{ "an extension by the name constructor", NULL, "",
	    "Sec-WebSocket-Extensions: constructor\r\n", 101 },
	{ "an extension that is none", NULL, "",
	    "Sec-WebSocket-Extensions: a; b=\r\n", 400 },
	{ "the second is none", NULL, "",
	    "Sec-WebSocket-Extensions: a\r\nSec-WebSocket-Extensions: ;b\r\n",
	    400 },
	{ "a quote that holds a comma", NULL, "",
	    "Sec-WebSocket-Extensions: a; b=\"c,d\"\r\n", 400 },
	/* No body: what is behind the head would be read twice. */
	{ "Content-Length: 0", NULL, "", "Content-Length: 0\r\n", 101 },
	{ "a body", NULL, "", "Content-Length: 1\r\n", 400 },
	{ "a length that is no number", NULL, "", "Content-Length: x\r\n",
	    400 },
	{ "a length below zero", NULL, "", "Content-Length: -1\r\n", 400 },
	{ "an empty length", NULL, "", "Content-Length:\r\n", 400 },
	{ "two lengths", NULL, "", "Content-Length: 0\r\nContent-Length: 0\r\n",
	    400 },
	{ "chunks", NULL, "", "Transfer-Encoding: chunked\r\n", 400 },
	{ "a body without Upgrade", "POST / HTTP/1.1", "Upgrade",
	    "Content-Length: 5\r\n", 400 },
};

static void
head_make(char *out, const struct request *row, bool reversed)
{
	size_t n = strlen(row->drop);

	strcpy(out, row->line == NULL ? "GET /chat HTTP/1.1" : row->line);
	strcat(out, "\r\n");
	if (reversed)
		strcat(out, row->add);
	for (size_t i = 0; i < COUNT(fields); i++) {
		const char *f = fields[reversed ? COUNT(fields) - 1 - i : i];

		if (n > 0 && strncmp(f, row->drop, n) == 0 && f[n] == ':')
			continue;
		strcat(out, f);
		strcat(out, "\r\n");
	}
	if (!reversed)
		strcat(out, row->add);
	strcat(out, "\r\n");
}

/* In this order of fields and in the other. */
START_TEST(checks)
{
	const struct request *row = &requests[_i / 2];
	char head[1024];
	const char *why = NULL;
	struct http h;

	head_make(head, row, _i % 2 != 0);
	ck_assert_int_eq(http_request(&h, head, &why), 0);
	ck_assert_int_eq(handshake_check(&h, &why), row->status);
	ck_assert(row->status < 200 || why != NULL);
}
END_TEST

/* Processor time for checking a head of this size, full of subprotocols. */
static double
time_for(size_t size)
{
	static char head[HTTP_HEAD_MAX];
	const struct request plain = { .name = "", .drop = "", .add = "" };
	struct timespec from, to;
	const char *why;
	struct http h;
	size_t n;

	head_make(head, &plain, false);
	n = strlen(head) - 2;
	n += (size_t)sprintf(head + n, "Sec-WebSocket-Protocol: 0000");
	for (int i = 1; n < size - 16; i++)
		n += (size_t)sprintf(head + n, ",%x", i);
	strcpy(head + n, "\r\n\r\n");
	ck_assert_int_eq(http_request(&h, head, &why), 0);
	clock_gettime(CLOCK_THREAD_CPUTIME_ID, &from);
	for (size_t i = 0; i < HTTP_HEAD_MAX / size; i++)
		handshake_check(&h, &why);
	clock_gettime(CLOCK_THREAD_CPUTIME_ID, &to);
	return (double)(to.tv_sec - from.tv_sec) * 1e9 +
	    (double)(to.tv_nsec - from.tv_nsec);
}

/*
 * A byte of a long head costs what one of a short head does.  Comparing each
 * subprotocol with each would cost 16 times as much here.
 */
START_TEST(costs_no_more_when_longer)
{
	double least = 1e9, n;

	for (int turn = 0; turn < 5 && least > 4; turn++) {
		n = time_for(HTTP_HEAD_MAX) / time_for(HTTP_HEAD_MAX / 16);
		least = n < least ? n : least;
	}
	ck_assert_double_le(least, 4);
}
END_TEST

static const struct answer {
	const char *name; /* and the key */
	const char *want;
} answers[] = {
	{ "dGhlIHNhbXBsZSBub25jZQ==", "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=" },
	{ "AQIDBAUGBwgJCgsMDQ4PEC==", "OfS0wDaT5NoxF2gqm7Zj2YtetzM=" },
	{ "AQIDBAUGBwgJCgsMDQ4PEA==", "C/0nmHhBztSRGR1CwL6Tf4ZjwpY=" },
	{ "x3JJHMbDL1EzLkh9GBhXDw==", "HSmrc0sMlYUkAGmm5OPpG2HaGWk=" },
	{ "MDAwMDAwMDAwMDAwMDAwMA==", "tb403IRLas8CVkLDneo/uRhHmBg=" },
	{ "AAAAAAAAAAAAAAAAAAAAAA==", "ICX+Yqv66kxgM0FcWaLWlFLwTAI=" },
};

START_TEST(answers_keys)
{
	char got[HANDSHAKE_ACCEPT];

	handshake_answer(got, answers[_i].name);
	ck_assert_str_eq(got, answers[_i].want);
}
END_TEST

static const struct acceptance {
	const char *name;
	const char *protocol, *extensions, *fields;
	const char *want; /* behind Sec-WebSocket-Accept */
} acceptances[] = {
	{ "alone", NULL, "", "", "" },
	{ "with a subprotocol", "chat", "", "",
	    "Sec-WebSocket-Protocol: chat\r\n" },
	{ "with an extension", NULL, "permessage-deflate", "",
	    "Sec-WebSocket-Extensions: permessage-deflate\r\n" },
	{ "with fields", NULL, "", "Set-Cookie: a=b\r\nServer: c\r\n",
	    "Set-Cookie: a=b\r\nServer: c\r\n" },
};

START_TEST(accepts)
{
	const struct acceptance *row = &acceptances[_i];
	char head[] = "GET / HTTP/1.1\r\n"
		      "sec-websocket-key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n";
	struct http h;
	struct buf b = { 0 };
	const char *why;
	char want[512];

	ck_assert_int_eq(http_request(&h, head, &why), 0);
	snprintf(want, sizeof(want),
	    "HTTP/1.1 101 Switching Protocols\r\n"
	    "Upgrade: websocket\r\n"
	    "Connection: Upgrade\r\n"
	    "Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n"
	    "%s\r\n",
	    row->want);
	ck_assert_int_eq(handshake_accept(&b, HANDSHAKE_HTTP, &h, row->protocol,
			     row->extensions, row->fields),
	    0);
	ck_assert_int_eq(buf_add(&b, "", 1), 0);
	ck_assert_str_eq((char *)buf_head(&b), want);
	buf_free(&b);
}
END_TEST

static const struct refusal {
	const char *name;
	int status;
	const char *phrase;
	const char *field, *value; /* that must be there, or NULL */
} refusals[] = {
	{ "400", 400, "Bad Request", NULL, NULL },
	{ "401", 401, "Unauthorized", "WWW-Authenticate", "Basic" },
	{ "403", 403, "Forbidden", NULL, NULL },
	{ "404", 404, "Not Found", NULL, NULL },
	{ "405 allows GET", 405, "Method Not Allowed", "Allow", "GET" },
	{ "408", 408, "Request Timeout", NULL, NULL },
	{ "414", 414, "URI Too Long", NULL, NULL },
	{ "421", 421, "Misdirected Request", NULL, NULL },
	{ "426 names the version", 426, "Upgrade Required",
	    "Sec-WebSocket-Version", "13" },
	{ "426 says websocket", 426, "Upgrade Required", "Upgrade",
	    "websocket" },
	{ "426 says upgrade", 426, "Upgrade Required", "Connection",
	    "upgrade" },
	{ "431", 431, "Request Header Fields Too Large", NULL, NULL },
	{ "502", 502, "Bad Gateway", NULL, NULL },
	{ "503", 503, "Service Unavailable", NULL, NULL },
	{ "505", 505, "HTTP Version Not Supported", NULL, NULL },
};

START_TEST(refuses)
{
	const struct refusal *row = &refusals[_i];
	const struct handshake_reply reply = {
		.status = row->status,
		.fields =
		    row->status == 401 ? "WWW-Authenticate: Basic\r\n" : "",
	};
	struct http_scan scan = { 0 };
	const char *why = NULL;
	struct buf b = { 0 };
	struct http h;
	int status;
	long head;

	ck_assert_int_eq(handshake_refuse(&b, &reply, "the reason", true), 0);
	head = http_end(&scan, buf_head(&b), b.len, &status, &why);
	ck_assert_int_gt(head, 0);
	ck_assert_uint_eq(b.len, (size_t)head + 11);
	ck_assert_mem_eq(buf_head(&b) + head, "the reason\n", 11);
	ck_assert_mem_eq(buf_head(&b) + 13, row->phrase, strlen(row->phrase));

	ck_assert_int_eq(http_response(&h, (char *)buf_head(&b), &why), 0);
	ck_assert_int_eq(h.status, row->status);
	ck_assert(http_list_has(&h, "Connection", "close"));
	ck_assert_uint_eq(http_count(&h, "Content-Length"), 1);
	ck_assert_str_eq(http_value(&h, "Content-Length"), "11");
	ck_assert(
	    row->field == NULL || http_list_has(&h, row->field, row->value));
	buf_free(&b);
}
END_TEST

static const uint8_t nonce[HANDSHAKE_NONCE] = "the sample nonce";

START_TEST(asks)
{
	struct handshake_request r = {
		.host = "example.org:8080",
		.target = "/chat?a=b",
		.origin = "http://example.com",
		.protocols = "chat, superchat",
		.extensions = "permessage-deflate",
	};
	struct buf b = { 0 };

	ck_assert_int_eq(handshake_request(&b, &r, nonce), 0);
	ck_assert_int_eq(buf_add(&b, "", 1), 0);
	ck_assert_str_eq((char *)buf_head(&b),
	    "GET /chat?a=b HTTP/1.1\r\n"
	    "Host: example.org:8080\r\n"
	    "Upgrade: websocket\r\n"
	    "Connection: Upgrade\r\n"
	    "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"
	    "Sec-WebSocket-Version: 13\r\n"
	    "Origin: http://example.com\r\n"
	    "Sec-WebSocket-Protocol: chat, superchat\r\n"
	    "Sec-WebSocket-Extensions: permessage-deflate\r\n"
	    "\r\n");
	ck_assert_str_eq(r.key, "dGhlIHNhbXBsZSBub25jZQ==");
	buf_free(&b);
}
END_TEST

#define SWITCH	"HTTP/1.1 101 Switching Protocols\r\n"
#define UPGRADE "Upgrade: websocket\r\nConnection: Upgrade\r\n"
#define ACCEPT	"Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n"

/* RFC 6455 4.1: what the client validates, when it offered "chat, b". */
static const struct response {
	const char *name;
	const char *in;
	int want;
	const char *protocol;
} responses[] = {
	{ "all is well", SWITCH UPGRADE ACCEPT, 0, NULL },
	{ "another phrase", "HTTP/1.1 101 Yes\r\n" UPGRADE ACCEPT, 0, NULL },
	{ "other cases",
	    SWITCH "upgrade: WebSocket\r\nCONNECTION: upGRADE\r\n" ACCEPT, 0,
	    NULL },
	{ "an offered subprotocol",
	    SWITCH UPGRADE ACCEPT "Sec-WebSocket-Protocol: b\r\n", 0, "b" },
	{ "200", "HTTP/1.1 200 OK\r\n" UPGRADE ACCEPT, -1, NULL },
	{ "no Upgrade", SWITCH "Connection: Upgrade\r\n" ACCEPT, -1, NULL },
	{ "Upgrade: h2c",
	    SWITCH "Upgrade: h2c\r\nConnection: Upgrade\r\n" ACCEPT, -1, NULL },
	{ "no Connection", SWITCH "Upgrade: websocket\r\n" ACCEPT, -1, NULL },
	{ "no Accept", SWITCH UPGRADE, -1, NULL },
	{ "Accept for another key",
	    SWITCH UPGRADE
	    "Sec-WebSocket-Accept: OfS0wDaT5NoxF2gqm7Zj2YtetzM=\r\n",
	    -1, NULL },
	{ "Accept in other case",
	    SWITCH UPGRADE
	    "Sec-WebSocket-Accept: S3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n",
	    -1, NULL },
	{ "an extension not offered",
	    SWITCH UPGRADE ACCEPT
	    "Sec-WebSocket-Extensions: permessage-deflate\r\n",
	    -1, NULL },
	{ "a subprotocol not offered",
	    SWITCH UPGRADE ACCEPT "Sec-WebSocket-Protocol: c\r\n", -1, NULL },
	{ "a subprotocol in other case",
	    SWITCH UPGRADE ACCEPT "Sec-WebSocket-Protocol: B\r\n", -1, NULL },
	{ "an empty subprotocol",
	    SWITCH UPGRADE ACCEPT "Sec-WebSocket-Protocol:\r\n", -1, NULL },
	{ "both subprotocols",
	    SWITCH UPGRADE ACCEPT "Sec-WebSocket-Protocol: chat, b\r\n", -1,
	    NULL },
	{ "two subprotocol fields",
	    SWITCH UPGRADE ACCEPT "Sec-WebSocket-Protocol: b\r\n"
				  "Sec-WebSocket-Protocol: chat\r\n",
	    -1, NULL },
};

START_TEST(verifies)
{
	const struct response *row = &responses[_i];
	struct handshake_request r = { .host = "a",
		.target = "/",
		.protocols = "chat, b",
		.extensions = "" };
	const char *protocol, *why = NULL;
	char head[512];
	struct buf b = { 0 };
	struct http h;

	ck_assert_int_eq(handshake_request(&b, &r, nonce), 0);
	buf_free(&b);
	snprintf(head, sizeof(head), "%s\r\n", row->in);
	ck_assert_int_eq(http_response(&h, head, &why), 0);
	ck_assert_int_eq(handshake_verify(&r, &h, &protocol, &why), row->want);
	ck_assert((row->want == -1) == (why != NULL));
	if (row->want == 0)
		ck_assert_pstr_eq(protocol, row->protocol);
}
END_TEST

START_TEST(knows_offers)
{
	char head[] = "GET / HTTP/1.1\r\nSec-WebSocket-Protocol: a,  bc\r\n"
		      "Sec-WebSocket-Protocol: D\r\n\r\n";
	struct http h;
	const char *why;

	ck_assert_int_eq(http_request(&h, head, &why), 0);
	ck_assert(handshake_offers(&h, "a"));
	ck_assert(handshake_offers(&h, "bc"));
	ck_assert(handshake_offers(&h, "D"));
	ck_assert(!handshake_offers(&h, "d"));
	ck_assert(!handshake_offers(&h, "b"));
	ck_assert(!handshake_offers(&h, "bcd"));
	ck_assert(!handshake_offers(&h, ""));
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("handshake");

	UNIT_ROWS_EACH(s, checks, requests, 2);
	UNIT_ROWS(s, answers_keys, answers);
	UNIT_ROWS(s, accepts, acceptances);
	UNIT_ROWS(s, refuses, refusals);
	UNIT_ROWS(s, verifies, responses);
	unit_test(s, "request", asks);
	unit_test(s, "offers", knows_offers);
	unit_test(s, "time for a head", costs_no_more_when_longer);
	return unit_run(s);
}
