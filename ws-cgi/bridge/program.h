/*
 * program.h - the bridge to a program on pipes: messages to its standard input
 * and from its standard output, in a format.
 */

#ifndef PROGRAM_H
#define PROGRAM_H

#include "bridge.h"

extern const struct bridge bridge_program;

#endif
