/*
 * sha2.h - libmd's calls of this name, as far as SHA-256: FIPS 180-4.
 */

#ifndef SHA2_H
#define SHA2_H

#include <stddef.h>
#include <stdint.h>

enum { SHA256_BLOCK_LENGTH = 64, SHA256_DIGEST_LENGTH = 32 };

typedef struct {
	uint32_t state[8];
	uint64_t count; /* bytes so far */
	uint8_t buffer[SHA256_BLOCK_LENGTH];
} SHA2_CTX;

void SHA256Init(SHA2_CTX *);
void SHA256Update(SHA2_CTX *, const uint8_t *, size_t);
void SHA256Final(uint8_t digest[SHA256_DIGEST_LENGTH], SHA2_CTX *);

#endif
