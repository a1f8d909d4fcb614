/*
 * facts.h - what a handshake has told, as variables for the program:
 *
 *	SSL_PROTOCOL SSL_CIPHER SSL_TLS_SNI	of the connection
 *	SSL_CLIENT_VERIFY			SUCCESS, or NONE: no certificate
 *	SSL_CLIENT_S_DN SSL_CLIENT_I_DN SSL_CLIENT_M_SERIAL SSL_PEER_CERT_HASH
 *
 * The names are those of Apache's mod_ssl, and for the hash that of s6-tlsd.
 * They come from the process that talks with the client, as one message, and
 * whatever is wrong with that message, nothing of it is believed.
 */

#ifndef FACTS_H
#define FACTS_H

#include <openssl/ssl.h>

#include "endpoint.h"

enum { FACTS_NAME = 1024 }; /* room for a distinguished name */

struct facts {
	char protocol[16], cipher[64];
	char sni[256];
	char subject[FACTS_NAME], issuer[FACTS_NAME], serial[64], hash[80];
	char verify[16];
	struct endpoint client, server; /* which a proxy may have named */
};

/*
 * Take them from a session whose handshake is over.  Returns 0, or -1 with
 * *why: something is too long, or there is no memory.
 */
int facts_take(struct facts *, SSL *, const char **why);

/* To and from a pipe.  Returns 0, or -1: nobody is there, or they are none. */
int facts_send(const struct facts *, int fd);
int facts_receive(struct facts *, int fd);

/* Into the environment, where nobody else's stay.  Returns 0, or -1. */
int facts_export(const struct facts *);

#endif
