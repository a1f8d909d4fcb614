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

char **
command_words(const char *text)
{
	char **words = calloc(count_words(text) + 1, sizeof(*words));
	char *rest = strdup(text), *word;
	size_t n = 0;

	if (words == NULL || rest == NULL) {
		free(words);
		free(rest);
		return NULL;
	}
	while ((word = strsep(&rest, space)) != NULL)
		if (*word != '\0')
			words[n++] = word;
	return words;
}
