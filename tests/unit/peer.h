/*
 * peer.h - the other side of a connection under test: an array that a thread
 * sends, while it gathers all that comes back until the stream ends.
 *
 *	array ──► peer's end ═══ our end ──► recv(2) ──► the library
 *	bytes ◄── peer's end ═══ our end ◄── send(2) ◄──
 *
 * How much each recv and send of ours moves at most is chosen here, so that
 * all can be tried with one byte at a time.
 */

#ifndef PEER_H
#define PEER_H

#include <pthread.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "ws.h"

/* Bytes that recv(2) and send(2) move at most; 0 is no limit. */
extern size_t peer_chunk;

/* The ways in which each row is tried, and the chunk of one of them. */
enum { WAYS = 3 };
size_t peer_way(int i);

/* How many times send(2) was called. */
extern int peer_sends;

struct peer {
	int fd;	  /* its end */
	int ours; /* and the library's */
	const uint8_t *to_send;
	size_t left;
	bool shut;   /* end its stream when all is sent */
	int pause;   /* ms between two bytes sent */
	int slow;    /* ms between two reads */
	uint8_t *in; /* all that came, and a NUL */
	size_t n;
	int error; /* errno of the read that ended it, or 0 */
	pthread_t thread;
};

enum peer_kind { PEER_UNIX, PEER_TCP };

/* Two ends.  Then, unless it is left to the test, the thread. */
void peer_open(struct peer *, enum peer_kind);
void peer_start(struct peer *, const void *p, size_t n);

/* Close our end and wait until all has come; and give everything back. */
void peer_finish(struct peer *);
void peer_free(struct peer *);

/* A request that is accepted, and one with these frames behind it. */
extern const char peer_request[];
uint8_t *peer_asks(const char *script, size_t *n);

/* What came behind the head of the response, as a script.  Free it. */
char *peer_frames(const struct peer *);

/*
 * Without a thread: an open connection of a server, or of a client, to whose
 * peer the test speaks by hand.
 */
struct ws *peer_server(struct peer *, struct ws_conf);
struct ws *peer_client(struct peer *, struct ws_conf);
void peer_say(const struct peer *, const char *script);
char *peer_heard(const struct peer *); /* what is there now, as a script */
void peer_end(struct peer *, struct ws *);

int64_t peer_ms(void);

#endif
