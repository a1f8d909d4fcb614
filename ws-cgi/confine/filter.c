/*
 * filter.c - from a table of system calls to a program for the kernel.  It is
 * made from its end on, since all jumps go forward.
 *
 * The kernel translates it, and runs it once for each number there is, to learn
 * which it allows whatever their arguments are: every worker pays for each of
 * its instructions, and a hundred times for the steps that it takes.  So it
 * halves the numbers, as most are of no call that is allowed, until only a few
 * are in question, and tries these in a row, where a jump has one way to go.
 */

#include <errno.h>
#include <linux/seccomp.h>

#include "filter.h"

enum {
	NUMBERS = 512, /* about as many as there are; a table may have others */
	ROW = 4	       /* rules, at most, that are tried in a row */
};

struct maker {
	struct sock_filter *out;
	size_t first; /* instruction that there is: it grows downwards */
	bool full;    /* or a jump is too far */
	size_t allow, refuse, kill;
};

/* Returns where it is. */
static size_t
put(struct maker *m, uint16_t code, uint32_t k)
{
	if (m->first == 0) {
		m->full = true;
		return 0;
	}
	m->out[--m->first] = (struct sock_filter){ .code = code, .k = k };
	return m->first;
}

static size_t
answer(struct maker *m, uint32_t what)
{
	return put(m, BPF_RET | BPF_K, what);
}

static size_t
load(struct maker *m, size_t at)
{
	return put(m, BPF_LD | BPF_W | BPF_ABS, (uint32_t)at);
}

static uint8_t
distance(struct maker *m, size_t from, size_t to)
{
	if (m->full || to - from - 1 > UINT8_MAX)
		m->full = true;
	return (uint8_t)(to - from - 1);
}

/* Go on at yes, or at no, which are behind it. */
static size_t
jump(struct maker *m, uint16_t how, uint32_t k, size_t yes, size_t no)
{
	const size_t at = put(m, BPF_JMP | BPF_K | how, k);

	m->out[at].jt = distance(m, at, yes);
	m->out[at].jf = distance(m, at, no);
	return at;
}

/* The low half of an argument, which may come with more in the other. */
static size_t
argument_at(uint32_t argument)
{
	const size_t at =
	    offsetof(struct seccomp_data, args) + argument * sizeof(uint64_t);

#if __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__
	return at + sizeof(uint32_t);
#else
	return at;
#endif
}

static size_t
test(struct maker *m, const struct filter_test *t, size_t yes, size_t no)
{
	if (t->how == FILTER_IS)
		jump(m, BPF_JEQ, t->value, yes, no);
	else if (t->how == FILTER_LACKS)
		jump(m, BPF_JSET, t->value, no, yes);
	else
		jump(m, BPF_JSET, ~t->value, no, yes);
	return load(m, argument_at(t->argument));
}

/* Answers if all of its conditions hold, and else goes on at no. */
static size_t
rule(struct maker *m, const struct filter_rule *r, size_t no)
{
	size_t at = r->refuse ? m->refuse : m->allow;

	for (int i = FILTER_TESTS - 1; i >= 0; i--)
		if (r->when[i].how != FILTER_NONE)
			at = test(m, &r->when[i], at, no);
	return at;
}

/* If the number is that of these rules, which are for one call; else at no. */
static size_t
call(struct maker *m, const struct filter_rule *const *r, size_t n, size_t no)
{
	const uint32_t number = r[0]->call;
	size_t at = m->kill;

	while (n > 0)
		at = rule(m, r[--n], at);
	return jump(m, BPF_JEQ, number, at, no);
}

/* Where the last call's rules begin. */
static size_t
last(const struct filter_rule *const *r, size_t n)
{
	size_t at = n - 1;

	while (at > 0 && r[at - 1]->call == r[at]->call)
		at--;
	return at;
}

/* One call after the other. */
static size_t
row(struct maker *m, const struct filter_rule *const *r, size_t n)
{
	size_t at = m->kill, from;

	for (; n > 0; n = from) {
		from = last(r, n);
		at = call(m, r + from, n - from, at);
	}
	return at;
}

/* Numbers from first to end, or before and behind where a table has such. */
static size_t
search(struct maker *m, const struct filter_rule *const *r, size_t n,
    uint32_t first, uint32_t end)
{
	const uint32_t middle = first + (end - first) / 2;
	size_t half = 0, above, below;

	if (n == 0)
		return m->kill;
	if (n <= ROW || middle == first)
		return row(m, r, n);
	while (half < n && r[half]->call < middle)
		half++;
	above = search(m, r + half, n - half, middle, end);
	below = search(m, r, half, first, middle);
	return jump(m, BPF_JGE, middle, above, below);
}

/* There are few, mostly sorted; those of the same call keep their order. */
static void
sort(const struct filter_rule **r, size_t n)
{
	for (size_t i = 1; i < n; i++) {
		const struct filter_rule *moved = r[i];
		size_t at = i;

		for (; at > 0 && r[at - 1]->call > moved->call; at--)
			r[at] = r[at - 1];
		r[at] = moved;
	}
}

size_t
filter_make(struct sock_filter out[FILTER_MAX], uint32_t arch,
    const struct filter_rule **r, size_t rules)
{
	struct maker m = { .out = out, .first = FILTER_MAX };
	size_t at;

	sort(r, rules);
	m.kill = answer(&m, SECCOMP_RET_KILL_PROCESS);
	m.refuse = answer(&m, SECCOMP_RET_ERRNO | EACCES);
	m.allow = answer(&m, SECCOMP_RET_ALLOW);
	search(&m, r, rules, 0, NUMBERS);
	at = load(&m, offsetof(struct seccomp_data, nr));
	jump(&m, BPF_JEQ, arch, at, m.kill);
	load(&m, offsetof(struct seccomp_data, arch));
	return m.full ? FILTER_MAX : m.first;
}
