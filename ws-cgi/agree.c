/*
 * agree.c - what of the command line goes together, and what goes without
 * saying.  Each check says what is wrong.
 */

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "admit/slots.h"
#include "bridge/format.h"
#include "bridge/program.h"
#include "agree.h"
#include "exits.h"
#include "option.h"
#include "person.h"

/* A client must be able to tell standard error from messages. */
static bool
check_errors(const struct options *o, int *status)
{
	if (o->to.errors != STDERR_CLIENT || o->to.format->error != NULL)
		return true;
	person_told("--stderr client: with --format %s the client could not "
		    "tell it "
		    "from messages",
	    o->to.format->name);
	return option_wrong(status);
}

static bool
check_listening(const struct options *o, int *status)
{
	const bool rights =
	    o->rights.user != NULL || o->rights.group != (gid_t)-1;

	if (o->listen.count > 0)
		return true;
	if (o->pidfile == NULL && (!rights || o->to.keep.user.user != NULL))
		return true;
	person_told("--pidfile, and --user and --group without --run-as, are "
		    "for a listener: --listen");
	return option_wrong(status);
}

/* Sockets on which somebody else speaks than a client of http. */
static bool
speaks_otherwise(const struct options *o)
{
	for (size_t i = 0; i < o->listen.count; i++)
		if (o->listen.address[i].scgi)
			return true;
	return false;
}

bool
agree_redirects(const struct options *o)
{
	for (size_t i = 0; i < o->listen.count; i++)
		if (o->listen.address[i].redirect == 0)
			return false;
	return o->listen.count > 0;
}

/* A certificate of clients is asked for where there is one of ours. */
static bool
check_clients(const struct options *o, int *status)
{
	if (o->tls.certs.count == 0 &&
	    (o->tls.client_ca != NULL || o->tls.optional))
		person_told("--tls-client-ca and --tls-client-optional go "
			    "with --tls-cert");
	else if (o->tls.optional && o->tls.client_ca == NULL)
		person_told("--tls-client-optional goes with --tls-client-ca");
	else
		return true;
	return option_wrong(status);
}

/* What is in front has no place for all that a listener of ours does. */
static bool
check_tls(const struct options *o, int *status)
{
	const struct limits *l = &o->limits;

	if (o->tls.certs.count == 0)
		return check_clients(o, status);
	if (o->listen.count == 0 || agree_redirects(o))
		person_told("--tls-cert is for a listener: --listen");
	else if (speaks_otherwise(o))
		person_told("--receive: a web server speaks no TLS there: not "
			    "with --tls-cert");
	else if (o->rights.root != NULL || o->to.keep.user.user != NULL)
		person_told("--chroot and --run-as do not go with --tls-cert: "
			    "let stunnel or nginx be in front");
	else if (l->slots == NULL && (l->user > 0 || l->path > 0))
		person_told("--max-user and --max-path take --slots with "
			    "--tls-cert");
	else
		return check_clients(o, status);
	return option_wrong(status);
}

static bool
check_rights(const struct options *o, int *status)
{
	if (o->rights.root != NULL && o->rights.user == NULL)
		person_told("--chroot goes with --user: root could leave it");
	else if (o->to.keep.user.user != NULL && geteuid() != 0)
		person_told("--run-as: only root can start programs as "
			    "another user");
	else if (o->to.keep.user.user != NULL && o->rights.user == NULL &&
	    o->rights.group != (gid_t)-1)
		person_told("--group goes with --user where there is "
			    "--run-as");
	else
		return true;
	return option_wrong(status);
}

/* It is found from here, and started elsewhere. */
static bool
make_absolute(struct options *o, int *status)
{
	for (size_t i = 0; o->to.dir != NULL && i < o->to.commands.count; i++) {
		struct command *c = &o->to.commands.command[i];

		if (c->path[0] == '/' ||
		    (c->path = realpath(c->path, NULL)) != NULL)
			continue;
		person_told("the program: %s", strerror(errno));
		*status = EXIT_SYSTEM;
		return false;
	}
	return true;
}

static bool
check_limits(const struct options *o, int *status)
{
	const struct limits *l = &o->limits;
	const int *seconds = l->penalties.seconds;
	const bool listening = o->listen.count > 0;

	if (!listening && l->slots == NULL && (l->user > 0 || l->path > 0))
		person_told(
		    "--max-user and --max-path take --slots where there "
		    "is no listener");
	else if (!listening && l->rate > 0)
		person_told("--source-rate is for a listener: --listen");
	else if (seconds[PENALTY_MAX] > 0 &&
	    seconds[PENALTY_MAX] < seconds[PENALTY_MIN])
		person_told("--penalties: with max below min there are none");
	else
		return true;
	return option_wrong(status);
}

/* Files, as a worker finds them; as is its user, or "", for what is wrong. */

/* May processes count there, as the user that they will be? */
static bool
check_slots(const struct options *o, const char *as, int *status)
{
	const struct rights *worker = options_worker(o);
	const char *dir = o->limits.slots, *why;
	struct stat st;

	if (dir == NULL)
		return true;
	if (stat(dir, &st) == -1)
		why = strerror(errno);
	else if (slots_check(&st,
		     worker->user == NULL ? geteuid() : worker->uid, &why) == 0)
		return true;
	person_told("--slots '%s': %s%s", dir, why, as);
	return option_wrong(status);
}

/*
 * A service that nobody can come into is better not started; but for one
 * connection it is the client that hears of it, with 503.
 */
static bool
check_identity(const struct options *o, const char *as, int *status)
{
	char why[TALK_REASON];

	if (o->identity.header != NULL && !networks_any(&o->trust.who)) {
		person_told("--user-header goes with --trust: anybody can send "
			    "that field");
		return option_wrong(status);
	}
	if ((o->listen.count == 0 && !o->check) ||
	    identity_verify(&o->identity, why, sizeof(why)) == 0)
		return true;
	person_told("%s%s", why, as);
	return option_wrong(status);
}

static bool
check_files(const struct options *o, const char *as, int *status)
{
	return check_slots(o, as, status) && check_identity(o, as, status);
}

/* Returns an exit status. */
static int
check_dropped(const struct options *o)
{
	const struct rights *worker = options_worker(o);
	char as[64] = "";
	int status;

	if (worker->user != NULL)
		snprintf(as, sizeof(as), ", as user %s", worker->user);
	if ((status = rights_drop(worker)) != 0)
		return status;
	return check_files(o, as, &status) ? EXIT_NOBODY : status;
}

/* What it gives up is not ours to give up yet: a child does. */
static bool
check_as_worker(const struct options *o, int *status)
{
	int ended = 0;
	pid_t pid;

	signal(SIGCHLD, SIG_DFL);
	if ((pid = fork()) == -1) {
		person_told("fork: %s", strerror(errno));
		*status = EXIT_SYSTEM;
		return false;
	}
	if (pid == 0)
		_exit(check_dropped(o));
	while (waitpid(pid, &ended, 0) == -1 && errno == EINTR)
		;
	if (!WIFEXITED(ended))
		person_told("who was to check files has died");
	*status = WIFEXITED(ended) ? WEXITSTATUS(ended) : EXIT_SYSTEM;
	return *status == EXIT_NOBODY;
}

/* It is for a listener: for one connection it would cost another process. */
static bool
check_reading(const struct options *o, int *status)
{
	const struct rights *worker = options_worker(o);
	const bool drops = worker->user != NULL || worker->group != (gid_t)-1;
	const bool any =
	    o->limits.slots != NULL || identity_asked(&o->identity);

	if (any && drops && geteuid() == 0 && (o->listen.count > 0 || o->check))
		return check_as_worker(o, status);
	return check_files(o, "", status);
}

static bool
exempt_loopback(struct options *o, int *status)
{
	const char *why;

	if (o->listen.count == 0 || limits_exempt(&o->limits, &why) == 0)
		return true;
	person_told("--penalty-exempt: %s", why);
	*status = EXIT_SYSTEM;
	return false;
}

static bool
check_given(const struct options *o, int *status)
{
	const struct given *g = &o->given;

	if (g->in != -1 && o->listen.count > 0)
		person_told(
		    "--fd and --in are for one connection: not with --listen "
		    "or --receive");
	else if ((g->in == -1) != (g->out == -1))
		person_told("--in and --out go together");
	else if (g->in != g->out && g->out == STDIN_FILENO)
		person_told("--out: descriptor 0 is to read from");
	else if (g->unread != -1 && g->in == -1)
		person_told("--preread-fd goes with --fd or --in");
	else if (g->unread != -1 && (g->unread == g->in || g->unread == g->out))
		person_told(
		    "--preread-fd is another than --fd, --in and --out");
	else
		return true;
	return option_wrong(status);
}

/*
 * A message is held some times over on its way, in buffers that grow by halves,
 * and in JSON in more bytes than it has; the rest is libraries, and room.
 */
static int64_t
enough_memory(int64_t held, bool streams)
{
	const int64_t base = 256 << 20;

	if (held < 0)
		return streams ? base : -1;
	return held > (INT64_MAX - base) / 12 ? -1 : base + 12 * held;
}

static bool
is_streaming(const struct options *o, const struct bridge *b)
{
	return b->streams || (b == &bridge_program && o->to.format->streams);
}

/* What is true of each bridge, or of one at least. */
static void
look_at_bridges(struct options *o, bool *streams)
{
	*streams = is_streaming(o, o->bridge);
	o->polls = o->bridge->polls || o->to.hook != COMMAND_NONE;
	for (size_t i = 0; i < o->policy.protocols.count; i++) {
		const struct bridge *b = o->behind[i].bridge;

		if (b != NULL && !is_streaming(o, b))
			*streams = false;
		if (b != NULL && b->polls)
			o->polls = true;
	}
}

/* Limits of messages that were not given: what streams needs none. */
static void
complete(struct options *o)
{
	bool streams;

	look_at_bridges(o, &streams);
	if (o->to.max_message == 0)
		o->to.max_message = streams ? -1 : 16 << 20;
	o->conf.max_message = o->to.max_message;
	if (o->conf.max_fragments == 0)
		o->conf.max_fragments =
		    o->conf.max_message == -1 ? -1 : 1 << 20;
	if (o->confine.memory == 0)
		o->confine.memory = enough_memory(o->to.max_message, streams);
	if (o->compress)
		o->conf.deflate = &o->deflate;
}

bool
agree_options(struct options *o, int *status)
{
	return (!o->check || option_is_read("check", status)) &&
	    check_errors(o, status) && check_tls(o, status) &&
	    check_listening(o, status) && check_given(o, status) &&
	    check_limits(o, status) && check_rights(o, status) &&
	    check_reading(o, status) && exempt_loopback(o, status);
}

bool
agree_bridge(struct options *o, int *status)
{
	if (!make_absolute(o, status))
		return false;
	complete(o);
	return true;
}
