/*
 * exits.h - exit statuses: they say whose fault it was.
 */

#ifndef EXITS_H
#define EXITS_H

enum {
	EXIT_NOBODY = 0,
	EXIT_PEER = 1,
	EXIT_PROGRAM = 2,
	EXIT_COMMAND_LINE = 100,
	EXIT_US = 101, /* a bug */
	EXIT_SYSTEM = 111
};

#endif
