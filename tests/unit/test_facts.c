/*
 * test_facts.c - proves that of what a process says of its client either all
 * is believed or nothing; and what of it stands in the environment.
 */

#include <openssl/ssl.h>
#include <signal.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "tls/facts.h"
#include "unit.h"

/* All that there may be, each text as long as it may be where that is long. */
static struct facts
make_facts(void)
{
	struct facts f = {
		.protocol = "TLSv1.3",
		.cipher = "TLS_AES_256_GCM_SHA384",
		.sni = "a-b_c.example.org",
		.verify = "SUCCESS",
		.serial = "0A1B",
		.hash = "SHA256:00ff",
	};

	memset(f.subject, 'x', sizeof(f.subject) - 1);
	strlcpy(f.issuer, "CN=two words\\, \\0A", sizeof(f.issuer));
	strlcpy(f.client.address, "192.0.2.7", sizeof(f.client.address));
	strlcpy(f.client.port, "4711", sizeof(f.client.port));
	strlcpy(f.server.address, "2001:db8::7", sizeof(f.server.address));
	return f;
}

/* What a reader makes of these bytes. */
static int
read_bytes(struct facts *f, const void *p, size_t n)
{
	int fd[2], r;

	ck_assert_int_eq(pipe(fd), 0);
	ck_assert_int_eq(write(fd[1], p, n), (ssize_t)n);
	close(fd[1]);
	r = facts_receive(f, fd[0]);
	close(fd[0]);
	return r;
}

START_TEST(arrive)
{
	const struct facts sent = make_facts();
	struct facts got;
	int fd[2];

	ck_assert_int_eq(pipe(fd), 0);
	ck_assert_int_eq(facts_send(&sent, fd[1]), 0);
	ck_assert_int_eq(facts_receive(&got, fd[0]), 0);
	ck_assert_mem_eq(&got, &sent, sizeof(sent));
	close(fd[0]);
	signal(SIGPIPE, SIG_IGN);
	ck_assert_int_eq(facts_send(&sent, fd[1]), -1);
	close(fd[1]);
	ck_assert_int_eq(facts_send(&sent, fd[1]), -1);
	ck_assert_int_eq(facts_receive(&got, fd[0]), -1);
}
END_TEST

START_TEST(are_cut_short)
{
	const struct facts sent = make_facts();
	struct facts got;

	for (size_t n = 0; n < sizeof(sent); n += n < 8 ? 1 : 61)
		ck_assert_msg(read_bytes(&got, &sent, n) == -1, "%zu", n);
	ck_assert_int_eq(read_bytes(&got, &sent, sizeof(sent) - 1), -1);
}
END_TEST

#define TEXT(member)                                                           \
	offsetof(struct facts, member), sizeof(((struct facts *)0)->member)

static const struct text {
	const char *name;
	size_t at, size;
	const char *variable;
} texts[] = {
	{ "protocol", TEXT(protocol), "SSL_PROTOCOL" },
	{ "cipher", TEXT(cipher), "SSL_CIPHER" },
	{ "sni", TEXT(sni), "SSL_TLS_SNI" },
	{ "verify", TEXT(verify), "SSL_CLIENT_VERIFY" },
	{ "subject", TEXT(subject), "SSL_CLIENT_S_DN" },
	{ "issuer", TEXT(issuer), "SSL_CLIENT_I_DN" },
	{ "serial", TEXT(serial), "SSL_CLIENT_M_SERIAL" },
	{ "hash", TEXT(hash), "SSL_PEER_CERT_HASH" },
	{ "client's address", TEXT(client.address), "TCPREMOTEIP" },
	{ "client's port", TEXT(client.port), "TCPREMOTEPORT" },
	{ "server's address", TEXT(server.address), "TCPLOCALIP" },
	{ "server's port", TEXT(server.port), "TCPLOCALPORT" },
};

/* In each text, each byte that there may not be; and no end. */
START_TEST(are_forged)
{
	const struct text *t = &texts[_i];
	struct facts sent, got;
	char *p;

	for (int c = 1; c < 256; c++) {
		sent = make_facts();
		p = (char *)&sent + t->at;
		*p = (char)c;
		p[1] = '\0';
		if (t->at == offsetof(struct facts, sni))
			continue;
		ck_assert_msg(read_bytes(&got, &sent, sizeof(sent)) ==
			(c >= ' ' && c <= '~' ? 0 : -1),
		    "%d", c);
	}
	sent = make_facts();
	memset((char *)&sent + t->at, 'x', t->size);
	ck_assert_int_eq(read_bytes(&got, &sent, sizeof(sent)), -1);
}
END_TEST

START_TEST(name_a_host)
{
	static const char bad[] =
	    " !\"#$%&'()*+,/:;<=>?@[\\]^`{|}~\n\r\t\x80\xff";
	struct facts sent = make_facts(), got;

	for (size_t i = 0; i < strlen(bad); i++) {
		sent.sni[3] = bad[i];
		ck_assert_msg(read_bytes(&got, &sent, sizeof(sent)) == -1, "%d",
		    bad[i]);
	}
	sent.sni[0] = '\0';
	ck_assert_int_eq(read_bytes(&got, &sent, sizeof(sent)), 0);
}
END_TEST

/* A handshake that is not over has no protocol. */
START_TEST(need_a_protocol)
{
	struct facts sent = make_facts(), got;

	sent.protocol[0] = '\0';
	ck_assert_int_eq(read_bytes(&got, &sent, sizeof(sent)), -1);
}
END_TEST

START_TEST(are_exported)
{
	const struct facts f = make_facts();
	const struct facts none = { .protocol = "TLSv1.2", .verify = "NONE" };

	setenv("SSL_CLIENT_S_DN", "forged", 1);
	setenv("SSL_OTHER", "forged", 1);
	setenv("SSLX", "kept", 1);
	setenv("TCPREMOTEIP", "forged", 1);
	ck_assert_int_eq(facts_export(&f), 0);
	for (size_t i = 0; i < COUNT(texts); i++) {
		const char *text = (const char *)&f + texts[i].at;
		const char *value = getenv(texts[i].variable);

		if (*text == '\0')
			ck_assert_ptr_null(value);
		else
			ck_assert_str_eq(value, text);
	}
	ck_assert_ptr_null(getenv("SSL_OTHER"));
	ck_assert_str_eq(getenv("SSLX"), "kept");
	ck_assert_str_eq(getenv("PROTO"), "TCP");
	ck_assert_int_eq(facts_export(&none), 0);
	ck_assert_str_eq(getenv("SSL_CLIENT_VERIFY"), "NONE");
	ck_assert_ptr_null(getenv("SSL_CLIENT_S_DN"));
	ck_assert_ptr_null(getenv("TCPREMOTEIP"));
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("facts");

	unit_test(s, "arrive", arrive);
	unit_test(s, "cut short", are_cut_short);
	UNIT_ROWS(s, are_forged, texts);
	unit_test(s, "a host", name_a_host);
	unit_test(s, "no protocol", need_a_protocol);
	unit_test(s, "exported", are_exported);
	return unit_run(s);
}
