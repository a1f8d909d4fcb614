/*
 * table.c - the bridges by name.
 */

#include <string.h>

#include "builtin.h"
#include "program.h"

static const struct bridge *const bridges[] = { &bridge_echo, &bridge_discard,
	&bridge_chargen };

const struct bridge *
bridge_at(size_t i)
{
	return i < sizeof(bridges) / sizeof(bridges[0]) ? bridges[i] : NULL;
}

/* A program whose name holds a colon is written with a slash. */
const struct bridge *
bridge_find(const char *operand)
{
	const struct bridge *b;

	if (strchr(operand, ':') == NULL || strchr(operand, '/') != NULL)
		return &bridge_program;
	for (size_t i = 0; (b = bridge_at(i)) != NULL; i++)
		if (strcmp(b->name, operand) == 0)
			return b;
	return NULL;
}
