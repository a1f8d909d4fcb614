/*
 * htpasswd.c - lines of names and hashes.  Refuses all that it does not know,
 * and to know how a hash is made.
 */

#include <stdbool.h>
#include <string.h>

#include "htpasswd.h"
#include "user.h"

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))

static const char digits[] = "./0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ"
			     "abcdefghijklmnopqrstuvwxyz";

static int
wrong(const char **why, const char *what)
{
	*why = what;
	return -1;
}

/* crypt(5): $ID$, what it was made with, and the hash itself, the last part. */
static const struct method {
	const char *id;
	size_t parts; /* that a $ stands before, at least */
	size_t last;  /* digits of the last one */
} methods[] = {
	{ "$2b$", 3, 53 }, /* bcrypt: its salt stands in the last part too */
	{ "$2y$", 3, 53 }, /* the same, by another name */
	{ "$6$", 3, 86 },  /* sha512crypt */
	{ "$5$", 3, 43 },  /* sha256crypt */
	{ "$y$", 4, 43 },
};

/* What is refused by its name; others may be plain text. */
static const struct weak {
	const char *id;
	const char *why;
} weak[] = {
	{ "$apr1$", "its hash is MD5, which is too weak" },
	{ "$1$", "its hash is MD5, which is too weak" },
	{ "{SHA}", "its hash is SHA-1 without a salt, which is too weak" },
};

static bool
begins(const char *text, const char *with)
{
	return strncmp(text, with, strlen(with)) == 0;
}

static bool
is_made(const char *hash, const struct method *m)
{
	const char *last = strrchr(hash, '$') + 1;
	size_t parts = 0;

	for (const char *p = hash; *p != '\0'; p++) {
		parts += *p == '$';
		if (strchr("$=", *p) == NULL && strchr(digits, *p) == NULL)
			return false;
	}
	return parts >= m->parts && strlen(last) == m->last;
}

static int
check_hash(const char *hash, const char **why)
{
	for (size_t i = 0; i < COUNT(methods); i++)
		if (begins(hash, methods[i].id))
			return is_made(hash, &methods[i]) ?
			    0 :
			    wrong(why, "its hash is malformed");
	for (size_t i = 0; i < COUNT(weak); i++)
		if (begins(hash, weak[i].id))
			return wrong(why, weak[i].why);
	return wrong(why,
	    "there is no hash of bcrypt, yescrypt, SHA-512 or SHA-256 behind "
	    "the name");
}

static int
hex(char c)
{
	static const char lower[] = "0123456789abcdef";
	const char *p = c == '\0' ?
	    NULL :
	    strchr(lower, c >= 'A' && c <= 'F' ? c - 'A' + 'a' : c);

	return p == NULL ? -1 : (int)(p - lower);
}

static int
read_digest(uint8_t digest[HTPASSWD_DIGEST], const char *text, const char **why)
{
	static const char id[] = "sha256:";
	const char *p = text + strlen(id);

	*why = "there is no sha256: and 64 hexadecimal digits behind the name";
	if (!begins(text, id) || strlen(p) != 2UL * HTPASSWD_DIGEST)
		return -1;
	for (size_t i = 0; i < HTPASSWD_DIGEST; i++, p += 2) {
		const int high = hex(p[0]), low = hex(p[1]);

		if (high == -1 || low == -1)
			return -1;
		digest[i] = (uint8_t)(high * 16 + low);
	}
	return 0;
}

/* The next line, without its newline.  As htpasswd_next. */
static int
next_line(struct htpasswd *h, char **line, const char **why)
{
	char *end;
	size_t len;

	if (h->at >= h->size)
		return 0;
	*line = h->text + h->at;
	end = memchr(*line, '\n', h->size - h->at);
	len = end == NULL ? h->size - h->at : (size_t)(end - *line);
	h->at += len + 1;
	h->line++;
	if (len > HTPASSWD_LINE)
		return wrong(why, "it is longer than 1024 bytes");
	if (memchr(*line, '\0', len) != NULL)
		return wrong(why, "it holds a NUL");
	(*line)[len] = '\0';
	return 1;
}

static int
read_row(char *line, enum htpasswd_kind kind, struct htpasswd_row *row,
    const char **why)
{
	char *end = strchr(line, kind == HTPASSWD_TOKENS ? ' ' : ':');

	if (end == NULL)
		return wrong(why,
		    kind == HTPASSWD_TOKENS ? "it is not NAME sha256:DIGITS" :
					      "it is not NAME:HASH");
	*end = '\0';
	row->name = line;
	row->hash = end + 1;
	if (user_check(row->name, why) == -1)
		return -1;
	return kind == HTPASSWD_TOKENS ?
	    read_digest(row->digest, row->hash, why) :
	    check_hash(row->hash, why);
}

int
htpasswd_next(struct htpasswd *h, struct htpasswd_row *row, const char **why)
{
	char *line;
	int r;

	do
		r = next_line(h, &line, why);
	while (r == 1 && (*line == '\0' || *line == '#'));
	if (r == 1 && read_row(line, h->kind, row, why) == -1)
		return -1;
	return r;
}
