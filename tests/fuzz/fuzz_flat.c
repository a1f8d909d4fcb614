/*
 * fuzz_flat.c - what flat_read lets through is what a second reader finds
 * there, which knows UTF-16; and what flat_write writes is read as it was.
 */

#include "flat.h"
#include "fuzz.h"

#ifdef PLANTED
/* The bug: strings of C, which end at a NUL. */
static int
planted_read(struct flat *f, uint8_t *p, size_t size, const char **why)
{
	int r = flat_read(f, p, size, why);

	for (size_t i = 0; r == 0 && i < f->members; i++)
		f->member[i].value.len = strnlen((char *)f->member[i].value.p,
		    f->member[i].value.len);
	return r;
}
#define flat_read planted_read
#endif

/* What the second reader has made of a text. */
struct second {
	const uint8_t *p; /* where it is */
	uint16_t *unit;	  /* of the last string, as UTF-16 */
	size_t units;
};

static void
second_utf8(struct second *s)
{
	size_t size = character_size(*s->p);
	uint32_t c = size == 1 ? *s->p : *s->p & (0x7fU >> size);

	must(character_is(s->p, size));
	for (size_t i = 1; i < size; i++)
		c = c << 6 | (s->p[i] & 0x3f);
	s->p += size;
	if (c < 0x10000) {
		s->unit[s->units++] = (uint16_t)c;
		return;
	}
	s->unit[s->units++] = (uint16_t)(0xd7c0 + (c >> 10));
	s->unit[s->units++] = (uint16_t)(0xdc00 + (c & 0x3ff));
}

static void
second_escape(struct second *s)
{
	char digits[5] = "";

	s->p += 2;
	switch (s->p[-1]) {
	case 'b':
		s->unit[s->units++] = 8;
		break;
	case 't':
		s->unit[s->units++] = 9;
		break;
	case 'n':
		s->unit[s->units++] = 10;
		break;
	case 'f':
		s->unit[s->units++] = 12;
		break;
	case 'r':
		s->unit[s->units++] = 13;
		break;
	case 'u':
		memcpy(digits, s->p, 4);
		s->unit[s->units++] = (uint16_t)strtoul(digits, NULL, 16);
		s->p += 4;
		break;
	default:
		must(strchr("\"\\/", s->p[-1]) != NULL);
		s->unit[s->units++] = s->p[-1];
	}
}

/* A string, at its opening quote or before it. */
static void
second_string(struct second *s)
{
	while (*s->p++ != '"')
		;
	for (s->units = 0; *s->p != '"';)
		if (*s->p == '\\')
			second_escape(s);
		else
			second_utf8(s);
	s->p++;
}

/* Is the text what stands in the units? */
static bool
second_agrees(const struct second *s, const struct flat_text *text)
{
	size_t whole = 0;
	struct second again = { .p = text->p };
	bool same;

	for (size_t i = 0; i < text->len; whole++)
		i += character_size(text->p[i]);
	again.unit = calloc(2 * whole + 1, sizeof(*again.unit));
	must(again.unit != NULL);
	while (again.p < text->p + text->len)
		second_utf8(&again);
	same = again.units == s->units &&
	    memcmp(again.unit, s->unit, s->units * sizeof(*s->unit)) == 0;
	free(again.unit);
	return same;
}

/* A number or a word stands as it was written, behind a colon and space. */
static void
second_bare(struct second *s, const struct flat_text *text)
{
	while (strchr(": \t\r\n", *s->p) != NULL)
		s->p++;
	must(memcmp(s->p, text->p, text->len) == 0);
	s->p += text->len;
}

static void
second_reads(const struct flat *f, const uint8_t *p, size_t n)
{
	struct second s = { .p = p, .unit = calloc(n + 1, sizeof(*s.unit)) };

	must(s.unit != NULL);
	for (size_t i = 0; i < f->members; i++) {
		second_string(&s);
		must(second_agrees(&s, &f->member[i].name));
		if (f->member[i].kind != FLAT_STRING) {
			second_bare(&s, &f->member[i].value);
			continue;
		}
		second_string(&s);
		must(second_agrees(&s, &f->member[i].value));
	}
	free(s.unit);
}

static void
reads(const struct input *in)
{
	uint8_t *copy = copy_of(in->p, in->n);
	const char *why = NULL;
	struct flat f;

	if (flat_read(&f, copy, in->n, &why) == 0)
		second_reads(&f, in->p, in->n);
	else
		must(why != NULL);
	free(copy);
}

static void
writes(const struct input *in)
{
	struct buf b = { 0 };
	const char *why;
	struct flat f;
	bool whole;

	must(buf_add(&b, "{\"\":", 4) == 0);
	must(flat_write(&b, in->p, in->n) == 0);
	must(buf_add(&b, "}", 1) == 0);
	must(flat_read(&f, buf_head(&b), b.len, &why) == 0);
	if (text_good(in->p, in->n, &whole) == in->n && whole)
		must(f.member[0].value.len == in->n &&
		    memcmp(f.member[0].value.p, in->p, in->n) == 0);
	buf_free(&b);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct input in;

	if (!input_read(&in, data, size))
		return 0;
	reads(&in);
	writes(&in);
	return 0;
}
