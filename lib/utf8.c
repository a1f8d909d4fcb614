/*
 * utf8.c - checks UTF-8 with the range of the next byte as its whole memory,
 * and passes over ASCII by words.
 */

#include <string.h>

#include "utf8.h"

/* What may follow a first byte: RFC 3629 4, the table of the ABNF. */
static const struct utf8_lead {
	uint8_t first, last; /* first bytes from .. to */
	struct utf8 next;
} utf8_leads[] = {
	{ 0xc2, 0xdf, { 1, 0x80, 0xbf } },
	{ 0xe0, 0xe0, { 2, 0xa0, 0xbf } },
	{ 0xe1, 0xec, { 2, 0x80, 0xbf } },
	{ 0xed, 0xed, { 2, 0x80, 0x9f } },
	{ 0xee, 0xef, { 2, 0x80, 0xbf } },
	{ 0xf0, 0xf0, { 3, 0x90, 0xbf } },
	{ 0xf1, 0xf3, { 3, 0x80, 0xbf } },
	{ 0xf4, 0xf4, { 3, 0x80, 0x8f } },
};

/* A byte of 0x80 or more. */
static bool
utf8_begin(struct utf8 *u, uint8_t c)
{
	const size_t n = sizeof(utf8_leads) / sizeof(utf8_leads[0]);

	for (size_t i = 0; i < n; i++)
		if (c >= utf8_leads[i].first && c <= utf8_leads[i].last) {
			*u = utf8_leads[i].next;
			return true;
		}
	return false;
}

static size_t
utf8_ascii(const uint8_t *p, size_t n)
{
	const uint64_t high = 0x8080808080808080U;
	uint64_t w[4];
	size_t i = 0;

	for (; n - i >= sizeof(w); i += sizeof(w)) {
		memcpy(w, p + i, sizeof(w));
		if (((w[0] | w[1] | w[2] | w[3]) & high) != 0)
			break;
	}
	for (; n - i >= sizeof(*w); i += sizeof(*w)) {
		memcpy(w, p + i, sizeof(*w));
		if ((w[0] & high) != 0)
			break;
	}
	while (i < n && p[i] < 0x80)
		i++;
	return i;
}

size_t
utf8_feed(struct utf8 *u, const uint8_t *p, size_t n)
{
	size_t i = 0;

	while (i < n) {
		if (u->need > 0) {
			if (p[i] < u->low || p[i] > u->high)
				return i;
			u->need--;
			u->low = 0x80;
			u->high = 0xbf;
			i++;
		} else if (p[i] < 0x80) {
			i += utf8_ascii(p + i, n - i);
		} else if (utf8_begin(u, p[i])) {
			i++;
		} else {
			return i;
		}
	}
	return n;
}

bool
utf8_whole(const struct utf8 *u)
{
	return u->need == 0;
}

size_t
utf8_cut(const uint8_t *p, size_t n, size_t max)
{
	size_t cut = n < max ? n : max;
	size_t back = cut;
	struct utf8 u = { 0 };

	while (back > 0 && cut - back < 3 && (p[back - 1] & 0xc0) == 0x80)
		back--;
	if (back == 0 || p[back - 1] < 0xc2)
		return cut;
	back--;
	if (utf8_feed(&u, p + back, cut - back) < cut - back)
		return cut;
	return utf8_whole(&u) ? cut : back;
}
