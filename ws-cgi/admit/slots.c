/*
 * slots.c - slots are locks on bytes.  Refuses to know whom they are for.
 */

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <sha1.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "slots.h"

enum { HASH = 48 }; /* bits */

static_assert(sizeof(off_t) * 8 > HASH + 15 && SLOTS_MAX == 1 << 15,
    "each slot of each key is a byte of its own");

static const char *const names[] = {
	[SLOTS_ALL] = "all",
	[SLOTS_SOURCE] = "source",
	[SLOTS_USER] = "user",
	[SLOTS_PATH] = "path",
};

int
slots_check(const struct stat *st, uid_t user, const char **why)
{
	*why = "is not a directory";
	if (!S_ISDIR(st->st_mode))
		return -1;
	*why = "belongs to another user";
	if (st->st_uid != 0 && st->st_uid != user)
		return -1;
	*why = "others may write to it";
	return (st->st_mode & (S_IWGRP | S_IWOTH)) == 0 ? 0 : -1;
}

/* Keys are anybody's words: nobody is to foresee which of them meet. */
uint64_t
slots_hash(const void *key, size_t size)
{
	uint8_t digest[SHA1_DIGEST_LENGTH];
	uint64_t hash = 0;
	SHA1_CTX sha1;

	SHA1Init(&sha1);
	SHA1Update(&sha1, key, size);
	SHA1Final(digest, &sha1);
	for (int i = 0; i < HASH / 8; i++)
		hash = hash << 8 | digest[i];
	return hash;
}

/* Returns a descriptor, or -1. */
static int
open_directory(const char *dir, const char **why)
{
	const int fd = open(dir, O_PATH | O_DIRECTORY | O_CLOEXEC);
	struct stat st;

	*why = "cannot be opened";
	if (fd == -1)
		return -1;
	if (fstat(fd, &st) == 0 && slots_check(&st, geteuid(), why) == 0)
		return fd;
	close(fd);
	errno = EPERM;
	return -1;
}

/* A lock to write takes a descriptor to write with. */
static int
open_file(int dir, enum slots_kind kind, unsigned int number)
{
	char name[32];

	snprintf(name, sizeof(name), "%s.%u", names[kind], number);
	return openat(dir, name, O_RDWR | O_CREAT | O_NOFOLLOW | O_CLOEXEC,
	    0600);
}

/* Returns 1, 0 when another process has it, or -1. */
static int
take_byte(int fd, off_t at)
{
	struct flock lock = {
		.l_type = F_WRLCK,
		.l_whence = SEEK_SET,
		.l_start = at,
		.l_len = 1,
	};

	if (fcntl(fd, F_SETLK, &lock) == 0)
		return 1;
	return errno == EAGAIN || errno == EACCES ? 0 : -1;
}

/*
 * Take one of the slots of a file: every SLOTS_FILES-th from first on.  Where
 * to begin is anybody's choice, and another one for each process.
 */
static int
take_of_file(int fd, uint64_t hash, int first, int max)
{
	const int count = (max - first + SLOTS_FILES - 1) / SLOTS_FILES;
	const int begin = getpid() / SLOTS_FILES;
	int r = 0;

	for (int i = 0; i < count && r == 0; i++)
		r = take_byte(fd,
		    (off_t)hash * SLOTS_MAX + first +
			(off_t)SLOTS_FILES * ((begin + i) % count));
	return r;
}

/* To close the file would give back all that is locked in it. */
static int
take(int dir, enum slots_kind kind, uint64_t hash, int max)
{
	const int begin = getpid() % SLOTS_FILES;
	int fd, r = 0, error;

	for (int i = 0; i < SLOTS_FILES && r == 0; i++) {
		const int first = (begin + i) % SLOTS_FILES;

		if (first >= max)
			continue;
		fd = open_file(dir, kind,
		    (unsigned int)((hash + (uint64_t)first) % SLOTS_FILES));
		if (fd == -1)
			return -1;
		if ((r = take_of_file(fd, hash, first, max)) == 1)
			return 1;
		error = errno;
		close(fd);
		errno = error;
	}
	return r;
}

int
slots_take(const char *dir, enum slots_kind kind, const void *key, size_t size,
    int max, const char **why)
{
	const int fd = open_directory(dir, why);
	int error, r;

	if (fd == -1)
		return -1;
	*why = "cannot be used";
	r = take(fd, kind, slots_hash(key, size), max);
	error = errno;
	close(fd);
	errno = error;
	return r;
}
