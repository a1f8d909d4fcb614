/*
 * builtin.h - what inetd has built in: echo, discard and chargen, RFC 862 to
 * 864.  They need no program and hold no message, however long it is.
 */

#ifndef BUILTIN_H
#define BUILTIN_H

#include "bridge.h"

extern const struct bridge bridge_echo;
extern const struct bridge bridge_discard;
extern const struct bridge bridge_chargen;

#endif
