/*
 * fuzz_proxy.c - a PROXY header is the same however it is cut, no byte behind
 * it is ever wanted, what one of version 1 says is what it is written from, and
 * what one of version 2 says is what a second reader finds there.
 */

#include <netinet/in.h>
#include <stdio.h>

#include "endpoint.h"
#include "arrive/proxy.h"
#include "fuzz.h"

#ifdef PLANTED
/* The bug: a line is thought to have its ports still to come. */
static long
planted_read(struct proxy *h, const uint8_t *p, size_t n, size_t *want,
    const char **why)
{
	long size = proxy_read(h, p, n, want, why);

	if (size == 0 && n > 20 && *p == 'P')
		*want = 6;
	return size;
}
#define proxy_read planted_read
#endif

static void
same(const struct proxy *a, const struct proxy *b)
{
	must(a->known == b->known && a->tells_tls == b->tells_tls &&
	    a->tls == b->tls &&
	    memcmp(&a->from, &b->from, sizeof(a->from)) == 0 &&
	    memcmp(&a->to, &b->to, sizeof(a->to)) == 0);
}

/* Each beginning of a header of this size wants more, and not too much. */
static void
begins(const struct proxy *whole, const uint8_t *p, size_t size)
{
	const char *why;
	struct proxy h;
	size_t want, have = 0;
	long r;

	for (size_t n = 0; n < size; n++) {
		must(proxy_read(&h, p, n, &want, &why) == 0);
		must(want > 0 && want <= size - n);
	}
	while ((r = proxy_read(&h, p, have, &want, &why)) == 0)
		have += want;
	must(r == (long)size && have == size);
	same(whole, &h);
}

/* The text of an endpoint in full, as a line of version 1 has it. */
static void
write_line(char *line, size_t size, const struct proxy *h)
{
	struct endpoint from, to;

	endpoint_name(&from, &h->from);
	endpoint_name(&to, &h->to);
	snprintf(line, size, "PROXY %s %s %s %s %s\r\n",
	    h->from.ss_family == AF_INET ? "TCP4" : "TCP6", from.address,
	    to.address, *from.port == '\0' ? "0" : from.port,
	    *to.port == '\0' ? "0" : to.port);
}

/* Addresses inside IPv6 are written as IPv4, which is another line. */
static void
writes(const struct proxy *h)
{
	char line[200];
	const char *why;
	struct proxy again;
	size_t want;
	long r;

	if (!h->known || h->from.ss_family == AF_UNIX)
		return;
	write_line(line, sizeof(line), h);
	r = proxy_read(&again, (uint8_t *)line, strlen(line), &want, &why);
	if (r == -1 && h->from.ss_family == AF_INET6)
		return;
	must(r == (long)strlen(line));
	must(memcmp(&again.from, &h->from, sizeof(h->from)) == 0);
	must(memcmp(&again.to, &h->to, sizeof(h->to)) == 0);
}

/* The last of the values behind the addresses that tells of TLS: does it? */
static int
find_tls(const uint8_t *p, size_t size, size_t at)
{
	int tls = -1;

	for (; at < size; at += 3 + (size_t)(p[at + 1] * 256 + p[at + 2])) {
		must(at + 3 <= size);
		if (p[at] == 0x20)
			tls = p[at + 3] & 1;
	}
	must(at == size);
	return tls;
}

static void
is_at(const struct sockaddr_storage *ss, const uint8_t *address, size_t size,
    const uint8_t *port)
{
	const struct sockaddr_in *in = (const void *)ss;
	const struct sockaddr_in6 *in6 = (const void *)ss;

	must(memcmp(size == 4 ? (const void *)&in->sin_addr :
				(const void *)&in6->sin6_addr,
		 address, size) == 0);
	must(memcmp(size == 4 ? (const void *)&in->sin_port :
				(const void *)&in6->sin6_port,
		 port, 2) == 0);
}

static void
second_reads(const struct proxy *h, const uint8_t *p, size_t size)
{
	const bool local = p[12] == 0x20;
	const int family = local ? 0 : p[13] >> 4;
	const size_t each = family == 1 ? 4 : family == 2 ? 16 : 108;
	int tls;

	must(p[12] == 0x21 || local);
	must(size == 16 + (size_t)(p[14] * 256 + p[15]));
	must(h->known == (family != 0));
	if (!h->known)
		return;
	if (family < 3) {
		is_at(&h->from, p + 16, each, p + 16 + 2 * each);
		is_at(&h->to, p + 16 + each, each, p + 18 + 2 * each);
	}
	tls = find_tls(p, size, 16 + 2 * each + (family < 3 ? 4 : 0));
	must(h->tells_tls == (tls != -1) && h->tls == (tls == 1));
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const char *why = NULL;
	struct input in;
	struct proxy h;
	uint8_t *copy;
	size_t want;
	long r;

	if (!input_read(&in, data, size))
		return 0;
	copy = copy_of(in.p, in.n);
	r = proxy_read(&h, copy, in.n, &want, &why);
	must(r <= (long)in.n && r <= PROXY_MAX);
	if (r == -1)
		must(why != NULL);
	if (r == 0)
		must(want > 0);
	if (r > 0) {
		begins(&h, copy, (size_t)r);
		writes(&h);
		if (*copy != 'P')
			second_reads(&h, copy, (size_t)r);
	}
	free(copy);
	return 0;
}
