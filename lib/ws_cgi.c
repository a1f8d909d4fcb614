/*
 * ws_cgi.c - what others have read: it goes to where it would be had we read
 * it ourselves.
 */

#include <string.h>

#include "cgi.h"
#include "conn.h"

int
ws_unread(struct ws *ws, const void *data, size_t len)
{
	if (conn_failed(ws))
		return -1;
	if (buf_add(&ws->in, data, len) == -1)
		return conn_fail(ws, WS_ABNORMAL, "no memory");
	return 0;
}

/* The head comes before all that has been read behind it. */
static int
put_first(struct ws *ws, struct buf *head)
{
	const int r =
	    ws->in.len == 0 ? 0 : buf_add(head, buf_head(&ws->in), ws->in.len);

	if (r == -1)
		return -1;
	buf_free(&ws->in);
	ws->in = *head;
	*head = (struct buf){ 0 };
	return 0;
}

int
ws_cgi(struct ws *ws, char *const *vars, enum ws_server who)
{
	struct buf head = { 0 };
	const char *why;
	int status;

	if (conn_failed(ws))
		return -1;
	ws->form = who == WS_PARSED ? HANDSHAKE_CGI : HANDSHAKE_HTTP;
	status = cgi_head(&head, vars, &why);
	if (status == 0 && put_first(ws, &head) == -1)
		status = 503;
	buf_free(&head);
	return status == 0 ? 0 : ws_refuse(ws, status, NULL, why);
}
