/*
 * rights.c - groups, group, user, in this order, each checked; and then the
 * attempt to get back what was given up, which has to fail.
 */

#include <errno.h>
#include <grp.h>
#include <stdbool.h>
#include <string.h>
#include <unistd.h>

#include "exits.h"
#include "log.h"
#include "rights.h"

static bool
is_already(uid_t uid, gid_t gid)
{
	uid_t ruid, euid, suid;
	gid_t rgid, egid, sgid;

	return getresuid(&ruid, &euid, &suid) == 0 &&
	    getresgid(&rgid, &egid, &sgid) == 0 && ruid == uid && euid == uid &&
	    suid == uid && rgid == gid && egid == gid && sgid == gid;
}

static int
become(const char *user, uid_t uid, gid_t gid)
{
	const int groups =
	    user != NULL ? initgroups(user, gid) : setgroups(1, &gid);

	if (groups == -1 || setresgid(gid, gid, gid) == -1 ||
	    setresuid(uid, uid, uid) == -1)
		return -1;
	return 0;
}

static bool
can_regain(uid_t uid, gid_t gid)
{
	return !is_already(uid, gid) ||
	    (uid != 0 && (setuid(0) == 0 || seteuid(0) == 0)) ||
	    (uid != 0 && gid != 0 && (setgid(0) == 0 || setegid(0) == 0));
}

int
rights_drop(const struct rights *r)
{
	const uid_t uid = r->user != NULL ? r->uid : getuid();
	gid_t gid = r->group;

	if (r->user == NULL && r->group == (gid_t)-1)
		return 0;
	if (gid == (gid_t)-1)
		gid = r->primary;
	if (is_already(uid, gid))
		return 0;
	if (become(r->user, uid, gid) == -1) {
		log_line("cannot become user %d, group %d: %s", (int)uid,
		    (int)gid, strerror(errno));
		return EXIT_SYSTEM;
	}
	if (can_regain(uid, gid)) {
		log_line("rights that were given up can be had again");
		return EXIT_SYSTEM;
	}
	return 0;
}
