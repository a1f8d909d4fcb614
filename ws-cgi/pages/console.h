/*
 * console.h - a page, built in, from which a person talks to the service.
 */

#ifndef CONSOLE_H
#define CONSOLE_H

#include <stddef.h>

#include "talk/talk.h"

/* console.html, which the Makefile turns into this. */
extern const unsigned char console_html[];
extern const size_t console_html_size;

/* Answer the request of t, which is GET or HEAD, with the page. */
void console_answer(struct talk *t);

#endif
