/*
 * forwarded.c - who is behind the proxies.  Reads one field and no other, so
 * that a client cannot send one which the proxies do not know.
 */

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <ws.h>

#include "ascii.h"
#include "buf.h"
#include "forwarded.h"

/* What one proxy has said. */
struct element {
	bool is_there; /* it says something of the client */
	bool is_address;
	struct endpoint client;
	enum scheme scheme;
};

/* "unknown" and "_name" hide an address, RFC 7239 6.2 and 6.3. */
static bool
is_hidden(const char *node)
{
	const size_t len = strcspn(node, ":");

	return *node == '_' || (len == 7 && ascii_same_n(node, "unknown", len));
}

/* A port may be hidden too. */
static void
read_node(struct element *e, char *node)
{
	struct sockaddr_storage ss;
	char *port = strstr(node, ":_");

	e->is_there = e->is_address = true;
	if (is_hidden(node)) {
		e->client = (struct endpoint){ .address = "unknown" };
		return;
	}
	if (port != NULL)
		*port = '\0';
	e->is_address = network_read(&ss, node, "") == 0;
	if (e->is_address)
		endpoint_name(&e->client, &ss);
}

static enum scheme
scheme_of(const char *text, enum scheme otherwise)
{
	if (ascii_same(text, "https") || ascii_same(text, "wss"))
		return SCHEME_TLS;
	if (ascii_same(text, "http") || ascii_same(text, "ws"))
		return SCHEME_PLAIN;
	return otherwise;
}

/* X-Forwarded-For. */

/* The next element, cut out in place; empty ones too.  NULL: no more. */
static char *
next_item(char **list)
{
	char *item = strsep(list, ",");
	size_t len;

	if (item == NULL)
		return NULL;
	item += strspn(item, " \t");
	for (len = strlen(item); len > 0; len--)
		if (strchr(" \t", item[len - 1]) == NULL)
			break;
	item[len] = '\0';
	return item;
}

static int
next_plain(char **list, struct element *e)
{
	char *item;

	*e = (struct element){ 0 };
	if ((item = next_item(list)) == NULL)
		return 0;
	if (*item != '\0')
		read_node(e, item);
	return 1;
}

/* Forwarded. */

static void
skip_space(char **p)
{
	*p += strspn(*p, " \t");
}

/* A value in quotes is moved over its backslashes: RFC 9110 5.6.4. */
static char *
unquote(char **p)
{
	char *value = ++*p, *to = value;

	for (; **p != '"'; *to++ = *(*p)++) {
		if (**p == '\\')
			++*p;
		if (**p == '\0')
			return NULL;
	}
	++*p;
	*to = '\0';
	return value;
}

/* Returns what follows, which is one of ";", "," and the end, or -1. */
static int
end_pair(char **p)
{
	char *stop = *p;
	char end;

	skip_space(p);
	end = **p;
	if (end != '\0' && end != ',' && end != ';')
		return -1;
	*p += end != '\0';
	*stop = '\0';
	return end;
}

/* "name=value", or nothing, which is no name.  Returns as end_pair. */
static int
next_pair(char **p, char **name, char **value)
{
	skip_space(p);
	*name = *value = NULL;
	if (strchr(",;", **p) != NULL) /* or the end */
		return end_pair(p);
	*name = *p;
	*p += strcspn(*p, "=,; \t\"");
	if (*p == *name || **p != '=')
		return -1;
	*(*p)++ = '\0';
	*value = *p;
	if (**p != '"')
		*p += strcspn(*p, ",; \t\"");
	else if ((*value = unquote(p)) == NULL)
		return -1;
	return end_pair(p);
}

static int
add_pair(struct element *e, const char *name, char *value, bool *named)
{
	if (!e->is_there)
		e->client = (struct endpoint){ .address = "unknown" };
	e->is_there = true;
	if (ascii_same(name, "proto"))
		e->scheme = scheme_of(value, SCHEME_UNKNOWN);
	if (!ascii_same(name, "for"))
		return 0;
	if (*named)
		return -1;
	*named = true;
	read_node(e, value);
	return 0;
}

static int
next_standard(char **list, struct element *e)
{
	char *p = *list, *name, *value;
	bool named = false;
	int end = ';';

	*e = (struct element){ .is_address = true };
	if (p == NULL)
		return 0;
	while (end == ';') {
		end = next_pair(&p, &name, &value);
		if (end == -1 ||
		    (name != NULL && add_pair(e, name, value, &named) == -1))
			return -1;
	}
	*list = end == ',' ? p : NULL;
	return 1;
}

/* Both. */

static bool
is_trusted(const struct element *e, const struct trust *t)
{
	return e->is_address && networks_hold(&t->who, &e->client);
}

/* The last that is not trusted, or the first of all. */
int
forwarded_find(char *list, const struct trust *t, struct endpoint *client,
    enum scheme *scheme)
{
	struct element e, found = { .is_address = true };
	int r;

	while ((r = t->standard ? next_standard(&list, &e) :
				  next_plain(&list, &e)) == 1)
		if (e.is_there && (!found.is_there || !is_trusted(&e, t)))
			found = e;
	if (r == -1 || !found.is_address)
		return -1;
	if (!found.is_there)
		return 0;
	*client = found.client;
	if (found.scheme != SCHEME_UNKNOWN)
		*scheme = found.scheme;
	return 0;
}

void
forwarded_scheme(const char *list, enum scheme *scheme)
{
	const char *last = strrchr(list, ',');
	char text[8];
	size_t len;

	last = last == NULL ? list : last + 1;
	last += strspn(last, " \t");
	len = strcspn(last, " \t");
	if (len >= sizeof(text) ||
	    last[len + strspn(last + len, " \t")] != '\0')
		return;
	memcpy(text, last, len);
	text[len] = '\0';
	*scheme = scheme_of(text, *scheme);
}

/* Returns 1 with all values of the field, joined; 0 if there are none; -1. */
static int
join(struct buf *list, const struct ws *ws, const char *name)
{
	const char *field, *value;
	int found = 0;

	for (size_t i = 0; (field = ws_header_at(ws, i, &value)) != NULL; i++) {
		if (!ascii_same(field, name))
			continue;
		if (buf_add(list, ",", (size_t)found) == -1 ||
		    buf_add(list, value, strlen(value)) == -1)
			return -1;
		found = 1;
	}
	return buf_add(list, "", 1) == -1 ? -1 : found;
}

static void
read_scheme(struct arrival *a, const struct ws *ws)
{
	const char *field, *value, *last = NULL;

	for (size_t i = 0; (field = ws_header_at(ws, i, &value)) != NULL; i++)
		if (ascii_same(field, "X-Forwarded-Proto"))
			last = value;
	if (last != NULL)
		forwarded_scheme(last, &a->scheme);
}

int
forwarded_read(struct arrival *a, const struct trust *t, const struct ws *ws,
    const char **why)
{
	struct buf list = { 0 };
	int found, r = 0;

	a->vouched = networks_hold(&t->who, &a->client);
	if (!a->vouched)
		return 0;
	if (!t->standard)
		read_scheme(a, ws);
	found = join(&list, ws, t->standard ? "Forwarded" : "X-Forwarded-For");
	if (found == 1)
		r = forwarded_find((char *)buf_head(&list), t, &a->client,
		    &a->scheme);
	buf_free(&list);
	*why = found == -1 ? "no memory" :
	    t->standard	   ? "the Forwarded field does not tell the client" :
			     "the X-Forwarded-For field does not tell the "
			     "client";
	return found == -1 ? 503 : r == -1 ? 400 : 0;
}
