/*
 * mask.h - the masking of payloads: RFC 6455 5.3.
 *
 * Nothing here waits, allocates or remembers.
 */

#ifndef MASK_H
#define MASK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * Mask, or unmask, len bytes at p in place.  They are the bytes of a frame's
 * payload from offset at on: byte i is combined with key[i % 4], and i starts
 * at 0 in every frame.  Returns whether they are all ASCII now.
 */
bool mask_apply(uint8_t *p, size_t len, const uint8_t key[4], uint64_t at);

#endif
