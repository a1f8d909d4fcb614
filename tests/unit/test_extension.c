/*
 * test_extension.c - proves the grammar of RFC 6455 9.1: what must parse does,
 * with all its parts, and what must not does not.
 */

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "extension.h"
#include "unit.h"

static const struct row {
	const char *name; /* and the element */
	const char *want; /* NULL: malformed */
} elements[] = {
	{ "permessage-deflate", "permessage-deflate" },
	{ "permessage-deflate; client_max_window_bits",
	    "permessage-deflate|client_max_window_bits" },
	{ "permessage-deflate; server_max_window_bits=\"10\"",
	    "permessage-deflate|server_max_window_bits=10" },
	{ "bar; baz=2", "bar|baz=2" },
	{ "a;b;c=1;d", "a|b|c=1|d" },
	{ " a ;\tb = 1 ", "a|b=1" },
	{ "x-webkit-deflate-frame", "x-webkit-deflate-frame" },
	{ "constructor", "constructor" },
	{ "!#$%&'*+-.^_`|~09azAZ", "!#$%&'*+-.^_`|~09azAZ" },
	{ "a;a;a=1", "a|a|a=1" },
	{ "a;01;02;03;04;05;06;07;08;09;10;11;12;13;14;15;16",
	    "a|01|02|03|04|05|06|07|08|09|10|11|12|13|14|15|16" },
	{ "a;01;02;03;04;05;06;07;08;09;10;11;12;13;14;15;16;17", NULL },
	{ "", NULL },
	{ " ", NULL },
	{ ";a", NULL },
	{ "a;", NULL },
	{ "a;;b", NULL },
	{ "a;b=", NULL },
	{ "a;=b", NULL },
	{ "a=1", NULL },
	{ "a b", NULL },
	{ "a; b c", NULL },
	{ "a; b=1 c", NULL },
	{ "a; b=\"x y\"", NULL },
	{ "a; b=\"\"", NULL },
	{ "a; b=\"x", NULL },
	{ "a; b=x\"", NULL },
	{ "a; b=\"x\"y", NULL },
	{ "a; b=\"\\c\"", NULL },
	{ "a; b=\"\\c\\c\\c\\c\\c\\c\\c\\c\\c\\c\\c", NULL },
	{ "a/b", NULL },
	{ "a(b)", NULL },
	{ "a; b={1}", NULL },
	{ "a; b=1,2", NULL },
	{ "\"a\"", NULL },
	{ "a\x7f", NULL },
	{ "\xc3\xa4", NULL },
};

static char *
render(const struct extension *x)
{
	char *text;
	size_t size;
	FILE *to = open_memstream(&text, &size);

	ck_assert_ptr_nonnull(to);
	fwrite(x->name.p, 1, x->name.len, to);
	for (size_t i = 0; i < x->params; i++) {
		putc('|', to);
		fwrite(x->param[i].name.p, 1, x->param[i].name.len, to);
		if (x->param[i].value.p == NULL)
			continue;
		putc('=', to);
		fwrite(x->param[i].value.p, 1, x->param[i].value.len, to);
	}
	fclose(to);
	return text;
}

/* Parsed where it ends with its memory, so that a look beyond is seen. */
START_TEST(parses)
{
	const struct row *row = &elements[_i];
	size_t len = strlen(row->name);
	char *copy = malloc(len > 0 ? len : 1), *got;
	struct extension x;
	int r;

	ck_assert_ptr_nonnull(copy);
	memcpy(copy, row->name, len);
	r = extension_parse(&x, copy, len);
	ck_assert_int_eq(r, row->want == NULL ? -1 : 0);
	if (r == 0) {
		got = render(&x);
		ck_assert_str_eq(got, row->want);
		free(got);
	}
	free(copy);
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("extension");

	UNIT_ROWS(s, parses, elements);
	return unit_run(s);
}
