/*
 * title.c - the process's title, written where its arguments and environment
 * were: they lie one behind another, and execve(2) has put them there.
 */

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "aside.h"
#include "clock.h"
#include "digits.h"
#include "title.h"

enum {
	TITLE_EVERY = 1000, /* ms */
	TITLE_MAX = 256
};

static struct {
	char text[TITLE_MAX];
	size_t len;
	size_t name; /* of these, "ws-cgi: " */
	char *copy;  /* of what was at its place */
	char *place;
	size_t size, shown; /* of the place, and bytes of it that are written */
	int64_t next;
} title;

/* Enough for most of what has to move. */
static EARLY char moved[2 * TITLE_MAX];

/* Where these end, as far as they lie one behind another and are needed. */
static char *
end_of(char *const list[], char *end, const char *enough)
{
	for (; *list != NULL && (enough == NULL || end < enough); list++)
		if (*list == end)
			end += strlen(end) + 1;
	return end;
}

/* What lies there moves to the copy. */
static void
move(char *list[], const char *place, size_t size, char *copy)
{
	for (; *list != NULL; list++)
		if (*list >= place && *list < place + size)
			*list = copy + (*list - place);
}

void
title_begin(int argc, char *argv[])
{
	char *place = argv[0], *copy, *end;
	const char *slash;
	size_t size;

	if (argc == 0)
		return;
	slash = strrchr(place, '/');
	title_words(slash == NULL ? place : slash + 1);
	title_words(": ");
	title.name = title.len;
	end = end_of(argv, place, NULL);
	end = end_of(environ, end, place + TITLE_MAX);
	size = (size_t)(end - place);
	copy = size <= sizeof(moved) ? moved : malloc(size);
	if (copy == NULL)
		return;
	memcpy(copy, place, size);
	move(argv, place, size, copy);
	move(environ, place, size, copy);
	title.copy = copy;
	title.place = place;
	title.size = title.shown = size;
}

/* What does not fit is cut. */
void
title_words(const char *words)
{
	const size_t room = sizeof(title.text) - title.len;
	const size_t len = strnlen(words, room);

	memcpy(title.text + title.len, words, len);
	title.len += len;
}

void
title_number(uint64_t n)
{
	char out[DIGITS_MAX];

	title_words(digits_of(out, n));
}

/* A NUL stays behind it.  Of the last one nothing does. */
void
title_show(void)
{
	size_t len = title.len;

	title.next = clock_in(TITLE_EVERY);
	title.len = title.name;
	if (title.size == 0)
		return;
	if (len >= title.size)
		len = title.size - 1;
	memcpy(title.place, title.text, len);
	if (len < title.shown)
		memset(title.place + len, '\0', title.shown - len);
	title.shown = len;
}

bool
title_due(void)
{
	return clock_tick() >= title.next;
}

int64_t
title_when(void)
{
	return title.next;
}
