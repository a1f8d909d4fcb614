/*
 * spawn.h - one program, executed: vfork(2) and what lies between it and
 * execve(2).
 */

#ifndef SPAWN_H
#define SPAWN_H

#include <stddef.h>
#include <sys/resource.h>
#include <sys/types.h>

/* setrlimit(2), soft and hard alike. */
struct spawn_limit {
	int resource;
	rlim_t value;
};

struct spawn_limits {
	struct spawn_limit *limit;
	size_t count;
};

struct spawn {
	int which; /* its number, for a keeper */
	const char *path;
	char *const *argv;
	char *const *envp;
	int fd[3];	 /* to be its 0, 1 and 2; they are above these */
	const char *dir; /* where it begins, or NULL: where we are */
	struct spawn_limits limits;
};

/*
 * Start it in a session and a process group of its own, with these descriptors
 * and no others, and all signals at their defaults.  It is killed if we die.
 * Returns its process id; or -1 with errno, and *what has failed: it, or a name
 * of a call, the exec included.
 */
pid_t spawn(const struct spawn *, const char **what);

#endif
