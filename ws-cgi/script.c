/*
 * script.c - a file to a command line.  Takes no file that does not name this
 * program in its first line.
 */

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "script.h"

enum { MOST = 65536 }; /* bytes of a script */

struct words {
	char **word;
	int n;
};

static int
add(struct words *w, char *word)
{
	char **more = reallocarray(w->word, (size_t)w->n + 2, sizeof(*more));

	if (more == NULL)
		return -1;
	w->word = more;
	w->word[w->n++] = word;
	w->word[w->n] = NULL;
	return 0;
}

/* "--name argument" is two words. */
static int
add_option(struct words *w, char *line)
{
	char *space = strchr(line, ' ');

	if (space == NULL)
		return add(w, line);
	*space++ = '\0';
	space += strspn(space, " ");
	return add(w, line) == 0 ? add(w, space) : -1;
}

static int
add_lines(struct words *w, char *text)
{
	bool options = true;
	char *line;
	int r = 0;

	while (r == 0 && (line = strsep(&text, "\n")) != NULL) {
		if (options && (*line == '\0' || *line == '#'))
			continue;
		if (!options && text == NULL && *line == '\0')
			break; /* behind the last newline */
		if (options && *line == '-') {
			r = add_option(w, line);
			continue;
		}
		options = false;
		r = add(w, line);
	}
	return r;
}

/* "#!/usr/local/bin/ws-cgi": no option there, and no other interpreter. */
static bool
names_us(const char *text)
{
	static const char name[] = "/ws-cgi";
	const size_t len = strcspn(text, "\r\n"), n = strlen(name);

	return strncmp(text, "#!", 2) == 0 && len > n &&
	    strncmp(text + len - n, name, n) == 0 && text[len] == '\n';
}

/*
 * The name that we were given may be the client's: no file is opened by it, as
 * that alone can wake a process or a device.
 */
static const char *
find(const char *given)
{
	const char *path = getenv("SCRIPT_FILENAME");
	struct stat here, there;

	if (given == NULL || path == NULL || stat(given, &here) == -1 ||
	    stat(path, &there) == -1 || here.st_dev != there.st_dev ||
	    here.st_ino != there.st_ino || !S_ISREG(there.st_mode))
		return NULL;
	return path;
}

/* Returns the text, or NULL with errno. */
static char *
read_text(int fd)
{
	char *text = malloc(MOST + 1);
	ssize_t n = 0;
	size_t size = 0;

	while (text != NULL && size < MOST &&
	    (n = read(fd, text + size, MOST - size)) != 0) {
		if (n == -1 && errno != EINTR)
			break;
		size += n > 0 ? (size_t)n : 0;
	}
	if (text == NULL || n == -1 || size == MOST) {
		if (size == MOST)
			errno = EFBIG;
		free(text);
		return NULL;
	}
	text[size] = '\0';
	return text;
}

static char **
read_words(int fd, char *name, int *argc, const char **why)
{
	struct words w = { 0 };
	char *text = read_text(fd);

	*why = "the script cannot be read";
	if (text == NULL)
		return NULL;
	*why = "no memory";
	if (names_us(text) && add(&w, name) == 0 && add_lines(&w, text) == 0) {
		*argc = w.n;
		return w.word;
	}
	if (!names_us(text))
		*why = "the first line of the script is not #! and the path of "
		       "ws-cgi";
	free(w.word);
	free(text);
	return NULL;
}

char **
script_read(char *const argv[], int *argc, const char **why)
{
	const char *path = argv[0] == NULL ? NULL : find(argv[1]);
	char **words;
	int fd;

	*why = "this is a CGI environment, where the command line may come "
	       "from the request and counts for nothing: write a script that "
	       "begins with #! and the path of ws-cgi, or set WS_CGI_ARGV=1 "
	       "in a wrapper";
	if (path == NULL)
		return NULL;
	*why = "the script cannot be read";
	if ((fd = open(path, O_RDONLY | O_CLOEXEC)) == -1)
		return NULL;
	words = read_words(fd, argv[0], argc, why);
	close(fd);
	return words;
}
