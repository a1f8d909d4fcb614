/*
 * fuzz_extension.c - an offer is read as a second reader reads it; what a
 * server agrees to is within RFC 7692 and what was offered, and the client that
 * has offered it takes the answer, on terms that let each side inflate what the
 * other sends.
 */

#include "fuzz.h"
#include "pmd.h"

enum { FORGETS = 1, ANSWER = 2 }; /* flags; and bits of a window, from 8 on: */
enum { WINDOW = 4 };

#ifdef PLANTED
/* The bug: a client is told of a window that it has not let be chosen. */
static bool
planted_agree(struct pmd *agreed, const struct extension *offer,
    const struct pmd *want)
{
	const bool agrees = pmd_agree(agreed, offer, want);

	if (agrees && offer->params == 3 && want->client.window < PMD_FARTHEST)
		agreed->client.said = true;
	return agrees;
}
#define pmd_agree planted_agree
#endif

/* Whom the flags want; a client lets its window be chosen in any case. */
static struct pmd
wanted(uint8_t flags, bool client)
{
	const int bits = PMD_NEAREST + 1 + flags / WINDOW % 8;
	struct pmd want;

	want.server.window = bits < PMD_FARTHEST ? bits : PMD_FARTHEST;
	want.server.said = want.server.window < PMD_FARTHEST;
	want.server.forget = (flags & FORGETS) != 0;
	want.client = want.server;
	want.client.said = want.client.said || client;
	return want;
}

/* The second reader: a list cut at each ";", and each parameter at "=". */
struct text {
	const char *p;
	size_t len;
};

static struct text
trimmed(const char *p, const char *end)
{
	while (p < end && (*p == ' ' || *p == '\t'))
		p++;
	while (p < end && (end[-1] == ' ' || end[-1] == '\t'))
		end--;
	return (struct text){ p, (size_t)(end - p) };
}

static bool
is_token(const struct text *t)
{
	static const char others[] = "!#$%&'*+-.^_`|~";
	size_t i;

	for (i = 0; i < t->len; i++) {
		const char c = t->p[i];

		if (!(c >= '0' && c <= '9') && !(c >= 'a' && c <= 'z') &&
		    !(c >= 'A' && c <= 'Z') &&
		    (c == '\0' || strchr(others, c) == NULL))
			break;
	}
	return t->len > 0 && i == t->len;
}

static void
unquote(struct text *t)
{
	if (t->len < 2 || t->p[0] != '"' || t->p[t->len - 1] != '"')
		return;
	t->p++;
	t->len -= 2;
}

static const char *
find(const char *p, const char *end, char c)
{
	const char *found = p < end ? memchr(p, c, (size_t)(end - p)) : NULL;

	return found == NULL ? end : found;
}

static bool
same(const struct text *t, const struct extension_slice *s)
{
	return t->len == s->len && memcmp(t->p, s->p, s->len) == 0;
}

/* Returns false if it is no parameter; x is NULL where none is compared. */
static bool
second_param(const char *p, const char *end, const struct extension *x,
    size_t i)
{
	const char *equals = find(p, end, '=');
	struct text name = trimmed(p, equals), value;

	if (!is_token(&name))
		return false;
	if (x != NULL)
		must(same(&name, &x->param[i].name));
	if (equals == end) {
		must(x == NULL || x->param[i].value.p == NULL);
		return true;
	}
	value = trimmed(equals + 1, end);
	unquote(&value);
	if (x != NULL)
		must(same(&value, &x->param[i].value));
	return is_token(&value);
}

static bool
second_reads(const char *p, size_t len, const struct extension *x)
{
	const char *end = p + len, *next = find(p, end, ';');
	struct text name = trimmed(p, next);
	size_t n = 0;

	if (!is_token(&name))
		return false;
	if (x != NULL)
		must(same(&name, &x->name));
	while (next != end) {
		p = next + 1;
		next = find(p, end, ';');
		if (n == EXTENSION_PARAMS || !second_param(p, next, x, n++))
			return false;
	}
	must(x == NULL || n == x->params);
	return true;
}

static int
number(const struct extension_slice *s)
{
	int n = 0;

	for (size_t i = 0; i < s->len; i++)
		n = 10 * n + s->p[i] - '0';
	return n;
}

/* What an offer has said, once it is known to be one. */
static struct pmd
offered(const struct extension *x)
{
	struct pmd o = { { PMD_FARTHEST, false, false },
		{ PMD_FARTHEST, false, false } };

	for (size_t i = 0; i < x->params; i++) {
		const struct extension_slice *name = &x->param[i].name;
		const struct extension_slice *value = &x->param[i].value;
		struct pmd_way *way = *name->p == 's' ? &o.server : &o.client;

		if (memmem(name->p, name->len, "no_context", 10) != NULL) {
			way->forget = true;
			continue;
		}
		way->said = true;
		if (value->p != NULL)
			way->window = number(value);
	}
	return o;
}

static void
check_text(const struct pmd *p, bool offer, struct extension *x, char *text)
{
	memset(text, 0x7f, PMD_TEXT);
	pmd_write(text, p, offer);
	must(memchr(text, '\0', PMD_TEXT) != NULL);
	must(extension_parse(x, text, strlen(text)) == 0);
}

static bool
is_window(int bits)
{
	return bits > PMD_NEAREST && bits <= PMD_FARTHEST;
}

/* What the server sends fits into the client's window, and vice versa. */
static void
check_terms(const struct pmd *server, const struct pmd *client)
{
	must(is_window(server->server.window));
	must(is_window(server->client.window));
	must(client->server.window == server->server.window);
	must(client->server.forget == server->server.forget);
	must(client->client.window >= PMD_NEAREST);
	must(client->client.window <= server->client.window);
	must(client->client.forget || !server->client.forget);
}

static void
server_agrees(const struct extension *x, const struct pmd *want)
{
	struct pmd agreed, again, offer;
	struct extension answer;
	char text[PMD_TEXT];
	const char *why;

	if (!pmd_agree(&agreed, x, want))
		return;
	offer = offered(x);
	must(agreed.server.window <= want->server.window);
	must(agreed.server.window <= offer.server.window);
	must(agreed.server.forget || !want->server.forget);
	must(agreed.server.forget || !offer.server.forget);
	check_text(&agreed, false, &answer, text);
	must(pmd_answered(&again, &answer, &offer, &why) && why == NULL);
	check_terms(&agreed, &again);
}

static void
client_hears(const struct extension *x, const struct pmd *offer)
{
	const char *why = NULL;
	struct pmd agreed;

	if (!pmd_answered(&agreed, x, offer, &why)) {
		must(why != NULL);
		return;
	}
	must(why == NULL);
	must(agreed.server.window >= PMD_NEAREST);
	must(agreed.server.window <= offer->server.window);
	must(agreed.client.window >= PMD_NEAREST);
	must(agreed.client.window <= offer->client.window);
	must(agreed.server.forget || !offer->server.forget);
	must(agreed.client.forget || !offer->client.forget);
}

/* Two of ours always agree. */
static void
both_agree(const struct pmd *want, const struct pmd *offer)
{
	struct extension x, answer;
	struct pmd agreed, again;
	char text[PMD_TEXT];
	const char *why;

	check_text(offer, true, &x, text);
	must(pmd_agree(&agreed, &x, want));
	check_text(&agreed, false, &answer, text);
	must(pmd_answered(&again, &answer, offer, &why));
	check_terms(&agreed, &again);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct pmd server, client;
	struct extension x;
	struct input in;
	uint8_t *copy;
	bool is;

	if (!input_read(&in, data, size))
		return 0;
	server = wanted(in.flags, false);
	client = wanted(in.pieces > 0 ? *in.piece : 0, true);
	both_agree(&server, &client);
	copy = copy_of(in.p, in.n);
	is = extension_parse(&x, (char *)copy, in.n) == 0;
	must(is == second_reads((char *)copy, in.n, is ? &x : NULL));
	if (is && (in.flags & ANSWER) != 0)
		client_hears(&x, &client);
	else if (is)
		server_agrees(&x, &server);
	free(copy);
	return 0;
}
