/*
 * page.h - a file, whole, in part, or not, since the client has it: RFC 9110.
 */

#ifndef PAGE_H
#define PAGE_H

#include <sys/stat.h>

#include "talk/talk.h"

/* Answer the request of t, GET or HEAD, with the regular file at fd. */
void page_answer(struct talk *t, int fd, const struct stat *st);

#endif
