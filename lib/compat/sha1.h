/*
 * sha1.h - libmd's calls of this name: FIPS 180-4.
 */

#ifndef SHA1_H
#define SHA1_H

#include <stddef.h>
#include <stdint.h>

enum { SHA1_BLOCK_LENGTH = 64, SHA1_DIGEST_LENGTH = 20 };

typedef struct {
	uint32_t state[5];
	uint64_t count; /* bytes so far */
	uint8_t buffer[SHA1_BLOCK_LENGTH];
} SHA1_CTX;

void SHA1Init(SHA1_CTX *);
void SHA1Update(SHA1_CTX *, const uint8_t *, size_t);
void SHA1Final(uint8_t digest[SHA1_DIGEST_LENGTH], SHA1_CTX *);

#endif
