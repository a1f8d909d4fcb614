/*
 * test_superserver.c - proves superserver.h: whose variables count, and that
 * they do only where the socket does not know better.
 */

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "arrive/superserver.h"
#include "unit.h"

enum { VARIABLES = 5 };

static const struct row {
	const char *name;
	const char *peer;
	const char *vars[VARIABLES]; /* names and values in turn, spaces */
	const char *want;	     /* peer and our end */
} rows[] = {
	{ "tcpserver", "pipe",
	    { "TCPREMOTEIP 192.0.2.7", "TCPREMOTEPORT 5000",
		"TCPLOCALIP 192.0.2.1", "TCPLOCALPORT 80" },
	    "192.0.2.7 5000, 192.0.2.1 80" },
	{ "tcpserver, IPv6", "127.0.0.1",
	    { "TCPREMOTEIP 2001:db8::7", "TCPREMOTEPORT 5000" },
	    "2001:db8::7 5000, us 8080" },
	{ "tcpsvd of busybox", "127.0.0.1",
	    { "TCPREMOTEADDR 192.0.2.7:5000", "TCPLOCALADDR 192.0.2.1:80" },
	    "192.0.2.7 5000, 192.0.2.1 80" },
	{ "tcpsvd of busybox, IPv6", "127.0.0.1",
	    { "TCPREMOTEADDR [2001:db8::7]:5000" },
	    "2001:db8::7 5000, us 8080" },
	{ "systemd", "unix", { "REMOTE_ADDR 192.0.2.7", "REMOTE_PORT 5000" },
	    "192.0.2.7 5000, us 8080" },
	{ "systemd, a Unix socket", "unix", { "REMOTE_ADDR /run/client" },
	    "unix , us 8080" },
	{ "xinetd", "127.0.0.1", { "REMOTE_HOST 192.0.2.7" },
	    "192.0.2.7 , us 8080" },
	{ "xinetd, IPv4 inside IPv6", "127.0.0.1",
	    { "REMOTE_HOST ::ffff:192.0.2.7" }, "192.0.2.7 , us 8080" },
	{ "stunnel", "127.0.0.1",
	    { "REMOTE_HOST 192.0.2.7", "REMOTE_PORT 5000" },
	    "192.0.2.7 5000, us 8080" },
	{ "ncat", "pipe",
	    { "NCAT_REMOTE_ADDR 192.0.2.7", "NCAT_REMOTE_PORT 5000",
		"NCAT_LOCAL_ADDR 192.0.2.1", "NCAT_LOCAL_PORT 80" },
	    "192.0.2.7 5000, 192.0.2.1 80" },
	{ "socat", "unix",
	    { "SOCAT_PEERADDR 192.0.2.7", "SOCAT_PEERPORT 5000",
		"SOCAT_SOCKADDR 192.0.2.1", "SOCAT_SOCKPORT 80" },
	    "192.0.2.7 5000, 192.0.2.1 80" },
	{ "socat, IPv6", "unix",
	    { "SOCAT_PEERADDR [2001:0db8:0000:0000:0000:0000:0000:0007]",
		"SOCAT_PEERPORT 5000" },
	    "2001:db8::7 5000, us 8080" },
	{ "the first counts", "unix",
	    { "SOCAT_PEERADDR 6.6.6.6", "REMOTE_HOST 6.6.6.6",
		"TCPREMOTEIP 192.0.2.7" },
	    "192.0.2.7 , us 8080" },
	{ "a name", "127.0.0.1", { "REMOTE_HOST client.example.org" },
	    "127.0.0.1 , us 8080" },
	{ "a port of none", "127.0.0.1",
	    { "REMOTE_ADDR 192.0.2.7", "REMOTE_PORT http" },
	    "127.0.0.1 , us 8080" },
	{ "none", "unix", { NULL }, "unix , us 8080" },
	{ "a peer that is known", "192.0.2.9",
	    { "TCPREMOTEIP 6.6.6.6", "REMOTE_ADDR 6.6.6.6",
		"REMOTE_HOST 6.6.6.6", "NCAT_REMOTE_ADDR 6.6.6.6",
		"SOCAT_PEERADDR 6.6.6.6" },
	    "192.0.2.9 , us 8080" },
};

/* putenv keeps what it is given. */
static void
set_variables(const char *const vars[], char texts[VARIABLES][80])
{
	clearenv();
	for (size_t i = 0; i < VARIABLES && vars[i] != NULL; i++) {
		snprintf(texts[i], sizeof(texts[i]), "%s", vars[i]);
		*strchr(texts[i], ' ') = '=';
		ck_assert_int_eq(putenv(texts[i]), 0);
	}
}

START_TEST(tells)
{
	const struct row *row = &rows[_i];
	struct arrival a = { .local = { .address = "us", .port = "8080" } };
	char texts[VARIABLES][80], got[200];

	snprintf(a.peer.address, sizeof(a.peer.address), "%s", row->peer);
	a.peer.local =
	    strcmp(row->peer, "unix") == 0 || strcmp(row->peer, "pipe") == 0;
	a.peer.loopback = strcmp(row->peer, "127.0.0.1") == 0;
	set_variables(row->vars, texts);
	superserver_name(&a);
	clearenv();
	snprintf(got, sizeof(got), "%s %s, %s %s", a.peer.address, a.peer.port,
	    a.local.address, a.local.port);
	ck_assert_str_eq(got, row->want);
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("superserver");

	UNIT_ROWS(s, tells, rows);
	return unit_run(s);
}
