/*
 * request.c - the request target and the Host field, taken apart.  What could
 * be read in two ways is refused: a NUL in a path, a broken escape, a field
 * name whose underscore would pass for another name's hyphen.
 */

#include <stdbool.h>
#include <stdio.h>
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

	for (const char *p = path; *p != '\0'; p++, to++) {
		*to = *p;
		if (*p != '%')
			continue;
		if (hex(p[1]) == -1 || hex(p[2]) == -1 ||
		    (hex(p[1]) == 0 && hex(p[2]) == 0))
			return -1;
		*to = (char)(hex(p[1]) << 4 | hex(p[2]));
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

/*
 * Cut a target in two: the host it names, or "" in the usual form, and the
 * rest as it would stand without it.  Returns 0, or -1 when there is no
 * memory.
 */
static int
split_target(const char *target, char **authority, char **uri)
{
	const char *rest = target;
	size_t len = 0;

	if (*target != '/') {
		rest = strstr(target, "//") + 2;
		len = strcspn(rest, "/?");
	}
	*authority = strndup(rest, len);
	if (rest[len] == '/')
		*uri = strdup(rest + len);
	else if (asprintf(uri, "/%s", rest + len) == -1)
		*uri = NULL;
	return *authority == NULL || *uri == NULL ? -1 : 0;
}

static int
read_host(struct request *r, const char *text, const char **why)
{
	struct authority a;

	*why = "the host is not a name or an address with a port";
	if (request_authority(&a, text) == -1)
		return 400;
	r->host = strndup(a.host, a.len);
	r->port = strdup(a.port);
	*why = "no memory";
	return r->host == NULL || r->port == NULL ? 503 : 0;
}

/* RFC 9112 3.2.2: a host in the target counts, and not the Host field. */
static int
read_target(struct request *r, const struct ws *ws, const char **why)
{
	char *authority;
	const char *host;
	int status = 503;

	*why = "no memory";
	if (split_target(ws_target(ws), &authority, &r->uri) == 0) {
		host = *authority == '\0' ? ws_header(ws, "Host") : authority;
		status = read_host(r, host == NULL ? "" : host, why);
	}
	free(authority);
	return status;
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
	r->path = strndup(r->uri, len);
	r->query = strdup(r->uri[len] == '?' ? r->uri + len + 1 : "");
	*why = "no memory";
	if (r->path == NULL || r->query == NULL)
		return 503;
	*why = "the path has a broken escape, or a NUL";
	if (decode(r->path) == -1)
		return 400;
	*why = "a header field's name has an underscore";
	if (has_underscore(ws))
		return 400;
	return 0;
}
