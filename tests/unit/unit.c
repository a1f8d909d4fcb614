/*
 * unit.c - rows run by Check under their names.
 */

#include <ctype.h>
#include <dirent.h>
#include <stdlib.h>
#include <string.h>

#include "unit.h"

enum { TIMEOUT = 30 }; /* seconds for a test, valgrind allowed for */

/* Asked by AddressSanitizer: let what cannot be allocated be NULL. */
const char *__asan_default_options(void);

const char *
__asan_default_options(void)
{
	return "allocator_may_return_null=1";
}

static int descriptors;

static int
count_descriptors(void)
{
	DIR *dir = opendir("/proc/self/fd");
	int n = 0;

	ck_assert_ptr_nonnull(dir);
	while (readdir(dir) != NULL)
		n++;
	closedir(dir);
	return n;
}

static void
before(void)
{
	descriptors = count_descriptors();
}

static void
after(void)
{
	ck_assert_msg(count_descriptors() == descriptors,
	    "the test leaves descriptors open");
}

static void
add(Suite *s, const char *name, const TTest *test, int from, int to)
{
	TCase *tc = tcase_create(name);

	tcase_set_timeout(tc, TIMEOUT);
	tcase_add_checked_fixture(tc, before, after);
	tcase_add_loop_test(tc, test, from, to);
	suite_add_tcase(s, tc);
}

void
unit_rows(Suite *s, const TTest *test, const void *rows, size_t n, size_t size,
    int ways)
{
	const char *name;

	for (size_t i = 0; i < n; i++) {
		memcpy(&name, (const char *)rows + i * size, sizeof(name));
		add(s, name, test, (int)i * ways, (int)(i + 1) * ways);
	}
}

void
unit_test(Suite *s, const char *name, const TTest *test)
{
	add(s, name, test, 0, 1);
}

void
unit_loop(Suite *s, const char *name, const TTest *test, int n)
{
	add(s, name, test, 0, n);
}

int
unit_run(Suite *s)
{
	SRunner *runner = srunner_create(s);
	int failed;

	srunner_run_all(runner, CK_ENV);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}

uint32_t
unit_random(uint32_t *state)
{
	*state ^= *state << 13;
	*state ^= *state >> 17;
	*state ^= *state << 5;
	return *state;
}

size_t
unit_hex(uint8_t *out, const char *hex)
{
	char pair[3] = "";
	size_t n = 0;

	while (*hex != '\0') {
		if (isspace((unsigned char)*hex)) {
			hex++;
			continue;
		}
		memcpy(pair, hex, 2);
		out[n++] = (uint8_t)strtoul(pair, NULL, 16);
		hex += 2;
	}
	return n;
}

char **
unit_split(const char *text)
{
	const size_t len = strlen(text) + 1, most = len + 1;
	char **all = malloc(most * sizeof(*all) + len);
	char *copy, *word;
	size_t n = 0;

	ck_assert_ptr_nonnull(all);
	copy = memcpy(all + most, text, len);
	while (len > 1 && (word = strsep(&copy, "|")) != NULL)
		all[n++] = word;
	all[n] = NULL;
	return all;
}
