/*
 * test_scgi.c - proves that what a web server says first on an SCGI connection
 * becomes its variables, in whatever pieces it comes; that what is no such
 * thing is refused for its reason; and that no byte behind it is taken.
 */

#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "arrive/scgi.h"
#include "clock.h"
#include "signals.h"
#include "unit.h"

#define FIRST "CONTENT_LENGTH|0|SCGI|1|"

enum { SHORT = 50, LONG = 5000 /* ms */ };

static const struct row {
	const char *name;
	const char *said; /* with | for each NUL */
	int status;
	const char *want; /* the variables; or a part of why not */
} rows[] = {
	{ "the least there is", "24:" FIRST ",", 0, "SCGI=1|" },
	{ "more variables", "38:" FIRST "A|b|CD|efg|X||,", 0,
	    "SCGI=1|A=b|CD=efg|X=|" },
	{ "a value with = and a comma", "33:" FIRST "A|b=c,d:|,", 0,
	    "SCGI=1|A=b=c,d:|" },
	{ "a length that is not 0", "28:CONTENT_LENGTH|12345|SCGI|1|,", 0,
	    "SCGI=1|" },
	{ "SCGI comes last", "28:CONTENT_LENGTH|0|A|b|SCGI|1|,", 0,
	    "A=b|SCGI=1|" },
	{ "a name twice", "32:" FIRST "A|b|A|c|,", 0, "SCGI=1|A=b|A=c|" },
	{ "no comma", "24:" FIRST ";", 400, "comma" },
	{ "a length too small", "23:" FIRST ",", 400, "comma" },
	{ "a length too large", "25:" FIRST ",xx", 400, "comma" },
	{ "no digit", ":" FIRST ",", 400, "speaks SCGI" },
	{ "letters", "GET / HTTP/1.1", 400, "speaks SCGI" },
	{ "a leading zero", "024:" FIRST ",", 400, "speaks SCGI" },
	{ "nothing", "0:,0:,0:,", 400, "speaks SCGI" },
	{ "less than there ever is", "7:A|b|C|d|,", 400, "speaks SCGI" },
	{ "digits without end", "24242424242424", 400, "speaks SCGI" },
	{ "one more than may be", "65537:" FIRST, 400, "speaks SCGI" },
	{ "a blank", " 24:" FIRST ",", 400, "speaks SCGI" },
	{ "an odd number of strings", "26:" FIRST "A|,", 400,
	    "names and values" },
	{ "no NUL at the end", "27:" FIRST "A|b,", 400, "names and values" },
	{ "no NUL at all", "9:ABCDEFGHI,", 400, "names and values" },
	{ "a name with =", "29:" FIRST "A=|b|,", 400, "holds =" },
	{ "an empty name", "27:" FIRST "|b|,", 400, "is empty" },
	{ "no length", "11:SCGI|1|A|b|,", 400, "CONTENT_LENGTH" },
	{ "the length comes later", "24:SCGI|1|CONTENT_LENGTH|0|,", 400,
	    "CONTENT_LENGTH" },
	{ "a name that begins so", "25:CONTENT_LENGTHS|0|SCGI|1|,", 400,
	    "CONTENT_LENGTH" },
	{ "no SCGI", "21:CONTENT_LENGTH|0|A|b|,", 400, "SCGI=1" },
	{ "another SCGI", "25:CONTENT_LENGTH|0|SCGI|10|,", 400, "SCGI=1" },
	{ "silence", "", 408, "took too long" },
	{ "a part of the length", "2", 408, "took too long" },
	{ "a part of the variables", "24:CONTENT", 408, "took too long" },
	{ "all but the comma", "24:" FIRST, 408, "took too long" },
};

struct speaker {
	int fd;
	const char *said;
	size_t piece; /* 0: all at once */
};

/* Writes what is said in pieces, NULs in place. */
static void *
speak(void *arg)
{
	const struct speaker *s = arg;
	const size_t len = strlen(s->said);
	char *text = strdup(s->said);
	size_t n;

	for (size_t i = 0; i < len; i++)
		if (text[i] == '|')
			text[i] = '\0';
	for (size_t i = 0; i < len; i += n) {
		n = s->piece == 0 || s->piece > len - i ? len - i : s->piece;
		if (send(s->fd, text + i, n, MSG_NOSIGNAL) == -1)
			break;
	}
	free(text);
	return NULL;
}

/* The variables as rows have them. */
static void
check_vars(const struct scgi *s, const char *want)
{
	char text[200] = "";

	for (char **v = s->vars; *v != NULL; v++) {
		strlcat(text, *v, sizeof(text));
		strlcat(text, "|", sizeof(text));
	}
	ck_assert_str_eq(text, want);
}

static void
check_row(const struct row *row, size_t piece)
{
	struct speaker speaker = { .said = row->said, .piece = piece };
	const char *why = "";
	struct scgi s;
	pthread_t t;
	int fd[2];
	char next;

	ck_assert_int_eq(socketpair(AF_UNIX, SOCK_STREAM, 0, fd), 0);
	speaker.fd = fd[0];
	ck_assert_int_eq(pthread_create(&t, NULL, speak, &speaker), 0);
	ck_assert_int_eq(scgi_read(&s, fd[1],
			     clock_in(row->status == 408 ? SHORT : LONG), &why),
	    row->status);
	pthread_join(t, NULL);
	if (row->status == 0) {
		check_vars(&s, row->want);
		ck_assert_int_eq(send(fd[0], "N", 1, 0), 1);
		ck_assert_int_eq(recv(fd[1], &next, 1, 0), 1);
		ck_assert_int_eq(next, 'N');
	} else {
		ck_assert_ptr_nonnull(strstr(why, row->want));
	}
	scgi_free(&s);
	close(fd[0]);
	close(fd[1]);
}

START_TEST(reads)
{
	check_row(&rows[_i / 3], (size_t[]){ 0, 1, 5 }[_i % 3]);
}
END_TEST

START_TEST(sees_that_the_web_server_leaves)
{
	const char *const said[] = { "", "24", "24:CONTENT" };
	const char *why = "";
	struct scgi s;
	int fd[2];

	ck_assert_int_eq(socketpair(AF_UNIX, SOCK_STREAM, 0, fd), 0);
	ck_assert_int_eq(send(fd[0], said[_i], strlen(said[_i]), 0),
	    (ssize_t)strlen(said[_i]));
	close(fd[0]);
	ck_assert_int_eq(scgi_read(&s, fd[1], clock_in(LONG), &why), -1);
	ck_assert_ptr_nonnull(strstr(why, "has left"));
	scgi_free(&s);
	close(fd[1]);
}
END_TEST

START_TEST(stops)
{
	const char *why = "";
	struct scgi s;
	int fd[2];

	ck_assert_int_eq(socketpair(AF_UNIX, SOCK_STREAM, 0, fd), 0);
	signals_stop = 1;
	ck_assert_int_eq(scgi_read(&s, fd[1], clock_in(LONG), &why), 503);
	signals_stop = 0;
	ck_assert_ptr_nonnull(strstr(why, "stops"));
	scgi_free(&s);
	close(fd[0]);
	close(fd[1]);
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("scgi");

	UNIT_ROWS_EACH(s, reads, rows, 3);
	unit_loop(s, "leaves", sees_that_the_web_server_leaves, 3);
	unit_test(s, "stop", stops);
	return unit_run(s);
}
