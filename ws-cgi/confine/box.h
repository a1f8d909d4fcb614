/*
 * box.h - the boxes that systems have for a process: a file for each.
 *
 * Results	0; 1 when this kernel has no such box; or -1 with errno.
 */

#ifndef BOX_H
#define BOX_H

#include "confine.h"

/* No file, port or abstract socket but those that are needed: landlock(7). */
int landlock_enter(const struct confine_needs *);
int landlock_known(void); /* the version that the kernel has, 0, or -1 */

/* No system call but those that are needed: seccomp(2). */
int seccomp_enter(const struct confine_needs *);
bool seccomp_known(void);

/* Both of them on OpenBSD: pledge(2), unveil(2). */
int pledge_enter(const struct confine_needs *);

#endif
