/*
 * bounds.c - what a command line comes to, a line for each bound.  Refuses to
 * know how it was written.
 */

#include <inttypes.h>
#include <stdio.h>

#include "bounds.h"
#include "bridge/format.h"
#include "bridge/program.h"
#include "values.h"

static void
print_seconds(const char *what, int ms)
{
	if (ms < 0)
		printf("%-22s never\n", what);
	else
		printf("%-22s %g s\n", what, ms / 1000.0);
}

static void
print_most(const char *what, int64_t n, const char *unit)
{
	if (n < 0)
		printf("%-22s none\n", what);
	else
		printf("%-22s %" PRId64 "%s\n", what, n, unit);
}

static void
print_names(const char *what, const struct names *names, const char *none)
{
	printf("%-22s", what);
	for (size_t i = 0; i < names->count; i++)
		printf(" %s", names->name[i]);
	printf("%s%s\n", names->count == 0 ? " " : "",
	    names->count == 0 ? none : "");
}

static void
print_program(const struct options *o)
{
	printf("%-22s", "program");
	printf(" %s", o->to.path);
	for (char *const *arg = o->to.argv + 1; *arg != NULL; arg++)
		printf(" %s", *arg);
	printf("\n%-22s %s\n", "format", o->to.format->name);
	printf("%-22s %s\n", "newline", newline_names[o->to.newline]);
	printf("%-22s %s\n", "bad-text", bad_text_names[o->to.bad_text]);
	printf("%-22s %s\n", "unbuffered", o->to.unbuffered ? "yes" : "no");
	printf("%-22s %s\n", "stderr", stderr_names[o->to.errors]);
	print_seconds("grace", o->to.grace);
}

static void
print_compression(const struct options *o)
{
	const struct ws_deflate *d = &o->deflate;

	if (!o->compress) {
		printf("%-22s no\n", "compress");
		return;
	}
	printf("%-22s window %d bits, memory %d, level %d%s\n", "compress",
	    d->window, d->memory, d->level,
	    d->forget ? ", no context takeover" : "");
}

static void
print_limits(const struct options *o)
{
	printf("%-22s %d\n", "max", o->max);
	printf("%-22s %d\n", "max-source", o->max_source);
	print_seconds("stop-timeout", o->stop_timeout);
	printf("%-22s %s\n", "pidfile",
	    o->pidfile == NULL ? "none" : o->pidfile);
	printf("%-22s %s\n", "user",
	    o->rights.user == NULL ? "who starts it" : o->rights.user);
	if (o->rights.group == (gid_t)-1)
		printf("%-22s the user's\n", "group");
	else
		printf("%-22s %d\n", "group", (int)o->rights.group);
}

static void
print_trust(const struct trust *t)
{
	char text[NETWORK_TEXT];
	const struct network *n = t->who.network;

	printf("%-22s%s", "trust", t->who.local ? " unix" : "");
	for (size_t i = 0; i < t->who.count; i++)
		printf(" %s", network_text(&n[i], text));
	printf("%s\n", networks_any(&t->who) ? "" : " nobody");
	printf("%-22s %s\n", "forwarded",
	    t->standard ? "forwarded" : "x-forwarded-for");
	printf("%-22s %s\n", "proxy-protocol", t->header ? "yes" : "no");
}

void
bounds_print(const struct options *o)
{
	for (size_t i = 0; i < o->listen.count; i++)
		printf("%-22s %s\n",
		    o->listen.address[i].scgi ? "receive" : "listen",
		    o->listen.address[i].text);
	if (o->listen.count > 0)
		print_limits(o);
	else
		printf("%-22s the connection on descriptor %d\n", "serve",
		    o->given.in == -1 ? 0 : o->given.in);
	if (o->bridge == &bridge_program)
		print_program(o);
	else
		printf("%-22s %s\n", "bridge", o->bridge->name);
	print_names("host", &o->policy.hosts,
	    "the loopback names where that is listened on, else any");
	print_names("origin", &o->policy.origins, "the same as host");
	printf("%-22s %s\n", "origin-required",
	    o->policy.origin_required ? "yes" : "no");
	print_names("protocol", &o->policy.protocols, "any");
	print_trust(&o->trust);
	print_names("header", &o->headers, "none");
	print_names("allow-env", &o->to.allow, "none");
	printf("%-22s %s%s\n", "log", o->log == NULL ? "stderr" : o->log,
	    o->log_json ? ", in JSON" : "");
	printf("%-22s %s\n", "www", o->www == NULL ? "none" : o->www);
	printf("%-22s %s\n", "console", o->console ? "yes" : "no");
	printf("%-22s %s\n", "verbose", o->verbose ? "yes" : "no");
	print_compression(o);
	print_most("max-message", o->to.max_message, " bytes");
	print_most("max-frame", o->conf.max_frame, " bytes");
	print_most("max-fragments", o->conf.max_fragments, "");
	printf("%-22s 16384 bytes, 100 fields\n", "request head");
	printf("%-22s 65536 bytes\n", "frames sent");
	print_seconds("handshake-timeout", o->conf.handshake);
	print_seconds("ping", o->conf.ping);
	print_seconds("pong", o->conf.pong);
	print_seconds("write-timeout", o->conf.write);
	print_seconds("session", o->conf.session);
	print_seconds("idle", o->conf.idle);
	print_most("message-rate", o->conf.message_rate, " a second");
	print_most("byte-rate", o->conf.byte_rate, " bytes a second");
	print_most("ping-rate", o->conf.ping_rate, " a second");
	print_seconds("close", o->conf.close);
	print_seconds("linger", o->conf.linger);
}
