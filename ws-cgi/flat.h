/*
 * flat.h - a JSON object that holds no other, read and written: RFC 8259.
 *
 *	{"event":"close","code":4001,"reason":"gr\u00fcn"}
 *	 └ name ┘└value ┘       └ number          └ string, unescaped in place
 *
 * Nothing here waits, and reading allocates nothing.
 */

#ifndef FLAT_H
#define FLAT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "buf.h"

enum { FLAT_MAX = 16 }; /* the most members of an object */

enum flat_kind {
	FLAT_STRING, /* its characters, as UTF-8, NULs perhaps among them */
	FLAT_NUMBER, /* as it was written */
	FLAT_WORD    /* true, false or null */
};

struct flat_text {
	uint8_t *p;
	size_t len;
};

struct flat_member {
	struct flat_text name;
	enum flat_kind kind;
	struct flat_text value;
};

struct flat {
	size_t members;
	struct flat_member member[FLAT_MAX];
};

/*
 * Read the object that is all of the size bytes at p, which are overwritten:
 * names and values point there.  Nested values, names that come twice and half
 * surrogate pairs are refused.  Returns 0, or -1 with *why, a sentence that
 * lasts.
 */
int flat_read(struct flat *, uint8_t *p, size_t size, const char **why);

/* Is the text this word? */
bool flat_is(const struct flat_text *, const char *word);

/* The member of this name, or NULL. */
const struct flat_member *flat_find(const struct flat *, const char *name);

/*
 * Add a string, in quotes and escaped.  A byte that is no part of a character
 * becomes U+FFFD.  Returns 0, or -1 when there is no memory.
 */
int flat_write(struct buf *, const void *p, size_t size);

#endif
