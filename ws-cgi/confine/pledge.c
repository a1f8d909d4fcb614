/*
 * pledge.c - OpenBSD's boxes.  There a log is a file that is open, or syslog,
 * which stdio has; what is renamed is not made anew.
 */

#include <unistd.h>

#include "box.h"

#ifdef __OpenBSD__

int
pledge_enter(const struct confine_needs *needs)
{
	if (needs->www != NULL && unveil(needs->www, "r") == -1)
		return -1;
	if (unveil(NULL, NULL) == -1)
		return -1;
	if (needs->group != 0)
		return pledge("stdio proc", NULL);
	return pledge(needs->www != NULL ? "stdio rpath" : "stdio", NULL);
}

#else

int
pledge_enter(const struct confine_needs *needs)
{
	(void)needs;
	return 1;
}

#endif
