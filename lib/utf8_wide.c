/*
 * utf8_wide.c - UTF-8 by AVX2, 32 bytes at once, by the method of Keiser and
 * Lemire, "Validating UTF-8 in Less Than One Instruction Per Byte", 2020.  Where
 * there is no AVX2, utf8.c does it all.  Refuses to know which byte is wrong.
 *
 * Two bytes in a row are looked up by their half bytes: the upper and the lower
 * of the first, and the upper of the second.  Each has a set of faults that the
 * two may have, and what is in all three sets is a fault.
 */

#include "utf8_wide.h"

#ifdef __x86_64__

#include <cpuid.h>
#include <immintrin.h>
#include <stdbool.h>
#if __has_include(<sys/platform/x86.h>)
#include <sys/platform/x86.h>
#endif

/* The rows of RFC 3629 4 have no two bytes like these, the last one's apart. */
enum {
	NO_TAIL = 1 << 0,    /* C0..FF 00..7F, C0..FF C0..FF */
	NO_LEAD = 1 << 1,    /* 00..7F 80..BF */
	OVERLONG_2 = 1 << 2, /* C0..C1 80..BF: less than U+80 */
	OVERLONG_3 = 1 << 3, /* E0 80..9F: less than U+800 */
	SURROGATE = 1 << 4,  /* ED A0..BF: U+D800 to U+DFFF */
	OVERLONG_4 = 1 << 5, /* F0 80..8F: less than U+10000 */
	NO_BYTE = 1 << 5,    /* F5..FF 80..8F: no lead; one has not both */
	TOO_LARGE = 1 << 6,  /* F4..FF 90..BF: more than U+10FFFF */
	TAILS = 1 << 7	     /* 80..BF 80..BF: unless a longer one goes on */
};

#define X2(set) set, set
#define X4(set) X2(set), X2(set)
#define X8(set) X4(set), X4(set)

static const uint8_t first_upper[16] = {
	[0x0] = X8(NO_LEAD),
	[0x8] = X4(TAILS),
	[0xc] = NO_TAIL | OVERLONG_2,
	[0xd] = NO_TAIL,
	[0xe] = NO_TAIL | OVERLONG_3 | SURROGATE,
	[0xf] = NO_TAIL | OVERLONG_4 | TOO_LARGE | NO_BYTE,
};

#define ANY (NO_TAIL | NO_LEAD | TAILS)

static const uint8_t first_lower[16] = {
	[0x0] = ANY | OVERLONG_2 | OVERLONG_3 | OVERLONG_4,
	[0x1] = ANY | OVERLONG_2,
	[0x2] = X2(ANY),
	[0x4] = ANY | TOO_LARGE,
	[0x5] = X8(ANY | TOO_LARGE | NO_BYTE),
	[0xd] = ANY | TOO_LARGE | NO_BYTE | SURROGATE,
	[0xe] = X2(ANY | TOO_LARGE | NO_BYTE),
};

#define TAIL (NO_LEAD | OVERLONG_2 | TAILS)

static const uint8_t second_upper[16] = {
	[0x0] = X8(NO_TAIL),
	[0x8] = TAIL | OVERLONG_3 | OVERLONG_4 | NO_BYTE,
	[0x9] = TAIL | OVERLONG_3 | TOO_LARGE,
	[0xa] = X2(TAIL | SURROGATE | TOO_LARGE),
	[0xc] = X4(NO_TAIL),
};

enum { VECTOR = 32 }; /* bytes; a block has two */

#define AVX2 __attribute__((target("avx2")))

AVX2 static inline __m256i
vector(const uint8_t *p)
{
	return _mm256_loadu_si256((const __m256i *)(const void *)p);
}

AVX2 static inline __m256i
all(uint8_t byte)
{
	return _mm256_set1_epi8((char)byte);
}

AVX2 static inline __m256i
lower(__m256i v)
{
	return _mm256_and_si256(v, all(0x0f));
}

AVX2 static inline __m256i
upper(__m256i v)
{
	return lower(_mm256_srli_epi16(v, 4));
}

/* Vectors are looked up by halves of 16 bytes: either has the table. */
AVX2 static inline __m256i
look_up(const uint8_t table[16], __m256i halves)
{
	const __m128i half =
	    _mm_loadu_si128((const __m128i *)(const void *)table);

	return _mm256_shuffle_epi8(_mm256_broadcastsi128_si256(half), halves);
}

/* Here a character of three bytes has its third, or one of four also that. */
AVX2 static inline __m256i
goes_on(__m256i two_before, __m256i three_before)
{
	const __m256i third = _mm256_subs_epu8(two_before, all(0xe0 - TAILS));
	const __m256i fourth =
	    _mm256_subs_epu8(three_before, all(0xf0 - TAILS));

	return _mm256_and_si256(_mm256_or_si256(third, fourth), all(TAILS));
}

/* The faults of each byte of v, which is behind another vector. */
AVX2 static inline __m256i
faults(__m256i before, __m256i v)
{
	const __m256i seam = _mm256_permute2x128_si256(before, v, 0x21);
	const __m256i one = _mm256_alignr_epi8(v, seam, 15);
	const __m256i two = _mm256_alignr_epi8(v, seam, 14);
	const __m256i three = _mm256_alignr_epi8(v, seam, 13);
	const __m256i first = _mm256_and_si256(look_up(first_upper, upper(one)),
	    look_up(first_lower, lower(one)));
	const __m256i pair =
	    _mm256_and_si256(first, look_up(second_upper, upper(v)));

	return _mm256_xor_si256(pair, goes_on(two, three));
}

AVX2 static inline bool
is_ascii(__m256i v)
{
	return _mm256_movemask_epi8(v) == 0;
}

/* The block at i is ASCII.  Returns where the last such block in a row is. */
AVX2 static inline size_t
last_ascii(const uint8_t *p, size_t i, size_t n)
{
	const uint8_t *next;

	for (; n - i >= (size_t)2 * UTF8_WIDE; i += UTF8_WIDE) {
		next = p + i + UTF8_WIDE;
		if (!is_ascii(
			_mm256_or_si256(vector(next), vector(next + VECTOR))))
			break;
	}
	return i;
}

/*
 * Where blocks that are good end.  All are looked up, but for ASCII that is
 * behind two blocks of it: to foretell a block between accents wrongly costs
 * more than to look it up.
 */
AVX2 static size_t
good_blocks(const uint8_t *p, size_t n)
{
	__m256i before = all(0), last = all(0xff), seen, a, b, wrong;
	size_t i;

	for (i = 0; n - i >= UTF8_WIDE; i += UTF8_WIDE) {
		a = vector(p + i);
		b = vector(p + i + VECTOR);
		wrong = _mm256_or_si256(faults(before, a), faults(a, b));
		if (!_mm256_testz_si256(wrong, wrong))
			break;
		seen = _mm256_or_si256(a, b);
		if (is_ascii(_mm256_or_si256(seen, last)))
			i = last_ascii(p, i, n);
		last = seen;
		before = b;
	}
	return i;
}

/* Good blocks may end inside a character: where it begins, then. */
static size_t
whole(const uint8_t *p, size_t n)
{
	if (n == 0 || p[n - 1] < 0x80)
		return n;
	if (p[n - 1] >= 0xc0)
		return n - 1;
	if (p[n - 2] >= 0xe0)
		return n - 2;
	return p[n - 3] >= 0xf0 ? n - 3 : n;
}

#if __has_include(<sys/platform/x86.h>)

static bool known;

/* The C library has asked already; this is before main, and before any fork. */
__attribute__((constructor)) static void
ask(void)
{
	known = CPU_FEATURE_ACTIVE(AVX2);
}

static bool
is_known(size_t n)
{
	(void)n;
	return known;
}

#else

/*
 * In a virtual machine CPUID is a trap, which takes as long as ten kilobytes
 * and more do without vectors.  So it is put off until a text is that long.
 */
enum {
	WORTH = 16384,
	YMM = 6 /* bits of XCR0: the system saves such vectors */
};

static bool
ask(void)
{
	unsigned int a, b, c, d, saved;

	__cpuid(1, a, b, c, d);
	if ((c & bit_OSXSAVE) == 0)
		return false;
	__asm__ volatile("xgetbv" : "=a"(saved), "=d"(d) : "c"(0));
	return (saved & YMM) == YMM &&
	    __get_cpuid_count(7, 0, &a, &b, &c, &d) && (b & bit_AVX2) != 0;
}

static bool
is_known(size_t n)
{
	static _Atomic enum { NOT_ASKED, NO, YES } answer;

	if (answer == NOT_ASKED && n >= WORTH)
		answer = ask() ? YES : NO;
	return answer == YES;
}

#endif

size_t
utf8_wide(const uint8_t *p, size_t n)
{
	return is_known(n) ? whole(p, good_blocks(p, n)) : 0;
}

#else

size_t
utf8_wide(const uint8_t *p, size_t n)
{
	(void)p;
	(void)n;
	return 0;
}

#endif
