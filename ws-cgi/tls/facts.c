/*
 * facts.c - texts of which every byte is printable, from a certificate that
 * somebody has signed, and a name that anybody may have sent.
 */

#include <errno.h>
#include <limits.h>
#include <openssl/x509.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "facts.h"

/* A pipe has room for them: who writes them never waits, pipe(7). */
_Static_assert(sizeof(struct facts) <= PIPE_BUF, "facts are one message");

#define AT(member)                                                             \
	offsetof(struct facts, member), sizeof(((struct facts *)0)->member)

/* Which variable is which text. */
static const struct {
	const char *name;
	size_t at, size;
} texts[] = {
	{ "SSL_PROTOCOL", AT(protocol) },
	{ "SSL_CIPHER", AT(cipher) },
	{ "SSL_TLS_SNI", AT(sni) },
	{ "SSL_CLIENT_VERIFY", AT(verify) },
	{ "SSL_CLIENT_S_DN", AT(subject) },
	{ "SSL_CLIENT_I_DN", AT(issuer) },
	{ "SSL_CLIENT_M_SERIAL", AT(serial) },
	{ "SSL_PEER_CERT_HASH", AT(hash) },
	{ "TCPREMOTEIP", AT(client.address) },
	{ "TCPREMOTEPORT", AT(client.port) },
	{ "TCPLOCALIP", AT(server.address) },
	{ "TCPLOCALPORT", AT(server.port) },
};

enum { TEXTS = sizeof(texts) / sizeof(texts[0]) };

static bool
put(char *to, size_t size, const char *text)
{
	return text != NULL && strlcpy(to, text, size) < size;
}

/* RFC 4514, with all that is not ASCII as \xx: a name is what is compared. */
static bool
put_name(char to[FACTS_NAME], const X509_NAME *name)
{
	BIO *b = BIO_new(BIO_s_mem());
	char *text;
	long n = -1;

	if (b != NULL && X509_NAME_print_ex(b, name, 0, XN_FLAG_RFC2253) >= 0)
		n = BIO_get_mem_data(b, &text);
	if (n >= 0 && n < FACTS_NAME) {
		memcpy(to, text, (size_t)n);
		to[n] = '\0';
	}
	BIO_free(b);
	return n >= 0 && n < FACTS_NAME;
}

static bool
put_serial(char *to, size_t size, const X509 *cert)
{
	BIGNUM *n = ASN1_INTEGER_to_BN(X509_get0_serialNumber(cert), NULL);
	char *text = n == NULL ? NULL : BN_bn2hex(n);
	const bool done = put(to, size, text);

	OPENSSL_free(text);
	BN_free(n);
	return done;
}

/* "SHA256:" and 64 digits. */
static bool
put_hash(char *to, size_t size, const X509 *cert)
{
	unsigned char digest[EVP_MAX_MD_SIZE];
	unsigned n;

	if (X509_digest(cert, EVP_sha256(), digest, &n) != 1 ||
	    size < strlen("SHA256:") + 2 * (size_t)n + 1)
		return false;
	to = stpcpy(to, "SHA256:");
	for (unsigned i = 0; i < n; i++)
		to += snprintf(to, 3, "%02x", digest[i]);
	return true;
}

/* Whoever has one here has proven that it is theirs, and who has signed it. */
static int
take_certificate(struct facts *f, const X509 *cert, const char **why)
{
	*why = "the names in its certificate are too long";
	if (!put(f->verify, sizeof(f->verify), "SUCCESS") ||
	    !put_name(f->subject, X509_get_subject_name(cert)) ||
	    !put_name(f->issuer, X509_get_issuer_name(cert)) ||
	    !put_serial(f->serial, sizeof(f->serial), cert) ||
	    !put_hash(f->hash, sizeof(f->hash), cert))
		return -1;
	return 0;
}

/* RFC 1123 2.1, and _, which some have: no name of a host holds more. */
static bool
is_host(const char *name)
{
	return name[strspn(name,
		   "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
		   "0123456789.-_")] == '\0';
}

int
facts_take(struct facts *f, SSL *ssl, const char **why)
{
	const char *sni = SSL_get_servername(ssl, TLSEXT_NAMETYPE_host_name);
	const X509 *cert = SSL_get0_peer_certificate(ssl);

	*why = "the name that it asks for is too long";
	if (!put(f->protocol, sizeof(f->protocol), SSL_get_version(ssl)) ||
	    !put(f->cipher, sizeof(f->cipher), SSL_get_cipher_name(ssl)) ||
	    !put(f->sni, sizeof(f->sni), sni == NULL ? "" : sni))
		return -1;
	*why = "the name that it asks for is none of a host";
	if (!is_host(f->sni))
		return -1;
	if (cert != NULL)
		return take_certificate(f, cert, why);
	put(f->verify, sizeof(f->verify), "NONE");
	return 0;
}

int
facts_send(const struct facts *f, int fd)
{
	size_t done = 0;
	ssize_t n = 0;

	while (done < sizeof(*f) && (n != -1 || errno == EINTR)) {
		n = write(fd, (const char *)f + done, sizeof(*f) - done);
		done += n > 0 ? (size_t)n : 0;
	}
	return done == sizeof(*f) ? 0 : -1;
}

/* One text: it ends, and is visible ASCII, with spaces. */
static bool
is_text(const char *p, size_t size)
{
	if (memchr(p, '\0', size) == NULL)
		return false;
	for (; *p != '\0'; p++)
		if (*p < ' ' || *p > '~')
			return false;
	return true;
}

/* Returns whether all were there. */
static bool
read_all(struct facts *f, int fd)
{
	size_t done = 0;
	ssize_t n = 1;

	while (done < sizeof(*f) && (n > 0 || (n == -1 && errno == EINTR))) {
		n = read(fd, (char *)f + done, sizeof(*f) - done);
		done += n > 0 ? (size_t)n : 0;
	}
	return done == sizeof(*f);
}

int
facts_receive(struct facts *f, int fd)
{
	if (!read_all(f, fd) || *f->protocol == '\0')
		return -1;
	for (size_t i = 0; i < TEXTS; i++)
		if (!is_text((const char *)f + texts[i].at, texts[i].size))
			return -1;
	return is_host(f->sni) ? 0 : -1;
}

static void
forget_others(void)
{
	char name[64];

	for (char **v = environ; *v != NULL;) {
		const size_t len = strcspn(*v, "=");

		if (strncmp(*v, "SSL_", 4) == 0 && len < sizeof(name)) {
			snprintf(name, sizeof(name), "%.*s", (int)len, *v);
			unsetenv(name);
			v = environ;
		} else
			v++;
	}
}

int
facts_export(const struct facts *f)
{
	forget_others();
	for (size_t i = 0; i < TEXTS; i++) {
		const char *text = (const char *)f + texts[i].at;

		if (*text == '\0')
			unsetenv(texts[i].name);
		else if (setenv(texts[i].name, text, 1) == -1)
			return -1;
	}
	return setenv("PROTO", "TCP", 1);
}
