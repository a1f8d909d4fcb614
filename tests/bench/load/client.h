/*
 * client.h - one connection of the load: it dials, shakes hands, says what it
 * is to say with so many answers outstanding, compares every byte that comes,
 * and closes as RFC 6455 7 has it.  Nothing here waits.
 *
 *	DIALING ──► SHAKING ──► TALKING ──► CLOSING ──► OVER
 *
 * It has its own idea of the protocol, so that a mistake of ours is none that
 * both sides make.
 */

#ifndef CLIENT_H
#define CLIENT_H

#include <netinet/in.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/socket.h>

#include "hist.h"

enum { HEAD = 14, SEQUENCE = 8 };

enum expect {
	EXPECT_ECHO,  /* each message, numbered, as it was sent */
	EXPECT_SAME,  /* the same message, for ever */
	EXPECT_NUMBER /* one message: how many were sent */
};

/* What all connections have in common. */
struct plan {
	struct sockaddr_storage to; /* where the server is */
	socklen_t to_len;
	const char *host, *path; /* for the handshake */
	int sources;		 /* dial from that many loopback addresses */
	bool raw;		 /* bytes alone: no handshake, no frames */
	bool binary;		 /* messages of that type */
	bool stream;		 /* what comes is cut by size, not by frames */
	enum expect expect;
	size_t size;		 /* of a message, in bytes */
	uint64_t window;	 /* so many messages may be unanswered */
	uint64_t limit;		 /* so many messages are sent */
	bool close;		 /* and then it closes */
	uint8_t *plain, *masked; /* a message: the first 8 bytes its number */
};

enum client_state { DIALING, SHAKING, TALKING, CLOSING, OVER };

struct client {
	const struct plan *plan;
	enum client_state state;
	int fd;
	bool full;	      /* wants to know when it may send again */
	uint64_t sent, heard; /* whole messages */
	size_t sent_at;	      /* bytes of the frame that goes out */
	uint8_t head[HEAD];   /* of the frame that comes in */
	size_t head_len;
	uint64_t left; /* of its payload */
	bool in_frame;
	size_t at;	/* bytes of the message that came */
	char text[256]; /* the response, or a number */
	int64_t begun;	/* when it dialled: ns */
	int64_t *times; /* when each outstanding message was sent */
};

/* What a client tells of, once at a time. */
struct told {
	uint64_t messages, bytes;
	struct hist waits;  /* from a message to its answer */
	struct hist shakes; /* from dialling to the response */
};

extern struct told told;

int64_t now_ns(void);

/* Both sides of a plan's message.  ends with the error said. */
void plan_message(struct plan *, const char *text);

/* Begin the nth connection.  Errors end the program and are said. */
void client_dial(struct client *, const struct plan *, int n);

/*
 * Go on: read what there is, if readable, and send what may be sent.
 */
void client_work(struct client *, bool readable);

#endif
