/*
 * handshake.h - what turns HTTP into a WebSocket: RFC 6455 4.
 *
 *	server	handshake_check -> handshake_accept, or handshake_refuse
 *	client	handshake_request -> handshake_verify
 *
 * Heads in, bytes out: nothing here waits, and the only memory touched is the
 * caller's buffer.
 *
 * Results	Calls that write return 0, or -1 when there is no memory.
 */

#ifndef HANDSHAKE_H
#define HANDSHAKE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <time.h>

#include "buf.h"
#include "http.h"

enum {
	HANDSHAKE_NONCE = 16, /* bytes of which the key is the base64 */
	HANDSHAKE_KEY = 25,   /* the key as a string */
	HANDSHAKE_ACCEPT = 29 /* the answer to it as a string */
};

/* Sec-WebSocket-Accept for a key: RFC 6455 4.2.2, 5.4. */
void handshake_answer(char out[HANDSHAKE_ACCEPT], const char *key);

/*
 * Is this request an opening handshake?  Returns 101 when it is and keeps all
 * rules of RFC 6455 4.2.1; 0 when it is a proper request for something else;
 * or the status to refuse it with, and *why.
 */
int handshake_check(const struct http *, const char **why);

/*
 * Does the client offer this subprotocol?  Names are compared exactly: RFC
 * 6455 11.3.4.
 */
bool handshake_offers(const struct http *, const char *protocol);

/*
 * How an answer begins: as HTTP has it, or as a web server takes it from a CGI
 * program, RFC 3875 6.3, and turns it into its own.
 */
enum handshake_form { HANDSHAKE_HTTP, HANDSHAKE_CGI };

/*
 * Write the 101.  protocol may be NULL; extensions are what is agreed, or "";
 * fields are further header lines, each with its CR LF, or "".
 */
int handshake_accept(struct buf *, enum handshake_form, const struct http *,
    const char *protocol, const char *extensions, const char *fields);

/* Any other answer, after which the connection ends: RFC 9110 15. */
struct handshake_reply {
	enum handshake_form form;
	int status;
	time_t date;
	const char *fields; /* lines, each with its CR LF, or "" */
};

/* Write its head, with what the status wants. */
int handshake_head(struct buf *, const struct handshake_reply *);

/*
 * Write it whole.  why is the body, a line of text, which is left out in an
 * answer to HEAD.
 */
int handshake_refuse(struct buf *, const struct handshake_reply *,
    const char *why, bool body);

/* What a client asks for. */
struct handshake_request {
	const char *host;	/* as the Host field has it */
	const char *target;	/* path and query */
	const char *origin;	/* or NULL */
	const char *protocols;	/* "chat, superchat", or NULL */
	const char *extensions; /* what is offered, or "" */
	char key[HANDSHAKE_KEY];
};

/* Write the request with a key made of nonce, which is to be unguessable. */
int handshake_request(struct buf *, struct handshake_request *,
    const uint8_t nonce[HANDSHAKE_NONCE]);

/*
 * Check the server's answer: RFC 6455 4.1, "once the client's opening
 * handshake has been sent".  *protocol is what the server chose, or NULL.
 * Returns 0, or -1 and *why.
 */
int handshake_verify(const struct handshake_request *, const struct http *,
    const char **protocol, const char **why);

#endif
