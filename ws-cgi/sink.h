/*
 * sink.h - where lines of the log go: standard error, syslog(3), or a file.
 *
 *	file ──► (cannot be written to) ──► standard error, or syslog where
 *	                                    that is the connection itself
 *
 * Before each line it is seen whether what is at the path is still the file
 * that is open; if not, the path is opened anew.  So a file may be renamed, as
 * logrotate(8) does it, and all processes follow without being told.  While
 * the path cannot be opened, lines go on into the file that it was.
 *
 * A file stays open across exec for who is told so in WS_CGI_LOG: a successor
 * may have given up the right to open it.
 */

#ifndef SINK_H
#define SINK_H

#include <stdbool.h>
#include <stddef.h>

/* Standard error is no place for lines: syslog is. */
void sink_syslog(void);

/*
 * A file is.  The path is kept, and no link is followed at its end.  Returns 0,
 * or -1 with errno.
 */
int sink_file(const char *path);

/* Do lines go to syslog, which stamps them itself? */
bool sink_stamps(void);

/*
 * Write a line of len bytes, a newline at its end, in one write(2).  Returns
 * NULL, or once, with errno, the path of a file that fails from now on.
 */
const char *sink_write(const char *line, size_t len);

/* closefrom(2), but for the file; and is this descriptor it? */
void sink_closefrom(int first);
bool sink_holds(int fd);

/* What lines may still need of the system, for which this is the last time. */
struct sink_needs {
	const char *path; /* a file, which is opened anew if need be, or NULL */
	bool file;	  /* that or another is written to */
	bool syslog;
};

void sink_settle(struct sink_needs *);

/* Leave the file open across exec; or not any more. */
void sink_pass(bool);

#endif
