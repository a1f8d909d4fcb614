/*
 * choices.h - what a service is to be like: arguments of options, as values.h
 * has others, that only one who serves WebSockets understands.
 *
 * Results	0, or -1 with *why: what would be right.  arg is kept where a
 *		text is kept: it is the command line's.
 */

#ifndef CHOICES_H
#define CHOICES_H

/* struct names: any text, added */
int choice_name(void *target, const char *arg, const char **why);

/* struct names: NAME or NAME=WORDS, added */
int choice_protocol(void *target, const char *arg, const char **why);

/* the policies of bridge.h by their names, in this order */
int choice_newline(void *target, const char *arg, const char **why);
int choice_bad_text(void *target, const char *arg, const char **why);
int choice_stderr(void *target, const char *arg, const char **why);

/* const struct format *: by its name */
int choice_format(void *target, const char *arg, const char **why);

/* struct spawn_limits: NAME=VALUE, added */
int choice_limit(void *target, const char *arg, const char **why);

/* struct names: "*" or an origin as browsers write it, added; not "null" */
int choice_origin(void *target, const char *arg, const char **why);

/* struct names: "Name: value" for a response, added; not the handshake's own */
int choice_header(void *target, const char *arg, const char **why);

/* const char *: the name of a field that can be a variable */
int choice_field(void *target, const char *arg, const char **why);

/* struct names: NAME or PREFIX_*, added; none that a request may set */
int choice_variable(void *target, const char *arg, const char **why);

/* struct names: a host, with or without a port, added */
int choice_host(void *target, const char *arg, const char **why);

/* The policies' names, for those who show them. */
extern const char *const newline_names[];
extern const char *const bad_text_names[];
extern const char *const stderr_names[];
const char *choice_resource(int resource);

#endif
