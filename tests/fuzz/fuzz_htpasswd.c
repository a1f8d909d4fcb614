/*
 * fuzz_htpasswd.c - each row of a file is a line of it, no line is left out, and
 * what is refused has a number and a reason.
 */

#include "admit/htpasswd.h"
#include "fuzz.h"

enum { TOKENS = 1 };

#ifdef PLANTED
/* The bug: a line at the end that has no newline is lost. */
static int
planted_next(struct htpasswd *h, struct htpasswd_row *row, const char **why)
{
	if (h->at < h->size &&
	    memchr(h->text + h->at, '\n', h->size - h->at) == NULL)
		return 0;
	return htpasswd_next(h, row, why);
}
#define htpasswd_next planted_next
#endif

/* The file as it was, which is not cut up. */
struct second {
	const uint8_t *p, *end;
	int line;
};

/* Step over the next line.  Returns its length, or -1 at the end. */
static ssize_t
second_line(struct second *s, const uint8_t **line)
{
	if (s->p >= s->end)
		return -1;
	*line = s->p;
	while (s->p < s->end && *s->p != '\n')
		s->p++;
	s->line++;
	return s->p++ - *line;
}

/* The next that says something.  As second_line. */
static ssize_t
second_row(struct second *s, const uint8_t **line)
{
	ssize_t len;

	do
		len = second_line(s, line);
	while (len == 0 ||
	    (len > 0 && len <= HTPASSWD_LINE && **line == '#' &&
		memchr(*line, '\0', (size_t)len) == NULL));
	return len;
}

static void
compare(const struct htpasswd_row *row, const uint8_t *line, size_t len,
    char between)
{
	const size_t name = strlen(row->name), hash = strlen(row->hash);

	must(len <= HTPASSWD_LINE && name > 0 && name <= HTPASSWD_NAME);
	must(name + 1 + hash == len && line[name] == (uint8_t)between);
	must(memcmp(line, row->name, name) == 0);
	must(memcmp(line + name + 1, row->hash, hash) == 0);
	must(strchr(row->name, between) == NULL);
	for (size_t i = 0; i < name; i++)
		must(line[i] >= ' ' && line[i] != 0x7f);
	for (size_t i = name + 1; i < len; i++)
		must(line[i] > ' ' && line[i] < 0x7f);
}

static void
walk(struct htpasswd *h, struct second *s)
{
	struct htpasswd_row row;
	const char *why = NULL;
	const uint8_t *line;
	ssize_t len;
	int r;

	do {
		r = htpasswd_next(h, &row, &why);
		len = second_row(s, &line);
		must((r == 0) == (len == -1) && h->line == s->line);
		must(r != -1 || why != NULL);
		if (r == 1)
			compare(&row, line, (size_t)len,
			    h->kind == HTPASSWD_TOKENS ? ' ' : ':');
	} while (r == 1);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct input in;
	struct htpasswd h = { 0 };
	struct second s;

	if (!input_read(&in, data, size))
		return 0;
	h.kind =
	    (in.flags & TOKENS) != 0 ? HTPASSWD_TOKENS : HTPASSWD_PASSWORDS;
	h.size = in.n;
	h.text = malloc(in.n + 1);
	must(h.text != NULL);
	memcpy(h.text, in.p, in.n);
	h.text[in.n] = '\0';
	s = (struct second){ .p = in.p, .end = in.p + in.n };
	walk(&h, &s);
	free(h.text);
	return 0;
}
