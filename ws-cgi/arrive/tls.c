/*
 * tls.c - the word of who has done the TLS, in the environment.
 */

#include <stdlib.h>

#include "tls.h"

/* Other programs of this kind set but the first of these. */
void
tls_take(struct arrival *a)
{
	const char *text = getenv("WS_TLS");
	char *end;

	if (!a->peer.local && text == NULL)
		return;
	a->tls = getenv("SSL_PROTOCOL") != NULL;
	if (text != NULL) {
		a->until = strtoll(text, &end, 10);
		a->listened = strtol(end, &end, 10) == 1;
		a->redirect = (int)strtol(end, NULL, 10);
		a->scheme = SCHEME_PLAIN;
	}
	if (a->tls)
		a->scheme = SCHEME_TLS;
	unsetenv("WS_TLS");
}
