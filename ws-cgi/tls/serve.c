/*
 * serve.c - one connection, in two processes.  The one that is to be the
 * program reads no byte of the network; the one that does executes nothing.
 */

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "arrive/client.h"
#include "arrive/preface.h"
#include "clock.h"
#include "exits.h"
#include "log.h"
#include "serve.h"
#include "signals.h"
#include "sink.h"
#include "title.h"
#include "tls/facts.h"
#include "tls/tunnel.h"
#include "ws.h"

/* A connection, as both processes know it. */
struct serving {
	const struct tls_options *o;
	struct arrival *a;
	int64_t until; /* the end of the handshake, that of HTTP included */
	int plain[2];  /* the tunnel's end, and the program's */
	int pipe[2];   /* by which facts come */
	struct facts facts;
	struct tunnel tunnel;
};

static int
failed(const char *what)
{
	log_line("cannot %s: %s", what, strerror(errno));
	return EXIT_SYSTEM;
}

/* The tunnel. */

static void __attribute__((format(printf, 3, 4)))
say(const struct serving *s, const char *event, const char *format, ...)
{
	char who[CLIENT_TEXT], text[256];
	va_list ap;

	va_start(ap, format);
	vsnprintf(text, sizeof(text), format, ap);
	va_end(ap);
	log_event(event, "%s: %s", client_text(s->a, who), text);
}

static void
show(const struct serving *s)
{
	title_words(s->a->client.address);
	title_words(" ");
	title_words(
	    *s->facts.protocol == '\0' ? "handshake" : s->facts.protocol);
	if (*s->facts.protocol != '\0') {
		title_words(" in ");
		title_number(s->tunnel.in);
		title_words(" out ");
		title_number(s->tunnel.out);
	}
	title_show();
}

static void
show_now_and_then(void *arg)
{
	if (title_due())
		show(arg);
}

/*
 * It ends with the connection, and by no signal that is for all: what the
 * program says when it is told to stop has to reach the client.
 */
static void
ignore_signals(void)
{
	static const int those[] = { SIGHUP, SIGINT, SIGTERM, SIGPIPE, SIGUSR1,
		SIGALRM };
	sigset_t none;

	for (size_t i = 0; i < sizeof(those) / sizeof(those[0]); i++)
		signal(those[i], SIG_IGN);
	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
}

/* Before a byte of TLS is read.  Returns 0, or an exit status. */
static int
confine(const struct serving *s)
{
	struct confine_needs needs = { .group = 0 };

	sink_settle(&needs.log);
	if (confine_begin(&s->o->confine) == -1 ||
	    confine_rest(&s->o->confine, &needs) == -1)
		return EXIT_SYSTEM;
	return 0;
}

/*
 * A proxy's header comes before all TLS, and from who is trusted with it: what
 * its reader asks of the system is no call of a confined process.
 */
static int
read_preface(struct serving *s)
{
	const struct ws_conf conf = { .handshake = clock_until(s->until) };

	return s->o->trust.header ? preface_read(s->a, &s->o->trust, &conf) : 0;
}

static void
tell(const struct serving *s, enum child_deed deed)
{
	if (s->a->place.shared != NULL)
		children_tell(&s->a->place, deed);
}

/* Who says nothing at all, as health checks do, is not worth a line. */
static int
refuse(const struct serving *s, int end)
{
	switch (end) {
	case TUNNEL_CLOSED:
		break;
	case TUNNEL_STALLED:
		tell(s, DEED_HANDSHAKE);
		say(s, "no TLS", "no TLS handshake in time");
		break;
	case TUNNEL_TRUNCATED:
		say(s, "no TLS", "no TLS: gone during the handshake");
		break;
	case TUNNEL_FAILED:
		return failed("serve a connection");
	case TUNNEL_REFUSED:
		say(s, "no TLS", "no TLS: %s", s->tunnel.why);
		tunnel_close(&s->tunnel);
		break;
	default:
		tell(s, DEED_PROTOCOL);
		say(s, "no TLS", "no TLS: %s", s->tunnel.why);
		tunnel_close(&s->tunnel);
	}
	return EXIT_PEER;
}

static int
open_tunnel(struct serving *s)
{
	const char *why;
	int end;

	if ((s->tunnel.ssl = keys_session()) == NULL) {
		errno = ENOMEM;
		return failed("begin TLS");
	}
	if ((end = tunnel_open(&s->tunnel, s->until)) != 0)
		return refuse(s, end);
	if (facts_take(&s->facts, s->tunnel.ssl, &why) == -1) {
		say(s, "no TLS", "no TLS: %s", why);
		return EXIT_PEER;
	}
	s->facts.client = s->a->client;
	s->facts.server = s->a->server;
	return 0;
}

/* How it has ended, where that is worth a line. */
static void
report(const struct serving *s, enum tunnel_end end)
{
	const char *why = end == TUNNEL_TRUNCATED ?
	    "truncated: the connection has ended without close_notify" :
	    end == TUNNEL_BROKEN || end == TUNNEL_REFUSED ? s->tunnel.why :
	    end == TUNNEL_STALLED ? "the client takes nothing any more" :
	    end == TUNNEL_FLOODED ? "it changes keys without end" :
	    end == TUNNEL_FAILED  ? strerror(errno) :
				    "closed";

	if (end == TUNNEL_CLOSED && !s->o->verbose)
		return;
	say(s, end == TUNNEL_TRUNCATED ? "truncated" : "TLS",
	    "%s %s: %s, in %" PRIu64 " out %" PRIu64, s->facts.protocol,
	    s->facts.cipher, why, s->tunnel.in, s->tunnel.out);
}

/* For one connection the keys are loaded here: the program never had them. */
static int
load(const struct serving *s)
{
	const struct monitor none = { 0 };
	char why[KEYS_WHY];

	if (s->a->listened)
		return 0;
	if (keys_load(&s->o->keys, &none, true, why) == 0)
		return rights_drop(&s->o->rights);
	log_line("%s", why);
	return EXIT_COMMAND_LINE;
}

static int
run_tunnel(struct serving *s)
{
	enum tunnel_end end;
	int status;

	ignore_signals();
	show(s);
	if ((status = load(s)) != 0 || (status = read_preface(s)) != 0 ||
	    (status = confine(s)) != 0 || (status = open_tunnel(s)) != 0)
		return status;
	if (facts_send(&s->facts, s->pipe[1]) == -1)
		return failed("tell the program of the connection");
	close(s->pipe[1]);
	show(s);
	end = tunnel_run(&s->tunnel, show_now_and_then, s);
	report(s, end);
	if (end == TUNNEL_BROKEN || end == TUNNEL_FLOODED)
		tunnel_close(&s->tunnel);
	return end == TUNNEL_CLOSED ? EXIT_NOBODY :
	    end == TUNNEL_FAILED    ? EXIT_SYSTEM :
				      EXIT_PEER;
}

/* All that it has to do with what it came from. */
static int
become_tunnel(struct serving *s)
{
	close(s->plain[1]);
	close(s->pipe[0]);
	monitor_leave();
	s->tunnel.client = s->a->in;
	s->tunnel.plain = s->plain[0];
	s->tunnel.stall = s->o->write;
	return run_tunnel(s);
}

/* The program. */

/* How this connection is served, for a ws-cgi: arrive/tls.h. */
static int
export_manner(const struct serving *s)
{
	const struct arrival *a = s->a;
	char text[64];

	snprintf(text, sizeof(text), "%" PRId64 " %d %d", s->until,
	    a->listened && a->local.loopback, a->redirect);
	return setenv("WS_TLS", text, 1);
}

/* Signals are as the program finds them anywhere. */
static void
reset_signals(void)
{
	static const int ours[] = { SIGHUP, SIGINT, SIGTERM, SIGUSR1, SIGALRM,
		SIGCHLD, SIGPIPE };
	sigset_t none;

	signals_default();
	for (size_t i = 0; i < sizeof(ours) / sizeof(ours[0]); i++)
		signal(ours[i], SIG_DFL);
	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
}

/* Returns only if it fails. */
static int
become_program(const struct serving *s, int fd)
{
	monitor_leave();
	sink_pass(true);
	if (dup2(fd, STDIN_FILENO) == -1 || dup2(fd, STDOUT_FILENO) == -1)
		return failed("hand the connection over");
	execv(s->o->path, s->o->argv);
	return failed(s->o->path);
}

/* The tunnel is one connection with us, also when we have ended. */
static void
count(const struct serving *s, pid_t tunnel)
{
	if (s->a->place.shared != NULL)
		children_other(&s->a->place, tunnel);
}

/* The tunnel has said why, if it could.  What kills it is a fault of ours. */
static int
end_of(const struct serving *s, pid_t tunnel)
{
	int status;

	while (waitpid(tunnel, &status, 0) == -1)
		if (errno != EINTR)
			return EXIT_SYSTEM;
	count(s, 0);
	if (WIFSIGNALED(status)) {
		log_line("the process %d was killed by signal %d", (int)tunnel,
		    WTERMSIG(status));
		return WTERMSIG(status) == SIGKILL ? EXIT_SYSTEM : EXIT_US;
	}
	return WIFEXITED(status) && WEXITSTATUS(status) != 0 ?
	    WEXITSTATUS(status) :
	    EXIT_SYSTEM;
}

static int
wait_and_become(struct serving *s, pid_t tunnel)
{
	int status;

	count(s, tunnel);
	reset_signals();
	title_words(s->a->client.address);
	title_words(" waits for TLS");
	title_show();
	close(s->plain[0]);
	close(s->pipe[1]);
	close(s->a->in);
	if (facts_receive(&s->facts, s->pipe[0]) == -1) {
		close(s->plain[1]); /* there is nobody for it */
		return end_of(s, tunnel);
	}
	close(s->pipe[0]);
	if (!s->a->listened && (status = rights_drop(&s->o->rights)) != 0)
		return status;
	if (facts_export(&s->facts) == -1 || export_manner(s) == -1)
		return failed("set variables");
	return become_program(s, s->plain[1]);
}

/* What comes without TLS is for the program to redirect. */
static int
serve_plain(struct serving *s)
{
	reset_signals();
	s->facts.client = s->a->client;
	s->facts.server = s->a->server;
	if (facts_export(&s->facts) == -1 || export_manner(s) == -1)
		return failed("set variables");
	return become_program(s, s->a->in);
}

int
serve_connection(const struct tls_options *o, struct arrival *a)
{
	static struct serving s;
	pid_t tunnel;

	client_begin(a);
	s = (struct serving){ .o = o, .a = a, .until = clock_in(o->handshake) };
	if (a->redirect != 0)
		return serve_plain(&s);
	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, s.plain) == -1 ||
	    pipe2(s.pipe, O_CLOEXEC) == -1)
		return failed("begin");
	switch (tunnel = fork()) {
	case -1:
		return failed("fork");
	case 0:
		_exit(become_tunnel(&s));
	default:
		return wait_and_become(&s, tunnel);
	}
}
