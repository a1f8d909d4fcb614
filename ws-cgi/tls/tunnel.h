/*
 * tunnel.h - one TLS connection, and the plain text of it.
 *
 *	client ── TLS ──► tunnel ── socket ──► the program
 *	       ◄───────          ◄──────────
 *
 * It holds two records' worth each way, and reads no more before that has left:
 * who is slow slows the other one down, and nobody else.
 *
 * Endings are passed on: close_notify (RFC 8446 6.1) becomes an end of file,
 * and an end of file close_notify.  An end of the connection without it may be
 * somebody's who has cut it off, and is told apart.
 */

#ifndef TUNNEL_H
#define TUNNEL_H

#include <openssl/ssl.h>
#include <stdint.h>

enum tunnel_end {
	TUNNEL_CLOSED = 1, /* close_notify came, or the program has ended */
	TUNNEL_TRUNCATED,  /* no close_notify */
	TUNNEL_BROKEN,	   /* a record that is none; what it is in why */
	TUNNEL_REFUSED,	   /* nothing that both want, or an alert; why has it */
	TUNNEL_STALLED,	   /* the client takes nothing any more */
	TUNNEL_FLOODED,	   /* keys are changed, and little else */
	TUNNEL_FAILED	   /* the system; errno */
};

struct tunnel {
	SSL *ssl;
	int client, plain; /* sockets; from here on they never block */
	int stall;	   /* ms for a write to the client without progress */
	uint64_t in, out;  /* bytes of plain text, from and to the client */
	char why[128];
};

enum { TUNNEL_KEYS = 10 }; /* changes of keys in a second */

/*
 * The handshake, until then.  Returns 0, or an end, TUNNEL_CLOSED if the client
 * has gone without a word.
 */
int tunnel_open(struct tunnel *, int64_t until);

/* After a refusal: let the peer read why. */
void tunnel_close(const struct tunnel *);

/* All the rest; told is called now and then, for titles. */
enum tunnel_end tunnel_run(struct tunnel *, void (*told)(void *), void *arg);

#endif
