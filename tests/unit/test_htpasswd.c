/*
 * test_htpasswd.c - proves htpasswd.h: which lines are a name and a hash that
 * is taken, and what is said of the others, with their number.
 */

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "admit/htpasswd.h"
#include "unit.h"

#define TEN	  "abcdefghij"
#define FORTY	  TEN TEN TEN TEN
#define BCRYPT	  FORTY TEN "abc"
#define SHA256	  FORTY "abc"
#define SHA512	  FORTY FORTY "./09AZ"
#define YESCRYPT  SHA256
#define DIGITS	  "0123456789abcdef0123456789ABCDEF"
#define DIGEST	  DIGITS DIGITS
#define NAME_250  FORTY FORTY FORTY FORTY FORTY FORTY TEN
#define LINE_1000 NAME_250 NAME_250 NAME_250 NAME_250

static const struct row {
	const char *name;
	const char *text;
	const char *want; /* names, and how it ends */
} users[] = {
	{ "nothing", "", "end" },
	{ "newlines", "\n\n\n", "end" },
	{ "comments", "# a:b\n#\n#a:$6$", "end" },
	{ "bcrypt", "a:$2b$10$" BCRYPT "\n", "a end" },
	{ "bcrypt of htpasswd(1)", "a:$2y$05$" BCRYPT "\n", "a end" },
	{ "SHA-512", "a:$6$salt$" SHA512 "\n", "a end" },
	{ "SHA-512, rounds", "a:$6$rounds=5000$salt$" SHA512 "\n", "a end" },
	{ "SHA-512, no salt", "a:$6$$" SHA512 "\n", "a end" },
	{ "SHA-256", "a:$5$salt$" SHA256 "\n", "a end" },
	{ "yescrypt", "a:$y$j9T$salt$" YESCRYPT "\n", "a end" },
	{ "no newline at the end", "a:$5$s$" SHA256, "a end" },
	{ "two", "a:$5$s$" SHA256 "\n#\n\nb:$6$s$" SHA512 "\n", "a b end" },
	{ "the same twice", "a:$5$s$" SHA256 "\na:$6$s$" SHA512 "\n",
	    "a a end" },
	{ "a space in a name", "a b:$5$s$" SHA256, "a b end" },
	{ "UTF-8", "zo\xc3\xab:$5$s$" SHA256, "zo\xc3\xab end" },
	{ "no colon", "a\n", "1: not NAME:HASH" },
	{ "on the third line", "#\n\na\n", "3: not NAME:HASH" },
	{ "behind one that is right", "a:$5$s$" SHA256 "\nb", "a 2: not" },
	{ "no name", ":$5$s$" SHA256, "1: no name" },
	{ "no UTF-8", "zo\xeb:$5$s$" SHA256, "1: not UTF-8" },
	{ "a half character", "zo\xc3:$5$s$" SHA256, "1: not UTF-8" },
	{ "a control character", "a\x1b:$5$s$" SHA256, "1: control" },
	{ "a tab", "a\t:$5$s$" SHA256, "1: control" },
	{ "DEL", "a\x7f:$5$s$" SHA256, "1: control" },
	{ "255 bytes of name", NAME_250 "abcde:$5$s$" SHA256,
	    NAME_250 "abcde end" },
	{ "256 bytes of name", NAME_250 "abcdef:$5$s$" SHA256,
	    "1: longer than 255" },
	{ "1024 bytes", "#" LINE_1000 TEN TEN "abc\n", "end" },
	{ "1025 bytes", "#" LINE_1000 TEN TEN "abcd\n", "1: longer than 1024" },
	{ "no hash", "a:", "1: no hash" },
	{ "plain text", "a:sesam", "1: no hash" },
	{ "DES", "a:abNANd1rDfiNc", "1: no hash" },
	{ "locked", "a:!", "1: no hash" },
	{ "MD5 of Apache", "a:$apr1$salt$" TEN TEN "ab", "1: MD5" },
	{ "MD5", "a:$1$salt$" TEN TEN "ab", "1: MD5" },
	{ "SHA-1", "a:{SHA}" TEN TEN "abcdefg=", "1: SHA-1" },
	{ "bcrypt with a fault", "a:$2a$10$" BCRYPT, "1: no hash" },
	{ "bcrypt, short", "a:$2b$10$" FORTY TEN "ab", "1: malformed" },
	{ "bcrypt, long", "a:$2b$10$" BCRYPT "d", "1: malformed" },
	{ "bcrypt, no cost", "a:$2b$" BCRYPT, "1: malformed" },
	{ "SHA-512, short", "a:$6$salt$" FORTY FORTY "./09A", "1: malformed" },
	{ "SHA-512, no salt's end", "a:$6$" SHA512, "1: malformed" },
	{ "yescrypt, no salt", "a:$y$j9T$" YESCRYPT, "1: malformed" },
	{ "a method alone", "a:$6$", "1: malformed" },
	{ "a carriage return", "a:$5$s$" SHA256 "\r\n", "1: malformed" },
	{ "a space behind", "a:$5$s$" SHA256 " \n", "1: malformed" },
	{ "a field behind", "a:$5$s$" SHA256 ":b\n", "1: malformed" },
	{ "a space before", " :", "1: no hash" },
};

static const struct row tokens[] = {
	{ "one", "a sha256:" DIGEST "\n", "a end" },
	{ "two of a name", "a sha256:" DIGEST "\na sha256:" DIGEST, "a a end" },
	{ "a colon in a name", "a:b sha256:" DIGEST, "a:b end" },
	{ "a comment", "# a\na sha256:" DIGEST, "a end" },
	{ "no space", "a", "1: not NAME sha256" },
	{ "a tab", "a\tsha256:" DIGEST, "1: not NAME sha256" },
	{ "two spaces", "a  sha256:" DIGEST, "1: no sha256" },
	{ "no name", " sha256:" DIGEST, "1: no name" },
	{ "plain text", "a " DIGEST, "1: no sha256" },
	{ "short", "a sha256:" DIGITS, "1: no sha256" },
	{ "long", "a sha256:" DIGEST "0", "1: no sha256" },
	{ "another digit", "a sha256:g" DIGITS DIGITS, "1: no sha256" },
	{ "another digit in its place",
	    "a sha256:0123456789abcdef0123456789ABCDEG" DIGITS,
	    "1: no sha256" },
	{ "another hash", "a sha512:" DIGEST, "1: no sha256" },
	{ "capitals", "a SHA256:" DIGEST, "1: no sha256" },
	{ "a password's", "a $5$s$" SHA256, "1: no sha256" },
};

/* Names, each with a space behind it; and the line and why, or "end". */
static void
reads(const char *text, size_t size, enum htpasswd_kind kind, char *got,
    size_t room)
{
	struct htpasswd h = { .size = size, .kind = kind };
	struct htpasswd_row row;
	const char *why = NULL;
	size_t n = 0;
	int r;

	h.text = malloc(size + 1);
	ck_assert_ptr_nonnull(h.text);
	memcpy(h.text, text, size + 1);
	while ((r = htpasswd_next(&h, &row, &why)) == 1)
		n += (size_t)snprintf(got + n, room - n, "%s ", row.name);
	if (r == 0)
		snprintf(got + n, room - n, "end");
	else
		snprintf(got + n, room - n, "%d: %s", h.line, why);
	free(h.text);
}

/* All words of what is wanted are there, in this order. */
static void
compare(const char *got, const char *want)
{
	char *words = strdup(want), *rest = words, *word;
	const char *at = got;

	ck_assert_ptr_nonnull(words);
	while (at != NULL && (word = strsep(&rest, " ")) != NULL)
		at = strstr(at, word);
	free(words);
	ck_assert_msg(at != NULL, "'%s' and not '%s'", got, want);
}

static void
check(const struct row *row, enum htpasswd_kind kind)
{
	char got[HTPASSWD_LINE];

	reads(row->text, strlen(row->text), kind, got, sizeof(got));
	compare(got, row->want);
	ck_assert_int_eq(strstr(got, "end") != NULL,
	    strstr(row->want, "end") != NULL);
}

START_TEST(reads_users)
{
	check(&users[_i], HTPASSWD_PASSWORDS);
}
END_TEST

START_TEST(reads_tokens)
{
	check(&tokens[_i], HTPASSWD_TOKENS);
}
END_TEST

START_TEST(refuses_nul)
{
	static const char text[] = "#\n#a\0b\n";
	char got[HTPASSWD_LINE];

	reads(text, sizeof(text) - 1, HTPASSWD_PASSWORDS, got, sizeof(got));
	compare(got, "2: NUL");
}
END_TEST

START_TEST(reads_digests)
{
	char text[] = "a sha256:00ff7Fa0" DIGITS "0123456789abcdef01234567";
	struct htpasswd h = { text, strlen(text), HTPASSWD_TOKENS, 0, 0 };
	struct htpasswd_row row;
	const char *why;

	ck_assert_int_eq(htpasswd_next(&h, &row, &why), 1);
	ck_assert_mem_eq(row.digest, "\x00\xff\x7f\xa0\x01\x23", 6);
	ck_assert_int_eq(row.digest[HTPASSWD_DIGEST - 1], 0x67);
	ck_assert_int_eq(htpasswd_next(&h, &row, &why), 0);
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("htpasswd");

	UNIT_ROWS(s, reads_users, users);
	UNIT_ROWS(s, reads_tokens, tokens);
	unit_test(s, "a NUL", refuses_nul);
	unit_test(s, "a digest", reads_digests);
	return unit_run(s);
}
