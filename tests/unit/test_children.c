/*
 * test_children.c - proves of children.h whom the listener ends for a process
 * that has died: what is left of its program, and nobody else, whatever number
 * that process has written down.
 */

#include <limits.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "arrive/children.h"
#include "unit.h"

enum { DEAD = INT_MAX, ROWS = 4 };

static struct children table;
static int life[2]; /* who waits at it ends when this test does */
static pid_t killed;

/* Nobody is, whatever is wrong. */
int
kill(pid_t pid, int sig)
{
	ck_assert_int_eq(sig, SIGKILL);
	killed = pid;
	return 0;
}

static void
live(void)
{
	char c;

	close(life[1]);
	_exit(read(life[0], &c, 1) == 0 ? 0 : 1);
}

/* In a worker: its program, as which it says what it is called. */
static void
start_program(int told, bool lives)
{
	const pid_t pid = fork();

	if (pid != 0) {
		setpgid(pid, pid);
		return;
	}
	setpgid(0, 0);
	if (write(told, &(pid_t){ getpid() }, sizeof(pid_t)) == -1 || !lives)
		_exit(0);
	live();
}

/* Returns the program, and so its group, of a worker that lives or has died. */
static pid_t
program_of(bool worker_lives, bool lives)
{
	pid_t program, worker;
	int fd[2];

	ck_assert_int_eq(pipe(fd), 0);
	if ((worker = fork()) == 0) {
		start_program(fd[1], lives);
		if (worker_lives)
			live();
		_exit(0);
	}
	close(fd[1]);
	ck_assert_int_eq(read(fd[0], &program, sizeof(program)),
	    sizeof(program));
	close(fd[0]);
	if (!worker_lives)
		ck_assert_int_eq(waitpid(worker, NULL, 0), worker);
	return program;
}

static pid_t
orphan(void)
{
	return program_of(false, true);
}

static pid_t
dead_orphan(void)
{
	const pid_t pid = program_of(false, false);

	ck_assert_int_eq(waitid(P_PID, (id_t)pid, &(siginfo_t){ 0 },
			     WEXITED | WNOWAIT),
	    0);
	return pid;
}

static pid_t
of_another(void)
{
	return program_of(true, true);
}

static pid_t
of_nobody(void)
{
	const pid_t pid = program_of(false, false);

	ck_assert_int_eq(waitpid(pid, NULL, 0), pid);
	return pid;
}

/* Another worker is in it. */
static pid_t
our_own(void)
{
	if (fork() == 0)
		live();
	return getpgrp();
}

static pid_t
init(void)
{
	return 1;
}

static pid_t
none(void)
{
	return 0;
}

static pid_t
all(void)
{
	return -1;
}

static pid_t
negative(void)
{
	return -orphan();
}

static pid_t
least(void)
{
	return INT_MIN;
}

static const struct end {
	const char *name;
	pid_t (*group)(void); /* that is written down */
	bool ends;
} ends[] = {
	{ "its program", orphan, true },
	{ "its program, dead and not waited for", dead_orphan, true },
	{ "another's program", of_another, false },
	{ "a program that is gone", of_nobody, false },
	{ "our own group", our_own, false },
	{ "the group of init, which is everybody", init, false },
	{ "none", none, false },
	{ "a negative number, everybody", all, false },
	{ "a negative number, one process", negative, false },
	{ "the least number", least, false },
};

static void
begin(void)
{
	killed = 0;
	ck_assert_int_eq(prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0), 0);
	ck_assert_int_eq(pipe(life), 0);
	ck_assert_int_eq(children_make(&table, ROWS), 0);
}

static void
finish(void)
{
	close(life[0]);
	close(life[1]);
	while (waitpid(-1, NULL, 0) > 0)
		;
	children_free(&table);
}

START_TEST(ends_what_is_left)
{
	const struct end *e = &ends[_i];
	pid_t group;
	int row;

	begin();
	group = e->group();
	row = children_room(&table);
	children_prepare(&table, row, false);
	children_add(&table, row, DEAD, &(struct source){ .counted = false });
	table.shared->row[row].group = group;
	children_forget(&table, DEAD, 0);
	ck_assert_int_eq(killed, e->ends ? -group : 0);
	ck_assert_int_eq(table.shared->row[row].group, 0);
	ck_assert_int_eq(table.count, 0);
	finish();
}
END_TEST

/* As orphans are, which end in every way. */
START_TEST(knows_who_has_no_row)
{
	struct child_end end;

	begin();
	children_add(&table, children_room(&table), DEAD - 1,
	    &(struct source){ .counted = false });
	end = children_forget(&table, DEAD, SIGSEGV);
	ck_assert_int_eq(end.status, 0);
	ck_assert_uint_eq(end.source, 0);
	ck_assert_int_eq(table.count, 1);
	finish();
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("children");

	UNIT_ROWS(s, ends_what_is_left, ends);
	unit_test(s, "no row", knows_who_has_no_row);
	return unit_run(s);
}
