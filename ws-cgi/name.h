/*
 * name.h - what the program is called where it speaks of itself: in its log,
 * its title and its errors.
 */

#ifndef NAME_H
#define NAME_H

extern const char program_name[];

#endif
