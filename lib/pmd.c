/*
 * pmd.c - terms, read and weighed.  Promises that what is agreed is what RFC
 * 7692 allows; refuses to know how anything is compressed.
 */

#include <string.h>

#include "pmd.h"

static const char extension_name[] = "permessage-deflate";

static bool
is_word(const struct extension_slice *s, const char *word)
{
	return s->len == strlen(word) && memcmp(s->p, word, s->len) == 0;
}

/* "8" to "15".  Returns 0 for all else. */
static int
bits(const struct extension_slice *s)
{
	if (s->len == 1 && (s->p[0] == '8' || s->p[0] == '9'))
		return s->p[0] - '0';
	if (s->len == 2 && s->p[0] == '1' && s->p[1] >= '0' && s->p[1] <= '5')
		return 10 + s->p[1] - '0';
	return 0;
}

static bool
read_flag(bool *flag, const struct extension_slice *value)
{
	if (*flag || value->p != NULL)
		return false;
	*flag = true;
	return true;
}

static bool
read_window(struct pmd_way *way, const struct extension_slice *value, bool bare)
{
	if (way->said)
		return false;
	way->said = true;
	if (value->p == NULL)
		return bare;
	way->window = bits(value);
	return way->window != 0;
}

/* Each parameter at most once, with the value that it is to have. */
static bool
read_terms(struct pmd *terms, const struct extension *x, bool offer)
{
	*terms = (struct pmd){
		.server.window = PMD_FARTHEST,
		.client.window = PMD_FARTHEST,
	};
	for (size_t i = 0; i < x->params; i++) {
		const struct extension_slice *name = &x->param[i].name;
		const struct extension_slice *value = &x->param[i].value;
		bool good = false;

		if (is_word(name, "server_no_context_takeover"))
			good = read_flag(&terms->server.forget, value);
		else if (is_word(name, "client_no_context_takeover"))
			good = read_flag(&terms->client.forget, value);
		else if (is_word(name, "server_max_window_bits"))
			good = read_window(&terms->server, value, false);
		else if (is_word(name, "client_max_window_bits"))
			good = read_window(&terms->client, value, offer);
		if (!good)
			return false;
	}
	return true;
}

static int
nearer(int a, int b)
{
	return a < b ? a : b;
}

/*
 * A client that cannot be asked for less, or has offered what zlib never asks
 * for, may use all that there is.
 */
static void
agree_client(struct pmd_way *client, int want)
{
	const int window = nearer(client->window, want);

	client->said = client->said && client->window != PMD_NEAREST &&
	    window < PMD_FARTHEST;
	client->window = client->said ? window : PMD_FARTHEST;
}

bool
pmd_agree(struct pmd *agreed, const struct extension *offer,
    const struct pmd *want)
{
	struct pmd_way *server = &agreed->server;

	if (!is_word(&offer->name, extension_name) ||
	    !read_terms(agreed, offer, true) || server->window == PMD_NEAREST)
		return false;
	server->window = nearer(server->window, want->server.window);
	server->said = server->said || server->window < PMD_FARTHEST;
	server->forget = server->forget || want->server.forget;
	agreed->client.forget = agreed->client.forget || want->client.forget;
	agree_client(&agreed->client, want->client.window);
	return true;
}

/* Returns where it ends, as stpcpy(3) does. */
static char *
put_window(char *end, const char *name, const struct pmd_way *way, bool bare)
{
	if (!way->said)
		return end;
	end = stpcpy(end, name);
	if (bare && way->window == PMD_FARTHEST)
		return end;
	end = stpcpy(end, way->window < 10 ? "=" : "=1");
	*end++ = (char)('0' + way->window % 10);
	*end = '\0';
	return end;
}

void
pmd_write(char text[PMD_TEXT], const struct pmd *p, bool offer)
{
	char *end = stpcpy(text, extension_name);

	if (p->server.forget)
		end = stpcpy(end, "; server_no_context_takeover");
	if (p->client.forget)
		end = stpcpy(end, "; client_no_context_takeover");
	end = put_window(end, "; server_max_window_bits", &p->server, false);
	put_window(end, "; client_max_window_bits", &p->client, offer);
}

bool
pmd_answered(struct pmd *agreed, const struct extension *answer,
    const struct pmd *offered, const char **why)
{
	*why = "the server chose an extension that was not offered";
	if (!is_word(&answer->name, extension_name))
		return false;
	*why = "the server's terms for permessage-deflate are no such terms";
	if (!read_terms(agreed, answer, false))
		return false;
	*why = "the server's terms for permessage-deflate were not offered";
	if (offered->server.forget && !agreed->server.forget)
		return false;
	if (offered->server.said &&
	    (!agreed->server.said ||
		agreed->server.window > offered->server.window))
		return false;
	if (agreed->client.said &&
	    (!offered->client.said ||
		agreed->client.window > offered->client.window))
		return false;
	agreed->client.window =
	    nearer(agreed->client.window, offered->client.window);
	agreed->client.forget = agreed->client.forget || offered->client.forget;
	*why = NULL;
	return true;
}
