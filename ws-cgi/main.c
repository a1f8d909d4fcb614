/*
 * main.c - ws-cgi: makes a WebSocket service of any program.
 */

#include <malloc.h>
#include <stdlib.h>
#include <unistd.h>

#include "arrive/webserver.h"
#include "aside.h"
#include "bounds.h"
#include "chain.h"
#include "exits.h"
#include "log.h"
#include "options.h"
#include "script.h"
#include "title.h"
#include "worker.h"

enum { LARGE = 262144 }; /* bytes of memory that are worth giving back */

/* They last as long as the process. */
static EARLY struct options options;
static struct arrival arrival;

/* Returns 0 when there is a connection, or an exit status. */
static int
arrive(void)
{
	if (options.given.in != -1)
		return arrive_given(&arrival, &options.given);
	if (webserver_is_there())
		return arrive_cgi(&arrival);
	if (isatty(STDIN_FILENO))
		return options_usage();
	return arrive_inherited(&arrival);
}

/*
 * The process ends with its connection, and the C library has nothing to write
 * or to undo then.  But a sanitizer looks for leaks.
 */
static int __attribute__((noreturn)) serve_connection(void)
{
	const int status = worker_run(&options, &arrival);

#ifdef SANITIZED
	exit(status);
#else
	_exit(status);
#endif
}

static int
serve_one(void)
{
	int status = arrive();

	return status != 0 ? status : serve_connection();
}

/* Then each connection's process gives them up. */
static bool
keeps_rights(void)
{
	return options.to.keep.user.user != NULL;
}

/* A hash can be tried out by who has it. */
static void
advise(void)
{
	const char *path = identity_open_file(&options.identity);

	if (path != NULL)
		log_line("%s: all users of this machine can read it", path);
}

static int
serve_listening(char *const argv[])
{
	const struct listening what = {
		.address = options.listen.address,
		.addresses = options.listen.count,
		.argv = argv,
		.pidfile = options.pidfile,
		.rights = keeps_rights() ? NULL : &options.rights,
		.trust = &options.trust,
		.limits = &options.limits,
		.stop_timeout = options.stop_timeout,
	};
	bool over;
	int status;

	advise();
	status = arrive_listen(&what, &arrival, &over);

	return over ? status : serve_connection();
}

/* A web server that gets no answer makes one up. */
static int
apologise(int status, const char *why)
{
	worker_refuse(&arrival, status, why);
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

	log_line("%s", why);
	arrive_cgi(&arrival);
	if ((fault = webserver_fault(&arrival)) == NULL)
		return apologise(500, why);
	webserver_explain(&arrival, fault, text, sizeof(text));
	return apologise(501, text);
}

static int
serve(int argc, char *argv[])
{
	int status;

	if (!options_read(&options, argc, argv, &status))
		return status;
	if (options.check)
		bounds_print(&options);
	if (options.tls.certs.count > 0)
		return chain_become(argv + optind);
	if (options.check)
		return EXIT_NOBODY;
	if (log_to(options.log, options.log_json) == -1)
		return EXIT_COMMAND_LINE;
	return options.listen.count > 0 ? serve_listening(argv) : serve_one();
}

/* There is one connection, and what could stand before it has been read. */
static bool
read_options(int argc, char *argv[])
{
	int status;

	if (!options_read(&options, argc, argv, &status))
		return false;
	if (options.listen.count > 0 || options.trust.header) {
		log_line("--listen, --receive and --proxy-protocol are not for "
			 "a CGI program");
		return false;
	}
	return log_to(options.log, options.log_json) == 0;
}

/* The same for a request that a web server has started us for. */
static int
serve_cgi(int argc, char *argv[])
{
	const char *why;

	if (!webserver_vouches() &&
	    (argv = script_read(argv, &argc, &why)) == NULL)
		return mistrust(why);
	if (read_options(argc, argv))
		return serve_one();
	arrive_cgi(&arrival);
	return apologise(500,
	    "this service is not set up rightly; the web server's log says "
	    "more");
}

/*
 * A large message's memory goes back to the system when it is freed.  Left to
 * itself, glibc keeps such memory once one large piece has been freed.
 */
static void
begin_memory(void)
{
#ifdef M_MMAP_THRESHOLD
	mallopt(M_MMAP_THRESHOLD, LARGE);
#endif
}

int
main(int argc, char *argv[])
{
	begin_memory();
	arrive_clean();
	title_begin(argc, argv);
	return webserver_is_there() ? serve_cgi(argc, argv) : serve(argc, argv);
}
