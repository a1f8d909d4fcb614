/*
 * validator.c - a file is known by its size, its time of modification and its
 * number in the file system, so that one that is replaced within a tick of the
 * clock is another one, too.
 */

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "ascii.h"
#include "validator.h"

enum comparison { STRONG, WEAK }; /* RFC 9110 8.8.3.2 */

void
validator_of(struct validator *v, const struct stat *st)
{
	v->modified = st->st_mtim.tv_sec;
	http_date(v->date, v->modified);
	snprintf(v->tag, sizeof(v->tag), "\"%jx-%jx.%lx-%jx\"",
	    (uintmax_t)st->st_size, (uintmax_t)st->st_mtim.tv_sec,
	    (unsigned long)st->st_mtim.tv_nsec, (uintmax_t)st->st_ino);
}

/* In any of the three formats of RFC 9110 5.6.7.  Returns -1 for no date. */
static time_t
date_read(const char *text)
{
	static const char *const formats[] = {
		"%a, %d %b %Y %H:%M:%S GMT",
		"%A, %d-%b-%y %H:%M:%S GMT",
		"%a %b %d %H:%M:%S %Y",
	};
	const char *end;
	struct tm tm;

	for (size_t i = 0; i < sizeof(formats) / sizeof(formats[0]); i++) {
		tm = (struct tm){ 0 };
		end = strptime(text, formats[i], &tm);
		if (end != NULL && *end == '\0')
			return timegm(&tm);
	}
	return -1;
}

/* The quoted part at p, with its W/ cut off if the comparison is weak. */
static bool
tag_is(const char *p, const char *tag, enum comparison how)
{
	if (how == WEAK && strncmp(p, "W/", 2) == 0)
		p += 2;
	return strncmp(p, tag, strlen(tag)) == 0;
}

/* Is it among the entity tags of a list?  A quoted tag may hold commas. */
static bool
tags_have(const char *list, const char *tag, enum comparison how)
{
	const char *p = list;

	while (*(p += strspn(p, " \t,")) != '\0') {
		if (strcmp(p, "*") == 0 || tag_is(p, tag, how))
			return true;
		p += strcspn(p, "\"");
		p += *p == '"';
		p += strcspn(p, "\"");
		p += *p == '"';
	}
	return false;
}

/* A list may stand in several fields of that name. */
static bool
fields_have(const struct ws *ws, const char *name, const char *tag,
    enum comparison how)
{
	const char *found, *value;

	for (size_t i = 0; i < ws_headers(ws); i++) {
		found = ws_header_at(ws, i, &value);
		if (ascii_same(found, name) && tags_have(value, tag, how))
			return true;
	}
	return false;
}

/* Is there a date in the field, and the file no younger? */
static bool
is_since(const struct validator *v, const char *date)
{
	time_t when = date == NULL ? -1 : date_read(date);

	return when != -1 && v->modified <= when;
}

/* In the order of RFC 9110 13.2.2; a tag outdoes a date. */
int
validator_check(const struct validator *v, const struct ws *ws)
{
	const char *unmodified = ws_header(ws, "If-Unmodified-Since");

	if (ws_header(ws, "If-Match") != NULL) {
		if (!fields_have(ws, "If-Match", v->tag, STRONG))
			return 412;
	} else if (unmodified != NULL && date_read(unmodified) != -1 &&
	    !is_since(v, unmodified))
		return 412;
	if (ws_header(ws, "If-None-Match") != NULL)
		return fields_have(ws, "If-None-Match", v->tag, WEAK) ? 304 : 0;
	return is_since(v, ws_header(ws, "If-Modified-Since")) ? 304 : 0;
}

/*
 * RFC 9110 13.1.5: a date counts only as it was told, and once the second that
 * it names is over: until then the file might change and keep it.
 */
bool
validator_range(const struct validator *v, const struct ws *ws)
{
	const char *told = ws_header(ws, "If-Range");

	if (told == NULL || strcmp(told, v->tag) == 0)
		return true;
	return strcmp(told, v->date) == 0 && time(NULL) > v->modified + 1;
}
