/*
 * compat.h - what libbsd, libmd and glibc have and musl has not, for "make
 * static": it is included before all else there, and nowhere else.  See
 * closefrom(3bsd), strtonum(3bsd), arc4random(3bsd).
 */

#ifndef COMPAT_H
#define COMPAT_H

#include <stddef.h>
#include <stdint.h>

void arc4random_buf(void *, size_t);
void closefrom(int fd);
const char *sigabbrev_np(int sig);
long long strtonum(const char *, long long min, long long max,
    const char **error);

#endif
