/*
 * test_network.c - proves network.h: addresses and ports as the system has
 * them and in no other spelling, and networks to the bit.
 */

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "network.h"
#include "unit.h"

static const struct reading {
	const char *name;
	const char *text, *port;
	const char *want; /* address and port, or NULL */
} readings[] = {
	{ "IPv4", "192.0.2.7", "", "192.0.2.7 " },
	{ "a port beside it", "192.0.2.7", "80", "192.0.2.7 80" },
	{ "a port behind it", "192.0.2.7:80", "", "192.0.2.7 80" },
	{ "both", "192.0.2.7:80", "81", "192.0.2.7 80" },
	{ "the last port", "192.0.2.7:65535", "", "192.0.2.7 65535" },
	{ "IPv6", "2001:db8::7", "80", "2001:db8::7 80" },
	{ "IPv6 at length", "2001:0DB8:0:0:0:0:0:7", "", "2001:db8::7 " },
	{ "brackets", "[2001:db8::7]", "", "2001:db8::7 " },
	{ "brackets and a port", "[2001:db8::7]:80", "", "2001:db8::7 80" },
	{ "IPv4 inside IPv6", "::ffff:192.0.2.7", "80", "192.0.2.7 80" },
	{ "nothing", "", "", NULL },
	{ "a name", "localhost", "", NULL },
	{ "three numbers", "192.0.2", "", NULL },
	{ "a number over 255", "192.0.2.256", "", NULL },
	{ "a leading zero", "192.0.2.07", "", NULL },
	{ "a space", " 192.0.2.7", "", NULL },
	{ "something behind it", "192.0.2.7x", "", NULL },
	{ "a colon and no port", "192.0.2.7:", "", NULL },
	{ "a port over 65535", "192.0.2.7:65536", "", NULL },
	{ "a port of six digits", "192.0.2.7:000080", "", NULL },
	{ "a port with a zero before it", "192.0.2.7:080", "", NULL },
	{ "a port with a sign", "192.0.2.7:+80", "", NULL },
	{ "two groups skipped", "2001::db8::7", "", NULL },
	{ "a zone", "fe80::1%eth0", "", NULL },
	{ "no closing bracket", "[2001:db8::7", "", NULL },
	{ "IPv4 in brackets", "[192.0.2.7]", "", NULL },
	{ "nothing in brackets", "[]", "", NULL },
	{ "something behind brackets", "[2001:db8::7]80", "", NULL },
	{ "very long",
	    "0000000000000000000000000000000000000000000000000000000000000000"
	    "1",
	    "", NULL },
};

START_TEST(reads)
{
	const struct reading *row = &readings[_i];
	struct sockaddr_storage ss;
	struct endpoint e;
	char got[100];
	int r = network_read(&ss, row->text, row->port);

	ck_assert_int_eq(r, row->want == NULL ? -1 : 0);
	if (row->want == NULL)
		return;
	endpoint_name(&e, &ss);
	snprintf(got, sizeof(got), "%s %s", e.address, e.port);
	ck_assert_str_eq(got, row->want);
}
END_TEST

static const struct holding {
	const char *name;
	const char *network;
	const char *address;
	bool want;
} holdings[] = {
	{ "itself", "192.0.2.7", "192.0.2.7", true },
	{ "another", "192.0.2.7", "192.0.2.6", false },
	{ "the first of a network", "192.0.2.0/24", "192.0.2.0", true },
	{ "the last", "192.0.2.0/24", "192.0.2.255", true },
	{ "the one before", "192.0.2.0/24", "192.0.1.255", false },
	{ "the one behind", "192.0.2.0/24", "192.0.3.0", false },
	{ "bits that do not count", "192.0.2.77/24", "192.0.2.1", true },
	{ "not a whole byte", "192.0.2.64/26", "192.0.2.127", true },
	{ "not a whole byte, outside", "192.0.2.64/26", "192.0.2.128", false },
	{ "all bits", "192.0.2.7/32", "192.0.2.6", false },
	{ "no bits", "0.0.0.0/0", "255.255.255.255", true },
	{ "no bits of IPv4, IPv6", "0.0.0.0/0", "2001:db8::7", false },
	{ "no bits of IPv6, IPv4", "::/0", "192.0.2.7", true },
	{ "IPv6", "2001:db8::/32", "2001:db8:ffff::1", true },
	{ "IPv6, outside", "2001:db8::/32", "2001:db9::1", false },
	{ "one IPv6", "2001:db8::7", "2001:db8::7", true },
	{ "another IPv6", "2001:db8::7", "2001:db8::8", false },
	{ "IPv4 inside IPv6", "::ffff:192.0.2.0/120", "192.0.2.9", true },
	{ "loopback", "loopback", "127.255.0.1", true },
	{ "loopback, IPv6", "loopback", "::1", true },
	{ "loopback, outside", "loopback", "128.0.0.1", false },
	{ "a Unix socket", "unix", "unix", true },
	{ "a Unix socket in a network", "::/0", "unix", false },
	{ "an address in Unix sockets", "unix", "127.0.0.1", false },
	{ "a pipe", "unix", "pipe", false },
	{ "who is not known", "::/0", "unknown", false },
};

START_TEST(holds)
{
	const struct holding *row = &holdings[_i];
	struct networks n = { 0 };
	struct endpoint e = { 0 };
	const char *why;

	ck_assert(!networks_any(&n));
	snprintf(e.address, sizeof(e.address), "%s", row->address);
	e.local =
	    strcmp(e.address, "unix") == 0 || strcmp(e.address, "pipe") == 0;
	ck_assert(!networks_hold(&n, &e));
	ck_assert_int_eq(networks_add(&n, "198.51.100.1", &why), 0);
	ck_assert_int_eq(networks_add(&n, row->network, &why), 0);
	ck_assert(networks_any(&n));
	ck_assert_int_eq(networks_hold(&n, &e), row->want);
	free(n.network);
}
END_TEST

static const struct {
	const char *name;
	const char *text;
} wrongs[] = {
	{ "nothing", "" },
	{ "a name", "localhost" },
	{ "no bits", "192.0.2.0/" },
	{ "33 bits", "192.0.2.0/33" },
	{ "129 bits", "2001:db8::/129" },
	{ "bits with a sign", "192.0.2.0/-1" },
	{ "bits and more", "192.0.2.0/24x" },
	{ "a mask", "192.0.2.0/255.255.255.0" },
	{ "a port", "192.0.2.7:80" },
	{ "brackets", "[2001:db8::7]" },
	{ "very long",
	    "00000000000000000000000000000000000000000000000000000000000000" },
};

START_TEST(refuses)
{
	struct networks n = { 0 };
	const char *why = NULL;

	ck_assert_int_eq(networks_add(&n, wrongs[_i].text, &why), -1);
	ck_assert_ptr_nonnull(why);
	ck_assert(!networks_any(&n));
	free(n.network);
}
END_TEST

START_TEST(shows)
{
	static const char *const texts[] = { "192.0.2.0/24", "192.0.2.7",
		"2001:db8::/32", "::1", "::/0", "0.0.0.0/0" };
	struct networks n = { 0 };
	char text[NETWORK_TEXT];
	const char *why;

	for (size_t i = 0; i < COUNT(texts); i++) {
		ck_assert_int_eq(networks_add(&n, texts[i], &why), 0);
		ck_assert_str_eq(network_text(&n.network[i], text), texts[i]);
	}
	free(n.network);
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("network");

	UNIT_ROWS(s, reads, readings);
	UNIT_ROWS(s, holds, holdings);
	UNIT_ROWS(s, refuses, wrongs);
	unit_test(s, "as they are written", shows);
	return unit_run(s);
}
