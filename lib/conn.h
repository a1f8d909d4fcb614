/*
 * conn.h - what all calls of ws.h share: the connection's state, its wire and
 * the queue before it.
 *
 *	wire ──► in ──► message_take ──► msg (or whole ──► msg)
 *	wire ◄── out ◄── frames ◄── part
 *
 * Results	As in ws.h.
 */

#ifndef CONN_H
#define CONN_H

#include <stdarg.h>

#include "buf.h"
#include "deflate.h"
#include "handshake.h"
#include "http.h"
#include "message.h"
#include "rate.h"
#include "timeout.h"
#include "wire.h"
#include "ws.h"

enum {
	CONN_READ = 65536,     /* bytes read at once, at most */
	CONN_FIRST = 4096,     /* and at first */
	CONN_REPLY = 512,      /* queued in what memory there is at first */
	CONN_HEAD = 640,       /* of a head that is kept there */
	CONN_QUIET = 1000,     /* ms for which memory for more is kept */
	CONN_FRAGMENT = 65536, /* payload of the largest frame sent */
	CONN_LARGE = 8192,     /* payload that is not copied, when it and */
	CONN_FULL = 61440,     /* the queue before it are that much */
	CONN_QUEUE = 65536,    /* ws_send waits when more is queued */
	CONN_KEEP = 262144     /* memory for a message kept for the next */
};

struct ws {
	struct ws_conf conf;
	struct wire wire;
	struct timeout timeout; /* of ws_poll */
	bool client;
	bool handshake; /* the request, if there is one, is a WebSocket's */
	bool open;	/* the 101 has been sent, or received */
	bool gone;	/* nothing can be written any more */
	bool hup;	/* the peer will send no more */
	bool half;	/* and has said so; it may still read */
	enum handshake_form form; /* of what we answer */

	bool given; /* all of this is in memory of the caller's */
	char *room; /* in which there is room for a head */
	size_t room_size;
	char *rest; /* and, for a longer one, the rest of it */
	size_t rest_size;
	char *head;	   /* of the request, or of the response */
	struct http *http; /* it, parsed; points into head; NULL before */
	struct http parsed;
	char *chosen;	  /* by ws_choose */
	int64_t deadline; /* of the handshake */

	struct buf in;
	size_t read; /* bytes to be read at once, as the last ones tell */
	struct buf out;
	struct buf part;  /* less than a frame of an unfinished message */
	struct buf whole; /* a message that came in parts */
	struct message get;
	struct ws_msg msg; /* found by ws_poll, to be fetched */
	bool ready;	   /* msg holds it */
	uint8_t put;	   /* opcode of the message being sent, or 0 */
	bool put_begun;	   /* a frame of it is out */
	bool put_fresh;	   /* nothing of the message has been looked at */
	bool put_deflate;  /* it is compressed */
	bool put_check;	   /* it must be shown to be UTF-8 */
	struct utf8 put_utf8;

	struct conn_deflate *deflate; /* or NULL: nothing is compressed */

	int64_t heard; /* when the last byte came */
	bool pinged;   /* and nothing has come since our Ping */
	int64_t stuck; /* when the queue has not moved for too long, or 0 */
	int64_t over;  /* when all must be over, since it is stopped, or 0 */
	int64_t late;  /* or because a limit is reached by then, or 0 */
	void (*control)(void *, enum ws_control, const void *, size_t);
	void *control_arg;
	void (*seen)(void *, const struct ws_seen *);
	void *seen_arg;
	struct message_part pong; /* waits for the queue to shrink */
	uint8_t pong_data[FRAME_CONTROL_MAX];

	/* Limits: ws_limits.c. */
	bool timed;	 /* what passes is counted against the time */
	int64_t looks;	 /* since when the peer is listened to, */
	int64_t looked;	 /* and when it last was */
	int64_t busy;	 /* when some of a message last passed */
	bool passed;	 /* some has since */
	size_t said;	 /* bytes of the queue that hold some, and lie before */
	int64_t session; /* when it is over, or CLOCK_NEVER */
	struct rate messages, bytes, pings;
	uint64_t owed; /* Pongs to our Pings, that have not come */

	struct ws_info info;
	char *protocol;
	char reason[FRAME_CONTROL_MAX];
	char error[512];
};

/* Add a frame of two pieces of payload to the queue. */
int conn_frame(struct ws *ws, uint8_t opcode, bool fin, const void *p, size_t n,
    const void *q, size_t m);

/* The same with a reserved bit, which stands in opcode above the rest. */
enum { CONN_DEFLATED = FRAME_RSV1 << 4 };

/* Add a Ping, with at most 125 bytes. */
int conn_ping(struct ws *ws, const void *p, size_t n);

/* Add our Close frame, unless it is there. */
void conn_close_frame(struct ws *ws, int code, const char *reason);

/* Send of the queue what goes at once; or all of it, waiting. */
int conn_push(struct ws *ws);
int conn_flush(struct ws *ws);

/*
 * Send the queue and wait for more bytes, keeping the connection alive.
 * Returns 1, or -1.
 */
int conn_fill(struct ws *ws);

/* Room for what is read next, and its size; or NULL. */
uint8_t *conn_room(struct ws *ws, size_t *size);

/* Take bytes that are there.  Returns 1, 0 when there are none, or -1. */
int conn_take(struct ws *ws);

/*
 * When the peer has been silent for too long; and what is to be done then: a
 * Ping is queued, or the peer, pinged already, is gone.
 */
int64_t conn_due(const struct ws *ws);
int conn_silent(struct ws *ws);

/*
 * When a connection that is quiet gives back the memory that large messages
 * needed; and do that, if it is time.
 */
int64_t conn_rest(const struct ws *ws);
void conn_spare(struct ws *ws);

/*
 * Work off the bytes that are in, up to the next part of a message or whole
 * message.  Returns 1 when it stands in *msg, 0 when more bytes are wanted,
 * -1 on failure, or CONN_END after the peer's Close.
 */
enum { CONN_END = 2 };
int conn_part(struct ws *ws, struct ws_msg *msg);
int conn_message(struct ws *ws, struct ws_msg *msg);

/*
 * The one place where a failure is made: as ws_fail, which see.  And a failure
 * because the peer cannot be reached any more, or because the service stops.
 */
int conn_fail(struct ws *ws, int code, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
void conn_vfail(struct ws *ws, int code, const char *format, va_list ap)
    __attribute__((format(printf, 3, 0)));
int conn_gone(struct ws *ws, const char *what);
int conn_stopped(struct ws *ws);

/* Until then, or until a connection that is stopped must be over. */
int64_t conn_until(struct ws *ws, int64_t until);

/*
 * Limits.  They begin with the conversation.  Before each wait conn_limits
 * fails if the session is over, or idle for too long; conn_limit is when to
 * call it again, and conn_session how long to wait for anything but the peer's
 * bytes.  Behind each wait for those, conn_looked is told whether there are any.
 */
void conn_limits_begin(struct ws *ws);
int conn_limits(struct ws *ws);
int64_t conn_limit(const struct ws *ws);
int64_t conn_session(const struct ws *ws);
void conn_looked(struct ws *ws, bool found);

/* What passes.  That of the peer's is counted: 0, or -1 when it is too much. */
int conn_came(struct ws *ws, size_t bytes);
int conn_message_came(struct ws *ws);
int conn_ping_came(struct ws *ws, bool pong);
void conn_went(struct ws *ws, size_t bytes);

/* Has the connection failed?  Then later calls do. */
bool conn_failed(const struct ws *ws);

/* Become open: frames may be exchanged from here on. */
void conn_open(struct ws *ws, int status, const char *protocol);

/*
 * Read a head within the handshake's time.  Returns 0 with it in ws->head, or
 * -1: with *status not 0 it can still be refused, and *why says for what.
 */
int conn_head(struct ws *ws, int *status, const char **why);

/* Forget the head, and all that points into it. */
void conn_head_free(struct ws *ws);

/*
 * Compression.  A server agrees to terms, and has answer say them, "" for none;
 * returns 0, or -1 without memory.  A client offers terms, and hears whether it
 * can take the server's answer; returns 0, or -1 and *why.
 */
int conn_deflate_agree(struct ws *ws, char answer[PMD_TEXT]);
void conn_deflate_offer(const struct ws *ws, char offer[PMD_TEXT]);
int conn_deflate_answered(struct ws *ws, const char **why);

/*
 * A part of a message that is compressed, and what comes of it: conn_inflated
 * returns as conn_part does while there is some to inflate.
 */
void conn_inflate(struct ws *ws, const struct message_part *);
bool conn_inflating(const struct ws *ws);
int conn_inflated(struct ws *ws, struct ws_msg *msg);

/*
 * Is a message to be compressed, of which so many bytes are here, or so many in
 * all?  Then conn_deflate adds them to ws->part, and conn_deflate_drop takes
 * them back, if it is to be sent as it is.  Returns 0 or -1.
 */
bool conn_deflates(const struct ws *ws, size_t len, bool last);
int conn_deflate(struct ws *ws, const void *p, size_t len, enum deflate_flush);
void conn_deflate_drop(struct ws *ws);

/* Memory for compression that a quiet connection gives back; and all of it. */
bool conn_deflate_is_large(const struct ws *ws);
void conn_deflate_rest(struct ws *ws);
void conn_deflate_free(struct ws *ws);

/* A failure because the peer broke a rule that no frame shows. */
int conn_wrong(struct ws *ws, int code, const char *why);

/*
 * Let whoever sees what passes see a head, or what has come of one, line by
 * line; and a frame of ours, with its payload as it is before it is masked.
 */
void conn_seen_head(const struct ws *ws, bool ours, const void *p, size_t n);
void conn_seen_frame(const struct ws *ws, const struct frame *f,
    const uint8_t *payload);

#endif
