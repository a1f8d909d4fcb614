/*
 * main.c - ws-cgi: makes a WebSocket service of any program.
 */

#include <fcntl.h>
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
		options_print(&o);
		return EXIT_NOBODY;
	}
	return o.listen.count > 0 ? serve_listening(&o, argv) : serve_one(&o);
}

/* What is printed there would be our answer to the web server. */
static bool
read_silently(struct options *o, int argc, char *argv[])
{
	const int out = fcntl(STDOUT_FILENO, F_DUPFD_CLOEXEC, 0);
	int status;
	bool good;

	if (out == -1 || dup2(STDERR_FILENO, STDOUT_FILENO) == -1)
		return false;
	good = options_read(o, argc, argv, &status);
	if (good && o->listen.count > 0) {
		log_line("--listen and --receive are not for a CGI program");
		good = false;
	}
	dup2(out, STDOUT_FILENO);
	close(out);
	return good;
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
	if (read_silently(&o, argc, argv))
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
