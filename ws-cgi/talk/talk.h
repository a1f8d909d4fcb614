/*
 * talk.h - one conversation: its connection, how it goes, and how it ends.
 *
 *	talk_begin -> talk_open -> (a bridge moves messages) -> talk_close
 *	                                                     -> talk_report
 *
 * Whoever finds a reason for the end says it with talk_end; the first stands.
 */

#ifndef TALK_H
#define TALK_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include <ws.h>

#include "admit/admit.h"
#include "admit/request.h"
#include "arrive/arrive.h"

enum { TALK_REASON = 400, TALK_EXIT = 16 };

struct verdict;

struct talk {
	struct ws *ws;
	const struct arrival *arrival;
	struct request request;
	const char *protocol;
	const struct verdict *verdict; /* a hook's, or NULL */
	int64_t began;		       /* ms, monotonic */
	bool quiet;		       /* nothing for the log */
	pid_t group;		       /* of the program's processes, or 0 */
	const char *state;	       /* as the title shows it */

	bool ended;
	int code;    /* to close with, if the connection has not failed */
	int blame;   /* an exit status: whose fault the end is */
	bool quoted; /* the reason is the program's own */
	char reason[TALK_REASON];
	char exit[TALK_EXIT]; /* "0", "3", "SIGKILL" of a program, or "-" */
};

/* Returns 0, or -1 with errno. */
int talk_begin(struct talk *, const struct ws_conf *, const struct arrival *);

/* Send the 101, with the subprotocol chosen, these fields and a hook's. */
int talk_open(struct talk *, const struct names *fields);

/*
 * The conversation ends with this close code, for a reason in words, and this
 * exit status says whose fault it is.  Returns -1.
 */
int talk_end(struct talk *, int code, int blame, const char *format, ...)
    __attribute__((format(printf, 4, 5)));

/* The program ends it, with a code and a reason of its own, or "". */
int talk_end_quoted(struct talk *, int code, const char *reason);

/* Refuse the request; as ws_refuse, which see. */
int talk_refuse(struct talk *, int status, const char *why);

/* Close the connection as talk_end, or its failure, wants it. */
void talk_close(struct talk *);

/* Log a line of somebody's, with the connection's name and what it is. */
void talk_note(const struct talk *, const char *what, const void *p,
    size_t len);

/* Log a line of ours, with the client's address alone; it is printable. */
void talk_say(const struct talk *, const char *text);

/* Write the one log line; the exit status is returned. */
int talk_report(const struct talk *);

/* How a struct talk stands by now: in the title, and as such a line. */
void talk_figures(void *talk);

/*
 * Show a state, which lasts, and the counts in the process's title: now, or
 * when due.  Who moves messages calls the latter after each.
 */
void talk_title(struct talk *, const char *state);
void talk_tick(struct talk *);

#endif
