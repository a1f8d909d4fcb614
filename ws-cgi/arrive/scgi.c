/*
 * scgi.c - the variables before an SCGI connection's bytes.  Refuses to know
 * what they mean.
 */

#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "clock.h"
#include "scgi.h"
#include "signals.h"
#include "wire.h"

static int
wrong(int status, const char **why, const char *reason)
{
	*why = reason;
	return status;
}

/* There is nobody to be answered. */
static int
gone(const char **why, const char *reason)
{
	return wrong(-1, why, reason);
}

static int
read_all(struct wire *w, char *p, size_t size, int64_t until, const char **why)
{
	ssize_t n;
	int left;

	while (size > 0) {
		signals_answer();
		if (signals_stop)
			return wrong(503, why, "the service stops");
		if ((left = clock_until(until)) == 0)
			return wrong(408, why, "the web server took too long");
		n = wire_read(w, p, size, left);
		if (n == 0)
			return gone(why, "the web server has left");
		if (n == -1 && errno != EINTR && errno != ETIMEDOUT)
			return gone(why, strerror(errno));
		p += n > 0 ? n : 0;
		size -= n > 0 ? (size_t)n : 0;
	}
	return 0;
}

/*
 * "70:" is 70, and *digits 3 bytes long.  Returns 0 for what is no length, or
 * one that no request has.
 */
static size_t
read_length(const char first[SCGI_FIRST], size_t *digits)
{
	size_t size = 0, i;

	for (i = 0; i < SCGI_FIRST && first[i] >= '0' && first[i] <= '9'; i++)
		size = size * 10 + (size_t)(first[i] - '0');
	*digits = i + 1;
	if (i == 0 || i == SCGI_FIRST || first[i] != ':' || *first == '0' ||
	    size < SCGI_FIRST || size > SCGI_MAX)
		return 0;
	return size;
}

/* How many strings, each ended by a NUL; 0 if the last one is not. */
static size_t
count_strings(const char *text, size_t size)
{
	size_t n = 0;

	if (text[size - 1] != '\0')
		return 0;
	for (size_t i = 0; i < size; i++)
		n += text[i] == '\0';
	return n;
}

int
scgi_parse(struct scgi *s, size_t size, const char **why)
{
	const size_t strings = size == 0 ? 0 : count_strings(s->text, size);
	char *p = s->text;

	if (strings == 0 || strings % 2 != 0)
		return wrong(400, why, "SCGI: there are not names and values");
	s->vars = calloc(strings / 2 + 1, sizeof(*s->vars));
	if (s->vars == NULL)
		return wrong(503, why, "no memory");
	for (size_t i = 0; i < strings / 2; i++) {
		s->vars[i] = p;
		if (*p == '\0' || strchr(p, '=') != NULL)
			return wrong(400, why,
			    "SCGI: a name is empty or holds =");
		p += strlen(p);
		*p++ = '='; /* the NUL behind the name */
		p += strlen(p) + 1;
	}
	return 0;
}

/* The protocol's own rules: it says its name, and the length comes first. */
static int
check(const struct scgi *s, const char **why)
{
	const char *first = s->vars[0];

	if (first == NULL || strncmp(first, "CONTENT_LENGTH=", 15) != 0)
		return wrong(400, why,
		    "SCGI: CONTENT_LENGTH does not come first");
	for (char **v = s->vars; *v != NULL; v++)
		if (strcmp(*v, "SCGI=1") == 0)
			return 0;
	return wrong(400, why, "SCGI: there is no variable SCGI=1");
}

/* The body is what the client has sent already: it is no length of ours. */
static void
forget_length(struct scgi *s)
{
	for (char **v = s->vars; (v[0] = v[1]) != NULL; v++)
		;
}

int
scgi_read(struct scgi *s, int fd, int64_t until, const char **why)
{
	char first[SCGI_FIRST];
	size_t size, digits, have;
	struct wire w;
	int status;

	*s = (struct scgi){ 0 };
	if (wire_open(&w, fd, fd) == -1)
		return gone(why, strerror(errno));
	w.sigmask = &signals_open;
	if ((status = read_all(&w, first, sizeof(first), until, why)) != 0)
		return status;
	if ((size = read_length(first, &digits)) == 0)
		return wrong(400, why,
		    "this speaks SCGI, to web servers alone");
	if ((s->text = malloc(size + 1)) == NULL)
		return wrong(503, why, "no memory");
	have = sizeof(first) - digits;
	memcpy(s->text, first + digits, have);
	status = read_all(&w, s->text + have, size + 1 - have, until, why);
	if (status != 0)
		return status;
	if (s->text[size] != ',')
		return wrong(400, why,
		    "SCGI: the variables do not end in a comma");
	if ((status = scgi_parse(s, size, why)) != 0 ||
	    (status = check(s, why)) != 0)
		return status;
	forget_length(s);
	return 0;
}

void
scgi_free(struct scgi *s)
{
	free(s->vars);
	free(s->text);
}
