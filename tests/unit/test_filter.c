/*
 * test_filter.c - proves that a filter says of each call what its table says:
 * it is run here as the kernel would run it.
 */

#include <errno.h>
#include <linux/audit.h>
#include <linux/seccomp.h>
#include <stdlib.h>
#include <string.h>

#include "confine/filter.h"
#include "unit.h"

#define ARCH AUDIT_ARCH_X86_64

enum {
	MOST = 64,
	CALLS = 100, /* numbers that are tried */
	KILL = (int)SECCOMP_RET_KILL_PROCESS,
	REFUSE = SECCOMP_RET_ERRNO | EACCES,
	ALLOW = SECCOMP_RET_ALLOW
};

static bool
is_jump(const struct sock_filter *i, uint32_t a)
{
	return BPF_OP(i->code) == BPF_JEQ ? a == i->k :
	    BPF_OP(i->code) == BPF_JSET	  ? (a & i->k) != 0 :
					    a >= i->k;
}

/* What the program from first on says.  It must not run over its end. */
static uint32_t
run(const struct sock_filter *filter, size_t first,
    const struct seccomp_data *data)
{
	uint32_t a = 0;

	for (size_t at = first; at < FILTER_MAX; at++) {
		const struct sock_filter *i = &filter[at];

		switch (BPF_CLASS(i->code)) {
		case BPF_LD:
			ck_assert_uint_le(i->k, sizeof(*data) - sizeof(a));
			memcpy(&a, (const char *)data + i->k, sizeof(a));
			break;
		case BPF_JMP:
			at += is_jump(i, a) ? i->jt : i->jf;
			break;
		default:
			return i->k;
		}
	}
	ck_abort_msg("over the end");
}

/* The same, from the table. */
static bool
holds(const struct filter_test *t, const struct seccomp_data *data)
{
	const uint32_t v = (uint32_t)data->args[t->argument];

	switch (t->how) {
	case FILTER_IS:
		return v == t->value;
	case FILTER_LACKS:
		return (v & t->value) == 0;
	case FILTER_AMONG:
		return (v & ~t->value) == 0;
	default:
		return true;
	}
}

static uint32_t
look_up(const struct filter_rule *r, size_t n, const struct seccomp_data *data)
{
	if (data->arch != ARCH)
		return (uint32_t)KILL;
	for (size_t i = 0; i < n; i++)
		if (r[i].call == (uint32_t)data->nr &&
		    holds(&r[i].when[0], data) && holds(&r[i].when[1], data))
			return r[i].refuse ? REFUSE : ALLOW;
	return (uint32_t)KILL;
}

static uint32_t
some(unsigned int *seed, uint32_t n)
{
	return (uint32_t)rand_r(seed) % n;
}

/* Values are few, so that they meet. */
static struct filter_rule
some_rule(unsigned int *seed)
{
	struct filter_rule r = {
		.call = some(seed, 8) == 0 ? UINT32_MAX : some(seed, CALLS),
		.refuse = some(seed, 3) == 0,
	};

	for (int i = 0; i < FILTER_TESTS; i++)
		if (some(seed, 2) == 0)
			r.when[i] = (struct filter_test){
				.how = some(seed, 4),
				.argument = some(seed, 6),
				.value = some(seed, 4),
			};
	return r;
}

static void
check_call(const struct sock_filter *filter, size_t first,
    const struct filter_rule *table, size_t n, const struct seccomp_data *data)
{
	ck_assert_uint_eq(run(filter, first, data), look_up(table, n, data));
}

static void
check_table(unsigned int seed)
{
	const size_t n = 1 + some(&seed, 20);
	struct filter_rule table[MOST];
	const struct filter_rule *list[MOST];
	struct sock_filter filter[FILTER_MAX];
	size_t first;

	for (size_t i = 0; i < n; i++) {
		table[i] = some_rule(&seed);
		list[i] = &table[i];
	}
	first = filter_make(filter, ARCH, list, n);
	ck_assert_uint_lt(first, FILTER_MAX);
	for (int nr = -1; nr < CALLS; nr++)
		for (int k = 0; k < 8; k++) {
			struct seccomp_data data = { .nr = nr, .arch = ARCH };

			for (int a = 0; a < 6; a++)
				data.args[a] = (uint64_t)some(&seed, 3) << 32 |
				    some(&seed, 4);
			if (k == 0)
				data.arch = AUDIT_ARCH_I386;
			check_call(filter, first, table, n, &data);
		}
}

START_TEST(says_what_the_table_says)
{
	for (unsigned int seed = 1; seed <= 200; seed++)
		check_table(seed);
}
END_TEST

/* What does not fit is no filter, rather than part of one. */
START_TEST(is_whole_or_none)
{
	struct filter_rule table[FILTER_MAX];
	const struct filter_rule *list[FILTER_MAX];
	struct sock_filter filter[FILTER_MAX];

	for (uint32_t i = 0; i < FILTER_MAX; i++) {
		table[i] = (struct filter_rule){ .call = i };
		list[i] = &table[i];
	}
	ck_assert_uint_lt(filter_make(filter, ARCH, list, FILTER_MAX / 2),
	    FILTER_MAX);
	ck_assert_uint_eq(filter_make(filter, ARCH, list, FILTER_MAX),
	    FILTER_MAX);
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("filter");

	unit_test(s, "any tables", says_what_the_table_says);
	unit_test(s, "too many", is_whole_or_none);
	return unit_run(s);
}
