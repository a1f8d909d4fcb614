/*
 * listener.h - what a listener is made of; for listen.c and fork.c.
 */

#ifndef LISTENER_H
#define LISTENER_H

#include <stdint.h>

#include "accept.h"
#include "arrive.h"
#include "children.h"
#include "notify.h"
#include "restart.h"
#include "shed.h"
#include "sockets.h"

_Static_assert(SOCKETS_MAX <= 64, "each has a bit in heard");

/*
 * What is written for each connection: a page with any of it is copied for each
 * child.  So it is small, and shares its pages with what the child writes.
 */
struct listener {
	const struct listening *what;
	struct sockets *sockets;
	struct shed *shed;
	struct accept accept;
	struct children children;
	uint64_t heard;	 /* of the sockets, a bit each: somebody is there */
	int signals;	 /* descriptor to poll for them */
	bool ended;	 /* a child has, perhaps several */
	bool stale;	 /* the title is no longer true */
	bool reloading;	 /* as it was told */
	int stops;	 /* signals acted on */
	int64_t stop_at; /* when conversations must end */
	struct restart restart;
	struct notify notify;
	struct log_rate full, lacking, punished;
};

#endif
