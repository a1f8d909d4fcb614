/*
 * values.h - what the argument of an option may be, and how it is kept.
 *
 * Results	0, or -1 with *why: what would be right.  arg is kept where a
 *		text is kept: it is the command line's.
 */

#ifndef VALUES_H
#define VALUES_H

/* bool: an option without an argument */
int value_true(void *target, const char *arg, const char **why);

/* const char *: any text but none */
int value_text(void *target, const char *arg, const char **why);

/* struct rights: a user; gid_t: a group */
int value_user(void *target, const char *arg, const char **why);
int value_group(void *target, const char *arg, const char **why);

/* struct addresses: ADDRESS, added; and one where SCGI is spoken */
int value_address(void *target, const char *arg, const char **why);
int value_receive(void *target, const char *arg, const char **why);

/* struct addresses: ADDRESS, added, of which all are sent to https */
int value_redirect(void *target, const char *arg, const char **why);

/* int: the number of a descriptor that is open; struct given: both ways */
int value_descriptor(void *target, const char *arg, const char **why);
int value_descriptors(void *target, const char *arg, const char **why);

/* int: seconds with at most three decimals, or "never", as ms or -1 */
int value_seconds(void *target, const char *arg, const char **why);

/* int64_t: bytes, perhaps with K, M or G, or "none", which is -1 */
int value_size(void *target, const char *arg, const char **why);

/* int64_t: a number, or "none", which is -1 */
int value_number(void *target, const char *arg, const char **why);

/* int: from 1 to 30000; and that, or "none", which is 0 */
int value_count(void *target, const char *arg, const char **why);
int value_most(void *target, const char *arg, const char **why);

/* struct source_bits: "32" or "32,64" */
int value_source_bits(void *target, const char *arg, const char **why);

/* struct penalties_conf: "crash=90,min=15", what is not named stays, or "none";
 * and who is exempt, added, or "none" */
int value_penalties(void *target, const char *arg, const char **why);
int value_exempt(void *target, const char *arg, const char **why);

/* int: bits of a window, 9 to 15; and one of zlib's levels, 1 to 9 */
int value_window(void *target, const char *arg, const char **why);
int value_level(void *target, const char *arg, const char **why);

/* const char *: stderr, syslog or a path with a slash */
int value_log(void *target, const char *arg, const char **why);

/* const char *: a directory that is there */
int value_directory(void *target, const char *arg, const char **why);

/* struct networks: who is trusted, added */
int value_networks(void *target, const char *arg, const char **why);

/* bool: false for x-forwarded-for, true for forwarded */
int value_forwarded(void *target, const char *arg, const char **why);

#endif
