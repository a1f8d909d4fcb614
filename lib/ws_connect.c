/*
 * ws_connect.c - the client's handshake: RFC 6455 4.1.
 */

#include <stdlib.h>
#include <string.h>

#include "conn.h"
#include "handshake.h"

static int
connect_ask(struct ws *ws, struct handshake_request *r)
{
	uint8_t nonce[HANDSHAKE_NONCE];

	arc4random_buf(nonce, sizeof(nonce));
	if (handshake_request(&ws->out, r, nonce) == -1) {
		buf_free(&ws->out);
		return conn_fail(ws, WS_ABNORMAL,
		    "no memory for the handshake");
	}
	conn_seen_head(ws, true, buf_head(&ws->out), ws->out.len);
	return conn_flush(ws);
}

static int
connect_answer(struct ws *ws, const struct handshake_request *r)
{
	const char *why = NULL, *protocol;
	int status;

	if (conn_head(ws, &status, &why) == -1) {
		if (conn_failed(ws))
			return -1;
		return conn_fail(ws, WS_ABNORMAL, "no handshake: %s", why);
	}
	if (http_response(ws->http, ws->head, &why) != 0)
		return conn_fail(ws, WS_ABNORMAL, "no handshake: %s", why);
	ws->info.status = ws->http->status;
	if (handshake_verify(r, ws->http, &protocol, &why) == -1 ||
	    conn_deflate_answered(ws, &why) == -1)
		return conn_fail(ws, WS_ABNORMAL, "no handshake: %s (%d)", why,
		    ws->http->status);
	conn_open(ws, 101, protocol);
	return 0;
}

int
ws_connect(struct ws *ws, const char *host, const char *target,
    const char *protocols, const char *origin)
{
	char extensions[PMD_TEXT];
	struct handshake_request r = {
		.host = host,
		.target = target,
		.protocols = protocols,
		.extensions = extensions,
		.origin = origin,
	};

	if (conn_failed(ws))
		return -1;
	ws->client = true;
	ws->get.masked = false;
	conn_deflate_offer(ws, extensions);
	if (connect_ask(ws, &r) == -1)
		return -1;
	return connect_answer(ws, &r);
}
