/*
 * listener.h - what a listener is made of; for listen.c and fork.c.
 */

#ifndef LISTENER_H
#define LISTENER_H

#include <poll.h>

#include "accept.h"
#include "arrive.h"
#include "children.h"
#include "notify.h"
#include "restart.h"
#include "shed.h"
#include "sockets.h"

/*
 * What is written for each connection lies together: each page of it is copied
 * for each child, and for the listener once more.  What is not is elsewhere.
 */
struct listener {
	const struct listening *what;
	struct sockets *sockets;
	struct shed *shed;
	struct accept accept;
	struct children children;
	int signals;	 /* descriptor to poll for them */
	bool ended;	 /* a child has, perhaps several */
	bool stale;	 /* the title is no longer true */
	bool reloading;	 /* as it was told */
	int stops;	 /* signals acted on */
	int64_t stop_at; /* when conversations must end */
	struct restart restart;
	struct notify notify;
	struct log_rate full, lacking, punished;
	struct pollfd pfd[SOCKETS_MAX + SHED_MAX + 1];
};

#endif
