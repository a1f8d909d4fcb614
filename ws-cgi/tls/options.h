/*
 * options.h - the command line of ws-tls.
 */

#ifndef TLS_OPTIONS_H
#define TLS_OPTIONS_H

#include "arrive/arrive.h"
#include "confine/confine.h"
#include "tls/keys.h"
#include "tls/tunnel.h"

struct tls_options {
	struct addresses listen;
	struct keys_conf keys;
	struct limits limits;
	struct trust trust;
	struct rights rights;
	struct confine confine;
	const char *pidfile;
	const char *log; /* as log_to has it */
	bool log_json;
	bool verbose;
	bool check;
	int handshake;	   /* ms (10000) */
	int write;	   /* ms for a write without progress (30000) */
	int stop_timeout;  /* ms (never) */
	char *const *argv; /* the program, */
	const char *path;  /* and where it is */
};

/*
 * Read the command line.  Returns true when there is something to do; else
 * *status is what to exit with, and all has been said.
 */
bool tls_options_read(struct tls_options *, int argc, char *argv[],
    int *status);

/* Say how the command is used, on standard error.  Returns the exit status. */
int tls_options_usage(void);

/* What --check says. */
void tls_options_print(const struct tls_options *);

#endif
