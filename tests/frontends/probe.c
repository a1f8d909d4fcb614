/*
 * probe.c - a bare WebSocket echo, without anything of ws-cgi, in its place:
 * what fails with it as well is a limit of the front end.  It says "hello", its
 * process id twice and what may be the client's address; it ends at "end".
 */
#include <arpa/inet.h>
#include <poll.h>
#include <resolv.h>
#include <sha1.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static char head[16384], data[2 << 20];

/* A field of the request, or else a variable that a front end has set. */
static const char *
get(const char *name, const char *variable)
{
	const char *p = strcasestr(head, name), *value = getenv(variable);

	return p != NULL ? p + strlen(name) : value != NULL ? value : "";
}

static void
shake_hands(const char *first)
{
	uint8_t sum[20];
	SHA1_CTX sha;

	strncat(data, get("Sec-WebSocket-Key: ", "HTTP_SEC_WEBSOCKET_KEY"), 24);
	if (strncmp(get("Version: ", "HTTP_SEC_WEBSOCKET_VERSION"), "13", 2))
		exit(!printf("%s 426 No\r\nConnection: close\r\n"
			     "Content-Length: 0\r\n\r\n",
		    first));
	strcat(data, "258EAFA5-E914-47DA-95CA-C5AB0DC85B11");
	SHA1Init(&sha);
	SHA1Update(&sha, (uint8_t *)data, strlen(data));
	SHA1Final(sum, &sha);
	b64_ntop(sum, sizeof(sum), data, sizeof(data));
	printf("%s 101 Yes\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
	       "Sec-WebSocket-Accept: %s\r\n\r\n",
	    first, data);
}

static void
greet(void)
{
	struct sockaddr_in peer = { .sin_port = 0 };
	socklen_t len = sizeof(peer);

	getpeername(STDIN_FILENO, (struct sockaddr *)&peer, &len);
	snprintf(data, 126, "hello %d %d %s %.9s %s %s", getpid(), getpid(),
	    inet_ntoa(peer.sin_addr), get("\nX-Forwarded-For: ", "REMOTE_ADDR"),
	    get("\n-", "REMOTE_HOST"), get("\n-", "SOCAT_PEERADDR"));
	printf("\201%c%s", (int)strlen(data), data);
}

/* Take a frame, and say it back. */
static void
answer(void)
{
	unsigned char f[14] = { 0 };
	size_t n = fread(f, 1, 6, stdin), size = f[1] & 127;
	const size_t more = size < 126 ? 0 : size == 126 ? 2 : 8;

	n += fread(f + 6, 1, more, stdin);
	for (size_t i = 0; i < more; i++)
		size = (i == 0 ? 0 : size << 8) | f[2 + i];
	if (n != 6 + more || fread(data, 1, size, stdin) != size)
		exit(1);
	for (size_t i = 0; i < size; i++)
		data[i] ^= (char)f[2 + more + i % 4];
	f[1] &= 127;
	if (size == 3 && memcmp(data, "end", 3) == 0)
		exit(fwrite("\210\002\003\350", 1, 4, stdout) != 4);
	fwrite(f, 1, 2 + more, stdout);
	fwrite(data, 1, size, stdout);
	if (f[0] == 0x88)
		exit(0);
}

int
main(void)
{
	const char *first = getenv("REQUEST_METHOD") ? "Status:" : "HTTP/1.1";
	struct pollfd pfd = { .fd = STDIN_FILENO, .events = POLLIN };

	setvbuf(stdin, NULL, _IONBF, 0);
	for (char *p = head; *first == 'H' && !strstr(head + 1, "\r\n\r\n");
	     *p += *p == '\0', p++) /* PROXY headers hold NULs */
		if (p == &head[sizeof(head) - 1] || fread(p, 1, 1, stdin) != 1)
			return 1;
	shake_hands(first);
	for (greet(); fflush(stdout) == 0;)
		poll(&pfd, 1, 25000) == 1 ? answer() :
					    (void)printf("\211%c", 0);
}
