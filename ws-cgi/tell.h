/*
 * tell.h - a line of what --check says, for each bound: its option, and what
 * holds.
 *
 *	  stop-timeout         never
 *	  max                  1024, counted by the listener
 */

#ifndef TELL_H
#define TELL_H

#include <stdbool.h>
#include <stdint.h>

#include "arrive/limits.h"
#include "arrive/rights.h"
#include "network.h"

/* NULL: what stands for it. */
void tell_text(const char *what, const char *text, const char *none);
void tell_truth(const char *what, bool);

/* As log_to has it. */
void tell_log(const char *where, bool json, bool verbose);

/* Less than 0: "never", or "none". */
void tell_seconds(const char *what, int ms);
void tell_most(const char *what, int64_t n, const char *unit);

/* Of none: "nobody". */
void tell_networks(const char *what, const struct networks *);

/* How many, and who counts them; 0: "none". */
void tell_counted(const char *what, int most, const char *who);

/* Of a listener: what becomes of who comes too often; and how it goes on. */
void tell_too_often(const struct limits *);
void tell_listening(const struct rights *, const char *pidfile,
    int stop_timeout);

#endif
