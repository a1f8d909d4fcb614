/*
 * command.c - programs and their words.  Starts none of them.
 */

#include <stdlib.h>
#include <string.h>

#include "command.h"
#include "which.h"

static const char space[] = " \t";

int
command_add(struct commands *c, char *const argv[])
{
	struct command *longer;
	const char *path = which_program(argv[0]);

	if (path == NULL)
		return COMMAND_NONE;
	longer = reallocarray(c->command, c->count + 1, sizeof(*longer));
	if (longer == NULL)
		return COMMAND_NONE;
	longer[c->count] = (struct command){ path, argv };
	c->command = longer;
	return (int)c->count++;
}

static size_t
count_words(const char *text)
{
	size_t n = 0;

	for (text += strspn(text, space); *text != '\0'; n++) {
		text += strcspn(text, space);
		text += strspn(text, space);
	}
	return n;
}

/* The copy is behind the pointers to its parts. */
char **
command_words(const char *text)
{
	const size_t n = count_words(text) + 1, size = strlen(text) + 1;
	char **words = calloc(1, n * sizeof(*words) + size), **at = words;
	char *p;

	if (words == NULL)
		return NULL;
	p = memcpy(words + n, text, size);
	for (p += strspn(p, space); *p != '\0'; p += strspn(p, space)) {
		*at++ = p;
		p += strcspn(p, space);
		if (*p != '\0')
			*p++ = '\0';
	}
	return words;
}
