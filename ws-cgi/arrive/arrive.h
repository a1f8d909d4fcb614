/*
 * arrive.h - where a connection comes from: the door that all arrivals use.
 *
 *	inetd, tcpserver, systemd ──► arrive_inherited ─┐
 *	a CGI server ───────────────► arrive_cgi ───────┤
 *	an application that forks ──► arrive_given ─────┼─► struct arrival
 *	own socket ──► arrive_listen ──► fork ──────────┘
 *
 * An arrival is one value: two descriptors, perhaps the same, who is at the
 * other end, and what has been read of the connection already.
 */

#ifndef ARRIVE_H
#define ARRIVE_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

#include "address.h"
#include "buf.h"
#include "children.h"
#include "limits.h"
#include "network.h"
#include "rights.h"

enum scheme { SCHEME_UNKNOWN, SCHEME_PLAIN, SCHEME_TLS };

struct arrival {
	int in, out;
	struct endpoint peer; /* who is connected to us */
	struct endpoint local;
	struct endpoint client; /* the peer, or whom it speaks for: client.h */
	struct endpoint server; /* where that one is connected */
	enum scheme scheme;	/* and how */
	bool listened;		/* by a listener of ours */
	bool scgi;		/* the connection begins with CGI variables */
	int redirect;		/* the port of https that it is sent to, or 0 */
	bool tls;		/* variables SSL_* are true of it */
	int64_t until;		/* when the handshake is to be over, or 0 */
	char *const *vars; /* CGI variables that hold the request, or NULL: it
			      is still to be read */
	bool parsed;	   /* a web server reads what we answer */
	bool cgi;  /* it has started us, for this request, and expects us to
			 end within a second of SIGTERM */
	bool deaf; /* what the client says does not come through it */
	const char *user;     /* whom we know it to be, or NULL */
	const char *auth;     /* and how: RFC 3875 4.1.1 */
	bool vouched;	      /* a trusted proxy has sent us the request */
	const char *withheld; /* a field that is nobody's word, or NULL */
	struct buf early;     /* what was read behind the request */
	bool placed;	      /* counted in all */
	bool counted;	      /* and as one from its source */
	struct child_place place;
	_Atomic pid_t *group; /* where the listener looks for the program's
				 process group if this process dies, or NULL */
};

/* Whose word about others counts, and where it stands. */
struct trust {
	struct networks who; /* (nobody) */
	bool header;	     /* in a PROXY header; from all, if who is nobody */
	bool standard;	     /* in Forwarded, RFC 7239 (X-Forwarded-For) */
};

/*
 * Before all else: descriptors 0 to 2 are there, what is said on 2 reaches no
 * client, no variable is there twice, no alarm is set, and who asks for figures
 * ends nobody.
 */
void arrive_clean(void);

/* No error reaches who is at these, if descriptor 2 is one of them as well. */
void arrive_errors(int in, int out);

/*
 * Take the connection on descriptor 0, or on 3 where systemd has passed that.
 * These three return 0, or an exit status after having said what is wrong.
 */
int arrive_inherited(struct arrival *);

/* Descriptors of a connection that an application gives away; -1: none. */
struct given {
	int in, out;
	int unread; /* and of what was read behind the request, to its end */
};

/* Take these; the request is in the environment if that is one of CGI. */
int arrive_given(struct arrival *, const struct given *);

/* Take the connection from the CGI environment, and descriptors 0 and 1. */
int arrive_cgi(struct arrival *);

/* What arrive_listen serves. */
struct listening {
	const struct address *address;
	size_t addresses;
	char *const *argv;   /* how this program was started */
	const char *pidfile; /* or NULL */
	const struct rights *rights;
	const struct trust *trust;
	const struct limits *limits;
	int stop_timeout; /* ms from SIGTERM to their end (never) */
	bool tls;	  /* that is what clients expect */
	int pass;	  /* a descriptor for a successor, or 0: none */
};

/*
 * Listen, and fork for each connection.  Returns 0 in each child, with its
 * arrival; and once in the listener, when it has ended or could not begin,
 * with *over true and the exit status.
 */
int arrive_listen(const struct listening *, struct arrival *, bool *over);

#endif
