/*
 * console.c - the page needs nothing beside itself, and is told so: it loads
 * nothing, and nobody may put it into a frame.
 */

#include <stdio.h>
#include <string.h>

#include "console.h"

void
console_answer(struct talk *t)
{
	char head[1024];

	snprintf(head, sizeof(head),
	    "Content-Type: text/html; charset=utf-8\r\n"
	    "Content-Length: %zu\r\n"
	    "Cache-Control: no-store\r\n"
	    "Content-Security-Policy: default-src 'none'; "
	    "script-src 'unsafe-inline'; style-src 'unsafe-inline'; "
	    "img-src data:; connect-src ws: wss:; form-action 'none'; "
	    "base-uri 'none'; frame-ancestors 'none'\r\n"
	    "X-Content-Type-Options: nosniff\r\n",
	    console_html_size);
	if (ws_answer(t->ws, 200, head) == 0 &&
	    strcmp(ws_method(t->ws), "HEAD") != 0)
		ws_answer_data(t->ws, console_html, console_html_size);
}
