/*
 * compat.h - what libbsd, libmd and glibc have and musl has not, for "make
 * static": it is included before all else there, and nowhere else.  See
 * closefrom(3bsd), strtonum(3bsd), arc4random(3bsd).  And memchr(3) for long
 * lines: musl's looks at eight bytes at a time, and this one at 64.
 */

#ifndef COMPAT_H
#define COMPAT_H

#include <stddef.h>
#include <stdint.h>
#include <string.h>

#define memchr compat_memchr

void arc4random_buf(void *, size_t);
void closefrom(int fd);
void *compat_memchr(const void *, int, size_t);
const char *sigabbrev_np(int sig);
long long strtonum(const char *, long long min, long long max,
    const char **error);

#endif
