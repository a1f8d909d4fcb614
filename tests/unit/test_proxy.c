/*
 * test_proxy.c - proves proxy.h: both versions of the PROXY header, however
 * they are cut, and what is none; and that it never wants a byte too many.
 */

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "endpoint.h"
#include "arrive/proxy.h"
#include "unit.h"

enum { ROOM = 8192 };

#define SIGNATURE "0d0a0d0a000d0a515549540a"
#define V4	  "c000020a cb007105 dc04 01bb"
#define V6                                                                     \
	"20010db8000000000000000000000007 20010db8000000000000000000000005"    \
	" dc04 01bb"

static const struct row {
	const char *name;
	const char *text; /* version 1, or NULL: */
	const char *hex;  /* version 2 */
	size_t more;	  /* zeros behind it that belong to it */
	const char *want; /* or why not */
} rows[] = {
	{ "TCP4", "PROXY TCP4 192.0.2.10 203.0.113.5 56324 443\r\n", NULL, 0,
	    "192.0.2.10:56324 203.0.113.5:443" },
	{ "TCP6", "PROXY TCP6 2001:db8::a 2001:db8::5 56324 443\r\n", NULL, 0,
	    "2001:db8::a:56324 2001:db8::5:443" },
	{ "the longest TCP4",
	    "PROXY TCP4 255.255.255.255 255.255.255.255 65535 65535\r\n", NULL,
	    0, "255.255.255.255:65535 255.255.255.255:65535" },
	{ "the shortest TCP6", "PROXY TCP6 :: :: 0 0\r\n", NULL, 0, "::: :::" },
	{ "UNKNOWN", "PROXY UNKNOWN\r\n", NULL, 0, "not known" },
	{ "UNKNOWN and more",
	    "PROXY UNKNOWN ffff:f...f:ffff ffff:f...f:ffff 65535 65535\r\n",
	    NULL, 0, "not known" },
	{ "not PROXY", "PROXX TCP4 192.0.2.10 203.0.113.5 1 2\r\n", NULL, 0,
	    "no PROXY header" },
	{ "small letters", "proxy TCP4 192.0.2.10 203.0.113.5 1 2\r\n", NULL, 0,
	    "no PROXY header" },
	{ "a request", "GET / HTTP/1.1\r\n\r\n", NULL, 0, "no PROXY header" },
	{ "a space before", " PROXY UNKNOWN\r\n", NULL, 0, "no PROXY header" },
	{ "two spaces", "PROXY  TCP4 192.0.2.10 203.0.113.5 1 2\r\n", NULL, 0,
	    "malformed" },
	{ "two spaces within", "PROXY TCP4 192.0.2.10  203.0.113.5 1 2\r\n",
	    NULL, 0, "malformed" },
	{ "a space behind", "PROXY TCP4 192.0.2.10 203.0.113.5 1 2 \r\n", NULL,
	    0, "malformed" },
	{ "a tab", "PROXY TCP4 192.0.2.10\t203.0.113.5 1 2\r\n", NULL, 0,
	    "malformed" },
	{ "UDP", "PROXY UDP4 192.0.2.10 203.0.113.5 1 2\r\n", NULL, 0,
	    "malformed" },
	{ "UNKNOWN and no space", "PROXY UNKNOWNS\r\n", NULL, 0, "malformed" },
	{ "one port", "PROXY TCP4 192.0.2.10 203.0.113.5 1\r\n", NULL, 0,
	    "malformed" },
	{ "no ports", "PROXY TCP4 192.0.2.10 203.0.113.5\r\n", NULL, 0,
	    "malformed" },
	{ "an empty port", "PROXY TCP4 192.0.2.10 203.0.113.5  2\r\n", NULL, 0,
	    "malformed" },
	{ "a port with a zero", "PROXY TCP4 192.0.2.10 203.0.113.5 01 2\r\n",
	    NULL, 0, "malformed" },
	{ "a port too large", "PROXY TCP4 192.0.2.10 203.0.113.5 1 65536\r\n",
	    NULL, 0, "malformed" },
	{ "a negative port", "PROXY TCP4 192.0.2.10 203.0.113.5 -1 2\r\n", NULL,
	    0, "malformed" },
	{ "an address with a zero",
	    "PROXY TCP4 192.0.02.10 203.0.113.5 1 2\r\n", NULL, 0,
	    "malformed" },
	{ "IPv6 as TCP4", "PROXY TCP4 2001:db8::a 203.0.113.5 1 2\r\n", NULL, 0,
	    "malformed" },
	{ "IPv4 as TCP6", "PROXY TCP6 2001:db8::a 203.0.113.5 1 2\r\n", NULL, 0,
	    "malformed" },
	{ "a bare LF", "PROXY TCP4 192.0.2.10 203.0.113.5 1 2\n", NULL, 0,
	    "malformed" },
	{ "a LF at once", "PROXY \n", NULL, 0, "malformed" },
	{ "no end",
	    "PROXY UNKNOWN 0123456789012345678901234567890123456789012345678"
	    "90123456789012345678901234567890123456789012345678901234567890\r"
	    "\n",
	    NULL, 0, "does not end" },

	{ "TCP4, 2", NULL, SIGNATURE "2111000c" V4, 0,
	    "192.0.2.10:56324 203.0.113.5:443" },
	{ "UDP4, 2", NULL, SIGNATURE "2112000c" V4, 0,
	    "192.0.2.10:56324 203.0.113.5:443" },
	{ "TCP6, 2", NULL, SIGNATURE "21210024" V6, 0,
	    "2001:db8::7:56324 2001:db8::5:443" },
	{ "Unix, 2", NULL, SIGNATURE "213100d8", 216, "unix: unix:" },
	{ "LOCAL, 2", NULL, SIGNATURE "20000000", 0, "not known" },
	{ "LOCAL with addresses, 2", NULL, SIGNATURE "2011000c" V4, 0,
	    "not known" },
	{ "LOCAL with anything, 2", NULL, SIGNATURE "20ff0005 ffffffffff", 0,
	    "not known" },
	{ "unspecified, 2", NULL, SIGNATURE "21000000", 0, "not known" },
	{ "unspecified with anything, 2", NULL, SIGNATURE "21000002 ffff", 0,
	    "not known" },
	{ "a name and a checksum, 2", NULL,
	    SIGNATURE "21110021" V4
		      "02000b6578616d706c652e636f6d 030004ba4b59a7",
	    0, "192.0.2.10:56324 203.0.113.5:443" },
	{ "by TLS, 2", NULL,
	    SIGNATURE "2111001f" V4
		      "200010 01 00000000 210008 544c53762e312e33",
	    0, "192.0.2.10:56324 203.0.113.5:443 TLS" },
	{ "not by TLS, 2", NULL, SIGNATURE "21110014" V4 "200005 00 00000001",
	    0, "192.0.2.10:56324 203.0.113.5:443 plain" },
	{ "an empty value, 2", NULL, SIGNATURE "2111000f" V4 "040000", 0,
	    "192.0.2.10:56324 203.0.113.5:443" },
	{ "version 1 in this form", NULL, SIGNATURE "1111000c" V4, 0,
	    "another version" },
	{ "version 3", NULL, SIGNATURE "3111000c" V4, 0, "another version" },
	{ "command 2", NULL, SIGNATURE "2211000c" V4, 0, "another version" },
	{ "family 4", NULL, SIGNATURE "2141000c" V4, 0, "malformed" },
	{ "transport 3", NULL, SIGNATURE "2113000c" V4, 0, "malformed" },
	{ "a family and no transport", NULL, SIGNATURE "2110000c" V4, 0,
	    "malformed" },
	{ "less than the addresses", NULL, SIGNATURE "2111000b" V4, 0,
	    "malformed" },
	{ "less than IPv6 addresses", NULL, SIGNATURE "21210023" V6, 0,
	    "malformed" },
	{ "less than paths", NULL, SIGNATURE "213100d7", 215, "malformed" },
	{ "half a value's head", NULL, SIGNATURE "2111000e" V4 "0400", 0,
	    "malformed" },
	{ "a value that is cut", NULL, SIGNATURE "21110010" V4 "04000200", 0,
	    "malformed" },
	{ "a TLS value that is cut", NULL,
	    SIGNATURE "21110013" V4 "200004 01 000000", 0, "malformed" },
	{ "the longest, 2", NULL, SIGNATURE "2100 0ff0", 4080, "not known" },
	{ "too long, 2", NULL, SIGNATURE "21000ff1", 4081, "too long" },
	{ "another signature", NULL, "0d0a0d0a000d0a515549540b 20000000", 0,
	    "no PROXY header" },
};

static size_t
row_bytes(const struct row *row, uint8_t *out)
{
	size_t n;

	if (row->text == NULL) {
		n = unit_hex(out, row->hex);
		memset(out + n, 0, row->more);
		return n + row->more;
	}
	n = strlen(row->text);
	memcpy(out, row->text, n);
	return n;
}

static void
show(char *out, size_t size, const struct proxy *h)
{
	struct endpoint from, to;

	endpoint_name(&from, &h->from);
	endpoint_name(&to, &h->to);
	if (!h->known)
		snprintf(out, size, "not known");
	else
		snprintf(out, size, "%s:%s %s:%s%s", from.address, from.port,
		    to.address, to.port,
		    !h->tells_tls ? "" :
			h->tls	  ? " TLS" :
				    " plain");
}

static void
check(const struct row *row, const struct proxy *h, long size, size_t n,
    const char *why)
{
	char got[200];

	if (size == -1) {
		ck_assert_ptr_nonnull(strstr(why, row->want));
		return;
	}
	show(got, sizeof(got), h);
	ck_assert_int_eq(size, (long)n);
	ck_assert_str_eq(got, row->want);
}

/* With a request behind it. */
START_TEST(reads)
{
	uint8_t bytes[ROOM];
	const size_t n = row_bytes(&rows[_i], bytes);
	const char *why = NULL;
	struct proxy h;
	size_t want;
	long size;

	memcpy(bytes + n, "GET / HTTP/1.1\r\n", 16);
	size = proxy_read(&h, bytes, n + 16, &want, &why);
	ck_assert_int_ne(size, 0);
	check(&rows[_i], &h, size, n, why);
}
END_TEST

/* As much at a time as is wanted, or a byte. */
START_TEST(reads_in_pieces)
{
	const struct row *row = &rows[_i / 2];
	uint8_t bytes[ROOM];
	const size_t n = row_bytes(row, bytes);
	const char *why = NULL;
	struct proxy h;
	size_t have = 0, want = 0;
	long size;

	memcpy(bytes + n, "GET / HTTP/1.1\r\n", 16);
	while ((size = proxy_read(&h, bytes, have, &want, &why)) == 0) {
		ck_assert_uint_gt(want, 0);
		have += _i % 2 == 0 ? want : 1;
		ck_assert_uint_le(have, n + 16);
	}
	check(row, &h, size, n, why);
	ck_assert(size == -1 || (size_t)size == have);
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("proxy");

	UNIT_ROWS(s, reads, rows);
	UNIT_ROWS_EACH(s, reads_in_pieces, rows, 2);
	return unit_run(s);
}
