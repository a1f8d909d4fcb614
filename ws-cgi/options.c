/*
 * options.c - the command line.  Each option is a row: a new one is a row, a
 * member of struct options, and, if its kind is new, a function that sets it.
 */

#include <errno.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "bridge/format.h"
#include "bridge/program.h"
#include "agree.h"
#include "chain.h"
#include "choices.h"
#include "exits.h"
#include "option.h"
#include "options.h"
#include "person.h"
#include "values.h"
#include "version.h"

#define TO(member) offsetof(struct options, member)

/* A sanitizer does what a confined process may not. */
#ifdef SANITIZED
enum { UNCONFINED = true };
#else
enum { UNCONFINED = false };
#endif

static const struct option_row rows[] = {
	{ 'l', "listen", "ADDRESS",
	    "listen there and fork for each connection (repeatable): PORT, "
	    "localhost:PORT, :PORT, HOST:PORT, [V6]:PORT, "
	    "unix:PATH[,mode=0660][,owner=USER][,group=GROUP] or systemd; "
	    "without it, "
	    "descriptor 0 is the connection",
	    value_address, TO(listen) },
	{ 0, "tls-cert", "FILE",
	    "with --listen: speak TLS there, by ws-tls(8), with this "
	    "certificate, or one for each name (repeatable) (none)",
	    chain_cert, TO(tls) },
	{ 0, "tls-key", "FILE",
	    "the key of the certificate before it (the certificate's file)",
	    chain_key, TO(tls) },
	{ 0, "tls-client-ca", "FILE",
	    "clients need a certificate that one of these has signed (nobody "
	    "does)",
	    chain_client, TO(tls) },
	{ 0, "tls-client-optional", NULL, "clients may come without one, too",
	    value_true, TO(tls.optional) },
	{ 0, "redirect", "ADDRESS",
	    "listen there, and send all who come by http to https; it may be "
	    "all that is done (repeatable)",
	    value_redirect, TO(listen) },
	{ 0, "receive", "ADDRESS",
	    "listen there for web servers that speak SCGI, like nginx "
	    "(repeatable)",
	    value_receive, TO(listen) },
	{ 0, "fd", "N",
	    "the connection is descriptor N, as an application has left it; "
	    "the request, if this is a CGI environment, is there",
	    value_descriptors, TO(given) },
	{ 0, "in", "N", "like --fd, but only to read from; with --out",
	    value_descriptor, TO(given.in) },
	{ 0, "out", "N", "and this is to write to", value_descriptor,
	    TO(given.out) },
	{ 0, "preread-fd", "N",
	    "with --fd or --in: bytes that were read behind the request are "
	    "there, up to its end",
	    value_descriptor, TO(given.unread) },
	{ 0, "push-only", NULL,
	    "serve clients that cannot be heard as well, as by Apache to an "
	    "nph- script: what the program writes goes out",
	    value_true, TO(push_only) },
	{ 'f', "format", "NAME",
	    "how messages look on the program's pipes: line, nul, "
	    "netstring, json or raw (line)",
	    choice_format, TO(to.format) },
	{ 0, "newline", "POLICY",
	    "line and nul: a message with a newline, or for nul with a NUL, "
	    "in it: refuse it with 1003, escape, split or space (refuse)",
	    choice_newline, TO(to.newline) },
	{ 0, "bad-text", "POLICY",
	    "line and nul: output that is not UTF-8: close with 1011, "
	    "replace the bytes, or send it as binary (close)",
	    choice_bad_text, TO(to.bad_text) },
	{ 't', "text", NULL, "raw: what the program writes is sent as text",
	    value_true, TO(to.text) },
	{ 'u', "unbuffered", NULL,
	    "for programs that do not flush: their standard output is a "
	    "terminal",
	    value_true, TO(to.unbuffered) },
	{ 0, "stderr", "WHERE",
	    "where lines of the program's standard error go: log, client "
	    "(line, nul and json) or none (log)",
	    choice_stderr, TO(to.errors) },
	{ 'p', "protocol", "NAME",
	    "a subprotocol that is spoken (repeatable); the first that the "
	    "client offers is chosen; with NAME=BRIDGE, a bridge or a program "
	    "and its arguments, that is behind it (any)",
	    choice_protocol, TO(policy.protocols) },
	{ 0, "header", "FIELD",
	    "a field of the 101, like 'Set-Cookie: a=b' (repeatable)",
	    choice_header, TO(headers) },
	{ 0, "allow-env", "NAME",
	    "let the program inherit this variable, or with PREFIX_* all "
	    "such (repeatable)",
	    choice_variable, TO(to.allow) },
	{ 'H', "host", "NAME",
	    "serve requests for this host (repeatable), with its port or for "
	    "any (loopback listeners: the loopback names; else all hosts)",
	    choice_host, TO(policy.hosts) },
	{ 'o', "origin", "ORIGIN",
	    "let in pages from there (repeatable), exactly; * is all (the same "
	    "host and port)",
	    choice_origin, TO(policy.origins) },
	{ 0, "origin-required", NULL,
	    "refuse clients that send no Origin, which browsers always do",
	    value_true, TO(policy.origin_required) },
	{ 0, "users", "FILE",
	    "ask for a name and a password, HTTP Basic: lines NAME:HASH, as "
	    "htpasswd -B and mkpasswd hash them (nobody is asked)",
	    value_text, TO(identity.users) },
	{ 0, "tokens", "FILE",
	    "ask for a bearer token: lines NAME sha256:DIGITS; with --users "
	    "either will do (nobody is asked)",
	    value_text, TO(identity.tokens) },
	{ 0, "user-header", "FIELD",
	    "believe in this field of whom --trust names, like X-Remote-User, "
	    "who the user is; with --users and --tokens either will do (none)",
	    choice_field, TO(identity.header) },
	{ 0, "admit", "COMMAND",
	    "ask this hook, a program and its arguments, who may come in: its "
	    "exit status and what it prints decide (nobody is asked)",
	    value_text, TO(admit) },
	{ 0, "admit-timeout", "SECONDS", "for the hook (5)", value_seconds,
	    TO(admit_timeout) },
	{ 'w', "www", "DIR",
	    "serve the files below DIR to requests that ask for no WebSocket "
	    "(none)",
	    value_directory, TO(www) },
	{ 'c', "console", NULL,
	    "serve a page at /, where DIR has none, from which a person can "
	    "talk to the service",
	    value_true, TO(console) },
	{ 'm', "max-message", "BYTES",
	    "the largest message, either way; K, M and G may follow, none is "
	    "no "
	    "limit (16M; none for raw, echo:, discard: and chargen:)",
	    value_size, TO(to.max_message) },
	{ 0, "max-frame", "BYTES",
	    "the longest frame of a message from the client (none)", value_size,
	    TO(conf.max_frame) },
	{ 0, "max-fragments", "N",
	    "the most frames of one message from the client, empty ones "
	    "included (1048576; none where --max-message is none)",
	    value_number, TO(conf.max_fragments) },
	{ 'C', "compress", NULL,
	    "compress messages for clients that offer it, permessage-deflate",
	    value_true, TO(compress) },
	{ 0, "compress-window", "BITS",
	    "how far back it looks, 9 to 15; clients are asked for the same "
	    "where they let themselves be (12)",
	    value_window, TO(deflate.window) },
	{ 0, "compress-memory", "LEVEL",
	    "memory of the compressor, 1 to 9: 512 bytes doubled as often (5)",
	    value_level, TO(deflate.memory) },
	{ 0, "compress-level", "LEVEL", "from quick, 1, to small, 9 (6)",
	    value_level, TO(deflate.level) },
	{ 0, "no-context-takeover", NULL,
	    "compress each message alone, both ways: they are larger, and "
	    "between them no memory is held",
	    value_true, TO(deflate.forget) },
	{ 'n', "max", "N",
	    "connections at a time; more are turned away with 503 (1024)",
	    value_count, TO(limits.all) },
	{ 0, "max-source", "N",
	    "connections at a time from one IPv4 address or IPv6 /64; Unix "
	    "sockets and trusted proxies are not counted (64)",
	    value_count, TO(limits.source) },
	{ 0, "max-user", "N",
	    "connections at a time of one user, whom --users or --tokens know, "
	    "or a web server has named (none)",
	    value_most, TO(limits.user) },
	{ 0, "max-path", "N", "connections at a time to one path (none)",
	    value_most, TO(limits.path) },
	{ 0, "slots", "DIR",
	    "count by locks there: all that --max and its kin name where there "
	    "is no listener, users and paths where there is (none)",
	    value_text, TO(limits.slots) },
	{ 0, "source-bits", "BITS",
	    "how much of an address is one source: of IPv4, 8 to 32, and "
	    "perhaps, behind a comma, of IPv6, 32 to 64 (32,64)",
	    value_source_bits, TO(limits.bits) },
	{ 0, "source-rate", "N",
	    "new connections in a second from one source to a listener; 10 "
	    "times as many may come at once (none)",
	    value_most, TO(limits.rate) },
	{ 0, "penalties", "LIST",
	    "for how many seconds a listener keeps a source away for what it "
	    "does, as crash=90,protocol=5,handshake=10,auth=5, which add up, "
	    "from min on and up to max; or none "
	    "(crash=90,protocol=5,handshake=10,auth=5,min=15,max=600)",
	    value_penalties, TO(limits.penalties) },
	{ 0, "penalty-exempt", "WHO",
	    "who gets no penalties (repeatable): as --trust has it, or none "
	    "(loopback)",
	    value_exempt, TO(limits.penalties) },
	{ 0, "trust", "WHO",
	    "believe whom these proxies name as the client (repeatable): "
	    "an address, a network like 192.0.2.0/24, loopback, or unix "
	    "(nobody)",
	    value_networks, TO(trust.who) },
	{ 0, "forwarded", "FIELD",
	    "where they do so: x-forwarded-for, with x-forwarded-proto, or "
	    "forwarded, RFC 7239 (x-forwarded-for)",
	    value_forwarded, TO(trust.standard) },
	{ 0, "proxy-protocol", NULL,
	    "each connection begins with a PROXY header, version 1 or 2",
	    value_true, TO(trust.header) },
	{ 0, "handshake-timeout", "SECONDS",
	    "for the whole handshake, from accept to 101 (10)", value_seconds,
	    TO(conf.handshake) },
	{ 0, "ping", "SECONDS", "silence after which the client is pinged (25)",
	    value_seconds, TO(conf.ping) },
	{ 0, "pong", "SECONDS",
	    "further silence after which it is given up (20)", value_seconds,
	    TO(conf.pong) },
	{ 0, "write-timeout", "SECONDS",
	    "for a write that makes no progress (30)", value_seconds,
	    TO(conf.write) },
	{ 0, "session", "SECONDS",
	    "the longest a conversation lasts, from its 101; then it is closed "
	    "with 1008 (never)",
	    value_seconds, TO(conf.session) },
	{ 0, "idle", "SECONDS",
	    "the longest without a message, either way; then it is closed with "
	    "1001 (never)",
	    value_seconds, TO(conf.idle) },
	{ 0, "message-rate", "N",
	    "the most messages a second from the client, and ten seconds' at "
	    "once; over it, it is closed with 1008 (none)",
	    value_number, TO(conf.message_rate) },
	{ 0, "byte-rate", "BYTES",
	    "likewise bytes, those of heads and of what was inflated included; "
	    "K, M and G may follow (none)",
	    value_size, TO(conf.byte_rate) },
	{ 0, "ping-rate", "N",
	    "likewise Pings, and Pongs that were not asked for (100)",
	    value_number, TO(conf.ping_rate) },
	{ 0, "grace", "SECONDS",
	    "from the end of the program's input to SIGHUP; 1 s later SIGTERM, "
	    "3 s later SIGKILL (1)",
	    value_seconds, TO(to.grace) },
	{ 0, "stop-timeout", "SECONDS",
	    "from SIGTERM to a listener to the end of the conversations that "
	    "still go on, with 1001 (never)",
	    value_seconds, TO(stop_timeout) },
	{ 0, "pidfile", "PATH",
	    "write the process id of the listener there, and remove it at the "
	    "end (none)",
	    value_text, TO(pidfile) },
	{ 0, "user", "NAME",
	    "become this user once the listener has opened its sockets (who "
	    "starts it)",
	    value_user, TO(rights) },
	{ 0, "group", "NAME", "and this group (the user's)", value_group,
	    TO(rights.group) },
	{ 0, "chroot", "DIR",
	    "with --user: make DIR the root of files for all that comes after "
	    "(none)",
	    value_text, TO(rights.root) },
	{ 0, "run-as", "USER",
	    "the program's user, and without --user that of the connection's "
	    "process (who starts it)",
	    value_user, TO(to.keep.user) },
	{ 0, "chdir", "DIR", "the program's directory (where this is started)",
	    value_directory, TO(to.dir) },
	{ 0, "program-limit", "LIMIT",
	    "a limit of the program's, like as=256M (repeatable): as, core, "
	    "cpu, data, fsize, memlock, nofile, nproc or stack, as "
	    "setrlimit(2) has them (those that this is started with)",
	    choice_limit, TO(to.limits) },
	{ 0, "contain", NULL,
	    "end with a program all that it has started, in sessions of its "
	    "own, too",
	    value_true, TO(to.keep.contain) },
	{ 0, "max-memory", "BYTES",
	    "address space of a connection's process, but not of its program; "
	    "none is no limit (256M and twelve messages of --max-message)",
	    value_size, TO(confine.memory) },
	{ 0, "max-cpu", "SECONDS",
	    "processor time of a connection's process, which then ends with "
	    "1001 (never)",
	    value_seconds, TO(confine.cpu) },
	{ 0, "allow-setuid", NULL,
	    "let programs gain rights by set-user-ID files, like sudo",
	    value_true, TO(confine.set_user) },
#ifdef TEST_BUILD
	{ 0, "no-sandbox", NULL, "confine nothing", value_true,
	    TO(confine.off) },
#endif
	{ 'v', "verbose", NULL,
	    "trace in the log what passes: the handshake, and each frame",
	    value_true, TO(verbose) },
	{ 0, "log", "WHERE",
	    "where the log goes: stderr, syslog, or a file, with a slash in "
	    "its path (stderr)",
	    value_log, TO(log) },
	{ 0, "log-json", NULL, "each line of the log is a JSON object",
	    value_true, TO(log_json) },
	{ 0, "check", NULL, "say what would be served, with every bound",
	    value_true, TO(check) },
	{ 'h', "help", NULL, "say this", NULL, 0 },
	{ 'V', "version", NULL, "say the version, and what is built in", NULL,
	    0 },
};

enum { ROWS = sizeof(rows) / sizeof(rows[0]) };

_Static_assert((int)ROWS <= (int)OPTION_ROWS, "there is room for all rows");

static const char usage[] =
    "usage: ws-cgi [options] [--] bridge-or-program [argument ...]";

/* Without a user of their own, the programs' is theirs too. */
const struct rights *
options_worker(const struct options *o)
{
	const struct rights *programs = &o->to.keep.user;

	return o->rights.user == NULL && programs->user != NULL ? programs :
								  &o->rights;
}

int
options_usage(void)
{
	fprintf(stderr,
	    "%s\nDescriptor 0 is a terminal: start this from inetd, or with "
	    "--listen ADDRESS.\n",
	    usage);
	return EXIT_COMMAND_LINE;
}

static void print_help(void);
static void print_version(void);

static const struct option_table table = {
	.rows = rows,
	.count = ROWS,
	.help = print_help,
	.version = print_version,
	.seen = chain_saw,
};

static void
print_help(void)
{
	const struct bridge *b;
	const struct format *f;

	printf("%s\n", usage);
	printf("\nMakes a WebSocket service of any program: one connection is "
	       "one process.\n\noptions, with their defaults:\n");
	option_print(&table);
	printf("\nbridges, beside programs:\n");
	for (size_t i = 0; (b = bridge_at(i)) != NULL; i++)
		printf("  %-10s %s\n", b->name, b->help);
	printf("\nformats, one message being:\n");
	for (size_t i = 0; (f = format_at(i)) != NULL; i++)
		printf("  %-10s %s\n", f->name, f->help);
	printf("\nexit status: 0 nobody's fault, 1 the peer's, 2 the "
	       "program's,\n  100 the command line's, 101 ours (a bug), 111 "
	       "the system's\n\nManual: ws-cgi(8), ws-environ(7)\n");
}

static void
print_version(void)
{
	const struct bridge *b;
	const struct format *f;

	printf("ws-cgi %s\nRFC 6455, extensions: permessage-deflate\nbridges: "
	       "program",
	    WS_CGI_VERSION);
	for (size_t i = 0; (b = bridge_at(i)) != NULL; i++)
		printf(" %s", b->name);
	printf("\nformats:");
	for (size_t i = 0; (f = format_at(i)) != NULL; i++)
		printf(" %s", f->name);
	printf("\n");
}

static bool
unknown_bridge(const char *operand, int *status)
{
	char names[256] = "";
	const struct bridge *b;

	for (size_t i = 0; (b = bridge_at(i)) != NULL; i++) {
		strlcat(names, " ", sizeof(names));
		strlcat(names, b->name, sizeof(names));
	}
	person_told("there is no bridge '%s'; there are%s; a program whose "
		    "name holds a colon is written with a slash",
	    operand, names);
	return option_wrong(status);
}

static bool
find_program(struct options *o, char *argv[], int *number, int *status)
{
	if ((*number = command_add(&o->to.commands, argv)) != COMMAND_NONE)
		return true;
	if (errno == ENOENT && strchr(argv[0], '/') == NULL)
		person_told("there is no program '%s' in PATH", argv[0]);
	else
		person_told("the program '%s': %s", argv[0], strerror(errno));
	return option_wrong(status);
}

/* A bridge, or a program and its arguments. */
static bool
find_bridge(struct options *o, char *argv[], struct behind *b, int *status)
{
	b->program = COMMAND_NONE;
	if ((b->bridge = bridge_find(argv[0])) == NULL)
		return unknown_bridge(argv[0], status);
	if (b->bridge == &bridge_program)
		return find_program(o, argv, &b->program, status);
	if (argv[1] == NULL)
		return true;
	person_told("%s takes no arguments", argv[0]);
	return option_wrong(status);
}

static bool
no_memory(int *status)
{
	person_told("%s", strerror(ENOMEM));
	*status = EXIT_SYSTEM;
	return false;
}

/* The words of an option. */
static bool
read_words(const char *text, char ***words, int *status)
{
	return (*words = command_words(text)) != NULL || no_memory(status);
}

/* The name is the first word, up to the "=", and what follows the bridge. */
static bool
read_protocol(struct options *o, size_t i, int *status)
{
	const char **name = &o->policy.protocols.name[i];
	const size_t len = strcspn(*name, "=");
	char **words;

	if ((*name)[len] == '\0')
		return true;
	if (!read_words(*name, &words, status))
		return false;
	*name = words[0];
	words[0][len] = '\0';
	words[0] += len + 1;
	if (*words[0] == '\0')
		words++;
	return find_bridge(o, words, &o->behind[i], status);
}

static bool
read_protocols(struct options *o, int *status)
{
	const size_t n = o->policy.protocols.count;

	if ((o->behind = calloc(n + 1, sizeof(*o->behind))) == NULL)
		return no_memory(status);
	for (size_t i = 0; i < n; i++)
		if (!read_protocol(o, i, status))
			return false;
	return true;
}

static bool
read_hook(struct options *o, int *status)
{
	char **words;

	if (o->admit == NULL)
		return true;
	if (!read_words(o->admit, &words, status))
		return false;
	if (words[0] != NULL)
		return find_program(o, words, &o->to.hook, status);
	person_told("--admit: there is no program");
	return option_wrong(status);
}

static bool
read_operands(struct options *o, int argc, char *argv[], int *status)
{
	static char nothing[] = "discard:", *no_words[] = { nothing, NULL };
	struct behind b;

	if (argc == 0 && agree_redirects(o)) {
		argv = no_words; /* and nobody ever gets there */
	} else if (argc == 0) {
		person_told("what is to be served? There is no program or "
			    "bridge");
		person_told("%s", usage);
		return option_wrong(status);
	}
	if (!find_bridge(o, argv, &b, status))
		return false;
	o->bridge = b.bridge;
	o->to.program = b.program;
	return read_protocols(o, status) && read_hook(o, status);
}

/* The first of a name counts. */
struct behind
options_behind(const struct options *o, const char *protocol)
{
	const struct names *names = &o->policy.protocols;

	for (size_t i = 0; protocol != NULL && i < names->count; i++)
		if (strcmp(names->name[i], protocol) == 0) {
			if (o->behind[i].bridge != NULL)
				return o->behind[i];
			break;
		}
	return (struct behind){ o->bridge, o->to.program };
}

bool
options_read(struct options *o, int argc, char *argv[], int *status)
{
	*o = (struct options){
		.stop_timeout = -1,
		.admit_timeout = 5000,
		.rights = { .group = (gid_t)-1 },
		.given = { -1, -1, -1 },
		.to = { .program = COMMAND_NONE,
		    .hook = COMMAND_NONE,
		    .format = &format_line,
		    .grace = 1000,
		    .keep.user.group = (gid_t)-1 },
		.conf = { .handshake = 10000,
		    .ping = 25000,
		    .pong = 20000,
		    .write = 30000,
		    .close = 3000,
		    .linger = 1000,
		    .session = -1,
		    .idle = -1,
		    .max_frame = -1,
		    .message_rate = -1,
		    .byte_rate = -1,
		    .ping_rate = 100 },
		.deflate = { .window = 12, .memory = 5, .level = 6 },
		.confine = { .cpu = -1, .off = UNCONFINED },
	};
	limits_begin(&o->limits);
	return option_read(&table, o, argc, argv, status) &&
	    agree_options(o, status) &&
	    read_operands(o, argc - optind, argv + optind, status) &&
	    agree_bridge(o, status);
}
