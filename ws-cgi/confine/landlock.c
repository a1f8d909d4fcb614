/*
 * landlock.c - files and ports, by landlock(7).  All that the kernel can refuse
 * is refused, but for what a worker needs.
 */

#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <limits.h>
#include <stddef.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "box.h"

/* As linux/landlock.h has them, in kernels newer than the header may be. */
enum {
	CREATE_RULESET_VERSION = 1,
	RULE_PATH_BENEATH = 1,

	FS_WRITE_FILE = 1 << 1,
	FS_READ_FILE = 1 << 2,
	FS_READ_DIR = 1 << 3,
	FS_MAKE_REG = 1 << 8,

	NET_ALL = 3,		    /* bind and connect, TCP */
	SCOPE_ABSTRACT_SOCKETS = 1, /* of other processes */
	SCOPE_SIGNALS = 2
};

struct ruleset {
	uint64_t fs;	 /* since version 1 */
	uint64_t net;	 /* 4 */
	uint64_t scoped; /* 6 */
};

struct path_beneath {
	uint64_t allowed;
	int32_t parent;
} __attribute__((packed));

/* The rights that the kernel knows, by its version: a bit for each. */
static const struct {
	int version, rights;
} known[] = {
	{ 5, 16 }, /* ioctl on devices */
	{ 3, 15 }, /* truncate */
	{ 2, 14 }, /* move between directories */
	{ 1, 13 },
};

static long
create(const struct ruleset *r, size_t size, unsigned flags)
{
#ifdef SYS_landlock_create_ruleset
	return syscall(SYS_landlock_create_ruleset, r, size, flags);
#else
	(void)r;
	(void)size;
	(void)flags;
	errno = ENOSYS;
	return -1;
#endif
}

/*
 * The kernel has none, or was started without it: landlock(7).  EPERM is none of
 * its own errors: so say the filters of containers that do not know the call.
 */
static bool
is_lacking(int error)
{
	return error == ENOSYS || error == EOPNOTSUPP || error == EPERM;
}

int
landlock_known(void)
{
	const long version = create(NULL, 0, CREATE_RULESET_VERSION);

	return version == -1 && is_lacking(errno) ? 0 : (int)version;
}

static uint64_t
all_rights(int version)
{
	for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++)
		if (version >= known[i].version)
			return (UINT64_C(1) << known[i].rights) - 1;
	return 0;
}

/* Signals to a program, which is no part of what is confined, must pass. */
static uint64_t
scopes(const struct confine_needs *needs)
{
	return SCOPE_ABSTRACT_SOCKETS | (needs->group == 0 ? SCOPE_SIGNALS : 0);
}

static size_t
ruleset_size(int version)
{
	return version >= 6 ? sizeof(struct ruleset) :
	    version >= 4    ? offsetof(struct ruleset, scoped) :
			      offsetof(struct ruleset, net);
}

/* Nothing below it could be opened, whatever is allowed. */
static bool
is_out_of_reach(int error)
{
	return error == EACCES || error == ENOENT || error == ENOTDIR ||
	    error == ELOOP;
}

static int
allow(int ruleset, const char *dir, uint64_t rights)
{
#ifdef SYS_landlock_add_rule
	struct path_beneath p = { .allowed = rights };
	long r;
	int error;

	p.parent = open(dir, O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (p.parent == -1)
		return is_out_of_reach(errno) ? 0 : -1;
	r = syscall(SYS_landlock_add_rule, ruleset, RULE_PATH_BENEATH, &p, 0U);
	error = errno;
	close(p.parent);
	errno = error;
	return (int)r;
#else
	(void)ruleset;
	(void)dir;
	(void)rights;
	return 0;
#endif
}

/* A log that has been renamed is made anew, in its directory. */
static int
allow_log(int ruleset, const char *path)
{
	char copy[PATH_MAX];

	if (strlcpy(copy, path, sizeof(copy)) >= sizeof(copy)) {
		errno = ENAMETOOLONG;
		return -1;
	}
	return allow(ruleset, dirname(copy), FS_WRITE_FILE | FS_MAKE_REG);
}

static int
allow_needs(int ruleset, const struct confine_needs *needs)
{
	if (needs->log.path != NULL &&
	    allow_log(ruleset, needs->log.path) == -1)
		return -1;
	if (needs->www != NULL &&
	    allow(ruleset, needs->www, FS_READ_FILE | FS_READ_DIR) == -1)
		return -1;
	return 0;
}

static int
restrict_self(int ruleset)
{
#ifdef SYS_landlock_restrict_self
	return (int)syscall(SYS_landlock_restrict_self, ruleset, 0U);
#else
	return ruleset;
#endif
}

int
landlock_enter(const struct confine_needs *needs)
{
	const int version = landlock_known();
	const struct ruleset r = {
		.fs = all_rights(version),
		.net = NET_ALL,
		.scoped = scopes(needs),
	};
	int fd, done, error;

	if (version < 1)
		return version == 0 ? 1 : -1;
	if ((fd = (int)create(&r, ruleset_size(version), 0)) == -1)
		return -1;
	done = allow_needs(fd, needs);
	if (done == 0)
		done = restrict_self(fd);
	error = errno;
	close(fd);
	errno = error;
	return done;
}
