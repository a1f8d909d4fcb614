/*
 * bounds.c - what a command line comes to, a line for each bound, under who
 * keeps it.  Refuses to know how it was written.
 */

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "bounds.h"
#include "bridge/format.h"
#include "bridge/program.h"
#include "choices.h"

static void
print_seconds(const char *what, int ms)
{
	if (ms < 0)
		printf("  %-20s never\n", what);
	else
		printf("  %-20s %g s\n", what, ms / 1000.0);
}

static void
print_most(const char *what, int64_t n, const char *unit)
{
	if (n < 0)
		printf("  %-20s none\n", what);
	else
		printf("  %-20s %" PRId64 "%s\n", what, n, unit);
}

static void
print_names(const char *what, const struct names *names, const char *none)
{
	printf("  %-20s", what);
	for (size_t i = 0; i < names->count; i++)
		printf(" %s", names->name[i]);
	printf("%s%s\n", names->count == 0 ? " " : "",
	    names->count == 0 ? none : "");
}

static void
print_networks(const char *what, const struct networks *all)
{
	char text[NETWORK_TEXT];

	printf("  %-20s%s", what, all->local ? " unix" : "");
	for (size_t i = 0; i < all->count; i++)
		printf(" %s", network_text(&all->network[i], text));
	printf("%s\n", networks_any(all) ? "" : " nobody");
}

static void
print_program_limits(const struct spawn_limits *l)
{
	printf("  %-20s%s", "program-limit", l->count == 0 ? " none" : "");
	for (size_t i = 0; i < l->count; i++) {
		printf(" %s=", choice_resource(l->limit[i].resource));
		if (l->limit[i].value == RLIM_INFINITY)
			printf("none");
		else
			printf("%" PRIu64, (uint64_t)l->limit[i].value);
	}
	printf("\n");
}

static void
print_command(const struct command *c)
{
	printf(" %s", c->path);
	for (char *const *arg = c->argv + 1; *arg != NULL; arg++)
		printf(" %s", *arg);
	printf("\n");
}

static void
print_behind(const struct options *o, const char *what, struct behind b)
{
	printf("  %-20s", what);
	if (b.program == COMMAND_NONE)
		printf(" %s\n", b.bridge->name);
	else
		print_command(&o->to.commands.command[b.program]);
}

/* What is behind the subprotocols that have something of their own. */
static void
print_protocols(const struct options *o)
{
	const struct names *names = &o->policy.protocols;
	char what[64];

	for (size_t i = 0; i < names->count; i++) {
		if (o->behind[i].bridge == NULL)
			continue;
		snprintf(what, sizeof(what), "protocol %s", names->name[i]);
		print_behind(o, what, o->behind[i]);
	}
}

static void
print_program(const struct options *o)
{
	printf("  %-20s %s\n", "format", o->to.format->name);
	printf("  %-20s %s\n", "newline", newline_names[o->to.newline]);
	printf("  %-20s %s\n", "bad-text", bad_text_names[o->to.bad_text]);
	printf("  %-20s %s\n", "unbuffered", o->to.unbuffered ? "yes" : "no");
	printf("  %-20s %s\n", "stderr", stderr_names[o->to.errors]);
	printf("  %-20s %s\n", "run-as",
	    o->to.keep.user.user == NULL ? "who starts it" :
					   o->to.keep.user.user);
	printf("  %-20s %s\n", "chdir", o->to.dir == NULL ? "no" : o->to.dir);
	printf("  %-20s %s\n", "contain", o->to.keep.contain ? "yes" : "no");
}

static void
print_compression(const struct options *o)
{
	const struct ws_deflate *d = &o->deflate;

	if (!o->compress) {
		printf("  %-20s no\n", "compress");
		return;
	}
	printf("  %-20s window %d bits, memory %d, level %d%s\n", "compress",
	    d->window, d->memory, d->level,
	    d->forget ? ", no context takeover" : "");
}

/* How many, and who counts them. */
static void
print_counted(const char *what, int most, const char *who)
{
	if (most == 0)
		printf("  %-20s none\n", what);
	else
		printf("  %-20s %d, counted by %s\n", what, most, who);
}

static void
print_penalties(const struct penalties_conf *p)
{
	printf("  %-20s", "penalties");
	for (int i = 0; i < PENALTY_VALUES && p->seconds[PENALTY_MAX] > 0; i++)
		printf("%c%s=%d", i == 0 ? ' ' : ',', penalty_names[i],
		    p->seconds[i]);
	printf("%s\n", p->seconds[PENALTY_MAX] > 0 ? "" : " none");
	print_networks("penalty-exempt", &p->exempt);
}

static void
print_places(const struct options *o)
{
	const struct limits *l = &o->limits;
	const bool listening = o->listen.count > 0;
	const char *slots = l->slots == NULL ? "nobody" : "slots";
	const char *who = listening ? "the listener" : slots;

	print_counted("max", l->all, who);
	print_counted("max-source", l->source, who);
	if (l->slots != NULL)
		who = "slots";
	print_counted("max-user", l->user, who);
	print_counted("max-path", l->path, who);
	printf("  %-20s %s\n", "slots", l->slots == NULL ? "none" : l->slots);
	printf("  %-20s %d,%d\n", "source-bits", l->bits.v4, l->bits.v6);
	if (!listening)
		return;
	print_counted("source-rate", l->rate, "the listener");
	print_penalties(&l->penalties);
}

static void
print_listening(const struct options *o)
{
	print_seconds("stop-timeout", o->stop_timeout);
	printf("  %-20s %s\n", "pidfile",
	    o->pidfile == NULL ? "none" : o->pidfile);
	printf("  %-20s %s\n", "user",
	    o->rights.user == NULL ? "who starts it" : o->rights.user);
	if (o->rights.group == (gid_t)-1)
		printf("  %-20s the user's\n", "group");
	else
		printf("  %-20s %d\n", "group", (int)o->rights.group);
	printf("  %-20s %s\n", "chroot",
	    o->rights.root == NULL ? "none" : o->rights.root);
}

/* The rest of it is ws-tls's to say. */
static void
print_tls(const struct chain_conf *c)
{
	char *program = c->certs.count == 0 ? NULL : chain_find();

	print_names("tls-cert", &c->certs, "none");
	if (c->certs.count > 0) {
		printf("  %-20s %s%s\n", "tls-client-ca",
		    c->client_ca == NULL ? "none" : c->client_ca,
		    c->optional ? ", or no certificate" : "");
		printf("  %-20s %s\n", "ws-tls",
		    program == NULL ? "is not there" : program);
	}
	free(program);
}

static void
print_trust(const struct trust *t)
{
	print_networks("trust", &t->who);
	printf("  %-20s %s\n", "forwarded",
	    t->standard ? "forwarded" : "x-forwarded-for");
	printf("  %-20s %s\n", "proxy-protocol", t->header ? "yes" : "no");
}

static const char *
kind_of(const struct address *a)
{
	return a->redirect != 0 ? "redirect" : a->scgi ? "receive" : "listen";
}

static void
print_service(const struct options *o)
{
	for (size_t i = 0; i < o->listen.count; i++)
		printf("  %-20s %s\n", kind_of(&o->listen.address[i]),
		    o->listen.address[i].text);
	if (o->listen.count > 0) {
		print_listening(o);
		print_tls(&o->tls);
	} else
		printf("  %-20s the connection on descriptor %d\n", "serve",
		    o->given.in == -1 ? 0 : o->given.in);
	print_behind(o, o->bridge == &bridge_program ? "program" : "bridge",
	    options_behind(o, NULL));
	print_protocols(o);
	if (o->to.commands.count > 0)
		print_program(o);
	print_names("allow-env", &o->to.allow, "none");
	print_names("header", &o->headers, "none");
	print_compression(o);
	printf("  %-20s %s\n", "www", o->www == NULL ? "none" : o->www);
	printf("  %-20s %s\n", "console", o->console ? "yes" : "no");
	printf("  %-20s %s%s\n", "log", o->log == NULL ? "stderr" : o->log,
	    o->log_json ? ", in JSON" : "");
	printf("  %-20s %s\n", "verbose", o->verbose ? "yes" : "no");
}

static void
print_hook(const struct options *o)
{
	printf("  %-20s", "admit");
	if (o->to.hook == COMMAND_NONE)
		printf(" none\n");
	else
		print_command(&o->to.commands.command[o->to.hook]);
	print_seconds("admit-timeout", o->admit_timeout);
}

static void
print_policy(const struct options *o)
{
	print_names("host", &o->policy.hosts,
	    "the loopback names where that is listened on, else any");
	print_names("origin", &o->policy.origins, "the same as host");
	printf("  %-20s %s\n", "origin-required",
	    o->policy.origin_required ? "yes" : "no");
	print_names("protocol", &o->policy.protocols, "any");
	printf("  %-20s %s\n", "users",
	    o->identity.users == NULL ? "none" : o->identity.users);
	printf("  %-20s %s\n", "tokens",
	    o->identity.tokens == NULL ? "none" : o->identity.tokens);
	printf("  %-20s %s\n", "user-header",
	    o->identity.header == NULL ? "none" : o->identity.header);
	print_hook(o);
	print_trust(&o->trust);
}

static void
print_messages(const struct options *o)
{
	printf("  %-20s 16384 bytes, 100 fields\n", "request head");
	print_most("max-message", o->to.max_message, " bytes");
	print_most("max-frame", o->conf.max_frame, " bytes");
	print_most("max-fragments", o->conf.max_fragments, "");
	printf("  %-20s 65536 bytes\n", "frames sent");
	print_most("message-rate", o->conf.message_rate, " a second");
	print_most("byte-rate", o->conf.byte_rate, " bytes a second");
	print_most("ping-rate", o->conf.ping_rate, " a second");
}

static void
print_times(const struct options *o)
{
	print_seconds("handshake-timeout", o->conf.handshake);
	print_seconds("ping", o->conf.ping);
	print_seconds("pong", o->conf.pong);
	print_seconds("write-timeout", o->conf.write);
	print_seconds("session", o->conf.session);
	print_seconds("idle", o->conf.idle);
	print_seconds("close", o->conf.close);
	print_seconds("linger", o->conf.linger);
	if (o->to.commands.count > 0)
		print_seconds("grace", o->to.grace);
}

static void
print_kernel(const struct options *o)
{
	char text[64];

	printf("  %-20s %s\n", "confined by",
	    o->confine.off ? "nothing" : confine_kernel(text, sizeof(text)));
	print_most("max-memory", o->confine.memory, " bytes");
	print_seconds("max-cpu", o->confine.cpu);
	printf("  %-20s none, and no core\n", "new processes");
	printf("  %-20s %d\n", "descriptors", CONFINE_DESCRIPTORS);
	printf("  %-20s %s\n", "allow-setuid",
	    o->confine.set_user ? "yes" : "no");
	if (o->to.commands.count > 0)
		print_program_limits(&o->to.limits);
}

void
bounds_print(const struct options *o)
{
	printf("what is served:\n");
	print_service(o);
	printf("how many, counted before a connection is served:\n");
	print_places(o);
	printf("who may come, seen to by a connection's process:\n");
	print_policy(o);
	printf("messages, bounded by a connection's process:\n");
	print_messages(o);
	printf("times, kept by a connection's process:\n");
	print_times(o);
	printf("of a connection's process, and its program, kept by the "
	       "kernel:\n");
	print_kernel(o);
}
