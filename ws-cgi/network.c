/*
 * network.c - addresses in figures.  Asks no name server.
 */

#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "network.h"

enum { V4_BITS = 96 };

/* What stands before an IPv4 address inside IPv6: RFC 4291 2.5.5.2. */
static const uint8_t v4_prefix[V4_BITS / 8] = { [10] = 0xff, [11] = 0xff };

/* Digits, and no more of them than are needed; "" is 0. */
static int
read_port(const char *text, in_port_t *port)
{
	const size_t len = strlen(text);
	const long value = len <= 5 ? strtol(text, NULL, 10) : -1;

	if (strspn(text, "0123456789") != len || (len > 1 && *text == '0') ||
	    value < 0 || value > 65535)
		return -1;
	*port = htons((in_port_t)value);
	return 0;
}

int
network_address(struct sockaddr_storage *ss, const char *address,
    const char *port)
{
	struct sockaddr_in6 *in6 = (void *)ss;
	struct sockaddr_in *in = (void *)ss;

	*ss = (struct sockaddr_storage){ 0 };
	if (inet_pton(AF_INET, address, &in->sin_addr) == 1) {
		ss->ss_family = AF_INET;
		return read_port(port, &in->sin_port);
	}
	if (inet_pton(AF_INET6, address, &in6->sin6_addr) == 1) {
		ss->ss_family = AF_INET6;
		return read_port(port, &in6->sin6_port);
	}
	return -1;
}

/* Colons end an address that has no brackets, unless there are several. */
static const char *
address_end(const char *text)
{
	const char *end = strchr(text, *text == '[' ? ']' : ':');

	if (end != NULL && *text != '[' && strchr(end + 1, ':') != NULL)
		end = NULL;
	return end == NULL ? text + strlen(text) : end;
}

int
network_read(struct sockaddr_storage *ss, const char *text, const char *port)
{
	const bool bracket = *text == '[';
	const char *end = address_end(text);
	char address[ENDPOINT_TEXT];
	const size_t len = (size_t)(end - text);

	if (len >= sizeof(address) || (bracket && *end == '\0'))
		return -1;
	memcpy(address, text + bracket, len - bracket);
	address[len - bracket] = '\0';
	end += bracket;
	if (*end == ':' && end[1] != '\0')
		port = end + 1;
	else if (*end != '\0')
		return -1;
	if (network_address(ss, address, port) == -1)
		return -1;
	return bracket && ss->ss_family != AF_INET6 ? -1 : 0;
}

/* Returns how many bits of the result are not the address's own, or -1. */
static int
read_bytes(uint8_t bytes[16], const char *address)
{
	if (inet_pton(AF_INET6, address, bytes) == 1)
		return 0;
	memcpy(bytes, v4_prefix, sizeof(v4_prefix));
	return inet_pton(AF_INET, address, bytes + sizeof(v4_prefix)) == 1 ?
	    V4_BITS :
	    -1;
}

/* "192.0.2.0/24" */
static int
read_network(struct network *n, const char *text)
{
	const size_t len = strcspn(text, "/");
	char address[INET6_ADDRSTRLEN];
	const char *error = NULL;
	int before;

	if (len >= sizeof(address))
		return -1;
	memcpy(address, text, len);
	address[len] = '\0';
	if ((before = read_bytes(n->net, address)) == -1)
		return -1;
	n->bits = 128;
	if (text[len] == '/')
		n->bits = before +
		    (int)strtonum(text + len + 1, 0, 128 - before, &error);
	return error == NULL ? 0 : -1;
}

static int
add_network(struct networks *all, const char *text, const char **why)
{
	struct network *longer;

	*why = "no memory";
	longer =
	    reallocarray(all->network, all->count + 1, sizeof(*all->network));
	if (longer == NULL)
		return -1;
	all->network = longer;
	*why = "not unix, loopback, an address, or a network like "
	       "192.0.2.0/24";
	if (read_network(&longer[all->count], text) == -1)
		return -1;
	all->count++;
	return 0;
}

int
networks_add(struct networks *all, const char *text, const char **why)
{
	if (strcmp(text, "unix") == 0) {
		all->local = true;
		return 0;
	}
	if (strcmp(text, "loopback") != 0)
		return add_network(all, text, why);
	if (add_network(all, "127.0.0.0/8", why) == -1)
		return -1;
	return add_network(all, "::1", why);
}

static bool
is_v4(const struct network *n)
{
	return memcmp(n->net, v4_prefix, sizeof(v4_prefix)) == 0 &&
	    n->bits >= V4_BITS;
}

const char *
network_text(const struct network *n, char out[NETWORK_TEXT])
{
	const bool v4 = is_v4(n);
	const size_t before = v4 ? sizeof(v4_prefix) : 0;
	size_t len;

	inet_ntop(v4 ? AF_INET : AF_INET6, n->net + before, out, ENDPOINT_TEXT);
	len = strlen(out);
	if (n->bits < 128)
		snprintf(out + len, NETWORK_TEXT - len, "/%d",
		    n->bits - (int)before * 8);
	return out;
}

bool
networks_any(const struct networks *all)
{
	return all->local || all->count > 0;
}

static bool
has_prefix(const struct network *n, const uint8_t bytes[16])
{
	const size_t whole = (size_t)n->bits / 8;
	const int rest = n->bits % 8;

	if (memcmp(n->net, bytes, whole) != 0)
		return false;
	return rest == 0 || (n->net[whole] ^ bytes[whole]) >> (8 - rest) == 0;
}

/* A pipe has no address, and whoever holds its other end is not known. */
bool
networks_hold(const struct networks *all, const struct endpoint *e)
{
	uint8_t bytes[16];

	if (e->local)
		return all->local && strcmp(e->address, "unix") == 0;
	if (all->count == 0 || read_bytes(bytes, e->address) == -1)
		return false;
	for (size_t i = 0; i < all->count; i++)
		if (has_prefix(&all->network[i], bytes))
			return true;
	return false;
}
