/*
 * preface.c - the PROXY header off the connection.  It is read in pieces that
 * certainly belong to it, which a pipe allows as well as a socket.
 */

#include <errno.h>
#include <string.h>

#include "client.h"
#include "clock.h"
#include "exits.h"
#include "log.h"
#include "preface.h"
#include "proxy.h"
#include "signals.h"
#include "wire.h"

struct preface {
	struct wire wire;
	const struct ws_conf *conf;
	int64_t until;
	uint8_t head[PROXY_MAX];
	size_t len;
	const char *why; /* it failed; NULL: that is nobody's concern */
};

/* Returns 0 for up to size more bytes, or an exit status. */
static int
read_more(struct preface *f, size_t size)
{
	const int left = clock_until(f->until);
	ssize_t n;

	signals_answer();
	f->why = NULL;
	if (f->conf->stop != NULL && *f->conf->stop != 0)
		return EXIT_NOBODY;
	f->why = "no whole PROXY header in time";
	if (left == 0)
		return EXIT_PEER;
	n = wire_read(&f->wire, f->head + f->len, size, left);
	if (n > 0)
		f->len += (size_t)n;
	if (n > 0 || (n == -1 && (errno == EINTR || errno == ETIMEDOUT)))
		return 0;
	f->why = "a PROXY header that is cut off";
	if (n == -1 && errno != ECONNRESET)
		f->why = strerror(errno);
	else if (f->len == 0)
		f->why = NULL;
	return EXIT_PEER;
}

/* Returns 0 with the whole header, or an exit status. */
static int
read_header(struct preface *f, struct proxy *h)
{
	size_t want;
	long size;
	int status;

	while ((size = proxy_read(h, f->head, f->len, &want, &f->why)) == 0)
		if ((status = read_more(f, want)) != 0)
			return status;
	return size == -1 ? EXIT_PEER : 0;
}

static void
believe(struct arrival *a, const struct proxy *h)
{
	if (h->tells_tls)
		a->scheme = h->tls ? SCHEME_TLS : SCHEME_PLAIN;
	if (!h->known)
		return;
	endpoint_name(&a->client, &h->from);
	endpoint_name(&a->server, &h->to);
}

static int
refuse(const struct arrival *a, int status, const char *why)
{
	char text[CLIENT_TEXT];

	if (why != NULL)
		log_line("%s: %s", client_text(a, text), why);
	return status;
}

int
preface_read(struct arrival *a, const struct trust *t,
    const struct ws_conf *conf)
{
	struct preface f = { .conf = conf };
	struct proxy h;
	int status;

	if (!client_is_proxy(t, &a->peer))
		return refuse(a, EXIT_PEER,
		    "it is not trusted with a PROXY header");
	if (wire_open(&f.wire, a->in, a->out) == -1)
		return refuse(a, EXIT_SYSTEM, strerror(errno));
	f.wire.sigmask = conf->sigmask;
	f.until = clock_in(conf->handshake);
	if ((status = read_header(&f, &h)) != 0)
		return refuse(a, status, f.why);
	believe(a, &h);
	return 0;
}
