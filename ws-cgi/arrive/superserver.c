/*
 * superserver.c - the variables that super-servers set.  A peer on another
 * machine is known from the socket, and whatever is left in an environment
 * then changes nothing.
 */

#include <stdlib.h>
#include <string.h>

#include "superserver.h"

/* Pairs of address and port; the first that is there is believed. */
static const struct variables {
	const char *peer, *peer_port; /* a port may be missing */
	const char *local, *local_port;
} known[] = {
	/* tcpserver, ipsvd, s6, inetutils; and busybox tcpsvd */
	{ "TCPREMOTEIP", "TCPREMOTEPORT", "TCPLOCALIP", "TCPLOCALPORT" },
	{ "TCPREMOTEADDR", NULL, "TCPLOCALADDR", NULL },
	/* systemd; xinetd and stunnel */
	{ "REMOTE_ADDR", "REMOTE_PORT", NULL, NULL },
	{ "REMOTE_HOST", "REMOTE_PORT", NULL, NULL },
	{ "NCAT_REMOTE_ADDR", "NCAT_REMOTE_PORT", "NCAT_LOCAL_ADDR",
	    "NCAT_LOCAL_PORT" },
	{ "SOCAT_PEERADDR", "SOCAT_PEERPORT", "SOCAT_SOCKADDR",
	    "SOCAT_SOCKPORT" },
};

static const char *
value(const char *name)
{
	const char *text = name == NULL ? NULL : getenv(name);

	return text == NULL ? "" : text;
}

/* "192.0.2.7:50214", "[2001:db8::7]:50214", or with the port beside it. */
static int
read_endpoint(struct endpoint *e, const char *name, const char *port_name)
{
	struct sockaddr_storage ss;

	if (network_read(&ss, value(name), value(port_name)) == -1)
		return -1;
	endpoint_name(e, &ss);
	return 0;
}

void
superserver_name(struct arrival *a)
{
	const size_t n = sizeof(known) / sizeof(known[0]);

	if (!a->peer.local && !a->peer.loopback)
		return;
	for (size_t i = 0; i < n; i++) {
		if (read_endpoint(&a->peer, known[i].peer,
			known[i].peer_port) == -1)
			continue;
		read_endpoint(&a->local, known[i].local, known[i].local_port);
		return;
	}
}
