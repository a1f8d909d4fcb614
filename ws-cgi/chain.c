/*
 * chain.c - one command line taken apart into two.
 */

#include <errno.h>
#include <libgen.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/auxv.h>
#include <unistd.h>

#include "bridge/which.h"
#include "buf.h"
#include "chain.h"
#include "choices.h"
#include "exits.h"
#include "person.h"

#define PROGRAM "ws-tls"

enum whose { TLS, BOTH };

/* All others are ours alone.  A name of NULL: it is the same. */
static const struct {
	const char *name, *theirs;
	enum whose whose;
} moved[] = {
	{ "listen", NULL, TLS },
	{ "redirect", NULL, TLS },
	{ "tls-cert", "cert", TLS },
	{ "tls-key", "key", TLS },
	{ "tls-client-ca", "client-ca", TLS },
	{ "tls-client-optional", "client-optional", TLS },
	{ "max", NULL, TLS },
	{ "max-source", NULL, TLS },
	{ "source-bits", NULL, BOTH },
	{ "source-rate", NULL, TLS },
	{ "penalties", NULL, TLS },
	{ "penalty-exempt", NULL, TLS },
	{ "trust", NULL, BOTH },
	{ "proxy-protocol", NULL, TLS },
	{ "handshake-timeout", NULL, BOTH },
	{ "write-timeout", NULL, BOTH },
	{ "stop-timeout", NULL, TLS },
	{ "pidfile", NULL, TLS },
	{ "user", NULL, TLS },
	{ "group", NULL, TLS },
	{ "log", NULL, BOTH },
	{ "log-json", NULL, BOTH },
	{ "verbose", NULL, BOTH },
	{ "check", NULL, TLS },
};

/* What is in the files is for ws-tls to see. */
int
chain_cert(void *target, const char *arg, const char **why)
{
	struct chain_conf *c = target;

	*why = "empty";
	c->keys = 0;
	return *arg == '\0' ? -1 : choice_name(&c->certs, arg, why);
}

int
chain_key(void *target, const char *arg, const char **why)
{
	struct chain_conf *c = target;

	*why = "its certificate comes first: --tls-cert";
	if (c->certs.count == 0)
		return -1;
	*why = "this certificate has a key already";
	if (c->keys++ > 0)
		return -1;
	*why = "empty";
	return *arg == '\0' ? -1 : 0;
}

int
chain_client(void *target, const char *arg, const char **why)
{
	struct chain_conf *c = target;

	*why = "empty";
	c->client_ca = arg;
	return *arg == '\0' ? -1 : 0;
}

/* Words of a command line, each with the NUL at its end. */
struct words {
	struct buf text;
	size_t n;
};

static struct words theirs, ours;

static int
add(struct words *w, const char *text)
{
	w->n++;
	return buf_add(&w->text, text, strlen(text) + 1);
}

static int
add_option(struct words *w, const char *name, const char *arg)
{
	char *text;
	int r;

	if (asprintf(&text, "--%s%s%s", name, arg == NULL ? "" : "=",
		arg == NULL ? "" : arg) == -1)
		return -1;
	r = add(w, text);
	free(text);
	return r;
}

int
chain_saw(const char *name, const char *arg)
{
	for (size_t i = 0; i < sizeof(moved) / sizeof(moved[0]); i++) {
		const char *there =
		    moved[i].theirs == NULL ? name : moved[i].theirs;

		if (strcmp(moved[i].name, name) != 0)
			continue;
		if (add_option(&theirs, there, arg) == -1)
			return -1;
		return moved[i].whose == TLS ? 0 : add_option(&ours, name, arg);
	}
	return add_option(&ours, name, arg);
}

/* The path that we were started by, as a number. */
static const char *
own_path(void)
{
	/* NOLINTNEXTLINE(performance-no-int-to-ptr) */
	const char *path = (const char *)getauxval(AT_EXECFN);

	return path == NULL ? "ws-cgi" : path;
}

char *
chain_find(void)
{
	const char *path = own_path();
	char *copy, *beside = NULL;

	if (strchr(path, '/') == NULL)
		return which_program(PROGRAM);
	if ((copy = strdup(path)) == NULL)
		return NULL;
	if (asprintf(&beside, "%s/%s", dirname(copy), PROGRAM) == -1)
		beside = NULL;
	free(copy);
	if (beside != NULL && access(beside, X_OK) == 0)
		return beside;
	free(beside);
	return which_program(PROGRAM);
}

static int
add_all(struct words *w, const struct words *others)
{
	const char *p = (const char *)buf_head(&others->text);

	w->n += others->n;
	return others->n == 0 ? 0 : buf_add(&w->text, p, others->text.len);
}

/* "ws-tls OPTIONS -- ws-cgi OPTIONS -- OPERANDS" */
static int
join(struct words *all, const char *program, char *const operands[])
{
	if (add(all, program) == -1 || add_all(all, &theirs) == -1 ||
	    add(all, "--") == -1 || add(all, own_path()) == -1 ||
	    add_all(all, &ours) == -1 || add(all, "--") == -1)
		return -1;
	for (; *operands != NULL; operands++)
		if (add(all, *operands) == -1)
			return -1;
	return 0;
}

/* Returns only if it fails, with errno. */
static void
execute(const char *program, const struct words *w)
{
	char **argv = w->n == 0 ? NULL : calloc(w->n + 1, sizeof(*argv));
	char *p = (char *)buf_head(&w->text);

	if (argv == NULL)
		return;
	for (size_t i = 0; i < w->n; i++, p += strlen(p) + 1)
		argv[i] = p;
	fflush(stdout); /* of --check */
	execv(program, argv);
	free(argv);
}

int
chain_become(char *const operands[])
{
	struct words all = { 0 };
	char *program = chain_find();

	if (program == NULL) {
		person_told("--tls-cert: there is no %s beside this program, "
			    "or in PATH",
		    PROGRAM);
		return EXIT_COMMAND_LINE;
	}
	if (join(&all, program, operands) == 0)
		execute(program, &all);
	person_told("%s: %s", program, strerror(errno));
	buf_free(&all.text);
	free(program);
	return EXIT_SYSTEM;
}
