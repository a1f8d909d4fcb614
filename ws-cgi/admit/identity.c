/*
 * identity.c - credentials of a request.  Promises that how long it takes says
 * nothing of a secret, and that none is left in memory of ours or stands in a
 * reason.
 */

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <crypt.h>
#include <sha2.h>

#include "ascii.h"
#include "base64.h"
#include "htpasswd.h"
#include "identity.h"
#include "request.h"
#include "secrets.h"
#include "user.h"

enum {
	PASSWORD = 255,	  /* bytes: what crypt(3) takes everywhere */
	TOKEN_LEAST = 22, /* digits: 128 bits in base64 */
	TOKEN_MOST = 512,
	PLAIN = HTPASSWD_NAME + 1 + PASSWORD,
	CODED = BASE64_SIZE(PLAIN) - 1
};

bool
identity_asked(const struct identity_conf *c)
{
	return c->header != NULL || identity_challenges(c);
}

bool
identity_challenges(const struct identity_conf *c)
{
	return c->users != NULL || c->tokens != NULL;
}

/* In a time that does not depend on the bytes: timingsafe_bcmp(3) of BSD. */
static bool
is_same(const void *a, const void *b, size_t n)
{
	const volatile uint8_t *p = a, *q = b;
	uint8_t differ = 0;

	for (size_t i = 0; i < n; i++)
		differ |= (uint8_t)(p[i] ^ q[i]);
	return differ == 0;
}

static struct secrets
file_of(const struct identity_conf *c, enum htpasswd_kind kind)
{
	const bool tokens = kind == HTPASSWD_TOKENS;

	return (struct secrets){
		.option = tokens ? "--tokens" : "--users",
		.path = tokens ? c->tokens : c->users,
		.rows = { .kind = kind },
	};
}

/* Passwords. */

/*
 * Returns 1, 0, or -1 when crypt(3) could not tell.  Sanitizers stand in for
 * crypt_r, in vain where libcrypt is static.
 */
static int
is_password(const char *password, const char *hash)
{
	struct crypt_data *data = calloc(1, sizeof(*data));
	const size_t len = strlen(hash);
	const char *got;
	int r = -1;

	if (data == NULL)
		return -1;
	got = crypt_rn(password, hash, data, (int)sizeof(*data));
	if (got != NULL)
		r = strlen(got) == len && is_same(got, hash, len);
	explicit_bzero(data, sizeof(*data));
	free(data);
	return r;
}

/* What a client says: a name and, behind a colon, a password. */
struct basic {
	char text[PLAIN + 4];
	const char *name, *password;
};

/* RFC 7617 2.  Returns false where it is malformed, or longer than any. */
static bool
read_basic(struct basic *b, const char *coded)
{
	const size_t len = strlen(coded);
	ssize_t n = -1;
	char *colon;

	if (len <= CODED)
		n = base64_decode((uint8_t *)b->text, (const uint8_t *)coded,
		    len);
	if (n == -1)
		return false;
	b->text[n] = '\0';
	if (strlen(b->text) != (size_t)n ||
	    (colon = strchr(b->text, ':')) == NULL)
		return false;
	*colon = '\0';
	b->name = b->text;
	b->password = colon + 1;
	return strlen(b->password) <= PASSWORD;
}

/*
 * The first row of that name; and the first of all, which stands in for it
 * where there is none.  Returns 0, or 503 as secrets_wrong.
 */
static int
find_user(struct secrets *f, const char *name, struct htpasswd_row *found,
    char *why, size_t size)
{
	struct htpasswd_row row, first = { 0 };
	const char *reason;
	int r;

	while ((r = htpasswd_next(&f->rows, &row, &reason)) == 1) {
		if (first.name == NULL)
			first = row;
		if (found->name == NULL && strcmp(row.name, name) == 0)
			*found = row;
	}
	if (found->name == NULL)
		found->hash = first.hash;
	return r == -1 ? secrets_wrong(f, reason, why, size) : 0;
}

static int
somebody(struct identity *who, const char *name, const char *type, char *why,
    size_t size)
{
	who->user = strdup(name);
	who->type = type;
	if (who->user != NULL)
		return 0;
	snprintf(why, size, "no memory");
	return 503;
}

static int
nobody(struct identity *who, char *why, size_t size, const char *what,
    const char *name)
{
	who->tried = true;
	snprintf(why, size, "%s%s", what, name);
	return 401;
}

static int
check_password(const struct basic *b, const struct htpasswd_row *row,
    struct identity *who, char *why, size_t size)
{
	const int right =
	    row->hash == NULL ? 0 : is_password(b->password, row->hash);

	if (row->name == NULL)
		return nobody(who, why, size, "no such user", "");
	if (right == 0)
		return nobody(who, why, size, "wrong password of user ",
		    row->name);
	if (right == 1)
		return somebody(who, row->name, "Basic", why, size);
	snprintf(why, size, "crypt(3) cannot compute the hash of user %s",
	    row->name);
	return 503;
}

static int
check_user(const struct identity_conf *c, const struct basic *b,
    struct identity *who, char *why, size_t size)
{
	struct secrets f = file_of(c, HTPASSWD_PASSWORDS);
	struct htpasswd_row row = { 0 };
	int status = secrets_begin(&f, why, size);

	if (status == 0)
		status = find_user(&f, b->name, &row, why, size);
	if (status == 0)
		status = check_password(b, &row, who, why, size);
	secrets_end(&f);
	return status;
}

static int
malformed(char *why, size_t size)
{
	snprintf(why, size, "malformed credentials");
	return 401;
}

static int
check_basic(const struct identity_conf *c, const char *coded,
    struct identity *who, char *why, size_t size)
{
	struct basic b;
	const int status = read_basic(&b, coded) ?
	    check_user(c, &b, who, why, size) :
	    malformed(why, size);

	explicit_bzero(&b, sizeof(b));
	return status;
}

/* Tokens. */

static void
digest_of(uint8_t digest[HTPASSWD_DIGEST], const char *token)
{
	SHA2_CTX sha;

	SHA256Init(&sha);
	SHA256Update(&sha, (const uint8_t *)token, strlen(token));
	SHA256Final(digest, &sha);
	explicit_bzero(&sha, sizeof(sha));
}

/* All rows are looked at, whichever it is.  As find_user. */
static int
find_token(struct secrets *f, const char *token, struct htpasswd_row *found,
    char *why, size_t size)
{
	uint8_t digest[HTPASSWD_DIGEST];
	struct htpasswd_row row;
	const char *reason;
	int r;

	digest_of(digest, token);
	while ((r = htpasswd_next(&f->rows, &row, &reason)) == 1)
		if (is_same(digest, row.digest, sizeof(digest)))
			*found = row;
	return r == -1 ? secrets_wrong(f, reason, why, size) : 0;
}

static int
check_token(const struct identity_conf *c, const char *token,
    struct identity *who, char *why, size_t size)
{
	struct secrets f = file_of(c, HTPASSWD_TOKENS);
	struct htpasswd_row row = { 0 };
	int status = secrets_begin(&f, why, size);

	if (status == 0)
		status = find_token(&f, token, &row, why, size);
	if (status == 0)
		status = row.name == NULL ?
		    nobody(who, why, size, "no such token", "") :
		    somebody(who, row.name, "Bearer", why, size);
	secrets_end(&f);
	return status;
}

/* RFC 6750 2.1; one that could be guessed is none. */
static bool
is_token(const char *text)
{
	const size_t len = strlen(text);
	const size_t digits = strspn(text,
	    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
	    "0123456789-._~+/");

	return len >= TOKEN_LEAST && len <= TOKEN_MOST &&
	    digits + strspn(text + digits, "=") == len;
}

static int
check_bearer(const struct identity_conf *c, const char *token,
    struct identity *who, char *why, size_t size)
{
	return is_token(token) ? check_token(c, token, who, why, size) :
				 malformed(why, size);
}

/* Requests. */

/* Is it of this scheme?  Then *rest is what stands behind that. */
static bool
is_scheme(const char *value, const char *scheme, const char **rest)
{
	const size_t len = strcspn(value, " ");

	*rest = value + len + strspn(value + len, " ");
	return len == strlen(scheme) && ascii_same_n(value, scheme, len);
}

static int
check_credentials(const struct identity_conf *c, const struct ws *ws,
    struct identity *who, char *why, size_t size)
{
	const char *value = NULL, *rest;
	const size_t n = request_count(ws, "Authorization", &value);

	if (n > 1) {
		snprintf(why, size, "there is more than one Authorization");
		return 400;
	}
	if (n == 0) {
		snprintf(why, size, "no credentials");
		return 401;
	}
	if (c->users != NULL && is_scheme(value, "Basic", &rest))
		return check_basic(c, rest, who, why, size);
	if (c->tokens != NULL && is_scheme(value, "Bearer", &rest))
		return check_bearer(c, rest, who, why, size);
	snprintf(why, size, "credentials of a scheme that is not asked for");
	return 401;
}

/*
 * Who has been let in by a proxy.  One that knows nobody may leave the field
 * empty.  Returns true with the status of identity_check; false: it says
 * nothing of whom it is.
 */
static bool
is_told(const char *field, const struct ws *ws, bool trusted,
    struct identity *who, char *why, size_t size, int *status)
{
	const char *value = NULL, *reason;
	const size_t n = request_count(ws, field, &value);

	*status = 400;
	if (n > 1)
		snprintf(why, size, "there is more than one %s", field);
	else if (n == 0 || !trusted || *value == '\0')
		return false;
	else if (user_check(value, &reason) == -1)
		snprintf(why, size, "of the user in %s: %s", field, reason);
	else
		*status = somebody(who, value, "Header", why, size);
	return true;
}

int
identity_check(const struct identity_conf *c, const struct ws *ws, bool trusted,
    struct identity *who, char *why, size_t size)
{
	int status;

	if (c->header != NULL &&
	    is_told(c->header, ws, trusted, who, why, size, &status))
		return status;
	if (identity_challenges(c))
		return check_credentials(c, ws, who, why, size);
	snprintf(why, size, "no proxy that is trusted says who this is (%s)",
	    c->header);
	return 403;
}

const char *
identity_challenge(const struct identity_conf *c, char out[IDENTITY_CHALLENGE])
{
	snprintf(out, IDENTITY_CHALLENGE, "%s%s",
	    c->users == NULL ? "" :
			       "WWW-Authenticate: Basic realm=\"ws-cgi\", "
			       "charset=\"UTF-8\"\r\n",
	    c->tokens == NULL ? "" :
				"WWW-Authenticate: Bearer "
				"realm=\"ws-cgi\"\r\n");
	return out;
}

/* At the start. */

int
identity_verify(const struct identity_conf *c, char *why, size_t size)
{
	struct secrets users = file_of(c, HTPASSWD_PASSWORDS);
	struct secrets tokens = file_of(c, HTPASSWD_TOKENS);

	if (c->users != NULL && secrets_verify(&users, why, size) == -1)
		return -1;
	return c->tokens == NULL ? 0 : secrets_verify(&tokens, why, size);
}

const char *
identity_open_file(const struct identity_conf *c)
{
	return secrets_open(c->users) ? c->users :
	    secrets_open(c->tokens)   ? c->tokens :
					NULL;
}
