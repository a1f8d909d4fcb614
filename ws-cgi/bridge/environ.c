/*
 * environ.c - variables for a program.  Promises that no name and no value is
 * there which the list or RFC 3875 does not know, whatever the client sent.
 */

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "admit/verdict.h"
#include "arrive/client.h"
#include "ascii.h"
#include "environ.h"
#include "version.h"
#include "which.h"

/* What has done the TLS in front of us says of it. */
static const char *const of_tls[] = { "SSL_" };

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

enum {
	LONGEST = 128, /* bytes of a header field's variable's name, and "=" */
	FEW = 40 /* variables, to which there are pointers in lent memory */
};

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))

/* What is being made: whole variables, and perhaps a part of the next one. */
struct variables {
	struct buf *text;
	size_t whole; /* bytes of the text */
	bool failed;
};

static void
add(struct variables *e, const char *p, size_t len)
{
	if (buf_add(e->text, p, len) == -1)
		e->failed = true;
}

static void
add_string(struct variables *e, const char *s)
{
	add(e, s, strlen(s));
}

/* The variable is whole, if there was memory for all of it. */
static void
keep(struct variables *e)
{
	add(e, "", 1);
	if (!e->failed)
		e->whole = e->text->len;
}

/* What a shell of 2014 would run is left out. */
static bool
is_code(const char *value)
{
	return strncmp(value, "() {", 4) == 0;
}

static void
set(struct variables *e, const char *name, const char *value)
{
	if (is_code(value))
		return;
	add_string(e, name);
	add(e, "=", 1);
	add_string(e, value);
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
	const size_t len = strcspn(variable, "=") + 1;
	const char *p = (const char *)buf_head(e->text);

	for (size_t at = 0; at < e->whole; at += strlen(p + at) + 1)
		if (strncmp(p + at, variable, len) == 0)
			return true;
	return false;
}

static void
add_new(struct variables *e, const char *variable)
{
	if (is_there(e, variable))
		return;
	add_string(e, variable);
	keep(e);
}

static void
set_tls(struct variables *e)
{
	for (char **v = environ; *v != NULL; v++)
		if (is_among(*v, of_tls, COUNT(of_tls)))
			add_new(e, *v);
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

	if (named)
		set_client(e, a);
	for (char *const *v = a->vars; *v != NULL; v++) {
		const char *equals = strchr(*v, '=');

		if (equals != NULL && !is_code(equals + 1) &&
		    is_among(*v, told, COUNT(told)) &&
		    !(named && strncmp(*v, "REMOTE_PORT=", 12) == 0))
			add_new(e, *v);
	}
}

static void
set_read(struct variables *e, const struct talk *t)
{
	const struct request *r = &t->request;

	set(e, "SERVER_SOFTWARE", "ws-cgi/" WS_CGI_VERSION);
	set(e, "SERVER_PROTOCOL", "HTTP/1.1");
	set(e, "REQUEST_METHOD", ws_method(t->ws));
	set(e, "REQUEST_URI", r->uri);
	set(e, "SCRIPT_NAME", "");
	set(e, "PATH_INFO", r->path);
	set(e, "QUERY_STRING", r->query);
	set(e, "SERVER_NAME", r->host);
	set(e, "SERVER_PORT", server_port(t));
	set(e, "SERVER_ADDR", t->arrival->server.address);
	set_client(e, t->arrival);
	if (t->arrival->tls)
		set_tls(e);
}

/* Names that nobody else sets, but who may inherit them. */
static void
set_admitted(struct variables *e, const struct verdict *v)
{
	for (size_t i = 0; v != NULL && i < v->variables; i++)
		add_new(e, v->variable[i]);
}

static void
set_request(struct variables *e, const struct talk *t)
{
	set(e, "GATEWAY_INTERFACE", "CGI/1.1");
	if (t->arrival->user != NULL) {
		set(e, "AUTH_TYPE", t->arrival->auth);
		set(e, "REMOTE_USER", t->arrival->user);
	}
	if (t->arrival->vars != NULL)
		set_told(e, t->arrival);
	else
		set_read(e, t);
	if (t->protocol != NULL)
		set(e, "WS_PROTOCOL", t->protocol);
	set_admitted(e, t->verdict);
}

static bool
is_withheld(const struct arrival *a, const char *name)
{
	if (a->withheld != NULL && ascii_same(name, a->withheld))
		return true;
	for (size_t i = 0; i < COUNT(withheld); i++)
		if (ascii_same(name, withheld[i]))
			return true;
	return false;
}

/* "Sec-WebSocket-Key" is HTTP_SEC_WEBSOCKET_KEY: letters, digits and "_". */
static bool
add_name(struct variables *e, const char *field)
{
	add_string(e, "HTTP_");
	for (; *field != '\0'; field++) {
		char c = *field;

		if (c >= 'a' && c <= 'z')
			c = (char)(c - 'a' + 'A');
		else if (c == '-')
			c = '_';
		else if (!(c >= 'A' && c <= 'Z') && !(c >= '0' && c <= '9'))
			return false;
		add(e, &c, 1);
	}
	return e->text->len - e->whole < LONGEST;
}

/* All values of a field, joined: RFC 3875 4.1.18; cookies by RFC 6265 5.4. */
static void
add_values(struct variables *e, const struct ws *ws, const char *name)
{
	const char *with = ascii_same(name, "Cookie") ? "; " : ", ";
	const char *value, *field, *before = "=";

	for (size_t i = 0; (field = ws_header_at(ws, i, &value)) != NULL; i++) {
		if (!ascii_same(field, name))
			continue;
		add_string(e, before);
		add_string(e, value);
		before = with;
	}
}

/* What is no whole variable is taken back. */
static void
undo(struct variables *e)
{
	buf_cut(e->text, e->text->len - e->whole);
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
set_headers(struct variables *e, const struct talk *t)
{
	const struct ws *ws = t->ws;
	const char *field, *value;

	for (size_t i = 0; (field = ws_header_at(ws, i, &value)) != NULL; i++) {
		if (is_withheld(t->arrival, field) || !is_first(ws, i, field) ||
		    is_code(value))
			continue;
		if (add_name(e, field)) {
			add_values(e, ws, field);
			keep(e);
		} else {
			undo(e);
		}
	}
}

void
environ_lend(struct environ *e, void *memory, size_t size)
{
	const size_t pointers = FEW * sizeof(char *);

	*e = (struct environ){ 0 };
	if (size <= pointers)
		return;
	buf_lend(&e->pointer, memory, pointers);
	buf_lend(&e->text, (char *)memory + pointers, size - pointers);
}

/* A pointer to each variable, and a NULL.  Returns 0, or -1 without memory. */
static int
point(struct buf *to, const struct variables *e)
{
	char *p = (char *)buf_head(e->text);
	const char *end = p + e->whole;

	for (; p != end; p += strlen(p) + 1)
		if (buf_add(to, &p, sizeof(p)) == -1)
			return -1;
	p = NULL;
	return buf_add(to, &p, sizeof(p));
}

/* The text does not move any more. */
static char **
finish(struct environ *memory, const struct variables *e)
{
	if (!e->failed && point(&memory->pointer, e) == 0)
		return (void *)buf_head(&memory->pointer);
	environ_free(memory);
	return NULL;
}

char **
environ_make(struct environ *memory, const struct talk *t,
    const struct bridge_conf *conf)
{
	struct variables e = { .text = &memory->text };

	set_request(&e, t);
	set_headers(&e, t);
	if (conf->unbuffered)
		set_unbuffered(&e);
	set_inherited(&e, &conf->allow, t->arrival->vars);
	return finish(memory, &e);
}

/* RFC 3875 4.1.18 means programs that have nothing to decide. */
char **
environ_ask(struct environ *memory, const struct talk *t,
    const struct names *allow, bool credentials)
{
	struct variables e = { .text = &memory->text };
	const char *value = ws_header(t->ws, "Authorization");

	set_request(&e, t);
	set_headers(&e, t);
	if (credentials && value != NULL)
		set(&e, "HTTP_AUTHORIZATION", value);
	set_inherited(&e, allow, t->arrival->vars);
	return finish(memory, &e);
}

char **
environ_request(struct environ *memory, const struct talk *t)
{
	struct variables e = { .text = &memory->text };

	set_request(&e, t);
	set_headers(&e, t);
	return finish(memory, &e);
}

void
environ_free(struct environ *memory)
{
	buf_free(&memory->text);
	buf_free(&memory->pointer);
}
