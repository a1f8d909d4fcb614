/*
 * main.c - ws-cgi: makes a WebSocket service of any program.
 */

#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "arrive/webserver.h"
#include "exits.h"
#include "log.h"
#include "options.h"
#include "script.h"
#include "title.h"
#include "worker.h"

/* Returns 0 when there is a connection, or an exit status. */
static int
arrive(const struct options *o, struct arrival *a)
{
	if (o->given.in != -1)
		return arrive_given(a, &o->given);
	if (webserver_is_there())
		return arrive_cgi(a);
	if (isatty(STDIN_FILENO))
		return options_usage();
	return arrive_inherited(a);
}

/* Returns 0, or an exit status after having said what is wrong. */
static int
begin_log(const struct options *o)
{
	if (log_to(o->log, o->log_json) == 0)
		return 0;
	log_line("--log %s: %s", o->log, strerror(errno));
	return EXIT_COMMAND_LINE;
}

static int
serve_one(const struct options *o)
{
	struct arrival a;
	int status = arrive(o, &a);

	return status != 0 ? status : worker_run(o, &a);
}

static int
serve_listening(const struct options *o, char *const argv[])
{
	const struct listening what = {
		.address = o->listen.address,
		.addresses = o->listen.count,
		.argv = argv,
		.pidfile = o->pidfile,
		.rights = &o->rights,
		.trust = &o->trust,
		.max = o->max,
		.max_source = o->max_source,
		.stop_timeout = o->stop_timeout,
	};
	struct arrival a;
	bool over;
	int status = arrive_listen(&what, &a, &over);

	return over ? status : worker_run(o, &a);
}

/* A web server that gets no answer makes one up. */
static int
apologise(const char *why)
{
	struct arrival a;

	log_line("%s", why);
	if (arrive_cgi(&a) == 0)
		worker_refuse(&a, 500, why);
	return EXIT_COMMAND_LINE;
}

static int
serve(int argc, char *argv[])
{
	static struct options o; /* it lasts as long as the process */
	int status;

	if (!options_read(&o, argc, argv, &status))
		return status;
	if (o.check) {
		options_print(&o);
		return EXIT_NOBODY;
	}
	if ((status = begin_log(&o)) != 0)
		return status;
	return o.listen.count > 0 ? serve_listening(&o, argv) : serve_one(&o);
}

/* The same for a request that a web server has started us for. */
static int
serve_cgi(int argc, char *argv[])
{
	static struct options o;
	const char *why;
	int status;

	if (!webserver_vouches() &&
	    (argv = script_read(argv, &argc, &why)) == NULL)
		return apologise(why);
	if (!options_read(&o, argc, argv, &status) || o.listen.count > 0 ||
	    begin_log(&o) != 0)
		return apologise("this service is not set up rightly; the web "
				 "server's log says more");
	return serve_one(&o);
}

int
main(int argc, char *argv[])
{
	arrive_clean();
	title_begin(argc, argv);
	return webserver_is_there() ? serve_cgi(argc, argv) : serve(argc, argv);
}
