/*
 * confine.c - the order in which rights are given up.  Refuses to know how each
 * system does it.
 */

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>

#include "box.h"
#include "log.h"
#include "resource.h"

enum { LATE = 2 }; /* s from the signal to the end by force */

static const struct {
	const char *name;
	int (*enter)(const struct confine_needs *);
} boxes[] = {
	{ "landlock", landlock_enter },
	{ "seccomp", seccomp_enter },
	{ "pledge", pledge_enter },
};

static int
failed(const char *what)
{
	log_line("cannot confine this process: %s: %s", what, strerror(errno));
	return -1;
}

/* Nobody may look into it, nor is it written down when it crashes. */
static int
no_dump(void)
{
	return prctl(PR_SET_DUMPABLE, 0, 0, 0, 0);
}

/* No program that is executed from here has more rights than we. */
static int
no_new_rights(void)
{
	return prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
}

int
confine_begin(const struct confine *c)
{
	if (c->off)
		return 0;
	if (no_dump() == -1)
		return failed("PR_SET_DUMPABLE");
	if (!c->set_user && no_new_rights() == -1)
		return failed("PR_SET_NO_NEW_PRIVS");
	return 0;
}

/* What is lower already stays so. */
static int
limit(int resource, rlim_t soft, rlim_t hard)
{
	struct rlimit now;

	if (getrlimit(RESOURCE(resource), &now) == -1)
		return -1;
	if (now.rlim_max < hard)
		hard = now.rlim_max;
	if (now.rlim_cur < soft)
		soft = now.rlim_cur;
	now = (struct rlimit){ .rlim_cur = soft, .rlim_max = hard };
	return setrlimit(RESOURCE(resource), &now);
}

/* Not one, nor a byte: no limit is lower, so that none is read before. */
static int
forbid(int resource)
{
	const struct rlimit none = { .rlim_cur = 0, .rlim_max = 0 };

	return setrlimit(RESOURCE(resource), &none);
}

/*
 * Past the first limit of processor time comes a signal that ends the
 * conversation; the second one kills.
 */
static int
limit_cpu(int ms)
{
	const rlim_t s = (rlim_t)(ms + 999) / 1000;

	return ms < 0 ? 0 : limit(RLIMIT_CPU, s, s + LATE);
}

static int
limit_memory(int64_t size)
{
	return size < 0 ? 0 : limit(RLIMIT_AS, (rlim_t)size, (rlim_t)size);
}

/* A file that is written to is the log, which may be of any size. */
static int
limit_files(const struct confine_needs *needs)
{
	return needs->log.file ? 0 : forbid(RLIMIT_FSIZE);
}

static int
limits(const struct confine *c, const struct confine_needs *needs)
{
	if (forbid(RLIMIT_CORE) == -1)
		return failed("RLIMIT_CORE");
	if (forbid(RLIMIT_NPROC) == -1)
		return failed("RLIMIT_NPROC");
	if (limit(RLIMIT_NOFILE, CONFINE_DESCRIPTORS, CONFINE_DESCRIPTORS) ==
	    -1)
		return failed("RLIMIT_NOFILE");
	if (limit_files(needs) == -1)
		return failed("RLIMIT_FSIZE");
	if (limit_cpu(c->cpu) == -1)
		return failed("RLIMIT_CPU");
	if (limit_memory(c->memory) == -1)
		return failed("RLIMIT_AS");
	return 0;
}

int
confine_rest(const struct confine *c, const struct confine_needs *needs)
{
	if (c->off)
		return 0;
	if (limits(c, needs) == -1)
		return -1;
	if (c->set_user && no_new_rights() == -1)
		return failed("PR_SET_NO_NEW_PRIVS");
	for (size_t i = 0; i < sizeof(boxes) / sizeof(boxes[0]); i++)
		if (boxes[i].enter(needs) == -1)
			return failed(boxes[i].name);
	return 0;
}

const char *
confine_kernel(char *text, size_t size)
{
	const int version = landlock_known();

	if (version > 0)
		snprintf(text, size, "landlock %d", version);
	else
		snprintf(text, size, "no landlock");
	strlcat(text, seccomp_known() ? ", seccomp" : ", no seccomp", size);
	return text;
}
