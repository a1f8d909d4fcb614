/*
 * main.c - ws-tls: TLS in front of a program that speaks plain text.
 */

#include <errno.h>
#include <string.h>
#include <sys/prctl.h>
#include <unistd.h>

#include "aside.h"
#include "exits.h"
#include "log.h"
#include "person.h"
#include "signals.h"
#include "title.h"
#include "tls/options.h"
#include "tls/serve.h"

/* They last as long as the process. */
static EARLY struct tls_options options;
static struct monitor monitor;
static struct arrival arrival;

static int
failed(const char *what)
{
	log_line("%s: %s", what, strerror(errno));
	return EXIT_SYSTEM;
}

/* Who becomes another user could not open its files a second time. */
static int
begin_monitor(void)
{
	if (keys_files(&options.keys, &monitor) == -1)
		return failed("begin");
	if (options.rights.user != NULL && monitor_begin(&monitor) == -1)
		return failed("start the monitor");
	return 0;
}

static int
load(void)
{
	char why[KEYS_WHY];
	int status;

	if ((status = begin_monitor()) != 0)
		return status;
	if (keys_load(&options.keys, &monitor, false, why) == 0)
		return 0;
	log_line("%s", why);
	return EXIT_COMMAND_LINE;
}

static int
check(void)
{
	char why[KEYS_WHY];

	if (keys_files(&options.keys, &monitor) == -1)
		return failed("begin");
	if (keys_load(&options.keys, &monitor, true, why) == -1) {
		person_told("%s", why);
		return EXIT_COMMAND_LINE;
	}
	tls_options_print(&options);
	return EXIT_NOBODY;
}

/* Until it is confined, a worker could open what root may open. */
static void
advise(void)
{
	if (geteuid() == 0 && options.rights.user == NULL)
		log_line("the program runs as root, who may read the keys: "
			 "--user NAME");
}

static int
serve_listening(char *const argv[])
{
	const struct listening what = {
		.address = options.listen.address,
		.addresses = options.listen.count,
		.argv = argv,
		.pidfile = options.pidfile,
		.rights = &options.rights,
		.trust = &options.trust,
		.limits = &options.limits,
		.stop_timeout = options.stop_timeout,
		.tls = true,
		.pass = monitor_descriptor(),
	};
	bool over;
	int status;

	advise();
	status = arrive_listen(&what, &arrival, &over);
	return over ? status : serve_connection(&options, &arrival);
}

static int
serve_one(void)
{
	int status;

	if (isatty(STDIN_FILENO))
		return tls_options_usage();
	if ((status = arrive_inherited(&arrival)) != 0)
		return status;
	if (arrival.in != arrival.out) {
		log_line("descriptor 0 is a pipe: TLS needs a socket");
		return EXIT_COMMAND_LINE;
	}
	signals_learn();
	return serve_connection(&options, &arrival);
}

int
main(int argc, char *argv[])
{
	int status;

	arrive_clean();
	title_begin(argc, argv);
	if (!tls_options_read(&options, argc, argv, &status))
		return status;
	if (options.check)
		return check();
	if (log_to(options.log, options.log_json) == -1)
		return EXIT_COMMAND_LINE;
	prctl(PR_SET_DUMPABLE, 0, 0, 0, 0); /* nobody looks at the keys */
	if (options.listen.count == 0)
		return serve_one();
	if ((status = load()) != 0)
		return status;
	return serve_listening(argv);
}
