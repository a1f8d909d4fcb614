/*
 * test_verdict.c - proves verdict.h: what a hook may say, and what comes of it;
 * and of what it may not say, in which line, and why.
 */

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "admit/verdict.h"
#include "unit.h"

#define TEN	"abcdefghij"
#define FIFTY	TEN TEN TEN TEN TEN
#define FOUR(a) a a a a
#define EIGHT	FOUR("A: b\n") FOUR("A: b\n")

static const struct row {
	const char *name;
	const char *text;
	const char *want; /* as written() has it */
	bool refused;
} rows[] = {
	{ "nothing", "", "in", false },
	{ "an empty line", "\n", "in", false },
	{ "nothing, refused", "", "403", true },
	{ "a user", "Variable-REMOTE_USER: anna\n", "in user=anna", false },
	{ "in capitals", "VARIABLE-REMOTE_USER:anna\n", "in user=anna", false },
	{ "CR LF", "Variable-REMOTE_USER: anna\r\n\r\n", "in user=anna",
	    false },
	{ "no newline", "Variable-REMOTE_USER: anna", "in user=anna", false },
	{ "UTF-8, spaces", "Variable-REMOTE_USER: \t zo\xc3\xab b \t\n",
	    "in user=zo\xc3\xab b", false },
	{ "a variable", "Variable-ADMIT_A: b c\n", "in ADMIT_A=b c", false },
	{ "an empty one", "Variable-ADMIT_A:\n", "in ADMIT_A=", false },
	{ "without a space", "Variable-ADMIT_A:b\n", "in ADMIT_A=b", false },
	{ "its beginning is another's",
	    "Variable-ADMIT_AB: 1\nVariable-ADMIT_A: 2\n",
	    "in ADMIT_AB=1 ADMIT_A=2", false },
	{ "digits", "Variable-ADMIT_1_: a=b\n", "in ADMIT_1_=a=b", false },
	{ "a subprotocol", "sec-websocket-protocol: chat\n", "in protocol=chat",
	    false },
	{ "a field", "Set-Cookie: a=b\nX-A: c\n",
	    "in [Set-Cookie: a=b] [X-A: c]", false },
	{ "the same field twice", "Set-Cookie: a\nSet-Cookie: b\n",
	    "in [Set-Cookie: a] [Set-Cookie: b]", false },
	{ "a field's end is cut", "X-A: b \t\r\n", "in [X-A: b]", false },
	{ "a status", "Status: 404 Not Found\n", "404", false },
	{ "a status alone", "Status:404\n", "404", false },
	{ "refused, with a status", "Status: 302 Found\nLocation: /in\n",
	    "302 [Location: /in]", true },
	{ "a body", "Status: 403\nContent-Type: text/html\n\n<p>\n\nno",
	    "403 [Content-Type: text/html] body=<p>\n\nno", false },
	{ "a body behind CR LF", "Status: 403\r\n\r\n\r\nno", "403 body=\r\nno",
	    false },
	{ "refused, with a body alone", "\nno\n", "403 body=no\n", true },
	{ "what looks like a field in a body", "\nStatus: 500\n",
	    "403 body=Status: 500\n", true },
	{ "a challenge", "Status: 401\nWWW-Authenticate: Basic\n",
	    "401 [WWW-Authenticate: Basic]", false },
	{ "the last of the refusals", "Status: 599\n", "599", false },
	{ "a user with a status", "Status: 403\nVariable-REMOTE_USER: a\n",
	    "403 user=a", false },
	{ "32 fields", EIGHT EIGHT EIGHT EIGHT, "in [A: b]", false },

	{ "no colon", "hello\n", "1: no field", false },
	{ "a name with a space", "A : b\n", "1: no field", false },
	{ "no name", ": b\n", "1: no field", false },
	{ "a fold", "A: b\n c\n", "2: no field", false },
	{ "a line behind", "A: b\nhello", "2: no field", false },
	{ "a carriage return", "A: b\rStatus: 403\n", "1: control", false },
	{ "an escape", "A: \x1b[m\n", "1: control", false },
	{ "a carriage return at the end", "A: b\r", "1: control", false },
	{ "1xx", "Status: 101\n", "1: no refusal", false },
	{ "2xx", "Status: 200 OK\n", "1: no refusal", false },
	{ "2xx, refused", "Status: 200 OK\n", "1: no refusal", true },
	{ "304", "Status: 304\n", "1: no refusal", false },
	{ "600", "Status: 600\n", "1: no refusal", false },
	{ "000", "Status: 000\n", "1: no refusal", false },
	{ "two digits", "Status: 40\n", "1: three digits", false },
	{ "four digits", "Status: 4031\n", "1: three digits", false },
	{ "no digits", "Status: no\n", "1: three digits", false },
	{ "no status", "Status:\n", "1: three digits", false },
	{ "a sign", "Status: -403\n", "1: three digits", false },
	{ "HTTP's own", "HTTP/1.1 403 Forbidden\n", "1: no field", false },
	{ "two statuses", "Status: 403\nStatus: 403\n", "2: already", false },
	{ "two subprotocols",
	    "Sec-WebSocket-Protocol: a\nSec-WebSocket-Protocol: a\n",
	    "2: already", false },
	{ "two users", "Variable-REMOTE_USER: a\nVariable-REMOTE_USER: a\n",
	    "2: already", false },
	{ "a variable twice", "Variable-ADMIT_A: 1\nVariable-ADMIT_A: 2\n",
	    "2: already", false },
	{ "no user", "Variable-REMOTE_USER:\n", "1: no name", false },
	{ "a user of 300 bytes",
	    "Variable-REMOTE_USER: " FIFTY FIFTY FIFTY FIFTY FIFTY FIFTY,
	    "1: longer than 255", false },
	{ "a user that is no UTF-8", "Variable-REMOTE_USER: zo\xeb\n",
	    "1: UTF-8", false },
	{ "a user with a tab", "Variable-REMOTE_USER: a\tb\n", "1: control",
	    false },
	{ "LD_PRELOAD", "Variable-LD_PRELOAD: x\n", "1: ADMIT_", false },
	{ "PATH", "Variable-PATH: x\n", "1: ADMIT_", false },
	{ "HTTP_", "Variable-HTTP_COOKIE: x\n", "1: ADMIT_", false },
	{ "SERVER_", "Variable-SERVER_NAME: x\n", "1: ADMIT_", false },
	{ "AUTH_TYPE", "Variable-AUTH_TYPE: x\n", "1: ADMIT_", false },
	{ "a prefix alone", "Variable-ADMIT_: x\n", "1: ADMIT_", false },
	{ "a name without it", "Variable-ADMIT: x\n", "1: ADMIT_", false },
	{ "small letters", "Variable-ADMIT_a: x\n", "1: ADMIT_", false },
	{ "a small prefix", "Variable-admit_A: x\n", "1: ADMIT_", false },
	{ "a small user", "Variable-remote_user: x\n", "1: ADMIT_", false },
	{ "a hyphen", "Variable-ADMIT_A-B: x\n", "1: ADMIT_", false },
	{ "no variable", "Variable-: x\n", "1: ADMIT_", false },
	{ "a function", "Variable-ADMIT_A: () { :;}\n", "1: () {", false },
	{ "Content-Length", "Status: 403\nContent-Length: 0\n", "2: ours",
	    false },
	{ "Connection", "Connection: keep-alive\n", "1: ours", false },
	{ "Upgrade", "upgrade: h2c\n", "1: ours", false },
	{ "Transfer-Encoding", "Transfer-Encoding: chunked\n", "1: ours",
	    false },
	{ "Date", "DATE: now\n", "1: ours", false },
	{ "the handshake's", "Sec-WebSocket-Accept: x\n", "1: ours", false },
	{ "its extensions", "Sec-WebSocket-Extensions: x\n", "1: ours", false },
	{ "33 fields", EIGHT EIGHT EIGHT EIGHT "A: b\n", "33: over 32", false },
	{ "a body without a status", "\nhello\n", "0: no Status", false },
	{ "a type without one", "Content-Type: text/plain\n\n", "0: no Status",
	    false },
	{ "a place without one", "Location: /in\n", "0: no Status", false },
	{ "401 without a challenge", "Status: 401\n", "0: WWW-Authenticate",
	    false },
};

/* "in" or a status; then what it holds. */
static void
written(const struct verdict *v, char *got, size_t room)
{
	size_t n;

	if (v->status == 0)
		n = strlcpy(got, "in", room);
	else
		n = (size_t)snprintf(got, room, "%d", v->status);
	if (v->user != NULL)
		n += (size_t)snprintf(got + n, room - n, " user=%s", v->user);
	if (v->protocol != NULL)
		n += (size_t)snprintf(got + n, room - n, " protocol=%s",
		    v->protocol);
	for (size_t i = 0; i < v->variables; i++)
		n += (size_t)snprintf(got + n, room - n, " %s", v->variable[i]);
	for (size_t i = 0; i < v->fields; i++)
		n += (size_t)snprintf(got + n, room - n, " [%s]", v->field[i]);
	if (v->size > 0)
		snprintf(got + n, room - n, " body=%.*s", (int)v->size,
		    v->body);
}

/* Of a text that stands alone, so that a look beyond it is seen. */
static int
reads(const char *text, size_t size, bool refused, char *got, size_t room)
{
	char *copy = malloc(size + 1);
	struct verdict v;
	const char *why = NULL;
	int line, r;

	ck_assert_ptr_nonnull(copy);
	memcpy(copy, text, size);
	copy[size] = 'x';
	r = verdict_read(&v, copy, size, refused, &line, &why);
	if (r == 0)
		written(&v, got, room);
	else
		snprintf(got, room, "%d: %s", line, why);
	free(copy);
	return r;
}

START_TEST(reads_rows)
{
	const struct row *row = &rows[_i];
	const char *words = strstr(row->want, ": ");
	const bool bad = *row->want >= '0' && *row->want <= '9' &&
	    words != NULL && words - row->want <= 2;
	char got[4096];

	ck_assert_int_eq(reads(row->text, strlen(row->text), row->refused, got,
			     sizeof(got)),
	    bad ? -1 : 0);
	if (!bad && strcmp(row->name, "32 fields") != 0)
		ck_assert_str_eq(got, row->want);
	if (bad)
		ck_assert_msg(strncmp(got, row->want, 2) == 0 &&
			strstr(got, words + 2) != NULL,
		    "'%s' and not '%s'", got, row->want);
}
END_TEST

START_TEST(refuses_nul)
{
	static const char head[] = "A: b\nC: d\0e\n", body[] = "\na\0b";
	char got[256];

	ck_assert_int_eq(reads(head, sizeof(head) - 1, false, got, sizeof(got)),
	    -1);
	ck_assert_str_eq(got, "2: it holds a NUL");
	ck_assert_int_eq(reads(body, sizeof(body) - 1, true, got, sizeof(got)),
	    0);
}
END_TEST

/* "Variable-ADMIT_0:" and on. */
START_TEST(counts_variables)
{
	char text[4096] = "", got[4096];
	size_t n = 0;

	for (int i = 0; i < VERDICT_MOST; i++)
		n += (size_t)snprintf(text + n, sizeof(text) - n,
		    "Variable-ADMIT_%d: x\n", i);
	ck_assert_int_eq(reads(text, n, false, got, sizeof(got)), 0);
	n += strlcpy(text + n, "Variable-ADMIT_X: x\n", sizeof(text) - n);
	ck_assert_int_eq(reads(text, n, false, got, sizeof(got)), -1);
	ck_assert_str_eq(got, "33: there are over 32 variables");
}
END_TEST

START_TEST(finds_fields)
{
	char text[] = "Content-Typ: a\ncontent-type:  b\n\n";
	struct verdict v;
	const char *why;
	int line;

	ck_assert_int_eq(verdict_read(&v, text, strlen(text), true, &line,
			     &why),
	    0);
	ck_assert_str_eq(verdict_field(&v, "Content-Type"), "b");
	ck_assert_ptr_null(verdict_field(&v, "Location"));
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("verdict");

	UNIT_ROWS(s, reads_rows, rows);
	unit_test(s, "a NUL", refuses_nul);
	unit_test(s, "32 variables", counts_variables);
	unit_test(s, "a field's value", finds_fields);
	return unit_run(s);
}
