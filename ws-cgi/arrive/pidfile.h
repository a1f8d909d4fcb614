/*
 * pidfile.h - the listener's process id, in a file.
 */

#ifndef PIDFILE_H
#define PIDFILE_H

/* At no time is there half a file.  Returns 0, or -1 with errno set. */
int pidfile_begin(const char *path);

/* Remove it, if it is ours still and may be removed. */
void pidfile_end(const char *path);

#endif
