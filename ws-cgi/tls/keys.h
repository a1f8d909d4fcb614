/*
 * keys.h - keys and certificates, from files to contexts of OpenSSL: one for
 * each pair, of which the name that a client asks for (SNI, RFC 6066 3) chooses.
 *
 *	--cert a.pem --key a.key --cert b.pem --key b.key --client-ca ca.pem
 *	   └── pair 0: for all else     └── pair 1
 *
 * What is negotiated is here, too: TLS 1.2 and 1.3, ciphers with forward
 * secrecy and authentication of what they encrypt, http/1.1 by ALPN (RFC 7301),
 * no renegotiation, no early data, no compression.
 */

#ifndef KEYS_H
#define KEYS_H

#include <openssl/ssl.h>
#include <stdbool.h>
#include <stddef.h>

#include "monitor.h"

enum { KEYS_WHY = 512 }; /* room for what is wrong */

struct key_pair {
	const char *cert; /* PEM: the certificate, and what it is signed with */
	const char *key;  /* PEM; NULL: it is in the same file */
};

struct keys_conf {
	struct key_pair *pair;
	size_t count;
	const char *client_ca; /* PEM, with revocation lists; NULL: no client
				  has a certificate */
	bool optional;	       /* nor does it need one */
};

/*
 * All the files, for monitor_add.  Returns 0, or -1 with errno.
 */
int keys_files(const struct keys_conf *, struct monitor *);

/*
 * Load all, for one connection (alone) or for many, which resume each other's
 * sessions.  Returns 0, or -1 with what is wrong in why.  Of a certificate whose
 * time has not come, or is over, the log says so.
 */
int keys_load(const struct keys_conf *, const struct monitor *, bool alone,
    char why[KEYS_WHY]);

/* A session, with all of that.  NULL: no memory. */
SSL *keys_session(void);

/* What was loaded, for --check. */
void keys_print(const struct keys_conf *);

#endif
