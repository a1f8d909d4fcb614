/*
 * test_wire.c - proves of bytes to and from a peer what a connection cannot
 * show: descriptors that are none, and reads that must not wait.
 */

#include <errno.h>
#include <fcntl.h>
#include <sys/socket.h>
#include <unistd.h>

#include "unit.h"
#include "wire.h"

enum { NONE = 12345 }; /* no descriptor */

START_TEST(needs_descriptors)
{
	int fd[2], flags;
	struct wire w;

	ck_assert_int_eq(pipe(fd), 0);
	ck_assert_int_eq(wire_open(&w, NONE, -1), -1);
	ck_assert_int_eq(errno, EBADF);
	ck_assert_int_eq(wire_open(&w, fd[0], NONE), -1);
	ck_assert_int_eq(errno, EBADF);
	ck_assert_int_eq(wire_open(&w, fd[0], fd[1]), 0);
	for (int i = 0; i < 2; i++) {
		ck_assert_int_ne(flags = fcntl(fd[i], F_GETFL), -1);
		ck_assert_int_ne(flags & O_NONBLOCK, 0);
		close(fd[i]);
	}
}
END_TEST

/* Nothing is there, then a byte, then the end. */
static void
read_at_once(struct wire *w, int to)
{
	char c = 0;

	ck_assert_int_eq(wire_read(w, &c, 1, 0), -1);
	ck_assert_int_eq(errno, EAGAIN);
	ck_assert_int_eq(wire_read(w, &c, 1, 1), -1);
	ck_assert(errno == EAGAIN || errno == ETIMEDOUT);
	ck_assert_int_eq(write(to, "a", 1), 1);
	ck_assert_int_eq(wire_read(w, &c, 1, 0), 1);
	ck_assert_int_eq(c, 'a');
	close(to);
	ck_assert_int_eq(wire_read(w, &c, 1, 0), 0);
}

START_TEST(reads_a_pipe_at_once)
{
	struct wire w;
	int fd[2];

	ck_assert_int_eq(pipe(fd), 0);
	ck_assert_int_eq(wire_open(&w, fd[0], fd[1]), 0);
	read_at_once(&w, fd[1]);
	close(fd[0]);
}
END_TEST

START_TEST(reads_a_socket_at_once)
{
	struct wire w;
	int fd[2];

	ck_assert_int_eq(socketpair(AF_UNIX, SOCK_STREAM, 0, fd), 0);
	ck_assert_int_eq(wire_open(&w, fd[0], -1), 0);
	ck_assert_int_eq(w.out, fd[0]);
	read_at_once(&w, fd[1]);
	close(fd[0]);
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("wire");

	unit_test(s, "descriptors", needs_descriptors);
	unit_test(s, "a pipe", reads_a_pipe_at_once);
	unit_test(s, "a socket", reads_a_socket_at_once);
	return unit_run(s);
}
