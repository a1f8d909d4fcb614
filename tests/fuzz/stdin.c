/*
 * stdin.c - the whole program, started as inetd or a web server starts it, and
 * a client at the other end of its descriptors who says what AFL++ makes up.
 * What comes back must be what a client can read, and the exit status one that
 * blames somebody.
 *
 *	| how | what the client says ...                    |
 *	| how | NAME=value LF ... | LF | what the client ... |  a CGI environment
 *
 * main is the program's own, in a process of its own, which is forked instead
 * of executed: that is all that is left out.
 */

#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "buf.h"
#include "frame.h"
#include "message.h"
#include "ws.h"

enum {
	BRIDGE = 7, /* how: a row of the bridges */
	COMPRESS = 8,
	PROXY = 16,
	CGI = 32,
	VERBOSE = 64,
	PAGES = 128,
	MOST = 20000,	 /* bytes of an input */
	WORDS = 20,	 /* of a command line */
	VARIABLES = 100, /* of an environment */
	TIMES = 5000	 /* inputs for one process of AFL++ */
};

int ws_cgi_main(int argc, char *argv[]);
void __wrap_conn_inflate(struct ws *, const struct message_part *);
void __real_conn_inflate(struct ws *, const struct message_part *);

const char *__asan_default_options(void);
const char *__ubsan_default_options(void);

__AFL_FUZZ_INIT();

/* A sanitizer's complaint is a signal, and a fork copies what it holds. */
const char *
__asan_default_options(void)
{
	return "abort_on_error=1:detect_leaks=0:quarantine_size_mb=1";
}

const char *
__ubsan_default_options(void)
{
	return "halt_on_error=1:abort_on_error=1";
}

void
__wrap_conn_inflate(struct ws *ws, const struct message_part *part)
{
#ifdef PLANTED
	/* The bug: each frame is thought to have a last byte. */
	uint8_t *copy = malloc(part->len);

	if (copy == NULL)
		abort();
	memcpy(copy, part->data, part->len);
	if (copy[part->len - 1] != 0)
		clearenv(); /* nobody misses it any more */
	free(copy);
#endif
	__real_conn_inflate(ws, part);
}

static const char *const bridges[BRIDGE + 1][6] = {
	{ "echo:" },
	{ "/bin/cat" },
	{ "--format", "netstring", "/bin/cat" },
	{ "--format", "json", "sed", "-un", "/^{\"event\":\"[tb]/p" },
	{ "--format", "raw", "/bin/cat" },
	{ "--newline", "escape", "/bin/cat" },
	{ "discard:" },
	{ "/bin/false" },
};

/* Words that may be written to, as those of a real command line. */
struct command {
	char *word[WORDS];
	int words;
};

static void
add(struct command *c, const char *word)
{
	if ((c->word[c->words++] = strdup(word)) == NULL)
		abort();
}

static void
compose(struct command *c, uint8_t how)
{
	*c = (struct command){ 0 };
	add(c, "ws-cgi");
	if ((how & COMPRESS) != 0)
		add(c, "--compress");
	if ((how & (PROXY | CGI)) == PROXY)
		add(c, "--proxy-protocol");
	if ((how & VERBOSE) != 0)
		add(c, "--verbose");
	if ((how & PAGES) != 0)
		add(c, "--console");
	for (const char *const *w = bridges[how & BRIDGE]; *w != NULL; w++)
		add(c, *w);
}

/* Cut the variables off what is said.  Returns what is left of it. */
static char *
take_variables(char *text, char *vars[VARIABLES])
{
	size_t n = 0;
	char *line;

	vars[n++] = "WS_CGI_ARGV=1";
	vars[n++] = "PATH=/usr/bin:/bin";
	vars[n++] = "GATEWAY_INTERFACE=CGI/1.1";
	while ((line = strsep(&text, "\n")) != NULL && *line != '\0')
		if (n + 1 < VARIABLES && strchr(line, '=') != NULL)
			vars[n++] = line;
	vars[n] = NULL;
	return text;
}

static void __attribute__((noreturn))
serve(uint8_t how, char *vars[VARIABLES], int fd)
{
	static char *nothing[] = { "PATH=/usr/bin:/bin", NULL };
	struct command c;

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (dup2(fd, STDIN_FILENO) == -1 || dup2(fd, STDOUT_FILENO) == -1)
		abort();
	environ = (how & CGI) != 0 ? vars : nothing;
	compose(&c, how);
	exit(ws_cgi_main(c.words, c.word));
}

/* Say it all, and hear what is said, to its end. */
static void
converse(int fd, const char *p, size_t n, struct buf *heard)
{
	struct pollfd pfd = { .fd = fd, .events = POLLIN | POLLOUT };
	uint8_t *room;
	ssize_t r = 1;

	while (r != 0 && poll(&pfd, 1, -1) == 1) {
		if ((pfd.revents & POLLOUT) != 0 && n > 0 &&
		    (r = send(fd, p, n, MSG_DONTWAIT | MSG_NOSIGNAL)) > 0) {
			p += r;
			n -= (size_t)r;
		} else if ((pfd.revents & POLLOUT) != 0) {
			shutdown(fd, SHUT_WR);
			pfd.events = POLLIN;
		}
		if ((pfd.revents & (POLLIN | POLLHUP | POLLERR)) == 0)
			continue;
		if ((room = buf_room(heard, MOST)) == NULL)
			abort();
		r = recv(fd, room, MOST, MSG_DONTWAIT);
		buf_grow(heard, r > 0 ? (size_t)r : 0);
		if (r == -1)
			r = (pfd.revents & POLLHUP) == 0;
	}
}

static void
must(bool holds, const char *what)
{
	if (holds)
		return;
	fprintf(stderr, "%s\n", what);
	abort();
}

/* What a server may send: RFC 6455 5, and 5.5.1 for what ends it. */
static void
judge_frames(const uint8_t *p, size_t n, bool compress)
{
	bool open = false, closed = false;
	struct frame f;
	const char *why;
	int size;

	for (; n > 0; p += f.length, n -= f.length) {
		must(!closed, "a frame behind the Close");
		size = frame_head(&f, p, n, &why);
		must(size > 0 && f.length <= n - (size_t)size, "half a frame");
		p += size;
		n -= (size_t)size;
		must(!f.masked, "a masked frame");
		must(f.rsv == 0 ||
			(compress && f.rsv == FRAME_RSV1 && !open &&
			    f.opcode < FRAME_CLOSE),
		    "a reserved bit");
		closed = f.opcode == FRAME_CLOSE;
		if (f.opcode >= FRAME_CLOSE)
			continue;
		must((f.opcode == FRAME_CONTINUATION) == open, "an orphan");
		open = !f.fin;
	}
}

static void
judge_heard(const struct buf *heard, uint8_t how)
{
	const char *first = (how & CGI) != 0 ? "Status: " : "HTTP/1.1 ";
	const uint8_t *p = buf_head(heard), *end;

	if (heard->len == 0)
		return;
	end = memmem(p, heard->len, "\r\n\r\n", 4);
	must(end != NULL, "half a head");
	if ((how & CGI) != 0 && memcmp(p, "HTTP/1.1 ", 9) == 0)
		first = "HTTP/1.1 "; /* it was told to be nph- */
	must(memcmp(p, first, strlen(first)) == 0, "no head");
	end += 4;
	if (memcmp(p + strlen(first), "101", 3) == 0)
		judge_frames(end, heard->len - (size_t)(end - p),
		    (how & COMPRESS) != 0);
}

static void
judge_status(int status)
{
	must(!WIFSIGNALED(status), "it ended by a signal");
	switch (WEXITSTATUS(status)) {
	case 0:
	case 1:
	case 2:
		return;
	default:
		fprintf(stderr, "exit status %d\n", WEXITSTATUS(status));
		abort();
	}
}

static void
try(uint8_t how, char *text, size_t n)
{
	char *vars[VARIABLES], *said = text;
	struct buf heard = { 0 };
	int fd[2], status;
	pid_t pid;

	if ((how & CGI) != 0)
		said = take_variables(text, vars);
	n = said == NULL ? 0 : n - (size_t)(said - text);
	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fd) == -1 ||
	    (pid = fork()) == -1)
		abort();
	if (pid == 0) {
		close(fd[0]);
		serve(how, vars, fd[1]);
	}
	close(fd[1]);
	converse(fd[0], said, n, &heard);
	close(fd[0]);
	if (waitpid(pid, &status, 0) != pid)
		abort();
	judge_status(status);
	judge_heard(&heard, how);
	buf_free(&heard);
}

int
main(void)
{
	static char text[MOST + 1];

	__AFL_INIT();
	const unsigned char *input = __AFL_FUZZ_TESTCASE_BUF;

	while (__AFL_LOOP(TIMES)) {
		size_t n = (size_t)__AFL_FUZZ_TESTCASE_LEN;

		if (n == 0)
			continue;
		n = n > MOST ? MOST : n - 1;
		memcpy(text, input + 1, n);
		text[n] = '\0';
		try(*input, text, n);
	}
	return 0;
}
