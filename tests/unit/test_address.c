/*
 * test_address.c - proves of addresses what is read into one and what is
 * refused.
 */

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "address.h"
#include "unit.h"

static const struct text {
	const char *in;
	const char *want; /* what it is, or a part of what is wrong */
	int result;
} texts[] = {
	{ "8080", "tcp  8080", 0 },
	{ "localhost:8080", "tcp  8080", 0 },
	{ ":8080", "tcp * 8080", 0 },
	{ "192.0.2.1:80", "tcp 192.0.2.1 80", 0 },
	{ "[2001:db8::1]:0", "tcp 2001:db8::1 0", 0 },
	{ "example.org:65535", "tcp example.org 65535", 0 },
	{ "systemd", "systemd", 0 },
	{ "unix:/a", "unix /a 660 -1 -1", 0 },
	{ "unix:a,mode=0600", "unix a 600 -1 -1", 0 },
	{ "unix:a,owner=root,group=root,mode=777", "unix a 777 0 0", 0 },
	{ "", "'' is no port", -1 },
	{ "localhost:", "'' is no port", -1 },
	{ "localhost", "'localhost' is no port", -1 },
	{ ":65536", "'65536' is no port", -1 },
	{ "a:+1", "'+1' is no port", -1 },
	{ "::1:80", "brackets", -1 },
	{ "unix:", "1 to 107 bytes", -1 },
	{ "unix:,mode=0600", "1 to 107 bytes", -1 },
	{ "unix:a,mode=", "mode '' is not octal", -1 },
	{ "unix:a,mode=0888", "mode '0888' is not octal", -1 },
	{ "unix:a,mode=rw", "mode 'rw' is not octal", -1 },
	{ "unix:a,mode=1777", "mode '1777' is not octal", -1 },
	{ "unix:a,owner=no such", "no user 'no such'", -1 },
	{ "unix:a,group=no such", "no group 'no such'", -1 },
	{ "unix:a,user=root", "'user=root' is not mode=", -1 },
	{ "unix:a,", "'' is not mode=", -1 },
};

static void
render(const struct address *a, char *out, size_t size)
{
	if (a->passed)
		snprintf(out, size, "systemd");
	else if (a->path != NULL)
		snprintf(out, size, "unix %s %o %d %d", a->path,
		    (unsigned int)a->mode, (int)a->owner, (int)a->group);
	else
		snprintf(out, size, "tcp %s %s",
		    a->host == NULL ? "*" : a->host, a->port);
}

START_TEST(reads_texts)
{
	const struct text *row = &texts[_i];
	const char *why = NULL;
	struct address a;
	char got[256];

	ck_assert_int_eq(address_parse(&a, row->in, &why), row->result);
	if (row->result == 0) {
		render(&a, got, sizeof(got));
		ck_assert_str_eq(got, row->want);
	} else {
		ck_assert_msg(strstr(why, row->want) != NULL, "%s", why);
	}
	free(a.host);
	free(a.path);
}
END_TEST

START_TEST(limits_paths)
{
	char text[5 + 108 + 1] = "unix:";
	const char *why;
	struct address a;

	for (size_t n = 107; n <= 108; n++) {
		memset(text + 5, 'a', n);
		text[5 + n] = '\0';
		ck_assert_int_eq(address_parse(&a, text, &why),
		    n == 107 ? 0 : -1);
		free(a.path);
	}
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("address");

	UNIT_ROWS(s, reads_texts, texts);
	unit_test(s, "long paths", limits_paths);
	return unit_run(s);
}
