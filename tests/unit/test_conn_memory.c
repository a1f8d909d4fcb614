/*
 * test_conn_memory.c - proves that a connection which is given memory begins
 * in it, never leaves its bounds, needs none of what it held before, and goes
 * on elsewhere when it is too small.
 */

#include <stdlib.h>
#include <string.h>

#include "peer.h"
#include "script.h"
#include "unit.h"

enum { DIRT = 0xa5, FENCE = 64 };

#define FRAMES                                                                 \
	"&t(hello) &b(*5000) &t-(he) &ping(x) &+(llo) &b(*100000) "            \
	"&close(1000 bye)"
#define ECHOED                                                                 \
	"t(hello) b(*5000) pong(x) t(hello) b-(*65536) +(*34464) "             \
	"close(1000 bye)"

static const struct row {
	const char *name;
	size_t size;
	size_t field; /* bytes of a field of the request */
	bool inside;
} rows[] = {
	{ "none", 0, 0, false },
	{ "a little", 100, 0, false },
	{ "a page", 4096, 0, true },
	{ "a page, and a long head", 4096, 8000, true },
	{ "two pages", 8192, 0, true },
	{ "two pages, and a head that fits", 8192, 300, true },
	{ "enough", WS_MEMORY, 0, true },
	{ "enough, and a head that fits", WS_MEMORY, 3000, true },
	{ "enough, but not for this head", WS_MEMORY, 14000, true },
	{ "more than enough", 100000, 14000, true },
};

/* The usual request, with such a field in it. */
static uint8_t *
asked(size_t field, size_t *n)
{
	static const char line[] = "X-Long: ", end[] = "\r\n\r\n";
	const size_t usual = strlen(peer_request) - 2;
	size_t size;
	uint8_t *frames = script_bytes(FRAMES, &size);
	uint8_t *all = malloc(usual + field + size + sizeof(line) + 4), *p;

	ck_assert_ptr_nonnull(all);
	p = mempcpy(all, peer_request, usual);
	p = mempcpy(p, line, strlen(line));
	memset(p, 'x', field);
	p = mempcpy(p + field, end, strlen(end));
	p = mempcpy(p, frames, size);
	*n = (size_t)(p - all);
	free(frames);
	return all;
}

static void
echo(struct ws *ws)
{
	struct ws_msg msg;

	ck_assert_int_eq(ws_accept(ws, NULL, NULL), 0);
	while (ws_recv(ws, &msg) == 1)
		ck_assert_int_eq(ws_send(ws, msg.type, msg.data, msg.len), 0);
	ck_assert_int_eq(ws_close(ws, 0, NULL), 0);
}

static void
is_untouched(const uint8_t *p, size_t n)
{
	for (size_t i = 0; i < n; i++)
		ck_assert_uint_eq(p[i], DIRT);
}

START_TEST(begins_there)
{
	const struct row *row = &rows[_i / WAYS];
	uint8_t *memory = malloc(row->size + FENCE), *in;
	struct ws_conf conf = { .memory = memory, .memory_size = row->size };
	struct peer p;
	struct ws *ws;
	size_t n;
	char *got;

	ck_assert_ptr_nonnull(memory);
	memset(memory, DIRT, row->size + FENCE);
	peer_chunk = peer_way(_i);
	in = asked(row->field, &n);
	peer_open(&p, PEER_UNIX);
	peer_start(&p, in, n);
	conf.in = p.ours;
	ck_assert_ptr_nonnull(ws = ws_new(&conf));
	ck_assert(((void *)ws == memory) == row->inside);
	echo(ws);
	ws_free(ws);
	peer_finish(&p);
	got = peer_frames(&p);
	ck_assert_str_eq(got, ECHOED);
	is_untouched(memory + row->size, FENCE);
	if (!row->inside)
		is_untouched(memory, row->size);
	free(got);
	free(in);
	free(memory);
	peer_free(&p);
}
END_TEST

/* It is given back when there is no connection to live in it. */
START_TEST(fails_in_peace)
{
	static _Alignas(16) uint8_t memory[WS_MEMORY];
	const struct ws_conf conf = {
		.in = 999,
		.memory = memory,
		.memory_size = sizeof(memory),
	};

	ck_assert_ptr_null(ws_new(&conf));
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("conn_memory");

	UNIT_ROWS_EACH(s, begins_there, rows, WAYS);
	unit_test(s, "no descriptor", fails_in_peace);
	return unit_run(s);
}
