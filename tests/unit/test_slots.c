/*
 * test_slots.c - proves slots.h: as many processes get a slot of a key as it
 * has, each for as long as it lives, whatever the key holds; and says what is
 * wrong where that can't be.
 */

#include <dirent.h>
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "admit/slots.h"
#include "unit.h"

static char directory[] = "/tmp/unit-slots-XXXXXX";

/* A process that takes one, says so, and stays.  Returns its pid. */
static pid_t
taker_of(enum slots_kind kind, const char *key, int max, int *result)
{
	const char *why;
	int fd[2];
	char c = 'x';
	pid_t pid;

	ck_assert_int_eq(pipe(fd), 0);
	if ((pid = fork()) == 0) {
		c = (char)slots_take(directory, kind, key, strlen(key), max,
		    &why);
		_exit(write(fd[1], &c, 1) == 1 ? pause() : 1);
	}
	close(fd[1]);
	ck_assert_int_eq(read(fd[0], &c, 1), 1);
	close(fd[0]);
	*result = c;
	return pid;
}

static pid_t
taker(const char *key, int max, int *result)
{
	return taker_of(SLOTS_USER, key, max, result);
}

static void
end(pid_t pid)
{
	kill(pid, SIGKILL);
	waitpid(pid, NULL, 0);
}

static int
files_there(void)
{
	DIR *d = opendir(directory);
	int n = -2; /* . and .. */

	while (readdir(d) != NULL)
		n++;
	closedir(d);
	return n;
}

static void
remove_all(void)
{
	char path[64];

	for (int i = 0; i < SLOTS_FILES; i++) {
		snprintf(path, sizeof(path), "%s/user.%d", directory, i);
		unlink(path);
	}
}

static const int counts[] = { 1, 2, 15, 16, 17, 31, 32, 33, 100 };

START_TEST(gives_as_many_as_there_are)
{
	const int max = counts[_i];
	pid_t pid[101];
	int got;

	for (int i = 0; i <= max; i++) {
		pid[i] = taker("key", max, &got);
		ck_assert_int_eq(got, i < max);
	}
	end(pid[max]);
	end(pid[max / 2]);
	pid[max] = taker("key", max, &got);
	ck_assert_int_eq(got, 1);
	pid[max / 2] = taker("key", max, &got);
	ck_assert_int_eq(got, 0);
	for (int i = 0; i <= max; i++)
		end(pid[i]);
	remove_all();
}
END_TEST

/* None of them is the name of a file. */
static const struct key {
	const char *text;
} keys[] = { { "" }, { "/" }, { ".." }, { "../../etc/passwd" }, { "a\nb" },
	{ "\xff\xfe" }, { "user.1" }, { "key" }, { "KEY" }, { "key " } };

START_TEST(tells_keys_apart)
{
	pid_t pid[COUNT(keys)], second;
	int got;

	for (size_t i = 0; i < COUNT(keys); i++) {
		pid[i] = taker(keys[i].text, 1, &got);
		ck_assert_int_eq(got, 1);
	}
	for (size_t i = 0; i < COUNT(keys); i++) {
		second = taker(keys[i].text, 1, &got);
		ck_assert_int_eq(got, 0);
		end(second);
		end(pid[i]);
	}
	ck_assert_int_le(files_there(), SLOTS_FILES);
	remove_all();
	ck_assert_int_eq(files_there(), 0);
}
END_TEST

START_TEST(tells_kinds_apart)
{
	static const char *const names[] = { "all", "source", "user", "path" };
	pid_t pid[4];
	char path[64];
	int got;

	for (int i = 0; i < 4; i++) {
		pid[i] = taker_of((enum slots_kind)i, "a", 1, &got);
		ck_assert_int_eq(got, 1);
	}
	ck_assert_int_eq(files_there(), 4);
	for (int i = 0; i < 4 * SLOTS_FILES; i++) {
		snprintf(path, sizeof(path), "%s/%s.%d", directory,
		    names[i % 4], i / 4);
		unlink(path);
	}
	ck_assert_int_eq(files_there(), 0);
	for (int i = 0; i < 4; i++)
		end(pid[i]);
}
END_TEST

static const struct mode {
	mode_t mode;
	uid_t owner, user;
	const char *why; /* NULL: it is right */
} modes[] = {
	{ S_IFDIR | 0700, 5, 5, NULL },
	{ S_IFDIR | 0755, 0, 5, NULL },
	{ S_IFDIR | 0755, 5, 0, "belongs to another user" },
	{ S_IFDIR | 0700, 6, 5, "belongs to another user" },
	{ S_IFDIR | 0770, 5, 5, "others may write to it" },
	{ S_IFDIR | 01777, 0, 5, "others may write to it" },
	{ S_IFREG | 0700, 5, 5, "is not a directory" },
};

START_TEST(checks_directories)
{
	const struct mode *row = &modes[_i];
	const struct stat st = { .st_mode = row->mode, .st_uid = row->owner };
	const char *why;

	ck_assert_int_eq(slots_check(&st, row->user, &why),
	    row->why == NULL ? 0 : -1);
	if (row->why != NULL)
		ck_assert_str_eq(why, row->why);
}
END_TEST

START_TEST(says_what_is_wrong)
{
	char path[64];
	const char *why;

	ck_assert_int_eq(slots_take("/nonexistent", SLOTS_ALL, "", 0, 1, &why),
	    -1);
	ck_assert_int_eq(errno, ENOENT);
	ck_assert_str_eq(why, "cannot be opened");
	ck_assert_int_eq(slots_take("/tmp", SLOTS_ALL, "", 0, 1, &why), -1);
	ck_assert_int_eq(errno, EPERM);
	ck_assert_str_eq(why, "others may write to it");
	for (int i = 0; i < SLOTS_FILES; i++) {
		snprintf(path, sizeof(path), "%s/user.%d", directory, i);
		ck_assert_int_eq(symlink("/etc/passwd", path), 0);
	}
	ck_assert_int_eq(slots_take(directory, SLOTS_USER, "a", 1, 1, &why),
	    -1);
	ck_assert_int_eq(errno, ELOOP);
	ck_assert_str_eq(why, "cannot be used");
	remove_all();
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("slots");
	int status;

	if (mkdtemp(directory) == NULL)
		return 1;
	unit_loop(s, "gives as many as there are", gives_as_many_as_there_are,
	    COUNT(counts));
	unit_test(s, "keys", tells_keys_apart);
	unit_test(s, "kinds", tells_kinds_apart);
	unit_loop(s, "checks directories", checks_directories, COUNT(modes));
	unit_test(s, "what is wrong", says_what_is_wrong);
	status = unit_run(s);
	rmdir(directory);
	return status;
}
