/*
 * admission.c - may it come in, and what for?  Each question in its order: the
 * first to which the answer is no has answered the request.
 */

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "admission.h"
#include "admit/forwarded.h"
#include "admit/hook.h"
#include "admit/places.h"
#include "admit/verdict.h"
#include "exits.h"

/* Health checks ask what may be asked: RFC 9110 9.3.7. */
static void
tell_methods(struct talk *t, const struct options *o)
{
	t->quiet = true;
	ws_answer(t->ws, 200,
	    o->www != NULL || o->console ?
		"Allow: GET, HEAD, OPTIONS\r\nContent-Length: 0\r\n" :
		"Allow: GET, OPTIONS\r\nContent-Length: 0\r\n");
}

/* Returns 0 where blame is, after all, nobody's. */
static int
turn_away(struct talk *t, int blame, const char *why)
{
	if (blame == 0)
		return 0;
	talk_end(t, WS_ABNORMAL, blame, "turned away: %s", why);
	return ws_refuse(t->ws, 503, "Retry-After: 5\r\n",
	    "all places are taken, try again");
}

static int
count(struct talk *t, const struct options *o, struct arrival *a)
{
	char why[PLACES_TEXT];

	return turn_away(t, places_come(a, &o->limits, &o->trust, why), why);
}

/* The same of the user and the path, for what is to be a conversation. */
static int
enter(struct talk *t, const struct options *o)
{
	char why[PLACES_TEXT];

	return turn_away(t,
	    places_enter(t->arrival, &o->limits, t->request.path, why), why);
}

/* All are told the same; the log says more.  As admission_decide. */
static int
unknown(struct talk *t, const struct options *o, int status, const char *why)
{
	char challenge[IDENTITY_CHALLENGE];

	talk_end(t, WS_ABNORMAL, status == 503 ? EXIT_SYSTEM : EXIT_PEER, "%s",
	    why);
	if (status == 401)
		return ws_refuse(t->ws, 401,
		    identity_challenge(&o->identity, challenge),
		    "this service asks who you are");
	return ws_refuse(t->ws, status, NULL,
	    status == 503 ? "this service cannot tell who you are now" : why);
}

/* Who is it, if that is asked?  As admission_decide. */
static int
identify(struct talk *t, const struct options *o, struct arrival *a)
{
	struct identity who = { 0 };
	char why[TALK_REASON];
	int status;

	if (!identity_asked(&o->identity))
		return 0;
	status = identity_check(&o->identity, t->ws, a->vouched, &who, why,
	    sizeof(why));
	if (who.tried && a->place.shared != NULL)
		children_tell(&a->place, DEED_AUTH);
	if (status != 0)
		return unknown(t, o, status, why);
	a->user = who.user;
	a->auth = who.type;
	if (!a->vouched)
		a->withheld = o->identity.header;
	return 0;
}

/*
 * May it, if somebody has been named who decides?  A challenge that is answered
 * wrongly is as a wrong password.  As admission_decide.
 */
static int
ask(struct talk *t, const struct options *o, struct arrival *a, bool upgrade)
{
	const struct hook_terms terms = {
		.timeout = o->admit_timeout,
		.handshake = o->conf.handshake,
		.upgrade = upgrade,
		.credentials = !identity_challenges(&o->identity),
		.policy = &o->policy,
	};
	int r;

	if (o->to.hook == COMMAND_NONE)
		return 0;
	r = hook_ask(t, &o->to, &terms);
	if (t->verdict == NULL)
		return -1;
	if (t->verdict->status == 401 && a->place.shared != NULL &&
	    ws_header(t->ws, "Authorization") != NULL)
		children_tell(&a->place, DEED_AUTH);
	if (r == 0 && t->verdict->user != NULL) {
		a->user = t->verdict->user;
		a->auth = "Hook";
	}
	return r;
}

/* For a page, if there are any. */
static int
ask_page(struct talk *t, const struct options *o, struct arrival *a)
{
	const bool pages = o->www != NULL || o->console;

	if (pages && ask(t, o, a, false) == -1)
		return ADMISSION_OVER;
	talk_title(t, "admitted");
	return ADMISSION_PAGE;
}

/*
 * The same by https, and by the host that was asked for, which has been let in.
 * 308 keeps the method: RFC 9110 15.4.9.
 */
static int
send_away(struct talk *t, int port)
{
	const struct request *r = &t->request;
	char number[16] = "", *field;
	int status;

	if (port != ADDRESS_HTTPS)
		snprintf(number, sizeof(number), ":%d", port);
	if (asprintf(&field, "Location: https://%s%s%s\r\n", r->host, number,
		*r->uri == '/' ? r->uri : "/") == -1)
		return talk_refuse(t, 503, "no memory");
	status = ws_refuse(t->ws, 308, field, "this is served by https");
	free(field);
	return status;
}

/* Who may come, and what for?  As admission_decide. */
static int
let_in(struct talk *t, const struct options *o, struct arrival *a, int asked)
{
	char text[TALK_REASON];
	const char *why;
	int status = request_read(&t->request, t->ws, &why);

	if (status != 0)
		return talk_refuse(t, status, why);
	status = admit_check(&o->policy, t->arrival, &t->request, t->ws, text,
	    sizeof(text));
	if (status != 0)
		return talk_refuse(t, status, text);
	if (a->redirect != 0)
		return send_away(t, a->redirect);
	if (identify(t, o, a) == -1)
		return -1;
	if (asked == 0)
		return ask_page(t, o, a);
	t->protocol = admit_protocol(&o->policy, t->ws);
	if (ask(t, o, a, true) == -1)
		return -1;
	talk_title(t, "admitted");
	return enter(t, o);
}

int
admission_decide(struct talk *t, const struct options *o, struct arrival *a)
{
	const char *why;
	int asked, status;

	if (count(t, o, a) == -1)
		return -1;
	asked = ws_request(t->ws);
	status = forwarded_read(a, &o->trust, t->ws, &why);
	if (asked == -1)
		return -1;
	if (status != 0)
		return talk_refuse(t, status, why);
	if (count(t, o, a) == -1)
		return -1;
	if (asked == 0 && strcmp(ws_method(t->ws), "OPTIONS") == 0) {
		tell_methods(t, o);
		return -1;
	}
	return let_in(t, o, a, asked);
}
