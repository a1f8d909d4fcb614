/*
 * rights.h - as whom the listener goes on, once it has opened what it needs.
 */

#ifndef RIGHTS_H
#define RIGHTS_H

#include <sys/types.h>

struct rights {
	const char *user; /* NULL: as who started us */
	uid_t uid;
	gid_t primary;	  /* group of the user */
	gid_t group;	  /* (gid_t)-1: the primary one */
	const char *root; /* chroot(2) there as well, or NULL */
};

/*
 * Become that user, for good.  Who is that user already, as after a restart,
 * stays so.  Returns 0, or an exit status after having said what is wrong.
 */
int rights_drop(const struct rights *);

#endif
