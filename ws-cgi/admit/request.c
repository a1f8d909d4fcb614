/*
 * request.c - the request target and the Host field, taken apart.  What could
 * be read in two ways is refused: a NUL in a path, a broken escape, a field
 * name whose underscore would pass for another name's hyphen.
 */

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "ascii.h"
#include "request.h"

static int
hex(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	if (c >= 'a' && c <= 'f')
		return c - 'a' + 10;
	if (c >= 'A' && c <= 'F')
		return c - 'A' + 10;
	return -1;
}

/* Undo the escapes of RFC 3986 2.1 in place. */
static int
decode(char *path)
{
	char *to = path;
	int high, low;

	for (const char *p = path; *p != '\0'; p++, to++) {
		*to = *p;
		if (*p != '%')
			continue;
		high = hex(p[1]);
		low = high == -1 ? -1 : hex(p[2]);
		if (low == -1 || (high == 0 && low == 0))
			return -1;
		*to = (char)(high << 4 | low);
		p += 2;
	}
	*to = '\0';
	return 0;
}

static bool
is_host(const char *p, size_t len)
{
	if (len >= 2 && p[0] == '[' && p[len - 1] == ']')
		return strspn(p + 1, "0123456789abcdefABCDEF:.") == len - 2;
	for (size_t i = 0; i < len; i++)
		if (p[i] == '\0' || strchr(" \t/?#@[]:\"\\<>,", p[i]) != NULL)
			return false;
	return len > 0;
}

int
request_authority(struct authority *a, const char *text)
{
	const char *end = strrchr(text, ']');
	const char *colon = strchr(end == NULL ? text : end, ':');

	*a = (struct authority){
		.host = text,
		.len = colon == NULL ? strlen(text) : (size_t)(colon - text),
		.port = colon == NULL ? "" : colon + 1,
	};
	if (!is_host(a->host, a->len) || strlen(a->port) > 5 ||
	    ascii_number(a->port, 65535) == -1)
		return -1;
	return 0;
}

bool
request_is_host(const struct authority *a, const char *host)
{
	return strlen(host) == a->len && ascii_same_n(host, a->host, a->len);
}

static bool
has_underscore(const struct ws *ws)
{
	const char *value;

	for (size_t i = 0; i < ws_headers(ws); i++)
		if (strchr(ws_header_at(ws, i, &value), '_') != NULL)
			return true;
	return false;
}

size_t
request_count(const struct ws *ws, const char *name, const char **last)
{
	const char *field, *value;
	size_t n = 0;

	for (size_t i = 0; (field = ws_header_at(ws, i, &value)) != NULL; i++)
		if (ascii_same(field, name)) {
			*last = value;
			n++;
		}
	return n;
}

/* Room for all texts: the target thrice, and the host twice. */
static int
make_room(struct request *r, const char *target, const char *host)
{
	const size_t t = strlen(target) + sizeof("/"), h = strlen(host) + 1;
	const size_t need = 3 * t + 2 * (t > h ? t : h);

	r->end = need <= sizeof(r->room) ? r->room : malloc(need);
	return r->end == NULL ? -1 : 0;
}

/* Returns a copy, behind the last one. */
static char *
keep(struct request *r, const char *text, size_t len)
{
	char *p = r->end;

	r->end = mempcpy(p, text, len);
	*r->end++ = '\0';
	return p;
}

/*
 * Cut a target in two: r->uri is what would stand without the host it names.
 * Returns that host, or "" in the usual form.
 */
static const char *
split_target(struct request *r, const char *target)
{
	const char *rest = target;
	size_t len = 0;

	if (*target != '/') {
		rest = strstr(target, "//") + 2;
		len = strcspn(rest, "/?");
	}
	r->uri = r->end;
	if (rest[len] != '/')
		*r->end++ = '/';
	keep(r, rest + len, strlen(rest + len));
	return keep(r, rest, len);
}

static int
read_host(struct request *r, const char *text, const char **why)
{
	struct authority a;

	*why = "the host is not a name or an address with a port";
	if (request_authority(&a, text) == -1)
		return 400;
	r->host = keep(r, a.host, a.len);
	r->port = keep(r, a.port, strlen(a.port));
	return 0;
}

/* RFC 9112 3.2.2: a host in the target counts, and not the Host field. */
static int
read_target(struct request *r, const struct ws *ws, const char **why)
{
	const char *target = ws_target(ws), *field = ws_header(ws, "Host");
	const char *authority;

	if (field == NULL)
		field = "";
	*why = "no memory";
	if (make_room(r, target, field) == -1)
		return 503;
	authority = split_target(r, target);
	return read_host(r, *authority == '\0' ? field : authority, why);
}

int
request_read(struct request *r, const struct ws *ws, const char **why)
{
	int status;
	size_t len;

	*r = (struct request){ 0 };
	if ((status = read_target(r, ws, why)) != 0)
		return status;
	len = (size_t)(strchrnul(r->uri, '?') - r->uri);
	r->path = keep(r, r->uri, len);
	r->query = r->uri + len + (r->uri[len] == '?');
	*why = "the path has a broken escape, or a NUL";
	if (decode(r->path) == -1)
		return 400;
	*why = "a header field's name has an underscore";
	if (has_underscore(ws))
		return 400;
	return 0;
}
