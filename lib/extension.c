/*
 * extension.c - the grammar of extensions.  Knows no extension by name.
 */

#include "extension.h"
#include "http.h"

struct cursor {
	const char *p;
	const char *end;
};

static void
cursor_space(struct cursor *c)
{
	while (c->p < c->end && (*c->p == ' ' || *c->p == '\t'))
		c->p++;
}

static int
cursor_char(struct cursor *c, char want)
{
	cursor_space(c);
	if (c->p == c->end || *c->p != want)
		return 0;
	c->p++;
	cursor_space(c);
	return 1;
}

static int
cursor_token(struct cursor *c, struct extension_slice *slice)
{
	slice->p = c->p;
	while (c->p < c->end && http_is_token_char(*c->p))
		c->p++;
	slice->len = (size_t)(c->p - slice->p);
	return slice->len > 0 ? 0 : -1;
}

/* A value is a token, or a quoted string whose content is one. */
static int
cursor_value(struct cursor *c, struct extension_slice *slice)
{
	if (c->p == c->end || *c->p != '"')
		return cursor_token(c, slice);
	c->p++;
	if (cursor_token(c, slice) == -1 || c->p == c->end || *c->p != '"')
		return -1;
	c->p++;
	return 0;
}

int
extension_parse(struct extension *x, const char *p, size_t len)
{
	struct cursor c = { p, p + len };

	*x = (struct extension){ 0 };
	cursor_space(&c);
	if (cursor_token(&c, &x->name) == -1)
		return -1;
	while (cursor_char(&c, ';')) {
		if (x->params == EXTENSION_PARAMS ||
		    cursor_token(&c, &x->param[x->params].name) == -1)
			return -1;
		if (cursor_char(&c, '=') &&
		    cursor_value(&c, &x->param[x->params].value) == -1)
			return -1;
		x->params++;
	}
	cursor_space(&c);
	return c.p == c.end ? 0 : -1;
}
