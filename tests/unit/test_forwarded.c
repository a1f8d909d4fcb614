/*
 * test_forwarded.c - proves forwarded.h: the client is the last address that
 * no proxy of ours has, whatever a client writes to the left of it.
 */

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "admit/forwarded.h"
#include "unit.h"

/* 10.0.0.0/8, 2001:db8:1::/48 and loopback are trusted. */
static const struct row {
	const char *name;
	const char *list;
	const char *want; /* "" when nothing is learnt; NULL for -1 */
} plain[] = {
	{ "one", "192.0.2.7", "192.0.2.7" },
	{ "the last of two", "6.6.6.6, 192.0.2.7", "192.0.2.7" },
	{ "no space", "6.6.6.6,192.0.2.7", "192.0.2.7" },
	{ "before a proxy", "6.6.6.6, 192.0.2.7, 10.0.0.1", "192.0.2.7" },
	{ "before three", "6.6.6.6, 192.0.2.7, 10.0.0.1, 127.0.0.1, 10.0.0.2",
	    "192.0.2.7" },
	{ "proxies before it do not count", "10.0.0.1, 192.0.2.7",
	    "192.0.2.7" },
	{ "proxies alone", "10.0.0.1, 10.0.0.2", "10.0.0.1" },
	{ "one proxy", "10.0.0.1", "10.0.0.1" },
	{ "a port", "192.0.2.7:5000", "192.0.2.7 5000" },
	{ "IPv6", "2001:db8::7", "2001:db8::7" },
	{ "IPv6 and a port", "[2001:db8::7]:5000, 2001:db8:1::1",
	    "2001:db8::7 5000" },
	{ "IPv4 inside IPv6", "::ffff:192.0.2.7, ::ffff:10.0.0.1",
	    "192.0.2.7" },
	{ "garbage before it", "<script>, ,=;\", 192.0.2.7", "192.0.2.7" },
	{ "garbage in its place", "192.0.2.7, evil, 10.0.0.1", NULL },
	{ "garbage alone", "localhost", NULL },
	{ "garbage before proxies", "evil, 10.0.0.1", NULL },
	{ "a hidden address", "192.0.2.7, unknown", "unknown" },
	{ "a hidden one by name", "192.0.2.7, _SEVKISEK, 10.0.0.1", "unknown" },
	{ "what begins like a hidden one", "unknowns", NULL },
	{ "empty elements", ", ,192.0.2.7,,\t,", "192.0.2.7" },
	{ "nothing", "", "" },
	{ "nothing but commas", ", ,", "" },
	{ "a space within", "192.0.2.7 192.0.2.8", NULL },
	{ "a standard element", "for=192.0.2.7", NULL },
};

static const struct row standard[] = {
	{ "one", "for=192.0.2.7", "192.0.2.7" },
	{ "all parameters",
	    "for=192.0.2.7;proto=https;by=203.0.113.43;host=example.org",
	    "192.0.2.7 https" },
	{ "in another order", "Proto=HTTP;FOR=192.0.2.7", "192.0.2.7 http" },
	{ "the last of two", "for=6.6.6.6;proto=https, for=192.0.2.7",
	    "192.0.2.7" },
	{ "before a proxy",
	    "for=192.0.2.7;proto=https, for=10.0.0.1;proto=http",
	    "192.0.2.7 https" },
	{ "IPv6 and a port", "for=\"[2001:db8::17]:4711\"",
	    "2001:db8::17 4711" },
	{ "a hidden port", "for=\"192.0.2.7:_x\"", "192.0.2.7" },
	{ "IPv6 without quotes", "for=[2001:db8::17]", "2001:db8::17" },
	{ "backslashes", "for=\"192.0.2\\.7\"", "192.0.2.7" },
	{ "a comma in quotes", "for=\"6.6.6.6, for=6.6.6.6\", for=192.0.2.7",
	    "192.0.2.7" },
	{ "spaces", " for=192.0.2.7 ; proto=https , for=10.0.0.1 ",
	    "192.0.2.7 https" },
	{ "empty parameters", ";;for=192.0.2.7;;", "192.0.2.7" },
	{ "empty elements", ",, for=192.0.2.7,,", "192.0.2.7" },
	{ "a hidden address", "for=unknown;proto=https", "unknown https" },
	{ "another hidden one", "for=_gazonk, for=10.0.0.1", "unknown" },
	{ "an element that names nobody", "for=192.0.2.7, proto=https",
	    "unknown https" },
	{ "a scheme of none", "for=192.0.2.7;proto=gopher", "192.0.2.7" },
	{ "nothing", "", "" },
	{ "quotes that the client has opened", "for=\", for=192.0.2.7", NULL },
	{ "quotes around what a proxy adds", "for=\"_x, for=\"[2001:db8::17]\"",
	    NULL },
	{ "a backslash at the end", "for=\"192.0.2.7\\", NULL },
	{ "for twice", "for=192.0.2.7;for=6.6.6.6", NULL },
	{ "no value", "for, for=192.0.2.7", NULL },
	{ "no name", "=192.0.2.7", NULL },
	{ "a space before the value", "for= 192.0.2.7", NULL },
	{ "a plain list", "192.0.2.7", NULL },
	{ "no address", "for=evil", NULL },
	{ "an empty address", "for=\"\"", NULL },
};

static void
find(const struct row *row, bool is_standard)
{
	static const char *const trusted[] = { "10.0.0.0/8", "2001:db8:1::/48",
		"loopback" };
	static const char *const schemes[] = { "", " http", " https" };
	struct trust t = { .standard = is_standard };
	struct endpoint client = { .address = "" };
	enum scheme scheme = SCHEME_UNKNOWN;
	char got[100], *list = strdup(row->list);
	const char *why;
	int r;

	for (size_t i = 0; i < COUNT(trusted); i++)
		ck_assert_int_eq(networks_add(&t.who, trusted[i], &why), 0);
	ck_assert_ptr_nonnull(list);
	r = forwarded_find(list, &t, &client, &scheme);
	free(list);
	free(t.who.network);
	ck_assert_int_eq(r, row->want == NULL ? -1 : 0);
	snprintf(got, sizeof(got), "%s%s%s%s", client.address,
	    *client.port == '\0' ? "" : " ", client.port, schemes[scheme]);
	ck_assert_str_eq(got, row->want == NULL ? "" : row->want);
}

START_TEST(finds)
{
	find(&plain[_i], false);
}
END_TEST

START_TEST(finds_standard)
{
	find(&standard[_i], true);
}
END_TEST

static const struct {
	const char *name;
	const char *list;
	enum scheme want;
} schemes[] = {
	{ "https", "https", SCHEME_TLS },
	{ "http", "HTTP", SCHEME_PLAIN },
	{ "wss", "wss", SCHEME_TLS },
	{ "ws", " ws ", SCHEME_PLAIN },
	{ "the last", "https, http", SCHEME_PLAIN },
	{ "the last, without a space", "http,https", SCHEME_TLS },
	{ "another", "gopher", SCHEME_UNKNOWN },
	{ "longer", "httpsssssssss", SCHEME_UNKNOWN },
	{ "two words", "https http", SCHEME_UNKNOWN },
	{ "nothing", "", SCHEME_UNKNOWN },
	{ "nothing last", "https,", SCHEME_UNKNOWN },
};

START_TEST(tells_schemes)
{
	enum scheme scheme = SCHEME_UNKNOWN;

	forwarded_scheme(schemes[_i].list, &scheme);
	ck_assert_int_eq(scheme, schemes[_i].want);
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("forwarded");

	UNIT_ROWS(s, finds, plain);
	UNIT_ROWS(s, finds_standard, standard);
	UNIT_ROWS(s, tells_schemes, schemes);
	return unit_run(s);
}
