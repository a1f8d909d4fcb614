/*
 * utf8_wide.h - long texts, in blocks, by the vectors of the processor if it
 * has them.  They only say that a block is good: where it is not, utf8.h looks
 * for the byte.
 *
 *	| block | block | block | block | less |
 *	 `-- good: passed over --'  `-- utf8.h, byte by byte
 *
 * Nothing here waits or allocates.
 */

#ifndef UTF8_WIDE_H
#define UTF8_WIDE_H

#include <stddef.h>
#include <stdint.h>

enum { UTF8_WIDE = 64 }; /* bytes of a block */

/*
 * How many of these n bytes, which begin with a character, are certain to be
 * good.  They end between two characters; the first wrong byte, if there is one
 * in what follows, is still to be found.
 */
size_t utf8_wide(const uint8_t *p, size_t n);

#endif
