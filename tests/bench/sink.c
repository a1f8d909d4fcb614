/*
 * sink.c - a program that reads lines and says how many, once that many have
 * come.
 *
 *	sink LINES
 */

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

int
main(int argc, char *argv[])
{
	const long want = argc == 2 ? atol(argv[1]) : 0;
	static char bytes[65536];
	long lines = 0;
	const char *p;
	ssize_t n;

	while ((n = read(0, bytes, sizeof(bytes))) > 0) {
		for (p = bytes;
		     (p = memchr(p, '\n', (size_t)(bytes + n - p))) != NULL;
		     p++)
			lines++;
		if (lines == want) {
			printf("%ld\n", lines);
			fflush(stdout);
			lines = 0;
		}
	}
	return 0;
}
