/*
 * main.c - ws-cgi: makes a WebSocket service of any program.
 */

#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "arrive/webserver.h"
#include "bounds.h"
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
apologise(struct arrival *a, int status, const char *why)
{
	worker_refuse(a, status, why);
	return EXIT_COMMAND_LINE;
}

/*
 * There is no command line to be believed.  For a web server that is of no use
 * this comes first: with the best of them nothing would be served.
 */
static int
mistrust(const char *why)
{
	char text[TALK_REASON];
	const char *fault;
	struct arrival a;

	log_line("%s", why);
	arrive_cgi(&a);
	if ((fault = webserver_fault(&a)) == NULL)
		return apologise(&a, 500, why);
	webserver_explain(&a, fault, text, sizeof(text));
	return apologise(&a, 501, text);
}

static int
serve(int argc, char *argv[])
{
	static struct options o; /* it lasts as long as the process */
	int status;

	if (!options_read(&o, argc, argv, &status))
		return status;
	if (o.check) {
		bounds_print(&o);
		return EXIT_NOBODY;
	}
	if ((status = begin_log(&o)) != 0)
		return status;
	return o.listen.count > 0 ? serve_listening(&o, argv) : serve_one(&o);
}

static bool
read_options(struct options *o, int argc, char *argv[])
{
	int status;

	if (!options_read(o, argc, argv, &status))
		return false;
	if (o->listen.count > 0)
		log_line("--listen and --receive are not for a CGI program");
	return o->listen.count == 0 && begin_log(o) == 0;
}

/* The same for a request that a web server has started us for. */
static int
serve_cgi(int argc, char *argv[])
{
	static struct options o;
	const char *why;
	struct arrival a;

	if (!webserver_vouches() &&
	    (argv = script_read(argv, &argc, &why)) == NULL)
		return mistrust(why);
	if (read_options(&o, argc, argv))
		return serve_one(&o);
	arrive_cgi(&a);
	return apologise(&a, 500,
	    "this service is not set up rightly; the web server's log says "
	    "more");
}

int
main(int argc, char *argv[])
{
	arrive_clean();
	title_begin(argc, argv);
	return webserver_is_there() ? serve_cgi(argc, argv) : serve(argc, argv);
}
