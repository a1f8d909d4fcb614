/*
 * fuzz_forwarded.c - whatever a client writes into a list of addresses, the
 * client is who a trusted proxy adds behind it; and who is found in a list is
 * whom a second reader finds there, who walks from the right.
 */

#include <arpa/inet.h>
#include <stdio.h>

#include "admit/forwarded.h"
#include "fuzz.h"

enum { STANDARD = 1, LIST = 4000 };

#ifdef PLANTED
/* The bug: the first address is the client. */
static int
planted_find(char *list, const struct trust *t, struct endpoint *client,
    enum scheme *scheme)
{
	char first[LIST + 100];

	snprintf(first, sizeof(first), "%.*s",
	    t->standard ? (int)strlen(list) : (int)strcspn(list, ","), list);
	return forwarded_find(first, t, client, scheme);
}
#define forwarded_find planted_find
#endif

static struct network loopback = {
	.net = { [10] = 0xff, [11] = 0xff, [12] = 127 },
	.bits = 104,
};

static bool
is_trusted(const char *item)
{
	struct in_addr in;

	return inet_pton(AF_INET, item, &in) == 1 &&
	    ntohl(in.s_addr) >> 24 == 127;
}

/* Of plain addresses without ports alone, cut out of the list at its end. */
static void
second_reads(char *list, const struct endpoint *client, int r)
{
	char *comma, *item, *chosen = NULL;
	struct in_addr in;

	do {
		comma = strrchr(list, ',');
		item = comma == NULL ? list : comma + 1;
		if (*item != '\0')
			chosen = item;
		if (comma != NULL)
			*comma = '\0';
	} while (comma != NULL && (chosen == NULL || is_trusted(chosen)));
	if (chosen != NULL && inet_pton(AF_INET, chosen, &in) == 1)
		must(r == 0 && strcmp(client->address, chosen) == 0);
}

static void
finds(const char *list, const struct trust *t)
{
	struct endpoint client = { .address = "" };
	enum scheme scheme = SCHEME_UNKNOWN;
	char *copy = strdup(list), *cut = strdup(list);
	int r;

	must(copy != NULL && cut != NULL);
	r = forwarded_find(cut, t, &client, &scheme);
	free(cut);
	must(r == 0 || (r == -1 && *client.address == '\0'));
	if (!t->standard && strspn(list, "0123456789.,") == strlen(list))
		second_reads(copy, &client, r);
	free(copy);
	forwarded_scheme(list, &scheme);
}

/* A proxy adds whom it sees, and another that one, to whatever it has got. */
static void
cannot_be_fooled(const char *list, const struct trust *t)
{
	struct endpoint client = { .address = "" };
	enum scheme scheme = SCHEME_UNKNOWN;
	char all[LIST + 100];
	int r;

	snprintf(all, sizeof(all),
	    t->standard ? "%s, for=\"[2001:db8::7]\";proto=https, "
			  "for=127.0.0.9" :
			  "%s, 2001:db8::7, 127.0.0.9",
	    list);
	r = forwarded_find(all, t, &client, &scheme);
	if (r == -1 && t->standard) /* refused as malformed */
		return;
	must(r == 0 && strcmp(client.address, "2001:db8::7") == 0);
	must(!t->standard || scheme == SCHEME_TLS);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct trust t = { .who = { .network = &loopback, .count = 1 } };
	struct input in;
	char *list;

	if (!input_read(&in, data, size) || in.n > LIST)
		return 0;
	t.standard = (in.flags & STANDARD) != 0;
	list = strndup((const char *)in.p, in.n);
	must(list != NULL);
	finds(list, &t);
	cannot_be_fooled(list, &t);
	free(list);
	return 0;
}
