/*
 * field.h - a field that somebody adds to an answer of ours: RFC 9110 5.
 */

#ifndef FIELD_H
#define FIELD_H

#include <stdbool.h>
#include <stddef.h>

/* The length of the name that text begins with, a colon behind it, or 0. */
size_t field_name(const char *text);

/* RFC 9110 5.5: visible, with spaces and tabs between. */
bool field_is_value(const char *text);

/* Does the handshake write it, or would it mean something of that? */
bool field_is_ours(const char *name, size_t len);

#endif
