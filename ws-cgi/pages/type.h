/*
 * type.h - what a file is, from its name: RFC 9110 8.3.
 */

#ifndef TYPE_H
#define TYPE_H

/*
 * The media type of the file that a path names, as Content-Type wants it.  A
 * path that ends in a slash is that of a page.
 */
const char *type_of(const char *path);

#endif
