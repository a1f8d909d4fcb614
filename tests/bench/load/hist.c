/*
 * hist.c - counts times in steps that grow with them: each octave has 32, and
 * what is below 32 ns one step each.
 */

#include <stddef.h>

#include "hist.h"

static unsigned int
octave(uint64_t ns)
{
	unsigned int bits = 0;

	while (ns >> bits >= 2 * HIST_STEPS)
		bits++;
	return bits;
}

static size_t
step(uint64_t ns)
{
	const unsigned int bits = octave(ns);

	return bits * HIST_STEPS + (size_t)(ns >> bits);
}

/* The largest time of a step. */
static uint64_t
step_most(size_t i)
{
	const size_t bits = i < 2 * HIST_STEPS ? 0 : i / HIST_STEPS - 1;

	return ((i - bits * HIST_STEPS + 1) << bits) - 1;
}

void
hist_add(struct hist *h, uint64_t ns)
{
	h->n++;
	h->count[step(ns)]++;
	if (ns > h->most)
		h->most = ns;
}

uint64_t
hist_quantile(const struct hist *h, double q)
{
	uint64_t left = (uint64_t)(q * (double)h->n);
	size_t i = 0;

	if (h->n == 0)
		return 0;
	while (i + 1 < HIST_OCTAVES * HIST_STEPS && left >= h->count[i])
		left -= h->count[i++];
	return step_most(i) < h->most ? step_most(i) : h->most;
}
