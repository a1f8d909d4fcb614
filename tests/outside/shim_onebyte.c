/*
 * shim_onebyte.c - LD_PRELOAD: every read from a socket delivers one byte.
 *
 * A program that copes with this copes with any cut of its input.  Pipes are
 * left alone unless SHIM_PIPES is 1.  SHIM_READS bounds how many reads of a
 * process are cut, where many MiB would take too long.  What a descriptor is,
 * the kernel is asked at each call: numbers are used again for other things.
 * A confined process may not ask by fstat(2), but may make pipes larger: what
 * is no pipe says so, and no pipe can be as large as this.
 * The __*_chk names are the same calls as _FORTIFY_SOURCE spells them.
 */

#define _GNU_SOURCE
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/uio.h>

#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdlib.h>
#include <unistd.h>

#define REAL(name, type)                                                       \
	static type real;                                                      \
	if (real == NULL)                                                      \
	*(void **)&real = dlsym(RTLD_NEXT, name)

typedef ssize_t (*read_fn)(int, void *, size_t);
typedef ssize_t (*readv_fn)(int, const struct iovec *, int);
typedef ssize_t (*recv_fn)(int, void *, size_t, int);
typedef ssize_t (
    *recvfrom_fn)(int, void *, size_t, int, struct sockaddr *, socklen_t *);
typedef ssize_t (*recvmsg_fn)(int, struct msghdr *, int);

ssize_t __read_chk(int, void *, size_t, size_t);
ssize_t __recv_chk(int, void *, size_t, size_t, int);
ssize_t __recvfrom_chk(int, void *, size_t, size_t, int, struct sockaddr *,
    socklen_t *);

static int pipes;      /* cut reads of pipes too */
static long cuts = -1; /* how many reads to cut, -1 all */

__attribute__((constructor)) static void
settings(void)
{
	const char *value;

	value = getenv("SHIM_PIPES");
	pipes = value != NULL && value[0] == '1';
	value = getenv("SHIM_READS");
	if (value != NULL)
		cuts = strtol(value, NULL, 10);
}

static int
is_cuttable(int fd)
{
	struct stat st;
	int saved = errno, yes;

	if (fstat(fd, &st) == 0)
		yes = S_ISSOCK(st.st_mode) || (S_ISFIFO(st.st_mode) && pipes);
	else
		yes = fcntl(fd, F_SETPIPE_SZ, UINT_MAX) == -1 &&
		    (errno == EBADF || pipes);
	errno = saved;
	return yes;
}

/* Whether this read of fd is cut to one byte. */
static int
limited(int fd)
{
	if (cuts == 0 || !is_cuttable(fd))
		return 0;
	if (cuts > 0)
		cuts--;
	return 1;
}

static size_t
allowed(int fd, size_t size)
{
	return size > 1 && limited(fd) ? 1 : size;
}

/* The first byte that the buffers have room for; 0 if they have none. */
static int
first_byte(const struct iovec *iov, size_t n, struct iovec *one)
{
	while (n > 0 && iov->iov_len == 0) {
		iov++;
		n--;
	}
	if (n == 0)
		return 0;
	one->iov_base = iov->iov_base;
	one->iov_len = 1;
	return 1;
}

ssize_t
read(int fd, void *buf, size_t size)
{
	REAL("read", read_fn);
	return real(fd, buf, allowed(fd, size));
}

ssize_t
readv(int fd, const struct iovec *iov, int n)
{
	struct iovec one;

	REAL("readv", readv_fn);
	if (n > 0 && limited(fd) && first_byte(iov, (size_t)n, &one))
		return real(fd, &one, 1);
	return real(fd, iov, n);
}

ssize_t
recv(int fd, void *buf, size_t size, int flags)
{
	REAL("recv", recv_fn);
	return real(fd, buf, allowed(fd, size), flags);
}

ssize_t
recvfrom(int fd, void *buf, size_t size, int flags, __SOCKADDR_ARG from,
    socklen_t *fromlen)
{
	REAL("recvfrom", recvfrom_fn);
	return real(fd, buf, allowed(fd, size), flags, from.__sockaddr__,
	    fromlen);
}

ssize_t
recvmsg(int fd, struct msghdr *msg, int flags)
{
	struct msghdr copy = *msg;
	struct iovec one;
	ssize_t n;

	REAL("recvmsg", recvmsg_fn);
	if (!limited(fd) || !first_byte(msg->msg_iov, msg->msg_iovlen, &one))
		return real(fd, msg, flags);
	copy.msg_iov = &one;
	copy.msg_iovlen = 1;
	n = real(fd, &copy, flags);
	copy.msg_iov = msg->msg_iov;
	copy.msg_iovlen = msg->msg_iovlen;
	*msg = copy;
	return n;
}

ssize_t
__read_chk(int fd, void *buf, size_t size, size_t room)
{
	if (size > room)
		abort();
	return read(fd, buf, size);
}

ssize_t
__recv_chk(int fd, void *buf, size_t size, size_t room, int flags)
{
	if (size > room)
		abort();
	return recv(fd, buf, size, flags);
}

ssize_t
__recvfrom_chk(int fd, void *buf, size_t size, size_t room, int flags,
    struct sockaddr *from, socklen_t *fromlen)
{
	if (size > room)
		abort();
	return recvfrom(fd, buf, size, flags, from, fromlen);
}
