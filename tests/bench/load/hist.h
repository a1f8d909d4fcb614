/*
 * hist.h - a histogram of times, exact to one part in 32.
 *
 * Units	Times are ns.
 */

#ifndef HIST_H
#define HIST_H

#include <stdint.h>

enum { HIST_STEPS = 32, HIST_OCTAVES = 60 };

struct hist {
	uint64_t n, most;
	uint64_t count[HIST_OCTAVES * HIST_STEPS];
};

void hist_add(struct hist *, uint64_t ns);

/* The time that the share q (0 to 1) of them does not exceed; 0 of none. */
uint64_t hist_quantile(const struct hist *, double q);

#endif
