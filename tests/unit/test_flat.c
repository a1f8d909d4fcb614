/*
 * test_flat.c - proves flat.h: what is one flat JSON object of RFC 8259 is
 * read to the letter, all else is refused for its reason, and what is written
 * is read as it was.
 */

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "flat.h"
#include "unit.h"

enum { TEXT = 1000 };

static const struct row {
	const char *name;
	const char *in;
	const char *want; /* its members, see show; or why it is refused */
} rows[] = {
	{ "nothing in it", "{}", "" },
	{ "a string", "{\"a\":\"b\"}", "a=s:b;" },
	{ "an empty string", "{\"\":\"\"}", "=s:;" },
	{ "members in order", "{\"b\":\"1\",\"a\":\"2\"}", "b=s:1;a=s:2;" },
	{ "space everywhere", " \t\r\n{ \"a\"\t:\n1 , \"b\" : null } \n",
	    "a=n:1;b=w:null;" },
	{ "words", "{\"a\":true,\"b\":false,\"c\":null}",
	    "a=w:true;b=w:false;c=w:null;" },
	{ "numbers",
	    "{\"a\":0,\"b\":-0,\"c\":10,\"d\":1.50,\"e\":1e5,\"f\":2E-7,"
	    "\"g\":-1.0e+0}",
	    "a=n:0;b=n:-0;c=n:10;d=n:1.50;e=n:1e5;f=n:2E-7;g=n:-1.0e+0;" },
	{ "all escapes", "{\"a\":\"\\\"\\\\\\/\\b\\f\\n\\r\\t\"}",
	    "a=s:\"\\/\b\f\n\r\t;" },
	{ "units of all sizes",
	    "{\"a\":\"\\u0041\\u00e9\\u20AC\\ud83d\\uDE00\"}",
	    "a=s:A\xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80;" },
	{ "the last character", "{\"a\":\"\\udbff\\udfff\"}",
	    "a=s:\xf4\x8f\xbf\xbf;" },
	{ "around the surrogates", "{\"a\":\"\\ud7ff\\ue000\"}",
	    "a=s:\xed\x9f\xbf\xee\x80\x80;" },
	{ "an escaped name", "{\"\\u0061\":1}", "a=n:1;" },
	{ "UTF-8 as it is", "{\"\xc3\xa9\":\"\xf0\x9f\x98\x80\x7f\"}",
	    "\xc3\xa9=s:\xf0\x9f\x98\x80\x7f;" },
	{ "an escaped backslash before u", "{\"a\":\"\\\\u0041\"}",
	    "a=s:\\u0041;" },
	{ "no text", "", "it is no object" },
	{ "an array", "[]", "it is no object" },
	{ "a string alone", "\"a\"", "it is no object" },
	{ "a byte order mark", "\xef\xbb\xbf{}", "it is no object" },
	{ "no end", "{", "a name in quotes is missing" },
	{ "an end too many", "{}}", "something follows the object" },
	{ "two objects", "{} {}", "something follows the object" },
	{ "a comma before nothing", "{\"a\":1,}",
	    "a name in quotes is missing" },
	{ "a comma first", "{,\"a\":1}", "a name in quotes is missing" },
	{ "no comma", "{\"a\":1 \"b\":2}", "a comma or a brace is missing" },
	{ "no brace", "{\"a\":1", "a comma or a brace is missing" },
	{ "a bracket for a brace", "{\"a\":1]",
	    "a comma or a brace is missing" },
	{ "a name without quotes", "{a:1}", "a name in quotes is missing" },
	{ "quotes of another kind", "{'a':1}", "a name in quotes is missing" },
	{ "no colon", "{\"a\" 1}", "a colon is missing" },
	{ "no value", "{\"a\":}", "a value is missing, or of no kind" },
	{ "no value and no end",
	    "{\"a\":", "a value is missing, or of no kind" },
	{ "a word of none", "{\"a\":nil}",
	    "a value is missing, or of no kind" },
	{ "half a word", "{\"a\":tru", "a value is missing, or of no kind" },
	{ "a word in capitals", "{\"a\":True}",
	    "a value is missing, or of no kind" },
	{ "a word and more", "{\"a\":truer}", "a comma or a brace is missing" },
	{ "a number that is none", "{\"a\":NaN}",
	    "a value is missing, or of no kind" },
	{ "a plus", "{\"a\":+1}", "a value is missing, or of no kind" },
	{ "a point first", "{\"a\":.5}", "a value is missing, or of no kind" },
	{ "a leading zero", "{\"a\":01}", "a number is malformed" },
	{ "a minus and a leading zero", "{\"a\":-01}",
	    "a number is malformed" },
	{ "a minus alone", "{\"a\":-}", "a number is malformed" },
	{ "a point last", "{\"a\":1.}", "a number is malformed" },
	{ "an exponent without digits", "{\"a\":1e+}",
	    "a number is malformed" },
	{ "a number at the end", "{\"a\":-", "a number is malformed" },
	{ "hexadecimal", "{\"a\":0x1}", "a comma or a brace is missing" },
	{ "a comment", "{/**/}", "a name in quotes is missing" },
	{ "an object in it", "{\"a\":{}}", "a value is nested" },
	{ "an array in it", "{\"a\": [1]}", "a value is nested" },
	{ "a name twice", "{\"a\":1,\"b\":2,\"a\":1}", "a name comes twice" },
	{ "a name twice, once escaped", "{\"a\":1,\"\\u0061\":1}",
	    "a name comes twice" },
	{ "a string without end", "{\"a\":\"b}", "a string has no end" },
	{ "a name without end", "{\"a", "a string has no end" },
	{ "an escape without end", "{\"a\":\"\\", "a string has no end" },
	{ "an unknown escape", "{\"a\":\"\\v\"}",
	    "a backslash stands before no escape" },
	{ "an escape in capitals", "{\"a\":\"\\N\"}",
	    "a backslash stands before no escape" },
	{ "three digits", "{\"a\":\"\\u041\"}",
	    "a \\u stands before no four digits" },
	{ "digits that are none", "{\"a\":\"\\u00g0\"}",
	    "a \\u stands before no four digits" },
	{ "digits that end", "{\"a\":\"\\u00",
	    "a \\u stands before no four digits" },
	{ "a high surrogate alone", "{\"a\":\"\\ud83d\"}",
	    "a surrogate stands alone" },
	{ "a high surrogate before a letter", "{\"a\":\"\\ud83dxxxxxx\"}",
	    "a surrogate stands alone" },
	{ "two high surrogates", "{\"a\":\"\\ud83d\\ud83d\"}",
	    "a surrogate stands alone" },
	{ "a low surrogate alone", "{\"a\":\"\\ude00\"}",
	    "a surrogate stands alone" },
	{ "surrogates the wrong way round", "{\"a\":\"\\ude00\\ud83d\"}",
	    "a surrogate stands alone" },
	{ "a surrogate as UTF-8", "{\"a\":\"\xed\xa0\x80\"}",
	    "it is not UTF-8" },
	{ "a byte that is no UTF-8", "{\"a\":\"\xff\"}", "it is not UTF-8" },
	{ "half a character", "{}\xc3", "it is not UTF-8" },
	{ "a newline in a string", "{\"a\":\"\n\"}",
	    "a control character stands in a string" },
	{ "a tab in a name", "{\"\t\":1}",
	    "a control character stands in a string" },
};

/* Read a copy that stands alone, so that a look beyond it is seen. */
static int
read_copy(struct flat *f, uint8_t **copy, const void *p, size_t n,
    const char **why)
{
	*copy = malloc(n == 0 ? 1 : n);
	ck_assert_ptr_nonnull(*copy);
	memcpy(*copy, p, n);
	return flat_read(f, *copy, n, why);
}

/* "name=kind:value;" of each member. */
static void
show(const struct flat *f, char *out)
{
	for (size_t i = 0; i < f->members; i++) {
		const struct flat_member *m = &f->member[i];

		out += sprintf(out, "%.*s=%c:%.*s;", (int)m->name.len,
		    (const char *)m->name.p, "snw"[m->kind],
		    (int)m -> value.len, (const char *)m->value.p);
	}
	*out = '\0';
}

START_TEST(reads)
{
	const struct row *row = &rows[_i];
	char got[TEXT];
	const char *why;
	struct flat f;
	uint8_t *copy;

	if (read_copy(&f, &copy, row->in, strlen(row->in), &why) == 0)
		show(&f, got);
	else
		snprintf(got, sizeof(got), "%s", why);
	ck_assert_str_eq(got, row->want);
	free(copy);
}
END_TEST

/* No beginning of an object is one. */
START_TEST(refuses_what_is_cut)
{
	const char *in = rows[_i].in;
	const char *why;
	struct flat f;
	uint8_t *copy;

	for (size_t n = 0; n + 1 < strlen(in) && n < strcspn(in, "}"); n++) {
		ck_assert_int_eq(read_copy(&f, &copy, in, n, &why), -1);
		free(copy);
	}
}
END_TEST

START_TEST(counts_members)
{
	char text[TEXT];
	const char *why;
	struct flat f;

	for (int n = 1; n <= FLAT_MAX + 1; n++) {
		char *p = text;

		for (int i = 0; i < n; i++)
			p += sprintf(p, "%c\"m%d\":%d", i == 0 ? '{' : ',', i,
			    i);
		p += sprintf(p, "}");
		ck_assert_int_eq(flat_read(&f, (uint8_t *)text,
				     (size_t)(p - text), &why),
		    n > FLAT_MAX ? -1 : 0);
	}
	ck_assert_str_eq(why, "it has over 16 members");
}
END_TEST

START_TEST(finds)
{
	char text[] =
	    "{\"event\":\"text\",\"da\\u0000ta\":\"x\",\"data\":\"y\"}";
	const char *why;
	struct flat f;

	ck_assert_int_eq(flat_read(&f, (uint8_t *)text, strlen(text), &why), 0);
	ck_assert_ptr_eq(flat_find(&f, "data"), &f.member[2]);
	ck_assert_ptr_null(flat_find(&f, "da"));
	ck_assert_ptr_null(flat_find(&f, "eventual"));
	ck_assert(flat_is(&f.member[0].value, "text"));
	ck_assert(!flat_is(&f.member[0].value, "texts"));
}
END_TEST

static const struct writing {
	const char *name;
	const char *in;
	const char *want;
} writings[] = {
	{ "nothing", "", "\"\"" },
	{ "letters", "abc", "\"abc\"" },
	{ "quotes and backslashes", "\"\\/", "\"\\\"\\\\/\"" },
	{ "short escapes", "\b\f\n\r\t", "\"\\b\\f\\n\\r\\t\"" },
	{ "other control characters", "\x01\x1f\x7f",
	    "\"\\u0001\\u001f\\u007f\"" },
	{ "controls of two bytes",
	    "a\xc2\x80\xc2\x9b"
	    "b\xc2\x9f",
	    "\"a\\u0080\\u009bb\\u009f\"" },
	{ "and what comes next to them", "\xc2\xa0\xc2\xbf\xc3\x80",
	    "\"\xc2\xa0\xc2\xbf\xc3\x80\"" },
	{ "characters", "\xc3\xa9\xf0\x9f\x98\x80",
	    "\"\xc3\xa9\xf0\x9f\x98\x80\"" },
	{ "bytes of none", "a\xff\xc3z\xe2\x82",
	    "\"a\xef\xbf\xbd\xef\xbf\xbdz\xef\xbf\xbd\xef\xbf\xbd\"" },
};

START_TEST(writes)
{
	const struct writing *row = &writings[_i];
	struct buf b = { 0 };

	ck_assert_int_eq(flat_write(&b, row->in, strlen(row->in)), 0);
	ck_assert_uint_eq(b.len, strlen(row->want));
	ck_assert_mem_eq(buf_head(&b), row->want, b.len);
	buf_free(&b);
}
END_TEST

START_TEST(writes_nul)
{
	struct buf b = { 0 };

	ck_assert_int_eq(flat_write(&b, "a\0b", 3), 0);
	ck_assert_uint_eq(b.len, strlen("\"a\\u0000b\""));
	ck_assert_mem_eq(buf_head(&b), "\"a\\u0000b\"", b.len);
	buf_free(&b);
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("flat");

	UNIT_ROWS(s, reads, rows);
	UNIT_ROWS(s, refuses_what_is_cut, rows);
	UNIT_ROWS(s, writes, writings);
	unit_test(s, "members", counts_members);
	unit_test(s, "by name", finds);
	unit_test(s, "a NUL", writes_nul);
	return unit_run(s);
}
