/*
 * seccomp.c - the system calls of a worker that serves a connection.  What is
 * not here ends the process; what a library may try, and can do without, is
 * refused.  Written for the C libraries glibc and musl.
 */

#include <errno.h>
#include <fcntl.h>
#include <linux/audit.h>
#include <linux/seccomp.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "box.h"
#include "filter.h"

#if defined(__x86_64__) && !defined(__ILP32__)
#define ARCH AUDIT_ARCH_X86_64
#elif defined(__aarch64__)
#define ARCH AUDIT_ARCH_AARCH64
#elif defined(__riscv) && __riscv_xlen == 64
#define ARCH AUDIT_ARCH_RISCV64
#endif

bool
seccomp_known(void)
{
#ifdef ARCH
	const uint32_t action = SECCOMP_RET_KILL_PROCESS;

	return syscall(SYS_seccomp, SECCOMP_GET_ACTION_AVAIL, 0U, &action) == 0;
#else
	return false;
#endif
}

#ifdef ARCH

enum {
	MOST = 64, /* rules */
	LOG_FLAGS = O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC | O_NOFOLLOW |
	    O_NOCTTY | O_NONBLOCK | O_LARGEFILE, /* as sink.c opens a log */
	READ_FLAGS = O_CLOEXEC | O_NONBLOCK | O_NOCTTY | O_NOFOLLOW |
	    O_DIRECTORY | O_PATH | O_LARGEFILE, /* as file.c a page */
	DATAGRAMS = SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK
};

/* What a tracer makes of a call that it leaves out, as strace(1) can. */
#define NO_CALL UINT32_MAX

/* For every worker; memory is not to be executed. */
#define ANY(name)                                                              \
	{                                                                      \
		.call = SYS_##name                                             \
	}

static const struct filter_rule always[] = {
	ANY(read),
	ANY(write),
	ANY(readv),
	ANY(writev),
	ANY(recvfrom),
	ANY(sendto),
	ANY(sendmsg),
	ANY(ppoll),
#ifdef SYS_poll
	ANY(poll),
#endif
	ANY(close),
	ANY(shutdown),
	ANY(timerfd_create),
	ANY(timerfd_settime),
	ANY(brk),
	ANY(munmap),
	ANY(mremap),
	ANY(madvise),
	ANY(clock_gettime),
	ANY(getrandom),
	ANY(getpid),
	ANY(gettid),
	ANY(wait4),
	ANY(rt_sigreturn),
	ANY(rt_sigprocmask),
	ANY(restart_syscall),
	ANY(setitimer),
#ifdef SYS_alarm
	ANY(alarm),
#endif
	ANY(exit),
	ANY(exit_group),
	{ .call = NO_CALL },
	{ SYS_mmap, false, { { FILTER_LACKS, 2, PROT_EXEC } } },
	{ SYS_mprotect, false, { { FILTER_LACKS, 2, PROT_EXEC } } },
	{ SYS_ioctl, false, { { FILTER_IS, 1, FIONREAD } } },
	{ SYS_fcntl, false, { { FILTER_IS, 1, F_GETFL } } },
	{ SYS_fcntl, false, { { FILTER_IS, 1, F_SETFL } } },
	{ SYS_fcntl, false, { { FILTER_IS, 1, F_SETFD } } },
	{ SYS_fcntl, false, { { FILTER_IS, 1, F_SETPIPE_SZ } } },
	{ SYS_setsockopt, false,
	    { { FILTER_IS, 1, SOL_SOCKET }, { FILTER_IS, 2, SO_RCVTIMEO } } },
};

/* A log that was renamed is looked at, and made anew. */
static const struct filter_rule for_log[] = {
#ifdef SYS_open
	{ SYS_open, false, { { FILTER_IS, 1, LOG_FLAGS } } },
	ANY(lstat),
#endif
	{ SYS_openat, false, { { FILTER_IS, 2, LOG_FLAGS } } },
	ANY(newfstatat),
	ANY(fstat),
};

/* A daemon that was restarted is connected to again. */
static const struct filter_rule for_syslog[] = {
	{ SYS_socket, false,
	    { { FILTER_IS, 0, AF_UNIX }, { FILTER_AMONG, 1, DATAGRAMS } } },
	ANY(connect),
};

/* One file is opened to be read, and sent. */
static const struct filter_rule for_www[] = {
#ifdef SYS_open
	{ SYS_open, false, { { FILTER_AMONG, 1, READ_FLAGS } } },
	ANY(stat),
	ANY(lstat),
#endif
	{ SYS_openat, false, { { FILTER_AMONG, 2, READ_FLAGS } } },
	ANY(openat2),
	ANY(newfstatat),
	ANY(fstat),
	ANY(lseek),
	ANY(pread64),
	ANY(sendfile),
};

/* Behind all others: what libraries try. */
#define REFUSED(name)                                                          \
	{                                                                      \
		.call = SYS_##name, .refuse = true                             \
	}

static const struct filter_rule refused[] = {
#ifdef SYS_open
	REFUSED(open),
	REFUSED(stat),
	REFUSED(lstat),
#endif
	REFUSED(openat),
	REFUSED(newfstatat),
	REFUSED(fstat),
	REFUSED(socket),
	REFUSED(connect),
};

struct table {
	const struct filter_rule *rule[MOST];
	size_t n;
};

static void
add(struct table *t, const struct filter_rule *r, size_t n)
{
	for (size_t i = 0; i < n && t->n < MOST; i++)
		t->rule[t->n++] = &r[i];
}

#define ADD(t, rules) add(t, rules, sizeof(rules) / sizeof((rules)[0]))

static void
fill(struct table *t, const struct confine_needs *needs)
{
	ADD(t, always);
	if (needs->log.path != NULL)
		ADD(t, for_log);
	if (needs->log.syslog)
		ADD(t, for_syslog);
	if (needs->www != NULL)
		ADD(t, for_www);
	ADD(t, refused);
}

/* EINVAL would also be said of a filter that is wrong. */
static bool
is_lacking(int error)
{
	return error == ENOSYS || (error == EINVAL && !seccomp_known());
}

static int
install(const struct filter_rule **rules, size_t n)
{
	struct sock_filter filter[FILTER_MAX];
	const size_t first = filter_make(filter, ARCH, rules, n);
	const struct sock_fprog program = {
		.len = (unsigned short)(FILTER_MAX - first),
		.filter = filter + first,
	};

	if (program.len == 0) {
		errno = E2BIG;
		return -1;
	}
	if (syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, 0U, &program) == 0)
		return 0;
	return is_lacking(errno) ? 1 : -1;
}

/* Signals are for the program's processes; and for ourselves, by abort(3). */
int
seccomp_enter(const struct confine_needs *needs)
{
	const struct filter_rule to_group = {
		.call = SYS_kill,
		.when = { { FILTER_IS, 0, (uint32_t)-needs->group } },
	};
	const struct filter_rule to_us = {
		.call = SYS_tgkill,
		.when = { { FILTER_IS, 0, (uint32_t)getpid() } },
	};
	struct table t = { .n = 0 };

	add(&t, &to_us, 1);
	if (needs->group != 0)
		add(&t, &to_group, 1);
	fill(&t, needs);
	return install(t.rule, t.n);
}

#else

int
seccomp_enter(const struct confine_needs *needs)
{
	(void)needs;
	return 1;
}

#endif
