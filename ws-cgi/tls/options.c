/*
 * options.c - the command line of ws-tls, as a table.
 */

#include <errno.h>
#include <openssl/crypto.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "bridge/which.h"
#include "exits.h"
#include "option.h"
#include "person.h"
#include "tls/options.h"
#include "tell.h"
#include "values.h"
#include "version.h"

#define TO(member) offsetof(struct tls_options, member)

/* A sanitizer does what a confined process may not. */
#ifdef SANITIZED
enum { UNCONFINED = true };
#else
enum { UNCONFINED = false };
#endif

static int
set_cert(void *target, const char *arg, const char **why)
{
	struct keys_conf *c = target;
	struct key_pair *longer;

	*why = "empty";
	if (*arg == '\0')
		return -1;
	*why = "no memory";
	longer = reallocarray(c->pair, c->count + 1, sizeof(*longer));
	if (longer == NULL)
		return -1;
	longer[c->count++] = (struct key_pair){ .cert = arg };
	c->pair = longer;
	return 0;
}

static int
set_key(void *target, const char *arg, const char **why)
{
	struct keys_conf *c = target;

	*why = "its certificate comes first: --cert";
	if (c->count == 0)
		return -1;
	*why = "this certificate has a key already";
	if (c->pair[c->count - 1].key != NULL)
		return -1;
	*why = "empty";
	c->pair[c->count - 1].key = arg;
	return *arg == '\0' ? -1 : 0;
}

static const struct option_row rows[] = {
	{ 'l', "listen", "ADDRESS",
	    "listen there and fork for each connection (repeatable): as "
	    "ws-cgi(8) has it; without it, descriptor 0 is the connection",
	    value_address, TO(listen) },
	{ 0, "redirect", "ADDRESS",
	    "listen there without TLS, for a ws-cgi that redirects who comes "
	    "(repeatable)",
	    value_redirect, TO(listen) },
	{ 0, "cert", "FILE",
	    "certificate, and behind it those that it is signed with, PEM; one "
	    "for each name (repeatable)",
	    set_cert, TO(keys) },
	{ 0, "key", "FILE",
	    "its key, PEM, which nobody else may read (the certificate's "
	    "file)",
	    set_key, TO(keys) },
	{ 0, "client-ca", "FILE",
	    "clients need a certificate that one of these has signed, PEM; "
	    "revocation lists may be among them (nobody does)",
	    value_text, TO(keys.client_ca) },
	{ 0, "client-optional", NULL, "clients may come without one, too",
	    value_true, TO(keys.optional) },
	{ 'n', "max", "N", "connections at a time (1024)", value_count,
	    TO(limits.all) },
	{ 0, "max-source", "N", "of these from one source (64)", value_count,
	    TO(limits.source) },
	{ 0, "source-bits", "BITS",
	    "bits of an address that make a source, as ws-cgi(8) has it "
	    "(32,64)",
	    value_source_bits, TO(limits.bits) },
	{ 0, "source-rate", "N",
	    "new connections a second from one source, and ten seconds' at "
	    "once, or none (none)",
	    value_most, TO(limits.rate) },
	{ 0, "penalties", "LIST",
	    "as ws-cgi(8) has it; auth is of no use here "
	    "(crash=90,protocol=5,handshake=10,auth=5,min=15,max=600)",
	    value_penalties, TO(limits.penalties) },
	{ 0, "penalty-exempt", "WHO",
	    "who gets no penalties (repeatable): as ws-cgi(8) has it "
	    "(loopback)",
	    value_exempt, TO(limits.penalties) },
	{ 0, "trust", "WHO",
	    "who may send PROXY headers (repeatable): as ws-cgi(8) has it "
	    "(all)",
	    value_networks, TO(trust.who) },
	{ 0, "proxy-protocol", NULL,
	    "each connection begins with a PROXY header, before TLS",
	    value_true, TO(trust.header) },
	{ 0, "handshake-timeout", "SECONDS",
	    "for the handshakes of TLS and, by ws-cgi, of HTTP together (10)",
	    value_seconds, TO(handshake) },
	{ 0, "write-timeout", "SECONDS",
	    "for a write to the client that makes no progress (30)",
	    value_seconds, TO(write) },
	{ 0, "stop-timeout", "SECONDS",
	    "from SIGTERM to a listener to the end of the conversations that "
	    "still go on (never)",
	    value_seconds, TO(stop_timeout) },
	{ 0, "pidfile", "PATH",
	    "write the process id of the listener there, and remove it at the "
	    "end (none)",
	    value_text, TO(pidfile) },
	{ 0, "user", "NAME",
	    "become this user once keys are loaded and sockets opened (who "
	    "starts it)",
	    value_user, TO(rights) },
	{ 0, "group", "NAME", "and this group (the user's)", value_group,
	    TO(rights.group) },
	{ 0, "max-memory", "BYTES",
	    "address space of a connection's process that speaks TLS, or none "
	    "(256M)",
	    value_size, TO(confine.memory) },
	{ 0, "max-cpu", "SECONDS",
	    "processor time of it, at the end of which it is killed (never)",
	    value_seconds, TO(confine.cpu) },
#ifdef TEST_BUILD
	{ 0, "no-sandbox", NULL, "confine nothing", value_true,
	    TO(confine.off) },
#endif
	{ 'v', "verbose", NULL, "a line in the log for each connection's end",
	    value_true, TO(verbose) },
	{ 0, "log", "WHERE",
	    "where the log goes: stderr, syslog, or a file, with a slash in "
	    "its path (stderr)",
	    value_log, TO(log) },
	{ 0, "log-json", NULL, "each line of the log is a JSON object",
	    value_true, TO(log_json) },
	{ 0, "check", NULL,
	    "load all files, say what would be served, with every bound",
	    value_true, TO(check) },
	{ 'h', "help", NULL, "say this", NULL, 0 },
	{ 'V', "version", NULL, "say the version, and that of OpenSSL", NULL,
	    0 },
};

enum { ROWS = sizeof(rows) / sizeof(rows[0]) };

static const char usage[] =
    "usage: ws-tls [options] --cert FILE [--] program [argument ...]";

static void print_help(void);
static void print_version(void);

static const struct option_table table = {
	.rows = rows,
	.count = ROWS,
	.help = print_help,
	.version = print_version,
};

int
tls_options_usage(void)
{
	fprintf(stderr,
	    "%s\nDescriptor 0 is a terminal: start this from inetd, or with "
	    "--listen ADDRESS.\n",
	    usage);
	return EXIT_COMMAND_LINE;
}

static void
print_help(void)
{
	printf("%s\n", usage);
	printf("\nSpeaks TLS on a connection, and starts the program on the "
	       "plain text of it.\n\noptions, with their defaults:\n");
	option_print(&table);
	printf("\nexit status: that of the program; 1 the peer's fault, 100 "
	       "the command\n  line's, 111 the system's\n\n"
	       "Manual: ws-tls(8), ws-cgi(8)\n");
}

static void
print_version(void)
{
	printf("ws-tls %s\n%s\n", WS_CGI_VERSION,
	    OpenSSL_version(OPENSSL_VERSION));
}

static bool
check_files(const struct tls_options *o, int *status)
{
	if (o->keys.count == 0)
		person_told("there is no certificate: --cert FILE");
	else if (o->keys.optional && o->keys.client_ca == NULL)
		person_told("--client-optional goes with --client-ca");
	else
		return true;
	return option_wrong(status);
}

static bool
has_listener(const struct tls_options *o)
{
	for (size_t i = 0; i < o->listen.count; i++)
		if (o->listen.address[i].redirect == 0)
			return true;
	return false;
}

static bool
check_listening(const struct tls_options *o, int *status)
{
	if (o->listen.count > 0 && !has_listener(o))
		person_told("--redirect goes with --listen: where to?");
	else if (o->listen.count == 0 && o->pidfile != NULL)
		person_told("--pidfile is for a listener: --listen");
	else if (o->listen.count == 0 && o->limits.rate > 0)
		person_told("--source-rate is for a listener: --listen");
	else
		return true;
	return option_wrong(status);
}

static bool
read_program(struct tls_options *o, char *argv[], int *status)
{
	if (argv[0] == NULL) {
		person_told("what is to be started? There is no program");
		person_told("%s", usage);
		return option_wrong(status);
	}
	o->argv = argv;
	if ((o->path = which_program(argv[0])) != NULL)
		return true;
	person_told("the program '%s': %s", argv[0], strerror(errno));
	return option_wrong(status);
}

/*
 * Who is sent to https is sent to where TLS is spoken first, if that is known:
 * it is not of sockets that others open, nor of port 0.
 */
static void
aim(struct tls_options *o)
{
	struct address *a = o->listen.address;
	int port = ADDRESS_HTTPS;

	for (size_t i = o->listen.count; i-- > 0;)
		if (a[i].redirect == 0 && strtol(a[i].port, NULL, 10) > 0)
			port = (int)strtol(a[i].port, NULL, 10);
	for (size_t i = 0; i < o->listen.count; i++)
		if (a[i].redirect != 0)
			a[i].redirect = port;
}

static bool
exempt_loopback(struct tls_options *o, int *status)
{
	const char *why;

	if (limits_exempt(&o->limits, &why) == 0)
		return true;
	person_told("--penalty-exempt: %s", why);
	*status = EXIT_SYSTEM;
	return false;
}

bool
tls_options_read(struct tls_options *o, int argc, char *argv[], int *status)
{
	*o = (struct tls_options){
		.rights = { .group = (gid_t)-1 },
		.handshake = 10000,
		.write = 30000,
		.stop_timeout = -1,
		.confine = { .memory = 256 << 20,
		    .cpu = -1,
		    .off = UNCONFINED },
	};
	limits_begin(&o->limits);
	if (!option_read(&table, o, argc, argv, status) ||
	    (o->check && !option_is_read("check", status)) ||
	    !check_files(o, status) || !check_listening(o, status) ||
	    !exempt_loopback(o, status) ||
	    !read_program(o, argv + optind, status))
		return false;
	aim(o);
	return true;
}

/* Under what it is the bound of, as ws-cgi --check has it. */
static void
tell_service(const struct tls_options *o)
{
	const struct address *a = o->listen.address;

	printf("what is served by ws-tls %s:\n", WS_CGI_VERSION);
	keys_print(&o->keys);
	tell_text("clients",
	    o->keys.client_ca == NULL ? "need no certificate" :
		o->keys.optional      ? "may have a certificate" :
					"need a certificate",
	    NULL);
	for (size_t i = 0; i < o->listen.count; i++)
		tell_text(a[i].redirect != 0 ? "redirect" : "listen", a[i].text,
		    NULL);
	tell_text("program", o->path, NULL);
	if (o->listen.count > 0)
		tell_listening(&o->rights, o->pidfile, o->stop_timeout);
	tell_log(o->log, o->log_json, o->verbose);
}

static void
tell_limits(const struct limits *l)
{
	printf("how many, counted before a connection is served:\n");
	tell_counted("max", l->all, "the listener");
	tell_counted("max-source", l->source, "the listener");
	printf("  %-20s %d,%d\n", "source-bits", l->bits.v4, l->bits.v6);
	tell_too_often(l);
}

void
tls_options_print(const struct tls_options *o)
{
	char kernel[64];

	tell_service(o);
	if (o->listen.count > 0)
		tell_limits(&o->limits);
	printf("of a connection, kept by its process:\n");
	if (networks_any(&o->trust.who))
		tell_networks("trust", &o->trust.who);
	else
		tell_text("trust", "all", NULL);
	tell_truth("proxy-protocol", o->trust.header);
	tell_seconds("handshake-timeout", o->handshake);
	tell_seconds("write-timeout", o->write);
	printf("  %-20s %d a second\n", "changes of keys", TUNNEL_KEYS);
	printf("of that process, kept by the kernel:\n");
	tell_text("confined by",
	    o->confine.off ? "nothing" : confine_kernel(kernel, sizeof(kernel)),
	    NULL);
	tell_most("max-memory", o->confine.memory, " bytes");
	tell_seconds("max-cpu", o->confine.cpu);
}
