/*
 * identity.h - who is it?  HTTP Basic, RFC 7617, and bearer tokens, RFC 6750,
 * against the files of htpasswd.h, which are read for each request; or whom a
 * proxy has let in.
 *
 *	Authorization: Basic YW5uYTpzZXNhbQ==   ──► --users    ──► anna
 *	Authorization: Bearer mF_9.B5f-4.1JqM   ──► --tokens   ──► robot
 *	X-Remote-User: otto, of a trusted proxy ───────────────► otto
 *
 * Who has no right name or token is told alike whatever is wrong, and as late:
 * an unknown name costs what a wrong password of the first in the file does.
 * Secrets, and the files' hashes, are wiped from memory before the result is
 * known; but the request's head stays as it came.
 */

#ifndef IDENTITY_H
#define IDENTITY_H

#include <stdbool.h>
#include <stddef.h>

#include <ws.h>

struct identity_conf {
	const char *users;  /* a file of passwords, or NULL */
	const char *tokens; /* a file of tokens, or NULL */
	const char *header; /* a field with a user's name, or NULL */
};

struct identity {
	const char *user; /* lasts as long as the process */
	const char *type; /* "Basic", "Bearer", "Header": RFC 3875 4.1.1 */
	bool tried;	  /* a password or a token was wrong */
};

/* Is anybody asked; and is it the client itself, for credentials? */
bool identity_asked(const struct identity_conf *);
bool identity_challenges(const struct identity_conf *);

/*
 * Does the request come from a proxy that is trusted?  Then whom that names is
 * not asked again.  Returns 0 for somebody, or the HTTP status to refuse it
 * with and a reason for the log, of at most size bytes, in why.
 */
int identity_check(const struct identity_conf *, const struct ws *,
    bool trusted, struct identity *, char *why, size_t size);

enum { IDENTITY_CHALLENGE = 256 };

/* Fields that go with a 401: what is asked for. */
const char *identity_challenge(const struct identity_conf *,
    char out[IDENTITY_CHALLENGE]);

/* Can the files be read?  Returns 0, or -1 with a reason in why. */
int identity_verify(const struct identity_conf *, char *why, size_t size);

/* The first of the files that all users of this machine can read, or NULL. */
const char *identity_open_file(const struct identity_conf *);

#endif
