/*
 * pages.h - plain files for requests that ask for no WebSocket, so that a page
 * and its socket need one command.
 */

#ifndef PAGES_H
#define PAGES_H

#include "talk/talk.h"

/*
 * Answer the request of t with a file below the directory dir, which may be
 * NULL, or refuse it.  Only regular files are served, no names that begin with
 * a dot, and no link is followed, so that nothing outside dir can be had.  With
 * console, that page stands at / where dir has none.
 */
void pages_serve(struct talk *t, const char *dir, bool console);

#endif
