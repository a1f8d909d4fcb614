/*
 * procs.c - follows /proc/PID/task/TID/children down from the root.
 */

#include <dirent.h>
#include <stdarg.h>
#include <stdbool.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "procs.h"

/* Returns false when it has ended meanwhile: its parent has its time by now. */
__attribute__((format(printf, 3, 4))) static bool
read_file(char *text, size_t size, const char *format, ...)
{
	char path[64];
	va_list ap;
	size_t n;
	FILE *f;

	va_start(ap, format);
	vsnprintf(path, sizeof(path), format, ap);
	va_end(ap);
	if ((f = fopen(path, "r")) == NULL)
		return false;
	n = fread(text, 1, size - 1, f);
	text[n] = '\0';
	fclose(f);
	return true;
}

/* Of the children that it has waited for: fields 16 and 17 of its stat. */
static int64_t
ended(pid_t pid)
{
	const int64_t tick = 1000000000 / sysconf(_SC_CLK_TCK);
	int64_t user = 0, system = 0;
	char text[1024], *rest;

	if (!read_file(text, sizeof(text), "/proc/%d/stat", pid) ||
	    (rest = strrchr(text, ')')) == NULL ||
	    sscanf(rest,
		") %*c %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s "
		"%" SCNd64 " %" SCNd64,
		&user, &system) != 2)
		return 0;
	return (user + system) * tick;
}

static int64_t
children(pid_t pid, pid_t thread)
{
	static const size_t most = 1 << 20;
	char *text = malloc(most), *at = text, *end;
	int64_t used = 0;
	long child;

	if (text != NULL &&
	    read_file(text, most, "/proc/%d/task/%d/children", pid, thread))
		while ((child = strtol(at, &end, 10)) > 0) {
			used += procs_cpu((pid_t)child);
			at = end;
		}
	free(text);
	return used;
}

static int64_t
thread_cpu(pid_t pid, pid_t thread)
{
	char text[128];

	if (!read_file(text, sizeof(text), "/proc/%d/task/%d/schedstat", pid,
		thread))
		return 0;
	return strtoll(text, NULL, 10) + children(pid, thread);
}

int64_t
procs_cpu(pid_t root)
{
	struct dirent *entry;
	int64_t used = 0;
	char path[32];
	DIR *tasks;

	snprintf(path, sizeof(path), "/proc/%d/task", root);
	if ((tasks = opendir(path)) == NULL)
		return 0;
	while ((entry = readdir(tasks)) != NULL)
		if (entry->d_name[0] != '.')
			used += thread_cpu(root, (pid_t)atoi(entry->d_name));
	closedir(tasks);
	return used + ended(root);
}
