/*
 * title.c - the process's title, by setproctitle(3).
 */

#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "clock.h"
#include "title.h"

enum { TITLE_EVERY = 1000 }; /* ms */

static int64_t title_next;

/* Of an empty environment, setproctitle_init(3) leaves none at all. */
void
title_begin(int argc, char *argv[])
{
	static char *empty[1];
	char *name = argc > 0 ? strdup(argv[0]) : NULL;

	setproctitle_init(argc, argv, environ);
	if (environ == NULL)
		environ = empty;
	if (name != NULL)
		argv[0] = name;
}

void
title_set(const char *format, ...)
{
	char text[256];
	va_list ap;

	va_start(ap, format);
	vsnprintf(text, sizeof(text), format, ap);
	va_end(ap);
	setproctitle("%s", text);
	title_next = clock_in(TITLE_EVERY);
}

bool
title_due(void)
{
	return clock_tick() >= title_next;
}
