/*
 * proxy.c - the header of the PROXY protocol.  Promises to let through no form
 * that the specification lacks, such as leading zeros or two spaces; refuses
 * to know who may send one.  A checksum (PP2_TYPE_CRC32C) is not looked at:
 * TCP has its own.
 */

#include <netinet/in.h>
#include <string.h>

#include "network.h"
#include "proxy.h"

enum {
	LINE_MIN = 15,	/* "PROXY UNKNOWN\r\n" */
	LINE_MAX = 107, /* its longest */
	SIGNATURE = 12,
	HEAD = 16,
	TLV = 3,	 /* type and length in front of a value */
	TLV_SSL = 0x20,	 /* PP2_TYPE_SSL */
	TLV_SSL_MIN = 5, /* flags, and whether a certificate was good */
	CLIENT_SSL = 1	 /* the flag: it came by TLS */
};

static const uint8_t signature[SIGNATURE] = "\r\n\r\n\0\r\nQUIT\n";

static long
wrong(const char **why, const char *reason)
{
	*why = reason;
	return -1;
}

/* Version 1. */

/* The next word; words are parted by one space. */
static const char *
word(char **line)
{
	char *p = strsep(line, " ");

	return p == NULL ? "" : p;
}

static int
line_addresses(struct proxy *h, char *line, sa_family_t family)
{
	const char *from = word(&line), *to = word(&line);
	const char *from_port = word(&line), *to_port = word(&line);

	if (line != NULL || *from_port == '\0' || *to_port == '\0' ||
	    network_address(&h->from, from, from_port) == -1 ||
	    network_address(&h->to, to, to_port) == -1 ||
	    h->from.ss_family != family || h->to.ss_family != family)
		return -1;
	h->known = true;
	return 0;
}

/* Without its CR and LF.  What follows UNKNOWN is not looked at. */
static int
line_read(struct proxy *h, char *line)
{
	const char *protocol;

	word(&line);
	protocol = word(&line);
	if (strcmp(protocol, "UNKNOWN") == 0)
		return 0;
	if (strcmp(protocol, "TCP4") == 0)
		return line_addresses(h, line, AF_INET);
	if (strcmp(protocol, "TCP6") == 0)
		return line_addresses(h, line, AF_INET6);
	return -1;
}

static long
read_line(struct proxy *h, const uint8_t *p, size_t n, size_t *want,
    const char **why)
{
	const uint8_t *end =
	    memchr(p, '\n', n < LINE_MAX ? n : (size_t)LINE_MAX);
	char line[LINE_MAX];
	size_t len;

	if (end == NULL && n >= LINE_MAX)
		return wrong(why, "a PROXY header that does not end");
	if (end == NULL) {
		*want = n < LINE_MIN ? LINE_MIN - n : p[n - 1] == '\r' ? 1 : 2;
		return 0;
	}
	len = (size_t)(end - p);
	if (len == 0 || p[len - 1] != '\r' || memchr(p, '\0', len) != NULL)
		return wrong(why, "a malformed PROXY header");
	memcpy(line, p, len - 1);
	line[len - 1] = '\0';
	if (line_read(h, line) == -1)
		return wrong(why, "a malformed PROXY header");
	return (long)len + 1;
}

/* Version 2. */

static size_t
number(const uint8_t *p)
{
	return (size_t)p[0] << 8 | p[1];
}

static void
set_v4(struct sockaddr_storage *ss, const uint8_t *address, const uint8_t *port)
{
	struct sockaddr_in *in = (void *)ss;

	in->sin_family = AF_INET;
	memcpy(&in->sin_addr, address, 4);
	memcpy(&in->sin_port, port, 2);
}

static void
set_v6(struct sockaddr_storage *ss, const uint8_t *address, const uint8_t *port)
{
	struct sockaddr_in6 *in6 = (void *)ss;

	in6->sin6_family = AF_INET6;
	memcpy(&in6->sin6_addr, address, 16);
	memcpy(&in6->sin6_port, port, 2);
}

static void
read_v4(struct proxy *h, const uint8_t *p)
{
	set_v4(&h->from, p, p + 8);
	set_v4(&h->to, p + 4, p + 10);
}

static void
read_v6(struct proxy *h, const uint8_t *p)
{
	set_v6(&h->from, p, p + 32);
	set_v6(&h->to, p + 16, p + 34);
}

/* Paths are of another machine's files. */
static void
read_unix(struct proxy *h, const uint8_t *p)
{
	(void)p;
	h->from.ss_family = h->to.ss_family = AF_UNIX;
}

/* Families, each for streams (1) and datagrams (2). */
static const struct family {
	uint8_t code;
	size_t size; /* of both addresses */
	void (*read)(struct proxy *, const uint8_t *);
} families[] = {
	{ 0x00, 0, NULL },
	{ 0x11, 12, read_v4 },
	{ 0x12, 12, read_v4 },
	{ 0x21, 36, read_v6 },
	{ 0x22, 36, read_v6 },
	{ 0x31, 216, read_unix },
	{ 0x32, 216, read_unix },
};

static const struct family *
find_family(uint8_t code)
{
	for (size_t i = 0; i < sizeof(families) / sizeof(families[0]); i++)
		if (families[i].code == code)
			return &families[i];
	return NULL;
}

/* What stands behind the addresses.  Returns -1 if it does not fit. */
static int
read_values(struct proxy *h, const uint8_t *p, size_t n)
{
	size_t size;

	for (; n > 0; p += size, n -= size) {
		if (n < TLV || n - TLV < number(p + 1))
			return -1;
		size = TLV + number(p + 1);
		if (*p != TLV_SSL)
			continue;
		if (size < TLV + TLV_SSL_MIN)
			return -1;
		h->tells_tls = true;
		h->tls = (p[TLV] & CLIENT_SSL) != 0;
	}
	return 0;
}

/* What the length covers. */
static int
read_rest(struct proxy *h, uint8_t code, const uint8_t *p, size_t n)
{
	const struct family *f = find_family(code);

	if (f == NULL || n < f->size)
		return -1;
	if (f->read == NULL)
		return 0;
	f->read(h, p);
	h->known = true;
	return read_values(h, p + f->size, n - f->size);
}

/* LOCAL, command 0: the proxy itself, and whatever else stands there. */
static long
read_binary(struct proxy *h, const uint8_t *p, size_t n, size_t *want,
    const char **why)
{
	size_t size;

	*want = HEAD - n;
	if (n < HEAD)
		return 0;
	size = HEAD + number(p + 14);
	if (p[12] >> 4 != 2 || (p[12] & 15) > 1)
		return wrong(why, "a PROXY header of another version");
	if (size > PROXY_MAX)
		return wrong(why, "a PROXY header that is too long");
	*want = size - n;
	if (n < size)
		return 0;
	if ((p[12] & 15) == 1 &&
	    read_rest(h, p[13], p + HEAD, size - HEAD) == -1)
		return wrong(why, "a malformed PROXY header");
	return (long)size;
}

static bool
begins(const uint8_t *p, size_t n, const void *with, size_t len)
{
	return memcmp(p, with, n < len ? n : len) == 0;
}

long
proxy_read(struct proxy *h, const uint8_t *p, size_t n, size_t *want,
    const char **why)
{
	static const char first[] = "PROXY ";

	*h = (struct proxy){ 0 };
	*want = LINE_MIN;
	if (n == 0)
		return 0;
	if (begins(p, n, first, strlen(first)))
		return read_line(h, p, n, want, why);
	if (begins(p, n, signature, sizeof(signature)))
		return read_binary(h, p, n, want, why);
	return wrong(why, "no PROXY header");
}
