/*
 * test_which.c - proves of which.h which of several programs of a name is found,
 * as a shell would.
 */

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "bridge/which.h"
#include "unit.h"

static const struct found {
	const char *name;
	const char *path; /* NULL: none */
	const char *program;
	const char *at; /* NULL: nowhere */
	int error;
} founds[] = {
	{ "the first of two", "a:b", "both", "a/both", 0 },
	{ "where it is", "b:a", "only", "a/only", 0 },
	{ "nothing between two colons is here", "b::a", "here", "./here", 0 },
	{ "nor before the first", ":a", "here", "./here", 0 },
	{ "nor behind the last", "a:", "here", "./here", 0 },
	{ "nor in a PATH that is empty", "", "here", "./here", 0 },
	{ "here comes in its turn", "a::b", "both", "a/both", 0 },
	{ "without PATH, where systems have programs", NULL, "sh", "/sh", 0 },
	{ "a slash means a path", "a", "b/both", "b/both", 0 },
	{ "and no other", "a", "./both", NULL, ENOENT },
	{ "a directory is none", "a:b", "dir", "b/dir", 0 },
	{ "a directory, by its path", "a", "a/dir", NULL, EACCES },
	{ "nor what nobody may execute", "a:b", "text", "b/text", 0 },
	{ "the same by its path", "a", "a/text", NULL, EACCES },
	{ "nowhere", "a:b:nonexistent", "none", NULL, ENOENT },
};

static void
put(const char *path, mode_t mode)
{
	const int fd = open(path, O_WRONLY | O_CREAT, mode);

	ck_assert_int_ne(fd, -1);
	ck_assert_int_eq(close(fd), 0);
}

static void
furnish(void)
{
	ck_assert_int_eq(mkdir("a", 0755), 0);
	ck_assert_int_eq(mkdir("b", 0755), 0);
	ck_assert_int_eq(mkdir("a/dir", 0755), 0);
	put("here", 0755);
	put("a/both", 0755);
	put("a/only", 0755);
	put("a/text", 0644);
	put("b/both", 0755);
	put("b/dir", 0755);
	put("b/text", 0755);
}

static void
clear(void)
{
	static const char *const files[] = { "here", "a/both", "a/only",
		"a/text", "b/both", "b/dir", "b/text" };

	for (size_t i = 0; i < COUNT(files); i++)
		ck_assert_int_eq(unlink(files[i]), 0);
	ck_assert_int_eq(rmdir("a/dir"), 0);
	ck_assert_int_eq(rmdir("a"), 0);
	ck_assert_int_eq(rmdir("b"), 0);
}

START_TEST(finds_programs)
{
	const struct found *row = &founds[_i];
	char place[] = "/tmp/which-XXXXXX";
	const int before = open(".", O_RDONLY | O_DIRECTORY);
	char *got;

	ck_assert_ptr_nonnull(mkdtemp(place));
	ck_assert_int_eq(chdir(place), 0);
	furnish();
	if (row->path == NULL)
		unsetenv("PATH");
	else
		setenv("PATH", row->path, 1);
	errno = 0;
	got = which_program(row->program);
	if (row->at == NULL) {
		ck_assert_ptr_null(got);
		ck_assert_int_eq(errno, row->error);
	} else {
		ck_assert_ptr_nonnull(got);
		ck_assert_str_eq(row->path == NULL ? strrchr(got, '/') : got,
		    row->at);
	}
	free(got);
	clear();
	ck_assert_int_eq(fchdir(before), 0);
	ck_assert_int_eq(rmdir(place), 0);
	close(before);
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("which");

	UNIT_ROWS(s, finds_programs, founds);
	return unit_run(s);
}
