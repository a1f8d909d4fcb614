/*
 * test_wstls.c - proves arrive/tls.h: what is believed of a connection that TLS
 * was spoken on, and that all else leaves it as it is.
 */

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "arrive/tls.h"
#include "unit.h"

static const struct row {
	const char *name;
	bool local; /* the peer is a socket or a pipe of this machine */
	const char *manner, *protocol; /* WS_TLS, SSL_PROTOCOL */
	const char *want; /* tls, scheme, until, listened, redirect */
} rows[] = {
	{ "nothing is said", true, NULL, NULL, "0 unknown 0 0 0" },
	{ "ws-tls", true, "123456 0 0", "TLSv1.3", "1 tls 123456 0 0" },
	{ "ws-tls, a listener on loopback", true, "123456 1 0", "TLSv1.3",
	    "1 tls 123456 1 0" },
	{ "ws-tls, no end to the handshake", true, "9223372036854775807 0 0",
	    "TLSv1.2", "1 tls 9223372036854775807 0 0" },
	{ "another, like s6-tlsd", true, NULL, "TLSv1.3", "1 tls 0 0 0" },
	{ "without TLS, to be redirected", false, "123456 0 8443", NULL,
	    "0 plain 123456 0 8443" },
	{ "left in the environment of an inetd", false, NULL, "TLSv1.3",
	    "0 unknown 0 0 0" },
	{ "words", true, "soon yes no", NULL, "0 plain 0 0 0" },
	{ "empty", true, "", NULL, "0 plain 0 0 0" },
};

static const char *const schemes[] = {
	[SCHEME_UNKNOWN] = "unknown",
	[SCHEME_PLAIN] = "plain",
	[SCHEME_TLS] = "tls",
};

static void
set(const char *name, const char *value)
{
	if (value != NULL)
		ck_assert_int_eq(setenv(name, value, 1), 0);
}

START_TEST(takes)
{
	const struct row *row = &rows[_i];
	struct arrival a = { .peer.local = row->local };
	char got[100];

	clearenv();
	set("WS_TLS", row->manner);
	set("SSL_PROTOCOL", row->protocol);
	tls_take(&a);
	snprintf(got, sizeof(got), "%d %s %" PRId64 " %d %d", a.tls,
	    schemes[a.scheme], a.until, a.listened, a.redirect);
	ck_assert_str_eq(got, row->want);
	ck_assert_ptr_null(getenv("WS_TLS"));
	clearenv();
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("tls");

	UNIT_ROWS(s, takes, rows);
	return unit_run(s);
}
