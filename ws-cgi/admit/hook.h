/*
 * hook.h - a program that is asked whether a request may come in.
 *
 *	variables ──► the hook ──► standard output ──► verdict.h
 *	                  └─────── standard error ───► the log
 *
 * It ends within a time, and with its client; and whoever of its group is left
 * ends with it.
 */

#ifndef HOOK_H
#define HOOK_H

#include "bridge/bridge.h"

struct hook_terms {
	int timeout;	  /* ms for it (5000) */
	int handshake;	  /* ms from the arrival, for all that comes before */
	bool upgrade;	  /* it is asked for a WebSocket, and not for a page */
	bool credentials; /* it sees Authorization: nobody else has */
	const struct policy *policy;
};

/*
 * Ask it.  Returns 0 when the request may come in, with t->verdict and perhaps
 * another t->protocol; or -1: it has been answered, and t->verdict is NULL where
 * that is not what the hook wants.
 */
int hook_ask(struct talk *, const struct bridge_conf *,
    const struct hook_terms *);

#endif
