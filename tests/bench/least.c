/*
 * least.c - the least that a WebSocket under inetd costs: it answers a
 * handshake, sends one message back, and then the Close.  It knows one client.
 */

#include <err.h>
#include <sha1.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

static const char guid[] = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11";
static const char letters[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
			      "abcdefghijklmnopqrstuvwxyz0123456789+/";

/* RFC 6455 4.2.2, 5. */
static void
answer(const char *key, char accept[29])
{
	uint8_t digest[21] = { 0 };
	SHA1_CTX sha1;

	SHA1Init(&sha1);
	SHA1Update(&sha1, (const uint8_t *)key, 24);
	SHA1Update(&sha1, (const uint8_t *)guid, sizeof(guid) - 1);
	SHA1Final(digest, &sha1);
	for (int i = 0; i < 21; i += 3) {
		const uint32_t bits = (uint32_t)digest[i] << 16 |
		    (uint32_t)digest[i + 1] << 8 | digest[i + 2];

		for (int j = 0; j < 4; j++)
			*accept++ = letters[bits >> (18 - 6 * j) & 0x3f];
	}
	accept[-1] = '=';
	*accept = '\0';
}

int
main(void)
{
	char bytes[4096], accept[29], *key;
	ssize_t n = read(0, bytes, sizeof(bytes) - 1);

	if (n <= 0)
		return 1;
	bytes[n] = '\0';
	if ((key = strstr(bytes, "Sec-WebSocket-Key: ")) == NULL)
		return 1;
	answer(key + strlen("Sec-WebSocket-Key: "), accept);
	n = snprintf(bytes, sizeof(bytes),
	    "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\n"
	    "Connection: Upgrade\r\nSec-WebSocket-Accept: %s\r\n\r\n",
	    accept);
	if (write(1, bytes, (size_t)n) != n)
		return 1;
	while ((n = read(0, bytes, sizeof(bytes))) > 0) {
		for (ssize_t i = 6; i < n; i++)
			bytes[i] ^= bytes[2 + (i - 6) % 4];
		bytes[5] = bytes[1] & 0x7f;
		bytes[4] = bytes[0];
		if (write(1, bytes + 4, (size_t)n - 4) != n - 4)
			return 1;
		if ((bytes[4] & 0xf) == 8)
			return 0;
	}
	return 1;
}
