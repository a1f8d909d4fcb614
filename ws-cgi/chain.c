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
#include "chain.h"
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
};

/* What is in the files is for ws-tls to see. */
int
chain_cert(void *target, const char *arg, const char **why)
{
	struct chain_conf *c = target;

	*why = "empty";
	c->certs++;
	c->keys = 0;
	return *arg == '\0' ? -1 : 0;
}

int
chain_key(void *target, const char *arg, const char **why)
{
	struct chain_conf *c = target;

	*why = "its certificate comes first: --tls-cert";
	if (c->certs == 0)
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

/* The words of a command line. */
struct words {
	char **word;
	size_t n;
};

static struct words theirs, ours;

/* The words stay as they are. */
static int
add(struct words *w, char *const *words, size_t n)
{
	char **longer;

	if (n == 0)
		return 0;
	longer = reallocarray(w->word, w->n + n, sizeof(*longer));
	if (longer == NULL)
		return -1;
	for (size_t i = 0; i < n; i++)
		longer[w->n++] = words[i];
	w->word = longer;
	return 0;
}

static int
add_option(struct words *w, const char *name, const char *arg)
{
	char *text;

	if (asprintf(&text, "--%s%s%s", name, arg == NULL ? "" : "=",
		arg == NULL ? "" : arg) == -1)
		return -1;
	if (add(w, &text, 1) == 0)
		return 0;
	free(text);
	return -1;
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

/* "ws-tls OPTIONS -- ws-cgi OPTIONS -- OPERANDS", and a NULL. */
static int
join(struct words *all, char *program, char *self, char *const operands[])
{
	static char end[] = "--";
	char *const between[] = { end, self }, *const last[] = { end };
	size_t n = 0;

	while (operands[n] != NULL)
		n++;
	if (add(all, &program, 1) == -1 ||
	    add(all, theirs.word, theirs.n) == -1 ||
	    add(all, between, 2) == -1 || add(all, ours.word, ours.n) == -1 ||
	    add(all, last, 1) == -1)
		return -1;
	return add(all, operands, n + 1);
}

int
chain_become(char *const operands[])
{
	struct words all = { 0 };
	char *program = chain_find(), *self = strdup(own_path());

	if (program == NULL) {
		person_told("--tls-cert: there is no %s beside this program, "
			    "or in PATH",
		    PROGRAM);
		free(self);
		return EXIT_COMMAND_LINE;
	}
	if (self != NULL && join(&all, program, self, operands) == 0)
		execv(program, all.word);
	person_told("%s: %s", program, strerror(errno));
	free(all.word);
	free(program);
	free(self);
	return EXIT_SYSTEM;
}
