/*
 * format.h - how messages look on a program's pipes.
 *
 *	client ──► message ──► encode ──► bytes ──► standard input
 *	client ◄── message ◄── decode ◄── bytes ◄── standard output
 *
 * Results	0, or -1 when the conversation is to end; talk_end has been told.
 */

#ifndef FORMAT_H
#define FORMAT_H

#include "bridge.h"
#include "buf.h"
#include "utf8.h"

struct pipes;

/*
 * Formats that tell the program of more than messages.  Each adds to p->to,
 * and is not called when the program has closed its input.
 */
struct format_events {
	int (*open)(struct talk *, struct pipes *);
	int (*control)(struct talk *, struct pipes *, enum ws_control type,
	    const void *data, size_t len);
	int (*close)(struct talk *, struct pipes *);
};

/* What a format remembers between two calls. */
struct pipes {
	const struct bridge_conf *conf;
	uint64_t max;	 /* bytes of a message held whole */
	struct buf to;	 /* bytes for the program */
	size_t open;	 /* the last of these: of a message that may fail yet */
	struct buf from; /* bytes of it that are no whole message yet */
	size_t scanned;	 /* how many of these have been looked at */
	uint64_t sent;	 /* bytes of a message whose end has not come yet */
	struct utf8 utf8; /* where in a character these ended */
};

/* What ends a message, where a byte does. */
struct separator {
	char byte;
	const char *name;    /* of the byte */
	const char *escaped; /* as --newline escape writes it */
	const char *ends;    /* what the program writes, as the log says it */
	bool cr;	     /* a CR may stand before it */
};

struct format {
	const char *name;
	const char *help;
	bool streams; /* parts of messages pass as they come */
	bool parts;   /* they are taken, but pass when the message is whole */
	const struct separator *separator;  /* or NULL */
	const struct format_events *events; /* or NULL */

	/*
	 * Add a message, or a part of one, to p->to; p->open is how much of it
	 * the program must not see yet.
	 */
	int (*encode)(struct talk *, struct pipes *, const struct ws_msg *);

	/*
	 * Queue the messages in p->from; end says that there will be no more
	 * bytes.
	 */
	int (*decode)(struct talk *, struct pipes *, bool end);

	/*
	 * Queue a line of standard error, or NULL if the client can't be told
	 * it from a message.  Returns -1 when it is too late for that.
	 */
	int (*error)(struct talk *, const uint8_t *line, size_t len);
};

extern const struct format format_line;
extern const struct format format_nul;
extern const struct format format_netstring;
extern const struct format format_json;
extern const struct format format_raw;

/* By name, or NULL; and one after the other, NULL at the end. */
const struct format *format_find(const char *name);
const struct format *format_at(size_t i);

/* The end when there is no memory for a message; and when the program's
 * message is over the limit. */
int format_no_memory(struct talk *);
int format_too_big(struct talk *, const struct pipes *, const char *what);

extern const struct separator format_newline;

/*
 * Hand on what the separator ends, and at the end what stands without it.  One
 * of over max bytes, a CR not counted, is too big.
 */
int format_each(struct talk *, struct pipes *, bool end, uint64_t max,
    int (*take)(struct talk *, struct pipes *, uint8_t *p, size_t len));

#endif
