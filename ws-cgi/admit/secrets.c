/*
 * secrets.c - the file as it is now: one that was replaced counts at once.
 * Refuses one that others than its owner may write to, for they may come in.
 */

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "secrets.h"

enum {
	FILE_MAX = 1 << 20, /* bytes */
	SHOWN = 100	    /* bytes of a path in a reason */
};

static int
set_errno(int error)
{
	errno = error;
	return -1;
}

/* Who may write to it may come in. */
static int
check_file(const struct stat *st, const char **why)
{
	if (!S_ISREG(st->st_mode))
		*why = "it is no regular file";
	else if ((st->st_mode & (S_IWGRP | S_IWOTH)) != 0)
		*why = "others than its owner may write to it";
	else if (st->st_size > FILE_MAX)
		*why = "it is larger than 1 MiB";
	else
		return 0;
	return set_errno(0);
}

/* As much as there was at first: a file should be replaced by rename(2). */
static int
read_all(int fd, struct htpasswd *h, size_t size)
{
	ssize_t n = 1;

	if ((h->text = malloc(size + 1)) == NULL)
		return -1;
	while (h->size < size && n != 0) {
		n = read(fd, h->text + h->size, size - h->size);
		if (n == -1 && errno != EINTR)
			return -1;
		h->size += n > 0 ? (size_t)n : 0;
	}
	h->text[h->size] = '\0';
	return 0;
}

/* Links are followed, as secrets that are mounted are links. */
static int
read_file(struct secrets *f, const char **why)
{
	int fd = open(f->path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
	struct stat st;
	int r;

	if (fd == -1)
		return -1;
	r = fstat(fd, &st);
	if (r == 0)
		r = check_file(&st, why);
	if (r == 0)
		r = read_all(fd, &f->rows, (size_t)st.st_size);
	close(fd);
	return r;
}

int
secrets_begin(struct secrets *f, char *why, size_t size)
{
	const char *reason = NULL;

	if (read_file(f, &reason) == 0)
		return 0;
	snprintf(why, size, "%s %.*s: %s", f->option, SHOWN, f->path,
	    reason != NULL ? reason : strerror(errno));
	return 503;
}

int
secrets_wrong(const struct secrets *f, const char *reason, char *why,
    size_t size)
{
	snprintf(why, size, "%s %.*s, line %d: %s", f->option, SHOWN, f->path,
	    f->rows.line, reason);
	return 503;
}

void
secrets_end(struct secrets *f)
{
	if (f->rows.text != NULL)
		explicit_bzero(f->rows.text, f->rows.size);
	free(f->rows.text);
}

int
secrets_verify(struct secrets *f, char *why, size_t size)
{
	struct htpasswd_row row;
	const char *reason;
	int status, r = 1;

	status = secrets_begin(f, why, size);
	while (status == 0 && r == 1)
		r = htpasswd_next(&f->rows, &row, &reason);
	if (status == 0 && r == -1)
		status = secrets_wrong(f, reason, why, size);
	secrets_end(f);
	return status == 0 ? 0 : -1;
}

bool
secrets_open(const char *path)
{
	struct stat st;

	return path != NULL && stat(path, &st) == 0 &&
	    (st.st_mode & S_IROTH) != 0;
}
