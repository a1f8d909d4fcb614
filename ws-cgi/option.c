/*
 * option.c - the command line by getopt_long(3), in words of our own.
 */

#include <errno.h>
#include <getopt.h>
#include <stdio.h>
#include <string.h>

#include "exits.h"
#include "name.h"
#include "option.h"
#include "person.h"

/* Words, from column at on, in lines that end before column 80. */
static void
print_words(const char *text, int at)
{
	int column = at;

	while (*text != '\0') {
		int len = (int)strcspn(text, " ");

		if (column + len + 1 > 79) {
			printf("\n%*s", at, "");
			column = at;
		}
		column += printf("%s%.*s", column == at ? "" : " ", len, text);
		text += len;
		text += *text == ' ';
	}
	printf("\n");
}

static void
print_row(const struct option_row *row)
{
	enum { COLUMN = 32 };
	int n = row->letter != 0 ? printf("  -%c, ", row->letter) :
				   printf("      ");

	n += printf("--%s%s%s", row->name, row->arg == NULL ? "" : " ",
	    row->arg == NULL ? "" : row->arg);
	if (n + 1 < COLUMN)
		printf("%*s", COLUMN - n, "");
	else
		printf("\n%*s", COLUMN, "");
	print_words(row->help, COLUMN);
}

void
option_print(const struct option_table *t)
{
	for (size_t i = 0; i < t->count; i++)
		print_row(&t->rows[i]);
}

static void
fill_getopt(const struct option_table *t, struct option *longs, char *letters)
{
	const struct option_row *rows = t->rows;

	*letters++ = '+'; /* the first operand ends the options */
	*letters++ = ':'; /* the words about an error are ours */
	for (size_t i = 0; i < t->count; i++) {
		longs[i] = (struct option){
			.name = rows[i].name,
			.has_arg = rows[i].arg != NULL,
			.val = 256 + (int)i,
		};
		if (rows[i].letter == 0)
			continue;
		*letters++ = rows[i].letter;
		if (rows[i].arg != NULL)
			*letters++ = ':';
	}
	longs[t->count] = (struct option){ 0 };
	*letters = '\0';
}

static const struct option_row *
find_row(const struct option_table *t, int c)
{
	if (c >= 256)
		return &t->rows[c - 256];
	for (size_t i = 0; i < t->count; i++)
		if (t->rows[i].letter == c && c != 0)
			return &t->rows[i];
	return NULL;
}

bool
option_wrong(int *status)
{
	person_told("try %s --help", program_name);
	*status = EXIT_COMMAND_LINE;
	return false;
}

bool
option_is_read(const char *name, int *status)
{
	if (person_reads())
		return true;
	person_told("--%s is for a person: descriptor 1 is a client's", name);
	*status = EXIT_COMMAND_LINE;
	return false;
}

/* --help or --version.  Returns false: that was all. */
static bool
inform(const struct option_table *t, const char *name, int *status)
{
	if (!option_is_read(name, status))
		return false;
	if (strcmp(name, "help") == 0)
		t->help();
	else
		t->version();
	*status = fflush(stdout) == 0 ? 0 : EXIT_SYSTEM;
	return false;
}

static bool
set_row(const struct option_table *t, void *what, const struct option_row *row,
    int *status)
{
	const char *why = NULL;

	if (row->set == NULL)
		return inform(t, row->name, status);
	errno = 0;
	if (row->set((char *)what + row->target, optarg, &why) == 0 &&
	    (t->seen == NULL ||
		t->seen(row->name, row->arg == NULL ? NULL : optarg) == 0))
		return true;
	if (errno == ENOMEM) {
		person_told("--%s: %s", row->name, strerror(errno));
		*status = EXIT_SYSTEM;
		return false;
	}
	person_told("--%s '%s': %s", row->name, optarg, why);
	return option_wrong(status);
}

/* What getopt(3) has stumbled over: the word before optind, or a letter. */
static bool
not_understood(int c, char *const argv[], int *status)
{
	const char *word = argv[optind - 1];

	if (c == ':')
		person_told("the option '%s' takes an argument", word);
	else if (optopt >= 256)
		person_told("the option '%s' takes no argument", word);
	else if (optopt != 0)
		person_told("there is no option '-%c'", optopt);
	else
		person_told("there is no option '%s', or several begin so",
		    word);
	return option_wrong(status);
}

bool
option_read(const struct option_table *t, void *what, int argc, char *argv[],
    int *status)
{
	char letters[2 * OPTION_ROWS + 3];
	struct option longs[OPTION_ROWS + 1];
	const struct option_row *row;
	int c;

	fill_getopt(t, longs, letters);
	while ((c = getopt_long(argc, argv, letters, longs, NULL)) != -1) {
		if ((row = find_row(t, c)) == NULL)
			return not_understood(c, argv, status);
		if (!set_row(t, what, row, status))
			return false;
	}
	return true;
}
