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
#include <sys/types.h>

#include "endpoint.h"

enum { ADDRESS_HTTPS = 443 }; /* the port of https: RFC 9110 4.2.2 */

struct address {
	const char *text; /* as it was written */
	char *host;	  /* NULL: all interfaces; "": loopback */
	char port[ENDPOINT_PORT];
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

#endif
