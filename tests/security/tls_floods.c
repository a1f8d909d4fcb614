/*
 * tls_floods.c - a client of TLS that does what none does.
 *
 *	tls_floods PORT keys COUNT	changes its keys, COUNT times
 *	tls_floods PORT requests COUNT	and asks the other side to do the same
 *	tls_floods PORT empty COUNT	sends records with nothing in them
 *	tls_floods PORT again COUNT	wants another handshake (TLS 1.2)
 *	tls_floods PORT early COUNT	comes twice, the second time with early
 *					data that the ticket does not allow
 *
 * It reads nothing meanwhile, and then to the end.  Prints how many times it
 * could do that, and what it has read.
 */

#include <arpa/inet.h>
#include <netinet/in.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <openssl/ssl.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

enum { KEY = 16, IV = 12, TAG = 16, HASH = 32, HEAD = 5 };

static uint8_t secret[HASH]; /* CLIENT_TRAFFIC_SECRET_0 */
static SSL_SESSION *session;

static void
take_secret(const SSL *ssl, const char *line)
{
	static const char name[] = "CLIENT_TRAFFIC_SECRET_0 ";
	const char *hex;

	(void)ssl;
	if (strncmp(line, name, sizeof(name) - 1) != 0)
		return;
	hex = strrchr(line, ' ') + 1;
	for (int i = 0; i < HASH; i++)
		if (sscanf(hex + 2 * i, "%2hhx", &secret[i]) != 1)
			exit(2);
}

static int
take_session(SSL *ssl, SSL_SESSION *s)
{
	(void)ssl;
	session = s;
	return 1;
}

static int
dial(int port)
{
	const struct sockaddr_in to = {
		.sin_family = AF_INET,
		.sin_port = htons((uint16_t)port),
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK),
	};
	const int fd = socket(AF_INET, SOCK_STREAM, 0);

	if (fd == -1 ||
	    connect(fd, (const struct sockaddr *)&to, sizeof(to)) == -1) {
		perror("connect");
		exit(2);
	}
	return fd;
}

static SSL *
open_tls(SSL_CTX *ctx, int port)
{
	SSL *ssl = SSL_new(ctx);

	SSL_set_fd(ssl, dial(port));
	return ssl;
}

/* All that comes. */
static void
print_rest(SSL *ssl)
{
	char room[4096];
	int n;

	while ((n = SSL_read(ssl, room, sizeof(room))) > 0)
		printf("%.*s", n, room);
	printf("\n");
}

/* HKDF-Expand-Label with an empty context, of one block: RFC 8446 7.1. */
static void
expand(uint8_t *out, uint8_t size, const char *label)
{
	uint8_t info[64], block[EVP_MAX_MD_SIZE];
	const size_t n = strlen(label);

	info[0] = 0;
	info[1] = size;
	info[2] = (uint8_t)(6 + n);
	memcpy(info + 3, "tls13 ", 6);
	memcpy(info + 9, label, n);
	info[9 + n] = 0;
	info[10 + n] = 1;
	HMAC(EVP_sha256(), secret, HASH, info, 11 + n, block, NULL);
	memcpy(out, block, size);
}

/* A record of application data that holds none: RFC 8446 5.2, 5.3. */
static size_t
make_empty(uint8_t *out, const uint8_t *key, const uint8_t *iv, uint64_t number)
{
	static const uint8_t head[HEAD] = { 23, 3, 3, 0, 1 + TAG }, type = 23;
	EVP_CIPHER_CTX *c = EVP_CIPHER_CTX_new();
	uint8_t nonce[IV];
	int n;

	memcpy(nonce, iv, IV);
	for (int i = 0; i < 8; i++)
		nonce[IV - 1 - i] ^= (uint8_t)(number >> 8 * i);
	memcpy(out, head, HEAD);
	EVP_EncryptInit_ex(c, EVP_aes_128_gcm(), NULL, key, nonce);
	EVP_EncryptUpdate(c, NULL, &n, head, HEAD);
	EVP_EncryptUpdate(c, out + HEAD, &n, &type, 1);
	EVP_EncryptFinal_ex(c, out + HEAD + 1, &n);
	EVP_CIPHER_CTX_ctrl(c, EVP_CTRL_AEAD_GET_TAG, TAG, out + HEAD + 1);
	EVP_CIPHER_CTX_free(c);
	return HEAD + 1 + TAG;
}

static int
send_empty(SSL *ssl, int count)
{
	uint8_t key[KEY], iv[IV], record[HEAD + 1 + TAG];
	int i;

	expand(key, KEY, "key");
	expand(iv, IV, "iv");
	for (i = 0; i < count; i++) {
		const size_t n = make_empty(record, key, iv, (uint64_t)i);

		if (send(SSL_get_fd(ssl), record, n, MSG_NOSIGNAL) !=
		    (ssize_t)n)
			break;
	}
	return i;
}

static int
change_keys(SSL *ssl, int count, int type)
{
	int i;

	for (i = 0; i < count; i++)
		if (SSL_key_update(ssl, type) != 1 ||
		    SSL_do_handshake(ssl) != 1)
			break;
	return i;
}

static int
begin_again(SSL *ssl, int count)
{
	int i;

	for (i = 0; i < count; i++)
		if (SSL_renegotiate(ssl) != 1 || SSL_do_handshake(ssl) != 1)
			break;
	return i;
}

/* The ticket is made to allow what it does not. */
static int
come_early(SSL_CTX *ctx, SSL *first, int port, int count)
{
	char room[1];
	size_t written = 0;
	SSL *ssl;

	SSL_write(first, "x", 1);
	SSL_read(first, room, sizeof(room));
	if (session == NULL)
		return -1;
	SSL_SESSION_set_max_early_data(session, 16384);
	ssl = open_tls(ctx, port);
	SSL_set_session(ssl, session);
	for (int i = 0; i < count; i++)
		SSL_write_early_data(ssl, "EARLY", 5, &written);
	if (SSL_connect(ssl) == 1) {
		SSL_write(ssl, "late", 4);
		SSL_shutdown(ssl);
		printf("%s ",
		    SSL_get_early_data_status(ssl) == SSL_EARLY_DATA_ACCEPTED ?
			"accepted" :
			"rejected");
	}
	print_rest(ssl);
	return written == 5 ? count : 0;
}

int
main(int argc, char *argv[])
{
	SSL_CTX *ctx = SSL_CTX_new(TLS_client_method());
	const char *what = argc == 4 ? argv[2] : "";
	const int port = argc == 4 ? atoi(argv[1]) : 0;
	const int count = argc == 4 ? atoi(argv[3]) : 0;
	int done = 0;
	SSL *ssl;

	signal(SIGPIPE, SIG_IGN);
	if (strcmp(what, "again") == 0)
		SSL_CTX_set_max_proto_version(ctx, TLS1_2_VERSION);
	SSL_CTX_set_ciphersuites(ctx, "TLS_AES_128_GCM_SHA256");
	SSL_CTX_set_keylog_callback(ctx, take_secret);
	SSL_CTX_set_session_cache_mode(ctx,
	    SSL_SESS_CACHE_CLIENT | SSL_SESS_CACHE_NO_INTERNAL_STORE);
	SSL_CTX_sess_set_new_cb(ctx, take_session);
	ssl = open_tls(ctx, port);
	if (SSL_connect(ssl) != 1)
		return 1;
	if (strcmp(what, "keys") == 0)
		done = change_keys(ssl, count, SSL_KEY_UPDATE_NOT_REQUESTED);
	else if (strcmp(what, "requests") == 0)
		done = change_keys(ssl, count, SSL_KEY_UPDATE_REQUESTED);
	else if (strcmp(what, "empty") == 0)
		done = send_empty(ssl, count);
	else if (strcmp(what, "again") == 0)
		done = begin_again(ssl, count);
	else if (strcmp(what, "early") == 0)
		done = come_early(ctx, ssl, port, count);
	else
		return 2;
	printf("%s %d ", what, done);
	if (strcmp(what, "early") != 0)
		print_rest(ssl);
	return 0;
}
