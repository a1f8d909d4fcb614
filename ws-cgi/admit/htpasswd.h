/*
 * htpasswd.h - who may come, by secrets of which a file has the hashes, a line
 * for each.
 *
 *	# passwords, as crypt(3) hashes them
 *	anna:$2b$10$...
 *	otto:$y$j9T$...
 *
 *	# tokens
 *	robot sha256:9f86d081...
 *
 * Who reads the file learns no secret that is hard to guess.  Hashes from which
 * passwords are found quickly are none here: DES, MD5, SHA-1 without a salt.
 */

#ifndef HTPASSWD_H
#define HTPASSWD_H

#include <stddef.h>
#include <stdint.h>

#include "user.h"

enum htpasswd_kind { HTPASSWD_PASSWORDS, HTPASSWD_TOKENS };

enum {
	HTPASSWD_LINE = 1024, /* bytes, the longest */
	HTPASSWD_NAME = USER_NAME,
	HTPASSWD_DIGEST = 32 /* of SHA-256 */
};

/* What is read, from line 1 on: begins as text and size, the rest zeroes. */
struct htpasswd {
	char *text;
	size_t size; /* without the NUL that must stand behind it */
	enum htpasswd_kind kind;
	size_t at;
	int line; /* the one that was read last */
};

struct htpasswd_row {
	const char *name;		 /* UTF-8, without controls */
	const char *hash;		 /* of a password */
	uint8_t digest[HTPASSWD_DIGEST]; /* of a token */
};

/*
 * The next row, in the text, which is cut up.  Returns 1, 0 at the end, or -1
 * with *why: what is wrong with the line, without a byte of it.
 */
int htpasswd_next(struct htpasswd *, struct htpasswd_row *, const char **why);

#endif
