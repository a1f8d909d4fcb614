/*
 * ws.h - one WebSocket connection: RFC 6455, from either side.
 *
 * A connection is a conversation in messages over two descriptors, which may
 * be one socket twice.  Every call may block, as read(2) and write(2) do: a
 * process that serves one connection has nothing better to do than wait.
 *
 *	server	ws_new -> ws_accept  -> ws_recv, ws_send, ... -> ws_close -> ws_free
 *	client	ws_new -> ws_connect -> ws_recv, ws_send, ... -> ws_close -> ws_free
 *
 * Below these calls pings are answered, silent peers are pinged, fragments are
 * joined and text is checked to be UTF-8, both ways.  None of it shows here.
 *
 * Results	Calls that fetch return 1 for one more, 0 for no more and -1
 *		for failure.  Calls that act return 0, or -1 for failure.
 *		A failure is final: ws_error() has the story, and later calls
 *		fail alike.  But where the peer broke a rule, answers to what
 *		it said before may still be sent (ws_poll: WS_NOTHING).  In any
 *		case call ws_close, which tells the peer what RFC 6455 wants it
 *		told.
 * Ownership	What you pass in stays yours, and is copied if it is kept.
 *		What you are handed is the connection's, and good until the
 *		next call on it.  Descriptors are yours: close them after
 *		ws_free.
 * Units	Sizes are bytes and times are milliseconds.  In a ws_conf
 *		zero means the default and -1 means no limit, or never.
 * Processes	Nothing here prints, exits, forks or touches a signal.  Where
 *		out is a pipe, ignore SIGPIPE.
 */

#ifndef WS_H
#define WS_H

#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

struct ws;

/*
 * RFC 6455 5.6.  WS_UTF8 is for sending alone: text that you know to be UTF-8,
 * which is not looked through once more.
 */
enum ws_type { WS_TEXT = 1, WS_BINARY = 2, WS_UTF8 = 3 };

/* Close codes: RFC 6455 7.4.1. */
enum ws_code {
	WS_NORMAL = 1000,
	WS_GOING_AWAY = 1001,
	WS_PROTOCOL = 1002,
	WS_UNACCEPTABLE = 1003,
	WS_NO_CODE = 1005,  /* the Close frame held none; never sent */
	WS_ABNORMAL = 1006, /* no Close frame came; never sent */
	WS_INVALID = 1007,
	WS_POLICY = 1008,
	WS_TOO_BIG = 1009,
	WS_INTERNAL = 1011
};

enum { WS_MEMORY = 12288 }; /* bytes; see ws_conf */

/*
 * permessage-deflate, RFC 7692: terms that are agreed to, or offered.  What is
 * out of bounds is the nearest within them.
 */
struct ws_deflate {
	int window; /* bits, 9 to 15: of our compressor, and of the peer's where
			it can be asked for that (12) */
	int memory; /* for our compressor, 1 to 9 as zlib has it (5) */
	int level;  /* 1 to 9, from quick to small (6) */
	int least;  /* bytes; shorter messages are sent plain (64) */
	bool forget; /* each message stands alone, both ways: it costs size, and
			no memory between two messages (no) */
};

struct ws_conf {
	int in;	       /* descriptor to read from (0) */
	int out;       /* and to write to (in where that is a socket, else 1) */
	int handshake; /* from ws_new to the 101 (10000) */
	int ping;      /* silence after which a Ping is sent (25000) */
	int pong;    /* further silence after which the peer is dead (20000) */
	int write;   /* a write that makes no progress (30000) */
	int close;   /* from our Close, sent, to the peer's (3000) */
	int linger;  /* from there to the end of the stream, where more may
			come (1000) */
	int stopped; /* all of ws_close once stop is not 0 (unlimited) */
	int session; /* from the 101 to our Close (unlimited) */
	int idle;    /* without some of a message, either way; Pings do not
			count (unlimited) */
	int64_t max_message;	 /* largest message received (16777216) */
	int64_t max_fragments;	 /* most frames of one message (1048576) */
	int64_t max_frame;	 /* longest frame of a message (unlimited) */
	int64_t message_rate;	 /* messages received each second, ten seconds'
				    worth at once (unlimited) */
	int64_t byte_rate;	 /* likewise bytes of frames, and of what they
				    are inflated to (unlimited) */
	int64_t ping_rate;	 /* likewise Pings, and Pongs that were not
				    asked for (100) */
	const sigset_t *sigmask; /* in force while a call waits, as in ppoll(2);
				    must outlive the connection (unchanged) */
	const volatile sig_atomic_t *stop; /* once it is not 0, calls that wait
				    fail with 1001; a signal handler of yours
				    sets it (none) */
	void *memory;	    /* for the connection to begin with; the rest is
			       allocated.  Aligned as malloc(3) would, it must
			       outlive the connection (none) */
	size_t memory_size; /* its bytes; WS_MEMORY is enough for most (0) */
	const struct ws_deflate *deflate; /* compression; must outlive the
				    connection (none) */
};

/* A message, or a part of one. */
struct ws_msg {
	enum ws_type type;
	const void *data;
	size_t len;
	bool first, last; /* ws_part: is it the message's beginning, its end */
};

/* How the connection stands; what has not come yet is 0 or NULL. */
struct ws_info {
	int status;	      /* of the handshake, 101 when it succeeded */
	const char *protocol; /* the subprotocol */
	bool deflate;	      /* messages may be compressed */
	int received;	      /* code of the peer's Close, or WS_NO_CODE */
	const char *reason;   /* and its reason, "" if it gave none */
	int sent;	      /* code of our Close, or WS_NO_CODE */
	int failed;	      /* code of the failure; WS_ABNORMAL: peer gone */
	bool expired; /* it failed for session or idle: nobody's fault */
	bool silent;  /* it went without a byte, as health checks do */
	bool spoke;   /* a byte of a request, which is not TLS, came */
	uint64_t messages_in, bytes_in; /* payload, whole messages */
	uint64_t messages_out, bytes_out;
};

/*
 * A connection over the descriptors of conf, or over 0 and 1 if conf is NULL.
 * Returns NULL and errno when there is no memory or no descriptor.
 */
struct ws *ws_new(const struct ws_conf *conf);

/*
 * These bytes have been read from the connection already: they come before
 * what is still there.  Returns 0, or -1 when there is no memory.
 */
int ws_unread(struct ws *ws, const void *data, size_t len);

/*
 * The request has been read already, and stands in CGI variables NAME=value,
 * of which the last is NULL: RFC 3875 4.1.  What ws_unread is given, and what
 * comes on the connection, are frames.
 */
enum ws_server {
	WS_RAW,	  /* who has read it leaves the answer to us: HTTP, whole */
	WS_PARSED /* who has read it parses the answer: RFC 3875 6.2 */
};
int ws_cgi(struct ws *ws, char *const *vars, enum ws_server who);

/*
 * Read the request and check it: RFC 6455 4.2.1.  Returns 1 for a handshake,
 * 0 for a proper request that asks for no WebSocket, and -1 when it has been
 * refused.  ws_accept does this if it has not been done.
 */
int ws_request(struct ws *ws);

/* What was asked; NULL, or no name, when there is no such thing. */
const char *ws_method(const struct ws *ws);
const char *ws_target(const struct ws *ws);
const char *ws_header(const struct ws *ws, const char *name);
size_t ws_headers(const struct ws *ws);
const char *ws_header_at(const struct ws *ws, size_t i, const char **value);

/*
 * Choose a subprotocol: the first that the client offers among these n names,
 * or, if n is 0, the first of all.  NULL when there is none.
 */
const char *ws_choose(struct ws *ws, const char *const *names, size_t n);

/*
 * Accept: send the 101, with a subprotocol that was offered, or NULL, and with
 * further header lines, each ended by CR LF, or NULL.  Browsers fail a
 * connection for which they offered subprotocols and were answered none.
 */
int ws_accept(struct ws *ws, const char *protocol, const char *headers);

/*
 * Refuse, when ws_close is called: answer with this HTTP status, further header lines or NULL, and a
 * line that says why.  Returns -1: the connection has failed.
 */
int ws_refuse(struct ws *ws, int status, const char *headers, const char *why);

/*
 * Answer a request that asks for no WebSocket: this status and these header
 * lines, or NULL, go out together with what is yours to add; which must be what
 * Content-Length says, since ws_close ends it.
 */
int ws_answer(struct ws *ws, int status, const char *headers);
int ws_answer_data(struct ws *ws, const void *data, size_t len);

/*
 * And with len bytes of a regular file from at on, by sendfile(2): they have
 * left when the call returns.  It fails when the file has not so many.  Ignore
 * SIGPIPE, and expect a socket to be non-blocking afterwards.
 */
int ws_answer_file(struct ws *ws, int fd, int64_t at, int64_t len);

/*
 * The client's side: ask host ("example.org:8080") for target ("/chat"),
 * offering protocols ("a, b" or NULL) from origin (or NULL).  Returns 0 when
 * the server has accepted: RFC 6455 4.1.
 */
int ws_connect(struct ws *ws, const char *host, const char *target,
    const char *protocols, const char *origin);

/* Fetch a whole message; 0 after the peer's Close. */
int ws_recv(struct ws *ws, struct ws_msg *msg);

/*
 * Fetch the next part of a message as it arrives, so that one of any size
 * passes in constant memory.  A part may be empty.  Go on until msg->last
 * before you call ws_recv.
 */
int ws_part(struct ws *ws, struct ws_msg *msg);

/*
 * Send a message.  Fails, without a story, once the peer's Close has been
 * fetched: nobody would read it.  It leaves before the call returns, unless another message
 * has come already: then it leaves together with the answer to that, at the
 * latest before the next wait.
 */
int ws_send(struct ws *ws, enum ws_type type, const void *data, size_t len);

/* Send a part of a message; the type of the first counts. */
int ws_send_part(struct ws *ws, enum ws_type type, const void *data, size_t len,
    bool last);

/*
 * The same two, but they never wait: what does not leave is queued, without
 * bound, until the next call that waits.  ws_queued says how much there is.
 */
int ws_queue(struct ws *ws, enum ws_type type, const void *data, size_t len);
int ws_queue_part(struct ws *ws, enum ws_type type, const void *data,
    size_t len, bool last);
size_t ws_queued(const struct ws *ws);

/* Send what is queued; and a Ping with at most 125 bytes: RFC 6455 5.5.2. */
int ws_flush(struct ws *ws);
int ws_ping(struct ws *ws, const void *data, size_t len);

/* The same without waiting, as ws_queue does. */
int ws_queue_ping(struct ws *ws, const void *data, size_t len);

/*
 * Tell heard of each Ping and Pong of the peer's, in its turn among the
 * messages; NULL: nobody.  It is called within calls that read, and must make
 * none of its own on the connection.  Pings are answered all the same.
 */
enum ws_control { WS_PING = 9, WS_PONG = 10 }; /* RFC 6455 5.5 */
void ws_on_control(struct ws *ws,
    void (*heard)(void *arg, enum ws_control type, const void *data, size_t n),
    void *arg);

#define WS_UNKNOWN UINT64_MAX /* a length that has not come */

/*
 * What passes, in either direction: a line of the handshake's heads, which end
 * before the empty line, or a frame, RFC 6455 5.2.
 */
struct ws_seen {
	bool ours;	  /* sent by us, else received */
	bool line;	  /* of a head, else a frame */
	const void *data; /* the line without its CR LF, or what stands first in
			     the payload, unmasked: of a Close, Ping or Pong
			     all, of others 32 bytes */
	size_t len;

	/* Of a frame. */
	bool fin, masked;
	uint8_t rsv; /* RSV1 is 4, RSV2 is 2, RSV3 is 1 */
	uint8_t opcode;
	uint64_t length; /* of the payload, or WS_UNKNOWN */
};

/*
 * Let seen see what passes from now on; NULL: nobody does.  What is received
 * is seen in the order in which it is worked off: a frame once its payload, or
 * the 32 bytes, are here.  One that breaks a rule, or is cut off, is seen with
 * what came of it.  What is sent is seen when it is queued, and of ws_answer is
 * the head.  A request that others have read is seen as ws_cgi puts it.  seen is
 * called within other calls, and must make none of its own on the connection.
 */
void ws_on_wire(struct ws *ws,
    void (*seen)(void *arg, const struct ws_seen *what), void *arg);

/*
 * Tell woken each time that a signal has ended a wait, before the wait goes on;
 * NULL: nobody.  It is called within calls that wait, and may look at the
 * connection, but make no call that reads or sends.
 */
void ws_on_signal(struct ws *ws, void (*woken)(void *arg), void *arg);

/* What ws_poll should wait for. */
enum ws_want {
	WS_NOTHING, /* leave the peer's messages where they are */
	WS_WHOLE,   /* ws_recv would not wait */
	WS_PART	    /* ws_part would not wait */
};

/*
 * Is what is wanted here already, among the bytes that have been read?  Never
 * waits and makes no system call.  Returns 1, 0 or -1; 1 also when the peer's
 * Close is what ws_recv would find.
 */
int ws_ready(struct ws *ws, enum ws_want want);

enum { WS_POLL_MAX = 14 }; /* the most descriptors that ws_poll takes */

/*
 * Wait until what is wanted is here, one of the n descriptors in pfd has news,
 * the queue has become empty, a signal came, or ms are over.  Meanwhile what
 * is queued is sent and the connection kept alive.  Returns 1 when what is
 * wanted is here, 0 for the rest, or -1; revents are set either way, and are
 * 0 where nobody had to look.  While many waits are short, the time is kept by
 * one more descriptor, on Linux, if there is one.
 */
int ws_poll(struct ws *ws, enum ws_want want, struct pollfd *pfd, nfds_t n,
    int ms);

/*
 * Has the peer ended its side of the stream, or vanished?  For callers that
 * want nothing for long; it looks at what the last ws_poll saw.
 */
bool ws_hung_up(const struct ws *ws);

/*
 * Fail with this close code, for a reason in words about the peer or about us.
 * Returns -1.  The first failure stands.
 */
int ws_fail(struct ws *ws, int code, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/*
 * Close: send what is queued and a Close frame (code 0: without a code; reason
 * may be NULL and is cut to 123 bytes), wait for the peer's, and end the
 * stream so that nothing sent is lost: RFC 6455 7.1.  Returns 0 when both sides
 * have closed cleanly, else -1.  After a failure, that is what is told.
 */
int ws_close(struct ws *ws, int code, const char *reason);

const struct ws_info *ws_info(const struct ws *ws);
const char *ws_error(const struct ws *ws); /* NULL if nothing failed */
void ws_free(struct ws *ws);		   /* takes NULL */

#ifdef __cplusplus
}
#endif

#endif
