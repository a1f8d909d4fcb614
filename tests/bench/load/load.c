/*
 * load.c - loads a WebSocket server, or the bare program that it is measured
 * by, checks every byte that comes back, and tells what that has cost the
 * server.  One process, one epoll(7).
 *
 *	load echo	each connection keeps messages outstanding, for a time
 *	load push	the server's program says the same line, for a time
 *	load flood	messages that are counted at the other end
 *	load connect	connections: handshake, a message, its echo, Close
 *	load idle	connections that wait, and then say something each
 *
 *	-a ADDRESS	PORT on 127.0.0.1, or the path of a Unix socket
 *	-c N		connections at once (1)
 *	-n N		messages of each to flood (1000); connections to make, in
 *			place of a time
 *	-s BYTES	of a message (64)
 *	-w N		messages outstanding (1)
 *	-t SECONDS	how long (1); messages flow for a quarter of it before
 *	-q SECONDS	quiet that is a stall (10)
 *	-x TEXT		the message
 *	-b N		dial from N loopback addresses
 *	-u PATH		ask for it (/)
 *	-p PID		the server, whose use of CPU is told; there may be more
 *	-r		bytes alone, without WebSocket
 *	-i		binary messages
 *	-j		what comes may be in other frames than what went
 *
 * It takes no more than 70 % of a core: it must not be what is measured.
 *
 * It prints one object of JSON.  After "open" of load idle, and again after
 * "spoken", it waits for a line on standard input.
 */

#include <err.h>
#include <errno.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#include "client.h"
#include "procs.h"

enum { EVENTS = 256, AT_ONCE = 64, SERVERS = 8, FLOOD = 1000 };

#define SECOND	  1000000000LL
#define SHARE	  0.7	  /* of a core */
#define WINDOW_NS 5000000 /* for which it is reckoned */
#define REST	  50000	  /* ns that are worth a rest */

static struct load {
	struct plan plan;
	struct client *clients;
	int count, dialled, over;
	int epoll;
	pid_t servers[SERVERS];
	int server_count;
	double seconds;
	double quiet;  /* s for which nothing may come */
	int64_t moved; /* when something came last */
} load;

/* What has been used up, and when. */
struct mark {
	int64_t time, server, own;
	uint64_t messages, bytes;
};

static int64_t
own_cpu(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &ts);
	return ts.tv_sec * SECOND + ts.tv_nsec;
}

static struct mark
mark(void)
{
	struct mark m = { .messages = told.messages, .bytes = told.bytes };

	m.own = own_cpu();
	for (int i = 0; i < load.server_count; i++)
		m.server += procs_cpu(load.servers[i]);
	m.time = now_ns();
	return m;
}

static void
watch(struct client *c, int how)
{
	struct epoll_event e = {
		.events = EPOLLIN | (c->full ? (uint32_t)EPOLLOUT : 0),
		.data.ptr = c,
	};

	if (epoll_ctl(load.epoll, how, c->fd, &e) == -1)
		err(1, "epoll_ctl");
}

static void
dial(struct client *c)
{
	client_dial(c, &load.plan, load.dialled++);
	watch(c, EPOLL_CTL_ADD);
}

static void
work(struct client *c, bool readable)
{
	const bool full = c->full;

	client_work(c, readable);
	if (c->fd == -1)
		load.over++;
	else if (c->full != full)
		watch(c, EPOLL_CTL_MOD);
}

/*
 * Who takes all of a core is the limit itself: rest as soon as the work has
 * taken more than that share of the last few ms.
 */
static void
pace(void)
{
	static int64_t since, spent;
	const int64_t now = now_ns(), own = own_cpu();
	const int64_t rest =
	    (int64_t)((double)(own - spent) / SHARE) - (now - since);

	if (rest > REST)
		usleep((useconds_t)(rest / 1000));
	else if (now - since < WINDOW_NS)
		return;
	since = now_ns();
	spent = own;
}

/* Wait for news, and see to them. */
static void
turn(int ms)
{
	struct epoll_event e[EVENTS];
	int n;

	pace();
	n = epoll_wait(load.epoll, e, EVENTS, ms);
	if (n == -1 && errno != EINTR)
		err(1, "epoll_wait");
	for (int i = 0; i < n; i++)
		work(e[i].data.ptr, (e[i].events & ~(uint32_t)EPOLLOUT) != 0);
	if (n > 0)
		load.moved = now_ns();
	else if ((double)(now_ns() - load.moved) / 1e9 > load.quiet)
		errx(1,
		    "stalled: nothing has come for %g s, %ju messages of %d "
		    "connections were heard",
		    load.quiet, (uintmax_t)told.messages, load.dialled);
}

static int
talking(void)
{
	int n = 0;

	for (int i = 0; i < load.dialled; i++)
		n += load.clients[i].state == TALKING;
	return n;
}

/* All connections, some at a time. */
static void
open_all(void)
{
	const struct client *c = load.clients;
	int slow = 0; /* all before it talk */

	while (slow < load.count) {
		while (
		    load.dialled < load.count && load.dialled < slow + AT_ONCE)
			dial(&load.clients[load.dialled]);
		turn(100);
		while (slow < load.dialled && c[slow].state == TALKING)
			slow++;
	}
}

static void
begin_all(void)
{
	for (int i = 0; i < load.count; i++)
		work(&load.clients[i], false);
}

static void
go_on(double seconds)
{
	const int64_t until = now_ns() + (int64_t)(seconds * (double)SECOND);

	while (now_ns() < until)
		turn(100);
}

/* No more messages than have been begun: all answers, and the end. */
static void
end_all(void)
{
	load.plan.limit = 0;
	load.plan.close = true;
	begin_all();
	while (load.over < load.count)
		turn(100);
}

static void
tell(const char *mode, const struct mark *a, const struct mark *b)
{
	const double wall = (double)(b->time - a->time) / 1e9;

	printf("{\"mode\": \"%s\", \"connections\": %d, \"size\": %zu, "
	       "\"window\": %" PRIu64 ", \"seconds\": %.6f, "
	       "\"messages\": %" PRIu64 ", \"bytes\": %" PRIu64
	       ", \"server_us\": %.3f, \"own_share\": %.3f, ",
	    mode, load.dialled, load.plan.size, load.plan.window, wall,
	    b->messages - a->messages, b->bytes - a->bytes,
	    (double)(b->server - a->server) / 1e3,
	    (double)(b->own - a->own) / 1e9 / wall);
	printf("\"wait_us\": [%.2f, %.2f, %.2f], "
	       "\"shake_us\": [%.2f, %.2f, %.2f]}\n",
	    (double)hist_quantile(&told.waits, 0.5) / 1e3,
	    (double)hist_quantile(&told.waits, 0.99) / 1e3,
	    (double)told.waits.most / 1e3,
	    (double)hist_quantile(&told.shakes, 0.5) / 1e3,
	    (double)hist_quantile(&told.shakes, 0.99) / 1e3,
	    (double)told.shakes.most / 1e3);
	fflush(stdout);
}

/* For a time: so many messages are sent, and what comes is counted. */
static void
load_timed(const char *mode, uint64_t limit)
{
	struct mark a, b;

	load.plan.limit = 0;
	open_all();
	load.plan.limit = limit;
	begin_all();
	go_on(load.seconds / 4);
	memset(&told.waits, 0, sizeof(told.waits));
	a = mark();
	go_on(load.seconds);
	b = mark();
	tell(mode, &a, &b);
}

static void
load_echo(void)
{
	load_timed("echo", UINT64_MAX);
	end_all();
}

static void
load_push(void)
{
	load.plan.expect = EXPECT_SAME;
	load_timed("push", 0);
}

/* The program at the other end says how many came, when the input ends. */
static void
load_flood(void)
{
	const uint64_t limit =
	    load.plan.limit > 0 ? load.plan.limit : (uint64_t)FLOOD;
	struct mark a, b;

	load.plan.expect = EXPECT_NUMBER;
	load.plan.limit = 0;
	open_all();
	load.plan.limit = limit;
	a = mark();
	begin_all();
	while (told.messages < (uint64_t)load.count)
		turn(100);
	b = mark();
	b.messages = a.messages + limit * (uint64_t)load.count;
	tell("flood", &a, &b);
}

/* Processes that have ended are seen when they have been waited for. */
static void
settle(void)
{
	usleep(300000);
}

/* So many in all, or for a time. */
static void
load_connect(void)
{
	const int64_t until = now_ns() + (int64_t)(load.seconds * SECOND);
	const int all = (int)load.plan.limit;
	const struct mark a = mark();
	struct mark b;

	load.plan.limit = 1;
	load.plan.close = true;
	for (int i = 0; i < load.count; i++)
		load.clients[i].fd = -1;
	for (;;) {
		for (int i = 0; i < load.count; i++)
			if (load.clients[i].fd == -1 &&
			    (all > 0 ? load.dialled < all : now_ns() < until))
				dial(&load.clients[i]);
		if (load.over == load.dialled)
			break;
		turn(100);
	}
	b = mark();
	settle();
	b.server = mark().server;
	tell("connect", &a, &b);
}

static void
await(const char *what)
{
	printf("{\"%s\": %d}\n", what, talking());
	fflush(stdout);
	while (getchar() != '\n')
		if (feof(stdin))
			errx(1, "nobody says how to go on");
	load.moved = now_ns();
}

static void
load_idle(void)
{
	struct mark a, b;

	load.plan.limit = 0;
	open_all();
	await("open");
	load.plan.limit = 1;
	a = mark();
	begin_all();
	while (told.messages < (uint64_t)load.count)
		turn(100);
	b = mark();
	tell("idle", &a, &b);
	await("spoken");
}

static void
take_address(const char *address)
{
	struct sockaddr_in *in = (struct sockaddr_in *)&load.plan.to;
	struct sockaddr_un *un = (struct sockaddr_un *)&load.plan.to;
	static char host[32];

	if (strchr(address, '/') != NULL) {
		un->sun_family = AF_UNIX;
		if (strlen(address) >= sizeof(un->sun_path))
			errx(2, "%s: too long a path", address);
		strcpy(un->sun_path, address);
		load.plan.to_len = sizeof(*un);
		load.plan.host = "localhost";
		return;
	}
	*in = (struct sockaddr_in){
		.sin_family = AF_INET,
		.sin_addr = { htonl(INADDR_LOOPBACK) },
		.sin_port = htons((in_port_t)atoi(address)),
	};
	load.plan.to_len = sizeof(*in);
	snprintf(host, sizeof(host), "127.0.0.1:%s", address);
	load.plan.host = host;
}

static uint64_t
take_number(const char *text)
{
	char *end;
	const unsigned long long n = strtoull(text, &end, 10);

	if (end == text || *end != '\0')
		errx(2, "%s: not a number", text);
	return n;
}

static void
take_server(pid_t pid)
{
	if (load.server_count == SERVERS)
		errx(2, "more than %d servers", SERVERS);
	load.servers[load.server_count++] = pid;
}

static void
options(int argc, char *argv[])
{
	const char *text = NULL;
	int option;

	load.plan = (struct plan){ .path = "/", .size = 64, .window = 1 };
	load.count = 1;
	load.seconds = 1;
	load.quiet = 10;
	while ((option = getopt(argc, argv, "a:c:n:s:w:t:q:x:b:u:p:rij")) != -1)
		switch (option) {
		case 'a':
			take_address(optarg);
			break;
		case 'c':
			load.count = (int)take_number(optarg);
			break;
		case 'n':
			load.plan.limit = take_number(optarg);
			break;
		case 's':
			load.plan.size = take_number(optarg);
			break;
		case 'w':
			load.plan.window = take_number(optarg);
			break;
		case 't':
			load.seconds = strtod(optarg, NULL);
			break;
		case 'q':
			load.quiet = strtod(optarg, NULL);
			break;
		case 'x':
			text = optarg;
			break;
		case 'b':
			load.plan.sources = (int)take_number(optarg);
			break;
		case 'u':
			load.plan.path = optarg;
			break;
		case 'p':
			take_server((pid_t)take_number(optarg));
			break;
		case 'r':
			load.plan.raw = true;
			break;
		case 'i':
			load.plan.binary = true;
			break;
		case 'j':
			load.plan.stream = true;
			break;
		default:
			exit(2);
		}
	if (load.plan.to_len == 0 || optind != argc)
		errx(2,
		    "usage: load echo|push|flood|connect|idle -a ADDRESS ...");
	plan_message(&load.plan, text);
}

static void
prepare(void)
{
	struct rlimit files;

	signal(SIGPIPE, SIG_IGN);
	if (getrlimit(RLIMIT_NOFILE, &files) == 0) {
		files.rlim_cur = files.rlim_max;
		setrlimit(RLIMIT_NOFILE, &files);
	}
	load.clients = calloc((size_t)load.count, sizeof(*load.clients));
	load.epoll = epoll_create1(EPOLL_CLOEXEC);
	if (load.clients == NULL || load.epoll == -1)
		err(1, "cannot begin");
	load.moved = now_ns();
}

int
main(int argc, char *argv[])
{
	const char *mode = argc > 1 ? argv[1] : "";

	options(argc - (argc > 1), argv + (argc > 1));
	prepare();
	if (strcmp(mode, "echo") == 0)
		load_echo();
	else if (strcmp(mode, "push") == 0)
		load_push();
	else if (strcmp(mode, "flood") == 0)
		load_flood();
	else if (strcmp(mode, "connect") == 0)
		load_connect();
	else if (strcmp(mode, "idle") == 0)
		load_idle();
	else
		errx(2, "%s: no such load", mode);
	return 0;
}
