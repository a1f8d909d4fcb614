/*
 * utf8.h - is this text UTF-8?  RFC 3629, asked piece by piece, so that RFC
 * 6455 8.1 can be kept at the first wrong byte and across frames.
 *
 * Nothing here waits or allocates.  A text that has not begun is all zeroes.
 */

#ifndef UTF8_H
#define UTF8_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct utf8 {
	uint8_t inside; /* a character: what may follow; or 0 */
};

/*
 * Take n more bytes.  Returns how many of them are good: n, or the offset of
 * the first that no further bytes could mend.
 */
size_t utf8_feed(struct utf8 *, const uint8_t *p, size_t n);

/* Does the text end between two characters? */
bool utf8_whole(const struct utf8 *);

/*
 * The longest beginning of p, at most max of its n bytes, that does not end
 * inside a character.  p is UTF-8, or the cut is anywhere.
 */
size_t utf8_cut(const uint8_t *p, size_t n, size_t max);

#endif
