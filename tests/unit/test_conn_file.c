/*
 * test_conn_file.c - proves ws_answer_file: the bytes asked for behind those
 * queued before, to a peer that reads slowly too, and each way in which it
 * fails.
 */

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "peer.h"
#include "unit.h"

enum { SIZE = 1 << 20 };

static const char plain[] = "GET / HTTP/1.1\r\nHost: a\r\n\r\n";

static uint8_t
byte_at(size_t at)
{
	return (uint8_t)(at * 7 + at / 251);
}

/* How many of the n bytes at p are those of the file from at on. */
static size_t
same_bytes(const uint8_t *p, size_t n, size_t at)
{
	size_t i = 0;

	while (i < n && p[i] == byte_at(at + i))
		i++;
	return i;
}

/* A file of bytes that tell where they stand; it has no name. */
static FILE *
file_of(size_t size)
{
	FILE *f = tmpfile();

	ck_assert_ptr_nonnull(f);
	for (size_t i = 0; i < size; i++)
		putc(byte_at(i), f);
	ck_assert_int_eq(fflush(f), 0);
	return f;
}

/* A connection whose request for something else has been read. */
static struct ws *
asked(struct peer *p, struct ws_conf conf)
{
	struct ws *ws;

	signal(SIGPIPE, SIG_IGN);
	peer_start(p, plain, sizeof(plain) - 1);
	conf.in = p->ours;
	ws = ws_new(&conf);
	ck_assert_ptr_nonnull(ws);
	ck_assert_int_eq(ws_request(ws), 0);
	return ws;
}

static const struct piece {
	const char *name;
	int64_t at, len;
	int slow;
} pieces[] = {
	{ "all of it", 0, SIZE, 0 },
	{ "all of it, slowly", 0, SIZE, 1 },
	{ "nothing", 0, 0, 0 },
	{ "nothing, at its end", SIZE, 0, 0 },
	{ "one byte", 12345, 1, 0 },
	{ "the last byte", SIZE - 1, 1, 0 },
	{ "the middle", 1000, SIZE - 2000, 0 },
};

START_TEST(sends)
{
	const struct piece *row = &pieces[_i];
	FILE *f = file_of(SIZE);
	struct peer p;
	struct ws *ws;

	peer_open(&p, PEER_TCP);
	p.shut = true;
	p.slow = row->slow;
	ws = asked(&p, (struct ws_conf){ 0 });
	ck_assert_int_eq(ws_answer_data(ws, "head", 4), 0);
	ck_assert_int_eq(ws_answer_file(ws, fileno(f), row->at, row->len), 0);
	ck_assert_int_eq(ws_answer_data(ws, "tail", 4), 0);
	ws_close(ws, 0, NULL);
	ws_free(ws);
	peer_finish(&p);
	fclose(f);
	ck_assert_int_eq((int64_t)p.n, row->len + 8);
	ck_assert_mem_eq(p.in, "head", 4);
	ck_assert_mem_eq(p.in + p.n - 4, "tail", 4);
	ck_assert_uint_eq(same_bytes(p.in + 4, (size_t)row->len,
			      (size_t)row->at),
	    (size_t)row->len);
	peer_free(&p);
}
END_TEST

START_TEST(fails_at_the_end_of_the_file)
{
	FILE *f = file_of(1000);
	struct peer p;
	struct ws *ws;

	peer_open(&p, PEER_TCP);
	p.shut = true;
	ws = asked(&p, (struct ws_conf){ 0 });
	ck_assert_int_eq(ws_answer_file(ws, fileno(f), 0, 1001), -1);
	ck_assert_str_eq(ws_error(ws), "the file has become shorter");
	ck_assert_int_eq(ws_answer_file(ws, fileno(f), 0, 1), -1);
	ws_close(ws, 0, NULL);
	ws_free(ws);
	peer_finish(&p);
	fclose(f);
	ck_assert_uint_eq(p.n, 1000);
	peer_free(&p);
}
END_TEST

START_TEST(fails_when_the_peer_reads_nothing)
{
	FILE *f = file_of(64);
	struct peer p;
	struct ws *ws;
	int64_t begun;

	ck_assert_int_eq(ftruncate(fileno(f), 64L << 20), 0);
	peer_open(&p, PEER_TCP);
	p.slow = 1000;
	ws = asked(&p, (struct ws_conf){ .write = 100 });
	begun = peer_ms();
	ck_assert_int_eq(ws_answer_file(ws, fileno(f), 0, 64L << 20), -1);
	ck_assert_ptr_nonnull(strstr(ws_error(ws), "takes no more bytes"));
	ck_assert_int_ge(peer_ms() - begun, 100);
	ck_assert_int_lt(peer_ms() - begun, 5000);
	ws_close(ws, 0, NULL);
	ws_free(ws);
	p.slow = 0;
	peer_finish(&p);
	fclose(f);
	peer_free(&p);
}
END_TEST

START_TEST(fails_without_a_file)
{
	struct peer p;
	struct ws *ws;

	peer_open(&p, PEER_TCP);
	p.shut = true;
	ws = asked(&p, (struct ws_conf){ 0 });
	ck_assert_int_eq(ws_answer_file(ws, 12345, 0, 1), -1);
	ck_assert_ptr_nonnull(strstr(ws_error(ws), "Bad file descriptor"));
	ws_close(ws, 0, NULL);
	ws_free(ws);
	peer_finish(&p);
	peer_free(&p);
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("conn_file");

	UNIT_ROWS(s, sends, pieces);
	unit_test(s, "a short file", fails_at_the_end_of_the_file);
	unit_test(s, "a peer that reads nothing",
	    fails_when_the_peer_reads_nothing);
	unit_test(s, "no file", fails_without_a_file);
	return unit_run(s);
}
