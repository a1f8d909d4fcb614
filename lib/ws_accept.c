/*
 * ws_accept.c - the server's handshake: one request, read within one deadline,
 * and one answer.  Bytes behind the head wait to be frames; after any answer
 * but 101 they are never looked at.
 */

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "clock.h"
#include "conn.h"
#include "handshake.h"

void
conn_head_free(struct ws *ws)
{
	if (ws->head != ws->room && ws->head != ws->rest)
		free(ws->head);
	ws->head = NULL;
}

/* A NUL ends the head, which strings then point into. */
static int
head_keep(struct ws *ws, size_t size)
{
	conn_head_free(ws);
	ws->head = size < ws->room_size ? ws->room :
	    size < ws->rest_size	? ws->rest :
					  malloc(size + 1);
	if (ws->head == NULL)
		return -1;
	memcpy(ws->head, buf_head(&ws->in), size);
	ws->head[size] = '\0';
	buf_drop(&ws->in, size);
	ws->http = &ws->parsed;
	return 0;
}

/* The first byte of a TLS record that opens a connection: RFC 8446 5.1. */
static bool
head_is_tls(const struct ws *ws)
{
	return ws->in.len > 0 && *buf_head(&ws->in) == 22;
}

static int
head_cannot(int status, const char *reason, int *to, const char **why)
{
	*to = status;
	*why = reason;
	return -1;
}

/* Returns 0 for more bytes or none yet, or -1 as conn_head does. */
static int
head_read(struct ws *ws, int *status, const char **why)
{
	size_t size;
	uint8_t *room = conn_room(ws, &size);
	int left = clock_until(ws->deadline);
	ssize_t n;

	if (room == NULL)
		return head_cannot(503, "no memory", status, why);
	if (ws->conf.stop != NULL && *ws->conf.stop != 0)
		return head_cannot(503, "the service stops", status, why);
	if (left == 0)
		return head_cannot(408, "the handshake took too long", status,
		    why);
	n = wire_read(&ws->wire, room, size, left);
	if (n > 0) {
		buf_grow(&ws->in, (size_t)n);
		ws->info.spoke = true;
	}
	if (n > 0 || (n == -1 && (errno == EINTR || errno == ETIMEDOUT)))
		return 0;
	*status = 0;
	ws->info.silent = ws->in.len == 0 && (n == 0 || errno == ECONNRESET);
	if (n == -1)
		return conn_gone(ws, strerror(errno));
	if (ws->in.len == 0)
		return conn_gone(ws, "it sent no handshake");
	return conn_gone(ws, "it left within the handshake");
}

/*
 * Returns 0 with the size of the head that ws->in begins with, or -1.  What is
 * there is looked at first: it may be all, and read already.
 */
static int
head_find(struct ws *ws, size_t *size, int *status, const char **why)
{
	struct http_scan scan = { 0 };
	long end;

	for (;;) {
		if (head_is_tls(ws)) {
			ws->info.spoke = false;
			return head_cannot(400, "this port does not speak TLS",
			    status, why);
		}
		end =
		    http_end(&scan, buf_head(&ws->in), ws->in.len, status, why);
		if (end == -1)
			return -1;
		if (end > 0)
			break;
		if (head_read(ws, status, why) == -1)
			return -1;
	}
	*size = (size_t)end;
	return 0;
}

int
conn_head(struct ws *ws, int *status, const char **why)
{
	size_t size;

	if (head_find(ws, &size, status, why) == -1) {
		size = ws->in.len < HTTP_HEAD_MAX ? ws->in.len : HTTP_HEAD_MAX;
		conn_seen_head(ws, false, buf_head(&ws->in), size);
		return -1;
	}
	conn_seen_head(ws, false, buf_head(&ws->in), size);
	if (head_keep(ws, size) == -1)
		return head_cannot(503, "no memory", status, why);
	return 0;
}

int
ws_request(struct ws *ws)
{
	const char *why = NULL;
	int status = 0;

	if (conn_failed(ws))
		return -1;
	if (conn_head(ws, &status, &why) == -1) {
		if (conn_failed(ws) || status == 0)
			return -1;
		ws->http = NULL;
		return ws_refuse(ws, status, NULL, why);
	}
	if ((status = http_request(ws->http, ws->head, &why)) == 0)
		status = handshake_check(ws->http, &why);
	if (status != 0 && status != 101)
		return ws_refuse(ws, status, NULL, why);
	ws->handshake = status == 101;
	return ws->handshake;
}

const char *
ws_method(const struct ws *ws)
{
	return ws->http == NULL ? NULL : ws->http->method;
}

const char *
ws_target(const struct ws *ws)
{
	return ws->http == NULL ? NULL : ws->http->target;
}

const char *
ws_header(const struct ws *ws, const char *name)
{
	return ws->http == NULL ? NULL : http_value(ws->http, name);
}

size_t
ws_headers(const struct ws *ws)
{
	return ws->http == NULL ? 0 : ws->http->fields;
}

const char *
ws_header_at(const struct ws *ws, size_t i, const char **value)
{
	if (i >= ws_headers(ws))
		return NULL;
	*value = http_field_value(ws->http, i);
	return http_field_name(ws->http, i);
}

static int
accept_ready(struct ws *ws)
{
	if (conn_failed(ws))
		return -1;
	if (ws->http == NULL && ws_request(ws) == -1)
		return -1;
	if (!ws->handshake)
		return ws_refuse(ws, 426, NULL,
		    "this is a WebSocket service: ask for an upgrade");
	return 0;
}

static bool
is_among(const char *item, size_t len, const char *const *names, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (strlen(names[i]) == len && memcmp(names[i], item, len) == 0)
			return true;
	return false;
}

const char *
ws_choose(struct ws *ws, const char *const *names, size_t n)
{
	struct http_list l = { .name = "Sec-WebSocket-Protocol" };
	const char *item;
	size_t len;

	if (accept_ready(ws) == -1)
		return NULL;
	l.http = ws->http;
	while (http_list_next(&l, &item, &len))
		if (n == 0 || is_among(item, len, names, n)) {
			free(ws->chosen);
			if ((ws->chosen = strndup(item, len)) == NULL)
				ws_refuse(ws, 503, NULL, "no memory");
			return ws->chosen;
		}
	return NULL;
}

int
ws_accept(struct ws *ws, const char *protocol, const char *headers)
{
	char extensions[PMD_TEXT];

	if (accept_ready(ws) == -1)
		return -1;
	if (conn_deflate_agree(ws, extensions) == -1)
		return ws_refuse(ws, 503, NULL, "no memory");
	if (protocol != NULL && (ws->protocol = strdup(protocol)) == NULL)
		return ws_refuse(ws, 503, NULL, "no memory");
	if (handshake_accept(&ws->out, ws->form, ws->http, protocol, extensions,
		headers == NULL ? "" : headers) == -1) {
		buf_free(&ws->out);
		return ws_refuse(ws, 503, NULL, "no memory");
	}
	conn_seen_head(ws, true, buf_head(&ws->out), ws->out.len);
	conn_open(ws, 101, ws->protocol);
	return conn_flush(ws);
}

/* RFC 9110 9.3.2: an answer to HEAD is a head. */
static bool
asked_for_head(const struct ws *ws)
{
	return ws->http != NULL && ws->http->method != NULL &&
	    strcmp(ws->http->method, "HEAD") == 0;
}

static struct handshake_reply
reply(const struct ws *ws, int status, const char *headers)
{
	return (struct handshake_reply){
		.form = ws->form,
		.status = status,
		.date = time(NULL),
		.fields = headers == NULL ? "" : headers,
	};
}

int
ws_refuse(struct ws *ws, int status, const char *headers, const char *why)
{
	const struct handshake_reply r = reply(ws, status, headers);

	if (conn_failed(ws))
		return -1;
	ws->info.status = status;
	if (handshake_refuse(&ws->out, &r, why, !asked_for_head(ws)) == -1) {
		buf_free(&ws->out);
		return conn_fail(ws, WS_ABNORMAL, "no memory to say: %s", why);
	}
	conn_seen_head(ws, true, buf_head(&ws->out), ws->out.len);
	return conn_fail(ws, WS_ABNORMAL, "%s", why);
}

/* No answer is better than one without its beginning or its end. */
static int
answer_cannot(struct ws *ws)
{
	buf_free(&ws->out);
	return conn_fail(ws, WS_ABNORMAL, "no memory for an answer");
}

int
ws_answer(struct ws *ws, int status, const char *headers)
{
	const struct handshake_reply r = reply(ws, status, headers);

	if (conn_failed(ws))
		return -1;
	ws->info.status = status;
	if (handshake_head(&ws->out, &r) == -1)
		return answer_cannot(ws);
	conn_seen_head(ws, true, buf_head(&ws->out), ws->out.len);
	return 0;
}

int
ws_answer_data(struct ws *ws, const void *data, size_t len)
{
	if (conn_failed(ws))
		return -1;
	if (buf_add(&ws->out, data, len) == -1)
		return answer_cannot(ws);
	return ws->out.len > CONN_QUEUE ? conn_flush(ws) : 0;
}
