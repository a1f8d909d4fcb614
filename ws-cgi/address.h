/*
 * address.h - ADDRESS, as it is written wherever an address is taken.
 *
 *	8080  localhost:8080      loopback, IPv4 and IPv6
 *	:8080                     all interfaces
 *	192.0.2.1:8080  [::1]:80  one
 *	unix:PATH[,mode=0660][,owner=USER][,group=GROUP]
 *	systemd                   the sockets that it has opened
 *
 * Results	0, or -1 with *why set to a reason in words that lasts until
 *		the next call.
 */

#ifndef ADDRESS_H
#define ADDRESS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/socket.h>
#include <sys/types.h>

enum { ADDRESS_TEXT = 64, ADDRESS_PORT = 8 };

struct address {
	const char *text; /* as it was written */
	char *host;	  /* NULL: all interfaces; "": loopback */
	char port[ADDRESS_PORT];
	char *path; /* of a Unix socket, else NULL */
	mode_t mode;
	uid_t owner; /* (uid_t)-1: leave it */
	gid_t group;
	bool passed;  /* the sockets are opened by others */
	bool scgi;    /* for web servers, which speak SCGI there */
	int redirect; /* all who come there are sent to this port, by https,
			 or 0 */
};

/* Several, as --listen is repeated. */
struct addresses {
	struct address *address;
	size_t count;
};

/* An address for people: "192.0.2.1" and "8080", or "" where no port is known;
 * "unix" and "" for a Unix socket. */
struct endpoint {
	char address[ADDRESS_TEXT];
	char port[ADDRESS_PORT];
	bool local;    /* a Unix socket */
	bool loopback; /* or TCP on a loopback address */
};

/* Host and path are allocated, for as long as the process lasts. */
int address_parse(struct address *, const char *text, const char **why);

/*
 * Listen there.  Writes at most max descriptors to fd: names with several
 * addresses have several.  Returns how many, or -1.
 */
enum { ADDRESS_SOCKETS = 4 };
int address_listen(const struct address *, int fd[ADDRESS_SOCKETS],
    const char **why);

/* Is this a socket that others have made for us to listen on?  Make it ours. */
int address_adopt(int fd, const char **why);

/* How much of an address is one source, in bits: 8 to 32, and 32 to 64. */
struct source_bits {
	int v4, v6;
};

/* Where a connection comes from, as it is counted. */
struct source {
	bool counted; /* false for Unix sockets */
	uint64_t net; /* an IPv4 address, or the first half of an IPv6 one;
			 bits that do not count are 0 */
};

void address_source(struct source *, const struct sockaddr_storage *,
    const struct source_bits *);

/* It for people: "192.0.2.1", "2001:db8::/64".  Returns text. */
const char *address_source_name(const struct source *,
    const struct source_bits *, char text[ADDRESS_TEXT]);

/* Tell an address from the system. */
void address_name(struct endpoint *, const struct sockaddr_storage *);

#endif
