/*
 * builtin.c - echo:, discard: and chargen:.
 */

#include <stdint.h>

#include "builtin.h"

static int
builtin_start(struct talk *t, const struct bridge_conf *conf, void **state,
    const char **why)
{
	(void)t;
	(void)conf;
	(void)why;
	*state = NULL;
	return 0;
}

static void
builtin_finish(struct talk *t, void *state)
{
	(void)t;
	(void)state;
}

static void
echo_run(struct talk *t, void *state)
{
	struct ws_msg part;

	(void)state;
	while (ws_part(t->ws, &part) == 1 &&
	    ws_queue_part(t->ws, part.type == WS_TEXT ? WS_UTF8 : WS_BINARY,
		part.data, part.len, part.last) == 0)
		talk_tick(t);
}

static void
discard_run(struct talk *t, void *state)
{
	struct ws_msg part;

	(void)state;
	while (ws_part(t->ws, &part) == 1)
		talk_tick(t);
}

/* RFC 864 2: 72 of the 95 printable characters, a line further each time. */
static void
chargen_line(char line[72], unsigned int n)
{
	for (unsigned int i = 0; i < 72; i++)
		line[i] = (char)(' ' + (n + i) % 95);
}

/* What the client says is thrown away; lines wait while it does not read. */
static void
chargen_run(struct talk *t, void *state)
{
	enum { BATCH = 64 };
	struct ws_msg part;
	char line[72];
	unsigned int n = 0;
	int r;

	(void)state;
	while ((r = ws_poll(t->ws, WS_PART, NULL, 0,
		    ws_queued(t->ws) == 0 ? 0 : -1)) != -1) {
		if (r == 1 && ws_part(t->ws, &part) != 1)
			return;
		for (int i = 0; i < BATCH && ws_queued(t->ws) < 4096; i++) {
			chargen_line(line, n++ % 95);
			if (ws_queue(t->ws, WS_UTF8, line, sizeof(line)) == -1)
				return;
		}
		talk_tick(t);
	}
}

const struct bridge bridge_echo = {
	.name = "echo:",
	.help = "send every message back, type kept",
	.streams = true,
	.start = builtin_start,
	.run = echo_run,
	.finish = builtin_finish,
};

const struct bridge bridge_discard = {
	.name = "discard:",
	.help = "take every message, say nothing",
	.streams = true,
	.start = builtin_start,
	.run = discard_run,
	.finish = builtin_finish,
};

const struct bridge bridge_chargen = {
	.name = "chargen:",
	.help = "send lines of 72 characters as fast as they are read",
	.streams = true,
	.polls = true,
	.start = builtin_start,
	.run = chargen_run,
	.finish = builtin_finish,
};
