/*
 * cgi.c - variables to a head.  Knows what servers leave out, empty or twice;
 * refuses to know what the request is for.
 */

#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "cgi.h"

/* The first counts: some servers hand on a field's lines as they came. */
const char *
cgi_value(char *const *vars, const char *name)
{
	const size_t len = strlen(name);

	for (; *vars != NULL; vars++)
		if (strncmp(*vars, name, len) == 0 && (*vars)[len] == '=')
			return *vars + len + 1;
	return NULL;
}

/* Text, added piece by piece; a failure to add one sticks. */
struct head {
	struct buf *to;
	bool full;
};

static void
add_bytes(struct head *h, const char *text, size_t len)
{
	if (!h->full && buf_add(h->to, text, len) == -1)
		h->full = true;
}

static void
add(struct head *h, const char *text)
{
	add_bytes(h, text == NULL ? "" : text, text == NULL ? 0 : strlen(text));
}

static bool
has_line_break(const char *text)
{
	return text[strcspn(text, "\r\n")] != '\0';
}

/* A path that was decoded, RFC 3875 4.1.5, as RFC 3986 3.3 writes it. */
static void
add_path(struct head *h, const char *path)
{
	static const char plain[] =
	    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789"
	    "-._~!$&'()*+,;=:@/";
	char hex[4];
	size_t n;

	while (path != NULL && *path != '\0') {
		n = strspn(path, plain);
		add_bytes(h, path, n);
		path += n;
		if (*path == '\0')
			break;
		snprintf(hex, sizeof(hex), "%%%02X", (unsigned char)*path++);
		add(h, hex);
	}
}

/* REQUEST_URI is in no standard, but keeps what decoding loses. */
static void
add_target(struct head *h, char *const *vars)
{
	const char *uri = cgi_value(vars, "REQUEST_URI");
	const char *script = cgi_value(vars, "SCRIPT_NAME");
	const char *path = cgi_value(vars, "PATH_INFO");
	const char *query = cgi_value(vars, "QUERY_STRING");

	if (uri != NULL && *uri != '\0') {
		add(h, uri);
		return;
	}
	if ((script == NULL || *script == '\0') &&
	    (path == NULL || *path == '\0'))
		path = "/";
	add_path(h, script);
	add_path(h, path);
	if (query != NULL && *query != '\0') {
		add(h, "?");
		add(h, query);
	}
}

/* "SEC_WEBSOCKET_KEY" is Sec-Websocket-Key. */
static void
add_name(struct head *h, const char *name, size_t len)
{
	bool first = true;

	for (; len > 0; name++, len--) {
		char c = *name;

		if (c == '_')
			c = '-';
		if (!first && c >= 'A' && c <= 'Z')
			c = (char)(c - 'A' + 'a');
		add_bytes(h, &c, 1);
		first = c == '-';
	}
}

static void
add_field(struct head *h, const char *name, size_t len, const char *value)
{
	add_name(h, name, len);
	add(h, ": ");
	add(h, value);
	add(h, "\r\n");
}

/* Has the name at vars[i], which is len bytes, been there before? */
static bool
is_repeated(char *const *vars, size_t i, size_t len)
{
	for (size_t j = 0; j < i; j++)
		if (strncmp(vars[j], vars[i], len + 1) == 0)
			return true;
	return false;
}

/* A variable that has no "=", or no name, is nothing. */
static int
add_fields(struct head *h, char *const *vars, const char **why)
{
	const size_t prefix = strlen("HTTP_");
	size_t len;

	for (size_t i = 0; vars[i] != NULL; i++) {
		len = strcspn(vars[i], "=");
		if (strncmp(vars[i], "HTTP_", prefix) != 0 || len <= prefix ||
		    vars[i][len] == '\0' || is_repeated(vars, i, len))
			continue;
		*why = "a header field holds a line break";
		if (has_line_break(vars[i]))
			return 400;
		add_field(h, vars[i] + prefix, len - prefix, vars[i] + len + 1);
	}
	return 0;
}

/* Not all servers hand on the Host field; all say what they are called. */
static void
add_host(struct head *h, char *const *vars)
{
	const char *name = cgi_value(vars, "SERVER_NAME");
	const char *port = cgi_value(vars, "SERVER_PORT");

	if (cgi_value(vars, "HTTP_HOST") != NULL || name == NULL)
		return;
	add(h, "Host: ");
	add(h, name);
	if (port != NULL && *port != '\0') {
		add(h, ":");
		add(h, port);
	}
	add(h, "\r\n");
}

/* No body is an absent, an empty or a zero length: RFC 3875 4.1.2. */
static void
add_length(struct head *h, char *const *vars)
{
	const char *length = cgi_value(vars, "CONTENT_LENGTH");

	if (length == NULL || *length == '\0' || strcmp(length, "0") == 0 ||
	    cgi_value(vars, "HTTP_CONTENT_LENGTH") != NULL)
		return;
	add(h, "Content-Length: ");
	add(h, length);
	add(h, "\r\n");
}

/* Of these, a line break would be read as the head's. */
static bool
is_broken(char *const *vars)
{
	static const char *const names[] = { "REQUEST_METHOD", "REQUEST_URI",
		"QUERY_STRING", "SERVER_PROTOCOL", "SERVER_NAME", "SERVER_PORT",
		"CONTENT_LENGTH" };
	const char *value;

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		if ((value = cgi_value(vars, names[i])) != NULL &&
		    has_line_break(value))
			return true;
	return false;
}

int
cgi_head(struct buf *out, char *const *vars, const char **why)
{
	struct head h = { .to = out };
	int status;

	*why = "a CGI variable holds a line break";
	if (is_broken(vars))
		return 400;
	add(&h, cgi_value(vars, "REQUEST_METHOD"));
	add(&h, " ");
	add_target(&h, vars);
	add(&h, " ");
	add(&h, cgi_value(vars, "SERVER_PROTOCOL"));
	add(&h, "\r\n");
	add_host(&h, vars);
	add_length(&h, vars);
	if ((status = add_fields(&h, vars, why)) != 0)
		return status;
	add(&h, "\r\n");
	*why = "no memory";
	return h.full ? 503 : 0;
}
