/*
 * fuzz_environ.c - whatever a client asks, or a web server says of it, each
 * variable that a program gets is one of those it may get, has a name of
 * capital letters, digits and "_", is there once, and names no proxy; and all of
 * them are no longer than what they were made of.
 */

#ifdef PLANTED
/* The bug: the case of letters matters to who withholds a field. */
#include <string.h>
#include "../../lib/ascii.h"
#define ascii_same(a, b) (strcmp(a, b) == 0)
#include "../../ws-cgi/bridge/environ.c"
#undef ascii_same
#endif

#include <sys/socket.h>
#include <unistd.h>

#include "arrive/client.h"
#include "arrive/webserver.h"
#include "bridge/environ.h"
#include "fuzz.h"

enum {
	VARIABLES = 1, /* flags: a web server's, a line each */
	LENT = 2,      /* there is some memory to begin with */
	HEAD = 4,      /* a head, else lines of one */
	INHERIT = 8,   /* what is set for nobody else is wanted */
	MOST = 200,    /* variables */
	FIXED = 2000   /* bytes of those that come from neither */
};

/* Of ourselves; what begins with WANTED is on the list. */
static char *ours[] = { "LD_PRELOAD=x", "IFS=x", "BASH_ENV=x", "ENV=x",
	"OPENSSL_CONF=x", "PATH=/bin", "HOME=/", "LC_ALL=C", "WANTED_TOO=x",
	"WANTED=x", "HTTP_PROXY=x", NULL };

/* What may be there, beside HTTP_*.  A name that ends in "_" is for all. */
static const char *const known[] = { "AUTH_TYPE", "DOCUMENT_ROOT",
	"GATEWAY_INTERFACE", "HOME", "HTTPS", "LC_", "PATH", "PATH_INFO",
	"PATH_TRANSLATED", "PYTHONUNBUFFERED", "QUERY_STRING", "REMOTE_ADDR",
	"REMOTE_HOST", "REMOTE_IDENT", "REMOTE_PORT", "REMOTE_USER",
	"REQUEST_METHOD", "REQUEST_SCHEME", "REQUEST_URI", "SCRIPT_FILENAME",
	"SCRIPT_NAME", "SERVER_ADDR", "SERVER_NAME", "SERVER_PORT",
	"SERVER_PROTOCOL", "SERVER_SOFTWARE", "SSL_", "TERM", "WS_PROTOCOL",
	"LANG", "USER", "LOGNAME", "TZ", "TMPDIR", "WANTED", "WANTED_" };

static const char *const never[] = { "HTTP_PROXY=", "HTTP_AUTHORIZATION=",
	"HTTP_PROXY_AUTHORIZATION=" };

static bool
is_known(const char *variable)
{
	for (size_t i = 0; i < sizeof(known) / sizeof(*known); i++) {
		const size_t len = strlen(known[i]);

		if (strncmp(variable, known[i], len) == 0 &&
		    (variable[len] == '=' || known[i][len - 1] == '_'))
			return true;
	}
	return strncmp(variable, "HTTP_", 5) == 0;
}

/* What a web server set may have any name behind a prefix on the list. */
static void
check_one(const char *variable, bool told)
{
	static const char letters[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_";
	const char *equals = strchr(variable, '=');

	must(equals != NULL && equals != variable);
	if (!told || strncmp(variable, "HTTP_", 5) == 0)
		must(variable + strspn(variable, letters) == equals);
	must(is_known(variable));
	must(strncmp(equals + 1, "() {", 4) != 0);
	for (size_t i = 0; i < sizeof(never) / sizeof(*never); i++)
		must(strncmp(variable, never[i], strlen(never[i])) != 0);
	if (!told)
		must(strpbrk(equals, "\r\n") == NULL ||
		    strncmp(variable, "PATH_INFO=", 10) == 0);
}

static void
check(char **vars, size_t most, bool told)
{
	size_t size = 0;

	for (char **v = vars; *v != NULL; v++) {
		const size_t name = strcspn(*v, "=") + 1;

		check_one(*v, told);
		size += strlen(*v) + 1;
		for (char **w = vars; w != v; w++)
			must(strncmp(*w, *v, name) != 0);
		if (!told && strncmp(*v, "REMOTE_ADDR=", 12) == 0)
			must(strcmp(*v, "REMOTE_ADDR=192.0.2.7") == 0);
	}
	must(size <= most);
}

/* A connection that has ended, but for what has been read of it. */
static struct ws *
connection(int *peer)
{
	struct ws_conf conf = { 0 };
	struct ws *ws;
	int fd[2];

	must(socketpair(AF_UNIX, SOCK_STREAM, 0, fd) == 0);
	close(fd[0]);
	*peer = conf.in = conf.out = fd[1];
	must((ws = ws_new(&conf)) != NULL);
	return ws;
}

static int
say_head(struct ws *ws, const struct input *in)
{
	static const char first[] =
	    "GET /a?b HTTP/1.1\r\nHost: a\r\nUpgrade: websocket\r\n"
	    "Connection: upgrade\r\nSec-WebSocket-Version: 13\r\n"
	    "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n";

	if ((in->flags & HEAD) != 0)
		return ws_unread(ws, in->p, in->n);
	return ws_unread(ws, first, strlen(first)) == 0 &&
		ws_unread(ws, in->p, in->n) == 0 ?
	    ws_unread(ws, "\r\n\r\n", 4) :
	    -1;
}

/* Lines NAME=value, each name once, as arrive_clean leaves them. */
static void
cut(char *text, char *vars[MOST])
{
	size_t n = 0, i;
	char *line;

	while ((line = strsep(&text, "\n")) != NULL && n + 1 < MOST) {
		const size_t name = strcspn(line, "=") + 1;

		for (i = 0; i < n; i++)
			if (strncmp(vars[i], line, name) == 0)
				break;
		if (i == n && line[name - 1] == '=' && name > 1)
			vars[n++] = line;
	}
	vars[n] = NULL;
}

static void
make(const struct input *in, struct talk *t, const struct bridge_conf *conf)
{
	static void *memory[200];
	struct environ e = { 0 };
	const char *why;
	char **vars;

	if (ws_request(t->ws) == -1 ||
	    request_read(&t->request, t->ws, &why) != 0)
		return;
	if ((in->flags & LENT) != 0)
		environ_lend(&e, memory, sizeof(memory));
	vars = (in->flags & INHERIT) != 0 ? environ_make(&e, t, conf) :
					    environ_request(&e, t);
	must(vars != NULL);
	check(vars, 5 * in->n + FIXED, t->arrival->vars != NULL);
	environ_free(&e);
}

/* The request's memory is its process's. */
static void
forget(struct talk *t, int peer)
{
	if (t->request.uri != NULL && t->request.uri != t->request.room)
		free(t->request.uri);
	ws_close(t->ws, 0, NULL);
	ws_free(t->ws);
	close(peer);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const char *names[] = { "WANTED", "WANTED_*" };
	const struct bridge_conf conf = {
		.allow = { .name = names, .count = 2 },
		.unbuffered = true,
	};
	struct arrival a = { .peer.address = "192.0.2.7" };
	struct talk t = { .arrival = &a };
	char *vars[MOST], *text;
	struct input in;
	int peer, r;

	environ = ours;
	if (!input_read(&in, data, size))
		return 0;
	text = strndup((const char *)in.p, in.n);
	must(text != NULL);
	t.ws = connection(&peer);
	if ((in.flags & VARIABLES) != 0) {
		cut(text, vars);
		webserver_take(&a, vars);
		r = ws_cgi(t.ws, vars, WS_RAW);
	} else {
		r = say_head(t.ws, &in);
	}
	client_begin(&a);
	if (r == 0)
		make(&in, &t, &conf);
	forget(&t, peer);
	free(text);
	return 0;
}
