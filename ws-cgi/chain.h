/*
 * chain.h - with --tls-cert the command line becomes that of two programs:
 *
 *	ws-cgi --listen :443 --tls-cert F --max 50 --format json prog
 *
 *	ws-tls --listen :443 --cert F --max 50 -- ws-cgi --format=json -- prog
 *
 * What is about the listener goes to ws-tls(8), what is about messages stays,
 * and some is for both.
 */

#ifndef CHAIN_H
#define CHAIN_H

#include <stdbool.h>
#include <stddef.h>

#include "admit/admit.h"

struct chain_conf {
	struct names certs; /* files */
	int keys;	    /* so many are given for the last of them */
	const char *client_ca;
	bool optional;
};

/* Arguments of options for it, as in values.h: struct chain_conf. */
int chain_cert(void *target, const char *arg, const char **why);
int chain_key(void *target, const char *arg, const char **why);
int chain_client(void *target, const char *arg, const char **why);

/* An option was given, with its argument or NULL.  Returns 0, or -1. */
int chain_saw(const char *name, const char *arg);

/*
 * Become ws-tls, with these operands of ours.  Returns only if it fails: an exit
 * status, after having said what is wrong.
 */
int chain_become(char *const operands[]);

/* Where ws-tls is, in memory of the caller's: beside us, or in PATH; or NULL. */
char *chain_find(void);

#endif
