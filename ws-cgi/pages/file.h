/*
 * file.h - a file below a directory, and nothing outside it: no dots, no
 * links, whatever races with us.
 */

#ifndef FILE_H
#define FILE_H

/*
 * Open the file at path, which begins with a slash, below the directory dir;
 * one that ends with a slash is that of index.html there.  No name in it may
 * be empty, begin with a dot or hold a control character or a backslash, and
 * none may be a link.  Returns a descriptor of a file of any kind, opened
 * without waiting, or -1 and errno.
 */
int file_open(const char *dir, const char *path);

#endif
