/*
 * pmd.h - the terms of permessage-deflate: RFC 7692 5 and 7.1.  What a client
 * offers, what a server agrees to, and how either is written.
 *
 *	Sec-WebSocket-Extensions: permessage-deflate; client_max_window_bits
 *	                          extension_parse ──► pmd_agree ──► pmd_write
 *
 * A direction's compressor is its sender's.  Windows are bits: of 1 << bits
 * bytes.  Nothing here compresses, waits or allocates.
 */

#ifndef PMD_H
#define PMD_H

#include <stdbool.h>
#include <stddef.h>

#include "extension.h"

enum {
	PMD_NEAREST = 8,   /* the smallest window of RFC 7692 */
	PMD_FARTHEST = 15, /* the largest, and what is meant by none */
	PMD_TEXT = 192	   /* the longest that pmd_write writes, with its NUL */
};

/* One direction. */
struct pmd_way {
	int window;  /* bits */
	bool said;   /* the parameter for it stands there: an offer that says
			the client's takes what the server says of it */
	bool forget; /* each message stands alone: no_context_takeover */
};

struct pmd {
	struct pmd_way server; /* compresses so */
	struct pmd_way client;
};

/*
 * Is this an offer that a server can agree to, wanting these terms or less?
 * Then the terms are in *agreed.  Else it is to be declined: it is of another
 * extension, or breaks RFC 7692 7.1, or asks for a window of 8 bits, which zlib
 * cannot promise.
 */
bool pmd_agree(struct pmd *agreed, const struct extension *offer,
    const struct pmd *want);

/* The terms as an element of Sec-WebSocket-Extensions, an offer or an answer. */
void pmd_write(char text[PMD_TEXT], const struct pmd *, bool offer);

/*
 * Does the server's answer keep to RFC 7692 7.1 and to what was offered?  Then
 * the terms are in *agreed; else returns false, and *why.
 */
bool pmd_answered(struct pmd *agreed, const struct extension *answer,
    const struct pmd *offered, const char **why);

#endif
