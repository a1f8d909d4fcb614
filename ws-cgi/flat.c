/*
 * flat.c - one flat JSON object.  Promises that what it lets through is RFC
 * 8259 to the letter, and strings UTF-8; refuses to know what members mean.
 */

#include <stdio.h>
#include <string.h>

#include "flat.h"
#include "utf8.h"

enum {
	HIGH = 0xd800, /* the first high surrogate, RFC 2781 2 */
	LOW = 0xdc00,  /* the first low one */
	BEYOND = 0xe000
};

struct reader {
	uint8_t *p, *end;
	const char *why;
};

static int
refuse(struct reader *r, const char *why)
{
	r->why = why;
	return -1;
}

static void
skip_space(struct reader *r)
{
	while (r->p < r->end &&
	    (*r->p == ' ' || *r->p == '\t' || *r->p == '\n' || *r->p == '\r'))
		r->p++;
}

/* Take this byte, behind space, if it is there. */
static bool
took(struct reader *r, char byte)
{
	skip_space(r);
	if (r->p == r->end || *r->p != (uint8_t)byte)
		return false;
	r->p++;
	return true;
}

static int
hex(uint8_t c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	if (c >= 'a' && c <= 'f')
		return c - 'a' + 10;
	if (c >= 'A' && c <= 'F')
		return c - 'A' + 10;
	return -1;
}

/* "\u00fc", of which r->p has reached the backslash. */
static int
read_unit(struct reader *r, uint32_t *unit)
{
	*unit = 0;
	if (r->end - r->p < 6 || r->p[0] != '\\' || r->p[1] != 'u')
		return -1;
	for (int i = 2; i < 6; i++) {
		if (hex(r->p[i]) == -1)
			return -1;
		*unit = *unit << 4 | (uint32_t)hex(r->p[i]);
	}
	r->p += 6;
	return 0;
}

/* One character is one unit, or two that are halves: RFC 8259 7. */
static int
read_unicode(struct reader *r, uint32_t *c)
{
	uint32_t low;

	if (read_unit(r, c) == -1)
		return refuse(r, "a \\u stands before no four digits");
	if (*c < HIGH || *c >= BEYOND)
		return 0;
	if (*c >= LOW || read_unit(r, &low) == -1 || low < LOW || low >= BEYOND)
		return refuse(r, "a surrogate stands alone");
	*c = 0x10000 + ((*c - HIGH) << 10) + (low - LOW);
	return 0;
}

static uint8_t *
put_character(uint8_t *to, uint32_t c)
{
	const int more = c < 0x80 ? 0 : c < 0x800 ? 1 : c < 0x10000 ? 2 : 3;
	static const uint8_t lead[] = { 0, 0xc0, 0xe0, 0xf0 };

	*to++ = (uint8_t)(lead[more] | c >> 6 * more);
	for (int i = more - 1; i >= 0; i--)
		*to++ = (uint8_t)(0x80 | (c >> 6 * i & 0x3f));
	return to;
}

/* An escape; what it stands for is never longer. */
static int
read_escape(struct reader *r, uint8_t **to)
{
	static const char letters[] = "\"\\/bfnrt";
	static const char meant[] = "\"\\/\b\f\n\r\t";
	const char *letter;
	uint32_t c;

	if (r->end - r->p < 2)
		return refuse(r, "a string has no end");
	if (r->p[1] == 'u') {
		if (read_unicode(r, &c) == -1)
			return -1;
		*to = put_character(*to, c);
		return 0;
	}
	letter = r->p[1] == '\0' ? NULL : strchr(letters, r->p[1]);
	if (letter == NULL)
		return refuse(r, "a backslash stands before no escape");
	*(*to)++ = (uint8_t)meant[letter - letters];
	r->p += 2;
	return 0;
}

/* What follows an opening quote. */
static int
read_string(struct reader *r, struct flat_text *text)
{
	uint8_t *to = r->p;

	text->p = to;
	while (r->p < r->end && *r->p != '"') {
		if (*r->p < 0x20)
			return refuse(r,
			    "a control character stands in a string");
		if (*r->p != '\\')
			*to++ = *r->p++;
		else if (read_escape(r, &to) == -1)
			return -1;
	}
	if (r->p == r->end)
		return refuse(r, "a string has no end");
	r->p++;
	text->len = (size_t)(to - text->p);
	return 0;
}

static bool
at_digit(const struct reader *r)
{
	return r->p < r->end && *r->p >= '0' && *r->p <= '9';
}

static size_t
skip_digits(struct reader *r)
{
	const uint8_t *from = r->p;

	while (at_digit(r))
		r->p++;
	return (size_t)(r->p - from);
}

/* Take one of these bytes if it is there. */
static bool
took_any(struct reader *r, const char *bytes)
{
	if (r->p == r->end || *r->p == '\0' || strchr(bytes, *r->p) == NULL)
		return false;
	r->p++;
	return true;
}

/* RFC 8259 6. */
static int
read_number(struct reader *r)
{
	const char *why = "a number is malformed";
	const uint8_t *first;

	took_any(r, "-");
	first = r->p;
	if (skip_digits(r) == 0 || (*first == '0' && r->p - first > 1))
		return refuse(r, why);
	if (took_any(r, ".") && skip_digits(r) == 0)
		return refuse(r, why);
	if (!took_any(r, "eE"))
		return 0;
	took_any(r, "+-");
	return skip_digits(r) == 0 ? refuse(r, why) : 0;
}

static int
read_word(struct reader *r)
{
	static const char *const words[] = { "true", "false", "null" };

	for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
		size_t len = strlen(words[i]);

		if ((size_t)(r->end - r->p) < len ||
		    memcmp(r->p, words[i], len) != 0)
			continue;
		r->p += len;
		return 0;
	}
	return refuse(r, "a value is missing, or of no kind");
}

static int
read_value(struct reader *r, struct flat_member *m)
{
	int n;

	if (took(r, '"')) {
		m->kind = FLAT_STRING;
		return read_string(r, &m->value);
	}
	if (took(r, '{') || took(r, '['))
		return refuse(r, "a value is nested");
	m->value.p = r->p;
	m->kind = FLAT_WORD;
	if (at_digit(r) || (r->p < r->end && *r->p == '-'))
		m->kind = FLAT_NUMBER;
	n = m->kind == FLAT_NUMBER ? read_number(r) : read_word(r);
	m->value.len = (size_t)(r->p - m->value.p);
	return n;
}

static bool
is_twice(const struct flat *f, const struct flat_text *name)
{
	for (size_t i = 0; i < f->members; i++)
		if (f->member[i].name.len == name->len &&
		    memcmp(f->member[i].name.p, name->p, name->len) == 0)
			return true;
	return false;
}

static int
read_member(struct reader *r, struct flat *f)
{
	struct flat_member *m = &f->member[f->members];

	if (f->members == FLAT_MAX)
		return refuse(r, "it has over 16 members");
	if (!took(r, '"'))
		return refuse(r, "a name in quotes is missing");
	if (read_string(r, &m->name) == -1)
		return -1;
	if (is_twice(f, &m->name))
		return refuse(r, "a name comes twice");
	if (!took(r, ':'))
		return refuse(r, "a colon is missing");
	if (read_value(r, m) == -1)
		return -1;
	f->members++;
	return 0;
}

static int
read_object(struct reader *r, struct flat *f)
{
	f->members = 0;
	if (!took(r, '{'))
		return refuse(r, "it is no object");
	if (took(r, '}'))
		return 0;
	do
		if (read_member(r, f) == -1)
			return -1;
	while (took(r, ','));
	return took(r, '}') ? 0 : refuse(r, "a comma or a brace is missing");
}

int
flat_read(struct flat *f, uint8_t *p, size_t size, const char **why)
{
	struct reader r = { .p = p, .end = p + size };
	struct utf8 u = { 0 };

	*why = "it is not UTF-8";
	if (utf8_feed(&u, p, size) < size || !utf8_whole(&u))
		return -1;
	if (read_object(&r, f) == -1) {
		*why = r.why;
		return -1;
	}
	skip_space(&r);
	*why = "something follows the object";
	return r.p == r.end ? 0 : -1;
}

bool
flat_is(const struct flat_text *text, const char *word)
{
	return text->len == strlen(word) &&
	    memcmp(text->p, word, text->len) == 0;
}

const struct flat_member *
flat_find(const struct flat *f, const char *name)
{
	for (size_t i = 0; i < f->members; i++)
		if (flat_is(&f->member[i].name, name))
			return &f->member[i];
	return NULL;
}

/* A byte that may not stand in a string as it is. */
static int
write_escape(struct buf *b, uint8_t c)
{
	static const char letters[] = "\"\\bfnrt";
	static const char meant[] = "\"\\\b\f\n\r\t";
	const char *found = c == '\0' ? NULL : strchr(meant, c);
	char escape[8];

	if (found != NULL)
		snprintf(escape, sizeof(escape), "\\%c",
		    letters[found - meant]);
	else
		snprintf(escape, sizeof(escape), "\\u%04x", c);
	return buf_add(b, escape, strlen(escape));
}

static bool
is_plain(uint8_t c)
{
	return c >= 0x20 && c != '"' && c != '\\' && c != 0x7f && c != 0xc2;
}

/*
 * U+0080 to U+00BF are two bytes, of which the first is 0xc2.  The controls
 * among them, up to U+009F, do to terminals what ESC does: ECMA-48 5.3.
 */
static int
write_c2(struct buf *b, const uint8_t p[2])
{
	return p[1] < 0xa0 ? write_escape(b, p[1]) : buf_add(b, p, 2);
}

/* Text of whole characters. */
static int
write_text(struct buf *b, const uint8_t *p, size_t size)
{
	size_t n, special;

	for (; size > 0; p += n + special, size -= n + special) {
		for (n = 0; n < size && is_plain(p[n]); n++)
			;
		if (buf_add(b, p, n) == -1)
			return -1;
		special = n == size ? 0 : p[n] == 0xc2 ? 2 : 1;
		if ((special == 1 && write_escape(b, p[n]) == -1) ||
		    (special == 2 && write_c2(b, p + n) == -1))
			return -1;
	}
	return 0;
}

int
flat_write(struct buf *b, const void *data, size_t size)
{
	const uint8_t *p = data;
	int r = buf_add(b, "\"", 1);

	while (size > 0 && r == 0) {
		struct utf8 u = { 0 };
		size_t n = utf8_feed(&u, p, size);

		n = utf8_cut(p, n, n);
		r = write_text(b, p, n);
		if (n < size && r == 0)
			r = buf_add(b, "\xef\xbf\xbd", 3);
		n += n < size;
		p += n;
		size -= n;
	}
	return r == 0 ? buf_add(b, "\"", 1) : -1;
}
