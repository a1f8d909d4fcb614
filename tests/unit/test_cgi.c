/*
 * test_cgi.c - proves that CGI variables become the head that they were made
 * of, that what servers leave out is made up for, and that no value can break
 * out of its line.
 */

#include <stdlib.h>
#include <string.h>

#include "cgi.h"
#include "unit.h"

#define BASE "REQUEST_METHOD=GET|SERVER_PROTOCOL=HTTP/1.1"

static const struct row {
	const char *name;
	const char *vars; /* with | between them */
	int status;
	const char *want; /* the head */
} heads[] = {
	{ "all that a handshake has",
	    BASE "|REQUEST_URI=/"
		 "chat?room=1|HTTP_HOST=a:80|HTTP_UPGRADE=websocket|HTTP_SEC_"
		 "WEBSOCKET_KEY=dGhlIHNhbXBsZSBub25jZQ==",
	    0,
	    "GET /chat?room=1 HTTP/1.1\r\n"
	    "Host: a:80\r\n"
	    "Upgrade: websocket\r\n"
	    "Sec-Websocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"
	    "\r\n" },
	{ "the order is no matter",
	    "HTTP_HOST=a|SERVER_PROTOCOL=HTTP/1.1|REQUEST_URI=/"
	    "|REQUEST_METHOD=GET",
	    0, "GET / HTTP/1.1\r\nHost: a\r\n\r\n" },
	{ "a target of decoded parts",
	    BASE "|HTTP_HOST=a|SCRIPT_NAME=/ws|PATH_INFO=/a "
		 "b%\xc3\xa4|QUERY_STRING=x=%20",
	    0, "GET /ws/a%20b%25%C3%A4?x=%20 HTTP/1.1\r\nHost: a\r\n\r\n" },
	{ "a question mark in a path is no query",
	    BASE "|HTTP_HOST=a|SCRIPT_NAME=|PATH_INFO=/a?b|QUERY_STRING=", 0,
	    "GET /a%3Fb HTTP/1.1\r\nHost: a\r\n\r\n" },
	{ "a line break in a path is escaped",
	    BASE "|HTTP_HOST=a|PATH_INFO=/a\r\nX: y", 0,
	    "GET /a%0D%0AX:%20y HTTP/1.1\r\nHost: a\r\n\r\n" },
	{ "no path at all", BASE "|HTTP_HOST=a", 0,
	    "GET / HTTP/1.1\r\nHost: a\r\n\r\n" },
	{ "an empty REQUEST_URI is none",
	    BASE "|HTTP_HOST=a|REQUEST_URI=|SCRIPT_NAME=/s", 0,
	    "GET /s HTTP/1.1\r\nHost: a\r\n\r\n" },
	{ "no Host field: the server's name and port",
	    BASE "|REQUEST_URI=/|SERVER_NAME=a|SERVER_PORT=8080", 0,
	    "GET / HTTP/1.1\r\nHost: a:8080\r\n\r\n" },
	{ "and no port", BASE "|REQUEST_URI=/|SERVER_NAME=a", 0,
	    "GET / HTTP/1.1\r\nHost: a\r\n\r\n" },
	{ "neither", BASE "|REQUEST_URI=/", 0, "GET / HTTP/1.1\r\n\r\n" },
	{ "a Host field comes before the server's name",
	    BASE "|REQUEST_URI=/|SERVER_NAME=a|HTTP_HOST=b", 0,
	    "GET / HTTP/1.1\r\nHost: b\r\n\r\n" },
	{ "the first of two", BASE "|REQUEST_URI=/|HTTP_X=1|HTTP_X=2", 0,
	    "GET / HTTP/1.1\r\nX: 1\r\n\r\n" },
	{ "a name that begins like another",
	    BASE "|REQUEST_URI=/|HTTP_X_Y=1|HTTP_X=2", 0,
	    "GET / HTTP/1.1\r\nX-Y: 1\r\nX: 2\r\n\r\n" },
	{ "an empty value is one", BASE "|REQUEST_URI=/|HTTP_X=", 0,
	    "GET / HTTP/1.1\r\nX: \r\n\r\n" },
	{ "no name is none", BASE "|REQUEST_URI=/|HTTP_=1", 0,
	    "GET / HTTP/1.1\r\n\r\n" },
	{ "no = is no variable", BASE "|REQUEST_URI=/|HTTP_X", 0,
	    "GET / HTTP/1.1\r\n\r\n" },
	{ "HTTPS is no field", BASE "|REQUEST_URI=/|HTTPS=on", 0,
	    "GET / HTTP/1.1\r\n\r\n" },
	{ "no length", BASE "|REQUEST_URI=/|CONTENT_LENGTH=", 0,
	    "GET / HTTP/1.1\r\n\r\n" },
	{ "a length of 0", BASE "|REQUEST_URI=/|CONTENT_LENGTH=0", 0,
	    "GET / HTTP/1.1\r\n\r\n" },
	{ "a length", BASE "|REQUEST_URI=/|CONTENT_LENGTH=5", 0,
	    "GET / HTTP/1.1\r\nContent-Length: 5\r\n\r\n" },
	{ "no variables make a head that is no request", "", 0, " / \r\n\r\n" },
	{ "a line break in a value", BASE "|REQUEST_URI=/|HTTP_X=1\r\nHost: b",
	    400, NULL },
	{ "a newline in a name", BASE "|REQUEST_URI=/|HTTP_X\nY=1", 400, NULL },
	{ "a line break in the target",
	    BASE "|REQUEST_URI=/ HTTP/1.1\r\nHost: b", 400, NULL },
	{ "in the query", BASE "|QUERY_STRING=a\nb", 400, NULL },
	{ "in the server's name", BASE "|REQUEST_URI=/|SERVER_NAME=a\rb", 400,
	    NULL },
};

START_TEST(makes_heads)
{
	const struct row *row = &heads[_i];
	char **vars = unit_split(row->vars);
	const char *why = NULL;
	struct buf b = { 0 };

	ck_assert_int_eq(cgi_head(&b, vars, &why), row->status);
	if (row->status == 0) {
		ck_assert_int_eq(buf_add(&b, "", 1), 0);
		ck_assert_str_eq((char *)buf_head(&b), row->want);
	} else {
		ck_assert_ptr_nonnull(strstr(why, "line break"));
	}
	buf_free(&b);
	free(vars);
}
END_TEST

START_TEST(finds_values)
{
	char **vars = unit_split("AB=1|A=2|A=3|B");

	ck_assert_str_eq(cgi_value(vars, "A"), "2");
	ck_assert_str_eq(cgi_value(vars, "AB"), "1");
	ck_assert_ptr_null(cgi_value(vars, "B"));
	ck_assert_ptr_null(cgi_value(vars, "C"));
	free(vars);
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("cgi");

	UNIT_ROWS(s, makes_heads, heads);
	unit_test(s, "values", finds_values);
	return unit_run(s);
}
