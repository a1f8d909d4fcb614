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
#include "tell.h"

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
	tell_text("format", o->to.format->name, NULL);
	tell_text("newline", newline_names[o->to.newline], NULL);
	tell_text("bad-text", bad_text_names[o->to.bad_text], NULL);
	tell_truth("unbuffered", o->to.unbuffered);
	tell_text("stderr", stderr_names[o->to.errors], NULL);
	tell_text("run-as", o->to.keep.user.user, "who starts it");
	tell_text("chdir", o->to.dir, "no");
	tell_truth("contain", o->to.keep.contain);
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

static void
print_places(const struct options *o)
{
	const struct limits *l = &o->limits;
	const bool listening = o->listen.count > 0;
	const char *slots = l->slots == NULL ? "nobody" : "slots";
	const char *who = listening ? "the listener" : slots;

	tell_counted("max", l->all, who);
	tell_counted("max-source", l->source, who);
	if (l->slots != NULL)
		who = "slots";
	tell_counted("max-user", l->user, who);
	tell_counted("max-path", l->path, who);
	tell_text("slots", l->slots, "none");
	printf("  %-20s %d,%d\n", "source-bits", l->bits.v4, l->bits.v6);
	if (!listening)
		return;
	tell_too_often(l);
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
		tell_text("ws-tls", program, "is not there");
	}
	free(program);
}

static void
print_trust(const struct trust *t)
{
	tell_networks("trust", &t->who);
	tell_text("forwarded", t->standard ? "forwarded" : "x-forwarded-for",
	    NULL);
	tell_truth("proxy-protocol", t->header);
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
		tell_text(kind_of(&o->listen.address[i]),
		    o->listen.address[i].text, NULL);
	if (o->listen.count > 0) {
		tell_listening(&o->rights, o->pidfile, o->stop_timeout);
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
	tell_text("www", o->www, "none");
	tell_truth("console", o->console);
	tell_log(o->log, o->log_json, o->verbose);
}

static void
print_hook(const struct options *o)
{
	printf("  %-20s", "admit");
	if (o->to.hook == COMMAND_NONE)
		printf(" none\n");
	else
		print_command(&o->to.commands.command[o->to.hook]);
	tell_seconds("admit-timeout", o->admit_timeout);
}

static void
print_policy(const struct options *o)
{
	print_names("host", &o->policy.hosts,
	    "the loopback names where that is listened on, else any");
	print_names("origin", &o->policy.origins, "the same as host");
	tell_truth("origin-required", o->policy.origin_required);
	print_names("protocol", &o->policy.protocols, "any");
	tell_text("users", o->identity.users, "none");
	tell_text("tokens", o->identity.tokens, "none");
	tell_text("user-header", o->identity.header, "none");
	print_hook(o);
	print_trust(&o->trust);
}

static void
print_messages(const struct options *o)
{
	printf("  %-20s 16384 bytes, 100 fields\n", "request head");
	tell_most("max-message", o->to.max_message, " bytes");
	tell_most("max-frame", o->conf.max_frame, " bytes");
	tell_most("max-fragments", o->conf.max_fragments, "");
	printf("  %-20s 65536 bytes\n", "frames sent");
	tell_most("message-rate", o->conf.message_rate, " a second");
	tell_most("byte-rate", o->conf.byte_rate, " bytes a second");
	tell_most("ping-rate", o->conf.ping_rate, " a second");
}

static void
print_times(const struct options *o)
{
	tell_seconds("handshake-timeout", o->conf.handshake);
	tell_seconds("ping", o->conf.ping);
	tell_seconds("pong", o->conf.pong);
	tell_seconds("write-timeout", o->conf.write);
	tell_seconds("session", o->conf.session);
	tell_seconds("idle", o->conf.idle);
	tell_seconds("close", o->conf.close);
	tell_seconds("linger", o->conf.linger);
	if (o->to.commands.count > 0)
		tell_seconds("grace", o->to.grace);
}

static void
print_kernel(const struct options *o)
{
	char text[64];

	printf("  %-20s %s\n", "confined by",
	    o->confine.off ? "nothing" : confine_kernel(text, sizeof(text)));
	tell_most("max-memory", o->confine.memory, " bytes");
	tell_seconds("max-cpu", o->confine.cpu);
	printf("  %-20s none, and no core\n", "new processes");
	printf("  %-20s %d\n", "descriptors", CONFINE_DESCRIPTORS);
	tell_truth("allow-setuid", o->confine.set_user);
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
