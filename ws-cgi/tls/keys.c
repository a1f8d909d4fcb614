/*
 * keys.c - PEM files, by descriptors that others may have opened.  A key that
 * others could read is not taken.
 */

#include <errno.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "keys.h"
#include "log.h"

static struct {
	SSL_CTX **ctx;
	X509 **cert; /* the contexts' */
	size_t count;
} keys;

int
keys_files(const struct keys_conf *c, struct monitor *m)
{
	for (size_t i = 0; i < c->count; i++)
		if (monitor_add(m, c->pair[i].cert) == -1 ||
		    (c->pair[i].key != NULL &&
			monitor_add(m, c->pair[i].key) == -1))
			return -1;
	return c->client_ca == NULL ? 0 : monitor_add(m, c->client_ca);
}

static int __attribute__((format(printf, 2, 3)))
fail(char why[KEYS_WHY], const char *format, ...)
{
	va_list ap;

	va_start(ap, format);
	vsnprintf(why, KEYS_WHY, format, ap);
	va_end(ap);
	ERR_clear_error();
	return -1;
}

/* The first cause is the deepest, if it is not that there is no memory. */
static const char *
reason(void)
{
	const char *text = ERR_reason_error_string(ERR_peek_error());
	unsigned long e;

	while ((e = ERR_get_error()) != 0)
		if (ERR_GET_REASON(e) == ERR_R_MALLOC_FAILURE)
			text = NULL;
	return text == NULL ? "no memory" : text;
}

/* A file as OpenSSL reads it, or NULL with what is wrong in why. */
static BIO *
open_bio(const struct monitor *m, const char *path, char why[KEYS_WHY])
{
	const int fd = monitor_open(m, path);
	struct stat st;
	BIO *b;

	if (fd == -1 || fstat(fd, &st) == -1) {
		fail(why, "%s: %s", path,
		    errno == EPIPE ? "the monitor, which opens it, is gone" :
				     strerror(errno));
		if (fd != -1)
			close(fd);
		return NULL;
	}
	if (!S_ISREG(st.st_mode) || (b = BIO_new_fd(fd, BIO_CLOSE)) == NULL) {
		fail(why, "%s: %s", path,
		    S_ISREG(st.st_mode) ? "no memory" : "not a file");
		close(fd);
		return NULL;
	}
	return b;
}

/*
 * A key is its owner's, who is us or root; and a group's, if root has given it
 * to that, as Debian's ssl-cert.
 */
static bool
is_secret(BIO *b)
{
	struct stat st;
	int fd = -1;

	if (BIO_get_fd(b, &fd) == -1 || fstat(fd, &st) == -1)
		return false;
	if ((st.st_mode & 077) == 0)
		return true;
	return st.st_uid == 0 && (st.st_mode & 037) == 0;
}

/* Nobody is there to be asked for a password. */
static int /* NOLINTNEXTLINE(readability-non-const-parameter) */
no_password(char *buf, int size, int writing, void *arg)
{
	(void)buf;
	(void)size;
	(void)writing;
	(void)arg;
	return -1;
}

/* Is what was read all that there was? */
static bool
is_end(void)
{
	const unsigned long e = ERR_peek_last_error();

	return ERR_GET_LIB(e) == ERR_LIB_PEM &&
	    ERR_GET_REASON(e) == PEM_R_NO_START_LINE;
}

/* The certificate, and those behind it that it is signed with. */
static int
read_chain(SSL_CTX *ctx, BIO *b, const char *path, char why[KEYS_WHY])
{
	X509 *cert = PEM_read_bio_X509_AUX(b, NULL, no_password, NULL);
	const int used =
	    cert != NULL && SSL_CTX_use_certificate(ctx, cert) == 1;

	X509_free(cert);
	if (!used)
		return fail(why, "%s: %s", path,
		    cert == NULL && is_end() ?
			"there is no certificate in it (PEM)" :
			reason());
	while ((cert = PEM_read_bio_X509(b, NULL, no_password, NULL)) != NULL)
		if (SSL_CTX_add0_chain_cert(ctx, cert) != 1) {
			X509_free(cert);
			return fail(why, "%s: %s", path, reason());
		}
	if (!is_end())
		return fail(why, "%s: %s", path, reason());
	ERR_clear_error();
	return 0;
}

static const char *
key_fault(bool read)
{
	const unsigned long e = ERR_peek_last_error();

	if (!read && ERR_GET_LIB(e) == ERR_LIB_PEM &&
	    ERR_GET_REASON(e) == PEM_R_BAD_PASSWORD_READ)
		return "the key is encrypted, and nobody is there to be asked "
		       "for its password";
	if (!read &&
	    (is_end() || ERR_GET_LIB(ERR_peek_error()) == ERR_LIB_OSSL_DECODER))
		return "there is no key in it (PEM)";
	return read ? "it is not the key of the certificate" : reason();
}

static const char *
use_key(SSL_CTX *ctx, BIO *b, EVP_PKEY *key)
{
	if (key != NULL && !is_secret(b))
		return "others may read the key: its mode must be 0600, or "
		       "0640 if it is root's";
	if (key == NULL || SSL_CTX_use_PrivateKey(ctx, key) != 1 ||
	    SSL_CTX_check_private_key(ctx) != 1)
		return key_fault(key != NULL);
	return NULL;
}

static int
read_key(SSL_CTX *ctx, BIO *b, const char *path, char why[KEYS_WHY])
{
	EVP_PKEY *key = PEM_read_bio_PrivateKey(b, NULL, no_password, NULL);
	const char *fault = use_key(ctx, b, key);

	EVP_PKEY_free(key);
	return fault == NULL ? 0 : fail(why, "%s: %s", path, fault);
}

static int
load_pair(SSL_CTX *ctx, const struct key_pair *p, const struct monitor *m,
    char why[KEYS_WHY])
{
	const char *path = p->key == NULL ? p->cert : p->key;
	BIO *b = open_bio(m, p->cert, why);
	int done = b == NULL ? -1 : read_chain(ctx, b, p->cert, why);

	BIO_free(b);
	if (done == -1 || (b = open_bio(m, path, why)) == NULL)
		return -1;
	done = read_key(ctx, b, path, why);
	BIO_free(b);
	return done;
}

/* Who may sign clients' certificates, and which of these are revoked. */
static int
add_authority(SSL_CTX *ctx, const X509_INFO *info)
{
	X509_STORE *store = SSL_CTX_get_cert_store(ctx);

	if (info->x509 != NULL &&
	    (X509_STORE_add_cert(store, info->x509) != 1 ||
		SSL_CTX_add_client_CA(ctx, info->x509) != 1))
		return -1;
	if (info->crl == NULL)
		return 0;
	if (X509_STORE_add_crl(store, info->crl) != 1)
		return -1;
	X509_STORE_set_flags(store, X509_V_FLAG_CRL_CHECK);
	return 0;
}

static int
add_authorities(SSL_CTX *ctx, const STACK_OF(X509_INFO) * all, const char *path,
    char why[KEYS_WHY])
{
	int found = 0;

	for (int i = 0; i < sk_X509_INFO_num(all); i++) {
		const X509_INFO *info = sk_X509_INFO_value(all, i);

		if (add_authority(ctx, info) == -1)
			return fail(why, "%s: %s", path, reason());
		found += info->x509 != NULL;
	}
	if (found == 0)
		return fail(why, "%s: there is no certificate in it (PEM)",
		    path);
	return 0;
}

static int
load_authorities(SSL_CTX *ctx, const struct keys_conf *c,
    const struct monitor *m, char why[KEYS_WHY])
{
	const int must = c->optional ? 0 : SSL_VERIFY_FAIL_IF_NO_PEER_CERT;
	STACK_OF(X509_INFO) * all;
	BIO *b;
	int done;

	if (c->client_ca == NULL)
		return 0;
	if ((b = open_bio(m, c->client_ca, why)) == NULL)
		return -1;
	all = PEM_X509_INFO_read_bio(b, NULL, no_password, NULL);
	BIO_free(b);
	if (all == NULL)
		return fail(why, "%s: %s", c->client_ca, reason());
	done = add_authorities(ctx, all, c->client_ca, why);
	sk_X509_INFO_pop_free(all, X509_INFO_free);
	SSL_CTX_set_verify(ctx, SSL_VERIFY_PEER | must, NULL);
	return done;
}

/*
 * Whose name is it?  The first that fits; and who asks for none of them gets the
 * first of all, which the client may refuse.  A name that nobody looks at would
 * not be known of a session that is resumed.
 */
static int /* NOLINTNEXTLINE(readability-non-const-parameter) */
choose_pair(SSL *ssl, int *alert, void *arg)
{
	const char *name = SSL_get_servername(ssl, TLSEXT_NAMETYPE_host_name);

	(void)alert;
	(void)arg;
	for (size_t i = 0; name != NULL && i < keys.count; i++) {
		if (X509_check_host(keys.cert[i], name, 0, 0, NULL) != 1)
			continue;
		SSL_set_SSL_CTX(ssl, keys.ctx[i]);
		return SSL_TLSEXT_ERR_OK;
	}
	return SSL_TLSEXT_ERR_OK;
}

/* Who offers protocols, and not ours, is refused: RFC 7301 3.2. */
static int
choose_protocol(SSL *ssl, const unsigned char **out, unsigned char *len,
    const unsigned char *in, unsigned size, void *arg)
{
	static const unsigned char ours[] = "\x08http/1.1";
	unsigned char *chosen;

	(void)ssl;
	(void)arg;
	if (SSL_select_next_proto(&chosen, len, ours, sizeof(ours) - 1, in,
		size) != OPENSSL_NPN_NEGOTIATED)
		return SSL_TLSEXT_ERR_ALERT_FATAL;
	*out = chosen;
	return SSL_TLSEXT_ERR_OK;
}

/*
 * Tickets are of no use to who serves one connection: nobody else could read
 * them.  One is enough for others: a WebSocket is one connection.
 */
static bool
set_sessions(SSL_CTX *ctx, bool alone)
{
	static const unsigned char id[] = "ws-tls";

	SSL_CTX_set_session_cache_mode(ctx, SSL_SESS_CACHE_OFF);
	if (alone)
		SSL_CTX_set_options(ctx, SSL_OP_NO_TICKET);
	return SSL_CTX_set_num_tickets(ctx, alone ? 0 : 1) == 1 &&
	    SSL_CTX_set_max_early_data(ctx, 0) == 1 &&
	    SSL_CTX_set_session_id_context(ctx, id, sizeof(id) - 1) == 1;
}

static bool
set_protocols(SSL_CTX *ctx)
{
	static char groups[] = "X25519:P-256:P-384"; /* of a macro's cast */

	SSL_CTX_set_options(ctx,
	    SSL_OP_NO_RENEGOTIATION | SSL_OP_NO_COMPRESSION |
		SSL_OP_CIPHER_SERVER_PREFERENCE | SSL_OP_PRIORITIZE_CHACHA);
	SSL_CTX_set_mode(ctx,
	    SSL_MODE_ENABLE_PARTIAL_WRITE |
		SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER | SSL_MODE_RELEASE_BUFFERS);
	SSL_CTX_set_read_ahead(ctx, 1);
	SSL_CTX_set_alpn_select_cb(ctx, choose_protocol, NULL);
	return SSL_CTX_set_min_proto_version(ctx, TLS1_2_VERSION) == 1 &&
	    SSL_CTX_set_cipher_list(ctx, "ECDHE+AESGCM:ECDHE+CHACHA20") == 1 &&
	    SSL_CTX_set1_groups_list(ctx, groups) == 1;
}

static SSL_CTX *
make_context(bool alone)
{
	SSL_CTX *ctx = SSL_CTX_new(TLS_server_method());

	if (ctx != NULL && set_protocols(ctx) && set_sessions(ctx, alone))
		return ctx;
	SSL_CTX_free(ctx);
	return NULL;
}

/* It is served all the same: who looks at the log can mend it. */
static void
warn_of_time(const X509 *cert, const char *path)
{
	if (X509_cmp_current_time(X509_get0_notBefore(cert)) > 0)
		log_line("%s: the time of the certificate has not come yet",
		    path);
	if (X509_cmp_current_time(X509_get0_notAfter(cert)) < 0)
		log_line("%s: the certificate has expired", path);
}

static int
load(const struct keys_conf *c, size_t i, const struct monitor *m, bool alone,
    char why[KEYS_WHY])
{
	SSL_CTX *ctx = make_context(alone);

	if (ctx == NULL)
		return fail(why, "OpenSSL: %s", reason());
	keys.ctx[i] = ctx;
	if (load_pair(ctx, &c->pair[i], m, why) == -1 ||
	    load_authorities(ctx, c, m, why) == -1)
		return -1;
	keys.cert[i] = SSL_CTX_get0_certificate(ctx);
	warn_of_time(keys.cert[i], c->pair[i].cert);
	return 0;
}

/* Settings of this machine's OpenSSL, or of an environment, are not ours. */
int
keys_load(const struct keys_conf *c, const struct monitor *m, bool alone,
    char why[KEYS_WHY])
{
	if (OPENSSL_init_ssl(OPENSSL_INIT_NO_LOAD_CONFIG, NULL) != 1)
		return fail(why, "OpenSSL: %s", reason());
	keys.ctx = calloc(c->count, sizeof(SSL_CTX *));
	keys.cert = calloc(c->count, sizeof(X509 *));
	if (keys.ctx == NULL || keys.cert == NULL)
		return fail(why, "%s", strerror(errno));
	for (size_t i = 0; i < c->count; i++)
		if (load(c, i, m, alone, why) == -1)
			return -1;
	keys.count = c->count;
	SSL_CTX_set_tlsext_servername_callback(keys.ctx[0], choose_pair);
	return 0;
}

SSL *
keys_session(void)
{
	return SSL_new(keys.ctx[0]);
}

static void
print_names(BIO *out, const X509 *cert)
{
	GENERAL_NAMES *names =
	    X509_get_ext_d2i(cert, NID_subject_alt_name, NULL, NULL);

	BIO_printf(out, "    names             ");
	for (int i = 0; i < sk_GENERAL_NAME_num(names); i++) {
		BIO_printf(out, " ");
		GENERAL_NAME_print(out, sk_GENERAL_NAME_value(names, i));
	}
	BIO_printf(out, "\n");
	GENERAL_NAMES_free(names);
}

void
keys_print(const struct keys_conf *c)
{
	BIO *out = BIO_new_fp(stdout, BIO_NOCLOSE);

	for (size_t i = 0; out != NULL && i < c->count; i++) {
		BIO_printf(out, "  certificate          %s\n", c->pair[i].cert);
		print_names(out, keys.cert[i]);
		BIO_printf(out, "    until              ");
		ASN1_TIME_print(out, X509_get0_notAfter(keys.cert[i]));
		BIO_printf(out, "\n");
	}
	BIO_free(out);
}
