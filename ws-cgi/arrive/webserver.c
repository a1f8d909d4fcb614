/*
 * webserver.c - what web servers do to CGI programs: which of them hand over a
 * WebSocket, how to tell, and what to do about the others.
 */

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "ascii.h"
#include "cgi.h"
#include "clock.h"
#include "sink.h"
#include "webserver.h"

enum {
	PATIENCE = 50, /* ms in which all servers that end the input have */
	EARLY = 16384, /* bytes taken at once of what came with the request */
	NAME = 64      /* bytes shown of a server's name */
};

/* What a program hears of the client: all, or nothing, or it has to listen. */
enum hears { ALL, NOTHING, PERHAPS };

/* By the beginning of SERVER_SOFTWARE. */
static const struct webserver {
	const char *name;
	enum hears hears;
	const char *advice;
} webservers[] = {
	{ "lighttpd", ALL, "with lighttpd, set cgi.upgrade = \"enable\"" },
	{ "bozohttpd", ALL, "" },
	{ "Apache", PERHAPS,
	    "Apache passes no WebSocket to a CGI program: let it proxy to "
	    "ws-cgi --listen, by ProxyPass with upgrade=websocket" },
	{ "nginx", PERHAPS,
	    "nginx passes none to FastCGI: use scgi_pass to ws-cgi --receive, "
	    "or proxy_pass to ws-cgi --listen" },
	{ "Caddy", PERHAPS,
	    "Caddy passes none to FastCGI: use reverse_proxy to ws-cgi "
	    "--listen" },
	{ "uWSGI", NOTHING,
	    "uWSGI passes none to a CGI program: let what is in front of it "
	    "proxy to ws-cgi --listen" },
};

/* For all others; those of the thttpd family do not even pass on the key. */
static const struct webserver other = { "", PERHAPS,
	"few servers pass a WebSocket to a CGI program, lighttpd and bozohttpd "
	"among them: let this one, or one that can, proxy to ws-cgi "
	"--listen" };

static const struct webserver *
webserver_of(char *const *vars)
{
	const char *name = cgi_value(vars, "SERVER_SOFTWARE");

	for (size_t i = 0; i < sizeof(webservers) / sizeof(*webservers); i++)
		if (name != NULL &&
		    ascii_same_n(name, webservers[i].name,
			strlen(webservers[i].name)))
			return &webservers[i];
	return &other;
}

bool
webserver_is_there(void)
{
	return getenv("GATEWAY_INTERFACE") != NULL ||
	    getenv("REQUEST_METHOD") != NULL;
}

bool
webserver_vouches(void)
{
	const char *argv = getenv("WS_CGI_ARGV");

	return argv != NULL && strcmp(argv, "1") == 0;
}

static void
copy(char *out, size_t size, const char *value)
{
	snprintf(out, size, "%s", value == NULL ? "" : value);
}

/* An empty address is that of a client that nobody knows. */
static void
name_end(struct endpoint *e, char *const *vars, const char *address,
    const char *port)
{
	const char *text = cgi_value(vars, address);

	copy(e->address, sizeof(e->address),
	    text == NULL || *text == '\0' ? "unknown" : text);
	copy(e->port, sizeof(e->port), cgi_value(vars, port));
	e->local = false;
}

void
webserver_take(struct arrival *a, char *const *vars)
{
	const char *https = cgi_value(vars, "HTTPS");

	a->vars = vars;
	name_end(&a->peer, vars, "REMOTE_ADDR", "REMOTE_PORT");
	name_end(&a->local, vars, "SERVER_ADDR", "SERVER_PORT");
	if (https != NULL && ascii_same(https, "on"))
		a->scheme = SCHEME_TLS; /* without it, a proxy may have it */
}

/* RFC 3875 5: what a program of such a name writes goes out as it is. */
static bool
is_nph(char *const *vars)
{
	const char *path = cgi_value(vars, "SCRIPT_NAME");
	const char *name = path == NULL ? NULL : strrchr(path, '/');

	return name != NULL && strncmp(name + 1, "nph-", 4) == 0;
}

/* Returns false at the end of the input. */
static bool
take_early(struct arrival *a)
{
	uint8_t *room = buf_room(&a->early, EARLY);
	ssize_t n;

	if (room == NULL)
		return false;
	n = read(a->in, room, EARLY);
	if (n > 0)
		buf_grow(&a->early, (size_t)n);
	return n > 0 || (n == -1 && (errno == EINTR || errno == EAGAIN));
}

/*
 * A server that does not hand over ends the input, at once or a few ms later;
 * perhaps after what it had read together with the request.
 */
static bool
is_deaf(struct arrival *a)
{
	const int64_t until = clock_in(PATIENCE);
	struct pollfd pfd = { .fd = a->in, .events = POLLIN };

	while (clock_until(until) > 0 && a->early.len < EARLY)
		if (poll(&pfd, 1, clock_until(until)) == 1 && !take_early(a))
			return true;
	return false;
}

int
arrive_cgi(struct arrival *a)
{
	enum hears hears;

	*a = (struct arrival){
		.in = STDIN_FILENO,
		.out = STDOUT_FILENO,
		.cgi = true,
	};
	sink_closefrom(STDERR_FILENO + 1);
	webserver_take(a, environ);
	a->parsed = !is_nph(a->vars);
	if ((hears = webserver_of(a->vars)->hears) != ALL)
		a->deaf = hears == NOTHING || is_deaf(a);
	return 0;
}

const char *
webserver_fault(const struct arrival *a)
{
	if (!a->cgi || webserver_of(a->vars)->hears == ALL)
		return NULL;
	if (cgi_value(a->vars, "HTTP_SEC_WEBSOCKET_KEY") == NULL)
		return "no Sec-WebSocket-Key comes through the web server";
	return a->deaf ?
	    "what the client says does not come through the web server" :
	    NULL;
}

void
webserver_explain(const struct arrival *a, const char *fault, char *text,
    size_t size)
{
	const char *name = cgi_value(a->vars, "SERVER_SOFTWARE");

	if (name == NULL || *name == '\0')
		name = "it does not say its name";
	snprintf(text, size, "%s (%.*s); %s", fault, NAME, name,
	    webserver_advice(a));
}

const char *
webserver_advice(const struct arrival *a)
{
	return a->vars == NULL ? "" : webserver_of(a->vars)->advice;
}
