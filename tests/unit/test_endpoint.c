/*
 * test_endpoint.c - proves of endpoint.h how the system's addresses read, and
 * what counts as one source.
 */

#include <arpa/inet.h>
#include <netinet/in.h>

#include "endpoint.h"
#include "unit.h"

static const struct peer_name {
	const char *address;
	const char *want;
	bool loopback;
	const char *same;  /* another address of the same source */
	const char *other; /* and of another one */
} names[] = {
	{ "192.0.2.1", "192.0.2.1", false, "192.0.2.1", "192.0.2.2" },
	{ "127.0.0.1", "127.0.0.1", true, "127.0.0.1", "127.0.0.2" },
	{ "::ffff:192.0.2.1", "192.0.2.1", false, "192.0.2.1",
	    "::ffff:192.0.2.2" },
	{ "::ffff:127.0.0.9", "127.0.0.9", true, "127.0.0.9", "::1" },
	{ "2001:db8::1", "2001:db8::1", false, "2001:db8::ffff:0:0:1",
	    "2001:db8:0:1::1" },
	{ "::1", "::1", true, "::1", "0.0.0.1" },
};

static struct sockaddr_storage
from_text(const char *text)
{
	struct sockaddr_storage ss = { 0 };
	struct sockaddr_in6 *in6 = (void *)&ss;
	struct sockaddr_in *in = (void *)&ss;

	if (inet_pton(AF_INET, text, &in->sin_addr) == 1) {
		in->sin_family = AF_INET;
		in->sin_port = htons(4711);
		return ss;
	}
	ck_assert_int_eq(inet_pton(AF_INET6, text, &in6->sin6_addr), 1);
	in6->sin6_family = AF_INET6;
	in6->sin6_port = htons(4711);
	return ss;
}

START_TEST(names_peers)
{
	const struct peer_name *row = &names[_i];
	const struct sockaddr_storage ss = from_text(row->address);
	struct endpoint e;

	endpoint_name(&e, &ss);
	ck_assert_str_eq(e.address, row->want);
	ck_assert_str_eq(e.port, "4711");
	ck_assert_int_eq(e.loopback, row->loopback);
	ck_assert(!e.local);
}
END_TEST

static const struct source_bits all_bits = { 32, 64 };

static uint64_t
net_of(const char *text)
{
	const struct sockaddr_storage ss = from_text(text);
	struct source from;

	endpoint_source(&from, &ss, &all_bits);
	ck_assert(from.counted);
	return from.net;
}

START_TEST(tells_sources)
{
	const struct peer_name *row = &names[_i];

	ck_assert_uint_eq(net_of(row->address), net_of(row->same));
	ck_assert_uint_ne(net_of(row->address), net_of(row->other));
}
END_TEST

static const struct some {
	const char *address;
	struct source_bits bits;
	const char *want;
} some[] = {
	{ "192.0.2.255", { 32, 64 }, "192.0.2.255" },
	{ "192.0.2.255", { 24, 64 }, "192.0.2.0/24" },
	{ "192.0.2.255", { 25, 64 }, "192.0.2.128/25" },
	{ "192.0.2.255", { 8, 32 }, "192.0.0.0/8" },
	{ "::ffff:192.0.2.255", { 24, 64 }, "192.0.2.0/24" },
	{ "2001:db8:1:ffff:1::1", { 32, 64 }, "2001:db8:1:ffff::/64" },
	{ "2001:db8:1:ffff:1::1", { 8, 56 }, "2001:db8:1:ff00::/56" },
	{ "2001:db8:1:ffff:1::1", { 32, 32 }, "2001:db8::/32" },
};

START_TEST(tells_some_bits)
{
	const struct some *row = &some[_i];
	const struct sockaddr_storage ss = from_text(row->address);
	char text[ENDPOINT_TEXT];
	struct source from;

	endpoint_source(&from, &ss, &row->bits);
	ck_assert_str_eq(endpoint_source_name(&from, &row->bits, text),
	    row->want);
}
END_TEST

START_TEST(counts_no_unix_socket)
{
	const struct sockaddr_storage ss = { .ss_family = AF_UNIX };
	struct source from;
	struct endpoint e;

	endpoint_name(&e, &ss);
	ck_assert(e.local && !e.loopback);
	ck_assert_str_eq(e.address, "unix");
	ck_assert_str_eq(e.port, "");
	endpoint_source(&from, &ss, &all_bits);
	ck_assert(!from.counted);
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("endpoint");

	UNIT_ROWS(s, names_peers, names);
	UNIT_ROWS(s, tells_sources, names);
	UNIT_ROWS(s, tells_some_bits, some);
	unit_test(s, "a Unix socket", counts_no_unix_socket);
	return unit_run(s);
}
