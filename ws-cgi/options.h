/*
 * options.h - the command line: one table, from which parsing, the usage and
 * --help come.
 */

#ifndef OPTIONS_H
#define OPTIONS_H

#include "admit/admit.h"
#include "admit/identity.h"
#include "arrive/arrive.h"
#include "bridge/bridge.h"
#include "chain.h"
#include "confine/confine.h"

/* What is behind a subprotocol that has something of its own. */
struct behind {
	const struct bridge *bridge; /* or NULL: it has not */
	int program;		     /* as in struct bridge_conf */
};

struct options {
	struct addresses listen;
	struct chain_conf tls;
	struct given given; /* descriptors; in is -1 when there are none */
	bool push_only;
	struct limits limits;
	int stop_timeout;
	int admit_timeout;
	const char *pidfile;
	struct rights rights;
	struct confine confine;
	struct trust trust;
	struct policy policy;
	struct identity_conf identity;
	const char *admit;    /* a hook and its arguments, as words, or NULL */
	struct names headers; /* of the 101 */
	struct ws_conf conf;
	bool compress;
	struct ws_deflate deflate;
	struct bridge_conf to;
	const struct bridge *bridge;
	struct behind *behind; /* of each of the policy's protocols, or NULL */
	const char *log;       /* as log_to has it */
	bool log_json;
	const char *www;
	bool console;
	bool polls; /* one of the bridges does, or what comes before them */
	bool verbose;
	bool check;
};

/*
 * Read the command line.  Returns true when there is something to serve; else
 * *status is what to exit with, and all has been said.
 */
bool options_read(struct options *, int argc, char *argv[], int *status);

/* What is behind a subprotocol, or behind none, which is NULL. */
struct behind options_behind(const struct options *, const char *protocol);

/* As whom connections' processes go on, if its user or group is not ours. */
const struct rights *options_worker(const struct options *);

/* Say how the command is used, on standard error.  Returns the exit status. */
int options_usage(void);

#endif
