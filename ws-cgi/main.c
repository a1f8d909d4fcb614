/*
 * main.c - ws-cgi: makes a WebSocket service of any program.
 */

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "exits.h"
#include "log.h"
#include "options.h"
#include "title.h"
#include "worker.h"

/*
 * A web server may make arguments of a query string: a command line that comes
 * from there is nobody's, RFC 3875 4.4.
 */
static bool
is_cgi(void)
{
	const char *argv = getenv("WS_CGI_ARGV");

	if (getenv("GATEWAY_INTERFACE") == NULL &&
	    getenv("REQUEST_METHOD") == NULL)
		return false;
	return argv == NULL || strcmp(argv, "1") != 0;
}

static int
serve_inherited(const struct options *o)
{
	struct arrival a;
	int status;

	if (isatty(STDIN_FILENO))
		return options_usage();
	status = arrive_inherited(&a);
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
		.max = o->max,
		.max_source = o->max_source,
		.stop_timeout = o->stop_timeout,
	};
	struct arrival a;
	bool over;
	int status = arrive_listen(&what, &a, &over);

	return over ? status : worker_run(o, &a);
}

int
main(int argc, char *argv[])
{
	static struct options o; /* it lasts as long as the process */
	int status;

	if (is_cgi()) {
		log_line("this is a CGI environment, where the command line "
			 "counts only with WS_CGI_ARGV=1");
		return EXIT_COMMAND_LINE;
	}
	title_begin(argc, argv);
	if (!options_read(&o, argc, argv, &status))
		return status;
	if (o.check) {
		options_print(&o);
		return EXIT_NOBODY;
	}
	if (o.listen.count > 0)
		return serve_listening(&o, argv);
	return serve_inherited(&o);
}
