/*
 * user.h - what may be the name of a user, whoever has named it: it goes into a
 * variable, a title and a log.
 */

#ifndef USER_H
#define USER_H

enum { USER_NAME = 255 }; /* bytes, the longest */

/*
 * Is it one: UTF-8, without controls?  Returns 0, or -1 with *why, without a
 * byte of it.
 */
int user_check(const char *name, const char **why);

#endif
