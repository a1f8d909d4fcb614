/*
 * nothing.c - the least that a program can be: linked statically, and against
 * the C library, it is what starting one costs.
 */

int
main(void)
{
	return 0;
}
