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

struct listener {
	const struct listening *what;
	struct sockets sockets;
	struct accept accept;
	struct children children;
	struct shed shed;
	struct restart restart;
	struct notify notify;
	bool reloading; /* as it was told */
	struct pollfd pfd[SOCKETS_MAX + SHED_MAX];
	struct log_rate full, lacking;
	int stops;	 /* signals acted on */
	int64_t stop_at; /* when conversations must end */
};

#endif
