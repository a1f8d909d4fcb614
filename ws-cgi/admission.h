/*
 * admission.h - may it come in, and what for?
 *
 *	places ─► head ─► whom a proxy names ─► places ─► host, origin
 *	  ─► https ─► who is it ─► the hook ─► places of the user and the path
 *
 * The first that says no has answered the request.
 */

#ifndef ADMISSION_H
#define ADMISSION_H

#include "options.h"

enum admission {
	ADMISSION_OVER = -1, /* it has been answered */
	ADMISSION_TALK, /* a WebSocket is asked for: the handshake goes on */
	ADMISSION_PAGE	/* something else is */
};

/* Returns one of these; what is known of the request is in the talk then. */
int admission_decide(struct talk *, const struct options *, struct arrival *);

#endif
