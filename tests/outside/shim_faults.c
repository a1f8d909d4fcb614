/*
 * shim_faults.c - LD_PRELOAD: one fault of the operating system, by name.
 *
 *	SHIM_FAULT=malloc:7	the 7th allocation, mmap(2) being one as well,
 *				finds no memory
 *	SHIM_FAULT=child-malloc:7	in each forked child, the 7th of its own
 *	SHIM_FAULT=short-write	sockets and pipes take 1 to 3 bytes at a time
 *	SHIM_FAULT=eintr	each call below that may wait is interrupted
 *				the first time, the fourth, the seventh, ...
 *	SHIM_FAULT=eagain	each second send finds no room
 *
 * When a call is struck for the first time in a process, a line with its name
 * is added to the file that SHIM_HITS names: a test proves by it that the fault
 * was there.  The file is mapped from the start, since a process may have given
 * up the right to open it; NULs follow what is said.  The __*_chk names are the same calls as _FORTIFY_SOURCE spells
 * them.
 */

#define _GNU_SOURCE
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/wait.h>

#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define REAL(name, type)                                                       \
	static type real;                                                      \
	if (real == NULL)                                                      \
	*(void **)&real = dlsym(RTLD_NEXT, name)

typedef int (*accept4_fn)(int, struct sockaddr *, socklen_t *, int);
typedef void *(*mmap_fn)(void *, size_t, int, int, int, off_t);
typedef int (*poll_fn)(struct pollfd *, nfds_t, int);
typedef int (*ppoll_fn)(struct pollfd *, nfds_t, const struct timespec *,
    const sigset_t *);
typedef ssize_t (*read_fn)(int, void *, size_t);
typedef ssize_t (*recv_fn)(int, void *, size_t, int);
typedef ssize_t (*send_fn)(int, const void *, size_t, int);
typedef pid_t (*waitpid_fn)(pid_t, int *, int);
typedef ssize_t (*write_fn)(int, const void *, size_t);

int __poll_chk(struct pollfd *, nfds_t, int, size_t);
int __ppoll_chk(struct pollfd *, nfds_t, const struct timespec *,
    const sigset_t *, size_t);
ssize_t __read_chk(int, void *, size_t, size_t);
ssize_t __recv_chk(int, void *, size_t, size_t, int);

/* What malloc(3) is in the C library. */
void *__libc_malloc(size_t);
void *__libc_calloc(size_t, size_t);
void *__libc_realloc(void *, size_t);

struct call {
	const char *name;
	unsigned int times;
	int told;
};

static enum { NONE, MALLOC, SHORT_WRITE, INTERRUPT, AGAIN } fault;
static unsigned long allocation_struck, allocations, childs_struck;

enum { ROOM = 4000 };

static struct hits {
	char text[ROOM];
	unsigned int used;
} * hits;

static struct hits *
map_hits(const char *path)
{
	const int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
	void *p;

	if (fd == -1 || ftruncate(fd, sizeof(*hits)) == -1)
		abort();
	p = mmap(NULL, sizeof(*hits), PROT_READ | PROT_WRITE, MAP_SHARED, fd,
	    0);
	if (p == MAP_FAILED)
		abort();
	close(fd);
	return p;
}

static void
forked(void)
{
	allocations = 0;
	allocation_struck = childs_struck;
}

__attribute__((constructor)) static void
settings(void)
{
	const char *value = getenv("SHIM_FAULT");
	const char *path = getenv("SHIM_HITS");

	if (value == NULL || path == NULL)
		return;
	hits = map_hits(path);
	if (strncmp(value, "malloc:", 7) == 0) {
		allocation_struck = strtoul(value + 7, NULL, 10);
		fault = MALLOC;
	} else if (strncmp(value, "child-malloc:", 13) == 0) {
		pthread_atfork(NULL, NULL, forked);
		childs_struck = strtoul(value + 13, NULL, 10);
		fault = MALLOC;
	} else if (strcmp(value, "short-write") == 0)
		fault = SHORT_WRITE;
	else if (strcmp(value, "eintr") == 0)
		fault = INTERRUPT;
	else if (strcmp(value, "eagain") == 0)
		fault = AGAIN;
}

static void
tell(struct call *c)
{
	const size_t len = strlen(c->name);
	size_t at;

	if (c->told)
		return;
	c->told = 1;
	at = __atomic_fetch_add(&hits->used, len + 1, __ATOMIC_SEQ_CST);
	if (at + len + 1 > ROOM)
		abort();
	memcpy(hits->text + at, c->name, len);
	hits->text[at + len] = '\n';
}

/* Is this the time, of so many, when the call fails?  Then errno is set. */
static int
struck(struct call *c, unsigned int each, int error)
{
	if (c->times++ % each != 0)
		return 0;
	tell(c);
	errno = error;
	return 1;
}

static int
interrupted(struct call *c)
{
	return fault == INTERRUPT && struck(c, 3, EINTR);
}

static int
no_memory(struct call *c)
{
	if (fault != MALLOC || ++allocations != allocation_struck)
		return 0;
	tell(c);
	errno = ENOMEM;
	return 1;
}

/* A log is left alone: what is on descriptor 2, or appended to. */
static int
is_stream(int fd)
{
	const int saved = errno, flags = fcntl(fd, F_GETFL);

	errno = saved;
	return fd != STDERR_FILENO && flags != -1 && (flags & O_APPEND) == 0;
}

/* How many of size bytes are taken. */
static size_t
room(struct call *c, size_t size)
{
	size_t most = c->times % 3 + 1;

	if (fault != SHORT_WRITE || size <= most)
		return size;
	c->times++;
	tell(c);
	return most;
}

void *
malloc(size_t size)
{
	static struct call call = { .name = "malloc" };

	return no_memory(&call) ? NULL : __libc_malloc(size);
}

void *
calloc(size_t n, size_t size)
{
	static struct call call = { .name = "calloc" };

	return no_memory(&call) ? NULL : __libc_calloc(n, size);
}

void *
realloc(void *p, size_t size)
{
	static struct call call = { .name = "realloc" };

	return no_memory(&call) ? NULL : __libc_realloc(p, size);
}

void *
mmap(void *at, size_t size, int may, int flags, int fd, off_t from)
{
	static struct call call = { .name = "mmap" };

	REAL("mmap", mmap_fn);
	return no_memory(&call) ? MAP_FAILED :
				  real(at, size, may, flags, fd, from);
}

int
accept4(int fd, __SOCKADDR_ARG from, socklen_t *size, int flags)
{
	static struct call call = { .name = "accept4" };

	REAL("accept4", accept4_fn);
	return interrupted(&call) ? -1 :
				    real(fd, from.__sockaddr__, size, flags);
}

int
poll(struct pollfd *fds, nfds_t n, int ms)
{
	static struct call call = { .name = "poll" };

	REAL("poll", poll_fn);
	return interrupted(&call) ? -1 : real(fds, n, ms);
}

int
ppoll(struct pollfd *fds, nfds_t n, const struct timespec *timeout,
    const sigset_t *mask)
{
	static struct call call = { .name = "ppoll" };

	REAL("ppoll", ppoll_fn);
	return interrupted(&call) ? -1 : real(fds, n, timeout, mask);
}

ssize_t
read(int fd, void *buf, size_t size)
{
	static struct call call = { .name = "read" };

	REAL("read", read_fn);
	return is_stream(fd) && interrupted(&call) ? -1 : real(fd, buf, size);
}

ssize_t
recv(int fd, void *buf, size_t size, int flags)
{
	static struct call call = { .name = "recv" };

	REAL("recv", recv_fn);
	return interrupted(&call) ? -1 : real(fd, buf, size, flags);
}

ssize_t
send(int fd, const void *buf, size_t size, int flags)
{
	static struct call call = { .name = "send" };

	REAL("send", send_fn);
	if (interrupted(&call) || (fault == AGAIN && struck(&call, 2, EAGAIN)))
		return -1;
	return real(fd, buf, room(&call, size), flags);
}

pid_t
waitpid(pid_t pid, int *status, int options)
{
	static struct call call = { .name = "waitpid" };

	REAL("waitpid", waitpid_fn);
	return interrupted(&call) ? -1 : real(pid, status, options);
}

ssize_t
write(int fd, const void *buf, size_t size)
{
	static struct call call = { .name = "write" };

	REAL("write", write_fn);
	if (!is_stream(fd))
		return real(fd, buf, size);
	return interrupted(&call) ? -1 : real(fd, buf, room(&call, size));
}

int
__poll_chk(struct pollfd *fds, nfds_t n, int ms, size_t size)
{
	if (size / sizeof(*fds) < n)
		abort();
	return poll(fds, n, ms);
}

int
__ppoll_chk(struct pollfd *fds, nfds_t n, const struct timespec *timeout,
    const sigset_t *mask, size_t size)
{
	if (size / sizeof(*fds) < n)
		abort();
	return ppoll(fds, n, timeout, mask);
}

ssize_t
__read_chk(int fd, void *buf, size_t size, size_t most)
{
	if (size > most)
		abort();
	return read(fd, buf, size);
}

ssize_t
__recv_chk(int fd, void *buf, size_t size, size_t most, int flags)
{
	if (size > most)
		abort();
	return recv(fd, buf, size, flags);
}
