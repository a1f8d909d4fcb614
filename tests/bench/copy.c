/*
 * copy.c - a program that says what it hears, linked statically: the least
 * that can stand behind a connection.
 */

#include <unistd.h>

int
main(void)
{
	static char bytes[4096];
	ssize_t n;

	while ((n = read(0, bytes, sizeof(bytes))) > 0)
		if (write(1, bytes, (size_t)n) != n)
			return 1;
	return n == 0 ? 0 : 1;
}
