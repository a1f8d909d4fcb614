/*
 * endpoint.c - socket addresses to text, and to numbers that are counted.  Is
 * run for each connection, and allocates nothing.
 */

#include <arpa/inet.h>
#include <endian.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>

#include "digits.h"
#include "endpoint.h"

/* Sockets for both families name IPv4 peers inside IPv6: RFC 4291 2.5.5.2. */
static bool
is_mapped(const struct sockaddr_in6 *in6)
{
	return in6->sin6_family == AF_INET6 &&
	    IN6_IS_ADDR_V4MAPPED(&in6->sin6_addr);
}

static void
name_v4(struct endpoint *e, const uint8_t *address)
{
	char *to = e->address, out[DIGITS_MAX];

	for (int i = 0; i < 4; i++) {
		to = stpcpy(to, digits_of(out, address[i]));
		*to++ = i < 3 ? '.' : '\0';
	}
	e->loopback = address[0] == 127;
}

static void
name_v6(struct endpoint *e, const struct in6_addr *address)
{
	inet_ntop(AF_INET6, address, e->address, sizeof(e->address));
	e->loopback = IN6_IS_ADDR_LOOPBACK(address);
}

void
endpoint_name(struct endpoint *e, const struct sockaddr_storage *ss)
{
	const struct sockaddr_in6 *in6 = (const void *)ss;
	const struct sockaddr_in *in = (const void *)ss;
	char out[DIGITS_MAX];
	in_port_t port;

	*e = (struct endpoint){ 0 };
	if (ss->ss_family != AF_INET && ss->ss_family != AF_INET6) {
		e->local = true;
		snprintf(e->address, sizeof(e->address), "unix");
		return;
	}
	if (ss->ss_family == AF_INET)
		name_v4(e, (const uint8_t *)&in->sin_addr);
	else if (is_mapped(in6))
		name_v4(e, in6->sin6_addr.s6_addr + 12);
	else
		name_v6(e, &in6->sin6_addr);
	port = ss->ss_family == AF_INET ? in->sin_port : in6->sin6_port;
	if (port != 0)
		strlcpy(e->port, digits_of(out, ntohs(port)), sizeof(e->port));
}

static uint32_t
ones_v4(int bits)
{
	return UINT32_MAX << (32 - bits);
}

/* A customer has a /64 of IPv6 at least, RFC 6177; none of them is as low as
 * an IPv4 address read as one: RFC 4291 2.4. */
void
endpoint_source(struct source *from, const struct sockaddr_storage *ss,
    const struct source_bits *bits)
{
	const struct sockaddr_in6 *in6 = (const void *)ss;
	const struct sockaddr_in *in = (const void *)ss;
	uint32_t v4 = 0;
	uint64_t v6 = 0;

	*from = (struct source){ .counted = true };
	if (ss->ss_family == AF_INET) {
		from->net = ntohl(in->sin_addr.s_addr) & ones_v4(bits->v4);
	} else if (is_mapped(in6)) {
		memcpy(&v4, in6->sin6_addr.s6_addr + 12, sizeof(v4));
		from->net = ntohl(v4) & ones_v4(bits->v4);
	} else if (ss->ss_family == AF_INET6) {
		memcpy(&v6, in6->sin6_addr.s6_addr, sizeof(v6));
		from->net = be64toh(v6) & UINT64_MAX << (64 - bits->v6);
	} else {
		from->counted = false;
	}
}

static const char *
add_bits(char text[ENDPOINT_TEXT], int bits)
{
	const size_t len = strlen(text);

	snprintf(text + len, ENDPOINT_TEXT - len, "/%d", bits);
	return text;
}

/* IPv4 addresses stand below all /64 that are in use, but for that of ::1. */
const char *
endpoint_source_name(const struct source *from, const struct source_bits *bits,
    char text[ENDPOINT_TEXT])
{
	const struct in_addr v4 = { .s_addr = htonl((uint32_t)from->net) };
	const uint64_t net = htobe64(from->net);
	struct in6_addr v6 = { 0 };

	if (from->net != 0 && from->net <= UINT32_MAX) {
		inet_ntop(AF_INET, &v4, text, ENDPOINT_TEXT);
		return bits->v4 == 32 ? text : add_bits(text, bits->v4);
	}
	memcpy(v6.s6_addr, &net, sizeof(net));
	inet_ntop(AF_INET6, &v6, text, ENDPOINT_TEXT);
	return add_bits(text, bits->v6);
}
