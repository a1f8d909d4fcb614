/*
 * worker.c - arrive, admit, talk, bridge: the story of one connection.
 */

#include <errno.h>
#include <malloc.h>
#include <string.h>

#include "exits.h"
#include "log.h"
#include "pages/pages.h"
#include "signals.h"
#include "worker.h"

enum { LARGE = 262144 }; /* bytes of memory that are worth giving back */

/*
 * Requests for no WebSocket are for the pages, and where there are none, are
 * told what is here.
 */
static void
worker_page(struct talk *t, const struct options *o)
{
	if (o->www != NULL || o->console)
		pages_serve(t, o->www, o->console);
	else if (strcmp(ws_method(t->ws), "GET") == 0)
		talk_refuse(t, 426,
		    "this is a WebSocket service: ask for an upgrade");
	else
		talk_refuse(t, 405, "a WebSocket is opened with GET");
}

/* Returns 0 when the handshake may go on; else it has been answered. */
static int
worker_admit(struct talk *t, const struct options *o)
{
	char text[TALK_REASON];
	const char *why;
	int asked = ws_request(t->ws), status;

	if (asked == -1)
		return -1;
	if ((status = request_read(&t->request, t->ws, &why)) != 0)
		return talk_refuse(t, status, why);
	status = admit_check(&o->policy, t->arrival, &t->request, t->ws, text,
	    sizeof(text));
	if (status != 0)
		return talk_refuse(t, status, text);
	talk_title(t, "admitted");
	if (asked == 1)
		return 0;
	worker_page(t, o);
	return -1;
}

/* The bridge is ready before the 101, so that its failure is a real 502. */
static void
worker_talk(struct talk *t, const struct options *o)
{
	const char *why;
	void *state;
	int status;

	t->protocol = admit_protocol(&o->policy, t->ws);
	status = o->bridge->start(t, &o->to, &state, &why);
	if (status != 0) {
		talk_refuse(t, status, why);
		talk_close(t);
		return;
	}
	if (talk_open(t) == 0) {
		talk_title(t, "open");
		o->bridge->run(t, state);
	}
	talk_close(t);
	o->bridge->finish(t, state);
}

/*
 * A large message's memory goes back to the system when it is freed.  Left to
 * itself, glibc keeps such memory once one large piece has been freed.
 */
static void
worker_memory(void)
{
#ifdef M_MMAP_THRESHOLD
	mallopt(M_MMAP_THRESHOLD, LARGE);
#endif
}

int
worker_run(const struct options *o, const struct arrival *a)
{
	struct ws_conf conf = o->conf;
	struct talk t;
	int status;

	worker_memory();
	if (o->bridge->polls)
		signals_when_polling();
	else
		signals_always();
	conf.sigmask = o->bridge->polls ? &signals_open : NULL;
	conf.stop = &signals_stop;
	if (talk_begin(&t, &conf, a) == -1) {
		log_line("cannot take the connection: %s", strerror(errno));
		return EXIT_SYSTEM;
	}
	talk_title(&t, "handshake");
	if (worker_admit(&t, o) == 0)
		worker_talk(&t, o);
	else
		talk_close(&t);
	status = talk_report(&t);
	talk_free(&t);
	return status;
}
