/*
 * test_pmd.c - proves the negotiation of permessage-deflate, RFC 7692 5 and
 * 7.1: which offers a server agrees to and how it answers, and which answers a
 * client takes.
 */

#include <stdio.h>
#include <string.h>

#include "pmd.h"
#include "unit.h"

#define P  "permessage-deflate"
#define SN "; server_no_context_takeover"
#define CN "; client_no_context_takeover"
#define SW "; server_max_window_bits"
#define CW "; client_max_window_bits"

static struct pmd
terms(int window, bool forget)
{
	const struct pmd_way way = {
		.window = window,
		.said = window < PMD_FARTHEST,
		.forget = forget,
	};

	return (struct pmd){ .server = way, .client = way };
}

static const struct offer {
	const char *offer;
	const char *large; /* answer of a server that wants windows of 15 */
	const char *small; /* that wants 12 */
	const char *brief; /* that wants 9, and no context */
} offers[] = {
	{ P, P, P SW "=12", P SN CN SW "=9" },
	{ P CW, P, P SW "=12" CW "=12", P SN CN SW "=9" CW "=9" },
	{ P CW "=15", P, P SW "=12" CW "=12", P SN CN SW "=9" CW "=9" },
	{ P CW "=10", P CW "=10", P SW "=12" CW "=10",
	    P SN CN SW "=9" CW "=9" },
	{ P CW "=9", P CW "=9", P SW "=12" CW "=9", P SN CN SW "=9" CW "=9" },
	{ P CW "=8", P, P SW "=12", P SN CN SW "=9" },
	{ P CW "=\"10\"", P CW "=10", P SW "=12" CW "=10",
	    P SN CN SW "=9" CW "=9" },
	{ P SN, P SN, P SN SW "=12", P SN CN SW "=9" },
	{ P CN, P CN, P CN SW "=12", P SN CN SW "=9" },
	{ P SW "=15", P SW "=15", P SW "=12", P SN CN SW "=9" },
	{ P SW "=10", P SW "=10", P SW "=10", P SN CN SW "=9" },
	{ P SW "=9", P SW "=9", P SW "=9", P SN CN SW "=9" },
	{ P CW SW "=10" CN SN, P SN CN SW "=10", P SN CN SW "=10" CW "=12",
	    P SN CN SW "=9" CW "=9" },
	/* Declined. */
	{ "permessage-deflat", NULL, NULL, NULL },
	{ "Permessage-Deflate", NULL, NULL, NULL },
	{ "x-webkit-deflate-frame", NULL, NULL, NULL },
	{ P SW, NULL, NULL, NULL },
	{ P SW "=8", NULL, NULL, NULL },
	{ P SW "=7", NULL, NULL, NULL },
	{ P SW "=16", NULL, NULL, NULL },
	{ P SW "=09", NULL, NULL, NULL },
	{ P SW "=010", NULL, NULL, NULL },
	{ P SW "=1", NULL, NULL, NULL },
	{ P SW "=+9", NULL, NULL, NULL },
	{ P SW "=9x", NULL, NULL, NULL },
	{ P CW "=7", NULL, NULL, NULL },
	{ P CW "=16", NULL, NULL, NULL },
	{ P CW "=0", NULL, NULL, NULL },
	{ P CW "=100", NULL, NULL, NULL },
	{ P SN "=1", NULL, NULL, NULL },
	{ P SN "=true", NULL, NULL, NULL },
	{ P CN "=1", NULL, NULL, NULL },
	{ P SN SN, NULL, NULL, NULL },
	{ P CN CN, NULL, NULL, NULL },
	{ P SW "=10" SW "=10", NULL, NULL, NULL },
	{ P CW CW, NULL, NULL, NULL },
	{ P CW "=10" CW, NULL, NULL, NULL },
	{ P "; window_bits=10", NULL, NULL, NULL },
	{ P "; Server_no_context_takeover", NULL, NULL, NULL },
};

static void
check_offer(const char *offer, const struct pmd *want, const char *answer)
{
	struct extension x;
	struct pmd agreed;
	char text[PMD_TEXT];

	ck_assert_int_eq(extension_parse(&x, offer, strlen(offer)), 0);
	ck_assert(pmd_agree(&agreed, &x, want) == (answer != NULL));
	if (answer == NULL)
		return;
	pmd_write(text, &agreed, false);
	ck_assert_str_eq(text, answer);
}

START_TEST(agrees)
{
	const struct offer *row = &offers[_i];
	const struct pmd large = terms(15, false), small = terms(12, false);
	const struct pmd brief = terms(9, true);

	check_offer(row->offer, &large, row->large);
	check_offer(row->offer, &small, row->small);
	check_offer(row->offer, &brief, row->brief);
}
END_TEST

/* What has not been asked for a window may use the largest. */
START_TEST(inflates_the_largest)
{
	const struct pmd want = terms(9, false);
	struct extension x;
	struct pmd agreed;

	ck_assert_int_eq(extension_parse(&x, P, strlen(P)), 0);
	ck_assert(pmd_agree(&agreed, &x, &want));
	ck_assert_int_eq(agreed.client.window, 15);
	ck_assert_int_eq(agreed.server.window, 9);
}
END_TEST

static const struct answer {
	const char *answer;
	int window;  /* of the client that has offered it; and whether it has */
	bool forget; /* no context */
	bool taken;
	int ours, its; /* windows of both ways then */
} answers[] = {
	{ P, 15, false, true, 15, 15 },
	{ P, 12, false, false, 0, 0 },
	{ P SW "=12", 12, false, true, 12, 12 },
	{ P SW "=9", 12, false, true, 12, 9 },
	{ P SW "=13", 12, false, false, 0, 0 },
	{ P SW "=12" CW "=10", 12, false, true, 10, 12 },
	{ P SW "=12" CW "=8", 12, false, true, 8, 12 },
	{ P SW "=12" CW "=13", 12, false, false, 0, 0 },
	{ P CW "=15", 15, false, true, 15, 15 },
	{ P CW, 15, false, false, 0, 0 },
	{ P SW, 15, false, false, 0, 0 },
	{ P SN CN, 15, false, true, 15, 15 },
	{ P SN, 15, true, true, 15, 15 },
	{ P CN, 15, true, false, 0, 0 },
	{ P SN SN, 15, false, false, 0, 0 },
	{ P SN "=1", 15, false, false, 0, 0 },
	{ P "; x", 15, false, false, 0, 0 },
	{ P CW "=16", 15, false, false, 0, 0 },
	{ "x-webkit-deflate-frame", 15, false, false, 0, 0 },
};

START_TEST(takes_answers)
{
	const struct answer *row = &answers[_i];
	struct pmd offered = terms(row->window, row->forget), agreed;
	struct extension x;
	const char *why = "unset";

	offered.client.said = true;
	ck_assert_int_eq(extension_parse(&x, row->answer, strlen(row->answer)),
	    0);
	ck_assert(pmd_answered(&agreed, &x, &offered, &why) == row->taken);
	ck_assert((why == NULL) == row->taken);
	if (!row->taken)
		return;
	ck_assert_int_eq(agreed.client.window, row->ours);
	ck_assert_int_eq(agreed.server.window, row->its);
	ck_assert(agreed.client.forget ==
	    (row->forget || strstr(row->answer, "client_no") != NULL));
	ck_assert(
	    agreed.server.forget == (strstr(row->answer, "server_no") != NULL));
}
END_TEST

/* A server may not limit a client that has not said it can be. */
START_TEST(refuses_an_uncalled_window)
{
	const struct pmd offered = terms(15, false);
	struct extension x;
	struct pmd agreed;
	const char *why;

	ck_assert_int_eq(extension_parse(&x, P CW "=10", strlen(P CW "=10")),
	    0);
	ck_assert(!pmd_answered(&agreed, &x, &offered, &why));
}
END_TEST

static const struct {
	int window;
	bool forget;
	const char *offer;
} written[] = {
	{ 15, false, P CW },
	{ 12, false, P SW "=12" CW "=12" },
	{ 9, true, P SN CN SW "=9" CW "=9" },
	{ 10, true, P SN CN SW "=10" CW "=10" },
};

START_TEST(writes_offers)
{
	struct pmd offer = terms(written[_i].window, written[_i].forget);
	char text[PMD_TEXT];

	offer.client.said = true;
	pmd_write(text, &offer, true);
	ck_assert_str_eq(text, written[_i].offer);
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("pmd");

	UNIT_ROWS(s, agrees, offers);
	UNIT_ROWS(s, takes_answers, answers);
	unit_test(s, "the largest window", inflates_the_largest);
	unit_test(s, "an uncalled window", refuses_an_uncalled_window);
	unit_loop(s, "offers", writes_offers, COUNT(written));
	return unit_run(s);
}
