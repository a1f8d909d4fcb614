/*
 * rights.c - groups, root, group, user, in this order, each checked; and then the
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

/* What is not below it is out of reach, the directory that we are in too. */
static int
enter(const char *root)
{
	if (root == NULL)
		return 0;
	return chroot(root) == -1 ? -1 : chdir("/");
}

static bool
is_already(uid_t uid, gid_t gid)
{
	uid_t ruid, euid, suid;
	gid_t rgid, egid, sgid;

	return getresuid(&ruid, &euid, &suid) == 0 &&
	    getresgid(&rgid, &egid, &sgid) == 0 && ruid == uid && euid == uid &&
	    suid == uid && rgid == gid && egid == gid && sgid == gid;
}

/* The groups of a user are in a file that the new root may not have. */
static int
become(const struct rights *r, uid_t uid, gid_t gid)
{
	const int groups =
	    r->user != NULL ? initgroups(r->user, gid) : setgroups(1, &gid);

	if (groups == -1 || enter(r->root) == -1 ||
	    setresgid(gid, gid, gid) == -1 || setresuid(uid, uid, uid) == -1)
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
	if (become(r, uid, gid) == -1) {
		log_line("cannot become user %d, group %d%s%s: %s", (int)uid,
		    (int)gid, r->root == NULL ? "" : ", with root ",
		    r->root == NULL ? "" : r->root, strerror(errno));
		return EXIT_SYSTEM;
	}
	if (can_regain(uid, gid)) {
		log_line("rights that were given up can be had again");
		return EXIT_SYSTEM;
	}
	return 0;
}
