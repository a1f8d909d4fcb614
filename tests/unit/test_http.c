/*
 * test_http.c - proves that http.h finds the end of a head at the same byte
 * however it arrives, looking at each byte once; that it refuses what two
 * readers could read differently (RFC 9112 2 to 5); and that lists are read
 * as RFC 9110 5.6.1 has them.
 */

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "http.h"
#include "unit.h"

static const struct end {
	const char *name;
	const char *in;
	long want; /* size of the head, 0 for more, -1 */
	int status;
} ends[] = {
	{ "no fields", "GET / HTTP/1.1\r\n\r\n", 18, 0 },
	{ "frames behind it", "GET / HTTP/1.1\r\n\r\n\x81\x80\n\n", 18, 0 },
	{ "a field", "GET / HTTP/1.1\r\nA: b\r\n\r\n", 24, 0 },
	{ "empty lines before it: RFC 9112 2.2", "\r\n\r\nG / H\r\n\r\n", 13,
	    0 },
	{ "a CR that ends no line", "G / H\r\nA: \rb\r\n\r\n", 16, 0 },
	{ "nothing", "", 0, 0 },
	{ "not all of the last line", "GET / HTTP/1.1\r\n\r", 0, 0 },
	{ "no last line", "GET / HTTP/1.1\r\nA: b\r\n", 0, 0 },
	{ "empty lines alone", "\r\n\r\n\r\n", 0, 0 },
	{ "LF alone ends a line", "GET / HTTP/1.1\nA: b\r\n\r\n", -1, 400 },
	{ "LF alone ends the head", "GET / HTTP/1.1\r\n\n", -1, 400 },
	{ "LF alone before it", "\nGET / HTTP/1.1\r\n\r\n", -1, 400 },
};

/* The end of the first n bytes in the next step. */
static long
step(struct http_scan *scan, uint8_t *p, size_t n, int *status)
{
	const char *why = NULL;
	long r = http_end(scan, p, n, status, &why);

	ck_assert((r == -1) == (why != NULL));
	return r;
}

START_TEST(finds_the_end_at_every_split)
{
	const struct end *row = &ends[_i];
	size_t n = strlen(row->in);
	uint8_t p[64];
	int status;
	long r;

	for (size_t cut = 0; cut <= n; cut++) {
		struct http_scan scan = { 0 };

		memcpy(p, row->in, n);
		status = 0;
		if ((r = step(&scan, p, cut, &status)) == 0)
			r = step(&scan, p, n, &status);
		ck_assert_int_eq(r, row->want);
		ck_assert_int_eq(status, row->status);
	}
}
END_TEST

START_TEST(finds_the_end_byte_by_byte)
{
	const struct end *row = &ends[_i];
	struct http_scan scan = { 0 };
	uint8_t *p;
	int status = 0;
	long r = 0;

	for (size_t n = 0; n <= strlen(row->in) && r == 0; n++) {
		p = malloc(n + 1);
		ck_assert_ptr_nonnull(p);
		memcpy(p, row->in, n);
		r = step(&scan, p, n, &status);
		free(p);
	}
	ck_assert_int_eq(r, row->want);
	ck_assert_int_eq(status, row->status);
}
END_TEST

START_TEST(refuses_nul_anywhere)
{
	static const char head[] = "GET / HTTP/1.1\r\nHost: a\r\n\r\n";
	uint8_t p[sizeof(head)];

	for (size_t at = 0; at < sizeof(head) - 1; at++) {
		struct http_scan scan = { 0 };
		int status = 0;

		memcpy(p, head, sizeof(head));
		p[at] = '\0';
		ck_assert_int_eq(step(&scan, p, sizeof(head) - 1, &status), -1);
		ck_assert_int_eq(status, 400);
	}
}
END_TEST

/*
 * Each byte is looked at once: what has been seen, but for the last byte, is
 * overwritten with NUL, at which a second look would fail.
 */
static const struct pieces {
	const char *name;
	size_t size;
} pieces[] = {
	{ "seen once: by 1", 1 },
	{ "seen once: by 2", 2 },
	{ "seen once: by 7", 7 },
	{ "seen once: by 1460", 1460 },
};

START_TEST(looks_once)
{
	struct http_scan scan = { 0 };
	uint8_t p[HTTP_HEAD_MAX];
	size_t n = 0;
	int status = 0;
	long r = 0;

	memset(p, 'x', sizeof(p));
	for (size_t i = 98; i < sizeof(p); i += 100)
		memcpy(p + i, "\r\n", 2);
	memcpy(p + sizeof(p) - 4, "\r\n\r\n", 4);
	while (r == 0 && n < sizeof(p)) {
		n += pieces[_i].size;
		n = n < sizeof(p) ? n : sizeof(p);
		r = step(&scan, p, n, &status);
		if (r == 0)
			memset(p, '\0', n - 1);
	}
	ck_assert_int_eq(r, HTTP_HEAD_MAX);
}
END_TEST

static const struct limit {
	const char *name;
	size_t line;  /* where the request line ends, 0 for nowhere */
	size_t total; /* of the head */
	int status;
} limits[] = {
	{ "16384 bytes", 20, HTTP_HEAD_MAX, 0 },
	{ "16385 bytes", 20, HTTP_HEAD_MAX + 1, 431 },
	{ "a request line of 16380", 16380, HTTP_HEAD_MAX, 0 },
	{ "a request line without end", 0, 65536, 414 },
	{ "fields without end", 20, 65536, 431 },
};

START_TEST(keeps_to_its_limit)
{
	const struct limit *row = &limits[_i];
	uint8_t *p = malloc(row->total);
	struct http_scan scan = { 0 };
	int status = 0;
	long r;

	ck_assert_ptr_nonnull(p);
	memset(p, 'x', row->total);
	if (row->line > 0)
		memcpy(p + row->line, "\r\n", 2);
	memcpy(p + row->total - 4, "\r\n\r\n", 4);
	r = step(&scan, p, row->total, &status);
	ck_assert_int_eq(r, row->status == 0 ? (long)row->total : -1);
	ck_assert_int_eq(status, row->status);
	free(p);
}
END_TEST

static const struct head {
	const char *name;
	const char *in; /* without the last empty line */
	int status;
	const char *want;
} requests[] = {
	{ "no fields", "GET / HTTP/1.1\r\n", 0, "GET / 11" },
	{ "a query", "GET /a?b=c%20d HTTP/1.1\r\n", 0, "GET /a?b=c%20d 11" },
	{ "another method", "M-SEARCH * HTTP/1.1\r\n", 0, "M-SEARCH * 11" },
	{ "another version", "GET / HTTP/1.0\r\n", 0, "GET / 10" },
	{ "fields", "GET / HTTP/1.1\r\nHost: a\r\nX-y:b\r\n", 0,
	    "GET / 11|Host=a|X-y=b" },
	{ "white space around a value", "GET / HTTP/1.1\r\nA: \t b c\t \r\n", 0,
	    "GET / 11|A=b c" },
	{ "empty values", "GET / HTTP/1.1\r\nA:\r\nB: \r\n", 0,
	    "GET / 11|A=|B=" },
	{ "a colon in a value", "GET / HTTP/1.1\r\nHost: a:80\r\n", 0,
	    "GET / 11|Host=a:80" },
	{ "bytes over 7f in a value", "GET / HTTP/1.1\r\nA: \xc3\xa4\xff\r\n",
	    0, "GET / 11|A=\xc3\xa4\xff" },
	{ "empty lines before it", "\r\n\r\nGET / HTTP/1.1\r\n", 0,
	    "GET / 11" },
	{ "no version", "GET /\r\n", 400, NULL },
	{ "one word", "GET\r\n", 400, NULL },
	{ "two spaces", "GET  / HTTP/1.1\r\n", 400, NULL },
	{ "a space in the target", "GET /a b HTTP/1.1\r\n", 400, NULL },
	{ "a space at the end", "GET / HTTP/1.1 \r\n", 400, NULL },
	{ "a space at the beginning", " GET / HTTP/1.1\r\n", 400, NULL },
	{ "a tab", "GET\t/ HTTP/1.1\r\n", 400, NULL },
	{ "no method", " / HTTP/1.1\r\n", 400, NULL },
	{ "no token for a method", "G@T / HTTP/1.1\r\n", 400, NULL },
	{ "version in lower case", "GET / http/1.1\r\n", 400, NULL },
	{ "version of two digits", "GET / HTTP/1.10\r\n", 400, NULL },
	{ "version without a dot", "GET / HTTP/11\r\n", 400, NULL },
	{ "version cut", "GET / HTTP/1.\r\n", 400, NULL },
	{ "no version's number", "GET / HTTP/\r\n", 400, NULL },
	{ "no HTTP", "GET / TTP/1.1\r\n", 400, NULL },
	{ "a control character in the target", "GET /\x01 HTTP/1.1\r\n", 400,
	    NULL },
	{ "DEL in the target", "GET /\x7f HTTP/1.1\r\n", 400, NULL },
	{ "a byte over 7f in the target", "GET /\xc3\xa4 HTTP/1.1\r\n", 400,
	    NULL },
	{ "CR in the request line", "GET /\r HTTP/1.1\r\n", 400, NULL },
	{ "a folded field", "GET / HTTP/1.1\r\nA: b\r\n c\r\n", 400, NULL },
	{ "folded with a tab", "GET / HTTP/1.1\r\nA: b\r\n\tc: d\r\n", 400,
	    NULL },
	{ "folded first line", "GET / HTTP/1.1\r\n A: b\r\n", 400, NULL },
	{ "a space before the colon", "GET / HTTP/1.1\r\nA : b\r\n", 400,
	    NULL },
	{ "no colon", "GET / HTTP/1.1\r\nAb\r\n", 400, NULL },
	{ "no name", "GET / HTTP/1.1\r\n: b\r\n", 400, NULL },
	{ "no token for a name", "GET / HTTP/1.1\r\nA(b): c\r\n", 400, NULL },
	{ "CR in a value", "GET / HTTP/1.1\r\nA: b\rc: d\r\n", 400, NULL },
	{ "CR before CR LF", "GET / HTTP/1.1\r\nA: b\r\r\n", 400, NULL },
	{ "a control character in a value", "GET / HTTP/1.1\r\nA: b\x1b\r\n",
	    400, NULL },
	{ "DEL in a value", "GET / HTTP/1.1\r\nA: b\x7f\r\n", 400, NULL },
};

static const struct head responses[] = {
	{ "101", "HTTP/1.1 101 Switching Protocols\r\nA: b\r\n", 0,
	    "101 11|A=b" },
	{ "another phrase", "HTTP/1.1 101 Yes\r\n", 0, "101 11" },
	{ "an empty phrase", "HTTP/1.1 404 \r\n", 0, "404 11" },
	{ "no phrase", "HTTP/1.1 404\r\n", 0, "404 11" },
	{ "four digits", "HTTP/1.1 1010 X\r\n", 400, NULL },
	{ "two digits", "HTTP/1.1 10 X\r\n", 400, NULL },
	{ "no digits", "HTTP/1.1 abc X\r\n", 400, NULL },
	{ "a sign", "HTTP/1.1 +10 X\r\n", 400, NULL },
	{ "no version", "HTTP 101 Switching\r\n", 400, NULL },
	{ "no HTTP", "SSH-2.0-OpenSSH_9.2p1 Debian\r\n", 400, NULL },
	{ "a short line", "HTTP/1.1\r\n", 400, NULL },
	{ "another version", "HTTP/2.0 101 X\r\n", 0, "101 20" },
	{ "version cut", "HTTP/1.x 101 X\r\n", 400, NULL },
	{ "a folded field", "HTTP/1.1 101 X\r\nA: b\r\n c\r\n", 400, NULL },
};

static char *
render(const struct http *h)
{
	char *text;
	size_t size;
	FILE *to = open_memstream(&text, &size);

	ck_assert_ptr_nonnull(to);
	if (h->method != NULL)
		fprintf(to, "%s %s %d", h->method, h->target, h->version);
	else
		fprintf(to, "%d %d", h->status, h->version);
	for (size_t i = 0; i < h->fields; i++)
		fprintf(to, "|%s=%s", http_field_name(h, i),
		    http_field_value(h, i));
	fclose(to);
	return text;
}

static void
parse(const struct head *row, int (*read)(struct http *, char *, const char **))
{
	char *p = malloc(strlen(row->in) + 3), *got;
	const char *why = NULL;
	struct http h;

	ck_assert_ptr_nonnull(p);
	strcpy(p, row->in);
	strcat(p, "\r\n");
	ck_assert_int_eq(read(&h, p, &why), row->status);
	if (row->status == 0) {
		got = render(&h);
		ck_assert_str_eq(got, row->want);
		free(got);
	} else {
		ck_assert_ptr_nonnull(why);
	}
	free(p);
}

START_TEST(reads_requests)
{
	parse(&requests[_i], http_request);
}
END_TEST

START_TEST(reads_responses)
{
	parse(&responses[_i], http_response);
}
END_TEST

START_TEST(takes_100_fields)
{
	char p[2048];
	const char *why = NULL;
	struct http h;

	for (int n = HTTP_FIELDS_MAX; n <= HTTP_FIELDS_MAX + 1; n++) {
		strcpy(p, "GET / HTTP/1.1\r\n");
		for (int i = 0; i < n; i++)
			strcat(p, "A: b\r\n");
		strcat(p, "\r\n");
		ck_assert_int_eq(http_request(&h, p, &why),
		    n > HTTP_FIELDS_MAX ? 431 : 0);
	}
	ck_assert_uint_eq(http_count(&h, "a"), HTTP_FIELDS_MAX);
}
END_TEST

/* RFC 9110 5.6.1: elements of all fields of the name, white space trimmed. */
static const struct list {
	const char *name;
	const char *first, *second; /* values of two fields, or NULL */
	const char *want;
	bool has; /* "upgrade" */
} lists[] = {
	{ "one", "Upgrade", NULL, "<Upgrade>", true },
	{ "Firefox", "keep-alive, Upgrade", NULL, "<keep-alive><Upgrade>",
	    true },
	{ "no space", "a,UPGRADE,b", NULL, "<a><UPGRADE><b>", true },
	{ "two fields", "keep-alive", "upgrade", "<keep-alive><upgrade>",
	    true },
	{ "the first is empty", "", "upgrade", "<upgrade>", true },
	{ "tabs and spaces", "a\t ,\t upgrade", NULL, "<a><upgrade>", true },
	{ "empty elements", ",, a,, ,b ,", NULL, "<a><b>", false },
	{ "commas alone", ", ,,", ",", "", false },
	{ "nothing", "", NULL, "", false },
	{ "a part is not the whole", "upgraded, up", "xupgrade",
	    "<upgraded><up><xupgrade>", false },
	{ "spaces within", "up grade", NULL, "<up grade>", false },
};

START_TEST(reads_lists)
{
	const struct list *row = &lists[_i];
	struct http h;
	struct http_list l = { .http = &h, .name = "list" };
	char got[128] = "", head[256];
	const char *item, *why;
	size_t len;

	snprintf(head, sizeof(head),
	    "GET / HTTP/1.1\r\nX: upgrade\r\nList: %s\r\n"
	    "Lists: upgrade\r\n%s%s\r\n\r\n",
	    row->first, row->second == NULL ? "X: upgrade" : "lIST: ",
	    row->second == NULL ? "" : row->second);
	ck_assert_int_eq(http_request(&h, head, &why), 0);
	while (http_list_next(&l, &item, &len))
		snprintf(got + strlen(got), sizeof(got) - strlen(got), "<%.*s>",
		    (int)len, item);
	ck_assert_str_eq(got, row->want);
	ck_assert(http_list_has(&h, "LIST", "upgrade") == row->has);
	ck_assert_str_eq(http_value(&h, "LIST"), row->first);
	ck_assert_uint_eq(http_count(&h, "LIST"), row->second ? 2 : 1);
	ck_assert_ptr_null(http_value(&h, "none"));
}
END_TEST

/* RFC 9110 5.6.2: the visible characters that are no delimiters. */
START_TEST(knows_tokens)
{
	for (int c = 0; c < 256; c++) {
		bool want = c > 0x20 && c < 0x7f &&
		    strchr("\"(),/:;<=>?@[\\]{}", c) == NULL;
		const char text[3] = { 'a', (char)c, 'b' };

		if (http_is_token_char((char)c) != want ||
		    http_is_token(text, sizeof(text)) != want)
			ck_abort_msg("%02x", c);
	}
	ck_assert(!http_is_token("", 0));
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("http");

	UNIT_ROWS(s, finds_the_end_at_every_split, ends);
	UNIT_ROWS(s, finds_the_end_byte_by_byte, ends);
	UNIT_ROWS(s, looks_once, pieces);
	UNIT_ROWS(s, keeps_to_its_limit, limits);
	UNIT_ROWS(s, reads_requests, requests);
	UNIT_ROWS(s, reads_responses, responses);
	UNIT_ROWS(s, reads_lists, lists);
	unit_test(s, "NUL", refuses_nul_anywhere);
	unit_test(s, "100 fields", takes_100_fields);
	unit_test(s, "all characters", knows_tokens);
	return unit_run(s);
}
