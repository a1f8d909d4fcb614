/*
 * crypt.h - what is used of libxcrypt's header of this name, whose own takes
 * the headers of glibc.
 */

#ifndef CRYPT_H
#define CRYPT_H

struct crypt_data {
	char room[32768]; /* CRYPT_DATA of libxcrypt */
};

char *crypt_rn(const char *phrase, const char *setting, void *, int size);

#endif
