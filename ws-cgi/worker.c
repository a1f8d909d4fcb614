/*
 * worker.c - arrive, admit, talk, bridge: the story of one connection.
 */

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "admission.h"
#include "admit/places.h"
#include "admit/verdict.h"
#include "arrive/client.h"
#include "arrive/preface.h"
#include "arrive/rights.h"
#include "arrive/scgi.h"
#include "arrive/webserver.h"
#include "aside.h"
#include "bridge/launch.h"
#include "clock.h"
#include "confine/confine.h"
#include "exits.h"
#include "log.h"
#include "pages/pages.h"
#include "signals.h"
#include "sink.h"
#include "talk/trace.h"
#include "worker.h"

enum {
	HURRY = 250 /* ms for the end of a connection, if a web server stops
		       us */
};

/* The one that this process is for.  Memory goes with the process. */
static struct talk worker;

/* Its pages are touched by nobody before, and few of them by a short talk. */
static ASIDE uint8_t memory[WS_MEMORY];

/*
 * A handshake without its Upgrade field has met a proxy that was not told to
 * pass it on; the commonest mistake of all.
 */
static void
worker_advise(struct talk *t)
{
	const char *advice = webserver_advice(t->arrival);
	char text[TALK_REASON];

	snprintf(text, sizeof(text),
	    "there is a Sec-WebSocket-Key, but no Upgrade: websocket; what is "
	    "in front must pass on Upgrade and Connection, in HTTP/1.1%s%s",
	    *advice == '\0' ? "" : "; ", advice);
	talk_refuse(t, 426, text);
}

/* From here on nothing but this is done.  Returns 0; else it has been refused. */
static int
worker_confine(struct talk *t, const struct options *o, const char *www)
{
	struct confine_needs needs = { .www = www, .group = t->group };

	sink_settle(&needs.log);
	if (confine_rest(&o->confine, &needs) == 0)
		return 0;
	talk_end(t, 0, EXIT_SYSTEM, "this process could not be confined");
	return talk_refuse(t, 503, "this service cannot be had now");
}

/*
 * Requests for no WebSocket are for the pages, and where there are none, are
 * told what is here.
 */
static void
worker_page(struct talk *t, const struct options *o)
{
	if (strcmp(ws_method(t->ws), "GET") == 0 &&
	    ws_header(t->ws, "Sec-WebSocket-Key") != NULL)
		worker_advise(t);
	else if (o->www != NULL || o->console) {
		if (worker_confine(t, o, o->www) == 0)
			pages_serve(t, o->www, o->console);
	} else if (strcmp(ws_method(t->ws), "GET") == 0)
		talk_refuse(t, 426,
		    "this is a WebSocket service: ask for an upgrade");
	else
		talk_refuse(t, 405, "a WebSocket is opened with GET");
}

/* On an SCGI connection the variables come first. */
static int
worker_scgi(struct talk *t, struct arrival *a, int ms)
{
	static struct scgi scgi; /* the arrival points into it */
	const char *why;
	int status;

	if (!a->scgi)
		return 0;
	status = scgi_read(&scgi, a->in, clock_in(ms), &why);
	if (status == -1)
		return ws_fail(t->ws, WS_ABNORMAL, "%s", why);
	if (status != 0)
		return talk_refuse(t, status, why);
	webserver_take(a, scgi.vars);
	client_begin(a);
	a->parsed = true;
	return 0;
}

/* What others have read of the connection comes before what is still there. */
static int
worker_given(struct talk *t, const struct arrival *a)
{
	if (a->vars != NULL &&
	    ws_cgi(t->ws, a->vars, a->parsed ? WS_PARSED : WS_RAW) == -1)
		return -1;
	return ws_unread(t->ws, buf_head(&a->early), a->early.len);
}

/*
 * Can the client be heard?  If not, that comes before what else may be wrong
 * with the request.  Who only pushes does not mind.
 */
static int
worker_hears(struct talk *t, const struct options *o)
{
	const char *fault = webserver_fault(t->arrival);
	char text[TALK_REASON];

	if (fault == NULL || (o->push_only && t->arrival->deaf))
		return 0;
	webserver_explain(t->arrival, fault, text, sizeof(text));
	return talk_refuse(t, 501, text);
}

/* What this subprotocol's bridge is told, and which it is. */
static const struct bridge_conf *
worker_behind(const struct talk *t, const struct options *o,
    const struct bridge **bridge)
{
	static struct bridge_conf own;
	struct behind b;

	b = options_behind(o, t->protocol);
	*bridge = b.bridge;
	if (b.program == o->to.program)
		return &o->to;
	own = o->to;
	own.program = b.program;
	return &own;
}

/* An administrator should know, as programs wait for input in vain. */
static void
worker_push(const struct talk *t)
{
	static const char note[] = "what the client says does not come";

	if (t->arrival->deaf)
		talk_note(t, "push only", note, strlen(note));
}

/* The bridge is ready before the 101, so that its failure is a real 502. */
static void
worker_talk(struct talk *t, const struct options *o)
{
	const struct bridge *bridge;
	const struct bridge_conf *to = worker_behind(t, o, &bridge);
	const char *why;
	void *state;
	int status;

	status = bridge->start(t, to, &state, &why);
	if (status != 0) {
		talk_refuse(t, status, why);
		talk_close(t);
		return;
	}
	if (worker_confine(t, o, NULL) == 0 && talk_open(t, &o->headers) == 0) {
		talk_title(t, "open");
		worker_push(t);
		bridge->run(t, state);
	}
	talk_close(t);
	bridge->finish(t, state);
}

/*
 * Instead of a way in that has ended, one that nothing comes from and that does
 * not end: its other end stays open as long as we are there.
 */
static int
worker_silence(struct arrival *a)
{
	int fd[2];

	if (pipe2(fd, O_CLOEXEC) == -1)
		return -1;
	a->in = fd[0];
	return 0;
}

/* What TLS has left of the time for the handshake; 0 would be the default. */
static int
worker_rest(int ms, int64_t until)
{
	const int left = clock_until(until);

	if (left == 0)
		return 1;
	return ms == -1 || (left != -1 && left < ms) ? left : ms;
}

/* Signals, and times that depend on where the connection comes from. */
static void
worker_conf(struct ws_conf *conf, const struct options *o,
    const struct arrival *a)
{
	*conf = o->conf;
	if (o->confine.cpu >= 0)
		signals_stop_at(SIGXCPU);
	if (o->polls)
		signals_when_polling();
	else
		signals_always();
	conf->sigmask = o->polls ? &signals_open : NULL;
	conf->stop = &signals_stop;
	conf->memory = memory;
	conf->memory_size = sizeof(memory);
	if (a->until != 0)
		conf->handshake = worker_rest(conf->handshake, a->until);
	if (a->cgi)
		conf->stopped = HURRY;
	if (a->deaf) {
		conf->pong = -1;
		conf->close = 1;
	}
}

static int
worker_begin(struct talk *t, const struct ws_conf *conf, struct arrival *a)
{
	client_begin(a);
	if ((!a->deaf || worker_silence(a) == 0) && talk_begin(t, conf, a) == 0)
		return 0;
	log_line("cannot take the connection: %s", strerror(errno));
	return -1;
}

/*
 * Who starts programs as another user has been left what it takes, up to here;
 * else the listener has dropped it.
 */
static int
worker_drop(const struct options *o)
{
	if (o->to.keep.user.user == NULL)
		return 0;
	return rights_drop(options_worker(o));
}

/* With what was prepared, and what rights are left.  As worker_serve. */
static int
worker_speak(struct talk *t, const struct options *o, struct arrival *a,
    const struct ws_conf *conf)
{
	int status, admission = ADMISSION_OVER;

	if ((status = worker_drop(o)) != 0)
		return status;
	talk_title(t, "handshake");
	if (o->trust.header && (status = preface_read(a, &o->trust, conf)) != 0)
		return status;
	if (worker_scgi(t, a, conf->handshake) == 0 &&
	    worker_given(t, a) == 0 && worker_hears(t, o) == 0)
		admission = admission_decide(t, o, a);
	if (admission == ADMISSION_PAGE)
		worker_page(t, o);
	if (admission == ADMISSION_TALK)
		worker_talk(t, o);
	else
		talk_close(t);
	if (t->verdict == NULL || t->verdict->status == 0)
		places_leave(a, ws_info(t->ws));
	return talk_report(t);
}

/* Returns the exit status. */
static int
worker_serve(struct talk *t, const struct options *o, struct arrival *a,
    const struct ws_conf *conf)
{
	int status;

	if (confine_begin(&o->confine) == -1 || launch_prepare(&o->to) == -1)
		return EXIT_SYSTEM;
	status = worker_speak(t, o, a, conf);
	launch_release();
	return status;
}

int
worker_run(const struct options *o, struct arrival *a)
{
	struct ws_conf conf;

	worker_conf(&conf, o, a);
	if (worker_begin(&worker, &conf, a) == -1)
		return EXIT_SYSTEM;
	if (o->verbose)
		trace_begin(&worker);
	return worker_serve(&worker, o, a, &conf);
}

void
worker_refuse(struct arrival *a, int status, const char *why)
{
	const struct ws_conf conf = {
		.sigmask = &signals_open,
		.stop = &signals_stop,
		.stopped = HURRY,
	};

	signals_when_polling();
	if (worker_begin(&worker, &conf, a) == -1)
		return;
	if (worker_given(&worker, a) == 0)
		talk_refuse(&worker, status, why);
	talk_close(&worker);
}
