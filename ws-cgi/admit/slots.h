/*
 * slots.h - how many come at a time, where no listener counts: under inetd, as
 * CGI, from an application; and where several listeners share one count.
 *
 *	DIR/source.3	... | |#|#| | ...          ... |#| | | ...
 *	                    └ 192.0.2.7 ┘              └ 2001:db8::/64 ┘
 *
 * A slot is a byte in a file of DIR, at a place that a hash of the key and a
 * number give, and is taken by a lock on it: fcntl(2), F_SETLK.  The process
 * holds it as long as it lives, so that any end of it, SIGKILL included, frees
 * the slot, and does nothing for it, so that it needs no right to.
 *
 * The lock is a record lock, and not that of flock(2) on a file for each slot:
 * the files are so many, empty, and with names of ours, whatever keys there
 * are, and none has ever to be removed; no file is opened for a slot that is
 * taken; the lock belongs to the process, and not to a descriptor that a
 * program might have inherited; and lslocks(8) names who holds it, as fuser(1)
 * does.  Of several files the one that a slot is in keeps lists of locks
 * short, which the kernel goes through.
 *
 * Keys of the same 48 bits of a SHA-1 share their slots.
 */

#ifndef SLOTS_H
#define SLOTS_H

#include <stddef.h>
#include <stdint.h>
#include <sys/stat.h>

enum slots_kind { SLOTS_ALL, SLOTS_SOURCE, SLOTS_USER, SLOTS_PATH };

enum {
	SLOTS_FILES = 16, /* of each kind */
	SLOTS_MAX = 32768 /* the most of one key */
};

/*
 * Take one of max for a key of size bytes, for good.  Returns 1; 0 when none is
 * free; or -1 with errno and *why, what could not be done.  No other process
 * has to be waited for, and DIR may be removed and made anew at any time, which
 * frees all.
 */
int slots_take(const char *dir, enum slots_kind, const void *key, size_t size,
    int max, const char **why);

/* What a key is here: these bits of its SHA-1. */
uint64_t slots_hash(const void *key, size_t size);

/*
 * Is the directory one where others cannot take all slots, or ours: this
 * user's or root's, and written to by nobody else?  Returns 0, or -1 with *why.
 */
int slots_check(const struct stat *, uid_t user, const char **why);

#endif
