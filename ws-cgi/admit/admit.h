/*
 * admit.h - may it come in?  Host and Origin: RFC 6455 10.2, and against names
 * that are made to point here (DNS rebinding).
 */

#ifndef ADMIT_H
#define ADMIT_H

#include <stdbool.h>
#include <stddef.h>

#include "arrive/arrive.h"
#include "request.h"

struct names {
	const char **name;
	size_t count;
};

struct policy {
	struct names hosts;   /* --host: NAME, of any port, or NAME:PORT */
	struct names origins; /* --origin: exactly, or "*" */
	bool origin_required;
	struct names protocols; /* --protocol: those we speak; none: any */
};

/*
 * Returns 0, or the HTTP status to refuse it with and a reason, of at most
 * size bytes, in why.
 */
int admit_check(const struct policy *, const struct arrival *,
    const struct request *, const struct ws *, char *why, size_t size);

/* The subprotocol to choose: the first offered that we speak, or NULL. */
const char *admit_protocol(const struct policy *, struct ws *);

/* Somebody has chosen this one: it, if it is offered and we speak it; or NULL. */
const char *admit_chosen(const struct policy *, struct ws *, const char *name);

#endif
