/*
 * compat.c - the few calls of others that a static worker needs, each as its
 * manual has it.
 */

#include "compat.h"

#include <errno.h>
#include <limits.h>
#include <signal.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/random.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "sha1.h"
#include "sha2.h"

void
arc4random_buf(void *p, size_t n)
{
	uint8_t *to = p;
	ssize_t got;

	while (n > 0) {
		if ((got = getrandom(to, n, 0)) == -1 && errno != EINTR)
			abort();
		to += got > 0 ? got : 0;
		n -= got > 0 ? (size_t)got : 0;
	}
}

/* These two are glibc's, called by its fortified libcrypt. */

void __explicit_bzero_chk(void *, size_t n, size_t room);
int __snprintf_chk(char *, size_t, int flag, size_t room, const char *, ...)
    __attribute__((format(printf, 5, 6)));

void
__explicit_bzero_chk(void *p, size_t n, size_t room)
{
	if (n > room)
		abort();
	explicit_bzero(p, n);
}

int
__snprintf_chk(char *out, size_t size, int flag, size_t room,
    const char *format, ...)
{
	va_list ap;
	int n;

	(void)flag;
	if (size > room)
		abort();
	va_start(ap, format);
	n = vsnprintf(out, size, format, ap);
	va_end(ap);
	return n;
}

enum { BLOCK = 64 };

/* Without a branch, of which the compiler makes a few vector instructions. */
static bool
is_in(const uint8_t *block, uint8_t byte)
{
	uint8_t found = 0;

	for (int i = 0; i < BLOCK; i++)
		found |= block[i] == byte;
	return found != 0;
}

void *
compat_memchr(const void *s, int c, size_t n)
{
	const uint8_t *p = s, byte = (uint8_t)c;

	for (; n >= BLOCK && !is_in(p, byte); n -= BLOCK)
		p += BLOCK;
	for (; n > 0; p++, n--)
		if (*p == byte)
			return (void *)(uintptr_t)p;
	return NULL;
}

/* Before Linux 5.9 there is no close_range(2). */
void
closefrom(int fd)
{
	long most;

	if (syscall(SYS_close_range, (unsigned int)fd, UINT_MAX, 0) == 0)
		return;
	for (most = sysconf(_SC_OPEN_MAX); fd < most; fd++)
		close(fd);
}

long long
strtonum(const char *text, long long min, long long max, const char **error)
{
	const int before = errno;
	long long n;
	char *end;

	errno = 0;
	n = strtoll(text, &end, 10);
	if (end == text || *end != '\0')
		errno = EINVAL;
	else if (n < min || n > max)
		errno = ERANGE;
	if (error != NULL)
		*error = errno == 0 ? NULL :
		    errno == EINVAL ? "invalid" :
		    n < min	    ? "too small" :
				      "too large";
	if (errno != 0)
		return 0;
	errno = before;
	return n;
}

const char *
sigabbrev_np(int sig)
{
	static const struct {
		int sig;
		const char *name;
	} names[] = {
		{ SIGHUP, "HUP" },
		{ SIGINT, "INT" },
		{ SIGQUIT, "QUIT" },
		{ SIGILL, "ILL" },
		{ SIGTRAP, "TRAP" },
		{ SIGABRT, "ABRT" },
		{ SIGBUS, "BUS" },
		{ SIGFPE, "FPE" },
		{ SIGKILL, "KILL" },
		{ SIGUSR1, "USR1" },
		{ SIGSEGV, "SEGV" },
		{ SIGUSR2, "USR2" },
		{ SIGPIPE, "PIPE" },
		{ SIGALRM, "ALRM" },
		{ SIGTERM, "TERM" },
		{ SIGXCPU, "XCPU" },
		{ SIGXFSZ, "XFSZ" },
		{ SIGSYS, "SYS" },
	};

	for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++)
		if (names[i].sig == sig)
			return names[i].name;
	return NULL;
}

/* FIPS 180-4 6.1.2. */

static uint32_t
rotate(uint32_t x, int n)
{
	return x << n | x >> (32 - n);
}

static uint32_t
big_endian(const uint8_t *p)
{
	return (uint32_t)p[0] << 24 | (uint32_t)p[1] << 16 |
	    (uint32_t)p[2] << 8 | p[3];
}

/* Ch, Parity and Maj, each with its constant: 4.1.1, 4.2.1. */
static uint32_t
sha1_f(int t, uint32_t b, uint32_t c, uint32_t d)
{
	switch (t / 20) {
	case 0:
		return ((b & c) | (~b & d)) + 0x5a827999;
	case 1:
		return (b ^ c ^ d) + 0x6ed9eba1;
	case 2:
		return ((b & c) | (b & d) | (c & d)) + 0x8f1bbcdc;
	default:
		return (b ^ c ^ d) + 0xca62c1d6;
	}
}

static void
sha1_block(uint32_t h[5], const uint8_t block[SHA1_BLOCK_LENGTH])
{
	uint32_t w[80], v[5], x;

	for (int t = 0; t < 16; t++)
		w[t] = big_endian(block + t * 4);
	for (int t = 16; t < 80; t++)
		w[t] = rotate(w[t - 3] ^ w[t - 8] ^ w[t - 14] ^ w[t - 16], 1);
	memcpy(v, h, sizeof(v));
	for (int t = 0; t < 80; t++) {
		x = rotate(v[0], 5) + sha1_f(t, v[1], v[2], v[3]) + v[4] + w[t];
		v[4] = v[3];
		v[3] = v[2];
		v[2] = rotate(v[1], 30);
		v[1] = v[0];
		v[0] = x;
	}
	for (int i = 0; i < 5; i++)
		h[i] += v[i];
}

void
SHA1Init(SHA1_CTX *c)
{
	*c = (SHA1_CTX){
		.state = { 0x67452301, 0xefcdab89, 0x98badcfe, 0x10325476,
		    0xc3d2e1f0 },
	};
}

void
SHA1Update(SHA1_CTX *c, const uint8_t *p, size_t n)
{
	for (; n > 0; n--) {
		c->buffer[c->count++ % SHA1_BLOCK_LENGTH] = *p++;
		if (c->count % SHA1_BLOCK_LENGTH == 0)
			sha1_block(c->state, c->buffer);
	}
}

/* A one, zeroes, and the length in bits: 5.1.1. */
void
SHA1Final(uint8_t digest[SHA1_DIGEST_LENGTH], SHA1_CTX *c)
{
	const uint64_t bits = c->count * 8;
	uint8_t length[8];

	for (int i = 0; i < 8; i++)
		length[i] = (uint8_t)(bits >> (56 - i * 8));
	SHA1Update(c, (const uint8_t *)"\x80", 1);
	while (c->count % SHA1_BLOCK_LENGTH != SHA1_BLOCK_LENGTH - 8)
		SHA1Update(c, (const uint8_t *)"", 1);
	SHA1Update(c, length, sizeof(length));
	for (int i = 0; i < SHA1_DIGEST_LENGTH; i++)
		digest[i] = (uint8_t)(c->state[i / 4] >> (24 - i % 4 * 8));
}

/* FIPS 180-4 6.2.2, with the constants of 4.2.2. */

static const uint32_t sha256_k[64] = {
	0x428a2f98,
	0x71374491,
	0xb5c0fbcf,
	0xe9b5dba5,
	0x3956c25b,
	0x59f111f1,
	0x923f82a4,
	0xab1c5ed5,
	0xd807aa98,
	0x12835b01,
	0x243185be,
	0x550c7dc3,
	0x72be5d74,
	0x80deb1fe,
	0x9bdc06a7,
	0xc19bf174,
	0xe49b69c1,
	0xefbe4786,
	0x0fc19dc6,
	0x240ca1cc,
	0x2de92c6f,
	0x4a7484aa,
	0x5cb0a9dc,
	0x76f988da,
	0x983e5152,
	0xa831c66d,
	0xb00327c8,
	0xbf597fc7,
	0xc6e00bf3,
	0xd5a79147,
	0x06ca6351,
	0x14292967,
	0x27b70a85,
	0x2e1b2138,
	0x4d2c6dfc,
	0x53380d13,
	0x650a7354,
	0x766a0abb,
	0x81c2c92e,
	0x92722c85,
	0xa2bfe8a1,
	0xa81a664b,
	0xc24b8b70,
	0xc76c51a3,
	0xd192e819,
	0xd6990624,
	0xf40e3585,
	0x106aa070,
	0x19a4c116,
	0x1e376c08,
	0x2748774c,
	0x34b0bcb5,
	0x391c0cb3,
	0x4ed8aa4a,
	0x5b9cca4f,
	0x682e6ff3,
	0x748f82ee,
	0x78a5636f,
	0x84c87814,
	0x8cc70208,
	0x90befffa,
	0xa4506ceb,
	0xbef9a3f7,
	0xc67178f2,
};

static uint32_t
sha256_spread(uint32_t x, int a, int b, int c)
{
	return rotate(x, 32 - a) ^ rotate(x, 32 - b) ^ rotate(x, 32 - c);
}

/* 4.1.2: what becomes of the eight words in a round, for one of schedule. */
static void
sha256_round(uint32_t v[8], uint32_t w)
{
	const uint32_t one = v[7] + sha256_spread(v[4], 6, 11, 25) +
	    ((v[4] & v[5]) ^ (~v[4] & v[6])) + w;
	const uint32_t two = sha256_spread(v[0], 2, 13, 22) +
	    ((v[0] & v[1]) ^ (v[0] & v[2]) ^ (v[1] & v[2]));

	memmove(v + 1, v, 7 * sizeof(*v));
	v[4] += one;
	v[0] = one + two;
}

static void
sha256_block(uint32_t h[8], const uint8_t block[SHA256_BLOCK_LENGTH])
{
	uint32_t w[64], v[8];

	for (int t = 0; t < 16; t++)
		w[t] = big_endian(block + t * 4);
	for (int t = 16; t < 64; t++)
		w[t] = w[t - 16] + w[t - 7] +
		    (rotate(w[t - 15], 25) ^ rotate(w[t - 15], 14) ^
			w[t - 15] >> 3) +
		    (rotate(w[t - 2], 15) ^ rotate(w[t - 2], 13) ^
			w[t - 2] >> 10);
	memcpy(v, h, sizeof(v));
	for (int t = 0; t < 64; t++)
		sha256_round(v, sha256_k[t] + w[t]);
	for (int i = 0; i < 8; i++)
		h[i] += v[i];
}

void
SHA256Init(SHA2_CTX *c)
{
	*c = (SHA2_CTX){
		.state = { 0x6a09e667, 0xbb67ae85, 0x3c6ef372, 0xa54ff53a,
		    0x510e527f, 0x9b05688c, 0x1f83d9ab, 0x5be0cd19 },
	};
}

void
SHA256Update(SHA2_CTX *c, const uint8_t *p, size_t n)
{
	for (; n > 0; n--) {
		c->buffer[c->count++ % SHA256_BLOCK_LENGTH] = *p++;
		if (c->count % SHA256_BLOCK_LENGTH == 0)
			sha256_block(c->state, c->buffer);
	}
}

/* As SHA1Final: 5.1.1. */
void
SHA256Final(uint8_t digest[SHA256_DIGEST_LENGTH], SHA2_CTX *c)
{
	const uint64_t bits = c->count * 8;
	uint8_t length[8];

	for (int i = 0; i < 8; i++)
		length[i] = (uint8_t)(bits >> (56 - i * 8));
	SHA256Update(c, (const uint8_t *)"\x80", 1);
	while (c->count % SHA256_BLOCK_LENGTH != SHA256_BLOCK_LENGTH - 8)
		SHA256Update(c, (const uint8_t *)"", 1);
	SHA256Update(c, length, sizeof(length));
	for (int i = 0; i < SHA256_DIGEST_LENGTH; i++)
		digest[i] = (uint8_t)(c->state[i / 4] >> (24 - i % 4 * 8));
}
