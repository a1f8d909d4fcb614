/*
 * penalties.h - sources that are kept away for a while, for what they did or
 * because they come too often: as PerSourcePenalties of sshd_config(5) has it.
 *
 *	 5 s   5 s   5 s: over min, or 15 s, together
 *	──┴─────┴─────┴────────── kept away ──────────┬──► time
 *	                                              the sum is over
 *
 * Penalties of a source add up, and end one behind the other.  While what is
 * left of them has not been over min, nothing comes of them; nor does any sum
 * last longer than max.
 *
 * The rows are memory that the listener shares with its processes: it alone
 * writes them, and they look up who is behind a proxy.  There are so many and
 * no more: a row that is needed is one of few, of which the one that expires
 * first makes room.
 *
 * Units	Penalties are seconds, as on the command line; all else is ms.
 */

#ifndef PENALTIES_H
#define PENALTIES_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "network.h"

/* What a penalty is for, and what bounds their sum. */
enum penalty {
	PENALTY_CRASH,	   /* its process has died of a fault (90) */
	PENALTY_PROTOCOL,  /* it has broken HTTP or RFC 6455 (5) */
	PENALTY_HANDSHAKE, /* it began a handshake and let it run out (10) */
	PENALTY_AUTH,	   /* a password or a token was wrong (5) */
	PENALTY_MIN,	   /* (15) */
	PENALTY_MAX,	   /* (600) */
	PENALTY_VALUES
};

extern const char *const penalty_names[PENALTY_VALUES];

struct penalties_conf {
	int seconds[PENALTY_VALUES]; /* with a max of 0 there are none */
	struct networks exempt;	     /* who gets none (loopback) */
	bool nobody;		     /* is exempt (no) */
};

struct penalty_row {
	_Atomic uint64_t key;	/* of the source, see children.h; 0: free */
	_Atomic int64_t until;	/* when the sum is over */
	_Atomic bool away;	/* it has been over min */
	_Atomic int64_t served; /* us; if all came at their rate, now */
};

enum { PENALTY_ROWS = 4096 };

struct penalties {
	struct penalty_row row[PENALTY_ROWS];
};

/* Does who is there get no penalties? */
bool penalties_exempt(const struct penalties_conf *, const struct endpoint *);

/* For how long is the source kept away yet?  Returns 0 if it is not. */
int64_t penalties_left(const struct penalties *, uint64_t key);

/*
 * Add one.  Returns for how long the source is kept away now, if it was not
 * before, else 0.
 */
int64_t penalties_add(struct penalties *, const struct penalties_conf *,
    uint64_t key, enum penalty);

/*
 * One more comes.  Returns false, and it does not count, when there are more
 * than so many in a second; but 10 seconds' worth may come at once.
 */
bool penalties_rate(struct penalties *, uint64_t key, int rate);

/* How many are kept away now. */
int penalties_count(const struct penalties *);

#endif
