/*
 * environ.c - variables for a program.  Promises that no name and no value is
 * there which the list or RFC 3875 does not know, whatever the client sent.
 */

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "arrive/client.h"
#include "ascii.h"
#include "environ.h"
#include "version.h"
#include "which.h"

/* What a program may inherit.  A name that ends in "_" stands for all such. */
static const char *const inherited[] = { "PATH", "HOME", "USER", "LOGNAME",
	"LANG", "LC_", "TZ", "TMPDIR" };

/*
 * What a web server says of a request, RFC 3875 4.1 and what is usual, beside
 * the header fields.  A name that ends in "_" stands for all such.
 */
static const char *const told[] = { "AUTH_TYPE", "DOCUMENT_ROOT", "HTTPS",
	"PATH_INFO", "PATH_TRANSLATED", "QUERY_STRING", "REMOTE_ADDR",
	"REMOTE_HOST", "REMOTE_IDENT", "REMOTE_PORT", "REMOTE_USER",
	"REQUEST_METHOD", "REQUEST_SCHEME", "REQUEST_URI", "SCRIPT_FILENAME",
	"SCRIPT_NAME", "SERVER_ADDR", "SERVER_NAME", "SERVER_PORT",
	"SERVER_PROTOCOL", "SERVER_SOFTWARE", "SSL_" };

/*
 * Header fields that become no variable: Proxy, since HTTP_PROXY means something
 * else to many programs (httpoxy), and credentials, RFC 3875 4.1.18.
 */
static const char *const withheld[] = { "Proxy", "Authorization",
	"Proxy-Authorization" };

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))

struct variables {
	char **v;
	size_t n, size;
	bool failed;
};

/* Where the next one goes, and a NULL behind it; or NULL without memory. */
static char **
slot(struct variables *e)
{
	char **v;

	if (e->n + 1 >= e->size) {
		v = realloc(e->v, (e->size + 64) * sizeof(*v));
		if (v == NULL) {
			e->failed = true;
			return NULL;
		}
		e->v = v;
		e->size += 64;
	}
	e->v[e->n] = e->v[e->n + 1] = NULL;
	return &e->v[e->n];
}

/* It stays, if it could be made. */
static void
keep(struct variables *e)
{
	if (e->v[e->n] == NULL)
		e->failed = true;
	else
		e->n++;
}

/* A value that a shell of 2014 would run as code is left out. */
static void
set(struct variables *e, const char *name, const char *value)
{
	char **at;

	if (value == NULL || strncmp(value, "() {", 4) == 0 ||
	    (at = slot(e)) == NULL)
		return;
	if (asprintf(at, "%s=%s", name, value) == -1)
		*at = NULL;
	keep(e);
}

/* Is the variable NAME=value this NAME, or one of PREFIX_*? */
static bool
is_allowed(const char *variable, const char *allowed)
{
	size_t len = strcspn(allowed, "*");

	return strncmp(variable, allowed, len) == 0 &&
	    (allowed[len] == '*' || variable[len] == '=');
}

/* Is it one of these names, or does it begin with one that ends in "_"? */
static bool
is_among(const char *variable, const char *const names[], size_t n)
{
	for (size_t i = 0; i < n; i++) {
		size_t len = strlen(names[i]);

		if (strncmp(variable, names[i], len) == 0 &&
		    (names[i][len - 1] == '_' || variable[len] == '='))
			return true;
	}
	return false;
}

static bool
is_wanted(const char *variable, const struct names *allow)
{
	for (size_t i = 0; i < allow->count; i++)
		if (is_allowed(variable, allow->name[i]))
			return true;
	return false;
}

/* What the connection has set stands: nobody may pass for it. */
static bool
is_there(const struct variables *e, const char *variable)
{
	size_t len = strcspn(variable, "=") + 1;

	for (size_t i = 0; i < e->n; i++)
		if (strncmp(e->v[i], variable, len) == 0)
			return true;
	return false;
}

static void
add_new(struct variables *e, const char *variable)
{
	char **at;

	if (is_there(e, variable) || (at = slot(e)) == NULL)
		return;
	*at = strdup(variable);
	keep(e);
}

/* What a web server sets beside the request is wanted by name alone. */
static void
set_inherited(struct variables *e, const struct names *allow, char *const *vars)
{
	for (char **v = environ; *v != NULL; v++)
		if (is_among(*v, inherited, COUNT(inherited)) ||
		    is_wanted(*v, allow))
			add_new(e, *v);
	for (; vars != NULL && *vars != NULL; vars++)
		if (is_wanted(*vars, allow))
			add_new(e, *vars);
	if (getenv("PATH") == NULL)
		set(e, "PATH", WHICH_PATH);
}

/* For who looks at more than whether its output is a terminal. */
static void
set_unbuffered(struct variables *e)
{
	set(e, "TERM", "dumb");
	set(e, "PYTHONUNBUFFERED", "1");
}

/* Where nobody has said whether it came by TLS, nothing is said. */
static void
set_scheme(struct variables *e, enum scheme scheme)
{
	if (scheme == SCHEME_TLS)
		set(e, "HTTPS", "on");
	if (scheme != SCHEME_UNKNOWN)
		set(e, "REQUEST_SCHEME",
		    scheme == SCHEME_TLS ? "https" : "http");
}

static const char *
server_port(const struct talk *t)
{
	const struct arrival *a = t->arrival;

	if (*t->request.port != '\0')
		return t->request.port;
	if (a->scheme != SCHEME_UNKNOWN)
		return a->scheme == SCHEME_TLS ? "443" : "80";
	return *a->server.port != '\0' ? a->server.port : "80";
}

static void
set_client(struct variables *e, const struct arrival *a)
{
	set(e, "REMOTE_ADDR", a->client.address);
	set(e, "REMOTE_HOST", a->client.address);
	if (*a->client.port != '\0')
		set(e, "REMOTE_PORT", a->client.port);
	set_scheme(e, a->scheme);
}

/*
 * As it was told: for a value that a shell would run, see set.  But a proxy
 * may have named another client than the web server sees.
 */
static void
set_told(struct variables *e, const struct arrival *a)
{
	const bool named = client_is_named(a);
	char *const *vars = a->vars;
	char name[128];
	size_t len;

	if (named)
		set_client(e, a);
	for (; *vars != NULL; vars++) {
		len = strcspn(*vars, "=");
		if (!is_among(*vars, told, COUNT(told)) ||
		    (named && strncmp(*vars, "REMOTE_PORT=", 12) == 0) ||
		    len >= sizeof(name) || is_there(e, *vars))
			continue;
		memcpy(name, *vars, len);
		name[len] = '\0';
		set(e, name, *vars + len + 1);
	}
}

static void
set_read(struct variables *e, const struct talk *t)
{
	const struct request *r = &t->request;

	set(e, "SERVER_SOFTWARE", "ws-cgi/" WS_CGI_VERSION);
	set(e, "SERVER_PROTOCOL", "HTTP/1.1");
	set(e, "REQUEST_METHOD", "GET");
	set(e, "REQUEST_URI", r->uri);
	set(e, "SCRIPT_NAME", "");
	set(e, "PATH_INFO", r->path);
	set(e, "QUERY_STRING", r->query);
	set(e, "SERVER_NAME", r->host);
	set(e, "SERVER_PORT", server_port(t));
	set(e, "SERVER_ADDR", t->arrival->server.address);
	set_client(e, t->arrival);
}

static void
set_request(struct variables *e, const struct talk *t)
{
	set(e, "GATEWAY_INTERFACE", "CGI/1.1");
	if (t->arrival->vars != NULL)
		set_told(e, t->arrival);
	else
		set_read(e, t);
	if (t->protocol != NULL)
		set(e, "WS_PROTOCOL", t->protocol);
}

static bool
is_withheld(const char *name)
{
	for (size_t i = 0; i < COUNT(withheld); i++)
		if (ascii_same(name, withheld[i]))
			return true;
	return false;
}

/* "Sec-WebSocket-Key" is HTTP_SEC_WEBSOCKET_KEY: letters, digits and "_". */
static bool
variable_name(char *out, size_t size, const char *field)
{
	size_t n = (size_t)snprintf(out, size, "HTTP_");

	for (; *field != '\0' && n + 1 < size; field++) {
		char c = *field;

		if (c >= 'a' && c <= 'z')
			c = (char)(c - 'a' + 'A');
		else if (c == '-')
			c = '_';
		else if (!(c >= 'A' && c <= 'Z') && !(c >= '0' && c <= '9'))
			return false;
		out[n++] = c;
	}
	out[n] = '\0';
	return *field == '\0';
}

/* All values of a field, joined: RFC 3875 4.1.18; cookies by RFC 6265 5.4. */
static char *
join(const struct ws *ws, const char *name)
{
	const char *with = ascii_same(name, "Cookie") ? "; " : ", ";
	const char *value, *field;
	char *all = NULL, *longer;

	for (size_t i = 0; (field = ws_header_at(ws, i, &value)) != NULL; i++) {
		if (!ascii_same(field, name))
			continue;
		if (asprintf(&longer, "%s%s%s", all == NULL ? "" : all,
			all == NULL ? "" : with, value) == -1)
			longer = NULL;
		free(all);
		if ((all = longer) == NULL)
			return NULL;
	}
	return all;
}

static bool
is_first(const struct ws *ws, size_t at, const char *name)
{
	const char *value;

	for (size_t i = 0; i < at; i++)
		if (ascii_same(ws_header_at(ws, i, &value), name))
			return false;
	return true;
}

static void
set_headers(struct variables *e, const struct ws *ws)
{
	const char *field, *value;
	char name[128], *all;

	for (size_t i = 0; (field = ws_header_at(ws, i, &value)) != NULL; i++) {
		if (is_withheld(field) || !is_first(ws, i, field) ||
		    !variable_name(name, sizeof(name), field))
			continue;
		if ((all = join(ws, field)) == NULL)
			e->failed = true;
		set(e, name, all);
		free(all);
	}
}

static char **
finish(struct variables *e)
{
	if (!e->failed)
		return e->v;
	environ_free(e->v);
	return NULL;
}

char **
environ_make(const struct talk *t, const struct bridge_conf *conf)
{
	struct variables e = { 0 };

	set_request(&e, t);
	set_headers(&e, t->ws);
	if (conf->unbuffered)
		set_unbuffered(&e);
	set_inherited(&e, &conf->allow, t->arrival->vars);
	return finish(&e);
}

char **
environ_request(const struct talk *t)
{
	struct variables e = { 0 };

	set_request(&e, t);
	set_headers(&e, t->ws);
	return finish(&e);
}

void
environ_free(char **v)
{
	for (char **p = v; p != NULL && *p != NULL; p++)
		free(*p);
	free(v);
}
